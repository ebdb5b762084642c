"""Where is the face, frame after frame? Found rarely, followed in between, by past frames only.

A missing face is a result, not a guess: before the first detection, after the track breaks, and
when detection fails again and again, the answer is none.

Between detections corner points are followed by optical flow. The box holds still while the face
does, and follows it when it moves.
"""

import math

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64

from pulsephase.checks import FURTHEST_S
from pulsephase.errors import SamplingError
from pulsephase.video.clip import Box, Grey, Image, check_image, shrunk_grey
from pulsephase.video.crops import MARGIN
from pulsephase.video.detect import Boxes, Detector, HaarFrontal, HaarLenient

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


Place = Float64[np.ndarray, " 4"]
"""Centre x, centre y, width, height in pixels."""

SMOOTH_S = 0.1
CENTRE_SLACK = 0.015
SIZE_SLACK = 0.03


class Steadier:
    r"""Smooth the measured place of a box, then let it have some play.

    The measured place is low-passed with time constant :math:`\tau` (0.1 s, whatever the frame
    rate),

    .. math:: m \leftarrow m + (1 - e^{-\Delta t / \tau}) (z - m),

    and the box o follows with play s (1.5 % of the size in place, 3 % in size), as a nut follows a
    screw:

    .. math:: o \leftarrow o + e - \operatorname{clip}(e, -s, s), \qquad e = m - o.

    So it is still, bit for bit, while the smoothed measure stays within the play, and lags a
    moving face by no more than the play plus :math:`\tau` times its speed.
    """

    def __init__(self, place: Place, time_s: float) -> None:
        self.smooth = place.copy()
        self.place = place.copy()
        self.time_s = time_s

    def update(self, measured: Place, time_s: float) -> Place:
        """Take a measured place at a time in s; return the steady one."""
        part = 1 - math.exp(-(time_s - self.time_s) / SMOOTH_S)
        self.time_s = time_s
        self.smooth = self.smooth + part * (measured - self.smooth)
        self.place = with_play(self.place, self.smooth, CENTRE_SLACK, SIZE_SLACK)
        return self.place


def with_play(place: Place, target: Place, centre: float, size: float) -> Place:
    """Move a place towards a target until it is within the play, given in parts of its size.

    >>> at = np.array([100.0, 100.0, 50.0, 50.0])
    >>> with_play(at, np.array([104.0, 110.0, 50.0, 60.0]), 0.1, 0.1)
    array([100., 105.,  50.,  55.])
    """
    extent = np.concatenate([place[2:], place[2:]])
    play = extent * (centre, centre, size, size)
    error = target - place
    moved: Place = place + (error - np.clip(error, -play, play))
    return moved


CHECK_S = 1.0
"""A face that is being followed is looked for this long after it was last found."""
RETRY_S = 0.5
"""After a look that failed, the next one comes this much later, as long as the flow holds."""
SEARCH_S = 0.1
"""Without a face, or with nothing on it to follow, a look comes this often."""
MOST_MISSES = 3
"""Looks in a row that may fail; at this many the face is lost, whatever the flow says."""
REMEMBER_S = 1.0
"""A face found again within this time, at its old place, is the same face."""
SAME_OVERLAP = 0.3
"""Least intersection over union of two boxes of the same face."""
CENTRE_PLAY, SIZE_PLAY = 0.1, 0.15
"""A detection moves a followed box only by what it is off beyond this: detectors tremble."""
FLOW_PIXELS = 320


