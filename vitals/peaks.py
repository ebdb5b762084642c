r"""Which rhythm does a window of a pulse wave hold, and how far does it stand out of the noise?

The rhythm is the local maximum of the power whose frequency explains the window best
(:math:`S`, see ``spectrum.py``). A last look goes to half of it, in case the harmonic outweighs the
fundamental.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from pulsephase.vitals.spectrum import (
    HARMONIC_CAP,
    HARMONIC_WEIGHT,
    OVERSAMPLING,
    SLOPE,
    TINY,
    Array,
    Index,
    Spectra,
    spectra,
)

# the half of the winner is taken instead where it stands so far above the floor and has so large a
# share of the winner's power: a clear one may be the weaker, an unclear one must be the stronger
SUBHARMONICS = ((6.0, 0.4), (3.0, 1.0))
LOBE = 2.0  # half width in steps 1/T around a peak; the taper's first null is at 1.5
ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The rhythm of each window.

    Attributes:
        frequency_hz: Its frequency.
        rise: Its power over the mean of the rest of the band, both over the floor's slope. White
            noise has about 5, and below 9 in 95 % of windows, whatever their length. Zero where
            it is no peak, but a slope beside one outside of the band.
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
    """Find the strongest rhythm of each window, many windows at little memory.

    Args:
        windows: Detrended waves, one a row.
        known: Which samples count; none means all.
        sample_hz: Samples per second.
        band_hz: Where the rate may lie.
        top_hz: Highest frequency that the source carries; no harmonic is looked for above it.
    """
    parts = []
    for start in range(0, len(windows), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        seen = spectra(
            windows[rows],
            known=None if known is None else known[rows],
            sample_hz=sample_hz,
            band_hz=band_hz,
            top_hz=top_hz,
        )
        parts.append(strongest(seen))
    return Peaks(
        frequency_hz=np.concatenate([part.frequency_hz for part in parts]),
        rise=np.concatenate([part.rise for part in parts]),
    )


def strongest(seen: Spectra) -> Peaks:
    """Return the strongest rhythm of each window."""
    here = seen.power[:, seen.band]
    return _peaks(
        seen, _take_half(_eligible(seen).argmax(1), seen.band, seen.white, here, seen.is_peak)
    )


def strongest_near(seen: Spectra, bins: Index) -> Peaks:
    """Return the strongest rhythm of each window within 1/T of a bin of the band."""
    near = np.abs(np.arange(len(seen.band)) - bins[:, None]) <= seen.resolution
    return _peaks(seen, np.where(near, _eligible(seen), -1.0).argmax(1))


def _eligible(seen: Spectra) -> Array:
    """Return scores; where no local maximum is, as on a slope, the best of it has to do."""
    return np.asarray(np.where(seen.is_peak, 1.0, 1e-6) * seen.score, dtype=np.float64)


def _peaks(seen: Spectra, winner: Index) -> Peaks:
    refined = _refine(seen.power, seen.band[winner], seen.top_hz / seen.step_hz)
    lobe = round(LOBE * seen.resolution)
    stands = seen.is_peak[np.arange(len(winner)), winner]  # on a slope nothing rises
    rise = np.where(stands, _rise(seen.white, winner, seen.band, lobe), 0.0)
    return Peaks(frequency_hz=refined * seen.step_hz, rise=rise)


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


def _refine(power: Array, peak: Index, top: float) -> Array:
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
    weight = np.where(weaker, 2.0**SLOPE, 0.0)
    total = np.log(first + weight[:, None] * second + TINY)
    middle = total[:, 1:-1].argmax(1) + 1
    left, centre, right = (total[rows[:, 0], middle + shift] for shift in (-1, 0, 1))
    bend = left - 2 * centre + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    refined: Array = peak + reach[middle] + shift.clip(-1.0, 1.0)
    return refined
