r"""How fast does somebody breathe? Read off what breath does to the pulse, or refused.

Breath moves three things of a pulse wave (Karlen et al., IEEE Trans. Biomed. Eng. 60:1946, 2013):
the *amplitude* of a beat, the *baseline* on which it stands, and the *frequency*, that is the
intervals between beats. Each becomes a series in time; their spectra, each over its own sum, are
averaged over the three, and the peak within 0.12 to 0.5 Hz is the rate. It is given where the peak
holds a share of its band that series without breath seldom reach, and where at least two of the
three have their own peak there.

All three are read once a beat, so that breath faster than half the heart rate looks like the heart
rate less itself, in all three alike. Where that fold is a rate at which people breathe, the wave at
its full rate decides: its own baseline must hold clearly more at one of the two, or there is no
rate.

Below 0.12 Hz breath cannot be told from Mayer waves of the blood pressure, near 0.1 Hz.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float64, Real
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.interpolate import CubicSpline

from pulsephase.checks import as_wave
from pulsephase.errors import ParameterError
from pulsephase.vitals.beats import find_beats
from pulsephase.vitals.estimators import NEAR, running_median
from pulsephase.vitals.result import HeartRate

BAND_HZ = (0.12, 0.5)
SHORTEST_S = 30.0
GRID_HZ = 4.0
ZERO_PADDING = 8
REACH = 1.5  # half width of a peak, in steps 1/T
AGREE_BPM = 2.5
FEWEST_AGREEING = 2
SOURCES = ("amplitude", "baseline", "frequency")
FASTEST_HZ = 0.6  # of breath that a fold may come from
CLEARLY = 2.0  # by which the baseline's power must differ between a rate and its fold
NOISE_AT_60_S = 0.34  # share that fewer than 5 in 100 waves of 60 s without breath reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Respiration:
    """A breathing rate, or why there is none.

    Attributes:
        bpm: Breaths a minute, or none.
        estimate_bpm: Best guess, or none where there is nothing to look at.
        confidence: Share of the band's power in the peak, mean of the sources; no probability.
        sources_bpm: Peak of each source by itself.
        reason: Why ``bpm`` is none.
    """

    bpm: float | None
    estimate_bpm: float | None
    confidence: float
    sources_bpm: dict[str, float]
    reason: str | None

    def __post_init__(self) -> None:
        if (self.bpm is None) != (self.reason is not None):
            raise ParameterError(
                f"bpm is {self.bpm} and reason is {self.reason!r}; exactly one must be none"
            )

    def as_json(self) -> dict[str, object]:
        """Return the result as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


def respiration(
    pulse: Real[Any, " time"],
    *,
    sample_hz: float,
    rate: HeartRate,
) -> Respiration:
    """Measure the breathing rate of a pulse wave, or say why not.

    The longest stretch without a gap is used.

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
        >>> t = np.arange(60 * 30) / 30.0
        >>> breath = np.sin(2 * np.pi * 0.25 * t)
        >>> wave = (1 + 0.2 * breath) * np.cos(2 * np.pi * 1.2 * t) + 0.3 * breath
        >>> round(respiration(wave, sample_hz=30.0, rate=heart_rate(wave, sample_hz=30.0)).bpm)
        15
    """
    wave = as_wave("pulse", pulse, rank=1)
    if rate.bpm is None:
        return _refused(f"no heart rate: {rate.reason}")
    times, values = _series(wave, sample_hz, rate.bpm)
    span_s = float(np.ptp(times)) if len(times) else 0.0
    if span_s < SHORTEST_S:
        return _refused(f"{span_s:.0f} s of beats without a gap; {SHORTEST_S:g} s are needed")
    shares, frequency = _spectra(times, values)
    own = 60 * frequency[shares.argmax(1)]
    mean = shares.mean(0)
    best = int(mean.argmax())
    bpm = 60 * float(frequency[best])
    near = np.abs(frequency - frequency[best]) <= REACH / span_s
    confidence = float(mean[near].sum())
    agreeing = int((np.abs(own - bpm) <= AGREE_BPM).sum())
    reason = None
    if agreeing < FEWEST_AGREEING:
        said = ", ".join(f"{name} {each:.0f}" for name, each in zip(SOURCES, own, strict=True))
        reason = f"the sources disagree ({said} breaths a minute)"
    elif confidence < NOISE_AT_60_S * (60 / span_s) ** 0.5:
        reason = f"the peak holds {100 * confidence:.0f} % of its band, as without breath"
    else:
        fold_hz = rate.bpm / 60 - bpm / 60
        ratio = _baseline_ratio(wave, sample_hz, bpm / 60, fold_hz, span_s)
        if ratio < 1 / CLEARLY:
            bpm = 60 * fold_hz
        elif ratio < CLEARLY:
            reason = (
                f"once a beat, {bpm:.0f} breaths a minute look like {60 * fold_hz:.0f}, and the "
                "wave's own baseline does not tell which"
            )
    return Respiration(
        bpm=bpm if reason is None else None,
        estimate_bpm=bpm,
        confidence=confidence,
        sources_bpm=dict(zip(SOURCES, own.tolist(), strict=True)),
        reason=reason,
    )


