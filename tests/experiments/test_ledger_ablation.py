"""Ablations: one part changed, the same clips and seeds, a stopped row goes on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pulsephase.errors import ParameterError
from pulsephase.experiments import ledger_ablation
from pulsephase.models.config import TINY
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.presets import PRESETS

SHORT = replace(
    ledger_ablation.RECIPE, steps=2, batch=2, frames=96, validate_every=2, validation_clips=2
)


def test_every_variant_is_a_network_that_differs_in_what_it_says() -> None:
    for name, group in ledger_ablation.GROUPS.items():
        for variant in group.variants.values():
            network = variant.network()
            changed = {key for key in variant.parts if getattr(network, key) != getattr(TINY, key)}
            assert changed == set(variant.parts)
            assert variant.preset in PRESETS
            PhaseNet(network)
            assert (name == "baseline") == (not variant.parts and variant.preset == "full")


def test_the_issue_asks_for_no_less() -> None:
    names = {variant for group in ledger_ablation.GROUPS.values() for variant in group.variants}
    asked = {
        *(f"mixer = {each}" for each in ("identity", "pointwise", "permutation")),
        "pooling = average",
        *(f"head = {each}" for each in ("ungated", "fir", "oscillator", "gru", "symmetric")),
        "layers = 3, delay = 7",
        "layers = 4",
        "delay = 0",
        *(f"inputs = {each}" for each in ("mean", "difference")),
        *("noiseless", "static"),
    }
    assert asked <= names


@pytest.mark.parametrize("count", [1, 7, 8, 401])
def test_bits_come_back(count: int) -> None:
    right = np.random.default_rng(count).random(count) < 0.5
    np.testing.assert_array_equal(
        ledger_ablation.right_of(ledger_ablation.bits_of(right), clips=count), right
    )


def test_a_stopped_row_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "delay.json"
    trained: list[int] = []

    def stopping(name: str, variant: Any, seed: int, **settings: Any) -> dict[str, Any]:
        if seed == 1 and len(trained) == 1:
            trained.append(-1)
            raise KeyboardInterrupt
        trained.append(seed)
        return {"variant": name, "seed": seed}

    monkeypatch.setattr(ledger_ablation, "run", stopping)
    arguments: dict[str, Any] = {"recipe": SHORT, "seeds": (0, 1), "clips": 2}
    with pytest.raises(KeyboardInterrupt):
        ledger_ablation.row("delay", path, say=lambda text: None, **arguments)
    assert len(json.loads(path.read_text())["runs"]) == 1
    row = ledger_ablation.row("delay", path, say=lambda text: None, **arguments)
    assert trained == [0, -1, 1]
    assert [each["seed"] for each in row["runs"]] == [0, 1]


def test_a_row_of_another_protocol_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "delay.json"
    monkeypatch.setattr(
        ledger_ablation,
        "run",
        lambda name, variant, seed, **settings: {"variant": name, "seed": seed},
    )
    for clips in (2, 3):
        row = ledger_ablation.row(
            "delay", path, recipe=SHORT, seeds=(0,), clips=clips, say=lambda text: None
        )
        assert row["protocol"]["clips"] == clips
        assert len(row["runs"]) == 1


def test_a_row_of_another_protocol_is_not_compared() -> None:
    with pytest.raises(ParameterError, match="made by"):
        next(ledger_ablation.comparisons({"protocol": {"ema": 0.98}}, {"protocol": {"ema": 0.995}}))


def test_every_variant_sees_the_sample_that_it_reports() -> None:
    for group in ledger_ablation.GROUPS.values():
        for variant in group.variants.values():
            network = variant.network()
            assert network.receptive_field > network.delay


def test_a_run_trains_and_is_judged(tmp_path: Path) -> None:
    variant = ledger_ablation.GROUPS["delay"].variants["delay = 0"]
    found = ledger_ablation.run("delay = 0", variant, 0, recipe=SHORT, clips=3)
    assert 0 <= found["within_3_bpm"] <= 1
    assert ledger_ablation.right_of(found["right"], clips=3).mean() == found["within_3_bpm"]
    assert found["parameters"] == sum(p.numel() for p in PhaseNet(TINY).parameters())
    assert found["validation_loss"] > 0


def test_differences_are_paired_by_seed_and_clip() -> None:
    def run(variant: str, seed: int, right: list[bool], loss: float) -> dict[str, Any]:
        return {
            "variant": variant,
            "seed": seed,
            "trained_on": "full",
            "parameters": 1,
            "validation_loss": loss,
            "right": ledger_ablation.bits_of(np.array(right)),
        }

    protocol = {"clips": 4}
    baseline = {
        "protocol": protocol,
        "runs": [run("baseline", 1, [True] * 4, 0.5), run("baseline", 0, [False] * 4, 0.7)],
    }
    row = {
        "protocol": protocol,
        "runs": [run("x", 0, [True, False, False, False], 0.6), run("x", 1, [True] * 4, 0.6)],
    }
    (found,) = ledger_ablation.comparisons(row, baseline)
    assert found["difference"]["by_seed"] == [25.0, 0.0]
    assert found["loss_difference"] == pytest.approx(0.0)
    assert found["by_seed"] == [0.25, 1.0]
