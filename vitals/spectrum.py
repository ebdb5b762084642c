r"""Which rhythm does a window of a pulse wave hold, and how far does it stand out of the noise?

Notation: :math:`P(f)` is the power of the tapered, zero-padded window, :math:`N(f) = a f^{-b}` its
own noise floor, and :math:`W = P/N`. A local maximum of :math:`P` in the band scores

.. math:: S(f) = W(f) + w \min\bigl((W(2f) - 1)_+,\; c\,P(f)/N(2f)\bigr),

the power that a fundamental and its second harmonic explain. The second term keeps a strong
harmonic from posing as the rate; the cap :math:`c` keeps a frequency that is itself empty from
living on the true one at its double. A last look goes to half of the winner, in case the harmonic
outweighs the fundamental.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray
from scipy.fft import next_fast_len, rfft

Array = NDArray[np.float64]
Index = NDArray[np.intp]

OVERSAMPLING = 8  # grid points in one resolution step 1/T; a parabola does the rest
HARMONIC_WEIGHT = 0.7
HARMONIC_CAP = 2.0  # largest power of the second harmonic over the fundamental that is credited
# the half of the winner is taken instead where it stands so far above the floor and has so large a
# share of the winner's power: a clear one may be the weaker, an unclear one must be the stronger
SUBHARMONICS = ((6.0, 0.4), (3.0, 1.0))
SLOPE_SHRINKAGE = 0.7  # a slope fitted to some 35 independent bins is pulled towards white
STEEPEST_SLOPE = 3.0  # brown noise has 2
LOBE = 2.0  # half width in steps 1/T around a peak; the taper's first null is at 1.5
SIDE_LOBE = 0.02  # the taper's highest side lobe is 0.005 of its peak
SIDE_LOBES = 4  # reach, in steps 1/T, of what counts as leaking into the band
ROWS_AT_ONCE = 256
EULER = 0.5772156649015329  # minus the mean logarithm of a unit exponential variable
TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The strongest rhythm of each window.

    Attributes:
        frequency_hz: Its frequency.
        rise: Its power over the mean of the rest of the band, both over the floor's slope. White
            noise has about 5, and below 9 in 95 % of windows, whatever their length.
    """

    frequency_hz: Float[np.ndarray, " windows"]
    rise: Float[np.ndarray, " windows"]


