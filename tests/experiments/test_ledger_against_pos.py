"""The gain over POS: paired, over seeds and clips; curves pin one thing and leave the rest."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pulsephase.experiments import ledger_against_pos, ledger_curves
from pulsephase.synthetic.config import CameraRanges
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render
from pulsephase.training.recipes import SEEDS
from pulsephase.video.clip import Clip


def test_the_mean_gain_is_that_of_the_seeds() -> None:
    generator = np.random.default_rng(1)
    baseline = (generator.random(400) < 0.5).astype(float)
    hits = np.stack([(generator.random(400) < share).astype(float) for share in (0.6, 0.7, 0.8)])
    found = ledger_against_pos.mean_gain(hits, baseline)
    assert found["value"] == pytest.approx(100 * (hits.mean() - baseline.mean()))
    assert found["by_seed"] == pytest.approx(list(100 * (hits.mean(1) - baseline.mean())))
    low, high = found["interval_95"]
    assert min(found["by_seed"]) - 6 < low < found["value"] < high < max(found["by_seed"]) + 6


def test_the_interval_knows_that_seeds_differ() -> None:
    baseline = np.zeros(400)
    alike = np.tile((np.arange(400) < 200).astype(float), (3, 1))
    apart = np.stack([np.full(400, share) for share in (0.2, 0.5, 0.8)])
    narrow, wide = (ledger_against_pos.mean_gain(hits, baseline) for hits in (alike, apart))
    assert narrow["value"] == pytest.approx(wide["value"])
    span = [found["interval_95"][1] - found["interval_95"][0] for found in (narrow, wide)]
    assert span[1] > 3 * span[0]


def test_a_row_has_every_seed_and_a_gain() -> None:
    row = ledger_against_pos.row("tiny", clips=4, presets=("easy",), say=lambda text: None)
    (table,) = row["presets"]
    seeds = len(row["seeds"])
    assert len(table["phasenet"]["within_3_bpm_by_seed"]) == seeds
    assert len(table["phasenet_minus"]["pos"]["by_seed"]) == seeds
    networks = [method for method in table["methods"] if method.startswith("phasenet")]
    assert networks == [ledger_against_pos.method_of(seed) for seed in row["seeds"]]


@pytest.mark.parametrize("axis", ledger_curves.AXES)
def test_an_axis_changes_one_layer_alone(axis: str) -> None:
    _, levels, config_at = ledger_curves.AXES[axis]
    low, high = config_at(levels[0]), config_at(levels[-1])
    layer = {
        "motion": "motion",
        "light": "light",
        "noise": "camera",
        "compression": "codec",
        "skin": "skin",
        "jitter": "camera",
        "rate": "pulse",
    }[axis]
    assert low != high
    assert replace(low, **{layer: getattr(high, layer)}) == high
    assert list(levels) == sorted(levels)


def test_every_network_meets_the_methods_at_its_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    meaning, _, config_at = ledger_curves.AXES["noise"]
    monkeypatch.setitem(ledger_curves.AXES, "noise", (meaning, (0.03,), config_at))
    row = ledger_curves.row("noise", clips=4, say=lambda text: None)
    assert row["protocol"]["size"] == {"tiny": 36, "base": 72}
    (point,) = row["points"]
    for name, found in point["networks"].items():
        shares = found["within_3_bpm_by_seed"]
        assert len(shares) == len(row["protocol"]["seeds"][name]) == len(SEEDS)
        best = max(("pos", "chrom", "green"), key=found.__getitem__)
        assert found[best] == found[found["minus_best"]["method"]]
        assert found["minus_best"]["by_seed"] == pytest.approx(
            [100 * (share - found[best]) for share in shares]
        )
    alone = ledger_curves.row("noise", clips=4, names=("tiny",), say=lambda text: None)
    assert alone["points"][0]["networks"]["tiny"] == point["networks"]["tiny"]


def test_even_frames_pass_unchanged_and_lines_stay_lines() -> None:
    config = replace(preset("easy"), size=8, frames=40)
    clip = render(1, config)
    assert torch.equal(ledger_curves.on_even_grid(clip), clip.frames)
    jittered = render(1, replace(config, camera=CameraRanges(time_jitter=0.45)))
    ramp = jittered.times_s.float()[:, None, None, None].expand(-1, 3, 8, 8) / 2
    line = ledger_curves.on_even_grid(Clip(frames=ramp.contiguous(), times_s=jittered.times_s))
    steps = torch.diff(line[:, 0, 0, 0])
    assert float(torch.diff(jittered.times_s).std()) > 0.005
    assert float(steps.std()) < 1e-5
