"""What can be measured: a file, a clip, an array of frames, or frames one by one.

All of them become consecutive clips with times in s from 0. Frames are checked here, once: their
shape, their type, and that each has a time.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from pulsephase.checks import check_rate
from pulsephase.errors import InputError, ParameterError, SamplingError, ShapeError
from pulsephase.video.clip import Clip, Image
from pulsephase.video.read import CHUNK_BYTES, probe, read_clips

log = logging.getLogger(__name__)

Footage = str | Path | Clip | np.ndarray | Tensor | Iterable[np.ndarray | Tensor]
"""A path, a clip, an array ``(time, height, width, 3)`` of uint8, or an iterable of its frames."""

KINDS = (
    "a path, a Clip, an array of frames (time, height, width, 3) in uint8, or an iterable of "
    "frames (height, width, 3) in uint8"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Footage that was checked as far as it can be without reading it.

    Attributes:
        name: What results and messages call it.
        clips: Gives its consecutive clips; may be called once.
        assumed_hz: Rate that is assumed for a file without a clock, else none.
    """

    name: str
    clips: Callable[[], Iterator[Clip]]
    assumed_hz: float | None = None


def open_footage(
    video: Footage,
    *,
    times_s: Iterable[float] | None = None,
    sample_hz: float | None = None,
    fps: float | None = None,
    say: Callable[[str], None] = log.warning,
) -> Opened:
    """Return footage as clips.

    Args:
        video: A path, a clip, an array of RGB frames ``(time, height, width, 3)`` in uint8, or an
            iterable of such frames.
        times_s: Time of each frame in s, rising. For an array or an iterable of frames.
        sample_hz: Frames per second, instead of times.
        fps: Frames a second of the camera, in place of a file's own times.
        say: Called with what is odd about a file.

    Raises:
        ParameterError: If the video is none of these, or frames have neither times nor a rate, or
            both, or a file or clip is given either.
        SamplingError: If the rate is not positive; while it is read, if times do not rise.
        ShapeError: If an array or, while it is read, a frame has the wrong shape or type, or there
            is not one time for each frame.
    """
    if isinstance(video, str | Path | Clip):
        if times_s is not None or sample_hz is not None:
            word = "times_s" if times_s is not None else "sample_hz"
            kind = "a Clip" if isinstance(video, Clip) else "a file"
            raise ParameterError(f"{word} is given, but {kind} has times of its own; leave it out")
        if isinstance(video, Clip) and fps is None:
            clip = video
            return Opened(name=clip.source or "clip", clips=lambda: iter([_from_zero(clip)]))
        if not isinstance(video, Clip):
            path = video
            return Opened(
                name=str(path),
                clips=lambda: read_clips(path, say=say, fps=fps),
                assumed_hz=probe(path).assumed_hz if fps is None else None,
            )
    if fps is not None:
        raise ParameterError(f"fps is {fps}, but the video is no file; leave it out")
    if not isinstance(video, Iterable) or isinstance(video, bytes):
        raise ParameterError(f"the video is {type(video).__name__}; give {KINDS}")
    if (times_s is None) == (sample_hz is None):
        found = "neither" if times_s is None else "both"
        raise ParameterError(
            f"frames have no times of their own, and {found} of times_s and sample_hz is given; "
            "give times_s (one time in s for each frame) or sample_hz (frames per second)"
        )
    if sample_hz is not None:
        check_rate("sample_hz", sample_hz)
    if times_s is not None and not isinstance(times_s, Iterable):
        raise ParameterError(
            f"times_s is {times_s}; give one time in s for each frame, or a rate as sample_hz"
        )
    frames, times = video, times_s
    if isinstance(frames, np.ndarray | Tensor):
        check_array(frames)
        if isinstance(times, Sized) and len(times) != len(frames):
            raise _not_one_each(len(times), len(frames))
        name = "array of frames"
    else:
        name = "iterator of frames"
    return Opened(
        name=name, clips=lambda: clips_of(frames, times_s=times, sample_hz=sample_hz, name=name)
    )


def _not_one_each(times: int, frames: int) -> ShapeError:
    return ShapeError(
        f"times_s has {times} times for {frames} frames; give one time in s for each frame"
    )


