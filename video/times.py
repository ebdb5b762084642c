"""When was a frame shown? From a file's presentation times to times that rise from 0.

Most files need nothing. Of the others: a raw stream has no times at all, some cameras repeat one,
a recording that was joined from pieces starts its clock again, and some clocks jump.
"""

from pulsephase.checks import FURTHEST_S

GAP_S = 1.0
"""Frames further apart than this are not joined by a line; there are no samples between them."""

RESTART_S = 1.0
"""A clock that falls back by more than this has started again; by less, the frame has no usable
time."""
ASSUMED_STEP_S = 1 / 30
"""Step between frames where neither the times nor the file's nominal rate tell (an assumption)."""


class Clock:
    """Turn presentation times into strictly rising times that start at 0.

    - A frame without a time comes one nominal step after the one before.
    - A frame whose time does not rise is dropped: nobody knows when it was seen.
    - A time that falls back by more than 1 s starts the file's clock again: the frame comes one
      nominal step after the one before, and later ones follow by the new clock.
    - A time that jumps ahead by more than 1 s is kept, and said: what follows is used, the pause
      is not.
    - A time that is no number, or over 300 years away, counts as missing.

    Args:
        step_s: Nominal step between frames, none if unknown.

    Attributes:
        missing: Frames without a time, so far.
        dropped: Frames whose time did not rise, so far.
        restarts: Times the clock started again, so far.
        jumps: Times it jumped ahead by more than 1 s, so far.

    >>> clock = Clock(step_s=0.5)
    >>> [clock.place(t) for t in (7.0, 7.5, 7.5, None, 8.5)]
    [0.0, 0.5, None, 1.0, 1.5]
    """

    def __init__(self, *, step_s: float | None) -> None:
        self.step_s = step_s or ASSUMED_STEP_S
        self.origin_s: float | None = None
        self.last_s: float | None = None
        self.missing = self.dropped = self.restarts = self.jumps = 0
        self.jump_s: tuple[float, float] | None = None  # the first: by how much, and when

    def place(self, presented_s: float | None) -> float | None:
        """Return the time of the next frame in s, or none if it must be dropped."""
        if presented_s is None or not abs(presented_s - (self.origin_s or 0.0)) < FURTHEST_S:
            self.missing += 1
            time_s = 0.0 if self.last_s is None else self.last_s + self.step_s
        else:
            if self.origin_s is None:  # the first known time fixes the clock
                self.origin_s = presented_s - (
                    0.0 if self.last_s is None else self.last_s + self.step_s
                )
            time_s = presented_s - self.origin_s
            if self.last_s is not None and time_s <= self.last_s:
                if time_s > self.last_s - RESTART_S:
                    self.dropped += 1
                    return None
                self.restarts += 1
                time_s = self.last_s + self.step_s
                self.origin_s = presented_s - time_s
            elif self.last_s is not None and time_s - self.last_s > GAP_S:
                self.jumps += 1
                self.jump_s = self.jump_s or (time_s - self.last_s, self.last_s)
        self.last_s = time_s
        return time_s

    def report(self) -> list[str]:
        """Say in one line each what was not as it should be."""
        lines = []
        if self.missing:
            lines.append(
                f"{self.missing} frames carry no time; placed {1000 * self.step_s:.1f} ms "
                "after the one before"
            )
        if self.dropped:
            lines.append(f"{self.dropped} frames whose time does not rise were dropped")
        if self.restarts:
            lines.append(
                f"the clock of the file starts again {self.restarts} times; made continuous"
            )
        if self.jump_s is not None:
            by_s, at_s = self.jump_s
            more = f", the first of {self.jumps} such jumps" if self.jumps > 1 else ""
            lines.append(
                f"the video's clock jumps by {by_s:,.1f} s at {at_s:,.1f} s{more}; what comes "
                "after is used, the pause is left out"
            )
        return lines


class Cadence:
    """How many frames a second there are while frames come: pauses are left out.

    Args:
        pause_s: A step between frames that is longer is a pause.

    >>> cadence = Cadence(pause_s=1.0)
    >>> for time_s in (0.0, 0.5, 1.0, 61.0, 61.5):
    ...     cadence.push(time_s)
    >>> cadence.hz
    2.0
    """

    def __init__(self, *, pause_s: float) -> None:
        self.pause_s = pause_s
        self._first_s: float | None = None
        self._last_s = 0.0
        self._frames = self._steps = 0
        self._inside_s = 0.0

    def push(self, time_s: float) -> None:
        """Take the time of the next frame, in s."""
        if self._first_s is None:
            self._first_s = time_s
        elif time_s - self._last_s <= self.pause_s:
            self._steps += 1
            self._inside_s += time_s - self._last_s
        self._last_s = time_s
        self._frames += 1

    @property
    def hz(self) -> float:
        """Frames a second; over the whole span where every step is a pause."""
        if self._steps:
            return self._steps / self._inside_s
        return (self._frames - 1) / (self._last_s - (self._first_s or 0.0))

    @property
    def seconds(self) -> float:
        """How long frames come, to the end of the last one, pauses left out."""
        if self._steps:
            return self._inside_s * (1 + 1 / self._steps)
        return self.duration_s

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last one, pauses and all."""
        return self._last_s - (self._first_s or 0.0) + 1 / self.hz
