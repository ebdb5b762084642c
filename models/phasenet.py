"""PHASE-Net, causal from pixels to pulse (Zhao et al., arXiv 2509.24850, our own widths).

One code path serves training, clips and streams: ``advance`` maps frames and a state to pulse and
the state after them; a clip is an advance from the empty state, a stream an advance of one frame.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.nn import functional

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.models.asf import AdaptiveSpatialFilter, AveragePooling, velocity
from pulsephase.models.config import INPUT_CHANNELS, PhaseNetConfig
from pulsephase.models.est import ESTBlock
from pulsephase.models.heads import temporal_head
from pulsephase.models.mixers import mixer
from pulsephase.models.normalise import NormaliseState, normalise
from pulsephase.models.normalise import initial_state as initial_normalise

PIECE_PIXELS = 16 * 128**2  # whose features are found at once: half the time at 128 px
ROUNDING = 1e-4  # by which a resized crop may leave 0..1


class PhaseNetState(NamedTuple):
    """All that the network remembers, in plain tensors.

    Attributes:
        normalise: Running mean, last frame and count of frames.
        temporal: Inputs held by the temporal filter of each EST block.
        position: Last ASF position.
        head: What the temporal head remembers.
    """

    normalise: NormaliseState
    temporal: tuple[Tensor, ...]
    position: Tensor
    head: tuple[Tensor, ...]


class PhaseNet(nn.Module):
    """Recover the pulse from face crops: normalise, EST blocks with ZAS, ASF, gated TCN.

    Args:
        config: The network's shape.
    """

    def __init__(self, config: PhaseNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(
            INPUT_CHANNELS[config.inputs],
            config.stem_channels,
            config.stem_kernel,
            stride=config.stem_stride,
            padding=stem_padding(config),
            bias=False,
        )
        self.stem_norm = nn.BatchNorm2d(config.stem_channels)
        self.blocks = nn.ModuleList(est_blocks(config))
        self.asf: AdaptiveSpatialFilter | AveragePooling
        if config.pooling == "asf":
            self.asf = AdaptiveSpatialFilter(
                config.est_channels[-1],
                masks=config.masks,
                stride=config.size // config.map_sizes[-1],
            )
        else:
            self.asf = AveragePooling()
        self.head = temporal_head(
            config.head,
            channels=2 * config.position_channels,
            width=config.width,
            layers=config.layers,
            kernel=config.kernel,
            sample_hz=config.sample_hz,
        )

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path) -> "PhaseNet":
        """Load shipped weights by name, or a safetensors file by path, ready for inference.

        Raises:
            WeightsError: If there are no such weights, or the file is damaged or another network's.
            ParameterError: If the network is the control that sees the future.
        """
        from pulsephase.models.weights import check_tensors, load

        config, tensors = load(name_or_path)
        config.require_causal()
        with torch.device("meta"):  # shapes alone: nothing is allocated
            check_tensors(name_or_path, tensors, cls(config).state_dict())
        net = cls(config)
        net.load_state_dict(tensors)
        return net.eval()

    def initial_state(self, batch: int) -> PhaseNetState:
        """Return the state before the first frame, for ``batch`` faces."""
        config, like = self.config, self.stem.weight
        temporal = [
            like.new_zeros(batch, 2, inner, size, size)
            for inner, size in zip(config.est_expansion, config.map_sizes, strict=False)
        ]
        return PhaseNetState(
            initial_normalise(like.new_zeros(batch, 3, config.size, config.size)),
            tuple(temporal),
            like.new_zeros(batch, config.position_channels),
            self.head.initial_state(batch, like),
        )

    def features(
        self,
        frames: Float[Tensor, "batch time 3 height width"],
        frame_steps: Float[Tensor, "batch time"],
        state: PhaseNetState,
    ) -> tuple[Tensor, Tensor, NormaliseState, tuple[Tensor, ...]]:
        """Return feature maps, running mean faces, and the states up to the ASF."""
        batch, time = frames.shape[:2]
        config = self.config
        channels, means, seen = normalise(
            frames,
            frame_steps,
            state.normalise,
            window=config.mean_window,
            inputs=config.inputs,
            mean_form=config.mean_form,
        )
        x = functional.elu(self.stem_norm(self.stem(channels.flatten(0, 1))))
        x = x.view(batch, time, *x.shape[1:])
        temporal = []
        for block, past in zip(self.blocks, state.temporal, strict=True):
            x, past = block(x, past)
            temporal.append(past)
        return x, means, seen, tuple(temporal)

    def advance(
        self,
        frames: Float[Tensor, "batch time 3 height width"],
        frame_steps: Float[Tensor, "batch time"],
        state: PhaseNetState,
    ) -> tuple[Float[Tensor, "batch time"], PhaseNetState]:
        """Read frames and return their pulse, with the state after the last of them.

        Args:
            frames: RGB crops in 0..1.
            frame_steps: Time since the frame before, in frames at the network's rate.
            state: What was read before.
        """
        moving, state = self.motion(frames, frame_steps, state)
        pulse, head = self.head(moving, state.head)
        return pulse, state._replace(head=head)

    def motion(
        self,
        frames: Float[Tensor, "batch time 3 height width"],
        frame_steps: Float[Tensor, "batch time"],
        state: PhaseNetState,
    ) -> tuple[Float[Tensor, "batch time channel"], PhaseNetState]:
        """Return position and velocity of the skin, what the head reads; its state is untouched.

        Without gradients a long clip is read in pieces, so that feature maps stay in the cache.
        """
        piece = max(1, PIECE_PIXELS // self.config.size**2)
        if self.training or torch.is_grad_enabled():
            piece = frames.shape[1]  # batch statistics are those of the whole batch
        parts = []
        cut = zip(torch.split(frames, piece, 1), torch.split(frame_steps, piece, 1), strict=True)
        for part, steps in cut:
            maps, means, seen, temporal = self.features(part, steps, state)
            position = self.asf(maps, means)
            first = (state.normalise.seen == 0)[:, None]
            last = torch.where(first, position[:, 0], state.position)
            parts.append(torch.cat([position, velocity(position, steps, last)], 2))
            state = PhaseNetState(seen, temporal, position[:, -1], state.head)
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0], state

    def forward(
        self,
        frames: Float[Tensor, "batch time 3 height width"],
        times_s: Float64[Tensor, " time"] | None = None,
    ) -> Float[Tensor, "batch time"]:
        """Return the pulse of clips; the first ``config.warmup`` samples do not count.

        Args:
            frames: RGB crops in 0..1, at ``config.size`` and ``config.sample_hz``.
            times_s: True frame times; none means evenly spaced.

        Raises:
            ShapeError: If the crops are not of the network's size or no floats, or there is not
                one rising time a frame.
            ParameterError: If a pixel is not a number within 0..1.
        """
        self.check(frames)
        batch, time = frames.shape[:2]
        pulse, _ = self.advance(
            frames, self.frame_steps(times_s, batch, time, frames), self.initial_state(batch)
        )
        return pulse

    def check(self, frames: Tensor) -> None:
        """Refuse frames of the wrong shape, type or range with one clear error."""
        size = self.config.size
        if frames.ndim != 5 or frames.shape[2:] != (3, size, size) or frames.shape[1] == 0:
            raise ShapeError(
                f"frames have shape {tuple(frames.shape)}; this network takes "
                f"(batch, time, 3, {size}, {size}) with at least one frame: crop and resize first"
            )
        check_pixels(frames)

    def frame_steps(
        self, times_s: Tensor | None, batch: int, time: int, like: Tensor
    ) -> Float[Tensor, "batch time"]:
        """Turn frame times into steps in units of the network's frame period."""
        if times_s is None:
            return like.new_ones(batch, time)
        if times_s.shape != (time,):
            raise ShapeError(f"{tuple(times_s.shape)} times for {time} frames; give one a frame")
        steps = torch.diff(times_s) * self.config.sample_hz
        if not bool(((steps > 0) & steps.isfinite()).all()):
            raise ShapeError("frame times do not rise; sort the frames and drop repeated ones")
        first = steps.new_ones(1)
        return torch.cat([first, steps]).to(like.dtype).expand(batch, time)

    def masks(
        self, frames: Float[Tensor, "batch time 3 height width"]
    ) -> Float[Tensor, "batch time mask rows columns"]:
        """Return the ASF masks of clips, for looking at."""
        self.check(frames)
        batch, time = frames.shape[:2]
        maps, means, _, _ = self.features(
            frames, frames.new_ones(batch, time), self.initial_state(batch)
        )
        masks = self.asf.masks(maps.flatten(0, 1), means.flatten(0, 1))
        return masks.view(batch, time, *masks.shape[1:])


