r"""The square around a face, at the network's size, by exact area averages.

A pulse moves a pixel by less than one of 256 steps, so nothing here rounds: the mean over the area
of an output pixel is taken in floating point. The box may lie between pixels; then border pixels
count by the part of them that lies inside. Beyond the edge of the frame its last row or column is
repeated.
"""

import numpy as np
from jaxtyping import Float, Float32, UInt8

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.video.clip import Box

MARGIN = 1.5
"""Side of the crop in multiples of the longer side of the box, which a detector draws from the
brows to the chin: so the whole head is in it."""


def crop(
    frame: UInt8[np.ndarray, "height width 3"] | Float[np.ndarray, "height width 3"],
    box: Box,
    *,
    size: int,
    margin: float = MARGIN,
) -> Float32[np.ndarray, "3 size size"]:
    r"""Average the square around a box down (or up) to ``size`` by ``size``.

    Output pixel (i, j) of colour c is the mean of the frame over its cell,

    .. math:: y_{cij} = \frac{1}{h^2} \int_{T+ih}^{T+(i+1)h} \int_{L+jh}^{L+(j+1)h}
              x_c(v, u)\,du\,dv, \qquad h = \frac{m \max(w, h_b)}{\mathtt{size}},

    where the frame x is constant on each pixel, and beyond its edge equal to the nearest pixel. The
    square shares its centre with the box even where either leaves the frame: a face that is cut
    off is neither moved nor stretched. A face smaller than ``size`` is enlarged by the same
    formula.

    Args:
        frame: RGB, ``uint8`` in 0..255 or floating point in 0..1.
        box: x, y (of the left upper corner), width and height in pixels of the frame.
        size: Pixels along a side of the crop.
        margin: Side of the square in multiples of the longer side of the box.

    Returns:
        The crop in 0..1.

    Raises:
        ParameterError: If the box is not finite or has no area, or size or margin is not positive.
        ShapeError: If the frame has no pixel.

    >>> frame = np.full((48, 64, 3), 51, np.uint8)
    >>> crop(frame, (20.0, 10.0, 24.0, 30.0), size=4)[:, 0, 0].round(6).tolist()
    [0.20000000298023224, 0.20000000298023224, 0.20000000298023224]
    """
    x, y, width, height = box
    if not (np.isfinite(box).all() and width > 0 and height > 0):
        raise ParameterError(f"box is {box}; give finite x, y and positive width, height in pixels")
    if size < 1 or not margin > 0:
        raise ParameterError(f"size is {size}, margin {margin}; both must be positive")
    if 0 in frame.shape:
        raise ShapeError(f"frame has shape {frame.shape}; it holds no pixel")
    side = margin * max(width, height)
    top, above = _weights(y + height / 2 - side / 2, side, size, frame.shape[0])
    left, across = _weights(x + width / 2 - side / 2, side, size, frame.shape[1])
    rows, columns = above.shape[1], across.shape[1]
    region = frame[top : top + rows, left : left + columns].astype(np.float32)
    by_row = (above @ region.reshape(rows, columns * 3)).reshape(size, columns, 3)
    square = np.matmul(across, by_row)  # (size, size, 3)
    scale = np.float32(1 / 255 if frame.dtype == np.uint8 else 1)
    return np.ascontiguousarray(square.transpose(2, 0, 1) * scale)


def _weights(
    start: float, side: float, size: int, pixels: int
) -> tuple[int, Float32[np.ndarray, "size used"]]:
    """Share of each pixel in each cell of ``[start, start + side]``, and the first pixel used.

    Rows sum to 1. What lies beyond either edge counts for the pixel at that edge.
    """
    edges = start + side * np.arange(size + 1) / size
    inner = np.clip(edges, 0, pixels)
    first = min(int(np.floor(inner[0])), pixels - 1)
    last = max(min(int(np.ceil(inner[-1])), pixels), first + 1)
    marks = np.arange(first, last + 1, dtype=np.float64)
    # the integral from the left of pixel p up to an edge is that edge clamped into the pixel
    covered = np.clip(edges[:, None], marks[None, :-1], marks[None, 1:])
    share = np.diff(covered, axis=0)
    share[:, 0] += np.diff(np.minimum(edges, marks[0]))
    share[:, -1] += np.diff(np.maximum(edges, marks[-1]))
    return first, (share / (side / size)).astype(np.float32)
