"""What does a video file show, and when? Any file that FFmpeg reads, as consecutive clips.

Times are the file's own presentation times, never frame numbers over a rate, so that footage of a
variable rate keeps its rhythm. A display matrix (a phone held upright) is applied. Memory does not
grow with length: one clip holds at most ``chunk_bytes`` of frames.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange

from pulsephase.checks import within
from pulsephase.errors import InputError, ParameterError
from pulsephase.video.clip import Clip, Image
from pulsephase.video.decode import Upright, decoded
from pulsephase.video.streams import announced_s, assumed_hz, opened, plausible

log = logging.getLogger(__name__)

CHUNK_BYTES = 64_000_000
SHORTEST_S = 5.0
FPS = (0.1, 10_000.0)
"""Frames a second that a caller may give in place of a file's own times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What a file says of its video, before it is decoded.

    Attributes:
        path: The file.
        width: Pixels across, as shown (after rotation).
        height: Pixels down, as shown.
        frames: Number of frames the file announces, none if it does not.
        duration_s: Length in s the file announces, none if it does not.
        sample_hz: Average frame rate the file announces, else that of its first two frames.
        rotation_deg: Clockwise turn that the file asks for: 0, 90, 180 or 270.
        assumed_hz: Frame rate that is assumed where the file has no clock; none where it has one.
    """

    path: Path
    width: int
    height: int
    frames: int | None
    duration_s: float | None
    sample_hz: float
    rotation_deg: int
    assumed_hz: float | None = None


def probe(path: str | Path) -> Footage:
    """Look at a video without decoding more than its first frames.

    Args:
        path: A file.

    Raises:
        InputError: If there is no such file, it is a folder or no video, or fewer than two frames
            can be decoded.
    """
    path = Path(path)
    with opened(path) as (container, stream):
        upright = Upright()
        first = []
        for frame, time_s in decoded(path, container, stream, log.debug):
            first.append(time_s)
            image = upright(frame)
            if len(first) == 2:
                break
        _require_two(path, len(first))
        rate = plausible(stream.average_rate)
        return Footage(
            path=path,
            width=image.shape[1],
            height=image.shape[0],
            frames=stream.frames or None,
            duration_s=announced_s(container, stream),
            sample_hz=rate or 1 / (first[1] - first[0]),
            rotation_deg=upright.orientation.rotation_deg,
            assumed_hz=assumed_hz(container, stream),
        )


def read_clips(
    path: str | Path,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    say: Callable[[str], None] = log.warning,
    fps: float | None = None,
) -> Iterator[Clip]:
    """Decode a video into consecutive clips of uint8 RGB frames, with times in s from 0.

    What can be decoded is used: a broken packet is left out, a file that breaks off ends there,
    and a frame without a usable time is dropped or placed by the nominal rate (see
    :class:`~pulsephase.video.times.Clock`). Each of these is reported through ``say``.

    Args:
        path: A file.
        chunk_bytes: Most bytes of frames in one clip (the first clip holds two frames in any case,
            the others one).
        say: Called with one line on everything that was not as it should be.
        fps: Frames a second of the camera, in place of the file's own times; none uses those.

    Yields:
        Clips in order, each as soon as it is full.

    Raises:
        InputError: If there is no such file, it is a folder or no video, or fewer than two frames
            can be decoded.
        ParameterError: If ``chunk_bytes`` is below 1, or ``fps`` not within 0.1 to 10,000.
    """
    if chunk_bytes < 1:
        raise ParameterError(f"chunk_bytes is {chunk_bytes}; give at least 1")
    if fps is not None:
        within("fps", fps, *FPS)
    path = Path(path)
    images: list[Image] = []
    times: list[float] = []
    count = 0
    with opened(path, say) as (container, stream):
        upright = Upright()
        for frame, time_s in decoded(path, container, stream, say, fps=fps):
            image = upright(frame)
            if count >= 2 and (len(images) + 1) * image.nbytes > chunk_bytes:
                yield _clip(path, images, times)
                images, times = [], []
            images.append(image)
            times.append(time_s)
            count += 1
        if upright.resized:
            say(f"{path}: {upright.resized} frames of another size were resized to the first")
    _require_two(path, count)
    yield _clip(path, images, times)


def require_duration(
    path: str | Path, *, frames: int, seconds: float, shortest_s: float = SHORTEST_S
) -> float:
    """Return how long footage lasts, to the end of its last frame; refuse what is too short.

    Args:
        path: The file, for the message.
        frames: Frames decoded.
        seconds: How long they come, pauses left out.
        shortest_s: Least duration; half a frame less still passes.

    Raises:
        InputError: If it lasts less than ``shortest_s``.

    >>> require_duration("a.mp4", frames=301, seconds=10.0) == 10.0
    True
    """
    step_s = seconds / max(frames, 1)
    if seconds < shortest_s - step_s / 2:
        raise InputError(
            f"{path} lasts {seconds:.1f} s ({frames} frames); at least {shortest_s:g} s are "
            "needed: record longer"
        )
    return seconds


def _require_two(path: Path, count: int) -> None:
    if count == 0:
        raise InputError(f"{path} holds no frame that can be decoded; record or copy it again")
    if count == 1:
        raise InputError(f"{path} holds one frame only; give a video")


def _clip(path: Path, images: list[Image], times: list[float]) -> Clip:
    frames = torch.from_numpy(np.stack(images))
    return Clip(
        frames=rearrange(frames, "time height width rgb -> time rgb height width"),  # a view
        times_s=torch.tensor(times, dtype=torch.float64),
        source=str(path),
    )
