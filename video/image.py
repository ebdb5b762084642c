"""What an image and a box are, in this room."""

import cv2
import numpy as np
from jaxtyping import UInt8

Image = UInt8[np.ndarray, "height width 3"]
"""A frame in RGB."""
Grey = UInt8[np.ndarray, "rows columns"]
"""A frame in grey."""
Box = tuple[float, float, float, float]
"""x and y of the left upper corner, width and height, in pixels of the frame."""


def shrunk_grey(frame: Image, longest: int) -> tuple[Grey, float]:
    """Return the frame in grey, at most ``longest`` pixels along its longer side, and the scale."""
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    scale = longest / max(grey.shape)
    if scale >= 1:
        return grey, 1.0
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8), scale
