"""ZAS and its controls: permutations that cost nothing, and never touch time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from pulsephase.models.config import MIXERS, MixerName
from pulsephase.models.mixers import PartialMixer, mixer, swap_grid, swap_within

PERMUTATIONS = [name for name in MIXERS if name != "pointwise"]
SWAPS = {"within": swap_within, "grid": swap_grid}


def made(name: MixerName, *, fraction: float = 0.5) -> PartialMixer:
    return mixer(name, channels=16, fraction=fraction, block=3, size=9, seed=0)


@pytest.mark.parametrize("name", SWAPS)
@given(
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    block=st.integers(1, 5),
    seed=st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_a_swap_is_an_involution_and_an_isometry(
    name: str, height: int, width: int, block: int, seed: int
) -> None:
    x = torch.randn(2, 4, height, width, generator=torch.Generator().manual_seed(seed))
    once = SWAPS[name](x, block)
    assert torch.equal(SWAPS[name](once, block), x)
    assert torch.equal(once.flatten(2).sort(2).values, x.flatten(2).sort(2).values)


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 8), (6, 11), (10, 6)])
def test_within_moves_what_it_says(height: int, width: int) -> None:
    x = torch.arange(float(height * width)).reshape(1, 1, height, width)
    out = swap_within(x, 3)[0, 0]
    for row in range(height):
        for column in range(width):
            here = x[0, 0, row, column]
            if row < height // 3 * 3 and column < width // 3 * 3:
                (bi, i), (bj, j) = divmod(row, 3), divmod(column, 3)
                assert out[bi * 3 + j, bj * 3 + i] == here
            else:
                assert out[row, column] == here


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 8), (6, 11), (10, 6)])
def test_grid_moves_what_it_says(height: int, width: int) -> None:
    x = torch.arange(float(height * width)).reshape(1, 1, height, width)
    out = swap_grid(x, 2)[0, 0]
    side = min(height // 2, width // 2) * 2
    for row in range(height):
        for column in range(width):
            here = x[0, 0, row, column]
            if row < side and column < side:
                (bi, i), (bj, j) = divmod(row, 2), divmod(column, 2)
                assert out[bj * 2 + i, bi * 2 + j] == here
            else:
                assert out[row, column] == here


def test_grid_alone_brings_distant_regions_together() -> None:
    rows = torch.arange(9.0)[:, None].expand(9, 9)[None, None]
    assert (swap_within(rows, 3) - rows).abs().max() == 2
    assert (swap_grid(rows, 3) - rows).abs().max() == 6


@pytest.mark.parametrize("name", MIXERS)
@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 1.0])
def test_the_first_channels_stay(name: MixerName, fraction: float) -> None:
    x = torch.randn(2, 16, 9, 9)
    out = made(name, fraction=fraction)(x)
    kept = 16 - int(fraction * 16)
    assert torch.equal(out[:, :kept], x[:, :kept])
    assert out.shape == x.shape
    if name != "identity":
        assert torch.equal(out, x) == (kept == 16)


@pytest.mark.parametrize("name", PERMUTATIONS)
def test_nothing_is_computed_and_nothing_lost(name: MixerName) -> None:
    x, part = torch.randn(2, 16, 9, 9), made(name)
    with FlopCounterMode(display=False) as counter:
        out = part(x)
    assert counter.get_total_flops() == 0
    assert not list(part.parameters())
    assert torch.equal(out.flatten(1).sort(1).values, x.flatten(1).sort(1).values)


def test_the_counter_counts() -> None:
    with FlopCounterMode(display=False) as counter:
        made("pointwise")(torch.randn(2, 16, 9, 9))
    assert counter.get_total_flops() == 2 * 2 * 8 * 8 * 81


@pytest.mark.parametrize("name", MIXERS)
def test_frames_do_not_mix(name: MixerName) -> None:
    part = made(name)
    x = torch.randn(5, 16, 9, 9)
    changed = x.clone()
    changed[3] = 0
    before, after = part(x), part(changed)
    others = [0, 1, 2, 4]
    assert torch.equal(before[others], after[others])
    assert not torch.equal(before[3], after[3])


def test_the_permutation_is_its_seeds() -> None:
    x = torch.randn(1, 4, 9, 9)
    drawn = [
        mixer("permutation", channels=4, fraction=1.0, block=3, size=9, seed=seed)(x)
        for seed in (0, 0, 1)
    ]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("name", SWAPS)
def test_a_name_gives_its_swap(name: MixerName) -> None:
    x = torch.randn(2, 16, 9, 9)
    assert torch.equal(made(name)(x)[:, 8:], SWAPS[name](x[:, 8:], 3))
