"""How late a label is against the video: found where both show a pulse, else nothing is said."""

import numpy as np
import pytest

from pulsephase.evaluation.label_checks import SAMPLE_HZ, Seen, lag_of
from pulsephase.video.datasets.recording import Label

SECONDS = 20.0


def waves(
    late_s: float, *, seconds: float = SECONDS, rate_hz: float = 1.2, swing_hz: float = 0.2
) -> tuple[Label, np.ndarray, np.ndarray]:
    """Return a label that is late against the colour of a face, the colour, and its times."""
    times = np.arange(round(seconds * SAMPLE_HZ)) / SAMPLE_HZ
    rates = rate_hz + swing_hz * np.sin(2 * np.pi * 0.1 * times)

    def pulse(at_s: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * np.interp(at_s, times, np.cumsum(rates) / SAMPLE_HZ))

    colour = 0.5 - 0.002 * pulse(times)[:, None] * np.array([0.33, 0.77, 0.53])
    label = Label(times_s=times, wave=pulse(times - late_s), timing="by time")
    return label, colour, times


def seen(colour: np.ndarray, times: np.ndarray) -> Seen:
    return Seen(
        frames=len(times), start_s=0.0, end_s=float(times[-1]), times_s=times, colour=colour
    )


def test_a_label_that_is_late_is_told_with_its_lag() -> None:
    label, colour, times = waves(late_s=0.2)
    found = lag_of(label, seen(colour, times))
    assert found is not None
    assert found[0] == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("samples", [35, 40, 47])
def test_a_face_for_a_moment_says_nothing_and_ends_nothing(samples: int) -> None:
    """Longer than the finger's lag asks for, shorter than a colour method needs."""
    label, colour, times = waves(late_s=0.2)
    colour[samples:] = np.nan
    assert lag_of(label, seen(colour, times)) is None


def disturbed(colour: np.ndarray, part: slice, *, size: float, seed: int) -> np.ndarray:
    """Return the colour with a slow wander of the light in a part of the video."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal(colour[part].shape)
    kernel = np.hanning(15) / np.hanning(15).sum()
    smooth = np.apply_along_axis(lambda column: np.convolve(column, kernel, "same"), 0, noise)
    found = colour.copy()
    found[part] += size * smooth
    return found


@pytest.mark.parametrize("end", [slice(0, 75), slice(-75, None)])
@pytest.mark.parametrize("seed", range(8))
def test_a_disturbed_end_of_the_video_does_not_blame_a_label_in_step(end: slice, seed: int) -> None:
    """At a steady rate a lag of whole beats that leaves the disturbed end out correlates better."""
    label, colour, times = waves(late_s=0.1, seconds=10.0, rate_hz=1.7, swing_hz=0.02)
    found = lag_of(label, seen(disturbed(colour, end, size=0.004, seed=seed), times))
    assert found is None or found[2] == []


@pytest.mark.parametrize("late_s", [-2.1, -1.3, -0.45, 0.45, 1.3, 2.1])
@pytest.mark.parametrize("seed", range(3))
def test_a_label_out_of_step_is_named_though_an_end_is_disturbed(late_s: float, seed: int) -> None:
    label, colour, times = waves(late_s=late_s)
    found = lag_of(label, seen(disturbed(colour, slice(0, 75), size=0.004, seed=seed), times))
    assert found is not None
    assert found[0] == pytest.approx(late_s, abs=0.05)
    assert [problem.kind for problem in found[2]] == ["desynchronised"]
