r"""Rows of the Jacobian :math:`\partial\hat y_t/\partial x_s`, exactly, at operating points.

One backward pass an output time: for a head, the passes of all clips run as one batch. For video
no more than one gradient of the pixels is held at a time; it is reduced at once to its energy in
each frame and to the response to the colour of the skin. A long clip of a PHASE-Net is read in
pieces whose activations are worked out again on the way back, so that memory stays bounded.

The gates' values there tell how near a gated network is to a linear one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from numpy import ndarray
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from pulsephase.interpret.subject import Network, Subject, Wave, check_wave
from pulsephase.models.phasenet import PhaseNet, PhaseNetState
from pulsephase.models.tcn import DilatedStack, GatedLayer, SymmetricTCN

HELD_VALUES = 6e7
"""Activations that a piece of a clip may hold, in numbers: half a gigabyte in double precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRows:
    """What output samples of one clip ask of its video.

    Attributes:
        energy: Squared gradient of each frame, summed over pixels and colours.
        colour: Derivative by a relative change of the skin's red, green and blue in each frame.
        motion: What the head reads, from the same pass; none for a foreign network.
    """

    energy: Float64[np.ndarray, "row time"]
    colour: Float64[np.ndarray, "row time 3"]
    motion: Float[Tensor, "1 time channel"] | None


def signal_rows(
    function: Callable[[Float[Tensor, "clip time channel"]], Wave],
    signals: Float[Tensor, "clip time channel"],
    *,
    times: Sequence[int],
) -> Float64[np.ndarray, "clip row time channel"]:
    """Return the derivative of a wave at each of ``times`` by all of its input signals.

    Clips do not see each other, so one backward pass serves them all.
    """
    held = signals.detach().clone().requires_grad_(True)
    wave = function(held)
    rows = []
    for index, at in enumerate(times):
        (found,) = torch.autograd.grad(wave[:, at].sum(), held, retain_graph=index + 1 < len(times))
        rows.append(found)
    return torch.stack(rows, 1).cpu().double().numpy()


def video_rows(
    subject: Subject,
    frames: Float[Tensor, "1 time 3 height width"],
    skin: Float[Tensor, "time height width"],
    *,
    times: Sequence[int],
) -> VideoRows:
    """Return what the pulse at each of ``times`` asks of a clip's frames and of its skin's colour.

    The colour changes by the same share in all of the skin, as light and blood change it: the
    derivative by a factor of each colour there.
    """
    held = frames.detach().clone().requires_grad_(True)
    wave, motion = _forward(subject, held)
    weights = frames[0].detach() * skin[:, None].to(frames)
    energy, colour = [], []
    for index, at in enumerate(times):
        (found,) = torch.autograd.grad(wave[0, at], held, retain_graph=index + 1 < len(times))
        energy.append(found[0].double().square().sum((1, 2, 3)))
        colour.append((found[0] * weights).double().sum((2, 3)))
    return VideoRows(
        energy=torch.stack(energy).cpu().numpy(),
        colour=torch.stack(colour).cpu().numpy(),
        motion=None if motion is None else motion.detach(),
    )


def _forward(
    subject: Subject, frames: Float[Tensor, "1 time 3 height width"]
) -> tuple[Wave, Float[Tensor, "1 time channel"] | None]:
    if not isinstance(subject, Network):
        wave = subject(frames)
        check_wave(subject, wave, like=frames)
        return wave, None
    piece = max(8, int(HELD_VALUES / values_of_a_frame(subject.net)))
    net, parts = subject.net, []
    state = net.initial_state(1)
    for part in torch.split(frames, piece, 1):
        if part.shape[1] == frames.shape[1]:  # all of it fits: nothing need be done twice
            moving, state = _motion(net, part, state)
        else:
            moving, state = checkpoint(_motion, net, part, state, use_reentrant=False)
        parts.append(moving)
    motion = torch.cat(parts, 1)
    return subject.head(motion), motion