class FaceTracker:
    """Follow the largest face.

    *Looks.* The detector looks at the first frame, then 1 s after each success, at once when the
    flow breaks, 0.5 s after a failure, and every 0.1 s while there is no face. In between, corner
    points in the face are followed by optical flow; the box gets their median shift and growth, is
    low-passed and given play (see :class:`~pulsephase.video.faces.Steadier`). Constants are in
    seconds and in parts of the face, never in frames.

    *Lost* is a face whose flow breaks while the detector finds nothing in that frame; whose last
    three looks failed (2 s at most after it was last found); or whose centre leaves the frame. All
    of this is reported as none in that very frame.

    *Which face.* A new track takes the largest face. A track stays with its face, even when another
    one grows larger, until it is lost; a face found within 1 s where the old one was lost is
    the same.

    Args:
        detector: What finds faces; by default the frontal cascade of OpenCV.
        confirm: What may confirm, not move, a known face that ``detector`` misses; by default more
            lenient frontal and profile cascades.
        margin: Side of the crop in multiples of the longer side of the box.

    Attributes:
        looks: Frames in which the detector was asked, so far.
        seen: Faces that the detector found when it last looked.
    """

    def __init__(
        self,
        detector: Detector | None = None,
        *,
        confirm: Detector | None = None,
        margin: float = MARGIN,
    ) -> None:
        self.detector = detector or HaarFrontal()
        self.confirm = confirm or (HaarLenient() if detector is None else None)
        self.margin = margin
        self.looks = self.seen = 0
        self.time_s = -math.inf
        self.shape: tuple[int, ...] = ()
        self.due_s = -math.inf
        self.misses = 0
        self.motion: FaceMotion | None = None
        self.key: Place | None = None
        self.steadier: Steadier | None = None
        self.seen_s = -math.inf

    def update(self, frame: Image, time_s: float) -> Box | None:
        """Look at the next frame.

        Args:
            frame: RGB.
            time_s: Its time in s.

        Returns:
            x, y, width, height in pixels of the frame, or none where there is no face.

        Raises:
            SamplingError: If the time does not rise.
        """
        check_image(frame)
        if not (self.time_s < time_s and abs(time_s) < FURTHEST_S):
            raise SamplingError(
                f"frame at {time_s} s after one at {self.time_s} s; times must rise"
            )
        if frame.shape != self.shape:
            self._lose()
            self.steadier = None
        elif time_s - self.time_s > REMEMBER_S:
            self._lose()
        self.shape, self.time_s = frame.shape, time_s
        place = self._place(frame, time_s)
        if place is None:
            return None
        assert self.steadier is not None
        x, y, width, height = self.steadier.update(place, time_s).tolist()
        self.seen_s = time_s
        return (x - width / 2, y - height / 2, width, height)

    def _place(self, frame: Image, time_s: float) -> Place | None:
        """Return the measured place of the face, and keep the track up to date."""
        grey, scale = shrunk_grey(frame, FLOW_PIXELS)
        place = self.key
        if self.motion is not None and self.key is not None and not self.motion.blind:
            moved = self.motion.follow(grey)
            place = None if moved is None else _moved(self.key, moved[0] / scale, moved[1])
            if place is None or not _inside(place, frame):
                place = None
                self._lose()  # and look at once
        if time_s >= self.due_s:
            self.looks += 1
            place = self._look(frame, place, time_s)
            if place is not None and self.misses == 0:
                self.key = place
                self.motion = FaceMotion(grey, _corner_box(place) * scale)
            self.due_s = time_s + self._wait_s()
        return place

    def _look(self, frame: Image, place: Place | None, time_s: float) -> Place | None:
        """Ask the detector; return the place as corrected, or none if the face is lost."""
        found = places(self.detector(frame))
        self.seen = len(found)
        if place is not None:
            same = same_face(found, place)
            if same is None and self.confirm is not None:
                confirmed = same_face(places(self.confirm(frame)), place) is not None
                same = place if confirmed else None  # its boxes are too rough to follow
            if same is None:
                self.misses += 1
                if self.misses < MOST_MISSES:
                    return place
                self._lose()
                return None
            self.misses = 0
            return with_play(place, same, CENTRE_PLAY, SIZE_PLAY)
        if not len(found):
            return None
        self.misses = 0
        if self.steadier is not None and time_s - self.seen_s <= REMEMBER_S:
            same = same_face(found, self.steadier.place)
            if same is not None:
                return with_play(self.steadier.place, same, CENTRE_PLAY, SIZE_PLAY)
        largest: Place = found[np.argmax(found[:, 2] * found[:, 3])]
        self.steadier = Steadier(largest, time_s)
        return largest

    def _wait_s(self) -> float:
        if self.key is None or self.motion is None or self.motion.blind:
            return SEARCH_S
        return RETRY_S if self.misses else CHECK_S

    def _lose(self) -> None:
        self.motion = self.key = None
        self.misses = 0
        self.due_s = -math.inf


def _moved(place: Place, shift: Float64[np.ndarray, " 2"], growth: float) -> Place:
    moved: Place = np.concatenate([place[:2] + shift, place[2:] * growth])
    return moved


def _inside(place: Place, frame: Image) -> bool:
    return bool(0 <= place[0] < frame.shape[1] and 0 <= place[1] < frame.shape[0])


def _corner_box(place: Place) -> Float64[np.ndarray, " 4"]:
    return np.concatenate([place[:2] - place[2:] / 2, place[2:]])


def places(boxes: Boxes) -> Float64[np.ndarray, "faces 4"]:
    """Return boxes by their centre and size."""
    return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


def same_face(found: Float64[np.ndarray, "faces 4"], place: Place) -> Place | None:
    """Return the found place that overlaps most with the known one, if enough."""
    if not len(found):
        return None
    low = np.maximum(found[:, :2] - found[:, 2:] / 2, place[:2] - place[2:] / 2)
    high = np.minimum(found[:, :2] + found[:, 2:] / 2, place[:2] + place[2:] / 2)
    common = np.clip(high - low, 0, None).prod(1)
    overlap = common / (found[:, 2:].prod(1) + place[2:].prod() - common)
    best = int(np.argmax(overlap))
    if overlap[best] < SAME_OVERLAP:
        return None
    same: Place = found[best]
    return same
