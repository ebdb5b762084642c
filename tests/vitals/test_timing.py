"""Waves come to one time axis: by time, across gaps, with no shift, at any rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.vitals.timing import find_lag, resample

RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]


def pulse(time: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * 1.3 * time) + 0.3 * np.sin(2 * np.pi * 2.6 * time + 1)


@pytest.mark.parametrize("source_hz", RATES_HZ)
@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_any_rate_to_any_other(source_hz: float, sample_hz: float) -> None:
    times = 3.0 + np.arange(round(12 * source_hz)) / source_hz
    grid, wave = resample(times, pulse(times), sample_hz=sample_hz)
    assert grid[0] == 3.0
    np.testing.assert_allclose(np.diff(grid), 1 / sample_hz, rtol=1e-9)
    assert abs(grid[-1] - times[-1]) < 1 / sample_hz + 1e-6
    inner = slice(len(grid) // 6, -len(grid) // 6)
    assert np.abs(wave - pulse(grid))[inner].max() < 0.04


def test_uneven_times_keep_the_rhythm() -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.5, 1.5, 600)) / 30
    grid, wave = resample(times, pulse(times), sample_hz=30.0)
    assert np.abs(wave - pulse(grid))[20:-20].max() < 0.08


def test_what_the_new_rate_cannot_carry_is_filtered_out() -> None:
    times = np.arange(2500) / 250
    hum = np.sin(2 * np.pi * 50.5 * times)  # would fold to 9.5 Hz at 30 Hz, and 5.5 at 15
    for sample_hz in (15.0, 30.0):
        _, wave = resample(times, pulse(times) + hum, sample_hz=sample_hz)
        _, clean = resample(times, pulse(times), sample_hz=sample_hz)
        assert np.abs(wave - clean)[10:-10].max() < 0.01


def test_gaps_stay_gaps() -> None:
    times = np.arange(300) / 30
    wave = pulse(times)
    wave[100:130] = np.nan  # 1 s
    wave[200:203] = np.nan  # 0.1 s, joined
    wave[250], wave[252] = np.nan, np.nan
    grid, found = resample(times, wave, sample_hz=60.0)
    lost = np.isnan(found)
    assert lost[(grid > 3.32) & (grid < 4.3)].all()
    assert not lost[(grid < 3.29) | (grid > 4.34)].any()
    assert np.abs(found - pulse(grid))[(grid > 6.6) & (grid < 6.8)].max() < 0.1


def test_stretches_of_three_samples_are_left_out() -> None:
    times = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2, 5.3])
    _, found = resample(times, times, sample_hz=10.0)
    assert np.isnan(found[:50]).all()
    np.testing.assert_allclose(found[50:], [5.0, 5.1, 5.2, 5.3])


def test_wrong_times_are_named() -> None:
    wave = np.zeros(3)
    with pytest.raises(SamplingError, match=r"times_s\[2\] is 0\.1 after 0\.1; times must rise"):
        resample(np.array([0.0, 0.1, 0.1]), wave, sample_hz=30.0)
    with pytest.raises(ShapeError, match="2 times and 3 values"):
        resample(np.array([0.0, 0.1]), wave, sample_hz=30.0)
    with pytest.raises(ParameterError, match="needs its time"):
        resample(np.array([0.0, np.nan, 0.2]), wave, sample_hz=30.0)
    with pytest.raises(ParameterError, match="infinity"):
        resample(np.array([0.0, 0.1, np.inf]), wave, sample_hz=30.0)
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        resample(np.array([0.0, 0.1, 0.2]), wave, sample_hz=0.0)


@given(lag_s=st.floats(-0.25, 0.25), rate=st.sampled_from(RATES_HZ), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_a_planted_lag_is_found_between_the_samples(lag_s: float, rate: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.arange(round(20 * rate)) / rate
    first, second = pulse(time), pulse(time - lag_s) + 0.05 * rng.normal(size=len(time))
    second[40:60] = np.nan
    found = find_lag(first, 3 * second + 2, sample_hz=rate, most_s=0.35)
    assert found.seconds == pytest.approx(lag_s, abs=0.01)
    assert 0.97 < found.correlation <= 1
    assert not found.at_bound


def test_the_bound_keeps_it_within_the_beat_and_says_so() -> None:
    time = np.arange(600) / 30
    found = find_lag(pulse(time), pulse(time - 0.3), sample_hz=30.0, most_s=0.2)
    assert (found.seconds, found.at_bound) == (0.2, True)
    none = find_lag(pulse(time), pulse(time), sample_hz=30.0, most_s=0.0)
    assert (none.seconds, none.at_bound) == (0.0, True)
    assert none.correlation == pytest.approx(1.0)


def test_waves_that_cannot_be_compared_are_named() -> None:
    wave = pulse(np.arange(100) / 30)
    with pytest.raises(ShapeError, match="100 samples and second 90"):
        find_lag(wave, wave[:90], sample_hz=30.0, most_s=0.2)
    with pytest.raises(ShapeError, match="at most half"):
        find_lag(wave, wave, sample_hz=30.0, most_s=2.0)
    with pytest.raises(ShapeError, match="flat there"):
        find_lag(wave, np.ones(100), sample_hz=30.0, most_s=0.2)
    with pytest.raises(ShapeError, match="less than half"):
        find_lag(wave, np.where(np.arange(100) < 70, np.nan, wave), sample_hz=30.0, most_s=0.2)
    with pytest.raises(ParameterError, match="most_s is -1"):
        find_lag(wave, wave, sample_hz=30.0, most_s=-1.0)
