"""How often the detector finds synthetic faces: enough for the pages that say so."""

import json

import numpy as np
import pytest

from pulsephase.experiments.detector import FRAMES, PRESETS, RESULTS, measure, overlap

AIMS = {"easy": 0.95, "full": 0.85}


def test_what_was_measured_meets_its_aims() -> None:
    held = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert [row["preset"] for row in held["results"]] == list(PRESETS)
    for row in held["results"]:
        assert row["frames"] == FRAMES * row["scenes"]
        assert row["found"] / row["frames"] >= AIMS[row["preset"]]


def test_the_overlap_is_intersection_over_union() -> None:
    box = np.array([0.0, 0.0, 2.0, 2.0])
    assert overlap(box, box) == 1
    assert overlap(box, np.array([1.0, 0.0, 2.0, 2.0])) == pytest.approx(2 / 6)
    assert overlap(box, np.array([3.0, 0.0, 2.0, 2.0])) == 0


def test_a_scene_is_looked_at_from_end_to_end() -> None:
    row = measure("easy", scenes=1, seconds=1.0)
    assert row["frames"] == FRAMES and row["found"] == FRAMES
