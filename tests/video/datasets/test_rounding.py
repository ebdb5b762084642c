"""A pulse below one level survives being stored as bytes."""

import numpy as np
import pytest

from pulsephase.video.datasets.entry import Rounder

FRAMES, SIDE = 600, 16


def constant(level: float) -> np.ndarray:
    return np.full((FRAMES, 3, SIDE, SIDE), level / 255, np.float32)


@pytest.mark.parametrize("level", [0.0, 0.1, 77.25, 100.5, 128.999, 254.9, 255.0])
def test_the_mean_is_exact(level: float) -> None:
    """The mean of N rounded values has variance f (1 - f) / N; five standard errors are allowed."""
    found = Rounder("subject1")(constant(level))
    part = level - np.floor(level)
    error = np.sqrt(part * (1 - part) / found.size)
    assert abs(found.mean() - level) < 5 * error + 1e-4
    assert found.var() == pytest.approx(part * (1 - part), abs=0.01)
    assert abs(found - level).max() < 1


def test_a_tenth_of_a_level_keeps_its_shape_and_size() -> None:
    """Nearest-level rounding of 100.2 + 0.1 sin gives a flat line; this gives the sine."""
    beat = 0.1 * np.sin(2 * np.pi * 1.2 * np.arange(FRAMES) / 30)
    crops = constant(100.2) + (beat / 255).astype(np.float32)[:, None, None, None]
    assert np.ptp(np.round(255 * crops)) == 0
    traces = Rounder("subject1")(crops).mean((2, 3))
    gain = (traces.mean(1) - traces.mean()) @ beat / (beat @ beat)
    error = 0.4 / np.sqrt(3 * SIDE**2) / np.sqrt(beat @ beat)  # of the least-squares slope
    assert gain == pytest.approx(1, abs=5 * error)


def test_noise_depends_on_the_name_alone_and_not_on_the_pieces() -> None:
    crops = constant(9.5)
    whole = Rounder("a")(crops)
    rounder = Rounder("a")
    pieces = np.concatenate([rounder(crops[:7]), rounder(crops[7:11]), rounder(crops[11:])])
    np.testing.assert_array_equal(pieces, whole)
    other = Rounder("b")(crops)
    assert np.corrcoef(whole.ravel(), other.ravel())[0, 1] == pytest.approx(0, abs=0.01)
    series = whole.reshape(FRAMES, -1) - 9.5
    assert (series[1:] * series[:-1]).mean() == pytest.approx(0, abs=0.005)  # white in time
