"""Scenes: pieces put together are the clip, and its truth, whatever their length."""

from dataclasses import replace

import pytest
import torch

from pulsephase.synthetic import scene
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.scene import join, render_scene, scene_clips, stage

SIDE = 64


@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("name", ["easy", "jitter"])
def test_no_beat_is_lost_between_pieces(
    name: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene, "PIXELS_AT_ONCE", length * SIDE * SIDE)
    config = replace(preset(name), frames=61)
    for seed in range(3):
        pieces = list(scene_clips(seed, config, width=SIDE, height=SIDE))
        assert max(len(piece) for piece in pieces) == length
        drawn = stage(seed, config, height=SIDE, width=SIDE)
        beats, times = drawn.pulse.beat_times_s, drawn.times_s
        inside = beats[(beats >= times[0]) & (beats <= times[-1])]
        assert torch.equal(join(pieces).truth.beat_times_s, inside) and len(inside) >= 1


def test_the_length_of_the_pieces_changes_no_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(preset("easy"), frames=20)
    whole = render_scene(1, config, width=SIDE, height=SIDE)
    monkeypatch.setattr(scene, "PIXELS_AT_ONCE", SIDE * SIDE)
    single = render_scene(1, config, width=SIDE, height=SIDE)
    assert torch.equal(whole.truth.beat_times_s, single.truth.beat_times_s)
    assert torch.equal(whole.pulse, single.pulse) and torch.equal(whole.times_s, single.times_s)
