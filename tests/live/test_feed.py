"""Frames are dropped, never late: the newest remain, times are kept, errors arrive."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from pulsephase.errors import InputError, ParameterError
from pulsephase.live.feed import Feed
from pulsephase.live.sources import Captured

IMAGE = np.zeros((4, 6, 3), np.uint8)


class Script:
    """A source of frames at given times, which may fail at its end."""

    name = "script"

    def __init__(
        self, times: list[float], *, paced: bool = True, error: Exception | None = None
    ) -> None:
        self.times, self.paced, self.error = times, paced, error
        self.done = threading.Event()
        self.given = 0

    def frames(self) -> Iterator[Captured]:
        for time_s in self.times:
            self.given += 1
            yield Captured(IMAGE, time_s)
        self.done.set()
        if self.error is not None:
            raise self.error


def test_without_real_time_every_frame_is_read() -> None:
    times = [n / 30 for n in range(200)]
    with Feed(Script(times, paced=False), realtime=False, capacity=1) as feed:
        assert [frame.time_s for frame in feed] == times
    assert feed.dropped == 0


@pytest.mark.parametrize("capacity", [1, 8])
def test_a_reader_that_comes_late_finds_the_newest_frames(capacity: int) -> None:
    times = [n / 30 for n in range(50)]
    source = Script(times)
    with Feed(source, capacity=capacity) as feed:
        assert source.done.wait(60)
        found = [frame.time_s for frame in feed]
    assert found == times[-capacity:]
    assert feed.dropped == 50 - capacity


def test_a_file_is_played_at_its_own_pace() -> None:
    """No frame comes before its time; how late one is, a busy machine decides."""
    times = [n / 50 for n in range(11)]
    start_s = time.monotonic()
    with Feed(Script(times, paced=False)) as feed:
        frames = list(feed)
    for frame in frames:
        assert frame.clock_s - start_s > frame.time_s - 0.001
    assert frames[-1].time_s == times[-1]
    assert {frame.time_s for frame in frames} <= set(times)
    assert len(frames) + feed.dropped == 11


def test_what_ends_the_source_is_raised_after_its_frames() -> None:
    with Feed(Script([0.0, 0.1], error=InputError("the disk is gone"))) as feed:
        found = []
        with pytest.raises(InputError, match="the disk is gone"):
            for frame in feed:
                found.append(frame.time_s)
    assert found == [0.0, 0.1]


def test_leaving_early_stops_the_reader() -> None:
    source = Script([0.0, 1e6, 2e6], paced=False)  # days between the frames
    with Feed(source) as feed:
        next(iter(feed))
    feed._reader.join(60)
    assert not feed._reader.is_alive()
    assert source.given <= 2


def test_a_queue_of_nothing_is_refused() -> None:
    with pytest.raises(ParameterError, match="capacity is 0"):
        Feed(Script([]), capacity=0)
