"""A clip is the same to the bit on any number of torch's threads, and leaves that number alone."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pulsephase.machine import one_thread, threads
from pulsephase.synthetic.dataset import SyntheticClips
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.pulse import sample_pulse, wave_at
from pulsephase.synthetic.render import render, render_with_maps
from pulsephase.synthetic.scene import render_scene, scene_clips


def on_one_and_two(make: object) -> tuple[object, object]:
    found = []
    for count in (1, 2):
        with threads(count):
            found.append(make())
            assert torch.get_num_threads() == count
    return found[0], found[1]


@pytest.mark.parametrize("name", ["full", "hard", "vessel"])
def test_crops(name: str) -> None:
    for seed in range(3):
        first, second = on_one_and_two(lambda seed=seed: render_with_maps(seed, preset(name)))
        assert torch.equal(first.frames, second.frames)
        assert torch.equal(first.pulse, second.pulse)
        assert torch.equal(first.truth.skin_mask, second.truth.skin_mask)


def test_a_scene() -> None:
    config = replace(preset("full"), frames=16)
    first, second = on_one_and_two(lambda: render_scene(2, config, width=320, height=240))
    assert torch.equal(first.frames, second.frames)


def test_long_waves() -> None:
    """Times by beats are so many numbers that threads would share them."""
    times = torch.arange(3000, dtype=torch.float64) / 30
    for name in ("full", "vessel"):

        def wave(name: str = name) -> Tensor:
            pulse = sample_pulse(1, preset(name).pulse, times)
            return torch.cat([pulse.z, pulse.dz, *wave_at(pulse, times + 0.01)])

        assert torch.equal(*on_one_and_two(wave))


def test_a_loader_beside_two_threads() -> None:
    """The process that loads has two threads, its worker has one."""
    with threads(2):
        config = preset("full")
        found = []
        for workers in (0, 1):
            data = SyntheticClips(config, base_seed=5, batch=2)
            found.append(next(iter(DataLoader(data, batch_size=2, num_workers=workers)))["frames"])
        assert torch.equal(*found)


def test_between_the_pieces_of_a_scene_threads_are_as_before() -> None:
    with threads(2):
        for _ in scene_clips(1, replace(preset("easy"), frames=4), width=640, height=480):
            assert torch.get_num_threads() == 2


def test_threads_come_back_after_an_error() -> None:
    with threads(2):
        with pytest.raises(ValueError, match="seed is -1"):
            render(-1, preset("full"))
        assert torch.get_num_threads() == 2
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
