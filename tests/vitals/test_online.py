"""The online rate is that of the last window, at any frame rate, with gaps and uneven times."""

import math

import numpy as np
import pytest

from pulsephase.errors import ParameterError, SamplingError
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.online import OnlineHeartRate
from pulsephase.vitals.planted import planted_waves

RATES_HZ = (15.0, 24.0, 29.97, 60.0, 120.0)


def pushed(online: OnlineHeartRate, wave: np.ndarray) -> list[float | None]:
    """Return the rates that came out."""
    given = [online.push(float(sample)) for sample in wave]
    return [rate.bpm for rate in given if rate is not None]


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_the_last_rate_is_that_of_the_last_window(sample_hz: float) -> None:
    rng = np.random.default_rng(0)
    length = round(25 * sample_hz)
    waves, truth = planted_waves(rng, count=4, length=length, sample_hz=sample_hz, snr_db=12.0)
    for wave, bpm in zip(waves, truth, strict=True):
        online = OnlineHeartRate(sample_hz=sample_hz)
        rates = pushed(online, wave)
        whole = heart_rate(online.window(), sample_hz=sample_hz)
        np.testing.assert_allclose(online.window(), wave[-round(10 * sample_hz) :], rtol=1e-9)
        assert len(rates) == 21  # from 5 s on, one a second
        assert whole.estimate_bpm == pytest.approx(bpm, abs=1.5)


def test_equal_to_the_clip_at_the_end() -> None:
    time = np.arange(600) / 30
    wave = np.sin(2 * np.pi * 1.1 * time) + 0.2 * np.random.default_rng(1).normal(size=600)
    online = OnlineHeartRate(sample_hz=30.0, method="pos")
    for sample in wave:
        online.push(float(sample))
    wanted = heart_rate(wave[300:], sample_hz=30.0, method="pos")
    assert online.latest.estimate_bpm == pytest.approx(wanted.estimate_bpm, abs=1e-9)
    assert online.latest.quality == pytest.approx(wanted.quality, abs=1e-12)


def test_nothing_is_said_before_five_seconds() -> None:
    online = OnlineHeartRate(sample_hz=30.0)
    assert all(online.push(math.sin(0.3 * index)) is None for index in range(149))
    assert online.latest.bpm is None and online.latest.reason == "no sample yet"
    assert online.push(math.sin(0.3 * 149)) is not None


def test_uneven_times_are_brought_to_a_grid() -> None:
    rng = np.random.default_rng(2)
    times = np.sort(rng.uniform(0, 20, 700))
    online = OnlineHeartRate(sample_hz=30.0)
    for time in times:
        online.push(math.cos(2 * math.pi * 1.5 * time), float(time))
    assert online.latest.bpm == pytest.approx(90, abs=0.5)


def test_gaps_are_left_out_and_a_long_one_silences() -> None:
    online = OnlineHeartRate(sample_hz=30.0)
    wave = np.sin(2 * np.pi * 1.2 * np.arange(900) / 30)
    wave[450:480] = np.nan
    rates = pushed(online, wave[:600])
    assert rates[-1] == pytest.approx(72, abs=0.5)
    assert np.isnan(online.window()).sum() == 30
    lost = OnlineHeartRate(sample_hz=30.0)
    for index in range(600):
        lost.push(math.sin(0.25 * index), index / 30)
    assert lost.push(0.0, 40.0) is not None
    assert lost.latest.bpm is None and "hold a pulse" in str(lost.latest.reason)


def test_it_follows_a_rate_that_changes_late_by_its_latency() -> None:
    time = np.arange(60 * 30) / 30
    rate = 60 + 0.5 * time  # 60 to 90 bpm
    online = OnlineHeartRate(sample_hz=30.0)
    for sample in np.cos(2 * np.pi * np.cumsum(rate) / 30 / 60):
        online.push(float(sample))
    assert online.latest.bpm == pytest.approx(90 - 0.5 * online.latency_s, abs=0.5)


def test_a_refused_sample_changes_nothing() -> None:
    online = OnlineHeartRate(sample_hz=30.0)
    for index in range(300):
        online.push(math.sin(0.25 * index), index / 30)
    before = online.window()
    for sample, time, error in (
        (math.inf, 10.0, ParameterError),
        (0.0, 5.0, SamplingError),
        (0.0, math.nan, SamplingError),
    ):
        with pytest.raises(error):
            online.push(sample, time)
    np.testing.assert_array_equal(online.window(), before)


def test_bad_settings_are_named() -> None:
    with pytest.raises(SamplingError, match="sample_hz"):
        OnlineHeartRate(sample_hz=0.0)
    with pytest.raises(ParameterError, match="window_s"):
        OnlineHeartRate(sample_hz=30.0, window_s=3.0)
    with pytest.raises(ParameterError, match="refresh_s"):
        OnlineHeartRate(sample_hz=30.0, refresh_s=0.0)