def find_peaks(
    windows: Float[np.ndarray, "windows time"],
    *,
    known: Bool[np.ndarray, "windows time"] | None = None,
    sample_hz: float,
    band_hz: tuple[float, float],
    top_hz: float,
) -> Peaks:
    """Find the rhythm of each window.

    Args:
        windows: Detrended waves, one a row.
        known: Which samples count; none means all.
        sample_hz: Samples per second.
        band_hz: Where the rate may lie.
        top_hz: Highest frequency that the source carries; no harmonic is looked for above it.
    """
    parts = [
        _find(
            windows[rows : rows + ROWS_AT_ONCE],
            None if known is None else known[rows : rows + ROWS_AT_ONCE],
            sample_hz,
            band_hz,
            top_hz,
        )
        for rows in range(0, len(windows), ROWS_AT_ONCE)
    ]
    return Peaks(
        frequency_hz=np.concatenate([part.frequency_hz for part in parts]),
        rise=np.concatenate([part.rise for part in parts]),
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


def _find(
    windows: Array,
    known: NDArray[np.bool_] | None,
    sample_hz: float,
    band_hz: tuple[float, float],
    top_hz: float,
) -> Peaks:
    power: Array
    power, step_hz = power_spectrum(windows, known=known, sample_hz=sample_hz)
    band = np.arange(math.ceil(band_hz[0] / step_hz), math.floor(band_hz[1] / step_hz) + 1)
    lobe = round(LOBE * sample_hz / windows.shape[1] / step_hz)
    level, slope = _floor(power[:, band], (band * step_hz).astype(np.float64))
    here = power[:, band]
    floor = level[:, None] * (band * step_hz) ** -slope[:, None]
    white = here / floor
    is_peak = (here >= power[:, band - 1]) & (here >= power[:, band + 1])
    is_peak &= here > SIDE_LOBE * _leak(power, band)
    # power at 2f, zero above the source's top, over the floor there
    doubled = np.minimum(2 * band, power.shape[1] - 1)
    above = np.where(2 * band * step_hz <= top_hz, power[:, doubled], 0.0)
    there = floor * 2.0 ** -slope[:, None]
    second = np.minimum(np.maximum(above / there - 1, 0), HARMONIC_CAP * here / there)
    # where no local maximum is, as on a slope that leaves the band, the best of the slope has to do
    score = np.where(is_peak, 1.0, 1e-6) * (white + HARMONIC_WEIGHT * second)
    winner = _take_half(score.argmax(1), band, white, here, is_peak)
    return Peaks(
        frequency_hz=_refine(power, band[winner], slope, top_hz / step_hz) * step_hz,
        rise=_rise(white, winner, band, lobe),
    )


def _floor(power: Array, frequency_hz: Array) -> tuple[Array, Array]:
    """Fit a f^-b to each row by least squares on logarithms, b shrunk and kept within bounds."""
    logs, axis = np.log(power + TINY), np.log(frequency_hz)
    centred = axis - axis.mean()
    fitted = -(logs @ centred) / (centred @ centred)
    slope = SLOPE_SHRINKAGE * np.clip(fitted, 0.0, STEEPEST_SLOPE)
    return np.exp((logs + slope[:, None] * axis).mean(1) + EULER), slope


def _leak(power: Array, band: Index) -> Array:
    """Return the largest power just outside the band, where it can leak to; zero further inside."""
    reach = SIDE_LOBES * OVERSAMPLING
    below = power[:, max(band[0] - reach, 0) : band[0]].max(1)[:, None]
    above = power[:, band[-1] + 1 : band[-1] + 1 + reach].max(1)[:, None]
    from_below = np.where(band - band[0] < reach, below, 0.0)
    return np.maximum(from_below, np.where(band[-1] - band < reach, above, 0.0))


def _take_half(
    winner: Index, band: Index, white: Array, here: Array, is_peak: NDArray[np.bool_]
) -> Index:
    """Step down to half the frequency where a real peak stands there."""
    rows = np.arange(len(winner))
    reach = np.arange(-(OVERSAMPLING // 2), OVERSAMPLING // 2 + 1)
    near = np.rint(band[winner] / 2).astype(int)[:, None] - band[0] + reach
    inside = (near >= 0) & (near < len(band))
    near = near.clip(0, len(band) - 1)
    heights = np.where(inside & is_peak[rows[:, None], near], white[rows[:, None], near], 0.0)
    half = near[rows, heights.argmax(1)]
    real = np.zeros(len(rows), dtype=bool)
    for rise, share in SUBHARMONICS:
        real |= (heights.max(1) > rise) & (here[rows, half] > share * here[rows, winner])
    return np.where(real, half, winner)


def _rise(white: Array, winner: Index, band: Index, lobe: int) -> Array:
    """Return the power at the peak and its harmonic over the mean of the rest."""
    rows = np.arange(len(winner))
    rest = np.ones_like(white, dtype=bool)
    for multiple in (1, 2, 3):
        rest &= np.abs(band - multiple * band[winner][:, None]) > lobe
    noise = np.where(rest, white, 0.0).sum(1) / np.maximum(rest.sum(1), 1)
    double = 2 * band[winner] - band[0]
    second = np.where(double < len(band), white[rows, double.clip(0, len(band) - 1)], 0.0)
    first = white[rows, winner]
    signal = first + HARMONIC_WEIGHT * np.clip(second - noise, 0.0, HARMONIC_CAP * first)
    # a band so narrow that nothing but the peak is in it tells nothing
    return np.where(rest.sum(1) >= lobe, signal / (noise + TINY), 0.0)


def _refine(power: Array, peak: Index, slope: Array, top: float) -> Array:
    """Return the frequency, in grid steps, at which the two-harmonic power is largest nearby.

    The floors are held at the peak, so that its slope does not pull; a parabola goes through the
    logarithm of the three points around the largest.
    """
    rows = np.arange(len(peak))[:, None]
    reach = np.arange(-3, 4)
    near = peak[:, None] + reach
    first = power[rows, near]
    double = (2 * near).clip(0, power.shape[1] - 1)
    second = np.where(2 * near <= top, power[rows, double], 0.0)
    # a harmonic no stronger than the fundamental sharpens the peak; a stronger one might move it
    weaker = second[:, len(reach) // 2] < first[:, len(reach) // 2]
    weight = np.where(weaker, 2.0**slope, 0.0)
    total = np.log(first + weight[:, None] * second + TINY)
    middle = total[:, 1:-1].argmax(1) + 1
    left, centre, right = (total[rows[:, 0], middle + shift] for shift in (-1, 0, 1))
    bend = left - 2 * centre + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    refined: Array = peak + reach[middle] + shift.clip(-1.0, 1.0)
    return refined
