"""The page on data sets says of each what the code assumes, and what the splits really share."""

from pathlib import Path

import pytest

from pulsephase.video.datasets.registry import DATASETS
from pulsephase.video.datasets.splits import split

PAGE = (Path(__file__).parents[3] / "docs/reference/datasets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_every_assumption_and_split_is_in_the_docs(name: str) -> None:
    for line in DATASETS[name].assumptions:
        assert f"| `{name}` | {line} |" in PAGE
    for each in DATASETS[name].splits:
        assert f"`{each}`" in PAGE


def test_no_assumption_in_the_docs_is_not_in_the_code() -> None:
    known = {line for found in DATASETS.values() for line in found.assumptions}
    table = PAGE.split("## Assumptions")[1].split("\n## ")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    assert {row.split(" | ", 1)[1].removesuffix(" |") for row in rows} == known


def test_the_two_orders_share_nine_test_subjects() -> None:
    numbers = [1, 3, 4, 5, *range(8, 19), 20, *range(22, 28), *range(30, 50)]
    subjects = [f"subject{number}" for number in numbers]
    parts = [split("ubfc", name, subjects).test for name in DATASETS["ubfc"].splits[1:]]
    assert len(set(parts[0]) & set(parts[1])) == 9
    assert "share 9 of their\n12 subjects" in PAGE
