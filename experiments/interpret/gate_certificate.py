r"""How far a gated network can be from its own linear part: a certificate for any weights.

With :math:`a, b` the two halves of a layer's filters, :math:`\tanh(a)\sigma(b) = a/2 + r`,
:math:`|r|\leq|a|^3/6+|a||b|/4` (`pulsephase.physics.gates`, theorem T21). All that a gated network
without offsets does beyond its linear twin (weights :math:`A/2`, no gates) are the remainders,
carried to the output by the twin's remaining layers:

.. math:: y_t - y_t^{\mathrm{twin}} = \sum_l\sum_c (K_{lc} * r_{lc})_t,
   \qquad \Bigl|\cdot\Bigr| \leq \sum_{l,c}\lVert K_{lc}\rVert_1\,\sup_t
   \Bigl(\tfrac{|a_{lc}|^3}6+\tfrac{|a_{lc}||b_{lc}|}4\Bigr).

`bound_for` takes a and b from a run, and so holds for those inputs; `bound_for_all` bounds them by
row sums, and so holds for every input of that peak, at the price of being loose.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.models.tcn import GatedLayer, GatedTCN, LinearLayer, UngatedTCN


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
