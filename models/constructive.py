r"""The derivation's kernels as weights of the very network that is trained.

`load_linear` puts a linear stack of `physics` (the doubling identity, or the width theorem's
stack of any kernel) into an `UngatedTCN`, which then is that kernel. `load_gated` puts it into a
`GatedTCN`: in-weights times a small :math:`\epsilon`, out-weights divided by it, so that
:math:`\tanh` is nearly linear and the gates stand still. How far it then is from the kernel is
bounded (`gated_bound`), and :math:`\epsilon` follows from the error one allows (`gate_scale`).

A certificate bounds how far any gated network is from its own linear part.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from pulsephase.checks import positive
from pulsephase.errors import ShapeError
from pulsephase.models.tcn import (
    DilatedStack,
    GatedLayer,
    GatedTCN,
    LinearLayer,
    ResidualLayer,
    UngatedTCN,
)
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.doubling import StateSpace
from pulsephase.physics.gates import gated_error_bound
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.stack import Layer, Stack


def oscillator_system(oscillator: Oscillator, *, step_s: float) -> StateSpace:
    r"""Return a vessel's mode, sampled exactly, as a system read after its update.

    The state is :math:`(y, y'/\omega)`, the input :math:`\omega^2 u` held over the frame that ends
    at the sample; so the kernel is :math:`\omega^2 g[m+1]` of the zero-order hold.

    Args:
        oscillator: The mode.
        step_s: Time between samples in s.

    Example:
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.5)
        >>> kernel = oscillator_system(mode, step_s=1 / 30).kernel(600)
        >>> round(float(kernel.sum()), 9)  # it takes a constant to itself
        1.0
    """
    law = Discretisation(oscillator=oscillator, scheme="zero_order", step_s=step_s)
    transition, drive, _ = law.state_matrices()
    omega = oscillator.omega_rad_s
    unit = np.array([1.0, 1 / omega])  # of the state: both of the size of the displacement
    return StateSpace(
        transition=transition * unit[:, None] / unit,
        drive=omega**2 * unit * drive,
        readout=np.array([1.0, 0.0]),
    )


def load_linear(head: UngatedTCN, stack: Stack) -> None:
    """Set the weights of a linear network so that it is the stack.

    The stack reads the first input channel; the other inputs, and channels that the stack does not
    use, get weight zero.

    Args:
        head: The network; its weights are overwritten.
        stack: Layers with dilations 1, 2, 4, ..., as many as the network has, with or without
            pointwise maps around them.

    Raises:
        ShapeError: If the stack does not fit into the network.
    """
    inward, layers, outward = _parts(stack)
    _check(head, layers)
    _load_maps(head, inward, outward)
    for target, layer in zip(head.residual_layers(), layers, strict=True):
        weight = _beside_residual(target, layer)
        width = len(weight)
        _load(target.gates, weight, np.zeros(width))
        _load(target.out, np.eye(width)[:, :, None], np.zeros(width))


def load_gated(head: GatedTCN, stack: Stack, *, scale: float, gate_bias: float = 0.0) -> None:
    r"""Set the weights of a gated network so that it is the stack, within `gated_bound`.

    .. math:: h_t + \frac1{\epsilon\,\sigma(\beta)}\tanh(\epsilon\,(G h)_t)\,\sigma(\beta)

    Args:
        head: The network; its weights are overwritten.
        stack: As for `load_linear`.
        scale: :math:`\epsilon` of the in-weights, from `gate_scale`.
        gate_bias: :math:`\beta`; the gates do not see the signal.

    Raises:
        ShapeError: If the stack does not fit into the network.
        ParameterError: If the scale is not positive.
    """
    positive(scale=scale)
    inward, layers, outward = _parts(stack)
    _check(head, layers)
    opened = 1 / (1 + math.exp(-gate_bias))
    _load_maps(head, inward, outward)
    for target, layer in zip(head.residual_layers(), layers, strict=True):
        weight = _beside_residual(target, layer)
        width = len(weight)
        still = np.concatenate([np.zeros(width), np.full(width, gate_bias)])
        _load(target.gates, np.concatenate([scale * weight, 0 * weight]), still)
        _load(target.out, np.eye(width)[:, :, None] / (scale * opened), np.zeros(width))


def gated_bound(stack: Stack, *, peak: float, scale: float) -> float:
    r"""Bound :math:`|y - y^{\mathrm{gated}}|` at every time, for inputs :math:`|u|\leq` ``peak``.

    The recursion of `pulsephase.physics.gates.gated_error_bound` over the layers, with
    :math:`n_l` the largest row sum over all taps, then the read-out's largest row sum.

    Args:
        stack: What was loaded.
        peak: Bound on the input.
        scale: :math:`\epsilon`.

    Raises:
        ParameterError: If the scale is not positive or the peak negative.
    """
    inward, layers, outward = _parts(stack)
    mixing = [np.abs(_less_identity(layer.taps)).sum(axis=2) for layer in layers]
    error = gated_error_bound(mixing, peak=peak * float(np.abs(inward).max()), scale=scale)
    return float(np.abs(outward).sum()) * error


def gate_scale(stack: Stack, *, share: float) -> float:
    r"""Return the :math:`\epsilon` at which the bound is a share of the kernel's l1 norm.

    That norm is the largest output that the kernel has for inputs :math:`|u|\leq1`; the bound
    grows as :math:`\epsilon^2`.

    Args:
        stack: What is to be loaded.
        share: Error allowed, relative to the norm.

    Raises:
        ParameterError: If the share is not positive.
    """
    positive(share=share)
    norm = float(np.abs(stack.kernel()).sum())
    return math.sqrt(share * norm / gated_bound(stack, peak=1.0, scale=1.0))


def impulse_response(head: DilatedStack, *, length: int) -> Float[Tensor, " length"]:
    """Return what a network makes of one unit sample in its first channel, from rest."""
    weight = head.inward.weight
    impulse = weight.new_zeros(1, length, head.inward.in_channels)
    impulse[0, 0, 0] = 1.0
    with torch.no_grad():
        wave, _ = head(impulse, head.initial_state(1, weight))
    found: Tensor = wave[0]
    return found


def _parts(
    stack: Stack,
) -> tuple[Float64[np.ndarray, " _"], list[Layer], Float64[np.ndarray, " _"]]:
    """Return in-map, dilated layers and out-map; a missing map passes one channel on."""
    layers = list(stack.layers)
    inward = outward = np.ones(1)
    if layers[0].reach == 0:
        inward = layers.pop(0).taps[:, 0, 0]
    if layers and layers[-1].reach == 0:
        outward = layers.pop().taps[0, :, 0]
    return inward, [_square(layer) for layer in layers], outward


def _square(layer: Layer) -> Layer:
    """Return a layer with as many channels in as out, the added ones unconnected."""
    out, into, _ = layer.taps.shape
    size = max(out, into)
    taps = np.pad(layer.taps, ((0, size - out), (0, size - into), (0, 0)))
    return Layer(taps=taps, dilation=layer.dilation)


def _less_identity(
    taps: Float64[np.ndarray, "channel channel tap"],
) -> Float64[np.ndarray, "channel channel tap"]:
    """Return what a layer adds to its residual."""
    beside = taps.copy()
    beside[:, :, 0] -= np.eye(len(taps))
    return beside


def _beside_residual(target: ResidualLayer, layer: Layer) -> Float64[np.ndarray, "width width tap"]:
    """Return the ``conv1d`` weight of what a layer adds, zeros in the channels it does not use."""
    added = _less_identity(layer.taps)
    spare = target.out.in_channels - len(added)
    short = target.gates.kernel_size[0] - added.shape[2]
    padded = np.pad(added, ((0, spare), (0, spare), (0, short)))
    return Layer(taps=padded, dilation=layer.dilation).conv1d_weight()


def _load_maps(
    head: DilatedStack, inward: Float64[np.ndarray, " _"], outward: Float64[np.ndarray, " _"]
) -> None:
    """Set the in-map and the read-out, zeros in the channels that are not used."""
    first = np.zeros((head.inward.out_channels, head.inward.in_channels, 1))
    first[: len(inward), 0, 0] = inward
    last = np.zeros((1, head.outward.in_channels, 1))
    last[0, : len(outward), 0] = outward
    _load(head.inward, first, np.zeros(len(first)))
    _load(head.outward, last, np.zeros(1))


def _load(
    part: nn.Conv1d,
    weight: Float64[np.ndarray, "out into tap"],
    bias: Float64[np.ndarray, " out"],
) -> None:
    part.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})


def _check(head: DilatedStack, layers: list[Layer]) -> None:
    """Refuse a stack that does not fit, with one clear error."""
    wanted = [layer.dilation for layer in layers]
    found = [layer.dilation for layer in head.residual_layers()]
    if wanted != found:
        raise ShapeError(f"the stack has dilations {wanted}, the network {found}; give it as many")
    width = max((len(layer.taps) for layer in layers), default=1)
    taps = max((layer.taps.shape[2] for layer in layers), default=1)
    kernel = head.residual_layers()[0].gates.kernel_size[0]
    if width > head.inward.out_channels or taps > kernel:
        raise ShapeError(
            f"the stack needs width {width} and {taps} taps, the network has "
            f"{head.inward.out_channels} and {kernel}; widen it"
        )


def linear_twin(head: GatedTCN) -> UngatedTCN:
    """Return the linear network that a gated one without offsets is for small inputs."""
    first = head.residual_layers()[0]
    width, kernel = first.out.in_channels, first.gates.kernel_size[0]
    layers = len(head.residual_layers())
    twin = UngatedTCN(head.inward.in_channels, width, layers=layers, kernel=kernel)
    twin = twin.to(head.inward.weight.dtype)
    weights = {name: value.clone() for name, value in head.state_dict().items()}
    for level in range(layers):
        for kind in ("weight", "bias"):
            name = f"layers.{level}.gates.{kind}"
            weights[name] = weights[name][:width] / 2
    twin.load_state_dict(weights)
    return twin.requires_grad_(False)


def bound_for(head: GatedTCN, drive: Float[Tensor, "batch time"]) -> float:
    """Bound the distance from the twin over given inputs from rest, one channel in."""
    carried = carrying_norms(linear_twin(head), past=reach_of(head))
    h = head.inward(drive[:, None, :])
    total = h.new_zeros(())
    with torch.no_grad():
        for layer, norms in zip(_gated(head), carried, strict=True):
            padded = torch.cat([h.new_zeros(*h.shape[:2], layer.past), h], 2)
            filtered = layer.filtered(padded)
            a, b = filtered.abs().chunk(2, 1)
            total = total + norms @ (a**3 / 6 + a * b / 4).amax((0, 2))
            h = h + layer.response(filtered)
    return float(total)


def bound_for_all(head: GatedTCN, *, peak: float) -> float:
    r"""Bound the distance from the twin for every input :math:`|u|\leq` ``peak`` from rest."""
    carried = carrying_norms(linear_twin(head), past=reach_of(head))
    with torch.no_grad():
        size = peak * head.inward.weight.abs().sum((1, 2))
        total = size.new_zeros(())
        for layer, norms in zip(_gated(head), carried, strict=True):
            a, b = (layer.gates.weight.abs().sum(2) @ size).chunk(2)
            total = total + norms @ (a**3 / 6 + a * b / 4)
            size = size + layer.out.weight[:, :, 0].abs() @ a.clamp(max=1)
    return float(total)


def carrying_norms(twin: UngatedTCN, *, past: int) -> list[Float[Tensor, " width"]]:
    r"""Return :math:`\lVert K_{lc}\rVert_1` of every layer: from a filter's output to the wave."""
    layers = [layer for layer in twin.residual_layers() if isinstance(layer, LinearLayer)]
    found = []
    for level, layer in enumerate(layers):
        impulses = torch.eye(layer.out.in_channels, dtype=layer.out.weight.dtype)[:, :, None]
        h = torch.nn.functional.pad(layer.out(impulses), (0, past))
        for later in layers[level + 1 :]:
            h = later(h, h.new_zeros(len(h), h.shape[1], later.past))[0]
        found.append(twin.outward(h)[:, 0].abs().sum(1))
    return found


def reach_of(head: GatedTCN) -> int:
    """Return how many frames back the network sees."""
    return sum(layer.past for layer in head.residual_layers())


def _gated(head: GatedTCN) -> list[GatedLayer]:
    return [layer for layer in head.residual_layers() if isinstance(layer, GatedLayer)]
