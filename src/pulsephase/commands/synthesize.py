"""``pulsephase synthesize``."""

from dataclasses import replace
from pathlib import Path

import click

from pulsephase.commands.common import emit, progress, shared_options
from pulsephase.errors import InputError, ParameterError


def _scene(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    try:
        width, height = (int(part) for part in value.lower().split("x"))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no size; give WxH, such as 640x480") from None
    return width, height


def _shard(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    try:
        number, count = (int(part) for part in value.split("/"))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no shard; give I/N, such as 1/4") from None
    return number, count


@click.command(name="synthesize")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--clips", default=4, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1.0))
@click.option("--size", type=int, help="Side of square crops in pixels.  [default: 36]")
@click.option("--scene", callback=_scene, metavar="WxH", help="Whole scenes, instead of crops.")
@click.option("--preset", "name", default="full", show_default=True, help="How hard; see above.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of clip 0.")
@click.option("--heart-rate", type=float, metavar="BPM", help="Fix the mean heart rate.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mp4", "ffv1", "npz", "ubfc", "pure", "scamps"]),
    default="mp4",
    show_default=True,
    help="H.264 (lossy), FFV1 (lossless), arrays with all truth; or as a public set has it.",
)
@click.option("--shard", callback=_shard, metavar="I/N", help="Make the I-th of N parts alone.")
@click.option(
    "--contact-sheet",
    "sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A PNG of the first faces, pulses and spectra.",
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A page of how the clips, as crops, compare with real ones.",
)
@shared_options
def command(
    out: Path,
    clips: int,
    seconds: float,
    size: int | None,
    scene: tuple[int, int] | None,
    name: str,
    seed: int,
    heart_rate: float | None,
    form: str,
    shard: tuple[int, int] | None,
    sheet: Path | None,
    report: Path | None,
    as_json: bool,
    device: str,
) -> int:
    """Make synthetic face video with a known pulse in the folder OUT.

    Each video has a CSV beside it with time, pulse, heart rate and face box of each frame; a
    manifest holds seeds, parameters, beat times and checksums. A call that was cut off goes on
    where it stopped; more --clips extend a folder. Clip i has the seed SEED + i. Rendering is done
    on the CPU. The formats ubfc, pure and scamps (needs h5py) are the layouts of UBFC-rPPG, PURE
    and SCAMPS, without CSV. Shards, each with an OUT of its own, share the work of --clips.

    Presets: naive (still, clean, strong pulse), easy, static (no motion, steady light), full, hard,
    null (no pulse), vessel (an oscillator independent of the heart rate); easy but for one layer:
    motion, light, skin, noise, compression (of crops), jitter (of the frame times), rate (38-200
    bpm).

    Example: pulsephase synthesize runs/synthetic --clips 8 --scene 640x480 --preset easy
    """
    if size is not None and scene is not None:
        raise ParameterError("--size and --scene exclude each other; give one of them")
    if sheet is not None and form in ("ubfc", "pure", "scamps"):
        raise ParameterError(f"--contact-sheet shows no {form}; take another --format for it")
    if sheet is not None and not sheet.parent.is_dir():
        raise InputError(f"--contact-sheet: there is no folder {sheet.parent}; make it first")

    if report is not None:
        from pulsephase.report import check_writable

        check_writable(report)

    from pulsephase.synthetic.folder import synthesize
    from pulsephase.synthetic.presets import preset
    from pulsephase.synthetic.sheet import contact_sheet

    config = replace(preset(name, seconds=seconds), size=36 if size is None else size)
    if heart_rate is not None:
        pulse = replace(config.pulse, heart_rate_bpm=(heart_rate, heart_rate))
        config = replace(config, pulse=pulse)
    share = clips if shard is None else len(range(shard[0] - 1, clips, max(shard[1], 1)))
    with progress(f"{share} clips of {name}", share) as advance:
        manifest = synthesize(
            out,
            config=config,
            clips=clips,
            seed=seed,
            format=form,
            scene=scene,
            shard=shard,
            advance=advance,
        )
    if sheet is not None:
        contact_sheet(out, sheet)
    if report is not None:
        from pulsephase.realism import realism, write_realism

        with progress("measuring", clips) as advance:
            found = realism(config, clips=clips, seed=seed, advance=advance)
        facts = {"preset": name, "clips": f"{clips} from seed {seed}", "size": f"{config.size} px"}
        write_realism(report, found, facts=facts)
    if as_json:
        emit({"folder": str(out), **manifest})
    else:
        click.echo(f"{len(manifest['clips'])} clips in {out}")
    return 0
