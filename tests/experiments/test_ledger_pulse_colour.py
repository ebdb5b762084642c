"""The split by the pulse's colour: measured on clips whose direction is planted."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pulsephase.experiments import ledger_against_pos
from pulsephase.experiments.ledger_against_pos import opposed
from pulsephase.models.classical import pos
from pulsephase.models.classical.pos import SIGNATURE
from pulsephase.synthetic.draw import draw_clip
from pulsephase.synthetic.presets import preset

CONFIG = replace(preset("easy"), frames=90)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_colour_is_the_drawn_direction_where_light_is_white_and_the_camera_plain(
    seed: int,
) -> None:
    plain = replace(CONFIG, camera=replace(CONFIG.camera, crosstalk=(0.0, 0.0), gamma=(1.0, 1.0)))
    found = ledger_against_pos.pulse_colour(seed, plain)
    drawn = draw_clip(seed, plain, height=36, width=36).skin.direction.double().numpy()
    assert found @ drawn / np.linalg.norm(found) / np.linalg.norm(drawn) > 0.99


def test_pos_loses_what_its_projections_oppose() -> None:
    """The same pulse and noise, in two directions of colour: POS hears one much better."""
    wave = 0.01 * np.sin(2 * np.pi * 1.2 * np.arange(300) / 30)
    noise = 5e-5 * np.random.default_rng(0).normal(size=(300, 3))
    heard = {}
    for colour in (SIGNATURE, (0.53, 0.57, 0.63)):
        change = -np.array(colour) / np.linalg.norm(colour)
        track = torch.from_numpy(1 + wave[:, None] * change + noise)
        out = pos(track, sample_hz=30.0).numpy()[60:-60]
        heard[opposed(change)] = abs(np.corrcoef(out, wave[60:-60])[0, 1])
    assert heard[False] > 0.98
    assert heard[True] < 0.6


def test_a_row_splits_every_preset_whole() -> None:
    made = ledger_against_pos.colour_row("tiny", clips=6, presets=("full",), say=lambda text: None)
    (table,) = made["presets"]
    assert table["agree"]["clips"] + table["oppose"]["clips"] == 6
    for key in ("agree", "oppose"):
        if table[key]["clips"]:
            assert 0 <= table[key]["phasenet"] <= 1
            assert set(table[key]["phasenet_minus"]) == {"pos", "chrom", "green"}
