"""Memory and time follow the length of a wave, never the square of it."""

import time
import tracemalloc

import numpy as np
import pytest

from pulsephase.vitals.beats import find_beats
from pulsephase.vitals.estimators import autocorrelation_rate
from pulsephase.vitals.result import HeartRate
from pulsephase.vitals.variability import variability

HOURS = 4


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    """4 h at 30 Hz, 17,280 beats, the first of them at the first sample."""
    return np.cos(2 * np.pi * 1.2 * np.arange(HOURS * 3600 * 30) / 30.0)


def test_the_beats_of_four_hours(wave: np.ndarray) -> None:
    """A matrix of beats by roots took 11.4 GB; the wave itself has 3.5 MB."""
    tracemalloc.start()
    try:
        find_beats(wave, sample_hz=30.0, rate_bpm=72.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25 * wave.nbytes
    start = time.process_time()
    found = find_beats(wave, sample_hz=30.0, rate_bpm=72.0)
    assert time.process_time() - start < 2
    assert len(found.times_s) == HOURS * 3600 * 1.2 - 1  # a crest at the very end has one side
    assert np.abs(found.intervals_s()[3:-3] - 1 / 1.2).max() < 1e-3


def test_a_flat_piece_hides_no_beat() -> None:
    """The roots of a spline hold a NaN for a piece that is flat; it was the nearest to all."""
    time_s = np.arange(1800) / 30.0
    wave = np.where(time_s < 30, np.cos(2 * np.pi * 1.2 * time_s), 0.0)
    found = find_beats(wave, sample_hz=30.0, rate_bpm=72.0)
    assert np.isfinite(found.times_s).all()
    assert len(found.times_s) >= 34


def test_many_gaps_cost_no_more_than_few() -> None:
    """Beats by stretches was the same shape: 2 h with a gap every 4 s are 1,800 stretches."""
    wave = np.cos(2 * np.pi * 1.2 * np.arange(2 * 3600 * 30) / 30.0)
    wave[::120] = np.nan
    rate = HeartRate(bpm=72.0, estimate_bpm=72.0, quality=1.0, reason=None)
    start = time.process_time()
    found = variability(wave, sample_hz=30.0, rate=rate)
    assert time.process_time() - start < 6
    assert found.beats > 5000 and found.mean_ms == pytest.approx(1000 / 1.2, abs=3)


def test_the_autocorrelation_of_an_hour(wave: np.ndarray) -> None:
    """All periods by all their multiples took 700 MB an hour."""
    hour = wave[: 3600 * 30]
    tracemalloc.start()
    try:
        found = autocorrelation_rate(hour, sample_hz=30.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.bpm == pytest.approx(72.0, abs=0.05)
    assert peak < 120e6
