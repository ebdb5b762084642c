"""The page of the ledger shows every row that is finished, and every look."""

import json
from pathlib import Path

from pulsephase.experiments import ledger_page
from pulsephase.experiments.ledger_rows import ROWS, path_of


def test_every_committed_row_is_one_that_can_be_made() -> None:
    known = {path_of(row) for row in ROWS}
    assert {path for path in ledger_page.RESULTS.rglob("*.json")} <= known


def test_a_row_that_was_stopped_is_not_shown(tmp_path: Path) -> None:
    row = path_of("curves/light", results=tmp_path)
    row.parent.mkdir()
    found = {
        "within_3_bpm": 0.5,
        "within_3_bpm_by_seed": [0.25, 0.75],
        **{"pos": 0.125, "chrom": 0.0, "green": 0.25},
        "minus_best": {"method": "green", "value": 25.0, "interval_95": [-12.5, 50.0]},
    }
    points = [{"level": level, "networks": {"tiny": found}} for level in (0.01, 1.5)]
    seeds, size = {"tiny": [0, 1]}, {"tiny": 36}
    protocol = {"clips": 8, "amplitude": 0.003, "seeds": seeds, "size": size}
    held = {"axis": "light", "meaning": "depth", "protocol": protocol, "points": points}
    row.write_text(json.dumps(held))
    assert "depth" not in ledger_page.page(tmp_path, tmp_path / "none.json")
    row.write_text(json.dumps(held | {"minutes": 1.0, "revision": "abc", "torch": "2"}))
    shown = ledger_page.page(tmp_path, tmp_path / "none.json")
    assert "### light: depth" in shown
    assert "`tiny`, seeds 0, 1, crops of 36 px" in shown
    rest = "50.0 | 25.0, 75.0 | 12.5 | 0.0 | 25.0 | GREEN: +25.0 (-12.5 to +50.0) |"
    assert f"| 0.01 | {rest}" in shown
    assert f"| 1.5 \\* | {rest}" in shown  # beyond what was trained on


def test_every_look_at_real_clips_is_shown() -> None:
    looks = json.loads(ledger_page.LOOKS.read_text(encoding="utf-8"))["looks"]
    shown = ledger_page.page()
    for number, look in enumerate(looks, start=1):
        assert f"### Look {number}: {look['date']}" in shown
        assert look["revision"] in shown
