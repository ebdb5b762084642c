"""A rate that runs away is told from one that a heart may have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.track import runs_away

RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]


def moving(bpm: float, speed_bpm_s: float, seconds: float, sample_hz: float) -> np.ndarray:
    """A pulse that passes a rate in the middle of the window at a speed."""
    time = (np.arange(round(seconds * sample_hz)) + 0.5) / sample_hz - seconds / 2
    phase = 2 * np.pi * (bpm * time + speed_bpm_s * time**2 / 2) / 60
    return np.cos(phase + 0.4) + 0.3 * np.cos(2 * phase + 1.0)


@pytest.mark.parametrize("sample_hz", RATES_HZ)
@pytest.mark.parametrize("seconds", [5.0, 7.0, 10.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_heart_may_change_by_4_bpm_a_second_and_not_by_7(
    sample_hz: float, seconds: float, sign: int
) -> None:
    rates = np.linspace(60, 180, 25)
    for speed, away in ((0.0, False), (2.0, False), (4.0, False), (7.0, True), (10.0, True)):
        waves = np.stack([moving(bpm, sign * speed, seconds, sample_hz) for bpm in rates])
        found = runs_away(waves, rates / 60, sample_hz=sample_hz)
        assert (found == away).all(), speed


@given(gain=st.sampled_from([1e-6, -1.0, 1e6]), seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_gain_changes_nothing(gain: float, seed: int) -> None:
    waves = np.random.default_rng(seed).normal(size=(4, 150))
    rates = np.random.default_rng(seed).uniform(0.7, 3.5, 4)
    first = runs_away(waves, rates, sample_hz=30.0)
    np.testing.assert_array_equal(runs_away(gain * waves, rates, sample_hz=30.0), first)


@pytest.mark.parametrize("seconds", [5.0, 10.0])
def test_breathing_does_not_silence_a_pulse(seconds: float) -> None:
    """A rate that swings by 5 % with a breath of 4 s moves by over 5 bpm/s, and comes back."""
    time = np.arange(30 * 60) / 30
    rate = 70 * (1 + 0.05 * np.sin(2 * np.pi * time / 4))
    wave = np.cos(2 * np.pi * np.cumsum(rate) / 60 / 30)
    found = heart_rate(wave, sample_hz=30.0, window_s=seconds)
    assert found.estimate_bpm == pytest.approx(70, abs=1)
    assert not any("runs away" in str(window.reason) for window in found.windows)


def test_the_reason_is_given_and_counts_against_a_rate() -> None:
    found = heart_rate(moving(90, 10.0, 5.0, 30.0), sample_hz=30.0)
    assert (found.bpm, found.quality) == (None, 0.0)
    assert "runs away" in str(found.windows[0].reason)
    assert found.estimate_bpm == pytest.approx(90, abs=25)
