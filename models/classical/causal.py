r"""POS and CHROM sample by sample: what overlap-add still owes a sample is waited for, or left out.

A window that ends at frame e adds to the samples e-L+1 ... e. Published, a sample is the sum over
all windows that hold it, the last of which ends L-1 frames later. Here the sample of frame n-d is
told at frame n, from the windows that end by then: d frames of latency, from 0 (the newest window
alone) to L-1 (all of them).
"""

from abc import ABC, abstractmethod
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.models.classical.colour import WINDOW_S
from pulsephase.models.classical.pos import (
    check_chrom_rate,
    chrom_windows,
    pos_windows,
    window_frames,
)

BRIGHTEST = 1e6
"""A colour beyond it is none: pixels end at 1, 255 or 65,535."""


class CausalState(NamedTuple):
    """What a causal method remembers.

    Attributes:
        seen: Frames read so far.
        colour: The last L-1 colours.
        owed: What windows so far add to the samples that are still to be told.
    """

    seen: int
    colour: Float[Tensor, "*batch past 3"]
    owed: Float[Tensor, "*batch delay"]


class CausalMethod(ABC):
    """A windowed method as a causal filter: a clip, or pieces of it, give the same numbers.

    Args:
        sample_hz: Frames per second.
        delay: Latency in frames, at most that of the published sum, which is also the default.

    Raises:
        SamplingError: If ``sample_hz`` is not above 0, or too low for the method.
        ParameterError: If ``delay`` is outside 0 to a window less one frame.
    """

    def __init__(self, *, sample_hz: float, delay: int | None = None) -> None:
        if not sample_hz > 0:
            raise SamplingError(f"sample_hz is {sample_hz}; it must be above 0 Hz")
        self.sample_hz = sample_hz
        self.length = self._length()
        self.delay = self.length - 1 if delay is None else delay
        if not 0 <= self.delay < self.length:
            raise ParameterError(
                f"delay is {delay} frames; at {sample_hz:g} Hz allowed is 0 to {self.length - 1}"
            )

    @property
    def latency_s(self) -> float:
        """Time by which the output lags the pulse, in s."""
        return self.delay / self.sample_hz

    @abstractmethod
    def _length(self) -> int:
        """Return the window's length in frames."""

    @abstractmethod
    def _waves(self, windows: Float[Tensor, "*batch 3 length"]) -> Float[Tensor, "*batch length"]:
        """Return the wave of each window."""

    def initial_state(self, like: Float[Tensor, "*batch time 3"]) -> CausalState:
        """Return the state before the first frame of clips such as ``like``."""
        batch = like.shape[:-2]
        colour = like.new_zeros(*batch, self.length - 1, 3)
        return CausalState(0, colour, like.new_zeros(*batch, self.delay))

    def advance(
        self, colour: Float[Tensor, "*batch time 3"], state: CausalState
    ) -> tuple[Float[Tensor, "*batch time"], CausalState]:
        r"""Read colours and return a sample for each, with the state after the last of them.

        .. math:: y_n = \sum_{e=n-d}^{n} h_e(n-d),

        where :math:`h_e` is the wave of the window that ends at frame e. Frames before the first
        full window have none; its samples come as soon as it ends.

        Args:
            colour: Mean colour of the skin, RGB.
            state: What was read before.
        """
        time = colour.shape[-2]
        padded = torch.cat([state.colour, colour], -2)
        waves = self._waves(padded.unfold(-2, self.length, 1))  # one window ends at each frame
        ends = state.seen + torch.arange(time, device=colour.device)
        told = waves[..., self.length - 1 - self.delay :]
        told = torch.where((ends >= self.length - 1)[:, None], told, 0.0)
        # Added in the order of the windows, so that pieces round as the whole does.
        total = torch.cat([state.owed, colour.new_zeros(*colour.shape[:-2], time)], -1)
        for frame in range(time):
            total[..., frame : frame + self.delay + 1] += told[..., frame, :]
        after = CausalState(state.seen + time, padded[..., time:, :], total[..., time:].clone())
        return total[..., :time], after

    def __call__(self, colour: Float[Tensor, "*batch time 3"]) -> Float[Tensor, "*batch time"]:
        """Return the causal wave of clips, ``delay`` frames late."""
        return self.advance(colour, self.initial_state(colour))[0]


@final
class CausalPOS(CausalMethod):
    """POS (see `pulsephase.models.classical.pos`), told at a latency of ``delay`` frames.

    At full delay the sum is the published one, sample by sample.

    >>> CausalPOS(sample_hz=30.0).delay
    47
    """

    def _length(self) -> int:
        return round(WINDOW_S * self.sample_hz)

    def _waves(self, windows: Float[Tensor, "*batch 3 length"]) -> Float[Tensor, "*batch length"]:
        return pos_windows(windows)


@final
class CausalCHROM(CausalMethod):
    """CHROM (see `pulsephase.models.classical.pos`), told at a latency of ``delay`` frames.

    A window ends at every frame, where the paper has one each half window: else a sample would
    stand in none or two of them by its place. The Hann weight of the newest sample is nearly zero:
    with little delay little is told.
    """

    def _length(self) -> int:
        check_chrom_rate(self.sample_hz)
        return window_frames(self.sample_hz)

    def _waves(self, windows: Float[Tensor, "*batch 3 length"]) -> Float[Tensor, "*batch length"]:
        return chrom_windows(windows, sample_hz=self.sample_hz)


class ColourStream:
    """A causal method fed frame by frame.

    Args:
        method: `CausalPOS` or `CausalCHROM`.
    """

    def __init__(self, method: CausalMethod) -> None:
        self.method = method
        self.state = method.initial_state(torch.zeros(1, 3, dtype=torch.float64))

    def step(self, colour: Float[Tensor, "3"]) -> float:
        """Read the mean colour of one frame and return the sample of ``delay`` frames ago.

        Raises:
            ShapeError: If the colour is not three finite numbers; the state is then unchanged.
        """
        if colour.shape != (3,) or not bool((colour.abs() <= BRIGHTEST).all()):
            raise ShapeError(
                f"colour is {colour.tolist()}; give red, green and blue of the skin, finite"
            )
        wave, self.state = self.method.advance(colour[None].double().cpu(), self.state)
        return float(wave[0])
