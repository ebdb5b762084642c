"""Times rise from 0, whatever the file says."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.video.times import ASSUMED_STEP_S, Clock


def place(times: list[float | None], step_s: float | None = 0.1) -> list[float | None]:
    clock = Clock(step_s=step_s)
    return [clock.place(t) for t in times]


def test_good_times_keep_their_steps_and_start_at_zero() -> None:
    assert place([12.0, 12.25, 13.0]) == [0.0, 0.25, 1.0]
    assert place([-0.5, 0.0]) == [0.0, 0.5]


def test_no_times_at_all_follow_the_nominal_rate() -> None:
    np.testing.assert_allclose(place([None] * 4), [0, 0.1, 0.2, 0.3])
    np.testing.assert_allclose(place([None] * 2, None), [0, ASSUMED_STEP_S])


def test_a_first_frame_without_time_comes_one_step_before_the_second() -> None:
    np.testing.assert_allclose(place([None, 7.0, 7.5]), [0, 0.1, 0.6])


def test_repeated_and_swapped_times_are_dropped_and_the_rest_stays() -> None:
    clock = Clock(step_s=0.1)
    assert [clock.place(t) for t in (0.0, 1.0, 1.0, 0.5, 2.0)] == [0.0, 1.0, None, None, 2.0]
    assert clock.report() == ["2 frames whose time does not rise were dropped"]


def test_a_clock_that_starts_again_goes_on() -> None:
    clock = Clock(step_s=0.1)
    placed = [clock.place(t) for t in (5.0, 9.0, 0.0, 0.5)]
    np.testing.assert_allclose(placed, [0.0, 4.0, 4.1, 4.6])
    assert clock.restarts == 1


@given(st.lists(st.none() | st.floats(-1e4, 1e4), max_size=40))
def test_what_is_placed_rises_strictly_and_starts_at_zero(times: list[float | None]) -> None:
    placed = [t for t in place(times) if t is not None]
    assert placed[:1] in ([], [0.0])
    assert all(np.diff(placed) > 0)
    clock = Clock(step_s=0.1)
    kept = sum(clock.place(t) is not None for t in times)
    assert kept + clock.dropped == len(times)
