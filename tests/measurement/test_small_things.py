"""What a user meets: small faces in large frames, fingers, grey video, folders of a Mac."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pulsephase.commands.measure import _files
from pulsephase.measurement.measure import NO_FACE, read_out
from pulsephase.measurement.observation import Observation
from pulsephase.video import detect
from pulsephase.video.clip import Grey


def seen(colour: np.ndarray) -> Observation:
    count = len(colour)
    return Observation(
        source="a.mp4",
        frames=count,
        duration_s=count / 30,
        source_hz=30.0,
        sample_hz=30.0,
        valid_from_s=0.0,
        spent_s=1.5,
        times_s=np.arange(count) / 30,
        boxes=np.tile([10.0, 10.0, 20.0, 20.0], (count, 1)),
        colour=colour,
        pulse=np.zeros(count),
        valid=np.ones(count, dtype=bool),
        picture=None,
    )


def test_a_grey_video_has_no_colour() -> None:
    """POS said that the pulse is flat."""
    beat = 0.5 + 0.01 * np.sin(2 * np.pi * 1.2 * np.arange(600) / 30)
    grey = np.repeat(beat[:, None], 3, axis=1)
    assert read_out(seen(grey), "pos").rate.reason == (
        "the video has no colour, which pos needs; use --method green"
    )
    assert read_out(seen(grey), "green").rate.estimate_bpm == pytest.approx(72, abs=0.5)


def test_without_a_face_a_box_is_named() -> None:
    found = seen(np.full((600, 3), np.nan))
    nobody = replace(found, boxes=np.full((600, 4), np.nan), valid=np.zeros(600, dtype=bool))
    assert read_out(nobody, "phasenet").rate.reason == NO_FACE
    assert "--box full" in NO_FACE and "8 %" in NO_FACE


def test_a_large_frame_is_searched_for_smaller_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A face of 225 px in 4K is 10 % of the shorter side; 15 % was the least."""
    asked: list[tuple[tuple[int, ...], float]] = []

    def search(weights: str, grey: Grey, *, agreeing: int, least: float = 0.15) -> np.ndarray:
        asked.append((grey.shape, least))
        return np.empty((0, 4)) if least == 0.15 else np.array([[10.0, 10.0, 35.0, 35.0]])

    monkeypatch.setattr(detect, "_search", search)
    (box,) = detect.HaarFrontal()(np.zeros((2160, 3840, 3), np.uint8))
    assert asked == [((169, 300), 0.15), ((338, 600), 0.08)]
    assert box[2] == pytest.approx(224)
    assert len(detect.HaarFrontal()(np.zeros((480, 640, 3), np.uint8))) == 0


def test_a_folder_gives_its_videos_and_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.mp4", "._a.mp4", "b.3gp", "c.MTS", "d.h264", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in _files((tmp_path,))] == ["a.mp4", "b.3gp", "c.MTS", "d.h264"]
    assert "left out: notes.txt" in capsys.readouterr().err.replace("\n", " ")
