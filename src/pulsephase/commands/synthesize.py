"""``pulsephase synthesize``."""

from dataclasses import replace
from pathlib import Path

import click

from pulsephase.commands.common import emit, progress, shared_options


def _scene(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    try:
        width, height = (int(part) for part in value.lower().split("x"))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no size; give WxH, such as 640x480") from None
    return width, height


@click.command(name="synthesize")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--clips", default=4, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1.0))
@click.option("--size", default=36, show_default=True, help="Side of square crops in pixels.")
@click.option("--scene", callback=_scene, help="WxH of whole scenes, instead of crops.")
@click.option("--preset", "name", default="full", show_default=True)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--format",
    "form",
    type=click.Choice(["mp4", "ffv1", "npz"]),
    default="mp4",
    show_default=True,
    help="H.264 (lossy), FFV1 (lossless) or arrays.",
)
@click.option(
    "--contact-sheet", "sheet", type=click.Path(dir_okay=False, path_type=Path), help="A PNG."
)
@shared_options
def command(
    out: Path,
    clips: int,
    seconds: float,
    size: int,
    scene: tuple[int, int] | None,
    name: str,
    seed: int,
    form: str,
    sheet: Path | None,
    as_json: bool,
    device: str,
) -> int:
    """Make synthetic face video with a known pulse in the folder OUT.

    Each video has a CSV beside it with time, pulse, heart rate and face box of each frame; a
    manifest holds seeds, parameters and checksums. A call that was cut off goes on where it stopped.

    Example: pulsephase synthesize runs/synthetic --clips 8 --scene 640x480 --preset easy
    """
    from pulsephase.synthetic.folder import contact_sheet, synthesize
    from pulsephase.synthetic.presets import preset
    from pulsephase.synthetic.render import render

    config = replace(preset(name, seconds=seconds), size=size)
    with progress(f"{clips} clips of {name}", clips) as advance:
        manifest = synthesize(
            out, config=config, clips=clips, seed=seed, format=form, scene=scene, advance=advance
        )
    if sheet is not None:
        shown = replace(config, size=max(size, 128))
        contact_sheet([render(seed + index, shown) for index in range(min(clips, 8))], sheet)
    if as_json:
        emit({"folder": str(out), **manifest})
    else:
        click.echo(f"{len(manifest['clips'])} clips in {out}")
    return 0
