"""Two people are not one rate."""

import numpy as np
import pytest

from pulsephase.measurement.turns import lost_spans, one_person, two_in_turn
from pulsephase.vitals.result import HeartRate, Window

TIMES = np.arange(900) / 30


def rated(rates: list[float]) -> HeartRate:
    windows = tuple(
        Window(
            start_s=float(number),
            end_s=number + 10.0,
            bpm=bpm,
            estimate_bpm=bpm,
            quality=0.98,
            reason=None,
            rise=50.0,
        )
        for number, bpm in enumerate(rates)
    )
    middle = float(np.median(rates))
    return HeartRate(bpm=middle, estimate_bpm=middle, quality=0.98, reason=None, windows=windows)


def test_one_leaves_and_another_comes() -> None:
    """14 s of 60.7, 2 s of nobody, 14 s of 96.5: it gave 95.5 with a quality of 0.98."""
    face = (TIMES < 14) | (TIMES >= 16)
    rate, notes = one_person(rated([60.7] * 9 + [96.5] * 12), face, TIMES)
    assert rate.bpm is None and rate.estimate_bpm == 96.5
    assert str(rate.reason).startswith(
        "two faces one after the other: 60.7 bpm until about 14 s and 96.5 bpm after it"
    )
    assert any("no face from 14.0 to 16.0 s" in note for note in notes)


def test_two_groups_without_a_loss_are_said() -> None:
    rate, notes = one_person(rated([60.7] * 9 + [96.5] * 12), TIMES >= 0, TIMES)
    assert rate.bpm == 96.5
    assert notes == (
        "the windows fall into two groups: 60.7 bpm until about 14 s and 96.5 bpm after it",
    )


@pytest.mark.parametrize(
    "rates",
    [
        [72.0] * 20,
        list(np.linspace(150, 90, 25)),  # a heart that recovers
        [72.0] * 18 + [144.0],  # one window that is wrong
        [72.0, 144.0] * 10,  # a harmonic, now and then
        [72.0, 100.0],
    ],
)
def test_one_heart_is_one_group(rates: list[float]) -> None:
    assert two_in_turn(rated(rates)) is None


def test_a_face_that_blinks_is_not_lost() -> None:
    face = TIMES >= 0
    face[100:120] = False
    assert lost_spans(face, TIMES) == []
    face[:50] = face[-50:] = False
    assert lost_spans(face, TIMES) == []
    assert lost_spans(np.zeros(900, dtype=bool), TIMES) == []
