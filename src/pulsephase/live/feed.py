"""Between a source that does not wait and a reader that may be slow: drop frames, keep times.

A thread reads the source into a short queue. When the queue is full its oldest frame is dropped
and counted; the times of the others are unchanged, so the pulse keeps its rhythm.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple

from pulsephase.errors import ParameterError
from pulsephase.live.sources import Captured, Source
from pulsephase.video.clip import Image
from pulsephase.video.times import GAP_S

CAPACITY = 8


class Arrived(NamedTuple):
    """A frame, and when it came in.

    Attributes:
        image: RGB, 8 bit.
        time_s: On the time axis of the source.
        clock_s: On the machine's clock (``time.monotonic``).
    """

    image: Image
    time_s: float
    clock_s: float


class Feed:
    """The frames of a source, as they come; to be iterated once, inside ``with``.

    Args:
        source: Where frames come from.
        realtime: Hand frames of a file over at its own pace and drop what comes too fast for the
            reader; if false, every frame of a file is read, at the reader's pace.
        capacity: Frames that may wait.

    Attributes:
        dropped: Frames dropped so far.

    Raises:
        ParameterError: If the capacity is below 1.
    """

    def __init__(self, source: Source, *, realtime: bool = True, capacity: int = CAPACITY) -> None:
        if capacity < 1:
            raise ParameterError(f"capacity is {capacity}; at least one frame must be able to wait")
        self.source, self.realtime, self.capacity = source, realtime, capacity
        self.dropped = 0
        self._waiting: deque[Arrived] = deque()
        self._change = threading.Condition()
        self._ended = False
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read, name="frames", daemon=True)

    def __enter__(self) -> "Feed":
        if self.threaded:
            self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._reader.is_alive():
            self._reader.join(timeout=2.0)

    @property
    def threaded(self) -> bool:
        """Whether frames come by a clock, so that a thread must wait for them."""
        return self.realtime or self.source.paced

    def __iter__(self) -> Iterator[Arrived]:
        """Yield frames until the source ends; then raise what ended it, if that was an error."""
        if not self.threaded:
            yield from (Arrived(*each, time.monotonic()) for each in self.source.frames())
            return
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    break
                arrived = self._waiting.popleft()
            yield arrived
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        start_s, last_s = time.monotonic(), 0.0
        try:
            for index, captured in enumerate(self.source.frames()):
                if not self.source.paced:
                    if index == 0:
                        start_s = time.monotonic() - captured.time_s
                    elif captured.time_s - last_s > GAP_S:  # a pause is cut short
                        start_s -= captured.time_s - last_s - GAP_S
                    last_s = captured.time_s
                    self._stop.wait(start_s + captured.time_s - time.monotonic())
                if self._stop.is_set():
                    break
                self._put(captured)
        except Exception as error:  # noqa: BLE001 - raised again where the frames are read
            self._error = error
        with self._change:
            self._ended = True
            self._change.notify()

    def _put(self, captured: Captured) -> None:
        with self._change:
            if len(self._waiting) == self.capacity:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(Arrived(*captured, time.monotonic()))
            self._change.notify()
