"""Rows of the ledger: what is finished is kept, what is asked for is made again."""

import json
from pathlib import Path
from typing import Any

import pytest

from pulsephase.errors import ParameterError
from pulsephase.experiments.ledger import rows


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the rows by two quick ones, and tell which were made."""
    calls: list[str] = []

    def row(name: str) -> rows.Make:
        def make(path: Path, say: rows.Say) -> dict[str, Any]:
            calls.append(name)
            return {"answer": len(calls)}

        return make

    monkeypatch.setattr(rows, "ROWS", {name: row(name) for name in ("a/one", "a/two", "b/one")})
    return calls


def test_finished_rows_are_kept(made: list[str], tmp_path: Path) -> None:
    rows.make_rows([], results=tmp_path, say=lambda text: None)
    assert made == ["a/one", "a/two", "b/one"]
    rows.make_rows([], results=tmp_path, say=lambda text: None)
    assert len(made) == 3
    held = json.loads((tmp_path / "a" / "one.json").read_text())
    assert held["row"] == "a/one" and held["answer"] == 1
    assert {"minutes", "revision", "torch"} <= held.keys()


def test_a_named_row_is_made_again(made: list[str], tmp_path: Path) -> None:
    rows.make_rows([], results=tmp_path, say=lambda text: None)
    rows.make_rows(["a/two"], results=tmp_path, say=lambda text: None)
    assert made[3:] == ["a/two"]
    rows.make_rows(["a"], results=tmp_path, say=lambda text: None)
    assert made[4:] == ["a/one", "a/two"]


def test_a_row_that_was_stopped_is_not_finished(made: list[str], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.json").write_text('{"runs": []}')
    assert rows.chosen([], results=tmp_path) == ["a/one", "a/two", "b/one"]


def test_an_unknown_row_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="curves/light"):
        rows.make_rows(["nonsense"], results=tmp_path, say=lambda text: None)
