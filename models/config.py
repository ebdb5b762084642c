"""Which PHASE-Net: one frozen record a configuration, by name.

The paper gives the parts and the budget (0.29 M parameters), not the widths, nor the fraction and
block of ZAS: the values here are ours.
"""

from dataclasses import dataclass

from pulsephase.errors import ParameterError


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseNetConfig:
    """The shape of a PHASE-Net.

    Attributes:
        size: Height and width of the input crop in pixels.
        sample_hz: Frame rate that the network was trained at, in Hz.
        stem_channels: Channels after the stem, a 5x5 convolution.
        stem_stride: Stride of the stem; it must divide ``size``.
        est_channels: Output channels of each EST block.
        est_expansion: Channels inside each EST block.
        est_pool: Spatial pooling after each EST block (1 = none).
        zas_fraction: Share p of the channels that ZAS permutes, the last floor(p C).
        zas_blocks: Block size b of ZAS in each EST block, in pixels.
        masks: Spatial masks of the ASF.
        width: Channels of the TCN.
        layers: TCN layers; layer l has dilation 2^l.
        kernel: Taps of a TCN layer.
        mean_window: Memory of the running mean in frames.
        warmup: Frames after a start or reset before the output counts.
        delay: Frames by which the output lags the pulse: a known latency.
    """

    size: int
    sample_hz: float = 30.0
    stem_channels: int
    stem_stride: int
    est_channels: tuple[int, ...]
    est_expansion: tuple[int, ...]
    est_pool: tuple[int, ...]
    zas_fraction: float = 0.5
    zas_blocks: tuple[int, ...]
    masks: int = 2
    width: int
    layers: int = 6
    kernel: int = 3
    mean_window: int = 45
    warmup: int = 45
    delay: int = 15

    def __post_init__(self) -> None:
        depth = len(self.est_channels)
        for name in ("est_expansion", "est_pool", "zas_blocks"):
            if len(getattr(self, name)) != depth:
                raise ParameterError(
                    f"{name} has {len(getattr(self, name))} entries, est_channels {depth}; "
                    "give one per EST block"
                )
        if self.size < 1 or self.size % self.stem_stride:
            raise ParameterError(
                f"size is {self.size} px; it must be a positive multiple of the stem's stride, "
                f"{self.stem_stride}"
            )
        if not 0 <= self.zas_fraction <= 1:
            raise ParameterError(f"zas_fraction is {self.zas_fraction}; allowed is 0 to 1")
        if not 0 <= self.delay <= 30:
            raise ParameterError(f"delay is {self.delay} frames; allowed is 0 to 30")
        if not self.sample_hz > 0:
            raise ParameterError(f"sample_hz is {self.sample_hz}; it must be above 0 Hz")

    @property
    def receptive_field(self) -> int:
        """Frames that the TCN sees, 1 + (k - 1)(2^L - 1)."""
        return 1 + (self.kernel - 1) * ((1 << self.layers) - 1)

    @property
    def valid_from_s(self) -> float:
        """Seconds after a start or reset before the output counts."""
        return self.warmup / self.sample_hz


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

CONFIGS = {"tiny": TINY}
