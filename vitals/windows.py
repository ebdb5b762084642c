"""Where the windows of a wave with gaps lie.

A regular grid first. Where gaps leave no window of the grid usable, each stretch between long gaps
that is long enough by itself is one shorter window.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

SHORTEST_S = 5.0  # of pulse; 60 bpm are then five beats
MOST_MISSING = 0.2  # share of a window
LONGEST_GAP_S = 0.5  # a longer one parts two stretches


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Windows of one length.

    Attributes:
        starts: Index of the first sample of each window.
        length: Samples in a window.
        missing: Share of each window's samples that are not known.
    """

    starts: tuple[int, ...]
    length: int
    missing: tuple[float, ...]

    def usable(self) -> list[bool]:
        """Tell which windows have few enough samples missing."""
        return [share <= MOST_MISSING for share in self.missing]


def place_windows(
    known: Bool[np.ndarray, " time"], *, sample_hz: float, window_s: float, step_s: float
) -> list[Grid]:
    """Place windows over the span from the first known sample to the last.

    Args:
        known: Which samples hold a pulse; at least one does.
        sample_hz: Samples per second.
        window_s: Length of a window; a shorter span is one window.
        step_s: From one start to the next.

    Returns:
        One grid; or, where it has no usable window, one grid of one window for each stretch of at
        least 5 s, if there is any.
    """
    first, stop = _span(known)
    grid = _grid(known, first, stop, sample_hz, window_s, step_s)
    if any(grid.usable()):
        return [grid]
    enough = round(SHORTEST_S * sample_hz)
    parts = [
        _grid(known, start, end, sample_hz, (end - start) / sample_hz, step_s)
        for start, end in stretches(known, round(LONGEST_GAP_S * sample_hz))
        if end - start >= enough
    ]
    return [part for part in parts if all(part.usable())] or [grid]


def _span(known: Bool[np.ndarray, " time"]) -> tuple[int, int]:
    where = np.flatnonzero(known)
    return int(where[0]), int(where[-1]) + 1


def _grid(
    known: Bool[np.ndarray, " time"],
    first: int,
    stop: int,
    sample_hz: float,
    window_s: float,
    step_s: float,
) -> Grid:
    length = min(round(window_s * sample_hz), stop - first)
    count = int((stop - first - length) / (step_s * sample_hz) + 1e-9) + 1
    starts = tuple(first + round(index * step_s * sample_hz) for index in range(count))
    total = np.concatenate([[0], np.cumsum(~known)])
    missing = tuple(float(total[at + length] - total[at]) / length for at in starts)
    return Grid(starts=starts, length=length, missing=missing)


def stretches(known: Bool[np.ndarray, " time"], longest_gap: int) -> Iterator[tuple[int, int]]:
    """Yield first index and end of each run of known samples, short gaps bridged."""
    where = np.flatnonzero(known)
    breaks = np.flatnonzero(np.diff(where) > longest_gap + 1)
    for low, high in zip([0, *(breaks + 1)], [*breaks, len(where) - 1], strict=True):
        yield int(where[low]), int(where[high]) + 1
