"""Where is the face, frame after frame? Found rarely, followed in between, by past frames only.

A missing face is a result, not a guess: before the first detection, after the track breaks, and
when detection fails again and again, the answer is none.
"""

import math

import numpy as np
from jaxtyping import Float64

from pulsephase.errors import SamplingError
from pulsephase.video.crops import MARGIN
from pulsephase.video.detect import Boxes, Detector, HaarFrontal, HaarLenient
from pulsephase.video.image import Box, Image, shrunk_grey
from pulsephase.video.motion import FaceMotion
from pulsephase.video.steady import Place, Steadier, with_play

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
    low-passed and given play (see :class:`~pulsephase.video.steady.Steadier`). Constants are in
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
        if not self.time_s < time_s < math.inf:
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
