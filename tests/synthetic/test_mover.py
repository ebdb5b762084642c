"""What moves behind the head moves, has no pulse, and leaves all other draws as they were."""

from dataclasses import replace

import pytest
import torch

from pulsephase.errors import ParameterError
from pulsephase.synthetic.config import BackgroundRanges, CameraRanges, CodecRanges, SynthConfig
from pulsephase.synthetic.draw import draw_clip
from pulsephase.synthetic.presets import PRESETS
from pulsephase.synthetic.render import render, render_with_maps
from pulsephase.synthetic.scene import render_scene

CAMERA = CameraRanges(
    fixed_gain=1.0, noise=(1e-9, 1e-9), unquantised_probability=1.0, repeat_probability=0.0
)
STILL = SynthConfig(frames=30, camera=CAMERA, codec=CodecRanges(probability=0.0))
MOVING = replace(STILL, background=BackgroundRanges(mover_probability=1.0))


def test_no_preset_has_one() -> None:
    assert all(config.background.mover_probability == 0 for config in PRESETS.values())


@pytest.mark.parametrize("seed", range(4))
def test_only_pixels_outside_the_head_change(seed: int) -> None:
    plain, busy = render_with_maps(seed, STILL), render_with_maps(seed, MOVING)
    assert plain.truth is not None and busy.truth is not None
    torch.testing.assert_close(plain.pulse, busy.pulse, rtol=0, atol=0)
    assert torch.equal(plain.truth.skin_mask, busy.truth.skin_mask)
    inside = plain.truth.skin_mask[:, None] > 0.999
    change = (plain.frames - busy.frames).abs()
    assert float((change * inside).max()) < 5e-3  # the outline is soft
    assert float(change.max()) > 0.02


def test_it_moves() -> None:
    drawn = draw_clip(1, MOVING, height=36, width=36)
    assert drawn.mover is not None
    assert float(drawn.mover.path.diff(dim=1).abs().max()) > 1e-3
    frames = render(1, replace(MOVING, frames=90)).frames
    assert float(frames.std(0).max()) > 0.01


def test_a_scene_has_it_too() -> None:
    plain, busy = (
        render_scene(3, replace(config, frames=2), width=96, height=72)
        for config in (STILL, MOVING)
    )
    assert not torch.equal(plain.frames, busy.frames)


def test_a_probability_is_checked() -> None:
    with pytest.raises(ParameterError, match="mover_probability"):
        BackgroundRanges(mover_probability=1.5)
