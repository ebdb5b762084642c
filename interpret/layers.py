r"""Section layers: what each layer does by itself, and what has been built up by then.

A gated layer is shown by its mean derivative over the operating points,

.. math:: I + W_o\bigl(\overline{\sigma(b)(1-\tanh^2a)}\odot A
          + \overline{\tanh(a)\,\sigma(b)(1-\sigma(b))}\odot B\bigr),

a linear, dilated layer; for a layer without gates it is the layer. The response *through depth* is
what the wave would follow if the read-out stood behind that layer already. The product of mean
layers is not the mean of the products: section ``response`` has the exact one.

Where the squaring law of tap pencils applies, poles are read off the weights.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Complex128, Float, Float64
from torch import Tensor
from torch.nn import functional

from pulsephase.interpret.context import Context
from pulsephase.interpret.response import motions
from pulsephase.interpret.subject import Network
from pulsephase.models.est import ESTBlock
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.tcn import DilatedStack, GatedLayer, ResidualLayer, SymmetricTCN, UngatedTCN
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


FREQUENCIES = 64
LOWEST_HZ = 0.1
BAND_HZ = (0.7, 4.0)
QUANTILES = (0.1, 0.5, 0.9)


def section(context: Context) -> dict[str, Any]:
    """Return every layer's taps and responses; withheld where the subject has no such layers."""
    subject = context.subject
    if not isinstance(subject, Network):
        return _withheld("a foreign network's layers are not known here; only PHASE-Nets have them")
    head = subject.net.head
    frequencies = np.geomspace(LOWEST_HZ, subject.sample_hz / 2, FREQUENCIES)
    shown: dict[str, Any] = {
        "frequencies_hz": frequencies.tolist(),
        "before_the_head": temporal_filters(subject.net, frequencies, subject.sample_hz),
    }
    if not isinstance(head, DilatedStack):
        name = subject.config.head
        return shown | _withheld(f"the head is {name!r}, which has no dilated layers to look at")
    shown |= view(head, context.once("motions", motions), frequencies, subject.sample_hz)
    return {"claim": _claim(shown), **shown}


def view(
    head: DilatedStack,
    signals: Float[Tensor, "clip time channel"],
    frequencies_hz: Float[np.ndarray, " frequency"],
    sample_hz: float,
) -> dict[str, Any]:
    """Return the layers of a head at its operating points.

    Args:
        head: A dilated stack in double precision.
        signals: What it reads.
        frequencies_hz: Where responses are given.
        sample_hz: Frames per second.
    """
    means, gates = mean_layers(head, signals)
    turns = 2 * np.pi * np.asarray(frequencies_hz) / sample_hz
    depth = through_depth(head, means, turns)
    rows = []
    for level, (mean, gate) in enumerate(zip(means, gates, strict=True)):
        beside = _beside(mean, residual=residual_tap(head))
        added = _responses(beside, turns)
        rows.append(
            {
                "layer": level,
                "dilation": mean.dilation,
                "tap_norms": [float(np.linalg.norm(tap)) for tap in beside.taps.T],
                "taps_of_strongest": strongest(beside).tolist(),
                "added_gain": np.linalg.norm(added, 2, axis=(1, 2)).tolist(),
                "through_depth_gain": np.linalg.norm(depth[level + 1], axis=1).tolist(),
                **gate,
            }
        )
    start = np.linalg.norm(depth[0], axis=1)
    return {
        "layers": rows,
        "without_layers_gain": start.tolist(),
        "band_share": band_share(depth[-1], frequencies_hz),
        "pencils": pencil_table(head, sample_hz=sample_hz),
    }


def mean_layers(
    head: DilatedStack, signals: Float[Tensor, "clip time channel"]
) -> tuple[list[Layer], list[dict[str, float]]]:
    """Return each layer's mean derivative, its residual included, and how open its gates are.

    The newest tap comes first; of a symmetric layer it is half of the taps ahead of the residual.
    """
    layers, gates = [], []
    with torch.no_grad():
        h = head.inward(signals.transpose(1, 2))
        for layer in head.residual_layers():
            ahead = residual_tap(head) * layer.dilation
            filtered = layer.filtered(functional.pad(h, (layer.past - ahead, ahead)))
            layers.append(_layer(layer, _derivative(layer, filtered), residual=residual_tap(head)))
            gates.append(gate_state(layer, filtered))
            h = h + layer.response(filtered)
    return layers, gates


def residual_tap(head: DilatedStack) -> int:
    """Return beside which tap the residual of a layer stands, counted from the newest."""
    (kernel,) = head.residual_layers()[0].gates.kernel_size
    return kernel // 2 if isinstance(head, SymmetricTCN) else 0


def gate_state(
    layer: ResidualLayer, filtered: Float[Tensor, "clip filter time"]
) -> dict[str, float]:
    """Return how far the gates are open, how much they move in time, and how bent the tanh is."""
    if not isinstance(layer, GatedLayer):
        return {"gate_open": 1.0, "gate_moves": 0.0, "tanh_slope": 1.0}
    signal, control = filtered.chunk(2, 1)
    opened = torch.sigmoid(control)
    return {
        "gate_open": float(opened.mean()),
        "gate_moves": float(opened.std(2).mean()),
        "tanh_slope": float((1 - torch.tanh(signal) ** 2).mean()),
    }


