"""The folder of a run: its config, what it ran on, its log, its checkpoint and its weights.

``config.json``
    every key; ``pulsephase train --run FOLDER`` goes on, or runs it anew
``run.json``
    revision, versions, machine, data, lags, and, at the end, the outcome
``metrics.csv``, ``tensorboard/``
    the log
``speed.csv``, ``elapsed.json``
    what a clock said of it: no two runs share that
``checkpoint.pt``
    all that the run needs to go on as if nothing had happened
``weights.safetensors``
    the averaged weights that validated best
"""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pulsephase.errors import InputError, TrainingError
from pulsephase.files import read_json, write_json
from pulsephase.machine import machine, revision
from pulsephase.training.config import TrainConfig
from pulsephase.training.settings import differences, from_plain, to_plain

PARTS = ("pulsephase", "torch", "lightning", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """The files of a run.

    Attributes:
        path: Of the folder.
    """

    path: Path

    @property
    def config(self) -> Path:
        """Every key of the training."""
        return self.path / "config.json"

    @property
    def record(self) -> Path:
        """What it ran on, and its outcome."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """The log as a table."""
        return self.path / "metrics.csv"

    @property
    def speed(self) -> Path:
        """How fast it went, as a table."""
        return self.path / "speed.csv"

    @property
    def checkpoint(self) -> Path:
        """What the run goes on from."""
        return self.path / "checkpoint.pt"

    @property
    def weights(self) -> Path:
        """The outcome."""
        return self.path / "weights.safetensors"

    def check(self, config: TrainConfig) -> None:
        """See that the folder can be written and holds no other training.

        Raises:
            InputError: If it cannot be written.
            TrainingError: If it holds a training of another config; names the keys.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".probe"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise InputError(
                f"the folder {self.path} cannot be written ({error.strerror}); name another"
            ) from None
        if self.config.exists():
            other = differences(config, _plain(self.config))
            if other:
                raise TrainingError(
                    f"{self.path} holds a training of another config ({'; '.join(other)}); "
                    "name another folder, or remove it to start again"
                )

    def begin(self, config: TrainConfig, *, known: dict[str, Any]) -> None:
        """Write the config, and what the run begins on."""
        write_json(self.config, to_plain(config))
        write_json(self.record, {**origin(), "finished": False, **known})

    def finish(self, known: dict[str, Any]) -> None:
        """Write the outcome."""
        write_json(self.record, {**origin(), "finished": True, **known})


def read_config(folder: Path) -> TrainConfig:
    """Return the config of a run.

    Raises:
        InputError: If the folder holds none.
        ParameterError: If it is one of another version.
    """
    return from_plain(_plain(RunFolder(path=folder).config))


def _plain(path: Path) -> dict[str, Any]:
    try:
        plain = read_json(path)
        if not isinstance(plain, dict):
            raise ValueError("no keys")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no config of a training ({error})") from None
    return plain


def origin() -> dict[str, Any]:
    """Return what a run ran on."""
    versions = {part: version(part) for part in PARTS}
    return {
        "revision": revision(),
        "versions": {"python": platform.python_version(), **versions},
        "machine": machine(),
    }
