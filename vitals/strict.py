"""The convention of this package: windows of 10 s, a peak between the bins, lags that are bounded.

A rate of the prediction and one of the label in every window, by the estimator of ``heart_rate``
with abstention off; the SNR of the toolboxes in the wide band, where harmonics are not filtered
away; the correlation over lags of at most 1 s, each over the samples that overlap.
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.signal import periodogram

from pulsephase.errors import ParameterError, SamplingError
from pulsephase.vitals.agreement import Scores
from pulsephase.vitals.door import usable_band
from pulsephase.vitals.heart_rate import BAND_HZ, FLAT, STEP_S
from pulsephase.vitals.peaks import find_peaks
from pulsephase.vitals.signals import band_pass, detrend, smoothness
from pulsephase.vitals.windows import SHORTEST_S, place_windows

HALF_WINDOW_HZ = 6 / 60
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
        snr_db=_snr(p[rows], label_bpm, sample_hz, band),
        macc=_macc(narrow_p, narrow_t, round(LONGEST_LAG_S * sample_hz)),
    )


def _snr(
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


def _macc(
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
