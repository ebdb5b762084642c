"""Which PHASE-Net: one frozen record a configuration, by name.

The paper gives the parts and the budget (0.29 M parameters), not the widths, nor the fraction and
block of ZAS: the values here are ours. Beside the paper's parts stand the controls that they are
judged by; each is a setting, the paper's choice the default.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from pulsephase.errors import ParameterError

MixerName = Literal["within", "grid", "identity", "pointwise", "shuffle", "permutation", "roll"]
PoolingName = Literal["asf", "average"]
HeadName = Literal["gated", "ungated", "fir", "oscillator", "gru", "symmetric"]
InputName = Literal["mean", "difference", "both", "raw"]
MIXERS: tuple[MixerName, ...] = get_args(MixerName)
POOLINGS: tuple[PoolingName, ...] = get_args(PoolingName)
HEADS: tuple[HeadName, ...] = get_args(HeadName)
STACKS: tuple[HeadName, ...] = ("gated", "ungated", "fir")  # what they see ends
MeanForm = Literal["ratio", "deviation"]
INPUTS: tuple[InputName, ...] = get_args(InputName)
MEAN_FORMS: tuple[MeanForm, ...] = get_args(MeanForm)
CHOICES = {
    "mixer": MIXERS,
    "pooling": POOLINGS,
    "head": HEADS,
    "inputs": INPUTS,
    "mean_form": MEAN_FORMS,
}
INPUT_CHANNELS: dict[InputName, int] = {"mean": 3, "difference": 3, "both": 6, "raw": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseNetConfig:
    """The shape of a PHASE-Net.

    Attributes:
        size: Height and width of the input crop in pixels.
        sample_hz: Frame rate that the network was trained at, in Hz.
        inputs: What the network sees of a frame: its colour over the running mean (``mean``), its
            change since the frame before (``difference``), ``both``, or the ``raw`` colour.
        mean_form: How colour stands over its mean: ``ratio``, x/(m + e) - 1, which ``tiny`` was
            trained with and which a dark pixel takes to its limit; or ``deviation``,
            (x - m)/(m + e), which it does not.
        stem_channels: Channels after the stem.
        stem_kernel: Size of the stem's convolution in pixels; from ``stem_stride`` on.
        stem_stride: Stride of the stem; it must divide ``size``.
        est_channels: Output channels of each EST block.
        est_expansion: Channels inside each EST block.
        est_pool: Spatial pooling after each EST block (1 = none).
        squeeze_excitation: Whether each block weighs its channels by their mean over the frame.
        mixer: What mixes regions in the blocks: ZAS ``within`` blocks or of the ``grid`` of blocks,
            or a control.
        mixer_seed: Of the control that permutes pixels at random.
        zas_fraction: Share p of the channels that the mixer works on, the last floor(p C).
        zas_blocks: Block size b of ZAS in each EST block, in pixels.
        pooling: The ASF, or the plain ``average`` over the frame.
        masks: Spatial masks of the ASF.
        head: The gated TCN, or a control; ``symmetric`` sees the future.
        width: Channels of the TCN; hidden size or modes of a control.
        layers: TCN layers; layer l has dilation 2^l.
        kernel: Taps of a TCN layer.
        mean_window: Memory of the running mean in frames.
        warmup: Frames after a start or reset before the output counts.
        delay: Frames by which the output lags the pulse: a known latency.
    """

    size: int
    sample_hz: float = 30.0
    inputs: InputName = "both"
    mean_form: MeanForm = "ratio"
    stem_channels: int
    stem_kernel: int = 5
    stem_stride: int
    est_channels: tuple[int, ...]
    est_expansion: tuple[int, ...]
    est_pool: tuple[int, ...]
    squeeze_excitation: bool = False
    mixer: MixerName = "within"
    mixer_seed: int = 0
    zas_fraction: float = 0.5
    zas_blocks: tuple[int, ...]
    pooling: PoolingName = "asf"
    masks: int = 2
    head: HeadName = "gated"
    width: int
    layers: int = 6
    kernel: int = 3
    mean_window: int = 45
    warmup: int = 45
    delay: int = 15

    def __post_init__(self) -> None:
        _check_most(self)
        _check_choices(self)
        _check_counts(self)
        _check_maps(self)
        if not 0 <= self.zas_fraction <= 1:
            raise ParameterError(f"zas_fraction is {self.zas_fraction}; allowed is 0 to 1")
        if not 0 <= self.delay <= 30:
            raise ParameterError(f"delay is {self.delay} frames; allowed is 0 to 30")
        if not self.sample_hz > 0:
            raise ParameterError(f"sample_hz is {self.sample_hz}; it must be above 0 Hz")

    @property
    def causal(self) -> bool:
        """Whether no sample of the pulse depends on a later frame."""
        return self.head != "symmetric"

    def require_causal(self) -> None:
        """Refuse the control that sees the future, wherever frames come one by one.

        Raises:
            ParameterError: If the head is ``symmetric``.
        """
        if not self.causal:
            raise ParameterError(
                f"head is {self.head!r}, a control that sees later frames: it can neither stream "
                f"nor be loaded as pretrained; "
                f"take one of {', '.join(head for head in HEADS if head != self.head)}"
            )

    @property
    def map_sizes(self) -> tuple[int, ...]:
        """Height and width of the maps in each EST block, and of those that are pooled."""
        sizes = [self.size // self.stem_stride]
        for pool in self.est_pool:
            sizes.append(sizes[-1] // pool)
        return tuple(sizes)

    @property
    def position_channels(self) -> int:
        """Numbers a frame that pooling gives: channels, under each mask."""
        return self.est_channels[-1] * (self.masks if self.pooling == "asf" else 1)

    @property
    def receptive_field(self) -> int:
        """Frames that the gated TCN sees, 1 + (k - 1)(2^L - 1)."""
        return 1 + (self.kernel - 1) * ((1 << self.layers) - 1)

    @property
    def valid_from_s(self) -> float:
        """Seconds after a start or reset before the output counts."""
        return self.warmup / self.sample_hz


MOST: dict[str, float] = {
    "size": 512,
    "sample_hz": 1000,
    "stem_channels": 1024,
    "stem_kernel": 128,
    "stem_stride": 128,
    "est_channels": 1024,
    "est_expansion": 1024,
    "est_pool": 128,
    "zas_blocks": 512,
    "mixer_seed": 2**32,
    "masks": 64,
    "width": 1024,
    "layers": 12,
    "kernel": 64,
    "mean_window": 10_000,
    "warmup": 10_000,
}
"""The largest value of each number, several times what any network here has: weights from elsewhere
are refused before anything is allocated."""
MOST_BLOCKS = 16


def _check_most(config: PhaseNetConfig) -> None:
    """Refuse numbers that no network here has."""
    for name, most in MOST.items():
        value = getattr(config, name)
        listed = value if isinstance(value, tuple) else (value,)
        if len(listed) > MOST_BLOCKS:
            raise ParameterError(
                f"{name} has {len(listed):,} entries; at most {MOST_BLOCKS} are allowed"
            )
        if not all(-most <= each <= most for each in listed):
            raise ParameterError(f"{name} is {_brief(value)}; at most {most:,} is allowed")


def _brief(value: object) -> str:
    """Return a value as text, its middle left out where it is long."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of {value.bit_length():,} bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}..."


