"""What can be interpreted: a function from frames to pulse, ours or anybody's.

`Network` is a PHASE-Net, whose head can also be looked at alone. `Foreign` wraps any function that
torch can differentiate; give it ``redraw`` and the decisive null (the same architecture with random
weights) can be built for it too.

A subject is opened from the name of shipped weights, a file of weights, or Python code.
"""

import copy
import runpy
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import InputError, ParameterError, PulsePhaseError, ShapeError, WeightsError
from pulsephase.models.config import PhaseNetConfig
from pulsephase.models.heads import temporal_head
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.tcn import TemporalHead
from pulsephase.models.weights import load

MARGIN = 96
"""Frames beside warm-up and receptive field, for later frames and several output times."""
SHORTEST = 256
"""Frames of the shortest clip that a budget has."""

Frames = Float[Tensor, "batch time 3 height width"]
Wave = Float[Tensor, "batch time"]


@runtime_checkable
class Subject(Protocol):
    """Whatever maps face crops to a pulse, one number a frame, differentiably."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def size(self) -> int:
        """Height and width of its crops in pixels."""

    @property
    def sample_hz(self) -> float:
        """Frames per second that it was made for."""

    @property
    def warmup(self) -> int:
        """Frames after a start before its output counts."""

    @property
    def frames(self) -> int | None:
        """Length of the clips that it must or should be given; none for any."""

    @property
    def dtype(self) -> torch.dtype:
        """Type of the frames it takes; double makes the responses exact to rounding."""

    @property
    def device(self) -> str:
        """Torch device of its frames."""

    def __call__(self, frames: Frames) -> Wave:
        """Return the pulse of frames in 0..1."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """Anybody's network.

    Attributes:
        function: Frames (batch, time, 3, size, size) in 0..1 to pulse (batch, time), in inference
            mode (no dropout, batch statistics frozen), differentiable.
        name: What reports call it.
        size: Height and width of its crops in pixels.
        sample_hz: Frames per second.
        warmup: Frames after a start before its output counts.
        frames: Length of clip that it takes; none for any.
        dtype: Of the frames; ``net.double()`` and the default give responses exact to rounding.
        device: Torch device of the frames.
        redraw: Returns the same architecture with random weights of a seed: the decisive null.

    Example:
        >>> mean = lambda frames: frames.mean((2, 3, 4))
        >>> flat = Foreign(function=mean, name="mean", size=8, sample_hz=30.0)
        >>> flat(torch.ones(1, 4, 3, 8, 8)).tolist()
        [[1.0, 1.0, 1.0, 1.0]]
    """

    function: Callable[[Frames], Wave]
    name: str
    size: int
    sample_hz: float
    warmup: int = 0
    frames: int | None = None
    dtype: torch.dtype = torch.float64
    device: str = "cpu"
    redraw: Callable[[int], Callable[[Frames], Wave]] | None = None

    def __post_init__(self) -> None:
        if self.size < 1 or not self.sample_hz > 0 or self.warmup < 0:
            raise ParameterError(
                f"size is {self.size} px, sample_hz {self.sample_hz}, warmup {self.warmup} frames; "
                "give a size of at least 1, a rate above 0 and a warm-up of at least 0"
            )

    def __call__(self, frames: Frames) -> Tensor:
        """Return what the function makes of frames in 0..1; `check_wave` judges its shape.

        Raises:
            InputError: If the function raises; says what, and for which frames.
        """
        try:
            return self.function(frames)
        except Exception as error:  # somebody else's code
            raise InputError(
                f"{self.name} fails on frames {tuple(frames.shape)} of {frames.dtype} on "
                f"{frames.device}: {type(error).__name__}: {error}"
            ) from error

    def redrawn(self, seed: int) -> "Foreign":
        """Return it with random weights of a seed.

        Raises:
            ParameterError: If no ``redraw`` was given.
        """
        if self.redraw is None:
            raise ParameterError(f"{self.name} has no redraw; give one for the decisive null")
        return replace(self, function=self.redraw(seed), name=f"{self.name}, redrawn {seed}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A PHASE-Net in double precision, frozen, in inference mode.

    Attributes:
        net: The network; `network_of` makes it ready.
        name: What reports call it.
        device: Torch device it is on.
    """

    net: PhaseNet
    name: str
    device: str = "cpu"

    @property
    def config(self) -> PhaseNetConfig:
        """The network's shape."""
        return self.net.config

    @property
    def size(self) -> int:
        """Height and width of its crops in pixels."""
        return self.net.config.size

    @property
    def sample_hz(self) -> float:
        """Frames per second."""
        return self.net.config.sample_hz

    @property
    def warmup(self) -> int:
        """Frames after a start before its output counts."""
        return self.net.config.warmup

    @property
    def frames(self) -> int | None:
        """Enough for warm-up, receptive field and look-ahead, where that is much; none for any."""
        needed = self.warmup + self.net.config.receptive_field + MARGIN
        return needed if needed > SHORTEST else None

    @property
    def dtype(self) -> torch.dtype:
        """Double."""
        return torch.float64

    def __call__(self, frames: Frames) -> Wave:
        """Return the pulse of frames in 0..1."""
        found: Tensor = self.net(frames)
        return found

    def motion(self, frames: Frames) -> Float[Tensor, "batch time channel"]:
        """Return position and velocity, what the head reads; without gradients."""
        batch, time = frames.shape[:2]
        with torch.no_grad():
            steps = frames.new_ones(batch, time)
            return self.net.motion(frames, steps, self.net.initial_state(batch))[0]

    def head(self, motion: Float[Tensor, "batch time channel"]) -> Wave:
        """Return the pulse that the head makes of position and velocity, from rest."""
        return wave_of(self.net.head, motion)

    def redrawn_head(self, seed: int) -> TemporalHead:
        """Return a head of the same architecture with random weights of a seed."""
        return random_head(self.config, seed=seed).to(self.device)


