"""Is one rate the rate of one person? Faces that were lost, and windows in two groups.

A track that is lost for over a second may go on with somebody else: nothing here knows a person.
What can be seen is said: that the face was lost, and that the rates before and after are two.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from pulsephase.vitals.result import HeartRate

LOST_S = 1.0
APART_BPM = 15.0
"""Between two groups of windows lies at least this much; a heart passes through what is between."""
LEAST_SHARE = 0.2
TIGHT = 1 / 3
"""Most of the gap that a group itself may span, from quartile to quartile."""
IN_ORDER = 0.9
"""Share of pairs of windows in which the one group comes before the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Two rates, one after the other.

    Attributes:
        first_bpm: Of the windows that come first.
        second_bpm: Of those that come later.
        at_s: Between the two, from the first sample on.
    """

    first_bpm: float
    second_bpm: float
    at_s: float

    def __str__(self) -> str:
        return (
            f"{self.first_bpm:.1f} bpm until about {self.at_s:.0f} s and {self.second_bpm:.1f} bpm "
            "after it"
        )


def lost_spans(
    face: Bool[np.ndarray, " time"], times_s: Float[np.ndarray, " time"]
) -> list[tuple[float, float]]:
    """Return from when to when a face was lost for over a second, with one before and after.

    Example:
        >>> face = np.array([True] * 3 + [False] * 4 + [True] * 2)
        >>> lost_spans(face, np.arange(9) / 2)
        [(1.5, 3.5)]
    """
    where = np.flatnonzero(face)
    if len(where) == 0:
        return []
    breaks = np.flatnonzero(np.diff(where) > 1)
    spans = [(float(times_s[where[at] + 1]), float(times_s[where[at + 1]])) for at in breaks]
    return [(start, stop) for start, stop in spans if stop - start >= LOST_S]


def two_in_turn(rate: HeartRate) -> Turns | None:
    """Return the two rates into which the windows of a recording fall, if they do."""
    given = [window for window in rate.windows if window.bpm is not None]
    if len(given) < 6:
        return None
    bpm = np.array([window.bpm for window in given], dtype=np.float64)
    middle_s = np.array([(window.start_s + window.end_s) / 2 for window in given])
    ordered = np.sort(bpm)
    gaps = np.diff(ordered)
    widest = int(gaps.argmax())
    low, high = bpm <= ordered[widest], bpm > ordered[widest]
    if gaps[widest] < APART_BPM or min(low.mean(), high.mean()) < LEAST_SHARE:
        return None
    spread = max(float(np.subtract(*np.quantile(bpm[each], [0.75, 0.25]))) for each in (low, high))
    later = float((middle_s[high][:, None] > middle_s[low]).mean())
    if spread > TIGHT * gaps[widest] or min(later, 1 - later) > 1 - IN_ORDER:
        return None
    first, second = (low, high) if later > 0.5 else (high, low)
    return Turns(
        first_bpm=float(np.median(bpm[first])),
        second_bpm=float(np.median(bpm[second])),
        at_s=float(middle_s[first].max() + middle_s[second].min()) / 2,
    )


def one_person(
    rate: HeartRate, face: Bool[np.ndarray, " time"], times_s: Float[np.ndarray, " time"]
) -> tuple[HeartRate, tuple[str, ...]]:
    """Return a rate, none where a face was lost between two rates, and what must be said.

    Args:
        rate: Of the whole.
        face: Where there is one.
        times_s: Of each sample.
    """
    lost, turns = lost_spans(face, times_s), two_in_turn(rate)
    notes = tuple(
        f"no face from {start:.1f} to {stop:.1f} s: who comes after may be somebody else"
        for start, stop in lost
    )
    if turns is None:
        return rate, notes
    if not lost or rate.bpm is None:
        return rate, (*notes, f"the windows fall into two groups: {turns}")
    reason = f"two faces one after the other: {turns}; cut the video there, and measure each"
    return replace(rate, bpm=None, reason=reason), (*notes, reason)
