"""``pulsephase measure``."""

from pathlib import Path
from typing import Any

import click

from pulsephase.commands.common import NamedPath, emit, fps_option, shared_options, stderr
from pulsephase.errors import InputError, ParameterError, PulsePhaseError
from pulsephase.machine import use_one_thread

METHODS = ("phasenet", "pos", "chrom", "green", "ica", "lgi", "pbv", "omit")  # without torch
VIDEO_ENDINGS = {
    *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".ts"),
    *(".3gp", ".3g2", ".mts", ".m2ts", ".flv", ".ogv", ".mjpeg", ".mjpg"),
    *(".h264", ".264", ".h265", ".265", ".hevc"),
}


@click.command(name="measure")
@click.argument("videos", nargs=-1, required=True, type=NamedPath(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="phasenet",
    show_default=True,
)
@click.option("--weights", default="tiny", show_default=True, help="Shipped name, or a file.")
@click.option("--box", help="X,Y,W,H of the face in pixels, or 'full': the frame is the face.")
@fps_option
@click.option("--save", type=NamedPath(path_type=Path), help="Wave, quality, box: .csv or .npz.")
@click.option("--report", type=NamedPath(path_type=Path), help="Folder for index.html.")
@click.option(
    "--min-quality",
    type=click.FloatRange(0.0, 1.0),
    default=0.65,
    show_default=True,
    help="Probability of being within 3 bpm that a rate must have to be given.",
)
@click.option("--no-frames", is_flag=True, help="Leave faces out of the report.")
@shared_options
def command(
    videos: tuple[Path, ...],
    method: str,
    weights: str,
    box: str | None,
    fps: float | None,
    save: Path | None,
    report: Path | None,
    min_quality: float,
    no_frames: bool,
    as_json: bool,
    device: str,
) -> int:
    """Measure the heart rate in VIDEOS: files, or folders of them.

    With one file, --json prints one object; with more, {"results": [...]}.

    Example: pulsephase measure face.mp4 --report runs/face
    """
    use_one_thread()
    from pulsephase.measurement.measure import Measurement, read_out, write_samples
    from pulsephase.measurement.observation import observe
    from pulsephase.models.phasenet import PhaseNet
    from pulsephase.pages.measurement import check_writable, section_of, write_report

    files = _files(videos)
    if save is not None:
        _check_save(save, files)
    if report is not None:
        check_writable(report)
    faces = _faces(box)
    net = PhaseNet.from_pretrained(weights).to(device)
    found: list[Measurement] = []
    rows: list[dict[str, Any]] = []
    failed = False
    for file in files:
        try:
            with stderr.status(f"measuring {file.name}"):
                seen = observe(file, net=net, faces=faces(), fps=fps)
                result = read_out(seen, method, min_quality=min_quality)
        except PulsePhaseError as error:  # options were checked before: it is this file's
            if len(files) == 1:
                raise
            stderr.print(f"pulsephase: {error}", soft_wrap=True, highlight=False)
            nothing = {"heart_rate_bpm": None, "estimate_bpm": None, "quality": 0.0}
            rows.append({"source": str(file), **nothing, "error": str(error)})
            failed = True
            continue
        found.append(result)
        rows.append(result.as_json())
        if not as_json:
            click.echo(_line(file, result))
    if save is not None and found:
        write_samples(save, found[0])
    if report is not None and found:
        written = write_report(
            report,
            [section_of(result, pictures=not no_frames) for result in found],
            parameters={"method": method, "weights": weights, "box": box or "tracked"},
        )
        stderr.print(f"report: {written}", soft_wrap=True, highlight=False)
    if as_json:
        emit(rows[0] if len(files) == 1 else {"results": rows})
    if failed:
        return 2
    return 0 if all(result.rate.bpm is not None for result in found) else 1


def _line(file: Path, result: Any) -> str:
    rate = result.rate
    if rate.bpm is None and rate.estimate_bpm is not None:
        return (
            f"{file.name}: no heart rate: {rate.reason}; the best guess is "
            f"{rate.estimate_bpm:.1f} bpm, right in {100 * rate.quality:.0f} of 100 like it"
        )
    if rate.bpm is None:
        return f"{file.name}: no heart rate: {rate.reason}"
    shown = f"{rate.bpm:.1f} bpm (quality {rate.quality:.2f}, {result.method})"
    return f"{file.name}: {shown}{result.caveat}"


def _files(videos: tuple[Path, ...]) -> list[Path]:
    files: list[Path] = []
    for path in videos:
        if path.is_dir():
            there = sorted(f for f in path.iterdir() if f.is_file() and f.name[0] != ".")
            inside = [f for f in there if f.suffix.lower() in VIDEO_ENDINGS]  # no ._a.mp4 of a Mac
            if inside and len(inside) < len(there):
                skipped = ", ".join(f.name for f in there if f not in inside)
                stderr.print(f"{path}: no video by their names, left out: {skipped}")
            if not inside:
                raise InputError(
                    f"{path} holds no video ({', '.join(sorted(VIDEO_ENDINGS))}); name a file in it"
                )
            files += inside
        else:
            files.append(path)
    return files


def _check_save(save: Path, files: list[Path]) -> None:
    if len(files) > 1:
        raise ParameterError(f"--save takes one video, found {len(files)}; call once per video")
    if save.suffix not in {".csv", ".npz"}:
        raise ParameterError(f"--save is {save.name!r}; the name must end in .csv or .npz")
    if not save.parent.is_dir():
        raise InputError(f"--save: there is no folder {save.parent}; make it first")


def _faces(box: str | None) -> Any:
    """Return what makes a new source of face boxes for each video."""
    from pulsephase.video.faces import FaceTracker
    from pulsephase.video.pipeline import FixedBox, WholeFrame

    if box is None:
        return FaceTracker
    if box == "full":
        return WholeFrame
    try:
        x, y, width, height = (float(part) for part in box.split(","))
    except ValueError:
        raise ParameterError(
            f"--box is {box!r}; give X,Y,W,H in pixels, such as 200,80,160,160, or 'full'"
        ) from None
    return lambda: FixedBox(x, y, width, height)
