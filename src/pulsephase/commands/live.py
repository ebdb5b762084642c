"""``pulsephase live``."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pulsephase.commands.common import NamedPath, emit, fps_option, shared_options, stderr
from pulsephase.errors import ParameterError
from pulsephase.machine import use_one_thread

if TYPE_CHECKING:
    from pulsephase.measurement.measure import Measurement


@click.command(name="live")
@click.argument("video", required=False, type=NamedPath(path_type=Path))
@click.option("--camera", type=int, help="Number of the camera; 0 if there is no VIDEO.")
@click.option("--all", "every_face", is_flag=True, help="Measure every face in view.")
@click.option("--weights", default="tiny", show_default=True, help="Shipped name, or a file.")
@fps_option
@click.option("--seconds", type=click.FloatRange(0.0, min_open=True), help="Stop after this long.")
@click.option("--record", type=NamedPath(path_type=Path), help="Table of all samples: .csv.")
@click.option("--window", is_flag=True, help="Show the video with the face box.")
@click.option("--no-realtime", is_flag=True, help="Read VIDEO as fast as it goes, all frames.")
@click.option(
    "--min-quality",
    type=click.FloatRange(0.0, 1.0),
    default=0.65,
    show_default=True,
    help="Probability of being within 3 bpm that a rate must have to be given.",
)
@shared_options
def command(
    video: Path | None,
    camera: int | None,
    every_face: bool,
    weights: str,
    fps: float | None,
    seconds: float | None,
    record: Path | None,
    window: bool,
    no_realtime: bool,
    min_quality: float,
    as_json: bool,
    device: str,
) -> int:
    """Show the heart rate in a camera's picture, or in VIDEO played in real time, as it comes.

    Ctrl-C ends it; the rate of all that was seen is then printed, and --record is put in place.

    Example: pulsephase live --record me.csv
    """
    if video is not None and camera is not None:
        raise ParameterError(f"both {video} and --camera {camera} are given; name one of them")
    if no_realtime and video is None:
        raise ParameterError("--no-realtime is for a VIDEO; a camera gives frames when it has them")
    if fps is not None and video is None:
        raise ParameterError("--fps is for a VIDEO; a camera's frames have the times they came at")
    use_one_thread()
    from pulsephase.live.feed import Feed
    from pulsephase.live.monitor import Monitor
    from pulsephase.live.session import watch
    from pulsephase.live.sources import CameraSource, FileSource
    from pulsephase.live.view import view
    from pulsephase.live.window import check_record, check_window, recorder
    from pulsephase.live.window import show as show_window
    from pulsephase.models.phasenet import PhaseNet
    from pulsephase.video.several import SeveralFaces

    if record is not None:
        check_record(record)
    if window:
        check_window()

    def say(text: str) -> None:
        stderr.print(text, soft_wrap=True, highlight=False)

    source = (
        CameraSource(camera or 0, say=say) if video is None else FileSource(video, say=say, fps=fps)
    )
    net = PhaseNet.from_pretrained(weights).to(device)
    faces = SeveralFaces() if every_face else None
    monitor = Monitor(net, faces=faces, min_quality=min_quality)
    with ExitStack() as stack:
        table = stack.enter_context(recorder(record)) if record is not None else None
        show = stack.enter_context(view(stderr))
        state = watch(
            Feed(source, realtime=not no_realtime),
            monitor,
            show=show,
            record=None if table is None else table.add,
            picture=show_window if window else None,
            seconds=seconds,
        )
    results = monitor.results(source.name, assumed_hz=source.assumed_hz, notes=source.notes)
    if as_json:
        emit(
            {
                "source": source.name,
                "frames": state.frames,
                "dropped": state.dropped,
                "latency_s": {
                    "network": state.network_s,
                    "processing": state.processing_s,
                    "rate": state.rate_s,
                },
                "faces": [{"face": n, **each.as_json()} for n, each in results.items()],
            }
        )
    else:
        for number, result in results.items():
            click.echo(f"{source.name}: face {number}: {_told(result)}")
        if not results:
            click.echo(f"{source.name}: no heart rate: no face was seen for 5 s")
    return 0 if any(result.rate.bpm is not None for result in results.values()) else 1


def _told(result: "Measurement") -> str:
    rate = result.rate
    if rate.bpm is None:
        return f"no heart rate: {rate.reason}"
    return f"{rate.bpm:.1f} bpm (quality {rate.quality:.2f}){result.caveat}"
