"""The page on interpretation: its example runs, its thresholds and table are of the files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pulsephase.experiments import interpret_presence
from pulsephase.experiments.interpret_validation import RESULTS
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


def test_thresholds_of_the_page() -> None:
    limits = thresholds()
    for words in (
        f"needs {limits.least_clips} clips",
        f"{limits.least_taps} taps",
        f"{limits.least_snr_db:g} dB above",
        f"{100 * limits.causality:g} % of the response in the past",
        f"{100 * limits.time_invariance:g} % of it in",
        f"a score of {limits.consistency:g}, a percentile of {limits.percentile:g}",
    ):
        assert words in PAGE, words


def test_table_of_the_page() -> None:
    held = json.loads(RESULTS.read_text(encoding="utf-8"))
    for row in held["power"]:
        line = (
            f"| {row['system']} | {row['taps']} | {100 * row['power']:.0f} % | "
            f"{100 * row['within_3_sd']:.1f} % | {row['rms_over_cramer_rao']:.2f} | "
            f"{100 * row['interval_coverage']:.0f} % |"
        )
        assert line in PAGE, line
    for row in held["spread"]:
        line = (
            f"| {row['system']} | {row['snr_db']:g} dB | {100 * row['power']:.0f} % | "
            f"{100 * row['within_3_sd']:.1f} % | {row['rms_over_cramer_rao']:.2f} | "
            f"{100 * row['interval_coverage']:.0f} % |"
        )
        assert line in PAGE, line
    covered = [row["interval_coverage"] for row in held["power"] + held["spread"]]
    assert f"in {100 * min(covered):.0f} to {100 * max(covered):.0f} %." in PAGE
    for row in held["nulls"]:
        line = (
            f"| {row['null']} | {row['taps']} | {row['positive']} | {row['percentile_alone']} | "
            f"{row['withheld']} |"
        )
        assert line in PAGE, line


def test_the_bar_of_presence_is_where_it_is_said_to_be() -> None:
    held = json.loads(interpret_presence.RESULTS.read_text(encoding="utf-8"))
    share = {
        row["preset"]: f"{100 * row['share']:.1f} % of `{row['preset']}`" for row in held["rows"]
    }
    assert held["presence"] == thresholds().presence and "dirty" not in held["revision"]
    assert all(row["clips"] == interpret_presence.CLIPS for row in held["rows"])
    for name, words in share.items():
        assert words in reasons()["presence"], name
    assert f"{share['null']} clips" in PAGE and share["full"] in PAGE
    assert (
        interpret_presence.row("null", clips=4)["share"]
        <= interpret_presence.row("easy", clips=4)["share"]
    )
