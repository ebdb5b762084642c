"""``pulsephase plant``."""

from pathlib import Path
from typing import Any

import click

from pulsephase.commands.common import emit, progress, shared_options
from pulsephase.errors import InputError, ParameterError
from pulsephase.machine import use_one_thread


@click.command(name="plant")
@click.argument("videos", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for videos and truth, or of the cache.",
)
@click.option(
    "--preset",
    default="plant-full",
    show_default=True,
    help="plant-full, plant-strong, or plant-null (nothing planted).",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of video 0.")
@click.option(
    "--codec",
    type=click.Choice(["lossless", "h264", "vp9", "mpeg4"]),
    default="lossless",
    show_default=True,
    help="What the video is written with.",
)
@click.option("--crf", type=click.IntRange(0, 63), help="Its quality, from the best to the worst.")
@click.option(
    "--seconds",
    default=10.0,
    show_default=True,
    type=click.FloatRange(6.0, 3600.0),
    help="How long a photograph is shown.",
)
@click.option(
    "--cache", is_flag=True, help="Cache crops for train --planted instead; plants nothing yet."
)
@click.option(
    "--variants",
    type=click.IntRange(1, 1000),
    help="With --cache: cache this many planted and coded variants of each video instead.",
)
@shared_options
def command(
    videos: tuple[Path, ...],
    out: Path,
    preset: str,
    seed: int,
    codec: str,
    crf: int | None,
    seconds: float,
    cache: bool,
    variants: int | None,
    as_json: bool,
    device: str,
) -> int:
    """Plant a known pulse into the skin of real footage, and write it with its truth.

    VIDEOS are videos of a face, or photographs, which stand still under a camera's noise. Each is
    written to OUT under its name, with a CSV (time, pulse, heart rate, face box of each frame) and
    a ..._truth.npz beside it, as synthesize has them. The pulse keeps away from the footage's own,
    where POS and CHROM agree on one. Video i has the seed SEED + i; the same seed gives the same
    bytes. A video without a face, with one under 60 px, or under 6 s is said in a line; the others
    go on, and the exit code is 1. In a cache the person is what stands before the first underscore
    of a name.

    Example: pulsephase plant face.mp4 --out runs/planted --preset plant-strong
    """
    use_one_thread()
    from pulsephase.synthetic.plant import plant_preset
    from pulsephase.synthetic.planted_video import check_codec

    ranges = plant_preset(preset)
    if crf is not None:
        check_codec(codec, crf)
    if variants is not None and not cache:
        raise ParameterError("--variants are entries of a cache; give --cache too")
    names = [video.stem for video in videos]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"two videos are called {', '.join(twice)}; rename one of them")
    done: list[dict[str, Any]] = []
    failed: list[str] = []
    with progress("planting" if not cache else "caching", len(videos)) as advance:
        for index, video in enumerate(videos):
            try:
                if cache:
                    done += _cached(video, out, variants, seed=seed + 1000 * index, preset=preset)
                else:
                    from pulsephase.synthetic.consensus import own_bpm
                    from pulsephase.synthetic.plant_file import plant_video

                    known = plant_video(
                        video,
                        out,
                        ranges=ranges,
                        seed=seed + index,
                        own=own_bpm,
                        codec=codec,
                        crf=crf,
                        still_s=seconds,
                    )
                    done.append(known)
            except InputError as error:
                failed.append(" ".join(str(error).split()))
            advance(1)
    if as_json:
        emit({"folder": str(out), "planted": done, "failed": failed})
    else:
        for known in done:
            click.echo(_line(known))
        for line in failed:
            click.echo(f"pulsephase: {line}", err=True)
    return 1 if failed else 0


def _line(known: dict[str, Any]) -> str:
    if "files" not in known:
        return f"{known['name']}: {known['frames']} frames of {known['person']} cached"
    if known["amplitude"] == 0:
        return f"{known['files'][0]}: nothing planted"
    return (
        f"{known['files'][0]}: {known['mean_heart_rate_bpm']:.1f} bpm, "
        f"{100 * known['amplitude']:.2f} % of green"
    )


def _cached(
    video: Path, out: Path, variants: int | None, *, seed: int, preset: str
) -> list[dict[str, Any]]:
    """Cache a video, or variants of it, and return what a line says of each entry."""
    import tempfile

    from pulsephase.synthetic.coded import codec_variants
    from pulsephase.synthetic.consensus import own_bpm
    from pulsephase.synthetic.footage import cache_clip, person_of
    from pulsephase.synthetic.plant import plant_preset

    if variants is None:
        entries = [cache_clip(video, out, person=person_of(video.name), own=own_bpm)]
    else:
        with tempfile.TemporaryDirectory(prefix="pulsephase-") as temporary:
            whole = cache_clip(
                video, temporary, person=person_of(video.name), own=own_bpm, with_skin=False
            )
            entries = codec_variants(
                video,
                whole,
                out,
                seeds=range(seed, seed + variants),
                ranges=plant_preset(preset),
                own=own_bpm,
            )
    return [
        {"name": entry.name, "person": entry.person, "frames": entry.frames} for entry in entries
    ]
