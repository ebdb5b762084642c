"""What happens after each step: average, validate, log, checkpoint, in this order.

Checkpoints are written whole or not at all, by the clock, and taken up only by their own config.
The log is one CSV that an interrupted run goes on with.
"""

import csv
import io
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from pulsephase.errors import InputError, TrainingError
from pulsephase.files import read_json, whole_file, write_json
from pulsephase.models.losses import normaliser
from pulsephase.training.config import TrainConfig
from pulsephase.training.distributed import all_sum
from pulsephase.training.module import Training, batch_losses
from pulsephase.training.settings import differences, to_plain
from pulsephase.training.sources import Batch

ELAPSED = "elapsed.json"
"""Beside a checkpoint: the wall time so far, which no two runs share."""
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


@dataclass(slots=True, kw_only=True)
class State:
    """What a run knows of itself, kept in its checkpoint.

    Attributes:
        step: Steps done.
        seconds: Wall time so far, over all parts of the run.
        history: Step, mean training loss since the row before, validation loss.
        best_step: Step of the weights that validated best.
        best_loss: Their validation loss.
        best: They themselves.
    """

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, int | float]] = field(default_factory=list)
    best_step: int = 0
    best_loss: float = math.inf
    best: dict[str, Tensor] = field(default_factory=dict)


