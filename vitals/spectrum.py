r"""How well does each frequency explain a window of a pulse wave?

Notation: :math:`P(f)` is the power of the tapered, zero-padded window, :math:`N(f) = a f^{-b}` a
noise floor whose level is the window's own and whose slope is fixed, and :math:`W = P/N`. A slope
that is fitted to the window is fitted to the pulse in it: a slow heart at the lower edge of the
band makes it steep, and a bump further up wins. A frequency scores

.. math:: S(f) = W(f) + w \min\bigl((W(2f) - 1)_+,\; c\,P(f)/N(2f)\bigr),

the power that a fundamental and its second harmonic explain. The second term keeps a strong
harmonic from posing as the rate; the cap :math:`c` keeps a frequency that is itself empty from
living on the true one at its double.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray
from scipy.fft import next_fast_len, rfft

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Floor = Callable[[Array, Array], Array]
"""From the power of each window and the frequencies of the band to the noise floor there."""

OVERSAMPLING = 8  # grid points in one resolution step 1/T; a parabola does the rest
HARMONIC_WEIGHT = 0.7
HARMONIC_CAP = 2.0  # largest power of the second harmonic over the fundamental that is credited
SLOPE = 0.5  # b, chosen on planted and synthetic clips (experiments/readout.py)
SIDE_LOBE = 0.02  # the taper's highest side lobe is 0.005 of its peak
SIDE_LOBES = 4  # reach, in steps 1/T, of what counts as leaking into the band
EULER = 0.5772156649015329  # minus the mean logarithm of a unit exponential variable
TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectra:
    """Spectra of windows of one length; all but ``power`` are over the band alone.

    Attributes:
        power: :math:`P`, from zero on.
        step_hz: From one bin to the next.
        resolution: Bins in one resolution step 1/T.
        band: Bins of ``power`` within the band.
        top_hz: Highest frequency that the source carries.
        white: :math:`W`.
        is_peak: Where ``power`` has a local maximum that did not leak in from outside.
        score: :math:`S`; zero where the power only falls from outside of the band on, as it does
            beside a rhythm that lies there.
    """

    power: Float64[np.ndarray, "windows frequency"]
    step_hz: float
    resolution: float
    band: Index
    top_hz: float
    white: Float64[np.ndarray, "windows bins"]
    is_peak: Bool[np.ndarray, "windows bins"]
    score: Float64[np.ndarray, "windows bins"]

    @property
    def frequency_hz(self) -> Float64[np.ndarray, " bins"]:
        """Frequencies of the band."""
        return np.asarray(self.band * self.step_hz, dtype=np.float64)


def spectra(
    windows: Float[np.ndarray, "windows time"],
    *,
    known: Bool[np.ndarray, "windows time"] | None = None,
    sample_hz: float,
    band_hz: tuple[float, float],
    top_hz: float,
    floor: Floor | None = None,
) -> Spectra:
    """Look at windows.

    Args:
        windows: Detrended waves, one a row.
        known: Which samples count; none means all.
        sample_hz: Samples per second.
        band_hz: Where the rate may lie.
        top_hz: Highest frequency that the source carries; no harmonic is looked for above it.
        floor: Another noise floor, for comparing read-outs; none means that of this module.
    """
    power, step_hz = power_spectrum(windows, known=known, sample_hz=sample_hz)
    band = np.arange(math.ceil(band_hz[0] / step_hz), math.floor(band_hz[1] / step_hz) + 1)
    here = power[:, band]
    noise = (floor or _floor)(here, (band * step_hz).astype(np.float64))
    white = here / noise
    is_peak = (here >= power[:, band - 1]) & (here >= power[:, band + 1])
    is_peak &= here > SIDE_LOBE * _leak(power, band)
    # power at 2f, zero above the source's top, over the floor there
    doubled = np.minimum(2 * band, power.shape[1] - 1)
    above = np.where(2 * band * step_hz <= top_hz, power[:, doubled], 0.0)
    there = noise * 2.0**-SLOPE
    second = np.minimum(np.maximum(above / there - 1, 0), HARMONIC_CAP * here / there)
    score = np.where(_skirt(power, band), 0.0, white + HARMONIC_WEIGHT * second)
    return Spectra(
        power=power,
        step_hz=step_hz,
        resolution=sample_hz / windows.shape[1] / step_hz,
        band=band,
        top_hz=top_hz,
        white=white,
        is_peak=is_peak,
        score=score,
    )


def power_spectrum(
    windows: Float[np.ndarray, "windows time"],
    *,
    known: Bool[np.ndarray, "windows time"] | None = None,
    sample_hz: float,
) -> tuple[Float64[np.ndarray, "windows frequency"], float]:
    r"""Return the power of each window under a sine taper, and the grid's step in Hz.

    The taper :math:`\sin(\pi t/T)` loses 0.9 dB to noise, where Hann's loses 1.8 dB; drift is
    taken out beforehand, so its slower side lobes (12 dB an octave) do no harm. Missing samples
    weigh nothing.
    """
    length = windows.shape[1]
    taper = np.sin(np.pi * (np.arange(length) + 0.5) / length)
    weights = taper if known is None else taper * known
    values = windows if known is None else np.where(known, windows, 0.0)
    total = np.broadcast_to(weights, values.shape).sum(1)
    mean = (weights * values).sum(1) / np.maximum(total, TINY)  # an empty window stays zero
    size = next_fast_len(OVERSAMPLING * length, real=True)
    spectrum: NDArray[np.complex128] = rfft(weights * (values - mean[:, None]), size, axis=1)
    return spectrum.real**2 + spectrum.imag**2, sample_hz / size


def _floor(power: Array, frequency_hz: Array) -> Array:
    """Return a f^-b for each row, its level by the mean of the logarithms."""
    logs, axis = np.log(power + TINY), SLOPE * np.log(frequency_hz)
    level = (logs + axis).mean(1, keepdims=True) + EULER
    return np.asarray(np.exp(level - axis), dtype=np.float64)


def _skirt(power: Array, band: Index) -> NDArray[np.bool_]:
    """Tell which bins of the band the power reaches from outside by falling all the way."""
    steps = np.diff(power[:, band[0] - 1 : band[-1] + 2], axis=1)
    from_below = np.logical_and.accumulate(steps[:, :-1] < 0, axis=1)
    from_above = np.logical_and.accumulate(steps[:, :0:-1] > 0, axis=1)[:, ::-1]
    return np.asarray(from_below | from_above, dtype=np.bool_)


def _leak(power: Array, band: Index) -> Array:
    """Return the largest power just outside the band, where it can leak to; zero further inside."""
    reach = SIDE_LOBES * OVERSAMPLING
    below = power[:, max(band[0] - reach, 0) : band[0]].max(1)[:, None]
    above = power[:, band[-1] + 1 : band[-1] + 1 + reach].max(1)[:, None]
    from_below = np.where(band - band[0] < reach, below, 0.0)
    return np.maximum(from_below, np.where(band[-1] - band < reach, above, 0.0))
