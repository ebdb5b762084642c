r"""How regular is the heart? Figures of its variability from the beats of a pulse wave.

Definitions as in the guideline of the Task Force (European Heart Journal 17:354, 1996), on the
intervals between beats that are normal: one that differs by over 20 % from the median of its nine
neighbours (an early beat, a missed or an invented one) is left out, and so are differences over it.
The pulse comes from a wave's crests, so this is pulse-rate variability: like that of the heart at
rest, larger in motion.

The arithmetic of the time domain is a line a figure; spectra are scipy's. A library was not used
for them: those for physiological signals bring machine-learning frameworks along; the tests hold
every figure against one.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float64, Real
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import welch

from pulsephase.checks import as_wave
from pulsephase.errors import ParameterError, ShapeError
from pulsephase.vitals.beats import Beats, find_beats
from pulsephase.vitals.estimators import NEAR, running_median
from pulsephase.vitals.result import HeartRate

TIME_DOMAIN_S = 60.0
"""Least time of normal intervals for SDNN, RMSSD, pNN50, SD1 and SD2."""
HF_S, LF_S = 60.0, 120.0
"""Least time without a gap for the power of a band: about ten of its slowest waves for HF, five for
LF (the guideline asks for one and two minutes)."""
LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.40)
MOST_ABNORMAL = 0.2
GRID_HZ = 4.0  # of the intervals as a function of time
SEGMENT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variability:
    """Figures of variability; those that are none have a reason.

    Attributes:
        beats: Number of beats.
        normal_s: Time in normal intervals.
        abnormal: Share of intervals that were left out.
        mean_ms: Mean normal interval.
        sdnn_ms: Standard deviation of the normal intervals (n - 1).
        rmssd_ms: Root mean square of the differences of neighbours.
        pnn50: Share of these differences over 50 ms.
        sd1_ms: Width of the Poincare plot, across the diagonal.
        sd2_ms: Its length, along the diagonal.
        lf_ms2: Power of the intervals in 0.04 to 0.15 Hz.
        hf_ms2: Power in 0.15 to 0.4 Hz.
        lf_hf: Their ratio.
        reasons: Why a figure is none, by name.
    """

    beats: int
    normal_s: float
    abnormal: float
    mean_ms: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None
    pnn50: float | None
    sd1_ms: float | None
    sd2_ms: float | None
    lf_ms2: float | None
    hf_ms2: float | None
    lf_hf: float | None
    reasons: dict[str, str]

    def as_json(self) -> dict[str, object]:
        """Return the figures as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


TIME_FIGURES = ("mean_ms", "sdnn_ms", "rmssd_ms", "pnn50", "sd1_ms", "sd2_ms")
SPECTRAL_FIGURES = ("lf_ms2", "hf_ms2", "lf_hf")


def variability(
    pulse: Real[Any, " time"],
    *,
    sample_hz: float,
    rate: HeartRate,
) -> Variability:
    """Measure the variability of a pulse wave, or say why not.

    Args:
        pulse: The wave, rising with blood volume; NaN where there is none.
        sample_hz: Samples per second.
        rate: Its heart rate; where that abstains, so does this.

    Raises:
        ParameterError: If the wave holds infinity.
        SamplingError: If the rate is not positive, or too low for the beats.
        ShapeError: If the wave is not one-dimensional, or empty.

    Example:
        >>> from pulsephase.vitals.heart_rate import heart_rate
        >>> t = np.arange(90 * 30) / 30.0
        >>> wave = np.cos(2 * np.pi * 1.25 * t)
        >>> found = variability(wave, sample_hz=30.0, rate=heart_rate(wave, sample_hz=30.0))
        >>> round(found.mean_ms), found.rmssd_ms < 5, found.lf_ms2
        (800, True, None)
        >>> found.reasons["lf_ms2"]
        '88 s without a gap; 120 s are needed'
    """
    wave = as_wave("pulse", pulse, rank=1)
    if rate.bpm is None:
        return _refused(0, 0.0, 0.0, f"no heart rate: {rate.reason}")
    return of_beats(find_beats(wave, sample_hz=sample_hz, rate_bpm=rate.bpm))


