"""Zero-FLOPs Axial Swapper (ZAS): mix regions of the face by a permutation, at no multiply-add.

The paper names the module and its cost; the fraction p and the block b are not known to us. We take
p = 1/2, so that half the channels keep the face as it is, and b so that three blocks span the map:
then the permutation reaches across a third of the face.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


def swap_within(
    x: Float[Tensor, "frames channel height width"], block: int
) -> Float[Tensor, "frames channel height width"]:
    """Transpose each block x block tile; a rest that the block does not divide stays as it is.

    ``x[bi*b + i, bj*b + j]`` goes to ``x[bi*b + j, bj*b + i]``: an involution.
    """
    high, wide = x.shape[-2] // block * block, x.shape[-1] // block * block
    core = rearrange(
        x[..., :high, :wide], "n c (bi i) (bj j) -> n c (bi j) (bj i)", i=block, j=block
    )
    if (high, wide) == x.shape[-2:]:
        return core
    out = x.clone()
    out[..., :high, :wide] = core
    return out


class ZAS(nn.Module):
    """Swap the axes within blocks, on the last floor(p C) channels."""

    def __init__(self, *, channels: int, fraction: float, block: int) -> None:
        super().__init__()
        self.swapped = int(fraction * channels)
        self.block = block

    def forward(
        self, x: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Permute pixels; time is never touched."""
        if self.swapped == 0:
            return x
        kept = x.shape[1] - self.swapped
        return torch.cat([x[:, :kept], swap_within(x[:, kept:], self.block)], 1)

    def extra_repr(self) -> str:
        """Show the share and the block."""
        return f"swapped={self.swapped}, block={self.block}"
