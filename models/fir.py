"""Control: a plain causal filter of the gated network's memory, every tap free."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pulsephase.models.temporal_head import TemporalHead


@final
class CausalFIR(TemporalHead):
    r"""Filter all channels into the wave with dense taps.

    .. math:: y_t = b + \sum_c \sum_{m<M} w_{c,m}\, x_{c,t-m}

    Convolved directly: a product of spectra would leave round-off before the first sample that
    differs, and causality here is exactly zero.

    Args:
        channels: Numbers a frame that come in.
        taps: M, as many as the gated network can see.
    """

    def __init__(self, channels: int, *, taps: int) -> None:
        super().__init__()
        self.filter = nn.Conv1d(channels, 1, taps)

    def initial_state(
        self, batch: int, like: Tensor
    ) -> tuple[Float[Tensor, "batch channel past"], ...]:
        """Return zeros for the last M - 1 inputs."""
        past = self.filter.kernel_size[0] - 1
        return (like.new_zeros(batch, self.filter.in_channels, past),)

    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave and the last M - 1 inputs."""
        padded = torch.cat([states[0], x.transpose(1, 2)], 2)
        return self.filter(padded)[:, 0], (padded[:, :, x.shape[1] :],)
