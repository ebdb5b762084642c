"""Mixers of face regions: the Zero-FLOPs Axial Swapper (ZAS) and the controls it is judged by.

Each mixer leaves the first channels as they are and works on the last floor(p C), frame by frame;
but for the 1x1 convolution all are permutations, with neither parameters nor multiply-adds.
"""

from abc import ABC, abstractmethod
from typing import final

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn

from pulsephase.models.config import MixerName


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


SHUFFLE_GROUPS = 2  # our choice: two halves, riffled


@final
class Identity(PartialMixer):
    """Mix nothing: what ZAS is worth is measured against this."""

    def mix(
        self, part: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Return the channels as they are."""
        return part


@final
class Pointwise(PartialMixer):
    """Mix the channels of each pixel by a learned 1x1 convolution: costs what ZAS saves."""

    def __init__(self, *, channels: int, fraction: float) -> None:
        super().__init__(channels=channels, fraction=fraction)
        bound = max(1, self.swapped) ** -0.5
        weight = torch.empty(self.swapped, self.swapped, 1, 1).uniform_(-bound, bound)
        self.weight = nn.Parameter(weight)

    def mix(
        self, part: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Multiply every pixel by one matrix."""
        return nn.functional.conv2d(part, self.weight)


@final
class ChannelShuffle(PartialMixer):
    """Transpose channels as groups x members (Zhang et al. 2018, ShuffleNet); pixels stay."""

    def mix(
        self, part: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Permute channels; a rest that the groups do not divide stays as it is."""
        whole = part.shape[1] // SHUFFLE_GROUPS * SHUFFLE_GROUPS
        core = rearrange(part[:, :whole], "n (g c) h w -> n (c g) h w", g=SHUFFLE_GROUPS)
        return torch.cat([core, part[:, whole:]], 1)


@final
class FixedPermutation(PartialMixer):
    """Permute pixels by one random order, drawn once from a seed: mixing without any structure."""

    order: Int64[Tensor, " pixel"]

    def __init__(self, *, channels: int, fraction: float, pixels: int, seed: int) -> None:
        super().__init__(channels=channels, fraction=fraction)
        order = torch.randperm(pixels, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("order", order, persistent=False)

    def mix(
        self, part: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Gather the pixels in the drawn order."""
        return part.flatten(2)[:, :, self.order].view_as(part)


@final
class Roll(PartialMixer):
    """Shift the map by a block along both axes, around its edges."""

    def __init__(self, *, channels: int, fraction: float, block: int) -> None:
        super().__init__(channels=channels, fraction=fraction)
        self.block = block

    def mix(
        self, part: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Roll rows and columns."""
        return part.roll((self.block, self.block), (2, 3))


def mixer(
    name: MixerName, *, channels: int, fraction: float, block: int, size: int, seed: int
) -> PartialMixer:
    """Return a mixer by name.

    Args:
        name: One of `pulsephase.models.config.MIXERS`.
        channels: Channels C of the maps.
        fraction: Share p; the last floor(p C) channels are mixed.
        block: Block size b of the swaps and of the roll, in pixels.
        size: Height and width of the maps, for the drawn permutation.
        seed: Of the drawn permutation.

    Example:
        >>> mixer("roll", channels=8, fraction=0.5, block=3, size=9, seed=0).swapped
        4
    """
    match name:
        case "within":
            return ZASWithin(channels=channels, fraction=fraction, block=block)
        case "grid":
            return ZASGrid(channels=channels, fraction=fraction, block=block)
        case "identity":
            return Identity(channels=channels, fraction=fraction)
        case "pointwise":
            return Pointwise(channels=channels, fraction=fraction)
        case "shuffle":
            return ChannelShuffle(channels=channels, fraction=fraction)
        case "permutation":
            return FixedPermutation(
                channels=channels, fraction=fraction, pixels=size * size, seed=seed
            )
        case "roll":
            return Roll(channels=channels, fraction=fraction, block=block)
