r"""How near a gated network is to a linear one at its operating points.

A layer adds :math:`W_o[\tanh a\odot\sigma(b)]`. Were its gates constant, that would be
:math:`W_o[k\odot a + c]`; the share of the variance that the best constants :math:`k, c` explain is
the layer's linearity: 1 for no gates, less where they open and close with the signal. Beside it
stands the share of the whole wave that one fixed kernel makes.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor
from torch.nn import functional

from pulsephase.models.tcn import DilatedStack, GatedLayer, SymmetricTCN


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
