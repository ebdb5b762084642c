"""Zero-FLOPs Axial Swapper (ZAS): mix regions of the face by a permutation, at no multiply-add.

The paper names the module and its cost; the fraction p and the block b are not known to us. We take
p = 1/2, so that half the channels keep the face as it is, and b so that three blocks span the map:
then the permutation reaches across a third of the face.

Two readings of a swap: within blocks (``within``, the published one), and of the blocks themselves
(``grid``), which alone brings distant regions together.
"""

from abc import ABC, abstractmethod
from typing import final

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


def swap_within(
    x: Float[Tensor, "frames channel height width"], block: int
) -> Float[Tensor, "frames channel height width"]:
    """Transpose each block x block tile; a rest that the block does not divide stays as it is.

    ``x[bi*b + i, bj*b + j]`` goes to ``x[bi*b + j, bj*b + i]``: an involution.

    Args:
        x: Feature maps.
        block: Size b of a tile in pixels.

    Example:
        >>> swap_within(torch.arange(4.0).view(1, 1, 2, 2), 2).flatten().tolist()
        [0.0, 2.0, 1.0, 3.0]
    """
    high, wide = x.shape[-2] // block * block, x.shape[-1] // block * block
    core = rearrange(
        x[..., :high, :wide], "n c (bi i) (bj j) -> n c (bi j) (bj i)", i=block, j=block
    )
    return _with_rest(x, core)


def swap_grid(
    x: Float[Tensor, "frames channel height width"], block: int
) -> Float[Tensor, "frames channel height width"]:
    """Transpose the grid of block x block tiles; each tile moves whole.

    ``x[bi*b + i, bj*b + j]`` goes to ``x[bj*b + i, bi*b + j]``: an involution. On a map that is not
    square the largest leading square of tiles is transposed; the rest stays as it is.

    Args:
        x: Feature maps.
        block: Size b of a tile in pixels.

    Example:
        >>> swap_grid(torch.arange(9.0).view(1, 1, 3, 3), 1).flatten().tolist()
        [0.0, 3.0, 6.0, 1.0, 4.0, 7.0, 2.0, 5.0, 8.0]
    """
    side = min(x.shape[-2] // block, x.shape[-1] // block) * block
    core = rearrange(
        x[..., :side, :side], "n c (bi i) (bj j) -> n c (bj i) (bi j)", i=block, j=block
    )
    return _with_rest(x, core)


def _with_rest(
    x: Float[Tensor, "frames channel height width"], core: Float[Tensor, "frames channel _ _"]
) -> Float[Tensor, "frames channel height width"]:
    """Return ``x`` with its leading corner replaced."""
    if core.shape == x.shape:
        return core
    out = x.clone()
    out[..., : core.shape[-2], : core.shape[-1]] = core
    return out


class PartialMixer(nn.Module, ABC):
    """Mix the last floor(p C) channels of each frame; time is never touched.

    Args:
        channels: Channels C of the maps.
        fraction: Share p of them that is mixed.
    """

    def __init__(self, *, channels: int, fraction: float) -> None:
        super().__init__()
        self.swapped = int(fraction * channels)

    @abstractmethod
    def mix(
        self, part: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Return the mixed channels."""

    def forward(
        self, x: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Keep the first channels, mix the others."""
        if self.swapped == 0:
            return x
        kept = x.shape[1] - self.swapped
        return torch.cat([x[:, :kept], self.mix(x[:, kept:])], 1)

    def extra_repr(self) -> str:
        """Show how many channels are mixed."""
        return f"swapped={self.swapped}"


@final
class ZASWithin(PartialMixer):
    """Swap the axes within blocks: a pixel moves by less than a block."""

    def __init__(self, *, channels: int, fraction: float, block: int) -> None:
        super().__init__(channels=channels, fraction=fraction)
        self.block = block

    def mix(
        self, part: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Transpose each tile."""
        return swap_within(part, self.block)


@final
class ZASGrid(PartialMixer):
    """Swap the blocks themselves: the face's upper right comes to its lower left."""

    def __init__(self, *, channels: int, fraction: float, block: int) -> None:
        super().__init__(channels=channels, fraction=fraction)
        self.block = block

    def mix(
        self, part: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Transpose the grid of tiles."""
        return swap_grid(part, self.block)
