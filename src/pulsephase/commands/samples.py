"""``pulsephase samples``."""

from pathlib import Path

import click

from pulsephase.commands.common import NamedPath, emit, shared_options, stderr


@click.command(name="samples")
@click.argument("folder", required=False, type=NamedPath(file_okay=False, path_type=Path))
@shared_options
def command(folder: Path | None, as_json: bool, device: str) -> None:
    """Fetch the two public sample videos with contact PPG, into FOLDER or the user's cache.

    They come from the source distribution vitallens 0.1.2 (MIT licence), by pip, and are checked by
    their SHA-256. A second call only checks that they are there.

    Example: pulsephase samples samples/
    """
    from pulsephase.video.samples import fetch_samples

    with stderr.status("fetching 29 MB of sample videos, unless they are here"):
        samples = fetch_samples(folder)
    if as_json:
        rows = [{"video": str(item.video), "labels": str(item.labels)} for item in samples]
        emit({"samples": rows})
        return
    for item in samples:
        click.echo(f"{item.video} {item.labels}")
