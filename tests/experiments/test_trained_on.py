"""Runs of the recipes that are compared: added to the file, none is lost."""

import json
from pathlib import Path

import pytest

from pulsephase.experiments import trained_on


def test_a_run_is_added_to_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def made(name: str, *, clips: int) -> dict[str, object]:
        done.append(name)
        return {"clips": clips, "number": len(done)}

    monkeypatch.setattr(trained_on, "RESULTS", tmp_path / "trained_on.json")
    monkeypatch.setattr(trained_on, "run", made)
    trained_on.main([])
    trained_on.main(["quick-naive"])
    held = json.loads((tmp_path / "trained_on.json").read_text())
    numbers = {name: [run["number"] for run in runs] for name, runs in held.items()}
    assert numbers == {"quick-full": [1], "quick-naive": [2, 3]}
