"""What comes out of FFmpeg: the frames of a file with their times, as far as it can be decoded.

Frames are turned upright by the eight orientations that a display matrix can ask for.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path
from typing import cast

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import Float64, UInt8

from pulsephase.video.clip import Image
from pulsephase.video.streams import (
    announced_s,
    assumed_hz,
    opened,
    plausible,
    reason_of,
    slowed_by,
    without_clock,
)
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


def decoded(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    say: Callable[[str], None],
    *,
    fps: float | None = None,
) -> Iterator[tuple[VideoFrame, float]]:
    """Yield every frame that can be decoded with its time, then say what went wrong.

    Args:
        path: The file, for messages.
        container: Opened.
        stream: Of its streams, this one.
        say: Called with one line on everything that was not as it should be.
        fps: Frames a second, in place of the file's own times.
    """
    by_count = fps is not None or without_clock(container)
    rate = fps or plausible(stream.codec_context.framerate if by_count else stream.guessed_rate)
    rate = rate or plausible(stream.average_rate)
    slower = 1.0 if fps is not None else slowed_by(container, stream)
    for line in _about_the_clock(container, stream, fps, slower):
        say(f"{path} {line}")
    clock = Clock(step_s=1 / rate if rate else None)
    packets = _Packets(container, stream)
    count, first_s = 0, None
    for frame, presented_s in packets:
        count += 1
        first_s = presented_s if first_s is None else first_s
        time_s = clock.place(None if by_count else presented_s)
        if time_s is not None:
            yield frame, time_s / slower
    last_s = clock.last_s or 0.0
    announced = announced_s(container, stream) or 0.0
    early = not by_count and announced > max(last_s, last_s + (first_s or 0.0)) + EARLY_S
    # an AVI has no edit list: all frames that it counts are shown
    fewer = container.format.name == "avi" and stream.frames > count + packets.broken
    if packets.stopped:
        say(f"{path} breaks off after {count} frames ({packets.stopped}); what is there is used")
    elif early or fewer:
        if stream.frames > count:
            say(f"{path} ends after {count} of the {stream.frames} frames that it announces")
        else:
            say(f"{path} ends after {last_s:.1f} of the {announced:.1f} s that it announces")
    if packets.broken:
        say(f"{path}: {packets.broken} broken packets were left out")
    if fps is None:
        for line in clock.report():
            say(f"{path}: {line}")


def _about_the_clock(
    container: InputContainer, stream: VideoStream, fps: float | None, slower: float
) -> Iterator[str]:
    """Say by which clock a file is read, where that is not its own."""
    assumed = assumed_hz(container, stream)
    if fps is not None:
        yield f"is read at {fps:g} frames a second, as given; its own times are not used"
    elif assumed is not None:
        yield (
            f"has no clock: {assumed:g} frames a second are assumed, and a heart rate scales with "
            "them; give the camera's by --fps"
        )
    elif slower > 1:
        yield (
            f"is slow motion: it plays {slower:.3g} times slower than it was recorded; the times "
            "are those of the recording"
        )


def _presented_s(frame: VideoFrame, stream: VideoStream) -> float | None:
    tick_s = frame.time_base or stream.time_base
    if frame.pts is None or tick_s is None:
        return None
    return float(frame.pts * tick_s)


class _Packets:
    """The decoded frames of a stream; a broken packet is counted, a broken file ends it.

    An AVI numbers its packets in the order of decoding. Frames come in the order of display, so
    that the least number that was not yet given is a frame's.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self.container, self.stream = container, stream
        self.broken = 0
        self.stopped = ""
        self._in_order = container.format.name == "avi" and bool(stream.codec_context.has_b_frames)
        self._numbers: list[int] = []

    def __iter__(self) -> Iterator[tuple[VideoFrame, float | None]]:
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError) as error:
                self.stopped = reason_of(error)
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
            if self._in_order and packet.pts is not None and packet.size:
                heappush(self._numbers, packet.pts)
            for frame in frames:
                if self._in_order:
                    frame.pts = heappop(self._numbers) if self._numbers else None
                yield frame, _presented_s(frame, self.stream)


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
