"""What every temporal head promises, so that one stream serves them all."""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn


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
