"""Each face keeps its number and its own tracker, whoever else comes, goes or passes by."""

import footage
import numpy as np
import pytest

from pulsephase.errors import SamplingError
from pulsephase.video.clip import Box
from pulsephase.video.several import SeveralFaces

WALL = footage.wall(240, 480)


def follow(
    frames: list[footage.Frame], *, several: SeveralFaces | None = None
) -> list[dict[int, Box | None]]:
    several = several or SeveralFaces(footage.RedFaces())
    return [several.update(frame, n / 30) for n, frame in enumerate(frames)]


def people(*places: tuple[float, float, float]) -> footage.Frame:
    frame = WALL
    for seed, (x, y, side) in enumerate(places):
        frame = footage.paint(frame, x, y, side, seed=seed)
    return frame


def test_two_faces_are_two_numbers_each_at_its_place() -> None:
    found = follow([people((60, 80, 90), (300, 80, 70))] * 45)
    assert all(set(boxes) == {1, 2} for boxes in found)
    lefts = sorted(box[0] for box in found[-1].values() if box is not None)
    assert lefts == pytest.approx([60, 300], abs=8)


def test_who_comes_later_gets_the_next_number_within_a_second() -> None:
    alone, both = people((60, 80, 90)), people((60, 80, 90), (300, 80, 70))
    found = follow([alone] * 30 + [both] * 45)
    assert all(set(boxes) == {1} for boxes in found[:30])
    assert set(found[30 + 31]) == {1, 2}
    assert found[-1][2][0] == pytest.approx(300, abs=8)  # type: ignore[index]


def test_who_leaves_is_lost_at_once_and_gone_after_a_second() -> None:
    both, alone = people((60, 80, 90), (300, 80, 70)), people((60, 80, 90))
    found = follow([both] * 30 + [alone] * 60)
    left = next(number for number, box in found[0].items() if box is not None and box[0] > 200)
    (stays,) = {1, 2} - {left}
    lost = next(n for n, boxes in enumerate(found) if boxes[left] is None)
    assert 30 <= lost <= 33
    assert set(found[-1]) == {stays}
    assert all(boxes[stays] is not None for boxes in found)


def test_a_number_never_changes_over_to_another_person() -> None:
    """One leaves; the other stays where the tracker of one face would jump to."""
    both, other = people((60, 80, 90), (300, 80, 110)), people((-200, 80, 90), (300, 80, 110))
    found = follow([both] * 30 + [other] * 50)
    left = next(number for number, box in found[0].items() if box is not None and box[0] < 200)
    for boxes in found:
        if boxes.get(left) is not None:
            assert boxes[left][0] < 200  # type: ignore[index]
    assert left not in found[-1]


def test_two_tracks_on_one_face_become_the_older_one() -> None:
    """Two people move on top of each other: the one behind is not counted twice."""
    frames = [people((60 + 3 * n, 80, 90), (300, 80, 90)) for n in range(80)]
    found = follow([*frames, *[people((300, 80, 90), (300, 80, 90))] * 40])
    assert len(found[0]) == 2
    assert len(found[-1]) == 1


def test_the_detector_is_asked_at_most_once_a_frame() -> None:
    detector = footage.RedFaces()
    several = SeveralFaces(detector)
    frames = [people((20, 80, 70), (180, 80, 70), (340, 80, 70))] * 61
    follow(frames, several=several)
    assert 3 <= detector.looks <= 5


def test_nobody_is_nobody_and_times_must_rise() -> None:
    several = SeveralFaces(footage.RedFaces())
    assert follow([WALL] * 5, several=several) == [{}] * 5
    with pytest.raises(SamplingError, match=r"frame at 0\.1 s after one at 0\.13"):
        several.update(np.asarray(WALL), 0.1)
