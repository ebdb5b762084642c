"""The one frozen type that flows from footage, or from the generator, to the network.

Footage is an iterator of consecutive clips, so that memory does not grow with its length; a
synthetic clip is one such clip with its pulse known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, Float64, Num, UInt8
from torch import Tensor

from pulsephase.errors import ShapeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the generator knows of a clip, beside its pulse.

    Attributes:
        heart_rate_bpm: Instantaneous heart rate at each frame.
        beat_times_s: Times of the beats within the clip.
        parameters: Every drawn scalar by name, with its unit in the name.
        skin_mask: Share of each pixel that is skin, where it was asked for.
    """

    heart_rate_bpm: Float[Tensor, " time"]
    beat_times_s: Float[Tensor, " beats"]
    parameters: Mapping[str, float] = field(default_factory=dict)
    skin_mask: Float[Tensor, "time height width"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Clip:
    """Consecutive frames with their true times.

    Attributes:
        frames: RGB, ``uint8`` in 0..255 (footage as decoded) or floating point in 0..1 (crops).
        times_s: Presentation time of each frame in s, strictly rising.
        pulse: Pulse wave at each frame (rising with blood volume), or none where it is not known.
        boxes: Face box (x, y, width, height) of each frame in pixels of the source, NaN where no
            face was found; none where nobody looked.
        source: Where the frames come from: a file name, or a generator's seed and index.
        truth: The generator's knowledge, or none for footage.
    """

    frames: Num[Tensor, "time 3 height width"]
    times_s: Float64[Tensor, " time"]
    pulse: Float[Tensor, " time"] | None = None
    boxes: Float[Tensor, "time 4"] | None = None
    source: str = ""
    truth: Truth | None = None

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[1] != 3:
            raise ShapeError(
                f"frames have shape {tuple(self.frames.shape)}; "
                "a clip holds (time, 3, height, width): permute the axes"
            )
        if self.times_s.shape != self.frames.shape[:1]:
            raise ShapeError(
                f"{len(self.frames)} frames but times of shape {tuple(self.times_s.shape)}; "
                "give one time in s per frame"
            )

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        time, _, height, width = self.frames.shape
        kind = str(self.frames.dtype).removeprefix("torch.")
        known = "" if self.pulse is None else ", with its pulse"
        source = f" of {self.source}" if self.source else ""
        return f"Clip({time} frames{source}, {width} x {height} pixels, {kind}{known})"


Image = UInt8[np.ndarray, "height width 3"]
"""A frame in RGB."""
Grey = UInt8[np.ndarray, "rows columns"]
"""A frame in grey."""
Box = tuple[float, float, float, float]
"""x and y of the left upper corner, width and height, in pixels of the frame."""


def check_image(frame: Any) -> None:
    """Refuse what is no picture, before anything is made of it.

    Raises:
        ShapeError: If it is not rows by columns by three colours, or holds what is no number.
    """
    shape: tuple[int, ...] = tuple(getattr(frame, "shape", ()))
    if len(shape) != 3 or shape[2] != 3 or min(shape) < 1:
        raise ShapeError(f"a frame has shape {shape}; give rows, columns and three colours (RGB)")
    if frame.dtype.kind not in "uif" or (frame.dtype.kind == "f" and not np.isfinite(frame).all()):
        raise ShapeError(f"a frame of type {frame.dtype} holds what is no number; give pixels")


def shrunk_grey(frame: Image, longest: int) -> tuple[Grey, float]:
    """Return the frame in grey, at most ``longest`` pixels along its longer side, and the scale."""
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    scale = longest / max(grey.shape)
    if scale >= 1:
        return grey, 1.0
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8), scale
