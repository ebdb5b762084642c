r"""The arithmetic of the public toolboxes, under their names: heart rate, SNR and MACC of a wave.

All three integrate a wave of differences, detrend it by smoothness priors with
:math:`\lambda = 100` whatever the rate, filter it forward and backward by a Butterworth filter of
first order, and take the largest bin of a boxcar periodogram of the next power of two. They differ
in the band, in the power of the density that the SNR sums, and in the lags of the MACC.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.signal import butter, filtfilt, periodogram

from pulsephase.errors import SamplingError
from pulsephase.vitals.agreement import Scores
from pulsephase.vitals.signals import detrend

LAMBDA = 100.0
HALF_WINDOW_HZ = 6 / 60  # of the SNR, around the label's rate and around its double
SHORTEST = 10  # samples; the filter's padding takes 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """What sets one tool's arithmetic apart.

    Attributes:
        name: As given to :func:`pulsephase.vitals.protocols.metrics`.
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
