"""Glasses and a strand of hair hide skin, and touch nothing else."""

from dataclasses import replace

import pytest
import torch

from pulsephase.errors import ParameterError
from pulsephase.synthetic.config import FaceRanges, SynthConfig
from pulsephase.synthetic.draw import draw_clip
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render_with_maps
from pulsephase.synthetic.scene import render_scene, stage

WORN = ("glasses", "strand")


def config(**face: float) -> SynthConfig:
    naive = preset("naive")
    camera = replace(naive.camera, fixed_gain=1.0, unquantised_probability=1.0)
    return replace(naive, frames=8, size=64, camera=camera, face=replace(naive.face, **face))


@pytest.mark.parametrize("what", WORN)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_covers_skin_and_leaves_every_other_pixel(what: str, seed: int) -> None:
    bare = render_with_maps(seed, config())
    worn = render_with_maps(seed, config(**{f"{what}_probability": 1.0}))
    assert (bare.truth.parameters[what], worn.truth.parameters[what]) == (0.0, 1.0)
    lost = bare.truth.skin_mask - worn.truth.skin_mask
    assert lost.min() >= 0
    assert 0.005 < float(lost.sum() / bare.truth.skin_mask.sum()) < 0.3
    same = (lost == 0)[:, None].expand_as(bare.frames)
    assert (bare.frames - worn.frames)[same].abs().max() < 1e-6
    assert torch.equal(bare.pulse, worn.pulse)


@pytest.mark.parametrize("what", WORN)
def test_it_leaves_every_other_draw(what: str) -> None:
    plain = draw_clip(5, config(), height=64, width=64)
    worn = draw_clip(5, config(**{f"{what}_probability": 1.0}), height=64, width=64)
    kept = [channel for channel in range(9) if channel != 6]
    assert torch.equal(plain.face.maps[kept], worn.face.maps[kept])
    assert torch.equal(plain.background, worn.background)
    assert torch.equal(plain.light.tracks, worn.light.tracks)
    assert torch.equal(plain.motion.pose, worn.motion.pose)
    assert torch.equal(plain.pulse.z, worn.pulse.z)


def test_one_does_not_decide_the_other() -> None:
    asked = [
        config(glasses_probability=0.5),
        config(glasses_probability=0.5, strand_probability=0.5),
    ]
    faces = [[draw_clip(s, c, height=8, width=8).face for s in range(20)] for c in asked]
    assert [face.glasses for face in faces[0]] == [face.glasses for face in faces[1]]
    assert 0 < sum(face.glasses for face in faces[1]) < 20
    assert 0 < sum(face.strand for face in faces[1]) < 20


def test_scenes_wear_them_too() -> None:
    asked = config(glasses_probability=1.0)
    assert stage(1, asked, height=120, width=160).face.glasses
    worn = render_scene(1, asked, width=160, height=120)
    assert not torch.equal(worn.frames, render_scene(1, config(), width=160, height=120).frames)


def test_a_wrong_share_is_named() -> None:
    with pytest.raises(ParameterError, match="glasses_probability"):
        FaceRanges(glasses_probability=2.0)
