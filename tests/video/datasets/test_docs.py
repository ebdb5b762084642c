"""The page on data sets names every split; two of them share nine test subjects, as it says."""

from pathlib import Path

import pytest

from pulsephase.video.datasets.registry import DATASETS
from pulsephase.video.datasets.splits import split

PAGE = (Path(__file__).parents[3] / "docs/reference/datasets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_every_split_is_in_the_docs(name: str) -> None:
    assert all(f"`{each}`" in PAGE for each in DATASETS[name].splits)


def test_the_two_orders_share_nine_test_subjects() -> None:
    numbers = [1, 3, 4, 5, *range(8, 19), 20, *range(22, 28), *range(30, 50)]
    subjects = [f"subject{number}" for number in numbers]
    parts = [split("ubfc", name, subjects).test for name in DATASETS["ubfc"].splits[1:]]
    assert len(set(parts[0]) & set(parts[1])) == 9
