"""No subject is in two parts, none is lost in silence, and the published split is the published."""

import json
from pathlib import Path

import pytest
import recordings
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import InputError, ParameterError
from pulsephase.video.datasets.registry import DATASETS
from pulsephase.video.datasets.splits import FILES, Split, split, split_names

UBFC = [1, 3, 4, 5, *range(8, 19), 20, *range(22, 28), *range(30, 50)]  # the 42 of the set
SHARED = [
    (name, part)
    for name in ("ubfc", "ubfc1", "pure", "mmpd", "buaa", "scamps")
    for part in split_names(name)
]


def names(numbers: list[int]) -> list[str]:
    return [f"subject{number}" for number in numbers]


def own(folder: Path, **keys: object) -> str:
    path = folder / "mine.json"
    path.write_text(json.dumps({"train": "rest", "validation": 0, "test": 0} | keys))
    return str(path)


def test_the_published_split_is_30_and_12_of_42() -> None:
    assert len(UBFC) == 42
    as_text = split("ubfc", "published-72-28", names(UBFC)[::-1])
    assert (len(as_text.train), as_text.validation, len(as_text.test)) == (30, (), 12)
    assert as_text.test == (*names(list(range(41, 50))), "subject5", "subject8", "subject9")
    by_number = split("ubfc", "published-72-28-numbers", names(UBFC))
    assert (len(by_number.train), by_number.test) == (30, tuple(names(list(range(38, 50)))))


def test_our_default_tests_on_the_published_part_and_never_chooses_by_it() -> None:
    ours = split("ubfc", "default", names(UBFC))
    assert ours.test == split("ubfc", "published-72-28", names(UBFC)).test
    assert (len(ours.train), len(ours.validation)) == (25, 5)


@given(st.integers(3, 80), st.sampled_from(SHARED))
def test_parts_are_disjoint_and_together_everybody(count: int, which: tuple[str, str]) -> None:
    subjects = [f"S{number}" for number in range(count)]
    found = split(*which, subjects)
    parts = [*found.train, *found.validation, *found.test]
    assert sorted(parts) == sorted(subjects)
    assert found.train and found.test
    shuffled = split(*which, subjects[::-1] + subjects)
    assert shuffled == found


@pytest.mark.parametrize("name", [path.name for path in FILES.glob("*.json")])
def test_every_file_names_its_source(name: str) -> None:
    asked = json.loads((FILES / name).read_text())
    assert asked["source"] and asked["order"] in ("text", "numbers")
    assert name.split(".")[0] in DATASETS


def test_an_empty_part_is_one_clear_error() -> None:
    with pytest.raises(ParameterError, match="leaves the train part empty: 2 subjects are too few"):
        split("ubfc", "default", ["a", "b"])
    with pytest.raises(ParameterError, match="no subject to divide"):
        split("ubfc", "default", [])
    with pytest.raises(ParameterError, match="no validation part"):
        split("ubfc", "published-72-28", names(UBFC)).part("validation")


def test_names_must_fit_those_that_are_there(tmp_path: Path) -> None:
    there = ["a", "b", "c"]
    found = split("ubfc", own(tmp_path, train=["c"], test=["a"], validation="rest"), there)
    assert (found.train, found.validation, found.test) == (("c",), ("b",), ("a",))
    with pytest.raises(ParameterError, match="names d, unknown here: there are a, b, c"):
        split("ubfc", own(tmp_path, train=["a", "b", "c"], test=["d"]), there)
    with pytest.raises(ParameterError, match="a in two parts"):
        split("ubfc", own(tmp_path, train=["a", "b"], test=["a", "c"]), there)
    with pytest.raises(ParameterError, match="has c in no part"):
        split("ubfc", own(tmp_path, train=["a"], test=["b"]), there)
    found = split("ubfc", own(tmp_path, train=["a"], test=["b"], leave_out=["c"]), there)
    assert found.left_out == ("c",)
    with pytest.raises(ParameterError, match="leaves the validation part empty"):
        split("ubfc", own(tmp_path, train=["a", "b"], test=["c"], validation=[]), there)


def test_a_file_that_is_no_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no split 'none'; there are default"):
        split("ubfc", "none", ["a"])
    with pytest.raises(InputError, match="does not exist"):
        split("ubfc", str(tmp_path / "mine.json"), ["a"])
    with pytest.raises(InputError, match="order is 'random'"):
        split("ubfc", own(tmp_path, order="random"), ["a"])
    (tmp_path / "mine.json").write_text('{"train": 1}')
    with pytest.raises(InputError, match="lacks validation, test"):
        split("ubfc", str(tmp_path / "mine.json"), ["a"])
    (tmp_path / "mine.json").write_text("[")
    with pytest.raises(InputError, match="is no split"):
        split("ubfc", str(tmp_path / "mine.json"), ["a"])


def test_the_filter_of_the_paper_leaves_out_sub_04_and_the_dark() -> None:
    subjects = [f"Sub {number:02d}" for number in range(1, 14)]
    found = split("buaa", "paper-filter", subjects)
    assert "Sub 04" not in (*found.train, *found.validation, *found.test)
    assert found.left_out == ("Sub 04",) and found.where == ("lux>=10",)
    assert (len(found.train), len(found.validation), len(found.test)) == (7, 1, 4)


def test_a_part_selects_recordings_by_subject_and_condition() -> None:
    four = [recordings.recording(number) for number in range(1, 5)]
    parts = Split(
        name="x",
        source="",
        train=("subject1", "subject2"),
        validation=(),
        test=("subject4",),
        where=("light=high",),
    )
    assert [found.name for found in parts.select("train", four)] == ["subject2"]
    assert [found.name for found in parts.select("test", four)] == ["subject4"]
    with pytest.raises(ParameterError, match="no recording of subject4 for the test part"):
        parts.select("test", four[:3])
