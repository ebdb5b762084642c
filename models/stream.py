"""PHASE-Net frame by frame: the same numbers as the clip, at a state of fixed size.

A face that is lost for up to a second leaves the state as it was (held); longer, and the network
starts afresh, its warm-up flagged again. Where there is no face there is no pulse: NaN.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pulsephase.checks import FURTHEST_S
from pulsephase.errors import ShapeError
from pulsephase.models.folded import Folded
from pulsephase.models.phasenet import PhaseNet, check_pixels
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

    The network runs in its folded form (`pulsephase.models.folded`, which also reads many faces
    side by side). What was read is in plain tensors: `state_dict` and `load_state_dict` stop and go
    on elsewhere with the same numbers.

    Args:
        net: A network; its weights are copied as they are now.
        hold_s: Longest gap in s over which the state is held.

    Raises:
        ParameterError: If the network sees the future.

    Example:
        >>> stream = PulseStream(PhaseNet.from_pretrained("tiny"))
        >>> sample = stream.step(torch.full((3, 36, 36), 0.5), time_s=0.0)
        >>> sample.valid, stream.state_bytes < 200_000
        (False, True)
    """

    def __init__(self, net: PhaseNet, *, hold_s: float = HOLD_S) -> None:
        self.config = net.config
        self.folded = Folded(net)
        self.hold_s = hold_s
        self.last_s = -math.inf
        self._seen = 0
        self._state = self.folded.initial_state(1)

    def step(self, frame: Tensor | None, time_s: float) -> PulseSample:
        """Read one frame, or none where there is no face.

        Args:
            frame: RGB crop in 0..1, 3 x height x width of the network's size.
            time_s: When it was taken; later than the frame before.

        Raises:
            ShapeError: If the frame is of the wrong shape or type, or time does not rise.
            ParameterError: If a pixel is not a number within 0..1.

        After an error the state is what it was before.
        """
        self._check_time(time_s, self.last_s)
        if frame is None:
            return PulseSample(math.nan, False)
        self._check_frames(frame[None])
        return self._advance(frame, time_s)

    def run(self, clip: Clip) -> tuple[Float[Tensor, " time"], Bool[Tensor, " time"]]:
        """Read the crops of a clip; frames whose box is NaN have no face.

        Returns:
            The pulse (NaN without a face), and where it counts.

        Raises:
            ShapeError: If the crops are of the wrong shape or type, or the clip begins before the
                end of what was read.
            ParameterError: If a pixel of a face is not a number within 0..1.
        """
        times = clip.times_s.tolist()
        last_s = self.last_s
        for time_s in times:
            self._check_time(time_s, last_s)
            last_s = time_s
        present = torch.arange(len(clip))
        if clip.boxes is not None:
            present = torch.nonzero(~clip.boxes.isnan().any(1))[:, 0]
        self._check_frames(clip.frames[present])
        pulse = torch.full((len(clip),), math.nan)
        valid = torch.zeros(len(clip), dtype=torch.bool)
        for index in present.tolist():
            pulse[index], valid[index] = self._advance(clip.frames[index], times[index])
        return pulse, valid

    @property
    def state_bytes(self) -> int:
        """Size of what the stream remembers."""
        return self._state.nbytes

    def state_dict(self) -> dict[str, Tensor]:
        """Return a copy of all that the stream remembers, by name."""
        tensors = {name: tensor.clone() for name, tensor in self._state.named().items()}
        return {"last_s": torch.tensor(self.last_s, dtype=torch.float64), **tensors}

    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `state_dict` returned, of a stream of the same network.

        Raises:
            ShapeError: If a tensor is missing, unknown, or of another shape or type; the state is
                then unchanged.
        """
        known = self.state_dict()
        for name in known.keys() | tensors.keys():
            if name not in known or name not in tensors:
                word = "unknown" if name in tensors else "missing"
                raise ShapeError(f"state {name!r} is {word}: it is of a stream of another network")
            found, wanted = tensors[name], known[name]
            if found.shape != wanted.shape or found.dtype != wanted.dtype:
                raise ShapeError(
                    f"state {name!r} is {found.dtype} of shape {tuple(found.shape)}; this network "
                    f"holds {wanted.dtype} of shape {tuple(wanted.shape)}"
                )
            known_s = name == "last_s" and float(found) == -math.inf  # nothing was read yet
            if not (known_s or bool(found.isfinite().all())):
                raise ShapeError(f"state {name!r} holds what is no number; save it again")
        self._state = self._state.with_named({name: each.clone() for name, each in tensors.items()})
        self._seen = int(self._state.seen[0])
        self.last_s = float(tensors["last_s"])

    def _check_time(self, time_s: float, last_s: float) -> None:
        if not (time_s > last_s and abs(time_s) < FURTHEST_S):
            raise ShapeError(
                f"frame at {time_s} s does not come after the one at {last_s} s, or is over "
                f"{FURTHEST_S:g} s away; feed frames in order, once each"
            )

    def _check_frames(self, frames: Tensor) -> None:
        size = self.config.size
        if frames.ndim != 4 or frames.shape[1:] != (3, size, size):
            raise ShapeError(
                f"a frame has shape {tuple(frames.shape[1:])}; this network takes "
                f"(3, {size}, {size}), RGB: crop and resize first"
            )
        check_pixels(frames)

    def _advance(self, frame: Tensor, time_s: float) -> PulseSample:
        rate, like = self.config.sample_hz, self._state.mean
        state, seen, step = self._state, self._seen, (time_s - self.last_s) * rate
        if time_s - self.last_s > self.hold_s:
            state, seen, step = self.folded.initial_state(1), 0, 1.0
        with torch.inference_mode():
            pulse, self._state = self.folded.step(frame[None].to(like), step, state)
        self._seen, self.last_s = seen + 1, time_s
        return PulseSample(float(pulse[0]), seen >= self.config.warmup)


def placed(
    pulse: Float[Tensor, " time"],
    valid: Bool[Tensor, " time"],
    face: Bool[Tensor, " time"],
    *,
    delay: int,
) -> tuple[Float[Tensor, " time"], Bool[Tensor, " time"]]:
    """Move what a stream said to the samples that it speaks of.

    A stream stands still while there is no face, so that an output speaks of the sample that lies
    ``delay`` samples *with a face* before it.

    Args:
        pulse: The outputs in the order of time.
        valid: Which of them count.
        face: Which samples have a face.
        delay: Of the network, in samples.

    Returns:
        The pulse of each sample, NaN where none was said, and where it counts.

    >>> late = torch.tensor([0.0, 1.0, torch.nan, torch.nan, 2.0, 3.0])
    >>> face = ~late.isnan()
    >>> placed(late, face, face, delay=1)[0].tolist()
    [1.0, 2.0, nan, nan, 3.0, nan]
    """
    present = torch.nonzero(face)[:, 0]
    spoken, heard = present[: max(len(present) - delay, 0)], present[delay:]
    at, counts = torch.full_like(pulse, torch.nan), torch.zeros_like(valid)
    at[spoken], counts[spoken] = pulse[heard], valid[heard]
    return at, counts
