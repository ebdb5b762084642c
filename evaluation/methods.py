"""What turns the crops of a clip into a pulse wave: a network by the frame, or a colour method."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float

from pulsephase.errors import ParameterError
from pulsephase.evaluation.cases import Case, Cases
from pulsephase.measurement.measure import classical_wave
from pulsephase.models.classical import METHODS as CLASSICAL
from pulsephase.models.classical import mean_colour
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream, placed


class Method(ABC):
    """A pulse method.

    Attributes:
        name: For the table.
        calibration: Under which `heart_rate` knows the quality of its waves.
    """

    name: str
    calibration: str

    @abstractmethod
    def size(self, cases: Cases) -> int:
        """Return the size of the crops it reads, in pixels.

        Raises:
            SamplingError: If it cannot read clips of this rate.
        """

    @abstractmethod
    def wave(self, case: Case, *, size: int, sample_hz: float) -> Float[np.ndarray, " time"]:
        """Return the pulse at the times of the clip, NaN where the method has none."""


@final
class Network(Method):
    """A network as it runs on footage: frame by frame, causal, its state held over short gaps.

    Its known delay is taken out of the time axis, so that the last ``delay`` samples of a clip have
    no pulse; nor have those without a face, and the warm-up after each start.

    Args:
        net: Ready for inference.
        name: For the table.
    """

    calibration = "phasenet"

    def __init__(self, net: PhaseNet, *, name: str) -> None:
        net.config.require_causal()
        self.net, self.name = net, name

    def size(self, cases: Cases) -> int:
        """Return the network's own size."""
        cases.check_rate(self.net.config.sample_hz, self.name)
        return self.net.config.size

    def wave(self, case: Case, *, size: int, sample_hz: float) -> Float[np.ndarray, " time"]:
        """Run the stream over the clip."""
        stream = PulseStream(self.net)
        said = [stream.run(piece) for piece in case.pieces(size)]
        pulse, valid = (torch.cat(column) for column in zip(*said, strict=True))
        face = torch.from_numpy(case.face)
        wave, counts = placed(pulse, valid, face, delay=self.net.config.delay)
        return wave.where(counts, torch.nan).double().numpy()


@final
class Classical(Method):
    """A colour method on the middle of the crop, stretch by stretch where there is a face.

    Args:
        name: One of `pulsephase.models.classical.METHODS`.

    Raises:
        ParameterError: If there is no such method.
    """

    def __init__(self, name: str) -> None:
        if name not in CLASSICAL:
            raise ParameterError(f"no method {name!r}; there are {', '.join(CLASSICAL)}")
        self.name = self.calibration = name

    def size(self, cases: Cases) -> int:
        """Take the size that the source has."""
        return cases.size()

    def wave(self, case: Case, *, size: int, sample_hz: float) -> Float[np.ndarray, " time"]:
        """Average the colour of each frame, and run the method on it."""
        colour = torch.cat([mean_colour(piece.frames) for piece in case.pieces(size)])
        seen = np.where(case.face[:, None], colour.double().numpy(), np.nan)
        return classical_wave(seen, self.name, sample_hz=sample_hz)


def methods_of(
    weights: Sequence[str | Path], classical: Sequence[str], *, device: str = "cpu"
) -> list[Method]:
    """Load networks and name classical methods, in the order of the table.

    Args:
        weights: Names of shipped weights, or paths.
        classical: Names of classical methods.
        device: Torch device of the networks.

    Raises:
        ParameterError: If there is no such method, none at all, or one twice.
        WeightsError: If there are no such weights.
    """
    found: list[Method] = [
        Network(PhaseNet.from_pretrained(each).to(device), name=_short(each)) for each in weights
    ]
    found += [Classical(name) for name in classical]
    names = [method.name for method in found]
    if not names or len(set(names)) != len(names):
        raise ParameterError(
            f"the methods are {', '.join(names) or 'none'}; name at least one, and each once"
        )
    return found


def _short(weights: str | Path) -> str:
    """Return the name that a table shows: of a run its folder, which tells runs apart.

    >>> _short("tiny"), _short("runs/ubfc/weights.safetensors"), _short("old/tiny-0.safetensors")
    ('tiny', 'ubfc', 'old/tiny-0')
    """
    path = Path(weights)
    if path.suffix != ".safetensors":
        return str(weights)
    folder = path.resolve().parent.name
    return folder if path.stem == "weights" else f"{folder}/{path.stem}"
