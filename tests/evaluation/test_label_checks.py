"""How late a label is against the video: found where both show a pulse, else nothing is said."""

import numpy as np
import pytest

from pulsephase.evaluation.label_checks import SAMPLE_HZ, Seen, lag_of
from pulsephase.video.datasets.recording import Label

SECONDS = 20.0


def waves(late_s: float) -> tuple[Label, np.ndarray, np.ndarray]:
    """Return a label that is late against the colour of a face, the colour, and its times."""
    times = np.arange(round(SECONDS * SAMPLE_HZ)) / SAMPLE_HZ
    rates = 1.2 + 0.2 * np.sin(2 * np.pi * 0.1 * times)

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
