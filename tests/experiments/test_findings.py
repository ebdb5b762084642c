"""Every figure of the ablations that the findings quote is that of the ledger's rows."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pulsephase.experiments.ledger_ablation import GROUPS, comparisons
from pulsephase.experiments.ledger_curves import AXES, trained_range
from pulsephase.experiments.ledger_rows import path_of

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "findings.md"
WORDS = " ".join(PAGE.read_text(encoding="utf-8").split())


def read(row: str) -> dict[str, Any]:
    return json.loads(path_of(row).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@cache
def compared() -> dict[str, dict[str, Any]]:
    baseline = read("ablation/baseline")
    return {
        found["variant"]: found
        for group in GROUPS
        if group != "baseline"
        for found in comparisons(read(f"ablation/{group}"), baseline)
    }


@pytest.mark.parametrize(
    ("variant", "before"),
    [
        ("mixer = identity", "Without any mixing "),
        ("pooling = average", "The plain mean over the frame: "),
        ("head = ungated", "Without them "),
        ("head = fir", "A plain filter "),
        ("head = oscillator", "the physics as a layer, "),
        ("head = gru", "The GRU, "),
        ("layers = 3, delay = 7", "Three layers (15 frames, delay halved) "),
        ("layers = 4", ", four "),
        ("delay = 0", "without it "),
        ("head = symmetric", "Symmetric padding "),
        ("inputs = mean", "Alone "),
        ("inputs = difference", "the change between frames alone "),
        ("static", "in steady light: "),
        ("noiseless", "noise and codec: "),
    ],
)
def test_a_difference_is_quoted_with_its_interval(variant: str, before: str) -> None:
    gain = compared()[variant]["difference"]
    low, high = (f"{end:+.1f}".replace("+0.0", "0.0") for end in gain["interval_95"])
    assert f"{before}{gain['value']:+.1f} ({low} to {high})" in WORDS


def test_the_rest_of_the_ablations() -> None:
    found, shares = compared(), [run["within_3_bpm"] for run in read("ablation/baseline")["runs"]]
    assert f"({100 * sum(shares) / len(shares):.1f} of 100 right)" in WORDS
    for variant, words in {
        "mixer = pointwise": "a 1 x 1 convolution {:+.1f}",
        "mixer = permutation": "permutation {:+.1f}",
        "mixer = grid": "a swap of whole blocks {:+.1f}",
    }.items():
        assert words.format(found[variant]["difference"]["value"]) in WORDS
    assert f"higher by {found['pooling = average']['loss_difference']:.3f}, in every" in WORDS
    assert f"higher by {found['head = ungated']['loss_difference']:.3f}, in every" in WORDS
    assert f"is worth {found['delay = 0']['loss_difference']:.2f} of the loss" in WORDS
    assert len(found) == 17 and "Of seventeen intervals" in WORDS


def test_the_split_and_the_fine_tuning() -> None:
    split = next(t for t in read("pulse-colour/tiny")["presets"] if t["preset"] == "full")
    agree, oppose = (split[key]["phasenet_minus"]["pos"] for key in ("agree", "oppose"))
    assert f"In {split['oppose']['clips']} of the 400 clips of `full`" in WORDS
    assert f"ahead by {oppose['value']:.0f} points, in the other {split['agree']['clips']}" in WORDS
    low, high = agree["interval_95"]
    assert f"clips by {agree['value']:.0f} ({low:.0f} to {high:.0f})" in WORDS
    gains = {
        key: split[key]["clips"] * split[key]["phasenet_minus"]["pos"]["value"]
        for key in ("agree", "oppose")
    }
    share = gains["oppose"] / sum(gains.values())
    assert f"a third of the clips carries {100 * share:.0f} % of the gain" in WORDS
    tuned = read("fine-tuning/ubfc")
    assert tuned["before"]["tiny"]["within_3_bpm"] == 1
    assert f"(POS on {100 * tuned['before']['pos']['within_3_bpm']:.0f} of 100" in WORDS
    alone = tuned["points"][0]["from_scratch"]
    assert f"right in {100 * alone['within_3_bpm']:.0f} of 100" in WORDS
    assert f"an error of {alone['mae_bpm']:.1f} bpm" in WORDS


def test_where_the_curves_have_the_networks_behind() -> None:
    """Behind is where the whole interval lies below zero."""
    curves = {axis: read(f"curves/{axis}")["points"] for axis in AXES}
    behind = {
        (axis, point["level"], name)
        for axis, points in curves.items()
        for point in points
        for name, found in point["networks"].items()
        if found["minus_best"]["interval_95"][1] < 0
    }
    assert behind == {
        ("motion", 1.0, "tiny"),
        ("motion", 2.0, "tiny"),
        ("motion", 2.0, "base"),
        ("rate", 195.0, "tiny"),
        ("rate", 195.0, "base"),
        ("compression", 4.0, "tiny"),
        ("compression", 4.0, "base"),
        ("compression", 6.0, "base"),
    }
    within = {
        key for key in behind if trained_range(key[0])[0] <= key[1] <= trained_range(key[0])[1]
    }
    assert within == {("motion", 1.0, "tiny")}
    nods = {name: curves["motion"][3]["networks"][name] for name in ("tiny", "base")}
    first, second = (
        "{:+.1f} {:+.1f} to {:+.1f}".format(gain["value"], *gain["interval_95"])
        for gain in (nods[name]["minus_best"] for name in ("tiny", "base"))
    )
    words = WORDS.replace(" points,", "").replace(",", "")
    share = {name: f"{100 * found['within_3_bpm']:.0f}" for name, found in nods.items()}
    assert (
        f"`tiny` {share['tiny']} ({first})" in words
        and f"`base` {share['base']} ({second})" in words
    )
    coarse = curves["compression"][-1]["networks"]["base"]["minus_best"]
    assert coarse["method"] == "green" and f"of `base` by {-coarse['value']:.0f} points" in WORDS
