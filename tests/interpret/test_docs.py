"""The page on interpretation: its adapter runs, and its threshold of presence was measured."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pulsephase.experiments import interpret_presence
from pulsephase.interpret.thresholds import reasons, thresholds

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "interpret.md").read_text(
    encoding="utf-8"
)


def test_the_adapter_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(block, names)
    found = names["found"]
    assert found["verdict"]["look_ahead_frames"] == 2
    assert "looks 2 frames ahead" in capsys.readouterr().out
    assert "random weights" not in found["verdict"]["missing_nulls"]


def test_the_reason_for_the_threshold_of_presence_is_what_was_measured() -> None:
    held = json.loads(interpret_presence.RESULTS.read_text(encoding="utf-8"))
    share = {
        row["preset"]: f"{100 * row['share']:.1f} % of `{row['preset']}`" for row in held["rows"]
    }
    assert held["presence"] == thresholds().presence and "dirty" not in held["revision"]
    assert all(row["clips"] == interpret_presence.CLIPS for row in held["rows"])
    for name, words in share.items():
        assert words in reasons()["presence"], name
    assert (
        interpret_presence.row("null", clips=4)["share"]
        <= interpret_presence.row("easy", clips=4)["share"]
    )
