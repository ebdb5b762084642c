"""Temporal heads in a form that ONNX can hold: plain products, one frame after the other.

The exporter takes apart neither PyTorch's GRU nor the series by which an oscillator's coefficients
are found; written out for one frame the first is three gates and the second fixed matrices.
"""

from abc import abstractmethod
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pulsephase.models.gru import RecurrentHead
from pulsephase.models.oscillator_head import OscillatorBank, advance_matrix, drive_vector
from pulsephase.models.temporal_head import TemporalHead


class FrameByFrame(TemporalHead):
    """A head of one state, read one frame at a time."""

    def __init__(self, head: TemporalHead) -> None:
        super().__init__()
        self.head = head

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return the states of the head that this one was made from."""
        return self.head.initial_state(batch, like)

    @abstractmethod
    def step(self, x: Float[Tensor, "batch channel"], state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the wave of one frame and the state after it."""

    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave and the state after the last frame."""
        (state,) = states
        wave = []
        for frame in range(x.shape[1]):
            sample, state = self.step(x[:, frame], state)
            wave.append(sample)
        return torch.stack(wave, 1), (state,)


@final
class PlainGRU(FrameByFrame):
    r"""The GRU's gates as PyTorch defines them.

    .. math:: r, z = \sigma(W x + b + U h + c), \quad n = \tanh(W_n x + b_n + r (U_n h + c_n)),
              \quad h \leftarrow (1 - z) n + z h
    """

    def __init__(self, head: RecurrentHead) -> None:
        super().__init__(head)
        self.outward = head.outward
        self.input = _linear(head.cell, "ih_l0")
        self.hidden = _linear(head.cell, "hh_l0")

    def step(self, x: Float[Tensor, "batch channel"], state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the read-out and the hidden state."""
        reset_in, update_in, new_in = self.input(x).chunk(3, 1)
        reset_past, update_past, new_past = self.hidden(state).chunk(3, 1)
        reset = torch.sigmoid(reset_in + reset_past)
        update = torch.sigmoid(update_in + update_past)
        new = torch.tanh(new_in + reset * new_past)
        state = new + update * (state - new)
        return self.outward(state)[:, 0], state


@final
class PlainOscillators(FrameByFrame):
    """The exact update of the oscillators with its coefficients as numbers."""

    matrix: Float[Tensor, "2 2 mode"]
    drive: Float[Tensor, "2 mode"]

    def __init__(self, head: OscillatorBank) -> None:
        super().__init__(head)
        self.inward, self.outward, self.direct = head.inward, head.outward, head.direct
        with torch.no_grad():
            a, w = head.log_a.exp(), head.log_w.exp()
            self.register_buffer("matrix", advance_matrix(a, w, steps=1))
            self.register_buffer("drive", drive_vector(a, w))

    def step(self, x: Float[Tensor, "batch channel"], state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the read-out and each oscillator's displacement and velocity."""
        carried = (state[:, None] * self.matrix).sum(2)
        state = carried + self.drive * self.inward(x)[:, None]
        return (self.outward(state.flatten(1)) + self.direct(x))[:, 0], state


def exportable(head: TemporalHead) -> TemporalHead:
    """Return a head that gives the same numbers and that ONNX can hold."""
    match head:
        case RecurrentHead():
            return PlainGRU(head)
        case OscillatorBank():
            return PlainOscillators(head)
    return head


def _linear(cell: nn.GRU, name: str) -> nn.Linear:
    weight, bias = cell.get_parameter(f"weight_{name}"), cell.get_parameter(f"bias_{name}")
    layer = nn.Linear(weight.shape[1], weight.shape[0]).to(weight)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer
