"""What comes out of FFmpeg: the frames of a file with their times, as far as it can be decoded.

Which way up is a frame? The eight orientations that a display matrix can ask for.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import Float64, UInt8

from pulsephase.errors import InputError
from pulsephase.video.clip import Image
from pulsephase.video.times import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """A transposition, then a mirroring of each axis.

    >>> Orientation.of_matrix(struct.pack("<9i", 0, 1, 0, -1, 0, 0, 0, 0, 1)).rotation_deg
    90
    """

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @classmethod
    def of_matrix(cls, matrix: bytes) -> "Orientation":
        """Read a display matrix; an angle between quarter turns is taken to the nearest."""
        a, b, _, c, d, *_ = struct.unpack("<9i", matrix[:36])
        if abs(b) > abs(a):
            return cls(transposed=True, mirrored_x=c < 0, mirrored_y=b < 0)
        return cls(mirrored_x=a < 0, mirrored_y=d < 0)

    @property
    def rotation_deg(self) -> int:
        """Clockwise turn of the picture's x axis: 0, 90, 180 or 270."""
        if self.transposed:
            return 270 if self.mirrored_y else 90
        return 180 if self.mirrored_x else 0

    def apply(self, image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """Turn an image upright."""
        if self.transposed:
            image = image.transpose(1, 0, 2)
        rows, columns = (
            slice(None, None, -1 if m else 1) for m in (self.mirrored_y, self.mirrored_x)
        )
        return np.ascontiguousarray(image[rows, columns])


EARLY_S = 1.0
"""A file without a frame count that ends this much before its announced end is said to."""


class Upright:
    """Turn decoded frames the way they are meant to be seen, all to the size of the first."""

    def __init__(self) -> None:
        self.orientation = Orientation()
        self.size: tuple[int, int] | None = None
        self.resized = 0

    def __call__(self, frame: VideoFrame) -> Image:
        """Return the frame in RGB, upright."""
        size = (frame.width, frame.height)
        if self.size is None:
            self.size = size
            self.orientation = _orientation(frame)
        self.resized += size != self.size
        width, height = self.size
        rgb = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
        return self.orientation.apply(np.asarray(rgb, dtype=np.uint8))


def _orientation(frame: VideoFrame) -> Orientation:
    # the stub of side_data knows motion vectors only
    side_data = cast(Mapping[SideDataType, SideData], frame.side_data)
    matrix = side_data.get(SideDataType.DISPLAYMATRIX)
    return Orientation() if matrix is None else Orientation.of_matrix(bytes(matrix))


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and choose its first video stream.

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
        raise InputError(f"{path} cannot be read as a video: {_reason(error)}") from error
    with container:
        streams = [
            stream
            for stream in container.streams.video
            if not stream.disposition & Disposition.attached_pic  # the cover of a song
        ]
        if not streams:
            raise InputError(f"{path} has no video stream; give a video file")
        streams[0].thread_type = "AUTO"
        yield container, streams[0]


def decoded(
    path: Path, container: InputContainer, stream: VideoStream, say: Callable[[str], None]
) -> Iterator[tuple[VideoFrame, float]]:
    """Yield every frame that can be decoded with its time, then say what went wrong."""
    rate = stream.guessed_rate or stream.average_rate
    clock = Clock(step_s=float(1 / rate) if rate else None)
    packets = _Packets(container, stream)
    count = 0
    for frame in packets:
        count += 1
        time_s = clock.place(_presented_s(frame, stream))
        if time_s is not None:
            yield frame, time_s
    if packets.stopped:
        say(f"{path} breaks off after {count} frames ({packets.stopped}); what is there is used")
    elif stream.frames > count:
        say(f"{path} ends after {count} of the {stream.frames} frames that it announces")
    elif (
        clock.last_s is not None and (announced_s(container, stream) or 0) > clock.last_s + EARLY_S
    ):
        say(
            f"{path} ends after {clock.last_s:.1f} of the "
            f"{announced_s(container, stream):.1f} s that it announces"
        )
    if packets.broken:
        say(f"{path}: {packets.broken} broken packets were left out")
    for line in clock.report():
        say(f"{path}: {line}")


def announced_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Return how long the file says that it is, in s, or none if it does not."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _presented_s(frame: VideoFrame, stream: VideoStream) -> float | None:
    tick_s = frame.time_base or stream.time_base
    if frame.pts is None or tick_s is None:
        return None
    return float(frame.pts * tick_s)


class _Packets:
    """The decoded frames of a stream; a broken packet is counted, a broken file ends it."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self.container, self.stream = container, stream
        self.broken = 0
        self.stopped = ""

    def __iter__(self) -> Iterator[VideoFrame]:
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError) as error:
                self.stopped = _reason(error)
                return
            if packet is None:
                return
            try:
                frames = self.stream.decode(packet)
            except EOFError:
                return
            except FFmpegError:
                self.broken += 1
                continue
            yield from frames


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def frame_times(path: str | Path) -> Float64[np.ndarray, " time"]:
    """Return the presentation times of all frames in s from the first, without decoding them.

    Raises:
        InputError: If there is no such file, or it is a folder, empty, or no video.
    """
    with opened(Path(path)) as (container, stream):
        tick_s = stream.time_base or 0
        times = [
            float(packet.pts * tick_s)
            for packet in container.demux(stream)
            if packet.pts is not None and packet.size
        ]
    ordered = np.sort(np.array(times, dtype=np.float64))
    return ordered - ordered[:1]
