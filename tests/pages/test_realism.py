"""The realism report measures what was planted."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pulsephase.cli import main
from pulsephase.pages.realism import QUANTITIES, measure_clip, realism
from pulsephase.synthetic.presets import preset
from pulsephase.video.clip import Clip, Truth

TIMES = torch.arange(300, dtype=torch.float64) / 30


def planted(noise: float) -> Clip:
    pulse = math.sqrt(2) * torch.sin(2 * math.pi * 1.2 * TIMES)
    drift = 0.01 * math.sqrt(2) * torch.sin(2 * math.pi * 0.3 * TIMES)
    direction = torch.tensor([2.0, 6.0, 3.0], dtype=torch.float64) / 7
    level = 0.4 * (1 + drift[:, None] - 0.005 * direction * pulse[:, None])
    grain = torch.randn(300, 3, 24, 24, generator=torch.Generator().manual_seed(1)) * noise / 255
    return Clip(
        frames=(level[..., None, None] + grain).float(),
        times_s=TIMES,
        pulse=pulse.float(),
        truth=Truth(
            heart_rate_bpm=torch.full((300,), 72.0),
            beat_times_s=torch.zeros(1),
            skin_mask=torch.ones(300, 24, 24),
        ),
    )


def test_what_was_planted_is_found() -> None:
    found = measure_clip(planted(2.0))
    assert found["ac_green_percent"] == pytest.approx(0.5 * 6 / 7, rel=0.1)
    assert found["ac_red_percent"] == pytest.approx(0.5 * 2 / 7, rel=0.1)
    directions = [found[f"direction_{name}"] for name in ("red", "green", "blue")]
    np.testing.assert_allclose(directions, [2 / 7, 6 / 7, 3 / 7], atol=0.03)
    assert found["noise_levels"] == pytest.approx(2.0, rel=0.05)
    assert found["drift_percent"] == pytest.approx(1.0, rel=0.05)
    assert found["pos_snr_db"] > measure_clip(planted(20.0))["pos_snr_db"] + 3


def test_clips_without_a_pulse_are_left_out() -> None:
    config = replace(preset("null"), frames=30)
    assert realism(config, clips=2, seed=0) == {name: [] for name in QUANTITIES}


def test_the_report(tmp_path: Path) -> None:
    out, page = tmp_path / "clips", tmp_path / "report" / "index.html"
    asked = ["--clips", "2", "--seconds", "4", "--format", "npz", "--preset", "easy"]
    assert main(["synthesize", str(out), *asked, "--report", str(page.parent)]) == 0
    text = page.read_text(encoding="utf-8")
    assert all(quantity.name in text for quantity in QUANTITIES.values())
    assert "0.09 to 0.37" in text and "http" not in text and "<script" not in text
    (tmp_path / "file").touch()
    assert main(["synthesize", str(tmp_path / "x"), "--report", str(tmp_path / "file")]) == 2
    assert not (tmp_path / "x").exists()
