"""Where live frames come from: a camera, or a file."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from pulsephase.errors import InputError, ParameterError
from pulsephase.video.clip import Image
from pulsephase.video.read import probe, read_clips

log = logging.getLogger(__name__)

RETRY_S = 0.5
"""A camera that was lost is looked for this often."""
PATIENCE_S = 10.0
"""A camera that was lost for longer does not come back."""


class Captured(NamedTuple):
    """One frame.

    Attributes:
        image: RGB, 8 bit.
        time_s: When it was taken, counted from the first frame of the source.
    """

    image: Image
    time_s: float


class Source(Protocol):
    """Frames in the order of their times.

    Attributes:
        name: What to call it.
        paced: Whether frames come when they are taken, as from a camera; else as fast as they are
            asked for.
    """

    name: str
    paced: bool

    def frames(self) -> Iterator[Captured]:
        """Yield the frames; ends when there are no more."""
        ...


class FileSource:
    """The frames of a video file, at the times that the file gives.

    Args:
        path: Any file that FFmpeg reads.
        say: Called with one line on everything that was not as it should be.
        fps: Frames a second of the camera, in place of the file's own times.

    Attributes:
        assumed_hz: Frame rate that is assumed of a file without a clock, once frames were read.
        notes: What was said, without the name of the file.
    """

    paced = False

    def __init__(
        self,
        path: str | Path,
        *,
        say: Callable[[str], None] = log.warning,
        fps: float | None = None,
    ) -> None:
        self.path, self.name, self.fps = Path(path), str(path), fps
        self._aloud = say
        self.assumed_hz: float | None = None
        self.notes: list[str] = []

    def _say(self, line: str) -> None:
        self.notes.append(line.removeprefix(f"{self.path}: ").removeprefix(f"{self.path} "))
        self._aloud(line)

    def frames(self) -> Iterator[Captured]:
        """Yield the frames.

        Raises:
            InputError: If the file is no video.
        """
        self.assumed_hz = probe(self.path).assumed_hz if self.fps is None else None
        for clip in read_clips(self.path, chunk_bytes=1, say=self._say, fps=self.fps):
            for frame, time_s in zip(clip.frames, clip.times_s.tolist(), strict=True):
                yield Captured(np.ascontiguousarray(frame.permute(1, 2, 0).numpy()), time_s)


class Capture(Protocol):
    """What this module asks of OpenCV's ``VideoCapture``."""

    def isOpened(self) -> bool:
        """Tell whether there is a camera."""
        ...

    def read(self) -> tuple[bool, np.ndarray | None]:
        """Wait for the next frame, in BGR."""
        ...

    def release(self) -> None:
        """Let the camera go."""
        ...


class CameraSource:
    """The frames of a camera, at the times at which they arrive.

    A camera that stops giving frames is let go and opened again, for up to ``patience_s``; times go
    on over the gap. If it does not come back, the frames end.

    Args:
        number: Which camera, from 0.
        say: Called with one line when the camera is lost, found again or given up.
        opened: Opens a camera; OpenCV's by default.
        clock: Seconds, never going back.
        sleep: Waits for seconds.
        patience_s: How long to look for a camera that was lost.
    """

    paced = True

    def __init__(
        self,
        number: int = 0,
        *,
        say: Callable[[str], None] = log.warning,
        opened: Callable[[int], Capture] = cv2.VideoCapture,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience_s: float = PATIENCE_S,
    ) -> None:
        if number < 0:
            raise ParameterError(f"camera is {number}; cameras are counted from 0")
        self.number, self.name = number, f"camera {number}"
        self._say, self._opened, self._clock, self._sleep = say, opened, clock, sleep
        self._patience_s = patience_s
        self.assumed_hz: float | None = None
        self.notes: list[str] = []

    def frames(self) -> Iterator[Captured]:
        """Yield the frames.

        Raises:
            InputError: If the camera cannot be opened at the start.
        """
        capture = self._opened(self.number)
        if not capture.isOpened():
            capture.release()
            raise InputError(
                f"{self.name} cannot be opened: is it plugged in, free and allowed? Try another "
                "number with --camera, or name a video file"
            )
        start_s = last_s = -1.0
        try:
            while True:
                there, image = capture.read()
                now_s = self._clock()
                if there and image is not None:
                    start_s = now_s if start_s < 0 else start_s
                    if now_s > last_s:  # a clock may stand still between two frames
                        last_s = now_s
                        yield Captured(_rgb(image), now_s - start_s)
                    continue
                capture.release()
                again = self._find_again()
                if again is None:
                    return
                capture = again
        finally:
            capture.release()

    def _find_again(self) -> Capture | None:
        """Look for the camera until it is there, or patience is at its end."""
        self._say(f"{self.name} was lost; looking for it for {self._patience_s:g} s")
        lost_s = self._clock()
        while self._clock() - lost_s < self._patience_s:
            self._sleep(RETRY_S)
            capture = self._opened(self.number)
            if capture.isOpened():
                self._say(f"{self.name} is back after {self._clock() - lost_s:.1f} s")
                return capture
            capture.release()
        self._say(f"{self.name} did not come back")
        return None


def _rgb(image: np.ndarray) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
