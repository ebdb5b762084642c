"""PHASE-Net frame by frame: the same numbers as the clip, at a state of fixed size.

A face that is lost for up to a second leaves the state as it was (held); longer, and the network
starts afresh, its warm-up flagged again. Where there is no face there is no pulse: NaN.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pulsephase.errors import ShapeError
from pulsephase.models.phasenet import PhaseNet
from pulsephase.video.clip import Clip

HOLD_S = 1.0


class PulseSample(NamedTuple):
    """One sample of the pulse.

    Attributes:
        pulse: The wave, NaN where there is no face.
        valid: Whether the network has warmed up since it last started.
    """

    pulse: float
    valid: bool


class PulseStream:
    """The pulse of one face, fed frame by frame or clip by clip.

    Args:
        net: A network in inference mode.
        hold_s: Longest gap in s over which the state is held.

    Raises:
        ParameterError: If the network sees the future.
    """

    def __init__(self, net: PhaseNet, *, hold_s: float = HOLD_S) -> None:
        net.config.require_causal()
        self.net = net.eval()
        self.hold_s = hold_s
        self.state = net.initial_state(1)
        self.last_s = -math.inf

    def step(self, frame: Float[Tensor, "3 height width"] | None, time_s: float) -> PulseSample:
        """Read one frame, or none where there is no face.

        Raises:
            ShapeError: If the frame is of the wrong size or type, or time does not rise; the state
                is then unchanged.
        """
        self._check_time(time_s)
        if frame is None:
            return PulseSample(math.nan, False)
        pulse, valid = self._advance(frame[None], [time_s])
        return PulseSample(float(pulse[0]), bool(valid[0]))

    def run(self, clip: Clip) -> tuple[Float[Tensor, " time"], Bool[Tensor, " time"]]:
        """Read the crops of a clip; frames whose box is NaN have no face.

        Returns:
            The pulse (NaN without a face), and where it counts.
        """
        times = clip.times_s.tolist()
        pulse = torch.full((len(clip),), math.nan)
        valid = torch.zeros(len(clip), dtype=torch.bool)
        for start, stop in _runs(_has_face(clip), times, self.hold_s):
            self._check_time(times[start])
            pulse[start:stop], valid[start:stop] = self._advance(
                clip.frames[start:stop], times[start:stop]
            )
        return pulse, valid

    def _check_time(self, time_s: float) -> None:
        if not time_s > self.last_s:
            raise ShapeError(
                f"frame at {time_s} s does not come after the one at {self.last_s} s; "
                "feed frames in order, once each"
            )

    def _advance(self, frames: Tensor, times: list[float]) -> tuple[Tensor, Tensor]:
        rate = self.net.config.sample_hz
        crops = frames[None].to(self.net.stem.weight)
        self.net.check(crops)
        state = self.state
        if times[0] - self.last_s > self.hold_s:
            state = self.net.initial_state(1)
        seen = int(state.normalise.seen[0])
        before = self.last_s if seen else times[0] - 1 / rate
        steps = torch.tensor([before, *times], dtype=torch.float64).diff() * rate
        with torch.inference_mode():
            pulse, self.state = self.net.advance(crops, steps[None].to(crops.dtype), state)
        self.last_s = times[-1]
        counts = seen + torch.arange(len(times))
        return pulse[0].cpu().float(), counts >= self.net.config.warmup


def _has_face(clip: Clip) -> list[bool]:
    if clip.boxes is None:
        return [True] * len(clip)
    found: list[bool] = (~clip.boxes.isnan().any(1)).tolist()
    return found


def _runs(present: list[bool], times: list[float], hold_s: float) -> list[tuple[int, int]]:
    """Return the stretches with a face, split where the network must start afresh."""
    runs, start = [], None
    for index, here in enumerate(present):
        jump = index > 0 and times[index] - times[index - 1] > hold_s
        if start is not None and (not here or jump):
            runs.append((start, index))
            start = None
        if here and start is None:
            start = index
    if start is not None:
        runs.append((start, len(present)))
    return runs
