"""The tables of the docs are those of the committed results."""

import json
from pathlib import Path

import pytest

from pulsephase.experiments.accuracy import tables

ROOT = Path(__file__).parents[2]
STORED = json.loads((ROOT / "experiments/results/accuracy.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name", ["rates", "noise", "octaves", "estimators", "intervals", "conventions"]
)
def test_the_page_of_vitals_shows_them(name: str) -> None:
    assert tables(STORED)[name] in (ROOT / "docs/reference/vitals.md").read_text(encoding="utf-8")


def test_the_page_of_variability_shows_its_own() -> None:
    assert tables(STORED)["variability"] in (ROOT / "docs/reference/variability.md").read_text(
        "utf-8"
    )


def test_what_the_docs_say_in_words_is_so() -> None:
    for row in STORED["noise"]:
        kinds = ("white", "pink", "brown", "swept", "outside")
        assert min(row[kind] for kind in kinds) >= 0.95
    for row in STORED["octaves"]:
        assert max(row["white"]) < 0.005
    quiet = [row for row in STORED["variability"] if row["noise"] == 0 and row["sample_hz"] >= 30]
    assert all(abs(row[name] - 1) < 0.06 for row in quiet for name in ("sdnn_ms", "rmssd_ms"))
