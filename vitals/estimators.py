"""Two more ways from a wave to one rate: its autocorrelation, and its beats.

:func:`~pulsephase.vitals.heart_rate.heart_rate` looks at spectra; these look at time, fail in other
ways, and so are a check on it. Each takes a stretch of wave as one piece, and returns a rate, how
sure it is of it, and where it abstains, why. Where they abstain was fixed on white, pink and brown
noise of 5 to 60 s, of which each refuses at least 95 in 100.

Either can be asked of each window of a recording.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from pulsephase.checks import as_wave, check_duration, check_rate, usable_band
from pulsephase.errors import ParameterError, SamplingError
from pulsephase.vitals.beats import find_beats
from pulsephase.vitals.heart_rate import BAND_HZ, FLAT, STEP_S, WINDOW_S, clean
from pulsephase.vitals.windows import LONGEST_GAP_S, SHORTEST_S, place_windows

LAGS = 1500  # between the shortest and the longest period, evenly in their logarithm
AT_ONCE = 1_000_000  # values of the autocorrelation that are looked up together
LAG_HZ = 120.0  # least rate at which the autocorrelation is drawn
ABOVE, BELOW = 2.0, 1.1  # by which the search goes beyond the band, to tell what lies outside
SHORTEST_SHARE = 0.7  # of the highest peak: the shortest period that reaches it is the rate
NOISE_AT_10_S = 0.45  # periodicity that 2 in 100 waves of 10 s of brown noise reach
NOISE_FALL = 0.65  # power of the length with which that falls
NEAR = 0.2  # an interval this near to the median of its neighbours is regular
NEIGHBOURS = 9
FEWEST_INTERVALS = 5
FASTEST_BPM_S = 6.0  # a heart's rate does not change faster over a stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One rate of a stretch of wave.

    Attributes:
        bpm: Rate in beats a minute, or none.
        estimate_bpm: Best guess with abstention off, or none where there is nothing to look at.
        confidence: 0 to 1; what it is a share of, the estimator says. It is no probability.
        reason: Why ``bpm`` is none.
    """

    bpm: float | None
    estimate_bpm: float | None
    confidence: float
    reason: str | None

    def __post_init__(self) -> None:
        if (self.bpm is None) != (self.reason is not None):
            raise ParameterError(
                f"bpm is {self.bpm} and reason is {self.reason!r}; exactly one must be none"
            )


