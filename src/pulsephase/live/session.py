"""One live session: frames from a feed through the monitor to whoever looks on."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from pulsephase.live.feed import Arrived, Feed
from pulsephase.live.monitor import Monitor, Reading

LOOK_BACK_S = 2.0
"""Over which frame rate and processing time are taken."""
WAVE_S = 10.0
"""Length of the wave that is shown."""


@dataclass(slots=True, kw_only=True)
class FaceState:
    """What is known of one face now.

    Attributes:
        reading: The latest.
        wave: The last 10 s of the pulse, NaN where there is none.
    """

    reading: Reading
    wave: deque[float]


@dataclass(slots=True, kw_only=True)
class State:
    """What is known of a session now.

    Attributes:
        source: Name of the source.
        frames: Frames read.
        dropped: Frames that came faster than they could be read.
        time_s: Of the newest frame that was read.
        frame_hz: Frames read a second, over the last 2 s of the clock.
        processing_s: From a frame's arrival to its pulse: waiting and computing, median over the
            last 2 s.
        network_s: The network's delay, by which the wave lies behind the newest frame.
        rate_s: By which a rate lies behind the wave: half of its window.
        faces_seen: Faces in the frame when they were last looked for.
        faces: By number.
    """

    source: str
    network_s: float
    rate_s: float
    frames: int = 0
    dropped: int = 0
    time_s: float = 0.0
    frame_hz: float = math.nan
    processing_s: float = math.nan
    faces_seen: int = 0
    faces: dict[int, FaceState] = field(default_factory=dict)

    @property
    def latency_s(self) -> float:
        """Seconds from an event to the rate that tells of it, on a rate that changes evenly."""
        return self.network_s + self.rate_s + self.processing_s


def watch(
    feed: Feed,
    monitor: Monitor,
    *,
    show: Callable[[State], None] | None = None,
    record: Callable[[Reading], None] | None = None,
    picture: Callable[[Arrived, State], bool] | None = None,
    seconds: float | None = None,
) -> State:
    """Read a feed to its end.

    Args:
        feed: Not yet entered.
        monitor: What reads the frames.
        show: Called after each frame.
        record: Called with each reading.
        picture: Called with each frame; the session ends where it returns false.
        seconds: End of the session on the time axis of the frames; none means the feed's.

    Returns:
        The state at the end, which is that at an interrupt (Ctrl-C), too.
    """
    rate_hz = monitor.net.config.sample_hz
    state = State(
        source=feed.source.name, network_s=monitor.latency_s, rate_s=monitor.rate_latency_s
    )
    recent: deque[tuple[float, float]] = deque()
    try:
        with feed:
            for frame in feed:
                if seconds is not None and frame.time_s > seconds:
                    break
                readings = monitor.push(frame.image, frame.time_s)
                now_s = time.monotonic()
                recent.append((now_s, now_s - frame.clock_s))
                while now_s - recent[0][0] > LOOK_BACK_S:
                    recent.popleft()
                for reading in readings:
                    _keep(state, reading, round(WAVE_S * rate_hz))
                    if record is not None:
                        record(reading)
                _count(state, frame.time_s, feed, monitor, recent)
                if show is not None:
                    show(state)
                if picture is not None and not picture(frame, state):
                    break
    except KeyboardInterrupt:
        pass  # the usual end of a session
    state.dropped = feed.dropped  # those since the last frame that was read, too
    return state


def _keep(state: State, reading: Reading, length: int) -> None:
    if reading.face not in state.faces:
        state.faces[reading.face] = FaceState(reading=reading, wave=deque(maxlen=length))
    state.faces[reading.face].reading = reading
    state.faces[reading.face].wave.append(reading.pulse)


def _count(
    state: State,
    time_s: float,
    feed: Feed,
    monitor: Monitor,
    recent: deque[tuple[float, float]],
) -> None:
    """Bring the figures of a session up to date; faces that have gone are forgotten."""
    state.frames, state.dropped, state.time_s = monitor.frames, feed.dropped, time_s
    state.faces_seen = monitor.faces_seen
    state.processing_s = median(took_s for _, took_s in recent)
    span_s = recent[-1][0] - recent[0][0]
    state.frame_hz = (len(recent) - 1) / span_s if span_s > 0 else math.nan
    for number in [n for n in state.faces if n not in monitor.present]:
        del state.faces[number]
