"""When the beats of a pulse wave are, between the samples.

A beat is a maximum of the wave in a band around the rate. The band keeps the fundamental and what
harmonics lie below 2.5 times the rate, so the time is that of the smooth crest, a fixed delay from
the foot of the pulse: intervals are what it is for, not the delay from the heart. Within 2 s of an
end of the wave the filter knows one side only, and the times are less exact.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Real
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import find_peaks

from pulsephase.checks import USABLE_NYQUIST, as_wave, check_rate
from pulsephase.errors import SamplingError
from pulsephase.vitals.signals import band_pass

LOW, HIGH = 0.5, 2.5  # edges of the band over the rate
CLOSEST = 0.55  # of a period: two beats are not closer
PROMINENCE = 0.3  # of the median crest's: what rises less is noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """Beats of a wave, in order.

    Attributes:
        times_s: From the wave's first sample.
        stretch: Number of the stretch without a gap that each beat is in.
    """

    times_s: Float64[np.ndarray, " beats"]
    stretch: NDArray[np.intp]

    def intervals_s(self) -> Float64[np.ndarray, " intervals"]:
        """Return the times between neighbouring beats, none across a gap."""
        within = np.diff(self.stretch) == 0
        intervals: NDArray[np.float64] = np.diff(self.times_s)[within]
        return intervals


def find_beats(pulse: Real[Any, " time"], *, sample_hz: float, rate_bpm: float) -> Beats:
    """Find the beats of a wave whose rate is known.

    Args:
        pulse: The wave, rising with blood volume; NaN where there is none. A stretch shorter than
            three beats has none.
        sample_hz: Samples per second.
        rate_bpm: Mean rate, as from :func:`pulsephase.vitals.heart_rate.heart_rate`.

    Raises:
        ParameterError: If the wave holds infinity.
        SamplingError: If a rate is not positive, or the wave is sampled too slowly for the beats.
        ShapeError: If the wave is not one-dimensional, or empty.

    Example:
        >>> t = np.arange(300) / 30.0
        >>> found = find_beats(np.cos(2 * np.pi * 1.25 * (t - 0.4)), sample_hz=30.0, rate_bpm=75.0)
        >>> found.times_s[3:6].round(2).tolist()
        [2.8, 3.6, 4.4]
    """
    wave = as_wave("pulse", pulse, rank=1)
    check_rate("sample_hz", sample_hz)
    check_rate("rate_bpm", rate_bpm)
    rate_hz = rate_bpm / 60
    top_hz = USABLE_NYQUIST * sample_hz / 2
    if 1.5 * rate_hz > top_hz:
        raise SamplingError(
            f"rate_bpm is {rate_bpm:g} and the wave carries up to {60 * top_hz / 1.5:.0f} bpm "
            f"at {sample_hz:g} Hz; sample faster"
        )
    band_hz = (LOW * rate_hz, min(HIGH * rate_hz, top_hz))
    times, numbers = [np.empty(0)], [np.empty(0, dtype=np.intp)]
    edges = np.flatnonzero(np.diff(np.concatenate([[True], np.isnan(wave), [True]]).astype(int)))
    for number, (start, stop) in enumerate(edges.reshape(-1, 2)):
        if stop - start < max(3 * sample_hz / rate_hz, 32):
            continue
        smooth = band_pass(wave[start:stop], sample_hz=sample_hz, band_hz=band_hz)
        found = start + _crests(smooth, sample_hz / rate_hz)
        times.append(found / sample_hz)
        numbers.append(np.full(len(found), number))
    return Beats(times_s=np.concatenate(times), stretch=np.concatenate(numbers))


def _crests(wave: Float[np.ndarray, " time"], period: float) -> NDArray[np.float64]:
    """Return the places of the maxima, in samples, from the derivative of a cubic spline."""
    at, properties = find_peaks(wave, distance=max(CLOSEST * period, 1.0), prominence=0.0)
    if len(at) == 0:
        return np.empty(0)
    heights = properties["prominences"]
    at = at[heights > PROMINENCE * np.median(heights)]
    roots = CubicSpline(np.arange(len(wave)), wave).derivative().roots(extrapolate=False)
    roots = np.sort(roots[np.isfinite(roots)])  # a flat piece adds a NaN
    after = np.searchsorted(roots, at).clip(1, len(roots) - 1)
    before_is_nearer = at - roots[after - 1] <= roots[after] - at
    crests: NDArray[np.float64] = roots[after - before_is_nearer]
    return crests
