import numpy as np
import pytest
from scipy.signal import hilbert

from pulsephase.errors import SamplingError
from pulsephase.vitals.planted import BAND_HZ, coloured_noise, planted_waves, swept_tones
from pulsephase.vitals.signals import band_pass


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_noise_falls_with_its_power(power: float) -> None:
    rng = np.random.default_rng(0)
    noise = coloured_noise(rng, count=400, length=3000, sample_hz=30.0, power=power)
    taper = np.hanning(3000)
    spectrum = (np.abs(np.fft.rfft(taper * noise)) ** 2).mean(0)
    frequency = np.fft.rfftfreq(3000, 1 / 30)
    inside = (frequency > 0.2) & (frequency < 10)
    slope = np.polyfit(np.log(frequency[inside]), np.log(spectrum[inside]), 1)[0]
    assert slope == pytest.approx(-power, abs=0.05)


@pytest.mark.parametrize("sample_hz", [15.0, 29.97, 120.0])
@pytest.mark.parametrize("noise_power", [0.0, 1.0])
def test_the_stated_ratio_is_there(sample_hz: float, noise_power: float) -> None:
    """The power through a band-pass filter, with signal and without, gives the ratio back."""
    length = round(40 * sample_hz)
    with_signal, without = (
        planted_waves(
            np.random.default_rng(1),
            count=300,
            length=length,
            sample_hz=sample_hz,
            snr_db=snr_db,
            harmonic=0.5,
            noise_power=noise_power,
            range_bpm=(60.0, 100.0),
        )[0]
        for snr_db in (3.0, -200.0)
    )
    edges = {"sample_hz": sample_hz, "band_hz": BAND_HZ, "order": 6}
    total = np.var(band_pass(with_signal, **edges)[:, length // 4 : -length // 4])
    noise = np.var(band_pass(without, **edges)[:, length // 4 : -length // 4])
    assert 10 * np.log10(total / noise - 1) == pytest.approx(3.0, abs=0.4)


def test_a_swept_tone_runs_as_fast_as_is_said_and_stays_within_its_range() -> None:
    sample_hz = 120.0
    drawn = {"sample_hz": sample_hz, "length": 60 * 120, "speed_bpm_s": (20.0, 20.0), "noise": 0.0}
    for wave in swept_tones(np.random.default_rng(3), count=4, **drawn):
        phase = np.unwrap(np.angle(hilbert(wave)))
        bpm = np.diff(phase) * sample_hz * 60 / (2 * np.pi)
        smooth = np.convolve(bpm, np.ones(240) / 240, "valid")[240:-240]
        speed = np.abs(smooth[240:] - smooth[:-240]) / 2
        assert np.median(speed) == pytest.approx(20, rel=0.05)
        assert smooth.min() > 36
        assert smooth.max() < 240
        assert np.ptp(smooth) > 150


def test_the_same_seed_gives_the_same_waves() -> None:
    first, second = (
        planted_waves(np.random.default_rng(2), count=3, length=100, sample_hz=20.0, snr_db=0.0)[0]
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        coloured_noise(np.random.default_rng(0), count=1, length=9, sample_hz=0.0, power=1.0)