def _motion(
    net: PhaseNet, frames: Float[Tensor, "1 time 3 height width"], state: PhaseNetState
) -> tuple[Float[Tensor, "1 time channel"], PhaseNetState]:
    return net.motion(frames, frames.new_ones(frames.shape[:2]), state)


def values_of_a_frame(net: PhaseNet) -> int:
    """Return about how many numbers the backward pass keeps of one frame, up to the pooling."""
    config = net.config
    pixels = 3 * 12 * config.size**2  # normalisation: frames, means, differences, clipped
    sides = config.map_sizes
    maps = 4 * config.stem_channels * sides[0] ** 2
    for index, inner in enumerate(config.est_expansion):
        maps += (10 * inner + 3 * config.est_channels[index]) * sides[index] ** 2
    return pixels + maps


def gate_linearity(
    head: DilatedStack, signals: Float[Tensor, "clip time channel"]
) -> dict[str, Any]:
    """Return the linearity of each gated layer, and of all by the variance that they add.

    Args:
        head: A gated, ungated or symmetric stack.
        signals: What it reads.

    Returns:
        ``by_layer`` and ``gate_linearity``; 1 throughout for a stack without gates.
    """
    shares, added = [], []
    with torch.no_grad():
        h = head.inward(signals.transpose(1, 2))
        for layer in head.residual_layers():
            ahead = layer.past // 2 if isinstance(head, SymmetricTCN) else 0
            filtered = layer.filtered(functional.pad(h, (layer.past - ahead, ahead)))
            response = layer.response(filtered)
            if isinstance(layer, GatedLayer):
                explained, variance = _explained(layer, filtered)
                shares.append(explained)
                added.append(variance)
            h = h + response
    if not shares:
        return {"gate_linearity": 1.0, "by_layer": [1.0] * len(head.residual_layers())}
    total = sum(added)
    weighted = sum(share * part for share, part in zip(shares, added, strict=True))
    return {"gate_linearity": weighted / total if total > 0 else 1.0, "by_layer": shares}


def _explained(
    layer: GatedLayer, filtered: Float[Tensor, "clip filter time"]
) -> tuple[float, float]:
    """Return the share of what a layer adds that constant gates would add, and its variance."""
    signal, control = filtered.chunk(2, 1)
    gated = torch.tanh(signal) * torch.sigmoid(control)
    a, p = (x - x.mean((0, 2), keepdim=True) for x in (signal, gated))
    power = (a * a).sum((0, 2), keepdim=True)
    gain = torch.where(power > 0, (a * p).sum((0, 2), keepdim=True) / power, 0.0)
    whole = functional.conv1d(p, layer.out.weight)
    left = functional.conv1d(p - gain * a, layer.out.weight)
    variance = float((whole**2).mean())
    return (1 - float((left**2).mean()) / variance if variance > 0 else 1.0), variance


def linear_share(
    function: Callable[[Float[Tensor, "clip time channel"]], Float[Tensor, "clip time"]],
    signals: Float[Tensor, "clip time channel"],
    rows: Float[ndarray, "clip row lag channel"],
    lags: Int[ndarray, " lag"],
) -> float:
    r"""Return the share of the wave's variance that the mean response makes of the signals.

    .. math:: 1 - \frac{\mathrm{var}(\hat y - \overline J * x)}{\mathrm{var}(\hat y)}

    over the frames whose whole response lies within the clip; may be negative.
    """
    past, ahead = int(lags.max()), -int(lags.min())
    taps = torch.from_numpy(rows.mean(axis=(0, 1))).to(signals)
    with torch.no_grad():
        wave = function(signals)[:, past : signals.shape[1] - ahead]
        kernel = taps.flip(0).T[None]  # conv1d reads oldest first
        linear = functional.conv1d(signals.transpose(1, 2), kernel)[:, 0]
    wave, linear = (x - x.mean(1, keepdim=True) for x in (wave, linear))
    variance = float((wave**2).mean())
    return 1 - float(((wave - linear) ** 2).mean()) / variance if variance > 0 else 1.0
