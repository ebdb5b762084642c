"""Where in one frame are faces? Detectors whose weights come inside their package.

The default is the boosted cascade of Viola and Jones (2001) with the weights that OpenCV ships. Any
other detector can take its place: it is a function from a frame to boxes.
"""

from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float64

from pulsephase.video.clip import Grey, Image, shrunk_grey

Boxes = Float64[np.ndarray, "faces 4"]

FRONTAL = "haarcascade_frontalface_alt2.xml"
PROFILE = "haarcascade_profileface.xml"
SEARCH_PIXELS = 300
"""Longer side of the image that is searched."""
SMALLEST = 0.15
"""Smallest face that is looked for, in parts of the frame's shorter side."""
LARGE, FINE_PIXELS, FINE_SMALLEST = 1080, 600, 0.08
"""In a frame of this many pixels along its longer side or more in which no face was found, it is
searched at more pixels for smaller ones."""


@runtime_checkable
class Detector(Protocol):
    """Find faces in one frame, knowing no other."""

    def __call__(self, frame: Image) -> Boxes:
        """Return x, y, width, height in pixels of each face."""
        ...


class HaarFrontal:
    """Faces seen from the front.

    The frame is searched at 300 pixels along its longer side for faces of at least 15 % of its
    shorter side; a frame of 1080 pixels or more without one, at 600 for faces of at least 8 %.
    A scale step of 1.1 and 4 agreeing windows keep false boxes out: a face missed for
    a moment costs less than a pulse read off a curtain.
    """

    def __call__(self, frame: Image) -> Boxes:
        """Return x, y, width, height in pixels of each face."""
        grey, scale = shrunk_grey(frame, SEARCH_PIXELS)
        found = _search(FRONTAL, grey, agreeing=4) / scale
        if len(found) or max(frame.shape) < LARGE:
            return found
        grey, scale = shrunk_grey(frame, FINE_PIXELS)
        return _search(FRONTAL, grey, agreeing=6, least=FINE_SMALLEST) / scale


class HaarLenient:
    """Faces from the front on less evidence, or from either side.

    Half the agreement and one cascade more find most faces that turn or lean, and some that are
    none:
    good enough to confirm a face where one is known to be, never to find one.
    """

    def __call__(self, frame: Image) -> Boxes:
        """Return x, y, width, height in pixels of each face."""
        grey, scale = shrunk_grey(frame, SEARCH_PIXELS)
        front = _search(FRONTAL, grey, agreeing=2)
        left = _search(PROFILE, grey, agreeing=2)
        mirrored = np.ascontiguousarray(grey[:, ::-1])  # the cascade knows one side
        right = _search(PROFILE, mirrored, agreeing=2)
        right[:, 0] = grey.shape[1] - right[:, 0] - right[:, 2]
        return np.concatenate([front, left, right]) / scale


def _search(weights: str, grey: Grey, *, agreeing: int, least: float = SMALLEST) -> Boxes:
    smallest = max(20, round(least * min(grey.shape)))
    found = _cascade(weights).detectMultiScale(
        grey, scaleFactor=1.1, minNeighbors=agreeing, minSize=(smallest, smallest)
    )
    return np.asarray(found, dtype=np.float64).reshape(-1, 4)


@cache
def _cascade(weights: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / weights))
