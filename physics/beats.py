r"""What one beat of the heart does to an oscillator, in closed form, under several forcings.

=============  =====================================================  ==========================
impulse        :math:`u=\delta(t)`                                    no parameter
half_sine      :math:`u=\sin(\pi t/d)` on :math:`0\leq t\leq d`       :math:`d`
reflected      the half sine, and :math:`r` times it :math:`\delta`   :math:`d, r, \delta`
               later
=============  =====================================================  ==========================

The half sine's response is exact: with :math:`\beta=\pi/d`,
:math:`P = 1/(\omega^2-\beta^2+i\alpha\beta)` and :math:`C, S` the decaying pair,
:math:`R(t) = P[e^{i\beta t}-(C+\tfrac\alpha2S)-i\beta S]`, it is
:math:`\mathrm{Im}\,R(t)+\mathrm{Im}\,R(t-d)`.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float, Float64
from scipy.ndimage import uniform_filter1d
from scipy.signal import detrend, find_peaks

from pulsephase.checks import finite, positive
from pulsephase.physics.holds import decaying_pair

Forcing = Literal["impulse", "half_sine", "reflected"]
PARAMETERS: dict[Forcing, tuple[str, ...]] = {
    "impulse": (),
    "half_sine": ("duration_s",),
    "reflected": ("duration_s", "reflection", "delay_s"),
}
STARTS: dict[Forcing, tuple[float, ...]] = {
    "impulse": (),
    "half_sine": (0.2,),
    "reflected": (0.2, 0.2, 0.25),
}
BEATS_HZ = (0.6, 3.5)


def beat_shape(
    forcing: Forcing,
    times_s: Float[np.ndarray, "*shape"],
    *,
    alpha_per_s: float,
    omega_rad_s: float,
    extra: tuple[float, ...] = (),
) -> Float64[np.ndarray, "*shape"]:
    r"""Return the response to one beat at time 0, times :math:`\omega^2`; 0 before it.

    Args:
        forcing: What the beat is.
        times_s: Times in s, of any shape.
        alpha_per_s: Damping rate.
        omega_rad_s: Undamped angular frequency.
        extra: The forcing's parameters, in the order of ``PARAMETERS``.
    """
    t = np.asarray(times_s, dtype=np.float64)
    if forcing == "impulse":
        after = np.maximum(t, 0.0)
        sine = after * decaying_pair(alpha_per_s * after, omega_rad_s * after)[1]
        return np.asarray(omega_rad_s**2 * sine)
    duration = extra[0]
    found = _half_sine(t, alpha_per_s, omega_rad_s, duration)
    if forcing == "reflected":
        later = _half_sine(t - extra[2], alpha_per_s, omega_rad_s, duration)
        found = found + extra[1] * later
    return np.asarray(omega_rad_s**2 * found)


def find_beats(
    wave: Float[np.ndarray, " time"], *, sample_hz: float
) -> Float64[np.ndarray, " beat"]:
    """Return the times of the steepest rises, one a beat, to a fraction of a sample.

    Args:
        wave: The pulse, systole upwards.
        sample_hz: Samples per second.

    Raises:
        ParameterError: If the rate is not positive or a sample not finite.

    Returns:
        Times in s; none where the wave does not change.
    """
    positive(sample_hz=sample_hz)
    finite("wave", wave)
    level = detrend(np.asarray(wave, dtype=np.float64))
    if np.ptp(level) <= 1e-12 * max(1.0, float(np.abs(wave).max())):
        return np.zeros(0)
    size = 8 * len(level)
    power = np.abs(np.fft.rfft(level * np.hanning(len(level)), size)) ** 2
    hertz = np.fft.rfftfreq(size, 1 / sample_hz)
    band = (hertz >= BEATS_HZ[0]) & (hertz <= BEATS_HZ[1])
    if not band.any():
        return np.zeros(0)
    rate = float(hertz[band][np.argmax(power[band])])
    smooth = uniform_filter1d(level, max(1, round(sample_hz / (12 * rate))))
    rise = np.gradient(smooth)
    distance = max(1, round(0.6 * sample_hz / rate))
    peaks, _ = find_peaks(rise, distance=distance, height=0.3 * np.quantile(rise, 0.98))
    inner = peaks[(peaks > 0) & (peaks < len(rise) - 1)]
    left, middle, right = rise[inner - 1], rise[inner], rise[inner + 1]
    bend = left - 2 * middle + right
    shift = np.where(bend < 0, (left - right) / (2 * np.where(bend < 0, bend, -1.0)), 0.0)
    return np.asarray((inner + np.clip(shift, -0.5, 0.5)) / sample_hz)


def _half_sine(
    t: Float64[np.ndarray, "*shape"], alpha: float, omega: float, duration: float
) -> Float64[np.ndarray, "*shape"]:
    """Return the response to one half sine of height 1 from time 0."""
    beta = np.pi / duration
    size = 1 / (omega**2 - beta**2 + 1j * alpha * beta)

    def started(time: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
        after = np.maximum(time, 0.0)
        cosine, sine = decaying_pair(alpha * after, omega * after)
        sine = after * sine
        free = cosine + alpha / 2 * sine + 1j * beta * sine
        shape = (size * (np.exp(1j * beta * after) - free)).imag
        return np.asarray(np.where(time > 0, shape, 0.0), dtype=np.float64)

    return np.asarray(started(t) + started(t - duration), dtype=np.float64)