def _baseline_ratio(
    wave: NDArray[np.float64], sample_hz: float, found_hz: float, fold_hz: float, span_s: float
) -> float:
    """Return the baseline's power at a rate over that at its fold; infinite where that is none."""
    near_hz = REACH / span_s
    if not BAND_HZ[0] <= fold_hz <= FASTEST_HZ or abs(fold_hz - found_hz) < 2 * near_hz:
        return np.inf
    edges = np.flatnonzero(np.diff(np.concatenate([[True], np.isnan(wave), [True]]).astype(int)))
    start, stop = max(edges.reshape(-1, 2).tolist(), key=lambda run: run[1] - run[0])
    part = wave[start:stop]
    taper = np.sin(np.pi * (np.arange(len(part)) + 0.5) / len(part))
    power = np.abs(rfft(taper * (part - part.mean()))) ** 2
    frequency = np.arange(len(power)) * sample_hz / len(part)
    held = [power[np.abs(frequency - at) <= near_hz].sum() for at in (found_hz, fold_hz)]
    return float(held[0] / max(held[1], 1e-300))


def _refused(reason: str) -> Respiration:
    return Respiration(bpm=None, estimate_bpm=None, confidence=0.0, sources_bpm={}, reason=reason)


def _series(
    wave: NDArray[np.float64], sample_hz: float, rate_bpm: float
) -> tuple[Float64[np.ndarray, " beats"], Float64[np.ndarray, "3 beats"]]:
    """Return times of the beats of the longest stretch, and the three series at them."""
    beats = find_beats(wave, sample_hz=sample_hz, rate_bpm=rate_bpm)
    if len(beats.times_s) == 0:
        return np.empty(0), np.empty((3, 0))
    longest = np.bincount(beats.stretch).argmax()
    crests = beats.times_s[beats.stretch == longest]
    if len(crests) < 4:
        return np.empty(0), np.empty((3, 0))
    edges = np.rint(crests * sample_hz).astype(int)
    parts = [wave[a:b] for a, b in pairwise(edges)]
    values = np.array(
        [
            [np.ptp(part) for part in parts],
            [part.mean() for part in parts],
            np.diff(crests),
        ]
    )
    median = running_median(values[2])
    normal = np.abs(values[2] - median) <= NEAR * median
    return (0.5 * (crests[1:] + crests[:-1]))[normal], values[:, normal]


def _spectra(
    times: Float64[np.ndarray, " beats"], values: Float64[np.ndarray, "3 beats"]
) -> tuple[Float64[np.ndarray, "3 bins"], Float64[np.ndarray, " bins"]]:
    """Return each series' share of power in the band, and the frequencies."""
    grid = np.arange(times[0], times[-1], 1 / GRID_HZ)
    even = CubicSpline(times, values, axis=1)(grid)
    time = grid - grid.mean()
    for power in (0, 1, 2):  # an offset, a line and a bend are no breath
        shape = np.polynomial.legendre.legval(time / np.abs(time).max(), np.eye(3)[power])
        even = even - np.outer(even @ shape / (shape @ shape), shape)
    taper = np.sin(np.pi * (np.arange(len(grid)) + 0.5) / len(grid))
    size = ZERO_PADDING * len(grid)
    density = np.abs(rfft(taper * even, size, axis=1)) ** 2
    frequency = np.arange(density.shape[1]) * GRID_HZ / size
    inside = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    shares = density[:, inside]
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-300), frequency[inside]
