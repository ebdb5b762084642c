"""Labels are put on frames by time, and what has no usable time is said."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import InputError
from pulsephase.video.datasets.recording import at_times, make_label

HERE = Path("ground_truth.txt")


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(5, 200), st.floats(1, 100))
def test_a_straight_line_is_exact_at_any_rates(
    level: float, slope: float, label_hz: float, frame_hz: float
) -> None:
    label_s = np.arange(int(4 * label_hz)) / label_hz
    times_s = np.arange(int(3 * frame_hz)) / frame_hz
    times_s = times_s[times_s <= label_s[-1]]
    found = at_times(level + slope * label_s, label_s, times_s)
    np.testing.assert_allclose(found, level + slope * times_s, atol=1e-9)


def test_index_does_not_matter() -> None:
    """A sensor that pauses shifts a label that is put on frames by index; not by time."""
    label_s = np.concatenate([np.arange(0, 2, 0.02), np.arange(2.4, 5, 0.02)])
    times_s = np.arange(0, 4.9, 1 / 30)
    found = at_times(np.sin(label_s), label_s, times_s)
    np.testing.assert_allclose(found, np.sin(times_s), atol=0.03)


def test_gaps_and_ends_have_no_pulse() -> None:
    label_s = np.array([1.0, 1.1, 2.0, 2.1])
    times_s = np.array([0.9, 1.0, 1.05, 1.1, 1.5, 2.0, 2.1, 2.1004, 2.2])
    found = at_times(np.ones(4), label_s, times_s)
    known = [False, True, True, True, False, True, True, True, False]
    np.testing.assert_array_equal(np.isfinite(found), known)
    found = at_times(np.array([1.0, np.nan, 1.0, 1.0]), label_s, times_s)
    assert np.isnan(found[2:4]).all()


def test_a_label_without_usable_times_is_refused_or_said() -> None:
    values = np.arange(4.0)
    label = make_label(HERE, np.array([0.0, 1.0, 1.0, 2.0]), values, device_bpm=values + 60)
    assert label.wave.tolist() == [0, 1, 3] and label.device_bpm.tolist() == [60, 61, 63]
    assert "1 values whose time does not rise" in label.notes[0]
    with pytest.raises(InputError, match="3 times, 4 values"):
        make_label(HERE, np.arange(3.0), values)
    with pytest.raises(InputError, match="1 values with a time"):
        make_label(HERE, np.zeros(4), values)
    with pytest.raises(InputError, match="no number"):
        make_label(HERE, values, np.full(4, np.nan))
    label = make_label(HERE, values, np.array([0, np.inf, 1, 2]))
    assert np.isnan(label.wave[1]) and "1 values of the wave" in label.notes[0]
