"""Every face in the frame, each followed by a tracker of its own."""

import math

import numpy as np

from pulsephase.checks import FURTHEST_S
from pulsephase.errors import SamplingError
from pulsephase.video.clip import Box, Image, check_image
from pulsephase.video.crops import MARGIN
from pulsephase.video.detect import Boxes, Detector, HaarFrontal, HaarLenient
from pulsephase.video.faces import (
    CHECK_S,
    REMEMBER_S,
    SEARCH_S,
    FaceTracker,
    places,
    same_face,
)


class SeveralFaces:
    """Follow every face.

    Each face has a :class:`~pulsephase.video.faces.FaceTracker` that is shown only the detections
    that overlap with its own last box, so no tracker can change over to another person. New faces
    are looked for each second (each 0.1 s while there is none). A face that is lost for more than
    1 s has gone: should it come back, it gets a new number. Where two tracks run onto one face, the
    older one keeps it.

    Args:
        detector: What finds faces, asked at most once a frame; by default the frontal cascade of
            OpenCV.
        confirm: As for :class:`~pulsephase.video.faces.FaceTracker`.
        margin: Side of the crop in multiples of the longer side of the box.
    """

    def __init__(
        self,
        detector: Detector | None = None,
        *,
        confirm: Detector | None = None,
        margin: float = MARGIN,
    ) -> None:
        self.detector = _Once(detector or HaarFrontal())
        lenient = confirm or (HaarLenient() if detector is None else None)
        self.confirm = None if lenient is None else _Once(lenient)
        self.margin = margin
        self.time_s = self.due_s = -math.inf
        self._faces: dict[int, _Followed] = {}
        self._next = 1

    def update(self, frame: Image, time_s: float) -> dict[int, Box | None]:
        """Look at the next frame.

        Args:
            frame: RGB.
            time_s: Its time in s.

        Returns:
            By the number of each face that has not gone: x, y, width, height in pixels of the
            frame, or none where it is not seen now.

        Raises:
            SamplingError: If the time does not rise.
        """
        check_image(frame)
        if not (self.time_s < time_s and abs(time_s) < FURTHEST_S):
            raise SamplingError(
                f"frame at {time_s} s after one at {self.time_s} s; times must rise"
            )
        self.time_s = time_s
        self.detector.next_frame()
        if self.confirm is not None:
            self.confirm.next_frame()
        found: dict[int, Box | None] = {}
        for number, face in list(self._faces.items()):
            box = face.update(frame, time_s)
            if box is None and time_s - face.tracker.seen_s > REMEMBER_S:
                del self._faces[number]
            elif box is not None and _taken(box, found):
                del self._faces[number]
            else:
                found[number] = box
        if time_s >= self.due_s:
            for row in self.detector(frame):
                box = _box(row)
                if not any(_one_face(box, face.box) for face in self._faces.values()):
                    self._faces[self._next] = _Followed(self, box)
                    found[self._next] = self._faces[self._next].update(frame, time_s)
                    self._next += 1
            self.due_s = time_s + (CHECK_S if self._faces else SEARCH_S)
        return found


class _Followed:
    """One face: its tracker, and the last box that the tracker gave."""

    def __init__(self, several: SeveralFaces, box: Box) -> None:
        self.box = box
        self._detector = several.detector
        self.tracker = FaceTracker(self._own, confirm=several.confirm, margin=several.margin)

    def update(self, frame: Image, time_s: float) -> Box | None:
        box = self.tracker.update(frame, time_s)
        self.box = box or self.box
        return box

    def _own(self, frame: Image) -> Boxes:
        """Return the one detection that is this face, if there is one."""
        found = self._detector(frame)
        return np.array([row for row in found if _one_face(_box(row), self.box)]).reshape(-1, 4)


class _Once:
    """A detector that several may ask about one frame."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._found: Boxes | None = None

    def next_frame(self) -> None:
        """Forget what was found."""
        self._found = None

    def __call__(self, frame: Image) -> Boxes:
        if self._found is None:
            self._found = self._detector(frame)
        return self._found


def _one_face(a: Box, b: Box) -> bool:
    return same_face(places(np.array([a])), places(np.array([b]))[0]) is not None


def _taken(box: Box, others: dict[int, Box | None]) -> bool:
    return any(other is not None and _one_face(box, other) for other in others.values())


def _box(row: np.ndarray) -> Box:
    x, y, width, height = (float(number) for number in row)
    return (x, y, width, height)
