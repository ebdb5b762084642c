"""How has a face moved since it was last found? Corner points followed by optical flow.

Points are always followed from the frame in which the face was found, not from frame to frame, so
that errors do not add up and a still face stays exactly where it is. Lucas-Kanade flow in pyramids
(Bouguet 2001), forward-backward check and median displacement and scale (Kalal, Mikolajczyk and
Matas 2010).
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64

from pulsephase.video.image import Grey

WINDOW = (15, 15)
LEVELS = 3
MOST_POINTS = 48
FEWEST_POINTS = 8
LEAST_KEPT = 0.3
"""Part of the points that must be found again; with fewer the face counts as out of sight."""
BACK_ERROR = 1.0
"""Furthest, in pixels, that a point may end from where it began when it is followed there and
back."""

Points = Float32[np.ndarray, "points 2"]


class FaceMotion:
    """The motion of what lies in a box, from one key frame on.

    Args:
        grey: The key frame.
        box: x, y, width, height in its pixels.
    """

    def __init__(self, grey: Grey, box: Float64[np.ndarray, " 4"]) -> None:
        self.grey = grey
        self.points = _corners(grey, box)
        self.guess = self.points
        self.centre = box[:2] + box[2:] / 2

    @property
    def blind(self) -> bool:
        """Whether there is too little in the box to follow."""
        return len(self.points) < FEWEST_POINTS

    def follow(self, grey: Grey) -> tuple[Float64[np.ndarray, " 2"], float] | None:
        """Return how far the centre of the box has moved since the key frame, and its growth.

        Args:
            grey: A later frame of the same size.

        Returns:
            Displacement in pixels and scale, or none if too few points are found again.
        """
        there, found = _flow(self.grey, grey, self.points, self.guess)
        back, found_back = _flow(grey, self.grey, there, self.points)
        error = np.abs(back - self.points).max(1)
        kept = found & found_back & (error < BACK_ERROR)
        if kept.sum() < max(FEWEST_POINTS, LEAST_KEPT * len(self.points)):
            return None
        before = self.points[kept].astype(np.float64)
        after = there[kept].astype(np.float64)
        scale = _growth(before, after)
        shift = np.median(after - scale * (before - self.centre), axis=0) - self.centre
        self.guess = (
            (self.centre + shift) + scale * (self.points.astype(np.float64) - self.centre)
        ).astype(np.float32)
        return shift, scale


def _growth(before: Float64[np.ndarray, "n 2"], after: Float64[np.ndarray, "n 2"]) -> float:
    """Median ratio of the distances between all pairs of points."""
    one, two = np.triu_indices(len(before), 1)
    apart = np.linalg.norm(before[one] - before[two], axis=1)
    return float(np.median(np.linalg.norm(after[one] - after[two], axis=1) / apart))


def _corners(grey: Grey, box: Float64[np.ndarray, " 4"]) -> Points:
    """Find corners within the box; its outer tenth, where the background is, is left out."""
    height, width = grey.shape
    x, y, w, h = box
    left, right = np.clip([round(x + 0.1 * w), round(x + 0.9 * w)], 0, width)
    top, bottom = np.clip([round(y + 0.1 * h), round(y + 0.9 * h)], 0, height)
    if right - left < WINDOW[0] or bottom - top < WINDOW[1]:
        return np.empty((0, 2), np.float32)
    apart = max(3.0, 0.04 * float(w))
    found = cv2.goodFeaturesToTrack(
        np.ascontiguousarray(grey[top:bottom, left:right]), MOST_POINTS, 0.01, apart
    )
    if found is None:
        return np.empty((0, 2), np.float32)
    return np.asarray(found.reshape(-1, 2) + np.array([left, top]), dtype=np.float32)


def _flow(
    source: Grey, target: Grey, points: Points, guess: Points
) -> tuple[Points, Bool[np.ndarray, " points"]]:
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        source,
        target,
        points,
        guess.copy(),
        winSize=WINDOW,
        maxLevel=LEVELS,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 0.01),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(there, dtype=np.float32), found.ravel() == 1