@final
class Progress(Callback):
    """Keeps the state of a run.

    Args:
        config: The training.
        held_out: Batches to validate on; empty keeps the last weights.
        lags: As they were found, for the checkpoint.
        checkpoint: Where to, or none.
        report: Called after each step with its number and the loss of its last part.
    """

    def __init__(
        self,
        config: TrainConfig,
        *,
        held_out: Sequence[Batch],
        lags: dict[str, Any],
        checkpoint: Path | None,
        report: Callable[[int, float], None],
    ) -> None:
        self.state = State()
        self._config, self._held_out, self._lags = config, held_out, lags
        self._checkpoint, self._report = checkpoint, report
        self._timer = Timer(config.record.checkpoint_s)
        self._began_s = time.perf_counter()
        self._logged_step, self._logged_s, self._logged_waited_s = 0, self._began_s, 0.0

    @property
    def seconds(self) -> float:
        """Wall time so far, over all parts of the run."""
        return self.state.seconds + time.perf_counter() - self._began_s

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count where the run goes on."""
        self.state.step = self._logged_step = trainer.global_step
        self._logged_s = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Do what a step asks for, once all its parts were read."""
        assert isinstance(pl_module, Training)
        step = trainer.global_step
        if step == self.state.step:
            return
        self.state.step = step
        pl_module.average_in()
        self._report(step, pl_module.last_loss)
        record, last = self._config.record, step == self._config.optimiser.steps
        validates = step % record.validate_every == 0 or last
        if validates:
            self._validate(trainer, pl_module)
        if validates or step % record.log_every == 0:
            self._log(trainer, pl_module)
        if self._checkpoint is not None and (self._due(trainer) or last):
            trainer.save_checkpoint(self._checkpoint)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the state into a checkpoint."""
        assert isinstance(pl_module, Training)
        state = self.state
        if self._checkpoint is not None and trainer.is_global_zero:
            write_json(self._checkpoint.with_name(ELAPSED), {"seconds": self.seconds})
        checkpoint[KEY] = {
            "config": json.dumps(to_plain(self._config)),
            "history": state.history,
            "best_step": state.best_step,
            "best_loss": state.best_loss,
            "best": state.best,
            "lags": json.dumps(self._lags),
            "meters": [meter.held() for meter in pl_module.meters],
        }

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take the state out of a checkpoint."""
        assert isinstance(pl_module, Training)
        held = checkpoint[KEY]
        self.state = State(
            seconds=self._elapsed(),
            history=held["history"],
            best_step=held["best_step"],
            best_loss=held["best_loss"],
            best=held["best"],
        )
        for meter, values in zip(pl_module.meters, held["meters"], strict=True):
            meter.hold(values if trainer.is_global_zero else torch.zeros(3))

    def _elapsed(self) -> float:
        """Return the wall time of earlier parts of the run, as far as it is known."""
        if self._checkpoint is None:
            return 0.0
        try:
            return float(read_json(self._checkpoint.with_name(ELAPSED))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0

    def _due(self, trainer: Trainer) -> bool:
        """Go by the clock of the first process, for all of them."""
        due = self._timer.due() and trainer.is_global_zero
        return due if trainer.world_size == 1 else _any(due, trainer.strategy.root_device)

    def _validate(self, trainer: Trainer, module: Training) -> None:
        measured = validate(
            module, self._held_out, rank=trainer.global_rank, ranks=trainer.world_size
        )
        row: dict[str, int | float] = {"step": self.state.step, "loss": module.meters[1].take()}
        if not self._held_out:
            self.state.history.append(row)
            return
        if not math.isfinite(measured):
            raise TrainingError(f"the validation loss is {measured} at step {self.state.step}")
        self.state.history.append({**row, "validation_loss": measured})
        if measured < self.state.best_loss:
            self.state.best_loss, self.state.best_step = measured, self.state.step
            self.state.best = weights_of(module)

    def _log(self, trainer: Trainer, module: Training) -> None:
        now_s, waited_s = time.perf_counter(), module.fed.waited_s if module.fed else 0.0
        passed_s = max(now_s - self._logged_s, 1e-9)
        steps = self.state.step - self._logged_step
        row: dict[str, float] = {
            "loss": module.meters[0].take(),
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "gradient_norm": module.gradient_norm,
            "clips_per_s": steps * self._config.data.batch / passed_s,
            "data_share": (waited_s - self._logged_waited_s) / passed_s,
        }
        last = self.state.history[-1] if self.state.history else {}
        if last.get("step") == self.state.step and "validation_loss" in last:
            row["validation_loss"] = last["validation_loss"]
        for logger in trainer.loggers:
            logger.log_metrics(row, step=self.state.step)
        self._logged_step, self._logged_s, self._logged_waited_s = self.state.step, now_s, waited_s


def validate(
    module: Training, held_out: Sequence[Batch], *, rank: int = 0, ranks: int = 1
) -> float:
    """Return the loss of the averaged network on the held-out clips, shared by all processes."""
    total = torch.zeros(3, device=module.device)
    with torch.inference_mode():
        for batch in held_out[rank::ranks]:
            losses, tally = batch_losses(
                module.average, batch, weights=module.config.loss, device=module.device
            )
            total += torch.cat([losses.sum()[None], tally])
    total = all_sum(total.clone())
    return float(total[0] / normaliser(total[1:]))


def weights_of(module: Training) -> dict[str, Tensor]:
    """Return a copy of the averaged weights."""
    return {
        name: tensor.detach().cpu().clone() for name, tensor in module.average.state_dict().items()
    }


def _any(answer: bool, device: torch.device) -> bool:
    return bool(all_sum(torch.tensor(float(answer), device=device)) > 0)


COLUMNS = (
    "step",
    "loss",
    "validation_loss",
    "learning_rate",
    "gradient_norm",
)
SPEED = ("step", "clips_per_s", "data_share")
"""``data_share`` is the share of the time that was spent waiting for clips. What a clock says has a
table of its own, so that two runs of one config write the same bytes."""


@final
class CsvLog(Logger):
    """Appends a row each time; rows beyond the step that a run is taken up from are dropped.

    Args:
        path: Of the file.
        step: The step that the run goes on from.
        columns: What is kept of a row.
    """

    def __init__(self, path: Path, *, step: int, columns: Sequence[str] = COLUMNS) -> None:
        super().__init__()
        self.path, self.columns = path, columns
        kept = [row for row in rows(path) if int(row["step"]) <= step] if path.exists() else []
        with whole_file(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)

    @property
    def name(self) -> str:
        """Name of the log."""
        return "csv"

    @property
    def version(self) -> str:
        """There is one."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Write nothing: the run's folder holds its config."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append a row."""
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self.columns, extrasaction="ignore")
            writer.writerow({"step": step, **metrics})


def rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a log; a last one that was cut off is left out."""
    with path.open(newline="") as file:
        found = [row for row in csv.DictReader(file) if row["step"].isdigit()]
    return [row for row in found if None not in row.values()]
