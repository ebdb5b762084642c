"""Gated temporal convolution network: dilated, strictly causal, no rectifier after the residual.

A rectified residual does not contain the linear map that the theory asks for; left out, the stack
holds every truncated oscillator kernel (doubling identity, ``proofs/``).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class GatedLayer(nn.Module):
    r"""One gated, dilated, causal layer with its residual.

    .. math:: h_t \leftarrow h_t + W_o\,[\tanh(A h)_t \odot \sigma(B h)_t]

    where A and B are convolutions over :math:`h_t, h_{t-d}, \dots, h_{t-(k-1)d}`.
    """

    def __init__(self, width: int, *, kernel: int, dilation: int) -> None:
        super().__init__()
        self.gates = nn.Conv1d(width, 2 * width, kernel, dilation=dilation)
        self.out = nn.Conv1d(width, width, 1)
        self.dilation = dilation
        self.past = (kernel - 1) * dilation

    def forward(
        self,
        h: Float[Tensor, "batch width time"],
        state: Float[Tensor, "batch width past"],
    ) -> tuple[Float[Tensor, "batch width time"], Float[Tensor, "batch width past"]]:
        """Return the layer's output and its last ``(k - 1) d`` inputs."""
        padded, time = torch.cat([state, h], 2), h.shape[2]
        # Shifted copies and one product: a dilated convolution of one frame is slow on a CPU.
        shifted = [padded[:, :, lag : lag + time] for lag in range(0, self.past + 1, self.dilation)]
        taps = self.gates.weight.transpose(1, 2).flatten(1)[:, :, None]
        both = functional.conv1d(torch.cat(shifted, 1), taps, self.gates.bias)
        filtered, gate = both.chunk(2, 1)
        h = h + self.out(torch.tanh(filtered) * torch.sigmoid(gate))
        return h, padded[:, :, -self.past :]


class GatedTCN(nn.Module):
    """A stack of gated layers with dilations 1, 2, 4, ... and a linear read-out."""

    def __init__(self, channels: int, width: int, *, layers: int, kernel: int) -> None:
        super().__init__()
        self.inward = nn.Conv1d(channels, width, 1)
        self.layers = nn.ModuleList(
            GatedLayer(width, kernel=kernel, dilation=2**level) for level in range(layers)
        )
        self.outward = nn.Conv1d(width, 1, 1)

    def forward(
        self,
        x: Float[Tensor, "batch time channel"],
        states: tuple[Float[Tensor, "batch width _"], ...],
    ) -> tuple[Float[Tensor, "batch time"], tuple[Float[Tensor, "batch width _"], ...]]:
        """Return the wave and the state of each layer."""
        h = self.inward(x.transpose(1, 2))
        after = []
        for layer, state in zip(self.layers, states, strict=True):
            h, state = layer(h, state)
            after.append(state)
        return self.outward(h)[:, 0], tuple(after)


def frozen_statistics(module: nn.Module) -> nn.Module:
    """Put batch normalisation alone into inference: its statistics stay, gradients flow."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()
    return module
