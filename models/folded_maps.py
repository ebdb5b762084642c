"""The folded form up to the head: stem, EST blocks and ASF for one frame at a time."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from pulsephase.models.asf import AdaptiveSpatialFilter
from pulsephase.models.est import ESTBlock
from pulsephase.models.fold import scale
from pulsephase.models.mixers import Pointwise
from pulsephase.models.phasenet import PhaseNet, stem_padding

GATHERED = 100_000  # numbers up to which a gather and a product are faster than a convolution
Maps = Float[Tensor, "batch channel height width"]
NewMaps = Float[Tensor, "batch _ _ _"]


def bias_of(layer: nn.Conv1d | nn.Conv2d) -> Tensor:
    """Return the bias of a layer that has one."""
    assert layer.bias is not None
    return layer.bias


def tiles(x: Maps, size: int) -> Float[Tensor, "batch tile content"]:
    """Cut maps into tiles, row by row."""
    batch, channels, height, width = x.shape
    cut = x.view(batch, channels, height // size, size, width // size, size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * size * size)


class PointwiseStep:
    """A 1x1 convolution as a matrix product."""

    def __init__(
        self, weight: Float[Tensor, "filter channel"], bias: Float[Tensor, " filter"]
    ) -> None:
        self.weight, self.bias = weight.contiguous()[None], bias[None, :, None].contiguous()

    def step(self, x: Float[Tensor, "batch channel pixel"]) -> Float[Tensor, "batch _ pixel"]:
        """Multiply every pixel by one matrix."""
        return torch.baddbmm(self.bias, self.weight.expand(len(x), -1, -1), x)


class StemStep:
    """The first convolution, its normalisation folded in, and the rectifier after it."""

    def __init__(self, net: PhaseNet) -> None:
        factor, shift = scale(net.stem_norm)
        self.weight = net.stem.weight * factor[:, None, None, None]
        self.bias = shift
        self.stride, self.padding = net.config.stem_stride, stem_padding(net.config)
        self.size = net.config.map_sizes[0]
        self.kernel = net.config.stem_kernel
        self.product = PointwiseStep(self.weight.flatten(1), shift)

    def step(self, x: Maps) -> NewMaps:
        """Return the first maps of a frame."""
        if self.kernel == self.stride:
            cut = tiles(x, self.stride).transpose(1, 2)
        elif self.size**2 * self.weight[0].numel() <= GATHERED:
            cut = functional.unfold(x, self.kernel, padding=self.padding, stride=self.stride)
        else:
            y = functional.conv2d(x, self.weight, self.bias, self.stride, self.padding)
            return functional.elu_(y)
        return functional.elu_(self.product.step(cut)).view(len(x), -1, self.size, self.size)


class BlockStep:
    """An EST block; the order of its operations is that of `ESTBlock`."""

    def __init__(self, block: ESTBlock) -> None:
        factor, shift = scale(block.expand_norm)
        self.expand = PointwiseStep(block.expand.weight.flatten(1) * factor[:, None], shift)
        self.spatial = SpatialStep(block)
        factor, shift = scale(block.inner_norm)
        taps = (block.temporal.weight * factor)[:, None, :, None, None]
        self.now, self.before, self.earlier = taps.contiguous()
        self.shift = shift[None, :, None, None].contiguous()
        self.excitation = block.excitation
        factor, shift = scale(block.project_norm)
        self.project = PointwiseStep(block.project.weight.flatten(1) * factor[:, None], shift)
        self.pooled = block.pool

    def step(self, x: Maps, before: Tensor, earlier: Tensor) -> tuple[NewMaps, NewMaps]:
        """Return the block's maps, and the input of its temporal filter, to be remembered."""
        batch, size = len(x), x.shape[2:]
        inner = functional.elu_(self.expand.step(x.flatten(2)))
        inside = self.spatial.step(inner.view(batch, -1, *size))
        y = torch.addcmul(self.shift, inside, self.now)
        y = y.addcmul_(before, self.before).addcmul_(earlier, self.earlier)
        y = self.excitation(functional.elu_(y))
        out = self.project.step(y.flatten(2)).view(batch, -1, *size)
        return functional.avg_pool2d(out, self.pooled) if self.pooled > 1 else out, inside


class SpatialStep:
    """The mixer and the 3x3 filter of each channel after it.

    On small maps what each product needs, mixing included, is one gather away.
    """

    def __init__(self, block: ESTBlock) -> None:
        self.mixer, self.moves = block.mixer, not isinstance(block.mixer, Pointwise)
        self.weight, self.channels = block.spatial.weight, block.spatial.groups
        self.rows = self.weight.view(self.channels, 1, 9)
        self.order: Int64[Tensor, " gathered"] | None = None

    def step(self, x: Maps) -> Maps:
        """Mix and filter."""
        if not self.moves or 9 * x[0].numel() > GATHERED:
            return functional.conv2d(self.mixer(x), self.weight, None, 1, 1, 1, self.channels)
        if self.order is None:
            self.order = self._places(x)
        flat = functional.pad(x.flatten(1), (1, 0))
        if len(x) == 1:  # a gather along the first axis of a vector is several times faster
            near = flat[0].index_select(0, self.order).view(self.channels, 9, -1)
            return torch.bmm(self.rows, near).view_as(x)
        near = flat.index_select(1, self.order).view(len(x) * self.channels, 9, -1)
        return torch.bmm(self.rows.repeat(len(x), 1, 1), near).view_as(x)

    def _places(self, x: Maps) -> Int64[Tensor, " gathered"]:
        """Return where the nine neighbours of each mixed pixel come from; 0 is outside."""
        numbers = torch.arange(1, x[0].numel() + 1, dtype=torch.float64, device=x.device)
        mixed = self.mixer(numbers.view(1, *x.shape[1:]))
        near = functional.unfold(mixed.transpose(0, 1), 3, padding=1)  # channel, 9, pixel
        return near.flatten().long()


class PoolStep:
    """The ASF."""

    def __init__(self, asf: AdaptiveSpatialFilter) -> None:
        self.features = PointwiseStep(
            asf.from_features.weight.flatten(1), bias_of(asf.from_features)
        )
        self.look = PointwiseStep(asf.look.weight.flatten(1), bias_of(asf.look))
        self.stride = asf.look.stride[0]
        self.around = PointwiseStep(asf.from_look.weight.flatten(1), bias_of(asf.from_look))

    def step(self, x: Maps, mean: Tensor) -> Float[Tensor, "batch position"]:
        """Return the pooled position."""
        batch, flat, pixels = len(x), x.flatten(2), mean.flatten(2)
        plain = pixels - pixels.mean(2, keepdim=True)
        spread = torch.linalg.vector_norm(plain, dim=2, keepdim=True)
        plain.div_(spread.div_((pixels.shape[2] - 1) ** 0.5).add_(1e-3))
        cut = tiles(plain.view_as(mean), self.stride).transpose(1, 2)
        look = functional.elu_(self.look.step(cut)).view(batch, -1, *x.shape[2:])
        seen = self.around.step(functional.unfold(look, 3, padding=1))
        masks = self.features.step(flat).add_(seen).softmax(2)
        return torch.bmm(masks, flat.transpose(1, 2)).flatten(1)
