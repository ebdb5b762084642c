"""Breath is found where it moves the pulse, and not where it does not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pulsephase.errors import ParameterError
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.respiration import SHORTEST_S, Respiration, respiration
from pulsephase.vitals.result import HeartRate

Array = NDArray[np.float64]
RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]


def breathing_pulse(
    rng: np.random.Generator,
    *,
    seconds: float = 60.0,
    sample_hz: float = 30.0,
    amplitude: float = 0.0,
    baseline: float = 0.0,
    frequency: float = 0.0,
    noise: float = 0.3,
    breaths: float | None = None,
    heart: float | None = None,
) -> tuple[Array, float]:
    """Beats with jitter and Mayer waves, moved by breath as asked; and breaths a minute."""
    breath_hz, pulse_hz = rng.uniform(0.14, 0.45), rng.uniform(55, 100) / 60
    breath_hz = breath_hz if breaths is None else breaths / 60
    pulse_hz = pulse_hz if heart is None else heart / 60
    first, second = rng.uniform(0, 6, 2)
    grid = np.arange(-2.0, seconds + 2, 0.005)
    rate = 1 + frequency * np.sin(2 * np.pi * breath_hz * grid + first)
    rate = pulse_hz * (rate + 0.02 * np.sin(2 * np.pi * 0.1 * grid + second))
    phase = np.cumsum(rate) * 0.005
    beats = np.interp(np.arange(1, int(phase[-1])), phase, grid)
    beats = beats + 0.01 / pulse_hz * rng.normal(size=len(beats))
    heights = 1 + amplitude * np.sin(2 * np.pi * breath_hz * beats + first + 0.5)
    heights = heights + 0.03 * rng.normal(size=len(beats))
    time = np.arange(round(seconds * sample_hz)) / sample_hz
    since = time[:, None] - beats
    shape = np.exp(-0.5 * ((since - 0.15) / 0.09) ** 2)
    shape = shape + 0.35 * np.exp(-0.5 * ((since - 0.42) / 0.11) ** 2)
    wave = shape @ heights + baseline * np.sin(2 * np.pi * breath_hz * time + first + 1)
    return wave + noise * wave.std() * rng.normal(size=len(time)), 60 * breath_hz


def found_in(wave: Array, sample_hz: float = 30.0) -> Respiration:
    rate = heart_rate(wave, sample_hz=sample_hz, min_quality=0.0)
    return respiration(wave, sample_hz=sample_hz, rate=rate)


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_breath_is_found_at_every_rate(sample_hz: float) -> None:
    rng = np.random.default_rng(0)
    errors, given = [], 0
    for _ in range(20):
        wave, truth = breathing_pulse(
            rng, sample_hz=sample_hz, amplitude=0.1, baseline=0.1, frequency=0.04
        )
        found = found_in(wave, sample_hz)
        given += found.bpm is not None
        if found.bpm is not None:
            errors.append(abs(found.bpm - truth))
    assert given >= 18
    assert max(errors) < 1.0


@pytest.mark.parametrize(
    "moved", [{"amplitude": 0.1, "frequency": 0.04}, {"amplitude": 0.1, "baseline": 0.1}]
)
def test_two_sources_are_enough(moved: dict[str, float]) -> None:
    rng = np.random.default_rng(1)
    right = []
    for _ in range(40):
        wave, truth = breathing_pulse(rng, **moved)
        found = found_in(wave)
        right.append(found.bpm is not None and abs(found.bpm - truth) < 1)
    assert np.mean(right) > 0.85


@pytest.mark.parametrize("seconds", [34.0, 60.0, 120.0])
def test_without_breath_there_is_no_rate(seconds: float) -> None:
    rng = np.random.default_rng(2)
    refused = [
        found_in(breathing_pulse(rng, seconds=seconds, noise=rng.uniform(0, 1))[0]).bpm is None
        for _ in range(400 if seconds == 60.0 else 120)
    ]
    assert np.mean(refused) >= 0.95


def test_refusals_say_why() -> None:
    rng = np.random.default_rng(3)
    wave, _ = breathing_pulse(rng, seconds=20, amplitude=0.2, baseline=0.2, frequency=0.05)
    assert f"without a gap; {SHORTEST_S:g} s are needed" in str(found_in(wave).reason)
    broken, _ = breathing_pulse(rng, seconds=60, amplitude=0.2, baseline=0.2, frequency=0.05)
    broken[25 * 30 : 27 * 30] = broken[48 * 30 : 49 * 30] = np.nan
    assert "without a gap" in str(found_in(broken).reason)
    none = respiration(wave, sample_hz=30.0, rate=HeartRate.none("the pulse is flat"))
    assert none.reason == "no heart rate: the pulse is flat"
    reasons = {str(found_in(breathing_pulse(rng)[0]).reason).split("(")[0] for _ in range(30)}
    assert "the sources disagree " in reasons
    assert any("as without breath" in reason for reason in reasons)


def test_the_longest_stretch_is_used() -> None:
    rng = np.random.default_rng(4)
    wave, truth = breathing_pulse(
        rng, seconds=80, amplitude=0.2, baseline=0.2, frequency=0.05, noise=0.1
    )
    wave[20 * 30 : 23 * 30] = np.nan
    assert found_in(wave).bpm == pytest.approx(truth, abs=1)


def test_a_rate_or_a_reason() -> None:
    with pytest.raises(ParameterError, match="exactly one"):
        Respiration(bpm=None, estimate_bpm=None, confidence=0.0, sources_bpm={}, reason=None)


@pytest.mark.parametrize("breaths", [28.0, 22.0])
def test_breath_faster_than_half_the_heart_is_no_fold(breaths: float) -> None:
    """At 50 bpm, 28 and 22 breaths a minute are the same once a beat; the baseline tells."""
    for seed in range(6):
        wave, truth = breathing_pulse(
            np.random.default_rng(seed),
            amplitude=0.1,
            baseline=0.15,
            frequency=0.03,
            noise=0.1,
            breaths=breaths,
            heart=50.0,
        )
        found = found_in(wave)
        assert found.bpm is None or found.bpm == pytest.approx(truth, abs=1.5), seed


def test_without_a_baseline_a_fold_is_right_or_silent() -> None:
    for seed in range(6):
        wave, _ = breathing_pulse(
            np.random.default_rng(seed),
            amplitude=0.1,
            frequency=0.04,
            noise=0.1,
            breaths=28.0,
            heart=50.0,
        )
        found = found_in(wave)
        assert found.bpm is None or found.bpm == pytest.approx(28, abs=1.5)
