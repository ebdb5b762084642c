r"""The network for streams: one frame a call, in as few operations as do the same.

On a CPU a stream of one face is not bound by arithmetic but by the number of operations: each costs
a microsecond or more whatever its size. So batch statistics are folded into the convolutions next
to them, 1x1 convolutions are matrix products, a permutation of pixels is one gather, both gates of
a TCN layer are one product and one sigmoid (:math:`\tanh x = 2\sigma(2x) - 1`), and what the past
adds to all layers is one batched product on a ring of their inputs.
"""

import copy
from collections.abc import Mapping
from typing import NamedTuple, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from pulsephase.models.asf import AdaptiveSpatialFilter
from pulsephase.models.batchnorm_fold import scale
from pulsephase.models.est import ESTBlock
from pulsephase.models.mixers import Pointwise
from pulsephase.models.normalise import DIFFERENCE_GAIN, FLOOR, LIMIT, MEAN_GAIN
from pulsephase.models.phasenet import PhaseNet, stem_padding
from pulsephase.models.tcn import GatedTCN, TemporalHead

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


class PlainStep:
    """A head without a faster form: its own step of one frame."""

    def __init__(self, head: TemporalHead) -> None:
        self.head = head

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return the head's own."""
        return self.head.initial_state(batch, like)

    def step(
        self, x: Float[Tensor, "batch channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, " batch"], tuple[Tensor, ...]]:
        """Read one frame of position and velocity."""
        wave, states = self.head(x[:, None], states)
        return wave[:, 0], states


class GatedStep:
    r"""The gated TCN on a ring of its layers' inputs.

    With :math:`\tanh x = 2\sigma(2x)-1` a layer adds :math:`[2W_o\;\;-W_o]\,[s_1 s_2;\; s_2]` of
    one sigmoid over both halves. The constants that the layers add are left out of what the ring
    holds and come back in the gates' biases, so that a ring before the first frame holds minus
    those constants.
    """

    def __init__(self, head: GatedTCN) -> None:
        self.inward = head.inward.weight[:, :, 0]
        self.inward_bias = bias_of(head.inward)
        width, layers = len(self.inward), list(head.residual_layers())
        halves = torch.ones(2 * width, 1).to(self.inward)
        halves[:width] = 2.0  # of the argument of the tangent
        offset = torch.zeros(width).to(self.inward)
        now, past, bias, mixing, offsets = [], [], [], [], []
        for layer in layers:
            taps = layer.gates.weight * halves[..., None]  # oldest first
            now.append(taps[:, :, -1].T)
            past.append(taps[:, :, :-1].flip(2).permute(2, 1, 0).flatten(0, 1))
            bias.append(bias_of(layer.gates) * halves[:, 0] + taps.sum(2) @ offset)
            out = layer.out.weight[:, :, 0]
            mixing.append(torch.cat([2 * out, -out], 1).T.contiguous())
            offsets.append(offset)
            offset = offset + bias_of(layer.out)
        self.now = [taps.contiguous() for taps in now]
        self.mixing = mixing
        self.past, self.bias = torch.stack(past), torch.stack(bias)[:, None]
        self.outward = head.outward.weight[0, :, 0]
        self.constant = float(bias_of(head.outward) + self.outward @ offset)
        self.start = -torch.stack(offsets)
        self.length = max(layer.past for layer in layers)
        self.slots = self._slots([(layer.dilation, layer.past) for layer in layers])

    def _slots(self, layers: list[tuple[int, int]]) -> Int64[Tensor, "clock slot"]:
        """Return where on the flat ring the past taps of all layers lie, for each time."""
        table = [
            [
                level * self.length + (clock - lag) % self.length
                for level, (dilation, past) in enumerate(layers)
                for lag in range(dilation, past + 1, dilation)
            ]
            for clock in range(self.length)
        ]
        return torch.tensor(table, device=self.past.device)

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return a ring of silence, and the clock that says where its newest place is."""
        ring = self.start.to(like)[None, :, None].repeat(batch, 1, self.length, 1)
        return ring, torch.zeros((), dtype=torch.int64, device=like.device)

    def step(
        self, x: Float[Tensor, "batch channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, " batch"], tuple[Tensor, ...]]:
        """Read one frame of position and velocity; the ring that came in is left as it is."""
        ring, clock = states
        batch, layers, width = len(x), len(self.now), self.inward.shape[0]
        at = int(clock)
        heard = ring.flatten(1, 2).index_select(1, self.slots[at]).view(batch, layers, -1)
        ready = torch.baddbmm(self.bias, heard.transpose(0, 1), self.past).unbind(0)
        h = torch.addmm(self.inward_bias, x, self.inward.T)
        inputs = []
        for level in range(layers):
            inputs.append(h)
            gates = torch.addmm(ready[level], h, self.now[level]).sigmoid_()
            signal, gate = gates.view(batch, 2, width).unbind(1)
            signal.mul_(gate)
            h = torch.addmm(h, gates, self.mixing[level])
        ring = ring.clone()
        ring[:, :, at] = torch.stack(inputs, 1)
        wave = torch.mv(h, self.outward).add_(self.constant)
        return wave, (ring, (clock + 1) % self.length)


class StepState(NamedTuple):
    """All that a stream remembers, in plain tensors; the same for every face but their counts.

    Attributes:
        seen: Frames since each face's start.
        mean: Running mean of each pixel.
        last: Last frame.
        temporal: For each EST block, the last two inputs of its temporal filter, newest first.
        position: Last ASF position.
        head: The temporal head's own.
    """

    seen: Int64[Tensor, " batch"]
    mean: Float[Tensor, "batch 3 height width"]
    last: Float[Tensor, "batch 3 height width"]
    temporal: tuple[Tensor, ...]
    position: Float[Tensor, "batch position"]
    head: tuple[Tensor, ...]

    def named(self) -> dict[str, Tensor]:
        """Return all tensors by name."""
        single = {"seen": self.seen, "mean": self.mean, "last": self.last}
        many = {f"temporal.{index}": maps for index, maps in enumerate(self.temporal)}
        head = {f"head.{index}": part for index, part in enumerate(self.head)}
        return {**single, **many, "position": self.position, **head}

    def with_named(self, tensors: Mapping[str, Tensor]) -> "StepState":
        """Return a state of the same make with other tensors."""
        return StepState(
            tensors["seen"],
            tensors["mean"],
            tensors["last"],
            tuple(tensors[f"temporal.{index}"] for index in range(len(self.temporal))),
            tensors["position"],
            tuple(tensors[f"head.{index}"] for index in range(len(self.head))),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(part.nbytes for part in self.named().values())


class Folded:
    """A network in inference form, for frames that come one by one.

    The numbers are those of the network that it was made from, to rounding; its weights are copies.

    Args:
        net: A causal network; its batch statistics are taken as they are.

    Raises:
        ParameterError: If the network sees the future.
    """

    def __init__(self, net: PhaseNet) -> None:
        net.config.require_causal()
        self.config = net.config
        net = copy.deepcopy(net).eval()  # what becomes of the network later is not ours
        with torch.no_grad():
            self.stem = StemStep(net)
            self.blocks = [BlockStep(cast(ESTBlock, block)) for block in net.blocks]
            self.pool = PoolStep(net.asf) if isinstance(net.asf, AdaptiveSpatialFilter) else None
            head = net.head
            self.head: GatedStep | PlainStep = (
                GatedStep(head) if isinstance(head, GatedTCN) else PlainStep(head)
            )

    def initial_state(self, batch: int) -> StepState:
        """Return the state before the first frame, for ``batch`` faces."""
        config, like = self.config, self.stem.weight
        frame = like.new_zeros(batch, 3, config.size, config.size)
        temporal = (
            like.new_zeros(batch, inner, size, size)
            for inner, size in zip(config.est_expansion, config.map_sizes, strict=False)
        )
        return StepState(
            torch.zeros(batch, dtype=torch.int64, device=like.device),
            frame,
            frame,
            tuple(part for maps in temporal for part in (maps, maps)),
            like.new_zeros(batch, config.position_channels),
            self.head.initial_state(batch, like),
        )

    def step(
        self, frame: Float[Tensor, "batch 3 height width"], frame_step: float, state: StepState
    ) -> tuple[Float[Tensor, " batch"], StepState]:
        """Read one frame of each face; the state that came in is left as it is.

        Args:
            frame: RGB crops in 0..1.
            frame_step: Time since the frame before, in frames at the network's rate.
            state: What was read before.
        """
        seen, mean, last = state.seen, state.mean, state.last
        fewest = int(seen.min())
        if fewest == 0:
            first = (seen == 0)[:, None, None, None]
            last = torch.where(first, frame, last)
        window = self.config.mean_window
        if fewest >= window:
            mean = torch.lerp(mean, frame, 1 / window)
        else:
            gain = (1.0 / (seen + 1).to(frame.dtype)).clamp(min=1.0 / window)
            mean = torch.lerp(mean, frame, gain[:, None, None, None])
        x = self.stem.step(self._channels(frame, mean, last, frame_step))
        temporal = []
        for index, block in enumerate(self.blocks):
            x, inside = block.step(x, state.temporal[2 * index], state.temporal[2 * index + 1])
            temporal += [inside, state.temporal[2 * index]]
        position = self.pool.step(x, mean) if self.pool else x.mean((2, 3))
        before = state.position
        if fewest == 0:
            before = torch.where((seen == 0)[:, None], position, before)
        moving = torch.cat([position, (position - before) / frame_step], 1)
        pulse, head = self.head.step(moving, state.head)
        return pulse, StepState(seen + 1, mean, frame, tuple(temporal), position, head)

    def _channels(
        self, frame: Tensor, mean: Tensor, last: Tensor, frame_step: float
    ) -> Float[Tensor, "batch channel height width"]:
        """Return what the stem sees; see `pulsephase.models.normalise`."""
        inputs = self.config.inputs
        if inputs == "raw":
            return frame - 0.5
        both = frame.new_empty(len(frame), 6, *frame.shape[2:])
        colour, change = both[:, :3], both[:, 3:]
        if inputs != "difference":
            floored = mean + FLOOR
            if self.config.mean_form == "ratio":
                torch.div(frame, floored, out=colour).sub_(1)
            else:
                torch.sub(frame, mean, out=colour).div_(floored)
            colour.mul_(MEAN_GAIN)
        if inputs != "mean":
            torch.sub(frame, last, out=change).div_((frame + last).add_(FLOOR))
            change.mul_(DIFFERENCE_GAIN / frame_step)
        used = both if inputs == "both" else colour if inputs == "mean" else change
        return used.clamp_(-LIMIT, LIMIT)