def check_array(frames: Any) -> None:
    """Refuse an array that is not ``(time, height, width, 3)`` in uint8.

    Raises:
        ShapeError: If it is not.
    """
    shape, wanted = tuple(frames.shape), "(time, height, width, 3) in uint8"
    if len(shape) == 4 and shape[3] == 3 and 0 not in shape:
        _check_type(frames, f"the frames of shape {shape}")
        return
    if len(shape) == 4 and shape[1] == 3:
        advice = "move the colours to the end: frames.transpose(0, 2, 3, 1) in numpy"
    elif len(shape) == 4 and shape[3] == 4:
        advice = "leave the fourth channel out: frames[..., :3]"
    elif len(shape) == 3:
        advice = "one frame, or frames without colour, cannot be measured"
    else:
        advice = "stack RGB frames of one size along the first axis"
    raise ShapeError(f"the frames have shape {shape}; give {wanted}: {advice}")


def _check_type(frames: Any, what: str) -> None:
    if frames.dtype in (np.dtype(np.uint8), torch.uint8):
        return
    raise ShapeError(
        f"{what} are {frames.dtype}; give uint8 in 0..255: multiply numbers in 0..1 by 255, round "
        "them, and convert with .astype(numpy.uint8)"
    )


def _times(times_s: Iterable[float] | None, sample_hz: float | None) -> Iterator[float]:
    if times_s is not None:
        return (float(time_s) for time_s in times_s)
    assert sample_hz is not None
    return (index / sample_hz for index in count())


def clips_of(
    frames: Iterable[np.ndarray | Tensor],
    *,
    times_s: Iterable[float] | None,
    sample_hz: float | None,
    name: str,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[Clip]:
    """Yield frames as consecutive clips with times from 0.

    Args:
        frames: RGB frames ``(height, width, 3)`` in uint8, all of one size.
        times_s: One time in s for each, rising; none takes ``sample_hz``.
        sample_hz: Frames per second.
        name: What the clips and messages call them.
        chunk_bytes: Most bytes of frames in one clip; the first clip holds two frames in any case.

    Raises:
        InputError: If there are fewer than two frames.
        SamplingError: If a time is not finite, or not later than the one before.
        ShapeError: If a frame has the wrong shape or type, or there is not one time for each.
    """
    times_of_frames = _times(times_s, sample_hz)
    images: list[Image] = []
    times: list[float] = []
    shape: tuple[int, ...] = ()
    first_s = last_s = math.nan
    index = 0
    for frame in frames:
        image = _image(frame, index, shape)
        time_s = next(times_of_frames, None)
        if time_s is None:
            raise ShapeError(
                f"times_s has {index} times, and there are more frames; "
                "give one time in s for each frame"
            )
        if not math.isfinite(time_s) or time_s <= last_s:
            raise SamplingError(
                f"times_s[{index}] is {time_s}"
                + (f" after {last_s}" if index else "")
                + "; times must be finite and rise: sort the frames and leave repeated ones out"
            )
        first_s = time_s if index == 0 else first_s
        if index >= 2 and (len(images) + 1) * image.nbytes > chunk_bytes:
            yield _clip(images, times, name)
            images, times = [], []
        images.append(image)
        times.append(time_s - first_s)
        last_s, shape = time_s, image.shape
        index += 1
    if isinstance(times_s, Sized) and len(times_s) != index:
        raise _not_one_each(len(times_s), index)
    if index < 2:
        raise InputError(f"the {name} holds {index} frames; give at least two, 5 s or more of them")
    yield _clip(images, times, name)


def _image(frame: Any, index: int, shape: tuple[int, ...]) -> Image:
    """Return a copy of a frame, checked against the frame before."""
    if not isinstance(frame, np.ndarray | Tensor):
        raise ShapeError(
            f"frame {index} is {type(frame).__name__}; give arrays (height, width, 3) in uint8"
        )
    found = tuple(frame.shape)
    if len(found) != 3 or found[2] != 3 or 0 in found:
        raise ShapeError(f"frame {index} has shape {found}; give (height, width, 3) in uint8, RGB")
    if shape and found != shape:
        raise ShapeError(
            f"frame {index} has shape {found} and the frame before {shape}; "
            "resize all frames to one size"
        )
    _check_type(frame, f"the values of frame {index}")
    return np.array(frame.cpu().numpy() if isinstance(frame, Tensor) else frame)


def _clip(images: list[Image], times_s: list[float], name: str) -> Clip:
    frames = torch.from_numpy(np.stack(images))
    return Clip(
        frames=rearrange(frames, "time height width rgb -> time rgb height width"),  # a view
        times_s=torch.tensor(times_s, dtype=torch.float64),
        source=name,
    )


def _from_zero(clip: Clip) -> Clip:
    if len(clip) < 2:
        raise InputError(f"the clip holds {len(clip)} frames; give at least 5 s of them")
    return replace(clip, frames=clip.frames.cpu(), times_s=clip.times_s - clip.times_s[0])
