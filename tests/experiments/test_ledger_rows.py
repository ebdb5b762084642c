"""Rows of the ledger: what is finished is kept, what is asked for is made again."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pulsephase.errors import ParameterError
from pulsephase.experiments import ledger_rows


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the rows by two quick ones, and tell which were made."""
    calls: list[str] = []

    def row(name: str) -> ledger_rows.Make:
        def make(path: Path, say: ledger_rows.Say) -> dict[str, Any]:
            calls.append(name)
            return {"answer": len(calls)}

        return make

    monkeypatch.setattr(
        ledger_rows, "ROWS", {name: row(name) for name in ("a/one", "a/two", "b/one")}
    )
    return calls


def test_finished_rows_are_kept(made: list[str], tmp_path: Path) -> None:
    ledger_rows.make_rows([], results=tmp_path, say=lambda text: None)
    assert made == ["a/one", "a/two", "b/one"]
    ledger_rows.make_rows([], results=tmp_path, say=lambda text: None)
    assert len(made) == 3
    held = json.loads((tmp_path / "a" / "one.json").read_text())
    assert held["row"] == "a/one" and held["answer"] == 1
    assert {"minutes", "revision", "torch"} <= held.keys()


def test_a_named_row_is_made_again(made: list[str], tmp_path: Path) -> None:
    ledger_rows.make_rows([], results=tmp_path, say=lambda text: None)
    ledger_rows.make_rows(["a/two"], results=tmp_path, say=lambda text: None)
    assert made[3:] == ["a/two"]
    ledger_rows.make_rows(["a"], results=tmp_path, say=lambda text: None)
    assert made[4:] == ["a/one", "a/two"]


def test_a_row_that_was_stopped_is_not_finished(made: list[str], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.json").write_text('{"runs": []}')
    assert ledger_rows.chosen([], results=tmp_path) == ["a/one", "a/two", "b/one"]


def test_an_unknown_row_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="curves/light"):
        ledger_rows.make_rows(["nonsense"], results=tmp_path, say=lambda text: None)


def test_one_preset_of_a_row_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(
        name: str, *, clips: int, presets: tuple[str, ...], say: ledger_rows.Say
    ) -> dict[str, Any]:
        tables = [{"preset": preset, "network": name} for preset in presets]
        return {"seeds": [0, 1], "protocol": {"clips": clips}, "presets": tables}

    monkeypatch.setattr(ledger_rows.ledger_against_pos, "row", made)
    path = ledger_rows.path_of("against-pos/tiny", results=tmp_path)
    path.parent.mkdir()
    tables = [{"preset": "full", "kept": True}, {"preset": "vessel", "kept": True}]
    held = {"seeds": [0, 1], "protocol": {"clips": 4}, "presets": tables, "revision": "abc"}
    path.write_text(json.dumps(held | {"minutes": 1.0}))
    again = partial(ledger_rows.make_preset, results=tmp_path, say=lambda text: None)
    again("against-pos/tiny:vessel")
    found = json.loads(path.read_text())
    assert found["presets"] == [tables[0], {"preset": "vessel", "network": "tiny"}]
    assert found["revision"] == "abc" and list(found["remade"]) == ["vessel"]
    again("against-pos/tiny:easy")
    found = json.loads(path.read_text())
    assert [table["preset"] for table in found["presets"]] == ["easy", "full", "vessel"]
    assert list(found["remade"]) == ["vessel", "easy"]
    for name, words in {
        "against-pos/base:vessel": "no finished row",
        "curves/light:0.1": "no finished row",
        "against-pos/tiny:naive": "it has easy, full",
    }.items():
        with pytest.raises(ParameterError, match=words):
            again(name)
    path.write_text(json.dumps(held | {"minutes": 1.0, "seeds": [0]}))
    with pytest.raises(ParameterError, match="other seeds"):
        again("against-pos/tiny:vessel")
