"""From a pulse wave to a heart rate, or to the reason why there is none.

The wave is detrended, cut into windows, and each window's rhythm found (``spectrum.py``). How far
it rises out of the window's own noise is the evidence for it; its quality is the probability that
goes with that evidence (``quality.py``), and below one threshold the window abstains.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from numpy.typing import NDArray

from pulsephase.checks import as_wave, check_duration, usable_band
from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.vitals.peaks import find_peaks, strongest, strongest_near
from pulsephase.vitals.quality import AGREE_BPM, calibration
from pulsephase.vitals.result import MIN_QUALITY, HeartRate, Window, combine, judge_window
from pulsephase.vitals.signals import detrend, smoothness
from pulsephase.vitals.spectrum import TINY, power_spectrum, spectra
from pulsephase.vitals.track import follow, runs_away
from pulsephase.vitals.windows import SHORTEST_S, place_windows

__all__ = [
    "BAND_HZ",
    "FLAT",
    "STEP_S",
    "WINDOW_S",
    "HeartRate",
    "Window",
    "heart_rate",
    "mean_spectrum",
    "peak_bpm",
]

BAND_HZ = (0.6, 4.0)
WINDOW_S = 10.0
STEP_S = 1.0
FLAT = 1e-9  # of the largest value: rounding, not a pulse


def heart_rate(
    pulse: Real[Any, " time"],
    *,
    sample_hz: float,
    source_hz: float | None = None,
    band_hz: tuple[float, float] = BAND_HZ,
    window_s: float = WINDOW_S,
    step_s: float = STEP_S,
    valid_from_s: float = 0.0,
    method: str | None = None,
    min_quality: float = MIN_QUALITY,
    track: bool = True,
    witnesses: Sequence[Real[Any, " time"]] = (),
) -> HeartRate:
    r"""Measure the heart rate of a pulse wave, window by window; abstain rather than invent.

    Quality is the probability that a rate is within 3 bpm, given how far the window's peak rises
    out of the rest of its band, as it was calibrated on synthetic video and on pulses planted in
    real footage. With :math:`r` that rise, the rate of the whole is the median of the windows'
    rates weighted by :math:`(r/(r+12))^2`; it is given where the median window's quality reaches
    ``min_quality``. A steady tone in the band cannot be told from a pulse.

    Args:
        pulse: The wave (numpy, or torch on the CPU); NaN where there is none, as where a
            face is lost. Gaps weigh nothing; a window with over 20 % missing abstains.
        sample_hz: Samples per second.
        source_hz: Frame rate of the footage, if lower: the band ends at 0.9 of its Nyquist.
        band_hz: Where the rate may lie.
        window_s: Length of a window, at least 5 s; a shorter wave of at least 5 s is one window.
        step_s: From one window to the next.
        valid_from_s: What comes before (the warm-up of a network) is skipped.
        method: Where the wave comes from (``phasenet``, ``pos``, ...), for its calibration; none
            means unknown.
        min_quality: Probability of being within 3 bpm that a rate must have to be given, 0 to 1.
        witnesses: Waves of other methods on the same footage, sample by sample. Their rates count
            towards the probability, not towards the rate.
        track: Choose the rates of all windows together, so that they follow what a heart can do
            and pass over a burst (``track.py``); if false, each window has its strongest rhythm.

    Returns:
        The rate. With less than 5 s of pulse, with none at all, or with a flat one, no rate but
        the reason.

    Raises:
        ParameterError: If the wave holds infinity, or a duration is not positive and finite.
        SamplingError: If a rate is not positive, or leaves no band to look in.
        ShapeError: If the wave is not one-dimensional, or empty.

    Example:
        >>> t = np.arange(600) / 30.0
        >>> found = heart_rate(np.sin(2 * np.pi * 1.2 * t), sample_hz=30.0)
        >>> round(found.bpm, 1), len(found.windows)
        (72.0, 11)
        >>> heart_rate(np.zeros(600), sample_hz=30.0).reason
        'the pulse is flat'
    """
    wave = as_wave("pulse", pulse, rank=1)
    band, top_hz = usable_band(band_hz, sample_hz=sample_hz, source_hz=source_hz)
    check_duration("window_s", window_s, at_least=SHORTEST_S)
    check_duration("step_s", step_s, at_least=1 / sample_hz)
    check_duration("valid_from_s", valid_from_s, at_least=0.0)
    if not 0 <= min_quality <= 1:
        raise ParameterError(f"min_quality is {min_quality}; it is a probability, 0 to 1")
    known = ~np.isnan(wave)
    known[: math.ceil(valid_from_s * sample_hz - 1e-9)] = False
    if known.sum() < round(SHORTEST_S * sample_hz):
        return HeartRate.none(
            f"{known.sum() / sample_hz:.1f} s of the wave hold a pulse; "
            f"at least {SHORTEST_S:g} s are needed"
        )
    scale = float(np.abs(wave[known]).max())
    wave = clean(np.where(known, wave, np.nan), band[0], sample_hz)
    table = calibration(method, witnessed=bool(witnesses))
    others = [_cleaned(each, known, band[0], sample_hz) for each in witnesses]
    if np.abs(wave).max() <= FLAT:
        return HeartRate.none("the pulse is flat")
    looks: list[Window] = []
    for grid in place_windows(known, sample_hz=sample_hz, window_s=window_s, step_s=step_s):
        rows = np.array(grid.starts)[:, None] + np.arange(grid.length)
        seen = spectra(
            wave[rows],
            known=None if known[rows].all() else known[rows],
            sample_hz=sample_hz,
            band_hz=band,
            top_hz=top_hz,
        )
        if track and len(rows) > 1:
            path = follow(
                seen.score,
                frequency_hz=seen.frequency_hz,
                usable=np.array(grid.usable()),
                step_s=step_s,
                window_s=grid.length / sample_hz,
            )
            peaks = strongest_near(seen, path)
        else:
            peaks = strongest(seen)
        flat = np.abs(wave[rows]).max(1) <= FLAT
        levels = scale * wave[rows].std(1)
        agreeing = _agreeing(
            others, rows, peaks.frequency_hz, sample_hz=sample_hz, band_hz=band, top_hz=top_hz
        )
        away = runs_away(wave[rows], peaks.frequency_hz, sample_hz=sample_hz)
        for index, start in enumerate(grid.starts):
            rise = float(peaks.rise[index])
            looks.append(
                judge_window(
                    (start / sample_hz, (start + grid.length) / sample_hz),
                    missing=grid.missing[index],
                    flat=bool(flat[index]),
                    bpm=60 * float(peaks.frequency_hz[index]),
                    rise=rise,
                    quality=table.of(
                        rise=rise, level=float(levels[index]), agreeing=float(agreeing[index])
                    ),
                    runs_away=bool(away[index]),
                    min_quality=min_quality,
                )
            )
    where = np.flatnonzero(known)
    lost = int((~known[where[0] : where[-1] + 1]).sum())
    return combine(tuple(looks), lost / sample_hz, min_quality=min_quality)


def _cleaned(
    witness: Real[Any, " time"], known: NDArray[np.bool_], low_hz: float, sample_hz: float
) -> NDArray[np.float64]:
    """Return a witness as the wave itself is looked at.

    Raises:
        ShapeError: If it is not as long as the wave.
    """
    wave = as_wave("witnesses", witness, rank=1)
    if len(wave) != len(known):
        raise ShapeError(
            f"a witness has {len(wave)} samples and the wave {len(known)}; give as many"
        )
    seen = np.where(known, wave, np.nan)
    return clean(seen, low_hz, sample_hz) if np.isfinite(seen).any() else np.zeros(len(wave))


def _agreeing(
    others: Sequence[NDArray[np.float64]],
    rows: NDArray[np.intp],
    frequency_hz: Float[np.ndarray, " windows"],
    *,
    sample_hz: float,
    band_hz: tuple[float, float],
    top_hz: float,
) -> Float[np.ndarray, " windows"]:
    """Return the share of the other waves whose rate of a window is near the given one."""
    if not others:
        return np.zeros(len(rows))
    near = [
        60
        * np.abs(
            find_peaks(
                other[rows], sample_hz=sample_hz, band_hz=band_hz, top_hz=top_hz
            ).frequency_hz
            - frequency_hz
        )
        < AGREE_BPM
        for other in others
    ]
    return np.asarray(np.mean(near, axis=0), dtype=np.float64)


def peak_bpm(
    pulses: Real[Any, "clips time"],
    *,
    sample_hz: float,
    source_hz: float | None = None,
    band_hz: tuple[float, float] = BAND_HZ,
) -> Float[np.ndarray, " clips"]:
    """Estimate the rate of many clips at once, each as one window, without abstention.

    The same estimator as :func:`heart_rate`'s windows, for comparing methods.

    Args:
        pulses: One wave a row, without gaps, at least 5 s.
        sample_hz: Samples per second.
        source_hz: Frame rate of the footage, if lower.
        band_hz: Where the rate may lie.

    Returns:
        Rates in beats a minute. A flat wave has none: NaN.

    Raises:
        ParameterError: If a sample is not finite.
        SamplingError: If a rate is not positive, leaves no band, or the clips are under 5 s.
        ShapeError: If ``pulses`` is not clips by time, or empty.

    Example:
        >>> t = np.arange(300) / 30.0
        >>> waves = np.sin(2 * np.pi * np.array([[1.0], [2.0]]) * t)
        >>> peak_bpm(waves, sample_hz=30.0).round(1).tolist()
        [60.0, 120.0]
    """
    waves = as_wave("pulses", pulses, rank=2)
    band, top_hz = usable_band(band_hz, sample_hz=sample_hz, source_hz=source_hz)
    if waves.shape[1] < round(SHORTEST_S * sample_hz):
        raise SamplingError(
            f"pulses last {waves.shape[1] / sample_hz:.2f} s; give at least {SHORTEST_S:g} s"
        )
    if np.isnan(waves).any():
        raise ParameterError("pulses holds NaN; use heart_rate for a wave with gaps")
    waves = clean(waves, band[0], sample_hz)
    found = find_peaks(waves, sample_hz=sample_hz, band_hz=band, top_hz=top_hz)
    return np.where(np.abs(waves).max(1) <= FLAT, np.nan, 60 * found.frequency_hz)


def mean_spectrum(
    pulse: Real[Any, " time"],
    *,
    sample_hz: float,
    band_hz: tuple[float, float] = BAND_HZ,
    window_s: float = WINDOW_S,
    step_s: float = STEP_S,
) -> tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]:
    """Average the spectra that :func:`heart_rate` looks at, each over its own sum, to be looked at.

    Returns:
        Frequencies in beats a minute within the band, and the power at them, its largest value one;
        both empty where no window holds enough of a pulse.

    Raises:
        ParameterError: If the wave holds infinity.
        SamplingError: If a rate is not positive, or leaves no band to look in.
        ShapeError: If the wave is not one-dimensional, or empty.
    """
    wave = as_wave("pulse", pulse, rank=1)
    band, _ = usable_band(band_hz, sample_hz=sample_hz, source_hz=None)
    known = ~np.isnan(wave)
    if known.sum() < round(SHORTEST_S * sample_hz):
        return np.empty(0), np.empty(0)
    wave = clean(wave, band[0], sample_hz)
    grid = place_windows(known, sample_hz=sample_hz, window_s=window_s, step_s=step_s)[0]
    starts = np.array(grid.starts)[np.array(grid.usable())]
    if len(starts) == 0 or np.abs(wave).max() <= FLAT:
        return np.empty(0), np.empty(0)
    rows = starts[:, None] + np.arange(grid.length)
    power, step_hz = power_spectrum(wave[rows], known=known[rows], sample_hz=sample_hz)
    band_at = np.arange(math.ceil(band[0] / step_hz), math.floor(band[1] / step_hz) + 1)
    shares = power[:, band_at]
    mean = (shares / np.maximum(shares.sum(1, keepdims=True), TINY)).mean(0)
    return 60.0 * band_at * step_hz, mean / max(float(mean.max()), TINY)


def clean(
    waves: Float[np.ndarray, "*batch time"], low_hz: float, sample_hz: float
) -> NDArray[np.float64]:
    """Return the waves over their largest values, detrended; zero in gaps."""
    scale = np.nanmax(np.abs(waves), axis=-1, keepdims=True)
    scaled = waves / np.where(scale > 0, scale, 1.0)
    return np.nan_to_num(detrend(scaled, lam=smoothness(low_hz / 2, sample_hz=sample_hz)), nan=0.0)
