"""The newcomer's page shows the commands that were timed, in their order."""

import json
from pathlib import Path

from pulsephase.experiments.newcomer import COMMANDS, FAKE, RESULTS, timed

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "newcomer.md"


def test_the_page_shows_what_was_timed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    typed = " ".join(text.replace("\\\n", " ").split())
    for command in (FAKE, *COMMANDS):
        assert command in typed
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert [row["command"] for row in found["commands"]] == list(COMMANDS)


def test_a_command_is_run_as_typed(tmp_path: Path) -> None:
    row = timed("pulsephase version --json", tmp_path)
    assert row["command"] == "pulsephase version --json"
    assert 0 < row["processor_s"] and 0 < row["wall_s"]
