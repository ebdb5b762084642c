"""Where quality is high the rate is right, whatever the heart, the noise or the camera did."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.planted import coloured_noise, noise_level
from pulsephase.vitals.result import MIN_QUALITY
from pulsephase.vitals.timing import resample

Array = NDArray[np.float64]
RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]
FAULTS = ("none", "drift", "arrhythmia", "missing beats", "uneven frames", "gap")


def beat_wave(time: Array, beats: Array, sharpness: float) -> Array:
    """A pulse of one hump a beat, whose phase runs from beat to beat: harmonics as it is sharp."""
    phase = 2 * np.pi * np.interp(time, beats, np.arange(len(beats)))
    return np.exp(sharpness * np.cos(phase))


def planted(
    rng: np.random.Generator, fault: str, sample_hz: float, *, seconds: float = 20.0
) -> tuple[Array, float]:
    """Draw a wave with a fault at 6 to 20 dB, and its mean rate."""
    bpm = float(np.exp(rng.uniform(np.log(42), np.log(190))))
    count = int((seconds + 8) * bpm / 60) + 3
    jitter = 0.02 if fault == "arrhythmia" else 0.01
    lengths = 60 / bpm * (1 + jitter * rng.normal(size=count))
    if fault == "arrhythmia":  # one beat in twenty comes early, the next late
        early = rng.choice(np.arange(1, count - 1), count // 20, replace=False)
        lengths[early] *= 0.7
        lengths[early + 1] *= 1.3
    beats = np.cumsum(lengths) - 4.0
    time = np.arange(round(seconds * sample_hz)) / sample_hz
    if fault == "uneven frames":  # by up to 0.4 of a step, and one in ten is lost
        time = time + rng.uniform(-0.4, 0.4, len(time)) / sample_hz
        time = time[rng.random(len(time)) > 0.1]
    wave = beat_wave(time, beats, rng.uniform(0.2, 1.0))
    if fault == "missing beats":  # a beat in twenty is not seen
        at = np.searchsorted(beats, time)
        seen = rng.random(count + 1) > 0.05
        wave = np.where(seen[at], wave, wave.min())
    wave = wave - wave.mean()
    noise = coloured_noise(rng, count=1, length=len(time), sample_hz=sample_hz, power=0.0)[0]
    ratio = 10 ** (rng.uniform(6, 20) / 10)
    level = noise_level(np.random.default_rng(0), len(time), sample_hz, 0.0)
    wave = wave / wave.std() * np.sqrt(ratio * level) + noise
    if fault == "drift":
        walk = np.cumsum(rng.normal(size=len(time)))
        wave = wave + 3 * wave.std() * walk / walk.std()
    if fault == "gap":
        start = rng.integers(len(time) // 3, 2 * len(time) // 3)
        wave[start : start + round(1.5 * sample_hz)] = np.nan
    if fault == "uneven frames":
        _, wave = resample(time, wave, sample_hz=sample_hz)
    inside = (beats > 0) & (beats < seconds)
    return wave, 60 / float(np.diff(beats[inside]).mean())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_high_quality_means_a_right_rate(sample_hz: float, fault: str) -> None:
    rng = np.random.default_rng([FAULTS.index(fault), round(sample_hz)])
    guesses, answers = [], []
    for _ in range(60):
        wave, truth = planted(rng, fault, sample_hz)
        found = heart_rate(wave, sample_hz=sample_hz)
        assert found.estimate_bpm is not None
        guesses.append(abs(found.estimate_bpm - truth) < 3)
        if found.bpm is not None:
            assert found.quality >= MIN_QUALITY
            answers.append(guesses[-1])
    assert len(answers) >= 5
    assert np.mean(answers) >= 0.97
    assert np.mean(guesses) >= 0.9


def test_over_all_faults_answers_are_right_far_more_often_than_promised() -> None:
    rng = np.random.default_rng(1)
    right = []
    for trial in range(400):
        wave, truth = planted(rng, FAULTS[trial % len(FAULTS)], 30.0)
        found = heart_rate(wave, sample_hz=30.0)
        if found.bpm is not None:
            right.append(abs(found.bpm - truth) < 3)
    assert len(right) > 200
    assert np.mean(right) > 0.97


def test_a_tone_that_leaves_the_band_is_refused() -> None:
    """It starts inside 36 to 240 bpm and is outside within the window."""
    rng = np.random.default_rng(2)
    time, refused = np.arange(300) / 30, []
    for _ in range(400):
        upward = rng.random() < 0.5
        start, end = (rng.uniform(200, 235), rng.uniform(320, 380)) if upward else (60.0, 10.0)
        speed = (end - start) / 10
        phase = 2 * np.pi * (start * time + speed * time**2 / 2) / 60
        wave = np.cos(phase + rng.uniform(0, 6)) + 0.1 * rng.normal(size=300)
        refused.append(heart_rate(wave, sample_hz=30.0).bpm is None)
    assert np.mean(refused) >= 0.95
