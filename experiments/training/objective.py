"""The loss of a batch of clips, for whoever trains or times a network."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pulsephase.models.losses import LossWeights, clip_losses, tally
from pulsephase.models.phasenet import PhaseNet

Batch = Mapping[str, Any]
"""Clips: ``frames`` in 0..1 or bytes, ``pulse``, ``counts``, ``has_pulse``, ``heart_rate_bpm``, and
``names``, which is a list of text."""


Relabel = Callable[[dict[str, Tensor]], dict[str, Tensor]]
"""Changes the tensors of a batch, for a control such as shuffled labels."""


def as_it_is(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Change nothing."""
    return batch


def relabelled(batch: Batch, relabel: Relabel) -> Batch:
    """Return a batch with its tensors changed, and its names."""
    tensors = {key: value for key, value in batch.items() if key != "names"}
    return {**relabel(tensors), "names": batch["names"]}


def as_colour(frames: Tensor, dtype: torch.dtype) -> Float[Tensor, "batch time 3 height width"]:
    """Bring frames to 0..1; caches hold bytes."""
    return frames.to(dtype) if frames.is_floating_point() else frames.to(dtype) / 255


def aligned(
    pulse: Float[Tensor, "batch time"],
    counts: Bool[Tensor, "batch time"],
    *,
    warmup: int,
    delay: int,
) -> tuple[Float[Tensor, "batch kept"], Bool[Tensor, "batch kept"]]:
    r"""Return what the network should say, :math:`z(t - d)`, from the warm-up on, and where it can.

    A sample counts if the one it speaks of does, and the one it is spoken at: the face was seen at
    both.
    """
    time = pulse.shape[1]
    told = slice(warmup - delay, time - delay)
    return pulse[:, told], counts[:, told] & counts[:, warmup:]


def batch_losses(
    net: PhaseNet, batch: Batch, *, weights: LossWeights, device: torch.device | str
) -> tuple[Float[Tensor, " batch"], Float[Tensor, "2"]]:
    """Return the loss of each clip, and the tally that their sum is divided by.

    The output's warm-up is cut off, the target delayed as the network's config says. What
    mixed precision there is ends with the network.
    """
    config = net.config
    dtype = net.stem.weight.dtype
    wave = net(as_colour(batch["frames"].to(device), dtype))[:, config.warmup :].to(dtype)
    target, counts = aligned(
        batch["pulse"].to(device, wave.dtype),
        batch["counts"].to(device),
        warmup=config.warmup,
        delay=config.delay,
    )
    has_pulse = batch["has_pulse"].to(device)
    losses = clip_losses(
        wave,
        target,
        has_pulse,
        batch["heart_rate_bpm"].to(device, wave.dtype),
        sample_hz=config.sample_hz,
        weights=weights,
        counts=counts,
    )
    return losses, tally(has_pulse, counts)
