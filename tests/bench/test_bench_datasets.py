"""The benchmark of the cache counts every frame of every part; the docs show what it found."""

import json
from pathlib import Path

import pytest

from pulsephase.bench import datasets

ROOT = Path(__file__).parents[2]


def test_rows_say_what_was_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "SCENE", (128, 96))
    monkeypatch.setattr(datasets, "QUICK_SECONDS", 1.0)
    rows = list(datasets.measure(quick=True))
    assert [row["part"] for row in rows] == list(datasets.PARTS)
    for row in rows:
        assert (row["width"], row["height"]) == (128, 96)
        assert row["frames"] in (29, 30)  # the last frame of a jittered clock may come early
        assert row["frames_per_s"] > 0 and row["frames_per_cpu_s"] > 0


def test_the_docs_show_the_committed_figure() -> None:
    text = (ROOT / "experiments/results/bench_datasets.json").read_text(encoding="utf-8")
    row = json.loads(text)["results"][-1]
    assert (row["width"], row["height"]) == (640, 480)
    shown = f"{row['frames_per_cpu_s']:.0f} frames a second of processor time"
    assert shown in (ROOT / "docs/reference/datasets.md").read_text(encoding="utf-8")
