"""By time, never by index; causal; exact on lines and on frames that fall on the grid."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import SamplingError
from pulsephase.video.resample import SNAP_S, Resampler

steps = st.lists(st.floats(0.004, 1.6), min_size=2, max_size=60)


def run(
    values: np.ndarray, times: list[float], sample_hz: float
) -> tuple[list[np.ndarray], list[float]]:
    grid = Resampler(sample_hz)
    samples = [s for v, t in zip(values, times, strict=True) for s in grid.push(v, t)]
    return [value for value, _ in samples], [time_s for _, time_s in samples]


def expected_indices(times: list[float], sample_hz: float) -> set[int]:
    """Grid times within 0.5 ms of, or between, frames that are no gap apart."""
    wanted = {0}
    for a, b in pairwise(times):
        first = a if b - a <= 1 else b - SNAP_S
        low = math.floor((first - times[0]) * sample_hz) - 1
        high = math.ceil((b - times[0]) * sample_hz) + 1
        for n in range(max(low, 0), high + 1):
            grid = times[0] + n / sample_hz
            if first <= grid <= b + SNAP_S:
                wanted.add(n)
    return wanted


@given(steps, st.floats(5, 60), st.floats(-100, 100))
def test_a_line_in_time_stays_that_line(gaps: list[float], rate: float, start: float) -> None:
    times = [start + sum(gaps[:i], 0.0) for i in range(len(gaps))]
    values, grid = run(np.array(times)[:, None], times, rate)
    # a frame that is passed on as it is may be 0.5 ms off
    np.testing.assert_allclose(np.concatenate(values), grid, atol=SNAP_S + 1e-9)


@given(steps, st.floats(5, 60))
def test_every_grid_time_between_neighbours_comes_once_in_order(
    gaps: list[float], rate: float
) -> None:
    times = [sum(gaps[:i], 0.0) for i in range(len(gaps))]
    _, grid = run(np.zeros((len(times), 1)), times, rate)
    indices = [round(t * rate) for t in grid]
    np.testing.assert_allclose(grid, np.array(indices) / rate, atol=1e-9)
    assert indices == sorted(set(indices))
    assert set(indices) == expected_indices(times, rate)


@given(steps, st.floats(5, 60), st.data())
def test_later_frames_change_no_sample_at_or_before_the_last_one_kept(
    gaps: list[float], rate: float, data: st.DataObject
) -> None:
    times = [sum(gaps[:i], 0.0) for i in range(len(gaps))]
    k = data.draw(st.integers(1, len(times) - 1))
    values = np.random.default_rng(0).random((len(times), 2))
    other = values.copy()
    other[k:] = np.random.default_rng(1).random((len(times) - k, 2))
    one, grid = run(values, times, rate)
    two, _ = run(other, times, rate)
    before = np.array(grid) <= times[k - 1]
    assert before.any()
    np.testing.assert_array_equal(np.array(one)[before], np.array(two)[before])
    assert not np.array_equal(values, other)


@pytest.mark.parametrize("rate", [30.0, 30000 / 1001, 25.0])
def test_footage_at_the_rate_of_the_grid_passes_unchanged_and_at_once(rate: float) -> None:
    values = np.random.default_rng(0).random((300, 3))
    grid = Resampler(rate)
    for n, value in enumerate(values):
        ((passed, time_s),) = grid.push(value, 7 + n / rate)
        assert passed is value
        assert math.isclose(time_s, 7 + n / rate)


def test_times_in_whole_milliseconds_pass_unchanged() -> None:
    """Matroska writes 30 Hz as 0, 33, 67, 100 ms."""
    values = np.arange(90.0)[:, None]
    passed, grid = run(values, [round(1000 * n / 30) / 1000 for n in range(90)], 30.0)
    np.testing.assert_array_equal(np.concatenate(passed), values[:, 0])
    np.testing.assert_allclose(grid, np.arange(90) / 30)


@pytest.mark.parametrize("source_hz", [8.0, 24.0, 30000 / 1001, 60.0, 120.0])
def test_a_slow_wave_keeps_its_rate_and_phase(source_hz: float) -> None:
    times = [n / source_hz for n in range(round(10 * source_hz))]
    wave = np.sin(2 * np.pi * 1.2 * np.array(times))[:, None]
    found, grid = run(wave, times, 30.0)
    expected = np.sin(2 * np.pi * 1.2 * np.array(grid))
    bound = (2 * np.pi * 1.2 / source_hz) ** 2 / 8  # of linear interpolation, h^2 max|f''| / 8
    snap = 2 * np.pi * 1.2 * SNAP_S
    np.testing.assert_allclose(np.concatenate(found), expected, atol=bound + snap)
    assert len(grid) == math.floor((times[-1] + SNAP_S) * 30) + 1


def test_a_gap_is_not_bridged_and_the_grid_stays() -> None:
    times = [0.0, 0.1, 0.2, 2.05, 2.15]
    _, grid = run(np.zeros((5, 1)), times, 10.0)
    np.testing.assert_allclose(grid, [0, 0.1, 0.2, 2.1])


def test_latency_is_one_frame_at_most() -> None:
    grid = Resampler(30.0)
    newest = -math.inf
    for n in range(200):
        time_s = n / 23.7
        samples = grid.push(np.zeros(1), time_s)
        assert all(newest < t <= time_s + SNAP_S for _, t in samples)
        newest = time_s


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(SamplingError, match="sample_hz"):
        Resampler(rate)


def test_times_that_do_not_rise_are_refused_and_change_nothing() -> None:
    grid = Resampler(10.0)
    grid.push(np.zeros(1), 0.0)
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(SamplingError, match="times must rise"):
            grid.push(np.ones(1), wrong)
    ((value, time_s),) = grid.push(np.ones(1), 0.1)
    assert value == 1
    assert time_s == 0.1
    with pytest.raises(SamplingError, match="first frame"):
        Resampler(10.0).push(np.zeros(1), math.nan)
