"""Bring waves to one time axis: resample by time, and find the lag between two of them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Real
from numpy.typing import NDArray
from scipy.interpolate import Akima1DInterpolator
from scipy.signal import butter, sosfiltfilt

from pulsephase.checks import as_wave, check_duration, check_rate
from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.vitals.windows import LONGEST_GAP_S

ANTI_ALIAS = 0.8  # of the new Nyquist frequency, where a low-pass halves the amplitude
FEWEST = 4  # samples of a stretch
MOST_SAMPLES = 50_000_000  # 19 days at 30 Hz: what is longer holds a clock that jumped


def resample(
    times_s: Real[Any, " time"],
    values: Real[Any, " values"],
    *,
    sample_hz: float,
    gap_s: float = LONGEST_GAP_S,
) -> tuple[Float64[np.ndarray, " samples"], Float64[np.ndarray, " samples"]]:
    """Bring a wave with times of its own to an even rate.

    A curve of cubic pieces through each stretch without a gap (modified Akima: it does not swing
    between noisy samples that lie close together, as a spline does); where the new rate is lower
    than that of the wave, what it cannot carry is filtered out first, without a shift in time.

    Args:
        times_s: Rising times, in s.
        values: The wave at them; NaN is a missing sample.
        sample_hz: The new rate.
        gap_s: Samples further apart than this (or than 1.5 of the wave's own steps, if that is
            longer) are not joined.

    Returns:
        The grid, from the first time on, and the wave at it; NaN in gaps, and in stretches of
        fewer than four samples.

    Raises:
        ParameterError: If a value is infinite, or a time is not finite.
        SamplingError: If times do not rise, the rate is not positive, or the grid would have over
            50 million samples.
        ShapeError: If there are fewer than two samples, or not one time a value.

    Example:
        >>> t = np.arange(400) / 40 + np.random.default_rng(0).uniform(0, 0.02, 400)
        >>> grid, wave = resample(t, np.sin(2 * np.pi * t), sample_hz=30.0)
        >>> bool(np.abs(wave - np.sin(2 * np.pi * grid))[10:-10].max() < 0.005)
        True
    """
    times = as_wave("times_s", times_s, rank=1)
    wave = as_wave("values", values, rank=1)
    check_rate("sample_hz", sample_hz)
    check_duration("gap_s", gap_s, at_least=0.0)
    if len(times) != len(wave) or len(times) < 2:
        raise ShapeError(f"{len(times)} times and {len(wave)} values; give one each, at least two")
    if np.isnan(times).any():
        raise ParameterError("times_s holds NaN; every sample needs its time")
    steps = np.diff(times)
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0))
        raise SamplingError(
            f"times_s[{at + 1}] is {times[at + 1]} after {times[at]}; times must rise: sort them "
            "and leave repeated ones out"
        )
    own_s = float(np.median(steps))
    count = (times[-1] - times[0]) * sample_hz
    if count > MOST_SAMPLES:
        raise SamplingError(
            f"times_s span {times[-1] - times[0]:g} s, {count:.2g} samples at {sample_hz:g} Hz; at "
            f"most {MOST_SAMPLES:,} are made: give the parts between long pauses one by one"
        )
    grid = (
        times[0] + np.arange(math.floor((times[-1] - times[0]) * sample_hz + 1e-6) + 1) / sample_hz
    )
    found = np.full(len(grid), np.nan)
    known = ~np.isnan(wave)
    times, wave = times[known], wave[known]
    breaks = np.flatnonzero(np.diff(times) > max(gap_s, 1.5 * own_s)) + 1
    for part in np.split(np.arange(len(times)), breaks):
        if len(part) < FEWEST:
            continue
        inside = (grid >= times[part[0]] - 1e-9) & (grid <= times[part[-1]] + 1e-9)
        found[inside] = _through(times[part], wave[part], grid[inside], sample_hz, own_s)
    return grid, found


def _through(
    times: NDArray[np.float64],
    wave: NDArray[np.float64],
    grid: NDArray[np.float64],
    sample_hz: float,
    own_s: float,
) -> NDArray[np.float64]:
    """Return a stretch at grid times within it."""
    if sample_hz * own_s < 1 - 1e-6:  # the new rate is the lower one
        fine = np.arange(times[0], times[-1] + own_s / 2, own_s)
        sections = butter(4, ANTI_ALIAS * sample_hz / 2, fs=1 / own_s, output="sos")
        even = _curve(times, wave)(fine.clip(times[0], times[-1]))
        padding = min(len(fine) - 1, math.ceil(3 / (sample_hz * own_s)) * 4)
        times, wave = fine, sosfiltfilt(sections, even, padlen=padding)
    values: NDArray[np.float64] = _curve(times, wave)(grid.clip(times[0], times[-1]))
    return values


def _curve(times: NDArray[np.float64], wave: NDArray[np.float64]) -> Akima1DInterpolator:
    return Akima1DInterpolator(times, wave, method="makima")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """By how much one wave is late.

    Attributes:
        seconds: What the second wave lies behind the first; negative where it is ahead.
        correlation: Pearson correlation of the two once shifted.
        at_bound: Whether the best lag is the largest that was allowed: the true one may be larger.
    """

    seconds: float
    correlation: float
    at_bound: bool


def find_lag(
    first: Real[Any, " time"],
    second: Real[Any, " other"],
    *,
    sample_hz: float,
    most_s: float,
) -> Lag:
    """Find the lag at which two waves agree best, between the samples.

    The bound matters: a pulse agrees with itself one beat later, too.

    Args:
        first: A wave; NaN is a missing sample.
        second: A wave of the same length.
        sample_hz: Samples per second.
        most_s: Largest lag either way.

    Raises:
        ParameterError: If a value is infinite, or the bound is negative.
        SamplingError: If the rate is not positive.
        ShapeError: If the lengths differ, or at some lag within the bound less than half of the
            waves has samples of both.

    Example:
        >>> t = np.arange(600) / 30
        >>> wave, late = (np.sin(2 * np.pi * 1.2 * (t - by)) for by in (0.0, 0.12))
        >>> round(find_lag(wave, late, sample_hz=30.0, most_s=0.3).seconds, 3)
        0.12
    """
    a, b = as_wave("first", first, rank=1), as_wave("second", second, rank=1)
    check_rate("sample_hz", sample_hz)
    check_duration("most_s", most_s, at_least=0.0)
    if len(a) != len(b):
        raise ShapeError(f"first has {len(a)} samples and second {len(b)}; cut them to one length")
    reach = math.floor(most_s * sample_hz + 1e-9)
    if reach > len(a) // 2:
        raise ShapeError(
            f"most_s is {most_s:g} s and the waves last {len(a) / sample_hz:g} s; the bound may be "
            "at most half of that"
        )
    lags = np.arange(-reach, reach + 1)
    scores = np.array([_agreement(a, b, int(lag)) for lag in lags])
    if np.isnan(scores).any():
        raise ShapeError(
            "less than half of the waves has samples of both, or one of them is flat there"
        )
    best = int(scores.argmax())
    if best in (0, len(lags) - 1):
        return Lag(
            seconds=float(lags[best]) / sample_hz,
            correlation=float(scores[best]),
            at_bound=True,
        )
    left, centre, right = (float(scores[best + shift]) for shift in (-1, 0, 1))
    bend = left - 2 * centre + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return Lag(
        seconds=(float(lags[best]) + shift) / sample_hz,
        correlation=min(1.0, centre - 0.25 * (left - right) * shift),
        at_bound=False,
    )


def _agreement(a: NDArray[np.float64], b: NDArray[np.float64], lag: int) -> float:
    """Return the correlation of ``a`` with ``b`` taken ``lag`` samples later; NaN if too short."""
    early, late = a[max(0, -lag) : len(a) - max(0, lag)], b[max(0, lag) : len(b) - max(0, -lag)]
    both = ~(np.isnan(early) | np.isnan(late))
    if both.sum() < max(len(a) // 2, 2):
        return math.nan
    x, y = early[both] - early[both].mean(), late[both] - late[both].mean()
    power = float(x @ x) * float(y @ y)
    return float(x @ y) / math.sqrt(power) if power > 0 else math.nan
