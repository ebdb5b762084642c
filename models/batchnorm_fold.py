"""Batch normalisation folded into the convolutions beside it, for inference on whole clips."""

import copy
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pulsephase.models.est import ESTBlock
from pulsephase.models.phasenet import PhaseNet


class Shift(nn.Module):
    """Add a constant to each channel: what is left of a normalisation whose factor is folded."""

    def __init__(self, shift: Float[Tensor, " channel"]) -> None:
        super().__init__()
        self.shift = nn.Parameter(shift[:, None, None], requires_grad=False)

    def forward(
        self, x: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Shift the maps."""
        return x + self.shift


def fold(net: PhaseNet) -> PhaseNet:
    """Return a copy for inference without batch normalisation; the same numbers, to rounding.

    For clips and graphs; a stream has a faster form (`pulsephase.models.folded`).

    Args:
        net: A network; its statistics are taken as they are, and it is left as it was.

    Example:
        >>> folded = fold(PhaseNet.from_pretrained("tiny"))
        >>> any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
        False
    """
    net = copy.deepcopy(net).eval()
    with torch.no_grad():
        net.stem = fuse_conv_bn_eval(net.stem, net.stem_norm)
        net.add_module("stem_norm", nn.Identity())
        for each in net.blocks:
            block = cast(ESTBlock, each)
            block.expand = fuse_conv_bn_eval(block.expand, block.expand_norm)
            block.project = fuse_conv_bn_eval(block.project, block.project_norm)
            factor, shift = scale(block.inner_norm)
            block.temporal.weight.mul_(factor)
            block.add_module("inner_norm", Shift(shift))
            block.add_module("expand_norm", nn.Identity())
            block.add_module("project_norm", nn.Identity())
    return net.requires_grad_(False)


def scale(norm: nn.BatchNorm2d) -> tuple[Float[Tensor, " channel"], Float[Tensor, " channel"]]:
    """Return the factor and the shift that a frozen batch normalisation is."""
    assert norm.running_mean is not None and norm.running_var is not None
    factor = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return factor, norm.bias - norm.running_mean * factor
