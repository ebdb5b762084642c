"""The benchmark of waves times what it says, and its committed figures stand in the docs."""

import json
from pathlib import Path

from pulsephase.bench.vitals import measure, tasks

ROOT = Path(__file__).parents[2]


def test_every_row_has_a_figure() -> None:
    asked = tasks(quick=True)[:4]
    rows = list(measure(asked, quick=True))
    assert [row["what"] for row in rows] == [name for name, _ in asked]
    assert all(row["median"] > 0 and row["threads"] == 1 for row in rows)


def test_the_docs_show_the_committed_figures() -> None:
    text = (ROOT / "experiments/results/bench_vitals.json").read_text(encoding="utf-8")
    found = {row["what"]: row["median"] for row in json.loads(text)["results"]}
    page = " ".join((ROOT / "docs/reference/vitals.md").read_text(encoding="utf-8").split())
    assert f"60 s at 30 Hz take {found['heart rate of 60 s, ms']:.1f} ms" in page
    assert f"{found['online heart rate, us a sample']:.0f} us on average" in page
    assert f"waves {found['metrics of 42 waves, strict, ms']:.0f} ms" in page
