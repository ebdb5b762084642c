"""What happens after each step: average, validate, log, checkpoint, in this order."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from pulsephase.errors import TrainingError
from pulsephase.experiments.training.checkpoint import KEY, Timer
from pulsephase.experiments.training.config import TrainConfig
from pulsephase.experiments.training.module import Training
from pulsephase.experiments.training.objective import Batch, batch_losses
from pulsephase.experiments.training.settings import to_plain
from pulsephase.experiments.training.sync_norm import all_sum
from pulsephase.models.losses import normaliser


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
        checkpoint[KEY] = {
            "config": json.dumps(to_plain(self._config)),
            "seconds": self.seconds,
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
            seconds=held["seconds"],
            history=held["history"],
            best_step=held["best_step"],
            best_loss=held["best_loss"],
            best=held["best"],
        )
        for meter, values in zip(pl_module.meters, held["meters"], strict=True):
            meter.hold(values if trainer.is_global_zero else torch.zeros(3))

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
