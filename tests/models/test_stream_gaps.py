"""A face that was lost: no pulse is put where it was not, or at a time that is not its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream, placed
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render
from pulsephase.video.clip import Clip

LOST_AT = 200


@pytest.fixture(scope="module")
def net() -> PhaseNet:
    return PhaseNet.from_pretrained("tiny")


def with_gap(length: int) -> Clip:
    clip = render(3, replace(preset("easy"), frames=300))
    boxes = clip.boxes.clone()
    boxes[LOST_AT : LOST_AT + length] = torch.nan
    return replace(clip, boxes=boxes)


def agreement(wave: torch.Tensor, clip: Clip, part: slice) -> float:
    return float(np.corrcoef(wave[part].double().numpy(), clip.pulse[part].double().numpy())[0, 1])


@pytest.mark.parametrize("length", [10, 25])
def test_after_a_short_loss_each_output_stands_where_it_belongs(net: PhaseNet, length: int) -> None:
    clip, delay = with_gap(length), net.config.delay
    face = ~clip.boxes.isnan().any(1)
    late, settled = PulseStream(net).run(clip)
    wave, counts = placed(late, settled, face, delay=delay)
    assert not counts[~face].any() and wave[~face].isnan().all()
    before = slice(LOST_AT - delay, LOST_AT)  # said after the loss
    assert counts[before].all()
    assert agreement(wave, clip, before) > 0.8


def test_moved_by_the_clock_alone_it_would_not(net: PhaseNet) -> None:
    clip, delay = with_gap(10), net.config.delay
    late, _ = PulseStream(net).run(clip)
    before = slice(LOST_AT - 5, LOST_AT)  # said by the clock's count right after the loss
    assert agreement(late[delay:], clip, before) < 0.5


def test_after_a_long_loss_the_network_begins_anew(net: PhaseNet) -> None:
    clip, delay = with_gap(40), net.config.delay
    face = ~clip.boxes.isnan().any(1)
    _, counts = placed(*PulseStream(net).run(clip), face, delay=delay)
    assert not counts[LOST_AT - delay : LOST_AT].any()  # nobody was left to say it
    again = LOST_AT + 40 + net.config.warmup - delay
    assert not counts[LOST_AT:again].any() and counts[again : 300 - delay].all()


@pytest.mark.parametrize("count", [0, 5, 15])
def test_fewer_samples_than_the_delay_say_nothing(count: int) -> None:
    face = torch.ones(count, dtype=torch.bool)
    wave, counts = placed(torch.ones(count), face, face, delay=15)
    assert wave.isnan().all() and not counts.any()