def autocorrelation_rate(
    pulse: Real[Any, " time"],
    *,
    sample_hz: float,
    band_hz: tuple[float, float] = BAND_HZ,
) -> Estimate:
    r"""Find the period after which a wave repeats itself.

    With :math:`r` the unbiased autocorrelation of the detrended wave between the lower edge of the
    band and twice its upper one, the *periodicity* of a period :math:`\tau` is the mean over all
    its multiples up to half of the wave,

    .. math:: A(\tau) = \frac{1}{K} \sum_{k=1}^{K} r(k\tau), \qquad K = \lfloor L/2\tau \rfloor .

    All multiples of the true period score alike, so the shortest period with 0.7 of the best is
    taken: half of a period scores at most that, unless its harmonic is far stronger.

    Args:
        pulse: The wave, without gaps, at least 5 s.
        sample_hz: Samples per second.
        band_hz: Where the rate may lie.

    Returns:
        The rate; its confidence is :math:`A`, the share of the power that repeats. It abstains
        where noise of the same length reaches as much, and where the rhythm is outside the band.

    Raises:
        ParameterError: If a sample is not finite.
        SamplingError: If a rate is not positive or leaves no band, or the wave is under 5 s.
        ShapeError: If the wave is not one-dimensional, or empty.

    Example:
        >>> t = np.arange(300) / 30.0
        >>> found = autocorrelation_rate(np.cos(2 * np.pi * 1.25 * t), sample_hz=30.0)
        >>> round(found.bpm, 1), round(found.confidence, 2)
        (75.0, 1.0)
    """
    wave, band, top_hz = _checked(pulse, sample_hz, band_hz)
    if np.abs(wave).max() <= FLAT:
        return Estimate(bpm=None, estimate_bpm=None, confidence=0.0, reason="the pulse is flat")
    length_s = len(wave) / sample_hz
    lag_s, r = _autocorrelation(wave, sample_hz, (0.8 * band[0], min(ABOVE * band[1], top_hz)))
    periods = np.geomspace(1 / min(ABOVE * band[1], top_hz), BELOW / band[0], LAGS)
    multiples = np.maximum(1, (0.5 * length_s / periods).astype(int))
    each = np.arange(1, multiples.max() + 1)
    pieces = math.ceil(LAGS * len(each) / AT_ONCE)  # so that memory does not grow with the wave
    periodicity = np.concatenate(
        [
            _mean_of_multiples(some, each, counts, lag_s, r)
            for some, counts in zip(
                np.array_split(periods, pieces), np.array_split(multiples, pieces), strict=True
            )
        ]
    )
    inner = periodicity[1:-1]
    peaks = 1 + np.flatnonzero((inner > periodicity[:-2]) & (inner >= periodicity[2:]))
    if len(peaks) == 0 or periodicity[peaks].max() <= 0:
        return Estimate(
            bpm=None, estimate_bpm=None, confidence=0.0, reason="nothing repeats within the band"
        )
    high = periodicity[peaks] >= SHORTEST_SHARE * periodicity[peaks].max()
    bpm, confidence = _between_lags(periods, periodicity, int(peaks[high][0]))
    reason = None
    if not 60 * band[0] <= bpm <= 60 * band[1]:
        reason = f"the rhythm is at {bpm:.0f} bpm, outside the band"
    elif confidence < NOISE_AT_10_S * (10 / length_s) ** NOISE_FALL:
        reason = f"{100 * confidence:.0f} % of the wave repeats, as in noise"
    return Estimate(
        bpm=bpm if reason is None else None,
        estimate_bpm=bpm,
        confidence=confidence,
        reason=reason,
    )


def beat_rate(
    pulse: Real[Any, " time"],
    *,
    sample_hz: float,
    band_hz: tuple[float, float] = BAND_HZ,
) -> Estimate:
    """Count the beats of a wave, and take the mean of their regular intervals.

    An interval is regular within 20 % of the median of its nine neighbours, so that a missed or an
    invented beat does not count. The beats are looked for around the rate of the
    autocorrelation.

    Args:
        pulse: The wave, rising with blood volume, without gaps, at least 5 s.
        sample_hz: Samples per second.
        band_hz: Where the rate may lie.

    Returns:
        The rate; its confidence is the share of regular intervals. It abstains with fewer than
        five of them, where noise is as regular, and where the rate runs away by over 6 bpm/s.

    Raises:
        ParameterError: If a sample is not finite.
        SamplingError: If a rate is not positive or leaves no band, or the wave is under 5 s or
            sampled too slowly for its beats.
        ShapeError: If the wave is not one-dimensional, or empty.

    Example:
        >>> t = np.arange(300) / 30.0
        >>> found = beat_rate(np.cos(2 * np.pi * 1.25 * t), sample_hz=30.0)
        >>> round(found.bpm), found.confidence
        (75, 1.0)
    """
    rough = autocorrelation_rate(pulse, sample_hz=sample_hz, band_hz=band_hz)
    if rough.estimate_bpm is None:
        return rough
    beats = find_beats(pulse, sample_hz=sample_hz, rate_bpm=rough.estimate_bpm)
    intervals = beats.intervals_s()
    if len(intervals) < FEWEST_INTERVALS:
        return Estimate(
            bpm=None,
            estimate_bpm=rough.estimate_bpm,
            confidence=0.0,
            reason=f"{len(intervals)} intervals between beats; {FEWEST_INTERVALS} are needed",
        )
    regular = np.abs(intervals - running_median(intervals)) < NEAR * running_median(intervals)
    confidence = float(regular.mean())
    bpm = 60 / float(intervals[regular].mean()) if regular.any() else rough.estimate_bpm
    slope = float(np.polyfit(np.cumsum(intervals), 60 / intervals, 1)[0])
    reason = None
    if not 60 * band_hz[0] <= bpm <= 60 * band_hz[1]:
        reason = f"the rhythm is at {bpm:.0f} bpm, outside the band"
    elif confidence < min(1.0, 0.55 + 1.3 / math.sqrt(len(intervals))):
        reason = f"{100 * confidence:.0f} % of the intervals are regular, as in noise"
    elif abs(slope) > FASTEST_BPM_S:
        reason = f"the rate runs away by {slope:.0f} bpm a second"
    return Estimate(
        bpm=bpm if reason is None else None,
        estimate_bpm=bpm,
        confidence=confidence,
        reason=reason,
    )


