"""The benchmark of `live` counts what it says; the docs show what it found."""

import json
from pathlib import Path

import pytest
import videos

from pulsephase.bench.live import NETWORKS, measure

ROOT = Path(__file__).parents[2]


def test_rows_say_what_was_timed() -> None:
    rows = list(measure(list(videos.noise(12, height=48, width=64))))
    assert [row["network"] for row in rows] == list(NETWORKS)
    for row in rows:
        assert (row["width"], row["height"], row["frames"], row["with_face"]) == (64, 48, 12, 0)
        assert 0 < row["median_ms"] <= row["p99_ms"]
        assert row["frames_per_s"] > 0


@pytest.mark.parametrize("index", range(len(NETWORKS)))
def test_the_docs_show_the_committed_figures(index: int) -> None:
    text = (ROOT / "experiments/results/bench_live.json").read_text(encoding="utf-8")
    row = json.loads(text)["results"][index]
    assert row["with_face"] == row["frames"]
    shown = (
        f"| `{row['network']}` | {row['median_ms']:.2f} | {row['p99_ms']:.2f} "
        f"| {row['frames_per_s']:.0f} |"
    )
    assert shown in (ROOT / "docs/how-to/live.md").read_text(encoding="utf-8")