def _check_choices(config: PhaseNetConfig) -> None:
    for name, allowed in CHOICES.items():
        if getattr(config, name) not in allowed:
            raise ParameterError(
                f"{name} is {getattr(config, name)!r}; allowed are {', '.join(allowed)}"
            )


def _check_counts(config: PhaseNetConfig) -> None:
    """Refuse counts below one, and lists of the EST blocks that differ in length."""
    depth = len(config.est_channels)
    for name in ("est_channels", "est_expansion", "est_pool", "zas_blocks"):
        values = getattr(config, name)
        if len(values) != depth or depth == 0:
            raise ParameterError(
                f"{name} has {len(values)} entries, est_channels {depth}; "
                "give one per EST block, and at least one block"
            )
        if min(values) < 1:
            raise ParameterError(f"{name} is {values}; each entry must be at least 1")
    for name in ("stem_channels", "stem_stride", "masks", "width", "layers", "mean_window"):
        if getattr(config, name) < 1:
            raise ParameterError(f"{name} is {getattr(config, name)}; it must be at least 1")
    if config.kernel < 2:
        raise ParameterError(f"kernel is {config.kernel} taps; a layer needs at least 2")
    if config.warmup < config.delay:
        raise ParameterError(
            f"warmup is {config.warmup} frames, below the delay of {config.delay}: the first "
            "samples would lie before the clip"
        )
    if config.head in STACKS and config.delay >= config.receptive_field:
        raise ParameterError(
            f"delay is {config.delay} frames and the head sees {config.receptive_field}: the "
            "sample that it reports would lie before them; allowed is up to "
            f"{config.receptive_field - 1}, or more layers"
        )


def _check_maps(config: PhaseNetConfig) -> None:
    """Refuse sizes that the stem or the pooling do not divide."""
    if config.size < 1 or config.size % config.stem_stride:
        raise ParameterError(
            f"size is {config.size} px; it must be a positive multiple of the stem's stride, "
            f"{config.stem_stride}"
        )
    if config.stem_kernel < config.stem_stride:
        raise ParameterError(
            f"stem_kernel is {config.stem_kernel} px; below the stride, {config.stem_stride}, it "
            "would leave pixels unread"
        )
    for size, pool in zip(config.map_sizes, config.est_pool, strict=False):
        if size % pool:
            raise ParameterError(
                f"est_pool is {config.est_pool}, the maps are {config.map_sizes} px: "
                f"{pool} does not divide {size}"
            )


TINY = PhaseNetConfig(
    size=36,
    stem_channels=16,
    stem_stride=4,
    est_channels=(24, 40),
    est_expansion=(32, 48),
    est_pool=(1, 1),
    zas_blocks=(3, 3),
    width=40,
)

BASE = PhaseNetConfig(
    size=72,
    mean_form="deviation",
    stem_channels=32,
    stem_kernel=8,
    stem_stride=8,
    est_channels=(48, 64),
    est_expansion=(96, 128),
    est_pool=(1, 1),
    zas_blocks=(3, 3),
    width=64,
)

# Published: three EST blocks, three TCN layers, one mask, 0.29 M parameters. The widths are ours.
PAPER = PhaseNetConfig(
    size=128,
    mean_form="deviation",
    stem_channels=64,
    stem_kernel=8,
    stem_stride=4,
    est_channels=(96, 128, 128),
    est_expansion=(128, 192, 128),
    est_pool=(1, 2, 1),
    zas_blocks=(10, 10, 5),
    masks=1,
    width=80,
    layers=3,
    delay=7,  # three layers see 15 frames: a sample of half a second ago is none of them
)

CONFIGS = {"tiny": TINY, "base": BASE, "paper": PAPER}
