"""Autocorrelation and beats over time: an estimator asked of each window of a recording.

The windows are those of :func:`pulsephase.vitals.heart_rate.heart_rate`; each stands by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from numpy.typing import NDArray

from pulsephase.errors import SamplingError
from pulsephase.vitals.door import as_wave, check_duration, check_rate
from pulsephase.vitals.estimators import Estimate
from pulsephase.vitals.heart_rate import STEP_S, WINDOW_S
from pulsephase.vitals.windows import LONGEST_GAP_S, SHORTEST_S, place_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEstimate:
    """What an estimator said of one window.

    Attributes:
        start_s: Time of its first sample, from the first sample of the wave.
        end_s: Time of its end: one sample after its last.
        estimate: The rate, or why there is none.
    """

    start_s: float
    end_s: float
    estimate: Estimate


def in_windows(
    estimator: Callable[..., Estimate],
    pulse: Real[Any, " time"],
    *,
    sample_hz: float,
    window_s: float = WINDOW_S,
    step_s: float = STEP_S,
) -> tuple[WindowEstimate, ...]:
    """Ask an estimator of each window of a wave.

    Args:
        estimator: :func:`~pulsephase.vitals.estimators.autocorrelation_rate`,
            :func:`~pulsephase.vitals.estimators.beat_rate`, or one like them.
        pulse: The wave; NaN where there is none. Gaps of at most 0.5 s are bridged by a line; a
            window with a longer one abstains.
        sample_hz: Samples per second.
        window_s: Length of a window, at least 5 s; a shorter wave of at least 5 s is one window.
        step_s: From one window to the next.

    Returns:
        The windows in order of time; none where less than 5 s hold a pulse.

    Raises:
        ParameterError: If the wave holds infinity, or a duration is not positive and finite.
        SamplingError: If the rate is not positive.
        ShapeError: If the wave is not one-dimensional, or empty.

    Example:
        >>> from pulsephase.vitals.estimators import autocorrelation_rate
        >>> t = np.arange(600) / 30.0
        >>> found = in_windows(autocorrelation_rate, np.cos(2 * np.pi * 1.25 * t), sample_hz=30.0)
        >>> len(found), round(found[-1].estimate.bpm), found[-1].end_s
        (11, 75, 20.0)
    """
    wave = as_wave("pulse", pulse, rank=1)
    check_rate("sample_hz", sample_hz)
    check_duration("window_s", window_s, at_least=SHORTEST_S)
    check_duration("step_s", step_s, at_least=1 / sample_hz)
    known = ~np.isnan(wave)
    if known.sum() < round(SHORTEST_S * sample_hz):
        return ()
    return tuple(
        WindowEstimate(
            start_s=start / sample_hz,
            end_s=(start + grid.length) / sample_hz,
            estimate=_ask(estimator, wave[start : start + grid.length], sample_hz),
        )
        for grid in place_windows(known, sample_hz=sample_hz, window_s=window_s, step_s=step_s)
        for start in grid.starts
    )


def _ask(
    estimator: Callable[..., Estimate], part: NDArray[np.float64], sample_hz: float
) -> Estimate:
    longest_s = _longest_gap(np.isnan(part)) / sample_hz
    reason = f"a gap of {longest_s:.1f} s"
    if longest_s <= LONGEST_GAP_S:
        try:
            return estimator(_bridged(part), sample_hz=sample_hz)
        except SamplingError as error:  # of this window: too short, or too fast for its beats
            reason = str(error)
    return Estimate(bpm=None, estimate_bpm=None, confidence=0.0, reason=reason)


def _longest_gap(missing: NDArray[np.bool_]) -> int:
    """Return the length of the longest run, in samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(int)))
    return int(np.diff(edges.reshape(-1, 2), axis=1).max(initial=0))


def _bridged(part: Float[np.ndarray, " time"]) -> NDArray[np.float64]:
    """Fill gaps by lines; at the ends, by the nearest sample."""
    known = np.flatnonzero(~np.isnan(part))
    return np.asarray(np.interp(np.arange(len(part)), known, part[known]), dtype=np.float64)
