import numpy as np

from pulsephase.vitals.windows import place_windows


def test_the_grid_starts_with_the_first_known_sample() -> None:
    known = np.ones(29 * 20, dtype=bool)
    known[:58] = False
    (grid,) = place_windows(known, sample_hz=29.0, window_s=10.0, step_s=1.0)
    assert grid.length == 290
    assert grid.starts == tuple(58 + 29 * i for i in range(9))


def test_windows_do_not_drift_at_a_rate_that_is_no_integer() -> None:
    known = np.ones(round(29.97 * 120), dtype=bool)
    (grid,) = place_windows(known, sample_hz=29.97, window_s=10.0, step_s=1.0)
    assert len(grid.starts) == 110  # one more would end half a sample after the wave
    assert max(abs(start - 29.97 * i) for i, start in enumerate(grid.starts)) <= 0.5
    assert grid.starts[-1] + grid.length <= len(known)


def test_a_short_wave_is_one_window() -> None:
    (grid,) = place_windows(np.ones(200, dtype=bool), sample_hz=30.0, window_s=10.0, step_s=1.0)
    assert (grid.starts, grid.length) == ((0,), 200)


def test_missing_shares_are_counted() -> None:
    known = np.ones(400, dtype=bool)
    known[100:160] = False
    (grid,) = place_windows(known, sample_hz=30.0, window_s=10.0, step_s=1.0)
    assert grid.missing == tuple((~known[s : s + 300]).mean() for s in grid.starts)
    assert grid.usable() == [True, True, True, True]


def test_where_no_window_is_usable_each_long_stretch_is_one() -> None:
    known = np.zeros(30 * 24, dtype=bool)
    known[0:180] = known[300:480] = known[600:640] = True
    known[350:360] = False  # a third of a second is bridged
    grids = place_windows(known, sample_hz=30.0, window_s=10.0, step_s=1.0)
    assert [(grid.starts, grid.length) for grid in grids] == [((0,), 180), ((300,), 180)]


def test_scattered_samples_leave_one_unusable_grid() -> None:
    known = np.zeros(900, dtype=bool)
    known[::3] = True
    (grid,) = place_windows(known, sample_hz=30.0, window_s=10.0, step_s=1.0)
    assert not any(grid.usable())
