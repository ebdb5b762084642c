"""Gated temporal convolution network: dilated, strictly causal, no rectifier after the residual.

A rectified residual does not contain the linear map that the theory asks for; left out, the stack
holds every truncated oscillator kernel (doubling identity, ``models/constructive.py``). Beside it
stand two controls of the same shape: one without gates, which is linear, and one that pads on both
sides and so sees the future.

All temporal heads share one interface, so that one stream serves them all.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class TemporalHead(nn.Module, ABC):
    """Turn position and velocity into the pulse wave, frame by frame or clip by clip.

    A causal head is fed in pieces: the states that one call returns go into the next, and however
    the frames are cut, the wave is the same. What it remembers is in those states alone.

    Attributes:
        causal: Whether a sample of the wave depends on no later frame; then states are exact.
    """

    causal: ClassVar[bool] = True

    @abstractmethod
    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return the states before the first frame.

        Args:
            batch: Faces side by side.
            like: A tensor of the type and on the device wanted.
        """

    @abstractmethod
    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave and the states after the last frame.

        Args:
            x: Position and velocity at each frame.
            states: From `initial_state` or from the call before.
        """


class ResidualLayer(nn.Module, ABC):
    """A dilated convolution beside a residual; a subclass says what becomes of its taps.

    Args:
        width: Channels in and out.
        filters: Outputs of the convolution.
        kernel: Taps k.
        dilation: Frames d between taps.
    """

    def __init__(self, width: int, *, filters: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.gates = nn.Conv1d(width, filters, kernel, dilation=dilation)
        self.out = nn.Conv1d(width, width, 1)
        self.dilation = dilation
        self.past = (kernel - 1) * dilation

    @abstractmethod
    def response(
        self, filtered: Float[Tensor, "batch filter time"]
    ) -> Float[Tensor, "batch width time"]:
        """Return what the filtered signal adds to the residual."""

    def filtered(
        self, padded: Float[Tensor, "batch width padded_time"]
    ) -> Float[Tensor, "batch filter time"]:
        """Convolve without padding: ``past`` samples fewer come out than go in."""
        # Shifted copies and one product: a dilated convolution of one frame is slow on a CPU.
        time = padded.shape[2] - self.past
        shifted = [padded[:, :, lag : lag + time] for lag in range(0, self.past + 1, self.dilation)]
        taps = self.gates.weight.transpose(1, 2).flatten(1)[:, :, None]
        return functional.conv1d(torch.cat(shifted, 1), taps, self.gates.bias)

    def forward(
        self,
        h: Float[Tensor, "batch width time"],
        state: Float[Tensor, "batch width past"],
    ) -> tuple[Float[Tensor, "batch width time"], Float[Tensor, "batch width past"]]:
        """Return the layer's output and its last ``(k - 1) d`` inputs."""
        padded = torch.cat([state, h], 2)
        after = padded[:, :, padded.shape[2] - self.past :]
        return h + self.response(self.filtered(padded)), after

    def both_sides(self, h: Float[Tensor, "batch width time"]) -> Float[Tensor, "batch width time"]:
        """Return the layer's output when half the zeros stand after the clip."""
        ahead = self.past // 2
        return h + self.response(self.filtered(functional.pad(h, (self.past - ahead, ahead))))


@final
class GatedLayer(ResidualLayer):
    r"""One gated, dilated, causal layer with its residual.

    .. math:: h_t \leftarrow h_t + W_o\,[\tanh(A h)_t \odot \sigma(B h)_t]

    where A and B are convolutions over :math:`h_t, h_{t-d}, \dots, h_{t-(k-1)d}`.
    """

    def __init__(self, width: int, *, kernel: int, dilation: int) -> None:
        super().__init__(width, filters=2 * width, kernel=kernel, dilation=dilation)

    def response(
        self, filtered: Float[Tensor, "batch filter time"]
    ) -> Float[Tensor, "batch width time"]:
        """Gate and mix."""
        signal, gate = filtered.chunk(2, 1)
        mixed: Tensor = self.out(torch.tanh(signal) * torch.sigmoid(gate))
        return mixed


@final
class LinearLayer(ResidualLayer):
    r"""The layer without its gate: :math:`h_t \leftarrow h_t + W_o (A h)_t`."""

    def __init__(self, width: int, *, kernel: int, dilation: int) -> None:
        super().__init__(width, filters=width, kernel=kernel, dilation=dilation)

    def response(
        self, filtered: Float[Tensor, "batch filter time"]
    ) -> Float[Tensor, "batch width time"]:
        """Mix."""
        mixed: Tensor = self.out(filtered)
        return mixed


class DilatedStack(TemporalHead):
    """Layers with dilations 1, 2, 4, ... between an in-map and a linear read-out.

    Args:
        channels: Numbers a frame that come in.
        width: Channels of the layers.
        layers: How many; layer l has dilation 2^l.
        kernel: Taps of a layer.
    """

    layer: type[GatedLayer] | type[LinearLayer]

    def __init__(self, channels: int, width: int, *, layers: int, kernel: int) -> None:
        super().__init__()
        self.inward = nn.Conv1d(channels, width, 1)
        self.layers = nn.ModuleList(
            self.layer(width, kernel=kernel, dilation=2**level) for level in range(layers)
        )
        self.outward = nn.Conv1d(width, 1, 1)

    def initial_state(self, batch: int, like: Tensor) -> tuple[Float[Tensor, "batch width _"], ...]:
        """Return zeros for the inputs that each layer holds."""
        width = self.inward.out_channels
        return tuple(like.new_zeros(batch, width, layer.past) for layer in self.residual_layers())

    def forward(
        self,
        x: Float[Tensor, "batch time channel"],
        states: tuple[Float[Tensor, "batch width _"], ...],
    ) -> tuple[Float[Tensor, "batch time"], tuple[Float[Tensor, "batch width _"], ...]]:
        """Return the wave and the inputs that each layer holds."""
        h = self.inward(x.transpose(1, 2))
        after = []
        for layer, state in zip(self.residual_layers(), states, strict=True):
            h, state = layer(h, state)
            after.append(state)
        return self.outward(h)[:, 0], tuple(after)

    def residual_layers(self) -> list[ResidualLayer]:
        """Return the dilated layers in order."""
        return [layer for layer in self.layers if isinstance(layer, ResidualLayer)]


@final
class GatedTCN(DilatedStack):
    """The paper's temporal network, padded on the left alone."""

    layer = GatedLayer


@final
class UngatedTCN(DilatedStack):
    """The same without gates: one linear, time-invariant filter per input, and nothing else."""

    layer = LinearLayer


@final
class SymmetricTCN(DilatedStack):
    """Control: the same weights, padded on both sides as the paper's release does.

    It sees half its receptive field of future frames, and so has no stream: each call is a clip.
    """

    causal = False
    layer = GatedLayer

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return nothing: there is no state that would do."""
        return ()

    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave of a whole clip."""
        h = self.inward(x.transpose(1, 2))
        for layer in self.residual_layers():
            h = layer.both_sides(h)
        return self.outward(h)[:, 0], ()
