"""Leaving one set out over four look-alikes, by the commands of docs/how-to/protocols.md."""

import json
from pathlib import Path

import pytest

from pulsephase.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "protocols.md").read_text(encoding="utf-8")
RESULTS = ROOT / "experiments" / "results" / "protocol_look_alikes.json"
SEEDS = {"ubfc": 100, "pure": 200, "buaa": 300, "mmpd": 400}
"""Of the first person of each set: no two sets hold the same people."""
KEYS = ("network.init=tiny", "optimiser.steps=12", "data.held_out=6")
METHODS = ("phasenet", "pos", "chrom")


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    code = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out)


def test_the_committed_run_is_that_of_the_page() -> None:
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]
    assert sorted((row["dataset"], row["method"]) for row in rows) == sorted(
        (name, method) for name in SEEDS for method in METHODS
    )
    for name, seed in SEEDS.items():
        assert f"fake {name} looks/{name} --subjects 3 --conditions 1 --seed {seed}" in PAGE
    assert all(f"--key {key}" in PAGE for key in KEYS)
    assert "look-alikes" in PAGE


@pytest.mark.slow
def test_leaving_one_set_out_over_four_look_alikes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each set is tested once, by a network that saw the three others alone."""
    caches = {name: tmp_path / "caches" / name for name in SEEDS}
    for name, seed in SEEDS.items():
        root = str(tmp_path / name)
        made = ("--subjects", "3", "--conditions", "1", "--seed", str(seed))
        call(capsys, "datasets", "fake", name, root, *made)
        found = call(capsys, "datasets", "verify", root, "--name", name, "--workers", "1")
        assert found["bad"] == 0
        kept = ("--out", str(caches[name]), "--workers", "1")
        call(capsys, "datasets", "cache", root, "--name", name, *kept)
    asked = [
        *(part for name, folder in caches.items() for part in ("--set", f"{name}={folder}")),
        *(part for key in KEYS for part in ("--key", key)),
        *("--out", str(tmp_path / "run")),
    ]
    rows = call(capsys, "protocol", "leave-one-out", *asked)["results"]
    assert [(row["dataset"], row["method"]) for row in rows] == [
        (name, method) for name in SEEDS for method in METHODS
    ]
    for row in rows:
        assert row["trained_on"] == sorted(SEEDS.keys() - {row["dataset"]})
        assert row["clips"] == row["clips_asked"] == 3 and row["coverage"] > 0.8
        card = json.loads((tmp_path / "run" / row["fold"] / "run" / "run.json").read_text())
        recorded = {each["dataset"]: each for each in card["data"]["recorded"]}
        assert sorted(recorded) == row["trained_on"] and card["finished"]
        assert all(len(each["training"]) == 2 for each in recorded.values())
        assert all(len(each["validation"]) == 1 for each in recorded.values())
        if row["method"] == "phasenet":  # begun from weights that know such faces
            assert row["mae_bpm"] < 3
    again = call(capsys, "protocol", "leave-one-out", *asked)["results"]
    assert again == rows
