"""Estimators over time: the windows of `heart_rate`, each with its own answer or reason."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pulsephase.errors import ParameterError, SamplingError
from pulsephase.vitals.estimators import autocorrelation_rate, beat_rate, in_windows
from pulsephase.vitals.heart_rate import heart_rate

RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]
BOTH = [autocorrelation_rate, beat_rate]


def rising(sample_hz: float, *, seconds: float = 30.0) -> NDArray[np.float64]:
    """A pulse whose rate rises from 60 by 1 bpm/s."""
    time = np.arange(round(seconds * sample_hz)) / sample_hz
    phase = 2 * np.pi * (60 * time + time**2 / 2) / 60
    return np.cos(phase) + 0.3 * np.cos(2 * phase + 1)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_a_rate_that_changes_is_followed(estimator: object, sample_hz: float) -> None:
    wave = rising(sample_hz)
    found = in_windows(estimator, wave, sample_hz=sample_hz)
    windows = heart_rate(wave, sample_hz=sample_hz).windows
    assert [(w.start_s, w.end_s) for w in found] == [(w.start_s, w.end_s) for w in windows]
    for window in found:
        middle = 60 + (window.start_s + window.end_s) / 2
        assert window.estimate.estimate_bpm == pytest.approx(middle, abs=2.5)
    assert np.mean([window.estimate.bpm is not None for window in found]) > 0.9


@pytest.mark.parametrize("estimator", BOTH)
def test_a_window_is_what_the_estimator_says_of_it(estimator: object) -> None:
    wave = rising(30.0)
    for window in in_windows(estimator, wave, sample_hz=30.0, window_s=8.0, step_s=3.0):
        part = wave[round(30 * window.start_s) : round(30 * window.end_s)]
        assert window.estimate == estimator(part, sample_hz=30.0)


@pytest.mark.parametrize("estimator", BOTH)
def test_short_gaps_are_bridged_and_long_ones_said(estimator: object) -> None:
    wave = np.cos(2 * np.pi * 1.2 * np.arange(1200) / 30)
    wave[150:160] = wave[900:960] = np.nan
    found = in_windows(estimator, wave, sample_hz=30.0)
    for window in found:
        if window.start_s < 32 and window.end_s > 30 + 0.6:
            assert window.estimate.bpm is None
            assert "a gap of" in str(window.estimate.reason)
        else:
            assert window.estimate.bpm == pytest.approx(72, abs=1)


def test_where_there_is_nothing_there_is_no_window() -> None:
    assert in_windows(beat_rate, np.full(600, np.nan), sample_hz=30.0) == ()
    assert in_windows(beat_rate, np.zeros(90), sample_hz=30.0) == ()
    flat = in_windows(beat_rate, np.zeros(300), sample_hz=30.0)
    assert [window.estimate.reason for window in flat] == ["the pulse is flat"]


def test_what_one_window_cannot_carry_is_its_reason() -> None:
    """At 6 Hz 200 bpm are too fast for beats."""
    wave = np.cos(2 * np.pi * 150 / 60 * np.arange(120) / 6.0)
    (first, *_) = in_windows(beat_rate, wave, sample_hz=6.0)
    assert first.estimate.bpm is None
    assert "sample faster" in str(first.estimate.reason)


def test_wrong_arguments_are_named() -> None:
    wave = rising(30.0)
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        in_windows(beat_rate, wave, sample_hz=0.0)
    with pytest.raises(ParameterError, match="window_s is 2"):
        in_windows(beat_rate, wave, sample_hz=30.0, window_s=2.0)
    with pytest.raises(ParameterError, match="infinity"):
        in_windows(beat_rate, np.append(wave, np.inf), sample_hz=30.0)
