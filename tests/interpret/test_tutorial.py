"""The figures of the walk through `base` are those of the committed analysis."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pulsephase.experiments.interpret_tutorial import DOCS, FIGURES, path_of, rounded, write_figures

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "what-base-has-learnt.md"
STORED: dict[str, Any] = json.loads(path_of("base").read_text(encoding="utf-8"))


def test_the_figures_are_those_of_the_stored_analysis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn again from the JSON they have the same words and ticks; the paths may differ."""
    monkeypatch.setattr("pulsephase.experiments.interpret_tutorial.DOCS", tmp_path)
    for path in write_figures("base", STORED):
        drawn, kept = (
            re.findall(r"<text[^>]*>([^<]*)<", file.read_text(encoding="utf-8"))
            for file in (path, DOCS / path.name)
        )
        assert drawn == kept, path.name
    shown = set(re.findall(r"interpret/base-(\w+)\.svg", PAGE.read_text(encoding="utf-8")))
    assert shown == set(FIGURES) == {file.stem.removeprefix("base-") for file in DOCS.glob("*.svg")}


def test_the_analysis_was_made_with_the_full_budget_on_a_clean_checkout() -> None:
    assert not STORED["budget"]["quick"]
    assert "dirty" not in STORED["revision"]
    assert rounded(STORED) == STORED