def fixed_length(subject: Subject) -> int | None:
    """Return how many frames a subject must be given; none where any number will do."""
    return None if isinstance(subject, Network) else subject.frames


def wave_of(head: TemporalHead, motion: Float[Tensor, "batch time channel"]) -> Wave:
    """Return a head's wave of whole clips, from rest."""
    found: Tensor = head(motion, head.initial_state(len(motion), motion))[0]
    return found


def random_head(config: PhaseNetConfig, *, seed: int) -> TemporalHead:
    """Return the head of a config with weights as training would start from, in double."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = temporal_head(
            config.head,
            channels=2 * config.position_channels,
            width=config.width,
            layers=config.layers,
            kernel=config.kernel,
            sample_hz=config.sample_hz,
        )
    return head.double().eval().requires_grad_(False)


def network_of(net: PhaseNet, *, name: str, device: str = "cpu") -> Network:
    """Return a PHASE-Net as a subject: a copy in double precision, in inference mode."""
    ready = copy.deepcopy(net).double().eval().requires_grad_(False).to(device)
    return Network(net=ready, name=name, device=device)


def random_network(config: PhaseNetConfig, *, seed: int, device: str = "cpu") -> Network:
    """Return a PHASE-Net with the weights that training would start from."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = PhaseNet(config)
    return network_of(net, name=f"random weights, seed {seed}", device=device)


def check_wave(subject: Subject, wave: Tensor, *, like: Frames) -> None:
    """Refuse a pulse that is not one differentiable number a frame.

    Raises:
        ShapeError: If the pulse is not (batch, time).
        ParameterError: If it is not finite, or has no gradient to the frames.
    """
    if wave.shape != like.shape[:2]:
        raise ShapeError(
            f"{subject.name} gives {tuple(wave.shape)} for frames {tuple(like.shape)}; wrap it "
            "so that it gives one number a frame, (batch, time)"
        )
    if not bool(torch.isfinite(wave).all()):
        raise ParameterError(f"{subject.name} gives a pulse that is not finite on these clips")
    if wave.grad_fn is None:
        raise ParameterError(
            f"{subject.name} has no gradient to its frames: do not detach, convert to numpy or "
            "run under no_grad inside the function"
        )


def open_network(name_or_path: str | Path, *, device: str = "cpu") -> Network:
    """Load shipped weights by name or a safetensors file, causal or not.

    Raises:
        WeightsError: If there are no such weights, or the file is damaged or another network's.
    """
    config, tensors = load(name_or_path)
    net = PhaseNet(config)
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise WeightsError(
            f"{name_or_path} holds the tensors of another architecture than its config says "
            f"({first}); export it again"
        ) from None
    return network_of(net, name=str(name_or_path), device=device)


def open_subject(name_or_path: str, *, device: str = "cpu") -> Subject:
    """Return shipped weights, a safetensors file, or what ``FILE.py:NAME`` defines.

    The file is run: NAME is a `Subject`, such as a `Foreign`, or a function that returns one.

    Raises:
        WeightsError: If there are no such weights, or the file is damaged or another network's.
        InputError: If there is no such file or name, or it is no subject.
    """
    file, _, name = name_or_path.rpartition(":")
    if not file.endswith(".py"):
        return open_network(name_or_path, device=device)
    path = Path(file)
    if not path.is_file():
        raise InputError(f"there is no file {file}")
    try:
        names = runpy.run_path(str(path))
        found = names.get(name)
        if found is not None and not isinstance(found, Subject) and callable(found):
            found = found()
    except PulsePhaseError:
        raise
    except Exception as error:  # whatever the user's own file does
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"{file} cannot be used: {type(error).__name__}: {error} "
            f"(line {last.lineno} of {Path(last.filename).name})"
        ) from error
    if name not in names:
        raise InputError(f"{file} defines no {name!r}; {_subjects_of(names)}")
    if not isinstance(found, Subject):
        raise InputError(
            f"{name} in {file} is {type(found).__name__}; it must be a Subject, such as "
            "pulsephase.interpret.subject.Foreign, or a function that returns one"
        )
    return found


def _subjects_of(names: dict[str, Any]) -> str:
    """Return what a file offers instead."""
    there = [name for name, value in names.items() if isinstance(value, Foreign | Network)]
    return f"it defines {', '.join(there)}" if there else "name a Subject that it defines"
