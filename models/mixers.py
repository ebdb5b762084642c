"""What may stand where ZAS stands: one interface for the swapper and the controls it is judged by.

Each mixer leaves the first channels as they are and works on the last floor(p C), frame by frame;
but for the 1x1 convolution all are permutations, with neither parameters nor multiply-adds.
"""

from typing import final

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn

from pulsephase.models.config import MixerName
from pulsephase.models.zas import PartialMixer, ZASGrid, ZASWithin

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
