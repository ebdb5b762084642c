"""The benchmark of the cache counts every frame of every part."""

import pytest

from pulsephase.bench import datasets


def test_rows_say_what_was_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "SCENE", (128, 96))
    monkeypatch.setattr(datasets, "QUICK_SECONDS", 1.0)
    rows = list(datasets.measure(quick=True))
    assert [row["part"] for row in rows] == list(datasets.PARTS)
    for row in rows:
        assert (row["width"], row["height"]) == (128, 96)
        assert row["frames"] in (29, 30)  # the last frame of a jittered clock may come early
        assert row["frames_per_s"] > 0 and row["frames_per_cpu_s"] > 0