def of_beats(beats: Beats) -> Variability:
    """Measure the variability of beats whose times are known, as from contact or an ECG.

    Args:
        beats: Their times, and which stretch without a gap each is in.

    Raises:
        ParameterError: If a time is not finite.
        ShapeError: If times do not rise.
    """
    times = np.asarray(beats.times_s, dtype=np.float64)
    if not np.isfinite(times).all():
        raise ParameterError("a beat's time is not finite; leave such beats out")
    if (np.diff(times) <= 0).any():
        raise ShapeError("the times of beats do not rise; sort them and leave repeated ones out")
    intervals, ends, stretch = _intervals(beats)
    if len(intervals) == 0:
        return _refused(len(times), 0.0, 0.0, "there are no two beats in a row")
    normal = _normal(intervals, stretch)
    normal_s, abnormal = float(intervals[normal].sum()), float(1 - normal.mean())
    if abnormal > MOST_ABNORMAL:
        reason = f"{100 * abnormal:.0f} % of the intervals are not normal; at most 20 % may be"
        return _refused(len(times), normal_s, abnormal, reason)
    reasons: dict[str, str] = {}
    figures = dict.fromkeys((*TIME_FIGURES, *SPECTRAL_FIGURES))
    if normal_s < TIME_DOMAIN_S:
        why = f"{normal_s:.0f} s of normal intervals; {TIME_DOMAIN_S:g} s are needed"
        reasons |= dict.fromkeys(TIME_FIGURES, why)
    else:
        figures |= _time_domain(intervals, normal, stretch)
    lf, hf, longest_s = _band_powers(intervals, ends, normal, stretch)
    figures |= {"lf_ms2": lf, "hf_ms2": hf}
    for name, power, needed in (("lf_ms2", lf, LF_S), ("hf_ms2", hf, HF_S)):
        if power is None:
            reasons[name] = f"{longest_s:.0f} s without a gap; {needed:g} s are needed"
    if lf is not None and hf is not None and hf > 0:
        figures["lf_hf"] = lf / hf
    else:
        reasons["lf_hf"] = reasons.get("lf_ms2") or "there is no power in the HF band"
    return Variability(
        beats=len(times), normal_s=normal_s, abnormal=abnormal, reasons=reasons, **figures
    )


def _refused(beats: int, normal_s: float, abnormal: float, reason: str) -> Variability:
    none = dict.fromkeys((*TIME_FIGURES, *SPECTRAL_FIGURES))
    reasons = dict.fromkeys(none, reason)
    return Variability(beats=beats, normal_s=normal_s, abnormal=abnormal, reasons=reasons, **none)


def _intervals(
    beats: Beats,
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"], NDArray[np.intp]]:
    """Return the intervals within stretches, when each ends, and its stretch."""
    within = np.diff(beats.stretch) == 0
    return np.diff(beats.times_s)[within], beats.times_s[1:][within], beats.stretch[1:][within]


def _normal(
    intervals: Float[np.ndarray, " n"], stretch: NDArray[np.intp]
) -> Bool[np.ndarray, " n"]:
    parts = np.split(intervals, _begins(stretch)[1:])
    median = np.concatenate([running_median(part) for part in parts])
    return np.asarray(np.abs(intervals - median) <= NEAR * median, dtype=np.bool_)


def _begins(stretch: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return where each stretch begins; their numbers rise."""
    return np.flatnonzero(np.diff(stretch, prepend=-1))


def _time_domain(
    intervals: Float[np.ndarray, " n"], normal: Bool[np.ndarray, " n"], stretch: NDArray[np.intp]
) -> dict[str, float | None]:
    kept = 1e3 * intervals[normal]
    pairs = normal[1:] & normal[:-1] & (stretch[1:] == stretch[:-1])
    differences = 1e3 * np.diff(intervals)[pairs]
    sdnn = float(kept.std(ddof=1))
    rmssd = math.sqrt(float((differences**2).mean()))
    across = float(differences.var(ddof=1)) / 2
    return {
        "mean_ms": float(kept.mean()),
        "sdnn_ms": sdnn,
        "rmssd_ms": rmssd,
        "pnn50": float((np.abs(differences) > 50).mean()),
        "sd1_ms": math.sqrt(across),
        "sd2_ms": math.sqrt(max(0.0, 2 * sdnn**2 - across)),
    }


def _band_powers(
    intervals: Float[np.ndarray, " n"],
    ends: Float[np.ndarray, " n"],
    normal: Bool[np.ndarray, " n"],
    stretch: NDArray[np.intp],
) -> tuple[float | None, float | None, float]:
    """Return LF and HF power of the longest stretch without a gap, and how long that is."""
    ends, intervals = ends[normal], intervals[normal]
    begins = _begins(stretch[normal])
    stops = np.append(begins[1:], len(ends))
    spans = ends[stops - 1] - ends[begins]
    longest = int(spans.argmax())
    span_s = float(spans[longest])
    if span_s < HF_S:
        return None, None, span_s
    here = slice(begins[longest], stops[longest])
    grid = np.arange(ends[here][0], ends[here][-1], 1 / GRID_HZ)
    track = CubicSpline(ends[here], 1e3 * intervals[here])(grid)
    size = min(len(grid), round(SEGMENT_S * GRID_HZ))
    frequency, density = welch(track - track.mean(), fs=GRID_HZ, nperseg=size)
    powers = [
        float(np.trapezoid(density[inside], frequency[inside]))
        for low, high in (LF_HZ, HF_HZ)
        for inside in [(frequency >= low) & (frequency < high)]
    ]
    return powers[0] if span_s >= LF_S else None, powers[1], span_s
