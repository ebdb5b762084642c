"""Control: a gated recurrent unit, whose memory has no end."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from pulsephase.models.temporal_head import TemporalHead


@final
class RecurrentHead(TemporalHead):
    """A GRU (Cho et al. 2014) and a linear read-out.

    Args:
        channels: Numbers a frame that come in.
        width: Size of the hidden state.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cell = nn.GRU(channels, width, batch_first=True)
        self.outward = nn.Linear(width, 1)

    def initial_state(self, batch: int, like: Tensor) -> tuple[Float[Tensor, "batch width"], ...]:
        """Return a hidden state of zeros."""
        return (like.new_zeros(batch, self.cell.hidden_size),)

    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave and the hidden state."""
        hidden, last = self.cell(x, states[0][None])
        return self.outward(hidden)[:, :, 0], (last[0],)
