import numpy as np
import pytest
from numpy.typing import NDArray

from pulsephase.errors import SamplingError
from pulsephase.vitals.beats import find_beats

Array = NDArray[np.float64]
RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]


def train(beats_s: Array, seconds: float, sample_hz: float) -> Array:
    """A pulse of two bells, systolic and dicrotic, for each beat, drawn at its true time."""
    time = np.arange(round(seconds * sample_hz)) / sample_hz
    since = time[None, :] - beats_s[:, None]
    systole = np.exp(-0.5 * ((since - 0.15) / 0.09) ** 2)
    notch = 0.35 * np.exp(-0.5 * ((since - 0.42) / 0.11) ** 2)
    return np.asarray((systole + notch).sum(0))


def breathing(seconds: float, rate_bpm: float, depth: float = 0.05) -> Array:
    """Beat times whose intervals swing by ``depth`` with a breath of 5 s."""
    times = [0.3]
    while times[-1] < seconds:
        swing = 1 + depth * np.sin(2 * np.pi * times[-1] / 5)
        times.append(times[-1] + 60 / rate_bpm * swing)
    return np.array(times)


def inner(found: Array, true: Array) -> tuple[Array, Array]:
    """Pair beats away from the ends, where a filter has no past or no future."""
    low, high = true[0] + 2, true[-1] - 2
    true = true[(true > low) & (true < high)]
    nearest = np.abs(found[:, None] - true[None, :] - 0.15).argmin(0)
    return found[nearest], true


@pytest.mark.parametrize("sample_hz", RATES_HZ)
@pytest.mark.parametrize("rate_bpm", [48.0, 75.0, 110.0])
def test_intervals_are_found_between_the_samples(sample_hz: float, rate_bpm: float) -> None:
    """An interval is right to 3 ms (deviation) at any rate, a twentieth of a sample at 15 Hz."""
    true = breathing(60, rate_bpm)
    found = find_beats(train(true, 60, sample_hz), sample_hz=sample_hz, rate_bpm=rate_bpm)
    times, beats = inner(found.times_s, true)
    assert len(np.unique(times)) == len(beats)
    assert np.std(np.diff(times) - np.diff(beats)) < 0.003
    assert abs(len(found.times_s) - len(true)) <= 2


def test_a_steady_tone_is_exact() -> None:
    time = np.arange(900) / 29.97
    found = find_beats(np.cos(2 * np.pi * 1.3 * time), sample_hz=29.97, rate_bpm=78.0)
    assert np.abs(found.intervals_s()[3:-3] - 1 / 1.3).max() < 5e-4


def test_noise_blurs_but_loses_no_beat() -> None:
    true = breathing(60, 70.0)
    wave = train(true, 60, 30.0)
    wave = wave + 0.5 * wave.std() * np.random.default_rng(0).normal(size=len(wave))
    found = find_beats(wave, sample_hz=30.0, rate_bpm=70.0)
    times, beats = inner(found.times_s, true)
    assert len(np.unique(times)) == len(beats)
    assert np.std(np.diff(times) - np.diff(beats)) < 0.022


def test_a_missing_beat_leaves_a_long_interval() -> None:
    true = np.arange(0.3, 40, 0.8)
    true = np.delete(true, 25)
    found = find_beats(train(true, 40, 30.0), sample_hz=30.0, rate_bpm=75.0)
    longest = found.intervals_s().max()
    assert longest == pytest.approx(1.6, abs=0.15)


def test_no_interval_spans_a_gap() -> None:
    wave = train(np.arange(0.3, 40, 0.8), 40, 30.0)
    wave[500:620] = np.nan
    wave[700:730] = np.nan  # leaves 2.7 s between the gaps
    found = find_beats(wave, sample_hz=30.0, rate_bpm=75.0)
    assert found.intervals_s().max() < 1.0
    gap = (found.times_s > 500 / 30) & (found.times_s < 620 / 30)
    assert not gap.any()
    assert len(set(found.stretch.tolist())) >= 2


def test_nothing_gives_no_beats() -> None:
    for wave in (np.full(300, np.nan), np.zeros(300), np.zeros(20)):
        found = find_beats(wave, sample_hz=30.0, rate_bpm=75.0)
        assert len(found.times_s) == len(found.intervals_s()) == 0


def test_wrong_rates_are_named() -> None:
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        find_beats(np.zeros(300), sample_hz=0.0, rate_bpm=75.0)
    with pytest.raises(SamplingError, match="rate_bpm is -1"):
        find_beats(np.zeros(300), sample_hz=30.0, rate_bpm=-1.0)
    with pytest.raises(SamplingError, match="sample faster"):
        find_beats(np.zeros(300), sample_hz=6.0, rate_bpm=150.0)