def running_median(values: NDArray[np.float64], *, width: int = NEIGHBOURS) -> NDArray[np.float64]:
    """Return the median of each value and its neighbours; at the ends, of the nearest ``width``.

    >>> running_median(np.array([1.0, 1.0, 9.0, 1.0, 1.0]), width=3).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    width = min(width, len(values))
    first = np.clip(np.arange(len(values)) - width // 2, 0, len(values) - width)
    rows = first[:, None] + np.arange(width)
    return np.asarray(np.median(values[rows], axis=1), dtype=np.float64)


def _checked(
    pulse: Any, sample_hz: float, band_hz: tuple[float, float]
) -> tuple[NDArray[np.float64], tuple[float, float], float]:
    wave = as_wave("pulse", pulse, rank=1)
    band, top_hz = usable_band(band_hz, sample_hz=sample_hz, source_hz=None)
    if len(wave) < round(SHORTEST_S * sample_hz):
        raise SamplingError(
            f"pulse lasts {len(wave) / sample_hz:.2f} s; give at least {SHORTEST_S:g} s"
        )
    if np.isnan(wave).any():
        raise ParameterError("pulse holds NaN; give one stretch without gaps, or use heart_rate")
    return clean(wave, band[0], sample_hz), band, top_hz


def _autocorrelation(
    wave: NDArray[np.float64], sample_hz: float, band_hz: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lags in s up to half of the wave, and the unbiased autocorrelation there, 1 at 0."""
    size = next_fast_len(2 * len(wave), real=True)
    power = np.abs(rfft(wave, size)) ** 2
    frequency = np.fft.rfftfreq(size, 1 / sample_hz)
    power[(frequency < band_hz[0]) | (frequency > band_hz[1])] = 0.0
    finer = max(1, math.ceil(LAG_HZ / sample_hz))
    lag_s = np.arange(len(wave) * finer // 2 + 1) / (sample_hz * finer)
    r = irfft(power, size * finer)[: len(lag_s)] / (1 - lag_s * sample_hz / len(wave))
    return lag_s, r / max(float(r[0]), 1e-300)


def _mean_of_multiples(
    periods: NDArray[np.float64],
    each: NDArray[np.intp],
    multiples: NDArray[np.intp],
    lag_s: NDArray[np.float64],
    r: NDArray[np.float64],
) -> NDArray[np.float64]:
    values = np.interp(periods[:, None] * each, lag_s, r)
    counted = each <= multiples[:, None]
    return np.asarray(np.where(counted, values, 0.0).sum(1) / multiples, dtype=np.float64)


def _between_lags(
    periods: NDArray[np.float64], periodicity: NDArray[np.float64], at: int
) -> tuple[float, float]:
    """Return the rate in bpm and the height of a peak, by a parabola through three points."""
    left, centre, right = (float(periodicity[at + shift]) for shift in (-1, 0, 1))
    bend = left - 2 * centre + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    period = float(periods[at]) * float(periods[1] / periods[0]) ** shift
    return 60 / period, min(1.0, max(0.0, centre))


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
