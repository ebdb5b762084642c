"""The folded form of the temporal head, one frame at a time."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from pulsephase.models.folded_maps import bias_of
from pulsephase.models.tcn import GatedTCN
from pulsephase.models.temporal_head import TemporalHead


class PlainStep:
    """A head without a faster form: its own step of one frame."""

    def __init__(self, head: TemporalHead) -> None:
        self.head = head

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return the head's own."""
        return self.head.initial_state(batch, like)

    def step(
        self, x: Float[Tensor, "batch channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, " batch"], tuple[Tensor, ...]]:
        """Read one frame of position and velocity."""
        wave, states = self.head(x[:, None], states)
        return wave[:, 0], states


class GatedStep:
    r"""The gated TCN on a ring of its layers' inputs.

    With :math:`\tanh x = 2\sigma(2x)-1` a layer adds :math:`[2W_o\;\;-W_o]\,[s_1 s_2;\; s_2]` of
    one sigmoid over both halves. The constants that the layers add are left out of what the ring
    holds and come back in the gates' biases, so that a ring before the first frame holds minus
    those constants.
    """

    def __init__(self, head: GatedTCN) -> None:
        self.inward = head.inward.weight[:, :, 0]
        self.inward_bias = bias_of(head.inward)
        width, layers = len(self.inward), list(head.residual_layers())
        halves = torch.ones(2 * width, 1).to(self.inward)
        halves[:width] = 2.0  # of the argument of the tangent
        offset = torch.zeros(width).to(self.inward)
        now, past, bias, mixing, offsets = [], [], [], [], []
        for layer in layers:
            taps = layer.gates.weight * halves[..., None]  # oldest first
            now.append(taps[:, :, -1].T)
            past.append(taps[:, :, :-1].flip(2).permute(2, 1, 0).flatten(0, 1))
            bias.append(bias_of(layer.gates) * halves[:, 0] + taps.sum(2) @ offset)
            out = layer.out.weight[:, :, 0]
            mixing.append(torch.cat([2 * out, -out], 1).T.contiguous())
            offsets.append(offset)
            offset = offset + bias_of(layer.out)
        self.now = [taps.contiguous() for taps in now]
        self.mixing = mixing
        self.past, self.bias = torch.stack(past), torch.stack(bias)[:, None]
        self.outward = head.outward.weight[0, :, 0]
        self.constant = float(bias_of(head.outward) + self.outward @ offset)
        self.start = -torch.stack(offsets)
        self.length = max(layer.past for layer in layers)
        self.slots = self._slots([(layer.dilation, layer.past) for layer in layers])

    def _slots(self, layers: list[tuple[int, int]]) -> Int64[Tensor, "clock slot"]:
        """Return where on the flat ring the past taps of all layers lie, for each time."""
        table = [
            [
                level * self.length + (clock - lag) % self.length
                for level, (dilation, past) in enumerate(layers)
                for lag in range(dilation, past + 1, dilation)
            ]
            for clock in range(self.length)
        ]
        return torch.tensor(table, device=self.past.device)

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return a ring of silence, and the clock that says where its newest place is."""
        ring = self.start.to(like)[None, :, None].repeat(batch, 1, self.length, 1)
        return ring, torch.zeros((), dtype=torch.int64, device=like.device)

    def step(
        self, x: Float[Tensor, "batch channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, " batch"], tuple[Tensor, ...]]:
        """Read one frame of position and velocity; the ring that came in is left as it is."""
        ring, clock = states
        batch, layers, width = len(x), len(self.now), self.inward.shape[0]
        at = int(clock)
        heard = ring.flatten(1, 2).index_select(1, self.slots[at]).view(batch, layers, -1)
        ready = torch.baddbmm(self.bias, heard.transpose(0, 1), self.past).unbind(0)
        h = torch.addmm(self.inward_bias, x, self.inward.T)
        inputs = []
        for level in range(layers):
            inputs.append(h)
            gates = torch.addmm(ready[level], h, self.now[level]).sigmoid_()
            signal, gate = gates.view(batch, 2, width).unbind(1)
            signal.mul_(gate)
            h = torch.addmm(h, gates, self.mixing[level])
        ring = ring.clone()
        ring[:, :, at] = torch.stack(inputs, 1)
        wave = torch.mv(h, self.outward).add_(self.constant)
        return wave, (ring, (clock + 1) % self.length)
