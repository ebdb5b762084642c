r"""The arithmetic of the public toolboxes, under their names: heart rate, SNR and MACC of a wave.

All three integrate a wave of differences, detrend it by smoothness priors with
:math:`\lambda = 100` whatever the rate, filter it forward and backward by a Butterworth filter of
first order, and take the largest bin of a boxcar periodogram of the next power of two. They differ
in the band, in the power of the density that the SNR sums, and in the lags of the MACC.

`strict` is the convention of this package: windows of 10 s, a peak between the bins, bounded lags.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.signal import butter, filtfilt, periodogram

from pulsephase.checks import usable_band
from pulsephase.errors import ParameterError, SamplingError
from pulsephase.vitals.agreement import Scores
from pulsephase.vitals.heart_rate import BAND_HZ, FLAT, STEP_S
from pulsephase.vitals.peaks import find_peaks
from pulsephase.vitals.signals import band_pass, detrend, smoothness
from pulsephase.vitals.windows import SHORTEST_S, place_windows

LAMBDA = 100.0
HALF_WINDOW_HZ = 6 / 60  # of the SNR, around the label's rate and around its double
SHORTEST = 10  # samples; the filter's padding takes 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """What sets one tool's arithmetic apart.

    Attributes:
        name: As given to :func:`pulsephase.vitals.metrics.metrics`.
        band_hz: Edges of filter, rate and SNR.
        density_power: The SNR sums the spectral density to this power.
        every_lag: Whether the MACC looks at all circular lags, or leaves out the last.
        may_window: Whether the tool can cut videos into windows.
    """

    name: str
    band_hz: tuple[float, float]
    density_power: int
    every_lag: bool
    may_window: bool


CONVENTIONS = {
    convention.name: convention
    for convention in (
        # Liu et al., rPPG-Toolbox, NeurIPS 2023 Datasets and Benchmarks; as of 2025 and of 2023
        Convention(
            name="toolbox-2025",
            band_hz=(0.6, 3.3),
            density_power=1,
            every_lag=False,
            may_window=True,
        ),
        Convention(
            name="toolbox-2023",
            band_hz=(0.75, 2.5),
            density_power=1,
            every_lag=False,
            may_window=True,
        ),
        # as released with the PHASE-Net paper; that its FFT takes every lag is an assumption
        Convention(
            name="phasenet-release",
            band_hz=(0.75, 2.5),
            density_power=2,
            every_lag=True,
            may_window=False,
        ),
    )
}


def score(
    prediction: Float[np.ndarray, " time"],
    label: Float[np.ndarray, " time"],
    *,
    sample_hz: float,
    convention: Convention,
    window_s: float | None,
    difference: bool,
) -> Scores:
    """Score one video, whole or in windows that do not overlap.

    Raises:
        SamplingError: If a window is too short for the filter, or holds no bin of the band.
    """
    length = len(label) if window_s is None else min(round(window_s * sample_hz), len(label))
    rows = []
    for start in range(0, len(label), length):
        window = slice(start, start + length)
        if len(label[window]) < SHORTEST and start > 0:
            continue  # the rest of a video
        p, t = (
            _prepare(wave[window], sample_hz, convention.band_hz, difference)
            for wave in (prediction, label)
        )
        truth = _rate(t, sample_hz, convention.band_hz)
        rows.append(
            (
                _rate(p, sample_hz, convention.band_hz),
                truth,
                _snr(p, truth, sample_hz, convention),
                _macc(p, t, every_lag=convention.every_lag),
            )
        )
    predicted, labels, snr, macc = np.array(rows).T
    return Scores(predicted_bpm=predicted, label_bpm=labels, snr_db=snr, macc=macc)


def resolution_bpm(length: int, sample_hz: float) -> float:
    """Return the distance of two bins of the periodogram of ``length`` samples."""
    return 60 * sample_hz / _next_power_of_two(length)


def _prepare(
    wave: NDArray[np.float64], sample_hz: float, band_hz: tuple[float, float], difference: bool
) -> NDArray[np.float64]:
    if len(wave) < SHORTEST:
        raise SamplingError(f"a window has {len(wave)} samples; at least {SHORTEST} are needed")
    if band_hz[1] >= sample_hz / 2:
        raise SamplingError(
            f"sample_hz is {sample_hz}; the convention's band ends at {band_hz[1]} Hz, "
            "so it must be above twice that"
        )
    clean = detrend(np.cumsum(wave) if difference else wave, lam=LAMBDA)
    b, a = butter(1, [edge / sample_hz * 2 for edge in band_hz], btype="bandpass")
    filtered: NDArray[np.float64] = filtfilt(b, a, clean)
    return filtered


def _next_power_of_two(length: int) -> int:
    return 1 << (length - 1).bit_length()


def _density(
    wave: NDArray[np.float64], sample_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    frequency, density = periodogram(
        wave, fs=sample_hz, nfft=_next_power_of_two(len(wave)), detrend=False
    )
    return frequency, density


def _rate(wave: NDArray[np.float64], sample_hz: float, band_hz: tuple[float, float]) -> float:
    frequency, density = _density(wave, sample_hz)
    inside = np.flatnonzero((frequency >= band_hz[0]) & (frequency <= band_hz[1]))
    if len(inside) == 0:
        raise SamplingError(
            f"a window of {len(wave)} samples at {sample_hz} Hz has no bin in {band_hz} Hz; "
            "give longer windows"
        )
    return float(frequency[inside][density[inside].argmax()] * 60)


def _snr(
    wave: NDArray[np.float64], label_bpm: float, sample_hz: float, convention: Convention
) -> float:
    """Return the power at the label's rate and its double over the rest of the band, in dB."""
    frequency, density = _density(wave, sample_hz)
    power = density**convention.density_power
    first, second = (
        (frequency >= centre - HALF_WINDOW_HZ) & (frequency <= centre + HALF_WINDOW_HZ)
        for centre in (label_bpm / 60, 2 * (label_bpm / 60))
    )
    low, high = convention.band_hz
    rest = power[(frequency >= low) & (frequency <= high) & ~first & ~second].sum()
    if rest == 0:
        return 0.0
    return float(10 * np.log10((power[first].sum() + power[second].sum()) / rest))


