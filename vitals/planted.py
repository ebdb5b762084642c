"""Waves with a known rate in noise of a known ratio, and noise with no rate at all.

What the threshold of abstention was fixed on and what the estimator is judged on. The noise ratio
is stated within 0.6 to 4 Hz, whatever the sampling rate: noise elsewhere hides no heart rate.
"""

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from pulsephase.checks import check_rate

BAND_HZ = (0.6, 4.0)


def coloured_noise(
    rng: np.random.Generator, *, count: int, length: int, sample_hz: float, power: float
) -> Float64[np.ndarray, "count length"]:
    r"""Draw noise whose power falls as :math:`f^{-p}`, with drift slower than the wave itself.

    Args:
        rng: Source of randomness.
        count: Waves.
        length: Samples a wave; each is the second quarter of a periodic one.
        sample_hz: Samples per second.
        power: :math:`p`; 0 is white with variance 1, 1 is pink, 2 is brown.
    """
    check_rate("sample_hz", sample_hz)
    if power == 0:
        return rng.normal(size=(count, length))
    total = 4 * length
    frequency = np.fft.rfftfreq(total, 1 / sample_hz)
    frequency[0] = np.inf
    shape = (count, len(frequency))
    spectrum = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    # one-sided density (2 / sample_hz) f^-p, whatever the length: white has variance 1
    spectrum *= np.sqrt(total / 2) * frequency ** (-power / 2)
    return np.fft.irfft(spectrum, total)[:, length : 2 * length].astype(np.float64)


def planted_waves(
    rng: np.random.Generator,
    *,
    count: int,
    length: int,
    sample_hz: float,
    snr_db: float,
    harmonic: float | NDArray[np.float64] = 0.0,
    noise_power: float = 0.0,
    range_bpm: tuple[float, float] = (40.0, 200.0),
) -> tuple[Float64[np.ndarray, "count length"], Float64[np.ndarray, " count"]]:
    """Draw steady pulses in noise.

    Args:
        rng: Source of randomness.
        count: Waves.
        length: Samples a wave.
        sample_hz: Samples per second.
        snr_db: Signal over noise, both within 0.6 to 4 Hz.
        harmonic: Power of the second harmonic over that of the fundamental, of all or of each.
        noise_power: Of the noise's fall (see :func:`coloured_noise`).
        range_bpm: Rates are uniform in it.

    Returns:
        The waves, and their rates in beats a minute.
    """
    rate_hz = rng.uniform(*range_bpm, count)[:, None] / 60
    time = np.arange(length) / sample_hz
    ratio = np.broadcast_to(harmonic, count)[:, None]
    first, second = rng.uniform(0, 2 * np.pi, (2, count, 1))
    wave = np.cos(2 * np.pi * rate_hz * time + first)
    wave += np.sqrt(ratio) * np.cos(4 * np.pi * rate_hz * time + second)
    signal = 0.5 * (1 + ratio * (2 * rate_hz <= BAND_HZ[1]))
    noise = coloured_noise(rng, count=count, length=length, sample_hz=sample_hz, power=noise_power)
    level = noise_level(rng, length, sample_hz, noise_power)
    wave *= np.sqrt(10 ** (snr_db / 10) * level / signal)
    return (wave + noise).astype(np.float64), (60 * rate_hz[:, 0]).astype(np.float64)


def swept_tones(
    rng: np.random.Generator,
    *,
    count: int,
    length: int,
    sample_hz: float,
    speed_bpm_s: tuple[float, float],
    range_bpm: tuple[float, float] = (36.0, 240.0),
    noise: float = 0.1,
) -> Float64[np.ndarray, "count length"]:
    """Draw tones whose rate runs up and down within a range: no heart does that.

    Args:
        rng: Source of randomness.
        count: Waves.
        length: Samples a wave.
        sample_hz: Samples per second.
        speed_bpm_s: Speeds are uniform in it; the tone turns round where it meets the range.
        range_bpm: Where the rate stays.
        noise: Deviation of white noise, over the tone's amplitude.
    """
    check_rate("sample_hz", sample_hz)
    low, high = range_bpm
    speed = rng.uniform(*speed_bpm_s, (count, 1))
    span = rng.uniform(0, 2 * (high - low), (count, 1)) + speed * np.arange(length) / sample_hz
    bpm = low + np.abs((span + high - low) % (2 * (high - low)) - (high - low))
    phase = rng.uniform(0, 2 * np.pi, (count, 1)) + 2 * np.pi * np.cumsum(bpm, 1) / 60 / sample_hz
    return np.cos(phase) + noise * rng.normal(size=(count, length))


def noise_level(rng: np.random.Generator, length: int, sample_hz: float, power: float) -> float:
    """Return the mean power of :func:`coloured_noise` between 0.6 and 4 Hz, from long waves."""
    long = coloured_noise(rng, count=200, length=4 * length, sample_hz=sample_hz, power=power)
    frequency = np.fft.rfftfreq(long.shape[1], 1 / sample_hz)
    inside = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    spectrum = np.abs(np.fft.rfft(long)[:, inside]) / long.shape[1]
    return float(2 * (spectrum**2).sum(1).mean())
