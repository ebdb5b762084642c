r"""Poles read off the weights: the squaring law of tap pencils, where its theorem applies.

In a linear stack with two taps a layer that has no more channels than its kernel has poles, the
pencil of an interior layer's two taps has the eigenvalues :math:`\lambda_i^{d}`, d its dilation
(theorem T19, ``physics/tensor_train.py``). Nothing of the kind holds for gated layers, three taps,
or a stack wider than it need be: there the table says so and gives no numbers.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Complex128, Float64

from pulsephase.models.tcn import DilatedStack, UngatedTCN
from pulsephase.physics.stack import Layer
from pulsephase.physics.tensor_train import RANK_TOLERANCE, tap_spectrum


def pencil_table(head: DilatedStack, *, sample_hz: float) -> dict[str, Any]:
    """Return the poles that each interior layer's taps hold, or why the theorem does not apply.

    Args:
        head: Any dilated stack, in double precision.
        sample_hz: Frames per second.
    """
    if not isinstance(head, UngatedTCN):
        return _not("its layers have gates: the law is about linear layers")
    taps, width = head.residual_layers()[0].gates.kernel_size[0], head.inward.out_channels
    if taps != 2:
        return _not(f"its layers have {taps} taps: the law is about two, more are redundant")
    ranks = _ranks(head)
    inside = [level for level, pair in enumerate(_pairs(ranks)) if pair == (width, width)]
    if not inside:
        return _not(
            f"the stack has {width} channels, its kernel needs {max(ranks.values(), default=0)}: "
            "the law holds for a stack of least width alone"
        )
    return {"applies": True, "layers": [_row(head, level, sample_hz) for level in inside]}


def poles_of_layer(layer: Layer, *, sample_hz: float) -> Complex128[np.ndarray, " pole"]:
    r"""Return :math:`f_s\ln(\mu)/d` for the eigenvalues of a layer's pencil, in 1/s.

    The d-th root is the principal one: a pole that turns by more than half a circle in d samples is
    told only up to a multiple of the sampling rate over d.
    """
    found = tap_spectrum(layer)
    return np.asarray(np.log(found) * sample_hz / layer.dilation)


def linear_layers(head: UngatedTCN) -> list[Layer]:
    """Return the layers of a linear stack, residual in tap 0, newest tap first."""
    layers = []
    for layer in head.residual_layers():
        beside = torch.einsum("om,mit->oit", layer.out.weight[:, :, 0], layer.gates.weight)
        taps = beside.detach().flip(2).cpu().numpy().copy()
        taps[:, :, 0] += np.eye(len(taps))
        layers.append(Layer(taps=taps, dilation=layer.dilation))
    return layers


def kernels_of_inputs(head: UngatedTCN) -> Float64[np.ndarray, "tap channel"]:
    """Return the kernel from each input channel, all of it."""
    reach = 1 + sum(layer.past for layer in head.residual_layers())
    channels = head.inward.in_channels
    impulses = head.inward.weight.new_zeros(channels, reach, channels)
    impulses[:, 0] = torch.eye(channels).to(impulses)
    with torch.no_grad():
        rest = torch.zeros_like(impulses)
        state = head.initial_state(channels, impulses)
        wave = head(impulses, state)[0] - head(rest, state)[0]  # less what biases make
    return np.asarray(wave.T.cpu().numpy())


def _not(reason: str) -> dict[str, Any]:
    return {"applies": False, "reason": reason}


def _ranks(head: UngatedTCN) -> dict[int, int]:
    """Return the least width at each interface between layers, from the kernel alone."""
    kernel = kernels_of_inputs(head)
    floor = RANK_TOLERANCE * float(np.linalg.norm(kernel))
    found = {}
    for level in range(1, len(head.residual_layers())):
        unfolded = kernel.reshape(len(kernel) // 2**level, -1)
        found[level] = int((np.linalg.svd(unfolded, compute_uv=False) > floor).sum())
    return found


def _pairs(ranks: dict[int, int]) -> list[tuple[int, int]]:
    """Return the ranks before and after each layer, 0 at the ends, which are not interior."""
    return [(ranks.get(level, 0), ranks.get(level + 1, 0)) for level in range(len(ranks) + 1)]


def _row(head: UngatedTCN, level: int, sample_hz: float) -> dict[str, Any]:
    layer = linear_layers(head)[level]
    poles = poles_of_layer(layer, sample_hz=sample_hz)
    return {
        "layer": level,
        "dilation": layer.dilation,
        "eigenvalues": [[float(x.real), float(x.imag)] for x in tap_spectrum(layer)],
        "poles_per_s": [[float(p.real), float(p.imag)] for p in poles],
    }
