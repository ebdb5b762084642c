"""The path is the best one, follows what a heart does, and passes over what it cannot do."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsephase.experiments.tracking import SECONDS, planted, share_right
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.track import CAP, COST_PER_BPM, FASTEST_BPM_S, follow

RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]


@given(seed=st.integers(0, 10_000), windows=st.integers(1, 5), usable=st.integers(0, 31))
@settings(max_examples=40)
def test_no_other_path_is_better(seed: int, windows: int, usable: int) -> None:
    """Against all paths, one by one."""
    bins, step_s, window_s = 7, 1.0, 4.0
    frequency_hz = 1.0 + np.arange(bins) * 2.0 / 60  # 2 bpm apart, so two bins are the limit
    score = np.random.default_rng(seed).exponential(3.0, (windows, bins))
    counts = np.array([bool(usable >> n & 1) for n in range(windows)])

    def worth(path: tuple[int, ...]) -> float:
        steps = np.abs(np.diff(path)) * 2.0
        if (steps > FASTEST_BPM_S * step_s).any():
            return -np.inf
        gains = [
            score[n, bin] / (1 + score[n].max() / CAP) / 4 * counts[n] for n, bin in enumerate(path)
        ]
        return float(sum(gains) - COST_PER_BPM * steps.sum())

    found = follow(
        score, frequency_hz=frequency_hz, usable=counts, step_s=step_s, window_s=window_s
    )
    best = max(worth(path) for path in itertools.product(range(bins), repeat=windows))
    assert worth(tuple(found)) == pytest.approx(best, abs=1e-12)


def test_bursts_and_lamps_are_passed_over() -> None:
    for kind, gain in (("bursts", 0.1), ("tone", 0.05)):
        alone = share_right(kind, 6.0, track=False, waves=12)
        followed = share_right(kind, 6.0, track=True, waves=12)
        assert followed > alone + gain


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_from_rest_to_exercise_it_follows(sample_hz: float) -> None:
    assert share_right("ramp", 6.0, track=True, waves=5, sample_hz=sample_hz) > 0.97


def test_in_noise_it_finds_what_no_window_finds_alone() -> None:
    assert share_right("steady", -6.0, track=True, waves=12) > (
        share_right("steady", -6.0, track=False, waves=12) + 0.1
    )


def test_a_rate_that_changes_over_a_gap_is_met_on_the_other_side() -> None:
    """Eight seconds without a face, in which the rate rises by 20 bpm."""
    time_s = np.arange(1800) / 30
    rate = np.where(time_s < 30, 70.0, 90.0)
    wave = np.cos(2 * np.pi * np.cumsum(rate) / 60 / 30)
    wave[(time_s >= 26) & (time_s < 34)] = np.nan
    windows = heart_rate(wave, sample_hz=30.0).windows
    for window in windows:
        if window.end_s <= 26 or window.start_s >= 34:
            expected = 70 if window.end_s <= 26 else 90
            assert window.bpm == pytest.approx(expected, abs=0.5)


def test_one_window_is_the_same_with_and_without() -> None:
    wave, _ = planted(np.random.default_rng(0), "steady", -3.0)
    for start in range(0, round(SECONDS * 30) - 300, 300):
        part = wave[start : start + 300]
        assert heart_rate(part, sample_hz=30.0) == heart_rate(part, sample_hz=30.0, track=False)
