"""Where in a tracked face is skin? A soft mask in 0..1 that follows the box, by past frames only.

An ellipse in the box says where skin may be; what within it has the colour of the cheeks is skin.
So eyes, brows, mouth, hair and what is behind the head count little. The mask is for planting and
for weighing, not for telling faces apart: nothing here was learnt.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, Num

from pulsephase.video.clip import Box, Image

LONGEST = 112
"""Pixels along the longer side of the picture in which colours are looked at."""
AHEAD = 1.92
"""Side of the square that is looked at, in multiples of the longer side of the box."""
AXES, UP = (0.43, 0.58), 0.05
"""Half axes of the ellipse in widths and heights of the box, and how far above its centre it is."""
SETTLE_S = 1.0
"""Time constant of the reference colour and of the mask, in which compression trembles."""
WARM, COLD = 0.10, 0.16
"""Spread of the logarithms of red over green, and of blue over green, of one person's skin."""


class SkinPatch(NamedTuple):
    """The part of a frame that was looked at, and the mask on its pixels.

    Attributes:
        left: First column.
        top: First row.
        mask: Share of each pixel that counts as skin.
    """

    left: int
    top: int
    mask: Float32[np.ndarray, "rows columns"]

    def of(
        self, frame: Num[np.ndarray, "height width *rest"]
    ) -> Num[np.ndarray, "rows columns *rest"]:
        """Return the pixels of a frame in the patch, a view."""
        rows, columns = self.mask.shape
        return frame[self.top : self.top + rows, self.left : self.left + columns]


def around(box: Box, *, columns: int, rows: int, side: float = AHEAD) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the square around a box, cut to the frame."""
    x, y, width, height = box
    half = side * max(width, height) / 2
    across, down = x + width / 2, y + height / 2
    left, top = max(0, math.floor(across - half)), max(0, math.floor(down - half))
    right = min(columns, math.ceil(across + half))
    return left, top, max(right, left + 1), max(min(rows, math.ceil(down + half)), top + 1)


class SkinMask:
    r"""Masks of one face, frame after frame.

    With the ellipse :math:`e(p)` and the colour
    :math:`q = (\log r/g, \log b/g)` of a pixel against that of the cheeks,

    .. math:: s = e\,\exp(-|(q - q_0)/\sigma|^4)\,\ell,

    where :math:`\ell` goes from 0 to 1 as the pixel is 0.35 to 0.6 as bright as the cheeks. The
    reference follows the median of the inner ellipse within a second; the mask itself is averaged
    over some tenths of a second in the frame of the box.
    """

    def __init__(self) -> None:
        self._colour: Float32[np.ndarray, " 3"] | None = None
        self._smooth: Float32[np.ndarray, "side side"] | None = None
        self._time_s = -math.inf

    def update(self, frame: Image, box: Box, time_s: float) -> SkinPatch:
        """Return the mask of the next frame.

        Args:
            frame: RGB.
            box: Of the face, not wholly outside the frame.
            time_s: Time of the frame in s.
        """
        rows, columns = frame.shape[:2]
        left, top, right, bottom = around(box, columns=columns, rows=rows)
        x, y, width, height = box
        side = AHEAD * max(width, height)
        # a picture of LONGEST pixels along the side, aligned to the box
        scale = LONGEST / side
        corner = np.array([x + width / 2 - side / 2, y + height / 2 - side / 2])
        region = frame[top:bottom, left:right]
        small = cv2.resize(
            region,
            (max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        )
        levels = cv2.blur(small.astype(np.float32), (3, 3)) + 1
        across = (left - corner[0]) * scale + np.arange(levels.shape[1]) + 0.5
        down = (top - corner[1]) * scale + np.arange(levels.shape[0]) + 0.5
        u = (across / LONGEST - 0.5) * side / width / AXES[0]
        v = ((down / LONGEST - 0.5) * side / height + UP) / AXES[1]
        radius = np.hypot(u[None], v[:, None]).astype(np.float32)
        inner = levels[(radius < 0.7) & (_most(levels) < 254) & (levels[..., 1] > 5)]
        part = 1 - math.exp(-(time_s - self._time_s) / SETTLE_S) if self._colour is not None else 1
        self._time_s = time_s
        if len(inner) > 20:
            bright = inner[inner[:, 1] >= np.median(inner[:, 1]) * 0.7]
            seen = np.median(bright, axis=0).astype(np.float32)
            before = seen if self._colour is None else self._colour
            self._colour = before + np.float32(part) * (seen - before)
        mask = np.clip((1.05 - radius) / 0.2, 0, 1)
        if self._colour is not None:
            mask = mask * _alike(levels, self._colour)
        mask = cv2.blur(mask.astype(np.float32), (3, 3))
        if self._smooth is not None and self._smooth.shape == mask.shape:
            mask = self._smooth + np.float32(min(1.0, 4 * part)) * (mask - self._smooth)
        self._smooth = mask
        full = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        return SkinPatch(left, top, np.asarray(full, dtype=np.float32))


def _alike(
    levels: Float32[np.ndarray, "rows columns 3"], colour: Float32[np.ndarray, " 3"]
) -> Float32[np.ndarray, "rows columns"]:
    """Return how much each pixel looks like the reference colour, 0 to 1."""
    ratio = np.log(levels / colour)
    warm = (ratio[..., 0] - ratio[..., 1]) / WARM
    cold = (ratio[..., 2] - ratio[..., 1]) / COLD
    bright = np.clip((levels[..., 1] / colour[1] - 0.35) / 0.25, 0, 1)
    open_ = np.clip((254 - _most(levels)) / 6, 0, 1)  # what is burnt out shows no pulse
    return np.asarray(np.exp(-((warm**2 + cold**2) ** 2) / 16) * bright * open_, dtype=np.float32)


def _most(levels: Float32[np.ndarray, "*shape 3"]) -> Float32[np.ndarray, "*shape"]:
    """Return the largest colour of each pixel; numpy is slow over an axis of three."""
    red_green = np.maximum(levels[..., 0], levels[..., 1])
    return np.asarray(np.maximum(red_green, levels[..., 2]), dtype=np.float32)
