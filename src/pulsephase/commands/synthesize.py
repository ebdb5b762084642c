"""``pulsephase synthesize``."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pulsephase.commands.common import NamedPath, emit, progress, shared_options
from pulsephase.errors import ParameterError

if TYPE_CHECKING:
    from pulsephase.synthetic.config import SynthConfig


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


def _beating_at(config: "SynthConfig", heart_rate: float) -> "SynthConfig":
    """Return a config of one mean rate; the slowest heart beats once before the clip begins."""
    from pulsephase.synthetic.limits import LIMITS

    low, high = LIMITS["PulseRanges"]["heart_rate_bpm"]
    if not low <= heart_rate <= high:
        raise ParameterError(f"--heart-rate is {heart_rate:g} bpm; give from {low:g} to {high:g}")
    pulse = config.pulse
    varied = pulse.respiratory_depth[1] + pulse.mayer_depth[1] + pulse.drift
    warm_up_s = max(pulse.warm_up_s, 1.01 * 60 / (heart_rate * (1 - varied)))
    bpm = (heart_rate, heart_rate)
    return replace(config, pulse=replace(pulse, heart_rate_bpm=bpm, warm_up_s=warm_up_s))


def _see_that_they_can_be_written(out: Path, *, sheet: Path | None, report: Path | None) -> None:
    """Make the folders of sheet and report before the work; neither lies where clips will."""
    from pulsephase.pages.measurement import check_writable

    if sheet is not None and sheet.resolve() == out.resolve():
        raise ParameterError(f"--contact-sheet is {sheet}, as is the folder of the clips; move it")
    folders = {"a contact sheet": sheet and sheet.parent, "a report": report}
    for what, folder in folders.items():
        if folder is not None and out.resolve() in folder.resolve().parents:
            raise ParameterError(f"{what} cannot lie in {folder}, below the clips; move it")
        if folder is not None:
            check_writable(folder, what=what)


@click.command(name="synthesize")
@click.argument("out", type=NamedPath(file_okay=False, path_type=Path))
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
@click.option(
    "--crf",
    type=click.IntRange(0, 51),
    help="Compression of mp4, from none to the most.  [default: 18]",
)
@click.option("--maps", is_flag=True, help="Keep skin mask and perfusion of each pixel too.")
@click.option("--shard", callback=_shard, metavar="I/N", help="Make the I-th of N parts alone.")
@click.option(
    "--contact-sheet",
    "sheet",
    type=NamedPath(dir_okay=False, path_type=Path),
    help="A PNG of the first faces, pulses and spectra.",
)
@click.option(
    "--report",
    type=NamedPath(file_okay=False, path_type=Path),
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
    crf: int | None,
    maps: bool,
    shard: tuple[int, int] | None,
    sheet: Path | None,
    report: Path | None,
    as_json: bool,
    device: str,
) -> int:
    """Make synthetic face video with a known pulse in the folder OUT.

    Each video has a CSV beside it with time, pulse, heart rate and face box of each frame, and a
    ..._truth.npz with all else that is known (npz has it in the same file); a manifest holds seeds,
    parameters, beat times and checksums. A call that was cut off goes on where it stopped; more
    --clips extend a folder. Clip i has the seed SEED + i. The formats ubfc, pure and scamps (needs
    h5py) are the layouts of UBFC-rPPG, PURE and SCAMPS, without CSV. Shards, each with an OUT of
    its own, share the work of --clips; there are no more of them than clips.

    Presets: naive (still, clean, strong pulse), easy, static (no motion, steady light), full, lamps
    (full without a screen), noiseless (full without noise and codec), hard (lamps flicker green or
    magenta), rough (all that hurts at once), null (no pulse), vessel (an oscillator independent of
    the heart rate); easy but for one layer: motion, light, skin, noise, compression (of crops; for
    scenes see --crf), jitter (of the frame times), rate (38-200 bpm).

    Example: pulsephase synthesize runs/synthetic --clips 8 --scene 640x480 --preset easy
    """
    if size is not None and scene is not None:
        raise ParameterError("--size and --scene exclude each other; give one of them")
    if sheet is not None and form in ("ubfc", "pure", "scamps"):
        raise ParameterError(f"--contact-sheet shows no {form}; take another --format for it")
    if scene is not None and name == "compression":
        raise ParameterError(
            "--preset compression is easy with a stand-in for a codec, which scenes do not have; "
            "leave --scene, or take --preset easy --format mp4 --crf 40"
        )
    if crf is not None and form != "mp4":
        raise ParameterError(f"--crf is of H.264, and {form} is not; take --format mp4")

    from pulsephase.synthetic.folder import Request, fulfil
    from pulsephase.synthetic.presets import preset
    from pulsephase.synthetic.sheet import contact_sheet
    from pulsephase.synthetic.write import CRF

    config = replace(preset(name, seconds=seconds), size=36 if size is None else size)
    if heart_rate is not None:
        config = _beating_at(config, heart_rate)
    asked = Request(
        config=config,
        seed=seed,
        format=form,
        scene=scene,
        shard=shard,
        device=device,
        crf=CRF if crf is None else crf,
        maps=maps,
    )
    share = len(asked.seeds(clips))
    _see_that_they_can_be_written(out, sheet=sheet, report=report)
    with progress(f"{share} clips of {name}", share) as advance:
        manifest = fulfil(out, asked, clips=clips, advance=advance)
    if sheet is not None:
        contact_sheet(out, sheet)
    if report is not None:
        from pulsephase.pages.realism import realism, write_realism

        with progress("measuring", clips) as advance:
            found = realism(config, clips=clips, seed=seed, advance=advance)
        facts = {"preset": name, "clips": f"{clips} from seed {seed}", "size": f"{config.size} px"}
        write_realism(report, found, facts=facts)
    if as_json:
        emit({"folder": str(out), **manifest})
    else:
        click.echo(f"{len(manifest['clips'])} clips in {out}")
    return 0
