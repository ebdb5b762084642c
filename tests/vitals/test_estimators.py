"""Autocorrelation and beats: right where there is a pulse, silent where there is none."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.vitals.estimators import Estimate, autocorrelation_rate, beat_rate, running_median
from pulsephase.vitals.planted import coloured_noise, planted_waves

RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]
BOTH = [autocorrelation_rate, beat_rate]
Estimator = Callable[..., Estimate]


def tone(bpm: float, seconds: float, sample_hz: float = 30.0) -> NDArray[np.float64]:
    time = np.arange(round(seconds * sample_hz)) / sample_hz
    return np.cos(2 * np.pi * bpm / 60 * time + 0.7)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_clean_pulses_are_right_at_every_rate(estimator: Estimator, sample_hz: float) -> None:
    for bpm in np.linspace(40, 200, 33):
        wave = tone(bpm, 10, sample_hz) + 0.4 * tone(2 * bpm, 10, sample_hz)
        found = estimator(wave, sample_hz=sample_hz)
        assert found.bpm == pytest.approx(bpm, abs=0.5), (bpm, found)
        assert found.confidence > 0.9


@pytest.mark.parametrize(("estimator", "right"), [(autocorrelation_rate, 0.99), (beat_rate, 0.97)])
@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_at_6_db_answers_are_right_and_many(
    estimator: Estimator, right: float, sample_hz: float
) -> None:
    rng = np.random.default_rng(1)
    waves, truth = planted_waves(
        rng, count=100, length=round(15 * sample_hz), sample_hz=sample_hz, snr_db=6.0, harmonic=0.3
    )
    found = [estimator(wave, sample_hz=sample_hz) for wave in waves]
    given = np.array([each.bpm is not None for each in found])
    error = np.array([each.bpm or np.nan for each in found]) - truth
    assert given.mean() > 0.5
    assert (np.abs(error[given]) < 3).mean() >= right


def test_the_autocorrelation_neither_halves_nor_doubles() -> None:
    """At 0 dB, second harmonics up to twice the fundamental's power."""
    rng = np.random.default_rng(2)
    waves, truth = planted_waves(
        rng,
        count=1000,
        length=300,
        sample_hz=30.0,
        snr_db=3.0,
        harmonic=rng.uniform(0, 1, 1000),
    )
    found = np.array([autocorrelation_rate(w, sample_hz=30.0).estimate_bpm for w in waves])
    assert (np.abs(found - truth / 2) < 6).mean() < 0.005
    assert (np.abs(found - 2 * truth) < 6).mean() < 0.005
    assert (np.abs(found - truth) < 3).mean() > 0.98


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("seconds", [5.0, 10.0, 30.0])
@pytest.mark.parametrize("power", [0.0, 1.0, 2.0], ids=["white", "pink", "brown"])
def test_noise_is_refused(estimator: Estimator, seconds: float, power: float) -> None:
    rng = np.random.default_rng(3)
    waves = coloured_noise(rng, count=400, length=round(30 * seconds), sample_hz=30.0, power=power)
    assert np.mean([estimator(wave, sample_hz=30.0).bpm is None for wave in waves]) >= 0.95


@pytest.mark.parametrize("estimator", BOTH)
def test_fast_sweeps_are_refused(estimator: Estimator) -> None:
    rng = np.random.default_rng(4)
    time, refused = np.arange(300) / 30, []
    for _ in range(400):
        speed = rng.uniform(10, 16) * rng.choice([-1, 1])
        start = rng.uniform(40, 75) if speed > 0 else rng.uniform(200, 235)
        phase = 2 * np.pi * (start * time + speed * time**2 / 2) / 60
        wave = np.cos(phase + rng.uniform(0, 6)) + 0.1 * rng.normal(size=300)
        refused.append(estimator(wave, sample_hz=30.0).bpm is None)
    assert np.mean(refused) >= 0.95


@pytest.mark.parametrize("estimator", BOTH)
def test_tones_outside_the_band_are_refused(estimator: Estimator) -> None:
    rng = np.random.default_rng(5)
    outside = np.concatenate([rng.uniform(5, 30, 200), rng.uniform(270, 500, 200)])
    waves = [tone(rate, 10.0) + 0.1 * rng.normal(size=300) for rate in outside]
    assert np.mean([estimator(wave, sample_hz=30.0).bpm is None for wave in waves]) >= 0.95


def test_a_missed_beat_and_an_early_one_do_not_count() -> None:
    """Two beats of thirty are missing and one comes early; the mean interval stays."""
    beats = np.arange(0.5, 25, 0.8)
    beats[20] -= 0.25
    beats = np.delete(beats, [8, 14])
    time = np.arange(25 * 30) / 30
    wave = np.exp(-0.5 * ((time[:, None] - beats) / 0.1) ** 2).sum(1)
    found = beat_rate(wave, sample_hz=30.0)
    assert found.bpm == pytest.approx(75.0, abs=1.0)
    assert 0.75 < found.confidence < 1.0


def test_where_there_is_nothing_the_reason_is_given() -> None:
    for estimator in BOTH:
        flat = estimator(np.full(300, 3.0), sample_hz=30.0)
        assert (flat.bpm, flat.estimate_bpm, flat.reason) == (None, None, "the pulse is flat")
    fast = autocorrelation_rate(tone(250, 10), sample_hz=30.0)
    assert fast.bpm is None
    assert "outside the band" in str(fast.reason)
    few = beat_rate(tone(40, 5), sample_hz=30.0)
    assert "intervals between beats" in str(few.reason)
    assert few.estimate_bpm == pytest.approx(40, abs=1)
    noise = autocorrelation_rate(np.random.default_rng(0).normal(size=300), sample_hz=30.0)
    assert "as in noise" in str(noise.reason)


@pytest.mark.parametrize("estimator", BOTH)
def test_wrong_arguments_are_named(estimator: Estimator) -> None:
    with pytest.raises(SamplingError, match=r"pulse lasts 2\.00 s"):
        estimator(tone(80, 2), sample_hz=30.0)
    with pytest.raises(ParameterError, match="holds NaN"):
        estimator(np.where(np.arange(300) == 9, np.nan, tone(80, 10)), sample_hz=30.0)
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        estimator(tone(80, 10), sample_hz=0.0)
    with pytest.raises(ShapeError, match="shape"):
        estimator(np.zeros(0), sample_hz=30.0)


def test_an_estimate_has_a_rate_or_a_reason() -> None:
    with pytest.raises(ParameterError, match="exactly one"):
        Estimate(bpm=None, estimate_bpm=70.0, confidence=0.2, reason=None)


def test_the_running_median_keeps_its_width_at_the_ends() -> None:
    values = np.array([5.0, 1.0, 2.0, 3.0, 4.0])
    assert running_median(values, width=3).tolist() == [2.0, 2.0, 2.0, 3.0, 3.0]
    assert running_median(values, width=99).tolist() == [3.0] * 5