def check_pixels(frames: Tensor) -> None:
    """Refuse frames that are not numbers within 0..1; a compiled graph goes without.

    Raises:
        ShapeError: If they are no floats.
        ParameterError: If one is outside, or not a number.
    """
    if not frames.is_floating_point():
        raise ShapeError(f"frames are {frames.dtype}; give floats in 0..1 (divide by 255)")
    if torch.compiler.is_compiling() or frames.numel() == 0:
        return
    low, high = (float(end) for end in torch.aminmax(frames.detach()))
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):
        raise ParameterError(
            f"pixels lie between {low:g} and {high:g}; give numbers in 0..1 (divide 8-bit values "
            "by 255)"
        )


def stem_padding(config: PhaseNetConfig) -> int:
    """Return the zeros around a frame; none where the stem's tiles do not overlap."""
    return 0 if config.stem_kernel == config.stem_stride else (config.stem_kernel - 1) // 2


def est_blocks(config: PhaseNetConfig) -> list[ESTBlock]:
    """Return the EST blocks of a network, each with its mixer."""
    blocks, channels = [], config.stem_channels
    for index, inner in enumerate(config.est_expansion):
        swap = mixer(
            config.mixer,
            channels=inner,
            fraction=config.zas_fraction,
            block=config.zas_blocks[index],
            size=config.map_sizes[index],
            seed=config.mixer_seed + index,
        )
        block = ESTBlock(
            channels,
            config.est_channels[index],
            expansion=inner,
            mixer=swap,
            pool=config.est_pool[index],
            squeeze_excitation=config.squeeze_excitation,
        )
        blocks.append(block)
        channels = config.est_channels[index]
    return blocks
