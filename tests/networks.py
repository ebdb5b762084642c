"""A small network in every setting, and clips for it: what runs in milliseconds."""

from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from pulsephase.models.config import HEADS, INPUTS, MIXERS, POOLINGS, PhaseNetConfig
from pulsephase.models.phasenet import PhaseNet

SMALL = PhaseNetConfig(
    size=12,
    stem_channels=4,
    stem_stride=2,
    stem_kernel=3,
    est_channels=(5, 6),
    est_expansion=(8, 8),
    est_pool=(1, 2),
    zas_blocks=(2, 2),
    width=6,
    layers=4,
    mean_window=9,
    warmup=5,
    delay=3,
)
SETTINGS = {
    **{f"mixer={name}": replace(SMALL, mixer=name) for name in MIXERS},
    **{f"pooling={name}": replace(SMALL, pooling=name) for name in POOLINGS},
    **{f"head={name}": replace(SMALL, head=name) for name in HEADS},
    **{f"inputs={name}": replace(SMALL, inputs=name) for name in INPUTS},
    "mean_form=deviation": replace(SMALL, mean_form="deviation"),
    "squeeze_excitation": replace(SMALL, squeeze_excitation=True),
    "tiles": replace(SMALL, stem_stride=3, zas_blocks=(3, 2)),
}
"""One network a setting, each one step away from `SMALL`."""
CAUSAL = [name for name, config in SETTINGS.items() if config.causal]


def small(name: str, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> PhaseNet:
    """Return a network of one setting, with weights drawn from a seed, ready for inference."""
    torch.manual_seed(seed)
    return scrambled(PhaseNet(SETTINGS[name])).eval().to(dtype)


def scrambled(net: PhaseNet) -> PhaseNet:
    """Give batch normalisation statistics as a trained network has them."""
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean = 0.3 * torch.randn_like(part.running_mean)
            part.running_var = 0.5 + torch.rand_like(part.running_var)
    return net


def crops(
    time: int,
    *,
    size: int = SMALL.size,
    seed: int = 0,
    batch: int = 1,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return noisy clips of a still random image."""
    generator = torch.Generator().manual_seed(seed)
    still = torch.rand(batch, 1, 3, size, size, generator=generator)
    noise = torch.randn(batch, time, 3, size, size, generator=generator)
    return (0.2 + 0.6 * still + 0.01 * noise).clamp(0, 1).to(dtype)


def in_pieces(net: PhaseNet, frames: Tensor, cuts: set[int]) -> Tensor:
    """Return the pulse of clips fed piece by piece."""
    state, parts = net.initial_state(len(frames)), []
    for start, stop in pairwise([0, *sorted(cuts), frames.shape[1]]):
        steps = frames.new_ones(len(frames), stop - start)
        part, state = net.advance(frames[:, start:stop], steps, state)
        parts.append(part)
    return torch.cat(parts, 1)
