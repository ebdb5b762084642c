"""When a heart rate is given, and when only the reason why not.

A rate is given where 65 in 100 like the least sure of them are right (`quality.py`); a window with
too little of a pulse says so.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from pulsephase.errors import ParameterError
from pulsephase.vitals import shown
from pulsephase.vitals.windows import MOST_MISSING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

MIN_QUALITY = 0.65
"""Least probability of a rate that is given: the lowest, with a margin, at which nine in ten rates
on planted clips of people whom the tables never saw are right."""
NOISE_RISE = 12.0
"""Rise of the peak at which a window has half of its full weight in the rate of the whole.

The 95 % quantile of windows of 5 to 20 s of white, pink and brown noise is 8.5 to 11."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Window:
    """The rate of one window.

    Attributes:
        start_s: Time of its first sample, from the first sample of the wave.
        end_s: Time of its end: one sample after its last.
        bpm: Rate in beats a minute, or none.
        estimate_bpm: Best guess with abstention off; none only if there is nothing to look at.
        quality: Probability that the estimate is within 3 bpm, as calibrated on synthetic video;
            ``bpm`` is none below the one asked for.
        reason: Why ``bpm`` is none.
        rise: Of the peak out of the noise.
    """

    start_s: float
    end_s: float
    bpm: float | None
    estimate_bpm: float | None
    quality: float
    reason: str | None
    rise: float = 0.0

    def __repr__(self) -> str:
        words = shown.rate_words(self.bpm, self.estimate_bpm, self.quality, self.reason)
        return f"Window({self.start_s:.1f} to {self.end_s:.1f} s: {words})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HeartRate:
    """The rate of a whole wave, and of its windows.

    In a notebook it shows itself as a figure. `to_dataframe` and `to_csv` give a row for each
    window.

    Attributes:
        bpm: Rate in beats a minute, or none.
        estimate_bpm: Best guess with abstention off, for comparing methods.
        quality: Probability that the estimate is within 3 bpm: the median of the windows that hold
            a pulse.
        reason: Why ``bpm`` is none.
        windows: In order of time; those without a rate say why.
        missing_s: Time without a pulse between the first and the last sample that has one.
    """

    bpm: float | None
    estimate_bpm: float | None
    quality: float
    reason: str | None
    windows: tuple[Window, ...] = field(default=())
    missing_s: float = 0.0

    def __post_init__(self) -> None:
        if (self.bpm is None) != (self.reason is not None):
            raise ParameterError(
                f"bpm is {self.bpm} and reason is {self.reason!r}; exactly one must be none"
            )

    @classmethod
    def none(cls, reason: str) -> "HeartRate":
        """Return the result of a wave in which there is nothing to measure."""
        return cls(bpm=None, estimate_bpm=None, quality=0.0, reason=reason)

    def __repr__(self) -> str:
        return f"HeartRate({self._words()}, {len(self.windows)} windows)"

    def _words(self) -> str:
        return shown.rate_words(self.bpm, self.estimate_bpm, self.quality, self.reason)

    def _repr_html_(self) -> str:
        return shown.html_of(self._words(), {}, shown.rate_image(self))

    def plot(self, axes: "Axes | None" = None) -> "Axes":
        """Draw the rate of each window over time; a cross is a guess that was not given.

        Args:
            axes: Matplotlib axes to draw on; none makes a new figure.

        Returns:
            The axes.
        """
        return shown.plot_rate(self, axes)

    def to_dataframe(self) -> "DataFrame":
        """Return the windows as a pandas data frame, one row for each.

        Raises:
            MissingExtraError: If pandas is not installed.
        """
        return shown.dataframe(shown.window_columns(self.windows))

    def to_csv(self, path: str | Path) -> Path:
        """Write the windows as CSV, one row for each, whole or not at all; return the path.

        Raises:
            InputError: If the file cannot be written.
        """
        return shown.write_csv(path, shown.window_columns(self.windows))


def judge_window(
    span_s: tuple[float, float],
    *,
    missing: float,
    flat: bool,
    bpm: float,
    rise: float,
    quality: float,
    runs_away: bool,
    min_quality: float,
) -> Window:
    """Return the rate of a window, or why it has none.

    That a rate runs away is said where the rhythm is clear; in noise anything may seem to.
    """
    reason = None
    if runs_away and quality >= MIN_QUALITY:
        quality, reason = 0.0, "the rate runs away, faster than a heart's"
    if missing > MOST_MISSING:
        reason = f"{100 * missing:.0f} % of the window has no pulse"
    elif flat:
        reason = "the pulse is flat"
    elif reason is None and quality < min_quality:
        reason = "no rhythm stands out of the noise"
    seen = missing <= MOST_MISSING and not flat
    return Window(
        start_s=span_s[0],
        end_s=span_s[1],
        bpm=bpm if reason is None else None,
        estimate_bpm=bpm if seen else None,
        quality=quality if seen else 0.0,
        reason=reason,
        rise=rise if seen else 0.0,
    )


def combine(windows: tuple[Window, ...], missing_s: float, *, min_quality: float) -> HeartRate:
    """Combine the windows that hold a pulse; abstained ones count as evidence against a rate."""
    seen = [window for window in windows if window.estimate_bpm is not None]
    if not seen:
        reason = windows[0].reason if len(windows) == 1 else "no window holds enough of the pulse"
        return HeartRate(
            bpm=None,
            estimate_bpm=None,
            quality=0.0,
            reason=reason,
            windows=windows,
            missing_s=missing_s,
        )
    qualities = np.array([window.quality for window in seen])
    rises = np.array([window.rise for window in seen])
    weights = (rises / (rises + NOISE_RISE)) ** 2
    estimate = _weighted_median(np.array([w.estimate_bpm for w in seen]), weights)
    quality = float(np.median(qualities))
    given = quality >= min_quality
    doubt = f"quality {quality:.2f}; {min_quality:g} is needed"
    return HeartRate(
        bpm=estimate if given else None,
        estimate_bpm=estimate,
        quality=quality,
        reason=None if given else f"no rhythm stands out of the noise ({doubt})",
        windows=windows,
        missing_s=missing_s,
    )


def _weighted_median(values: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"]) -> float:
    """Return the value that half of the weight reaches: always one that was measured."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
