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
from torch import Tensor

from pulsephase.models.asf import AdaptiveSpatialFilter
from pulsephase.models.est import ESTBlock
from pulsephase.models.folded_head import GatedStep, PlainStep
from pulsephase.models.folded_maps import BlockStep, PoolStep, StemStep
from pulsephase.models.normalise import DIFFERENCE_GAIN, FLOOR, LIMIT, MEAN_GAIN
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.tcn import GatedTCN


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
