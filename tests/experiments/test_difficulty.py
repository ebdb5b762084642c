"""How hard the presets are: what the page says is what was measured, and is what was meant."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pulsephase.experiments.compare import fixed_clips, protocol
from pulsephase.experiments.difficulty import RESULTS, measure, oracle
from pulsephase.models.config import TINY
from pulsephase.synthetic.presets import PRESETS
from pulsephase.synthetic.render import render

PAGE = (Path(__file__).parents[2] / "docs" / "synthetic.md").read_text(encoding="utf-8")
CLASSICAL = ("pos", "chrom", "green")


@pytest.fixture(scope="module")
def held() -> dict[str, dict[str, dict[str, float]]]:
    presets = json.loads(RESULTS.read_text(encoding="utf-8"))["presets"]
    return {name: table["methods"] for name, table in presets.items()}


def test_every_preset_is_measured(held: dict[str, dict[str, dict[str, float]]]) -> None:
    assert set(held) == set(PRESETS)


def test_easy_is_easy_and_hard_is_hard_but_holds_the_pulse(
    held: dict[str, dict[str, dict[str, float]]],
) -> None:
    assert held["easy"]["pos"]["within_3_bpm"] >= 0.85
    assert 0.15 <= held["hard"]["pos"]["within_3_bpm"] <= 0.40
    assert held["hard"]["oracle"]["within_3_bpm"] >= 0.80


def test_without_a_pulse_every_method_is_silent_on_nine_clips_of_ten(
    held: dict[str, dict[str, dict[str, float]]],
) -> None:
    for method in CLASSICAL:
        assert held["null"][method]["answered"] <= 0.1, method


def test_the_page_says_what_was_measured(held: dict[str, dict[str, dict[str, float]]]) -> None:
    for name, methods in held.items():
        shares = [
            "-" if name == "null" else f"{100 * methods[method]['within_3_bpm']:.0f}"
            for method in (*CLASSICAL, "oracle")
        ]
        answers = [f"{100 * methods[method]['answered']:.0f}" for method in CLASSICAL]
        assert f"| `{name}` | {' | '.join(shares + answers)} |" in PAGE, name


def test_the_oracle_reads_a_planted_pulse_and_nothing_where_there_is_none() -> None:
    config, kept = protocol("easy", TINY)
    (batch,) = fixed_clips(config, kept, clips=2, batch=2)
    waves = oracle(batch, config)
    for seed, wave in zip(batch.seeds, waves, strict=True):
        pulse = render(seed, config).pulse
        assert pulse is not None
        inside = torch.stack([wave[kept], -pulse[kept].double()])  # more blood, less light
        assert abs(float(torch.corrcoef(inside)[0, 1])) > 0.9
    config, kept = protocol("null", TINY)
    (batch,) = fixed_clips(config, kept, clips=2, batch=2)
    assert float(np.abs(oracle(batch, config).numpy()).max()) < 0.01


def test_a_preset_is_measured_by_every_method() -> None:
    table = measure("easy", clips=2)
    methods = table["methods"]
    assert isinstance(methods, dict) and set(methods) == {*CLASSICAL, "oracle"}
    assert "phasenet_minus_pos_points" not in table