def _macc(prediction: NDArray[np.float64], label: NDArray[np.float64], *, every_lag: bool) -> float:
    """Return the largest absolute correlation over circular lags, all of them by one FFT."""
    p, t = prediction - prediction.mean(), label - label.mean()
    products: NDArray[np.float64] = irfft(rfft(p) * np.conj(rfft(t)), len(p))
    lags = products if every_lag else products[:-1]
    return float(np.abs(lags).max() / np.sqrt((p @ p) * (t @ t)))


LONGEST_LAG_S = 1.0


def score_strictly(
    prediction: Float[np.ndarray, " time"],
    label: Float[np.ndarray, " time"],
    *,
    sample_hz: float,
    window_s: float,
) -> Scores:
    """Score one video in windows with a step of 1 s; a shorter one is one window.

    Raises:
        ParameterError: If a wave is flat throughout a window.
        SamplingError: If the video, or a window, is shorter than 5 s.
    """
    if min(window_s, len(label) / sample_hz) < SHORTEST_S - 0.5 / sample_hz:
        raise SamplingError(
            f"a wave of {len(label) / sample_hz:.2f} s in windows of {window_s:g} s; "
            f"both must be at least {SHORTEST_S:g} s"
        )
    band, top_hz = usable_band(BAND_HZ, sample_hz=sample_hz, source_hz=None)
    (grid,) = place_windows(
        np.ones(len(label), dtype=bool), sample_hz=sample_hz, window_s=window_s, step_s=STEP_S
    )
    rows = np.array(grid.starts)[:, None] + np.arange(grid.length)
    lam = smoothness(band[0] / 2, sample_hz=sample_hz)
    p, t = (detrend(wave / np.abs(wave).max(), lam=lam) for wave in (prediction, label))
    for name, wave in (("prediction", p), ("label", t)):
        if (np.abs(wave[rows]).max(1) <= FLAT).any():
            raise ParameterError(
                f"a {name} is flat for {window_s:g} s; leave that part out, and say that it is"
            )
    predicted_bpm, label_bpm = (
        60 * find_peaks(w[rows], sample_hz=sample_hz, band_hz=band, top_hz=top_hz).frequency_hz
        for w in (p, t)
    )
    narrow_p, narrow_t = (
        band_pass(wave, sample_hz=sample_hz, band_hz=band)[rows] for wave in (p, t)
    )
    return Scores(
        predicted_bpm=predicted_bpm,
        label_bpm=label_bpm,
        snr_db=_strict_snr(p[rows], label_bpm, sample_hz, band),
        macc=_strict_macc(narrow_p, narrow_t, round(LONGEST_LAG_S * sample_hz)),
    )


def _strict_snr(
    windows: NDArray[np.float64],
    label_bpm: NDArray[np.float64],
    sample_hz: float,
    band_hz: tuple[float, float],
) -> NDArray[np.float64]:
    size = 1 << (windows.shape[1] - 1).bit_length()
    frequency, density = periodogram(windows, fs=sample_hz, nfft=size, detrend=False)
    signal = np.zeros(density.shape, dtype=bool)
    for multiple in (1, 2):
        signal |= np.abs(frequency - multiple * label_bpm[:, None] / 60) <= HALF_WINDOW_HZ
    band = (frequency >= band_hz[0]) & (frequency <= band_hz[1])
    rest = np.where(band & ~signal, density, 0.0).sum(1)
    kept = np.where(signal, density, 0.0).sum(1)
    floor = np.finfo(float).tiny
    ratio: NDArray[np.float64] = 10 * np.log10(np.maximum(kept, floor) / np.maximum(rest, floor))
    return np.where(rest > 0, ratio, 0.0)


def _strict_macc(
    prediction: NDArray[np.float64], label: NDArray[np.float64], longest_lag: int
) -> NDArray[np.float64]:
    best = np.zeros(len(label))
    for lag in range(-longest_lag, longest_lag + 1):
        moved = slice(max(lag, 0), label.shape[1] + min(lag, 0))
        still = slice(max(-lag, 0), label.shape[1] - max(lag, 0))
        p, t = prediction[:, moved], label[:, still]
        p, t = p - p.mean(1, keepdims=True), t - t.mean(1, keepdims=True)
        spread = np.sqrt((p * p).sum(1) * (t * t).sum(1))
        spread = np.maximum(spread, np.finfo(float).tiny)
        best = np.maximum(best, np.abs((p * t).sum(1)) / spread)
    return best
