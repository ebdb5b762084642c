"""Which stream of a file is the video, and by which clock does it run?

A file may hold several pictures streams: the video, a lower copy of it, a track of thumbnails, the
cover of a song. A raw stream has no clock at all, and slow motion has one that is not the heart's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from pulsephase.errors import InputError

NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS: raw streams of pictures
SLOWEST_HZ, FASTEST_HZ = 0.01, 10_000.0
"""A rate that a file announces beyond these is none."""
STILL_HZ = 2.5
"""A stream that announces fewer frames a second is a track of thumbnails, beside another one."""
NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails  # the cover of a song
CAPTURE_HZ = "com.android.capture.fps"
LEAST_CAPTURE_HZ, LEAST_SLOWER = 90.0, 1.9
"""Slow motion is recorded at 120 frames a second or more, and shown at half of that or less. A
camera that takes longer in the dark falls below what it announces, too, but not from there."""


@contextmanager
def opened(
    path: Path, say: Callable[[str], None] | None = None
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and choose its video stream, as a player would; name the others.

    Args:
        path: The file.
        say: Called with one line where there was a choice.

    Raises:
        InputError: If there is no such file, or it is a folder, empty, or no video.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; check the name")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a video file")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); record or copy it again")
    try:
        # a local file only: a playlist must not reach out to the network
        container = av.open(
            f"file:{path}",
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",  # a title in another encoding is no reason to refuse
        )
    except (FFmpegError, OSError) as error:
        raise InputError(f"{path} cannot be read as a video: {reason_of(error)}") from error
    with container:
        streams = [each for each in container.streams.video if not each.disposition & NO_VIDEO]
        if not streams:
            raise InputError(f"{path} has no video stream; give a video file")
        chosen, *others = sorted(streams, key=_rank)
        if others and say is not None:
            names = "; ".join(map(_name, others))
            say(f"{path} has {len(streams)} video streams: {_name(chosen)} is read, not {names}")
        chosen.thread_type = "AUTO"
        yield container, chosen


def _rank(stream: VideoStream) -> tuple[bool, bool, int, int]:
    """Order streams: moving pictures, the default one, the largest, the first."""
    still = (plausible(stream.average_rate) or STILL_HZ) < STILL_HZ
    flagged = bool(stream.disposition & Disposition.default)
    return still, not flagged, -stream.width * stream.height, stream.index


def _name(stream: VideoStream) -> str:
    rate = plausible(stream.average_rate)
    hz = "" if rate is None else f" at {rate:.4g} Hz"
    return f"stream {stream.index} ({stream.width} x {stream.height}{hz})"


def plausible(rate: object) -> float | None:
    """Return a rate in Hz that a camera can have, or none."""
    hz = float(rate) if rate else 0.0  # type: ignore[arg-type]
    return hz if SLOWEST_HZ <= hz <= FASTEST_HZ else None


def without_clock(container: InputContainer) -> bool:
    """Tell whether a file holds bare pictures, without times."""
    return bool(container.format.flags & NO_TIMESTAMPS)


def assumed_hz(container: InputContainer, stream: VideoStream) -> float | None:
    """Return the rate that is assumed of a file without a clock, or none if it is known."""
    if not without_clock(container) or plausible(stream.codec_context.framerate):
        return None
    return plausible(stream.average_rate)


def slowed_by(container: InputContainer, stream: VideoStream) -> float:
    """Return by what factor a file plays slower than it was recorded; 1 if it does not.

    Android writes the rate of recording beside the file's own. Apple's phones write slow motion
    with the times of the recording, which are right as they are.
    """
    text = container.metadata.get(CAPTURE_HZ) or stream.metadata.get(CAPTURE_HZ) or ""
    try:
        captured_hz = plausible(float(text))
    except ValueError:
        return 1.0
    shown_hz = plausible(stream.average_rate)
    if captured_hz is None or shown_hz is None or captured_hz < LEAST_CAPTURE_HZ:
        return 1.0
    factor = captured_hz / shown_hz
    return factor if factor >= LEAST_SLOWER else 1.0


def announced_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Return how long the file says that it is, in s, or none if it does not."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def reason_of(error: Exception) -> str:
    """Return what FFmpeg, or the system, says of an error."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
