"""Checkpoints: written whole or not at all, by the clock, and only taken up by their own config."""

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from pulsephase.errors import InputError, TrainingError
from pulsephase.experiments.training.config import TrainConfig
from pulsephase.experiments.training.settings import differences
from pulsephase.files import whole_file

KEY = "pulsephase"
"""Where in a checkpoint our own record stands."""


@final
class WholeCheckpoints(TorchCheckpointIO):
    """Writes beside the older checkpoint and then takes its place; reads plain data alone."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; on a full disk the older one stays."""
        held = io.BytesIO()
        torch.save(checkpoint, held)
        with whole_file(path) as temporary:
            temporary.write_bytes(held.getbuffer())

    def load_checkpoint(
        self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint, never with pickled code."""
        return read(Path(path))


def read(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        InputError: If it is damaged.
    """
    try:
        held: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if KEY not in held:
            raise ValueError("not written by pulsephase")
    except Exception as error:  # noqa: BLE001  (what torch raises depends on where it is torn)
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"the checkpoint {path} is damaged or none ({reason}); remove it to start again"
        ) from None
    return held


def to_take_up(path: Path, config: TrainConfig) -> dict[str, Any] | None:
    """Return the checkpoint that a training of this config goes on from, none if there is none.

    Raises:
        InputError: If it is damaged.
        TrainingError: If it is of another config; names the keys that differ.
    """
    if not path.exists():
        return None
    held = read(path)
    other = differences(config, json.loads(held[KEY]["config"]))
    if other:
        raise TrainingError(
            f"{path.parent} holds a training of another config ({'; '.join(other)}); "
            "name another folder, or remove it to start again"
        )
    return held


@final
class Timer:
    """Says when so much time has passed since it last said so.

    Args:
        every_s: How much.
        clock: Seconds that only rise.

    Example:
        >>> clock = iter([0.0, 5.0, 10.0, 12.0]).__next__
        >>> timer = Timer(10.0, clock=clock)
        >>> timer.due(), timer.due(), timer.due()
        (False, True, False)
    """

    def __init__(self, every_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s, self._clock = every_s, clock
        self._last_s = clock()

    def due(self) -> bool:
        """Tell whether it is time, and start again if so."""
        now_s = self._clock()
        if now_s - self._last_s < self._every_s:
            return False
        self._last_s = now_s
        return True