def through_depth(
    head: DilatedStack, means: list[Layer], turns: Float[np.ndarray, " frequency"]
) -> list[Complex128[np.ndarray, "frequency channel"]]:
    """Return the response to every input channel with the read-out behind 0, 1, ... layers."""
    into = head.inward.weight[:, :, 0].detach().cpu().numpy()
    out = head.outward.weight[0, :, 0].detach().cpu().numpy()
    built = np.broadcast_to(into.astype(complex), (len(turns), *into.shape))
    found = [out @ built]
    for mean in means:
        built = _responses(mean, turns) @ built
        found.append(out @ built)
    return [np.asarray(item) for item in found]


def strongest(beside: Layer) -> Float64[np.ndarray, " tap"]:
    """Return the taps from channel to channel where most is added, newest first."""
    energy = (beside.taps**2).sum(2)
    row, column = np.unravel_index(int(energy.argmax()), energy.shape)
    return np.asarray(beside.taps[row, column])


def band_share(
    response: Complex128[np.ndarray, "frequency channel"],
    frequencies_hz: Float[np.ndarray, " frequency"],
) -> float:
    """Return the share of a response's energy that lies between 0.7 and 4 Hz."""
    power = (np.abs(response) ** 2).sum(1)
    inside = (frequencies_hz >= BAND_HZ[0]) & (frequencies_hz <= BAND_HZ[1])
    whole = np.trapezoid(power, frequencies_hz)
    return float(np.trapezoid(np.where(inside, power, 0.0), frequencies_hz) / whole)


def temporal_filters(
    net: PhaseNet, frequencies_hz: Float[np.ndarray, " frequency"], sample_hz: float
) -> list[dict[str, Any]]:
    """Return the three-tap filters of each EST block: gains over its channels, by quantile."""
    turns = 2 * np.pi * np.asarray(frequencies_hz) / sample_hz
    rows = []
    for index, block in enumerate(net.blocks):
        assert isinstance(block, ESTBlock)
        taps = block.temporal.weight.detach().cpu().numpy().astype(float)
        gains = np.abs(np.exp(-1j * np.outer(turns, np.arange(len(taps)))) @ taps)
        rows.append(
            {
                "block": index,
                "channels": taps.shape[1],
                "taps": np.quantile(taps, QUANTILES, axis=1).T.tolist(),
                "gain": np.quantile(gains, QUANTILES, axis=1).T.tolist(),
            }
        )
    return rows


def _derivative(
    layer: ResidualLayer, filtered: Float[Tensor, "clip filter time"]
) -> Float[Tensor, "width width tap"]:
    """Return the mean derivative of what a layer adds by its input, oldest tap first."""
    weight = layer.gates.weight
    if isinstance(layer, GatedLayer):
        signal, control = filtered.chunk(2, 1)
        bent, opened = torch.tanh(signal), torch.sigmoid(control)
        to_signal = (opened * (1 - bent**2)).mean((0, 2))[:, None, None]
        to_gate = (bent * opened * (1 - opened)).mean((0, 2))[:, None, None]
        first, second = weight.chunk(2, 0)
        weight = to_signal * first + to_gate * second
    return torch.einsum("om,mit->oit", layer.out.weight[:, :, 0], weight)


def _layer(
    layer: ResidualLayer, beside: Float[Tensor, "width width tap"], *, residual: int
) -> Layer:
    """Return a linear layer with its residual as a layer of `physics.stack`, newest tap first."""
    taps = beside.flip(2).cpu().numpy().copy()
    taps[:, :, residual] += np.eye(len(taps))
    return Layer(taps=taps, dilation=layer.dilation)


def _beside(layer: Layer, *, residual: int) -> Layer:
    """Return what a layer adds to its residual."""
    taps = layer.taps.copy()
    taps[:, :, residual] -= np.eye(len(taps))
    return Layer(taps=taps, dilation=layer.dilation)


def _responses(
    layer: Layer, turns: Float[np.ndarray, " frequency"]
) -> Complex128[np.ndarray, "frequency output input"]:
    """Return a layer's frequency response, a matrix at each frequency in radians a sample."""
    delays = layer.dilation * np.arange(layer.taps.shape[2])
    shifts = np.exp(-1j * np.outer(turns, delays))
    return np.asarray(np.einsum("oij,fj->foi", layer.taps, shifts), dtype=np.complex128)


def _claim(shown: dict[str, Any]) -> str:
    """Return the section in one line."""
    rows = shown["layers"]
    reach = max(rows, key=lambda row: max(row["added_gain"]))
    share = 100 * shown["band_share"]
    read = "can" if shown["pencils"]["applies"] else "cannot"
    return (
        f"{share:.0f} % of the built-up response lies in 0.7-4 Hz; "
        f"the layer with dilation {reach['dilation']} adds most; "
        f"poles {read} be read off the weights."
    )


def _withheld(reason: str) -> dict[str, Any]:
    return {"claim": "Nothing is said of layers.", "withheld": reason}
