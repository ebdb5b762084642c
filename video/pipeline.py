"""From decoded frames to face crops at the network's rate, causal from file to crop.

Each frame goes through the face source, the crop and the resampler before the next one is looked
at, so that frames given one by one, in clips of any length, or as a file give the same bits.
Memory does not grow with length. Nothing depends on frames later than one source frame after a
sample.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32, Num
from torch import Tensor

from pulsephase.errors import ParameterError
from pulsephase.video.clip import Box, Clip, Image, check_image
from pulsephase.video.crops import MARGIN, crop
from pulsephase.video.resample import Resampler

MOST_SAMPLES = 256
"""Most samples in one clip of crops."""
MOST_FILLED_S = 5.0
"""Of a pause, this much is filled with samples without a face, and never more than there was
footage since the last one: work and memory follow the frames, not their clock."""

Sample = tuple[Float32[np.ndarray, " packed"], float]
"""A crop, its box and its pulse in one array, and its time in s."""


@runtime_checkable
class FaceSource(Protocol):
    """What says where the face is: a tracker, or a box that was given.

    Attributes:
        margin: Side of the crop in multiples of the longer side of the box.
    """

    margin: float

    def update(self, frame: Image, time_s: float) -> Box | None:
        """Look at the next frame; return x, y, width, height in pixels, or none for no face."""
        ...


class FixedBox:
    """A face that stays where it is said to be.

    Args:
        x: Left edge in pixels.
        y: Upper edge in pixels.
        width: Pixels across.
        height: Pixels down.
        margin: Side of the crop in multiples of the longer side of the box.

    Raises:
        ParameterError: If the box is not finite or has no area; later, if it lies outside the
            frame.
    """

    def __init__(
        self, x: float, y: float, width: float, height: float, *, margin: float = MARGIN
    ) -> None:
        self.box = (float(x), float(y), float(width), float(height))
        self.margin = margin
        if not (all(map(math.isfinite, self.box)) and width > 0 and height > 0):
            raise ParameterError(
                f"box is {self.box}; give finite x, y and positive width, height in pixels"
            )

    def update(self, frame: Image, time_s: float) -> Box:
        """Return the box."""
        x, y, width, height = self.box
        rows, columns = frame.shape[:2]
        if x >= columns or y >= rows or x + width <= 0 or y + height <= 0:
            raise ParameterError(
                f"box {self.box} lies outside the frame of {columns} x {rows} pixels"
            )
        return self.box


class WholeFrame:
    """A frame that is a face crop already: its largest central square, without margin."""

    margin = 1.0

    def update(self, frame: Image, time_s: float) -> Box:
        """Return the largest central square."""
        height, width = frame.shape[:2]
        side = min(height, width)
        return ((width - side) / 2, (height - side) / 2, float(side), float(side))


class FacePipeline:
    """Frames in, crops on an even grid out; holds one frame of state.

    While there is no face, samples keep coming: their box is NaN and their crop is the last one
    seen (zeros before the first face). A sample between a frame with a face and one without has no
    face. A pause of the footage that is longer than the resampler's limit is filled with such
    samples too, for 5 s at most; what is left of it is skipped, and times jump.

    Args:
        faces: Where the face is.
        size: Pixels along a side of a crop.
        sample_hz: Rate of the crops.
    """

    def __init__(self, faces: FaceSource, *, size: int, sample_hz: float) -> None:
        self.faces = faces
        self.size = size
        self.resampler = Resampler(sample_hz)
        self.crop = np.zeros((3, size, size), np.float32)
        self._most_filled = self._may_fill = math.ceil(MOST_FILLED_S * sample_hz)

    def push(
        self, frame: Num[np.ndarray, "height width 3"], time_s: float, pulse: float = math.nan
    ) -> Iterator[Sample]:
        """Take the next frame, and its pulse; yield the samples (packed) with their times in s."""
        check_image(frame)
        self.resampler.check(time_s)
        box = self.faces.update(_as_uint8(frame), time_s)
        if box is not None:
            self.crop = crop(frame, box, size=self.size, margin=self.faces.margin)
        place = (math.nan,) * 4 if box is None else box
        packed = np.concatenate([self.crop.ravel(), np.array((*place, pulse), np.float32)])
        index, before = self.resampler.next_index, self.resampler.previous
        samples = self.resampler.push(packed, time_s)
        if before is not None:
            yield from self._lost(before[0], index, self.resampler.next_index - len(samples))
        self._may_fill = min(self._may_fill + len(samples), self._most_filled)
        yield from samples

    def clip(self, samples: Sequence[Sample], *, like: Clip | None = None) -> Clip:
        """Return consecutive samples as a clip, with pulse and source if ``like`` has them."""
        packed = torch.from_numpy(np.stack([array for array, _ in samples]))
        return Clip(
            frames=packed[:, :-5].reshape(-1, 3, self.size, self.size),
            times_s=torch.tensor([time_s for _, time_s in samples], dtype=torch.float64),
            boxes=packed[:, -5:-1],
            pulse=None if like is None or like.pulse is None else packed[:, -1],
            source="" if like is None else like.source,
        )

    def _lost(
        self, packed: Float32[np.ndarray, " packed"], start: int, stop: int
    ) -> Iterator[Sample]:
        stop = min(stop, start + self._may_fill)
        self._may_fill -= max(stop - start, 0)
        for index in range(start, stop):
            held = packed.copy()
            held[-5:] = math.nan
            yield held, self.resampler.origin_s + index / self.resampler.sample_hz


def face_clips(
    clips: Iterable[Clip], *, faces: FaceSource, size: int, sample_hz: float
) -> Iterator[Clip]:
    """Turn decoded clips into consecutive clips of face crops at an even rate.

    Args:
        clips: Consecutive clips of whole frames, such as
            :func:`~pulsephase.video.read.read_clips` yields.
        faces: Where the face is: a new :class:`~pulsephase.video.faces.FaceTracker`,
            a :class:`FixedBox` or :class:`WholeFrame`.
        size: Pixels along a side of a crop.
        sample_hz: Rate of the crops; their times are the first frame's plus n / ``sample_hz``.

    Yields:
        Clips of float32 crops in 0..1 with the box (in pixels of the source) of each sample, NaN
        where there is no face, and the pulse, by time, where the source has one. At least one for
        each clip of the source that completes a sample, none longer than 256 samples.

    Raises:
        SamplingError: If the rate is not positive or times do not rise.
        ParameterError: If a fixed box has no area within the frame, or the size is not positive.
    """
    if size < 1:
        raise ParameterError(f"size is {size}; crops need at least one pixel")
    pipeline = FacePipeline(faces, size=size, sample_hz=sample_hz)
    for clip in clips:
        samples = []
        pulses = [math.nan] * len(clip) if clip.pulse is None else clip.pulse.tolist()
        for frame, time_s, pulse in zip(clip.frames, clip.times_s.tolist(), pulses, strict=True):
            for sample in pipeline.push(_image(frame), time_s, pulse):
                samples.append(sample)
                if len(samples) == MOST_SAMPLES:
                    yield pipeline.clip(samples, like=clip)
                    samples = []
        if samples:
            yield pipeline.clip(samples, like=clip)


def _image(frame: Tensor) -> Num[np.ndarray, "height width 3"]:
    return np.ascontiguousarray(frame.permute(1, 2, 0).numpy())


def _as_uint8(frame: Num[np.ndarray, "height width 3"]) -> Image:
    if frame.dtype == np.uint8:
        return frame
    return np.asarray(np.clip(frame * 255, 0, 255).round(), dtype=np.uint8)
