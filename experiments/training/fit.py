"""Train: one function for every source and every mixture, that goes on where it was stopped."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulsephase.experiments.training.batches import Feed, Parts
from pulsephase.experiments.training.config import TrainConfig, share_of_batch
from pulsephase.experiments.training.network import build
from pulsephase.experiments.training.objective import Batch, Relabel, as_it_is, relabelled
from pulsephase.experiments.training.prepare import Prepared, prepare
from pulsephase.experiments.training.run_folder import RunFolder, origin
from pulsephase.experiments.training.settings import to_plain
from pulsephase.experiments.training.sources import collate
from pulsephase.experiments.training.surroundings import quiet
from pulsephase.experiments.training.world import hardware, require_lightning, world
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import save
from pulsephase.threads import threads

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

    from pulsephase.experiments.training.module import Training
    from pulsephase.experiments.training.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The outcome of a training.

    Attributes:
        net: The network with the weights kept, in inference mode.
        config: What was asked.
        history: Step, training loss (mean since the last row) and validation loss.
        best_step: Step of the weights kept: the averaged ones that validated best, or the last.
        seconds: Wall time, validations included, over all parts of an interrupted run.
        lags: What was found of the lag of each cache.
        described: The data, by name.
        leads: Whether this process is the first of those that trained together, which writes.
    """

    net: PhaseNet
    config: TrainConfig
    history: tuple[dict[str, int | float], ...]
    best_step: int
    seconds: float
    lags: Mapping[str, Any]
    described: Mapping[str, Any]
    leads: bool

    def card(self) -> dict[str, Any]:
        """Return what a reader of the weights must know; no time in it, so that reruns agree."""
        plain = to_plain(self.config)
        return {
            "data": self.described,
            "lag_frames": {Path(cache).name: lag["frames"] for cache, lag in self.lags.items()},
            "config": {
                key: value for key, value in plain.items() if key not in ("machine", "data")
            },
            "clips": self.config.clips,
            "best_step": self.best_step,
            "history": list(self.history),
            **{key: value for key, value in origin().items() if key != "machine"},
        }


def fit(
    config: TrainConfig,
    *,
    folder: Path | None = None,
    report: Callable[[int, float], None] = lambda step, loss: None,
    relabel: Relabel = as_it_is,
) -> Trained:
    """Train a network, or go on with its training.

    The clips, the arithmetic, and so the weights are a function of the config alone: on a CPU with
    the same number of threads an interrupted run ends in the same bytes as one that was not.

    Args:
        config: The training.
        folder: Of the run, see :mod:`~pulsephase.experiments.training.run_folder`; none writes
            nothing, and cannot be taken up again.
        report: Called after each step with its number and loss.
        relabel: What is done to the tensors of each batch, held-out ones too, for a control such as
            shuffled labels. It is no part of the config: give it no folder.

    Raises:
        MissingExtraError: If the extra ``train`` is not installed.
        InputError: If data cannot be used, the folder cannot be written, or its checkpoint is
            damaged.
        ParameterError: If the config fits neither itself nor the data.
        TrainingError: If the folder holds another training, or a loss is not finite.
        WeightsError: If the weights to begin with cannot be used.
    """
    require_lightning()
    with threads(config.machine.threads), quiet():
        return _fit(config, folder, report, relabel)


def _fit(
    config: TrainConfig,
    folder: Path | None,
    report: Callable[[int, float], None],
    relabel: Relabel,
) -> Trained:
    from pulsephase.experiments.training.checkpoint import KEY, to_take_up
    from pulsephase.experiments.training.module import Training
    from pulsephase.experiments.training.progress import Progress

    size = share_of_batch(config, ranks=world(config.machine).ranks)
    net = build(config.network, seed=config.seed)
    run, held = None, None
    if folder is not None:
        run = RunFolder(path=folder)
        run.check(config)
        held = to_take_up(run.checkpoint, config)
    prepared = prepare(config, lags=json.loads(held[KEY]["lags"]) if held else None)
    module = Training(net, config, relabel=relabel)
    progress = Progress(
        config,
        held_out=[relabelled(batch, relabel) for batch in held_out(prepared, config)],
        lags=dict(prepared.lags),
        checkpoint=run.checkpoint if run else None,
        report=report,
    )
    trainer = _trainer(config, run, progress, step=held["global_step"] if held else 0)
    if run and trainer.is_global_zero:
        run.begin(config, known={"data": prepared.described, "lags": prepared.lags})
    parts = Parts(
        mixture=prepared.mixture,
        size=size,
        accumulate=config.data.accumulate,
        rank=trainer.global_rank,
        ranks=trainer.world_size,
    )
    module.feed = lambda: Feed(
        parts,
        start=trainer.global_step * config.data.accumulate,
        stop=config.optimiser.steps * config.data.accumulate,
        workers=config.machine.workers,
    )
    try:
        trainer.fit(module, ckpt_path=str(run.checkpoint) if held and run else None)
    except SystemExit:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from None
    trained = _outcome(module, progress, prepared, leads=trainer.is_global_zero)
    if run and trained.leads:
        _finish(run, trained)
    return trained


def held_out(prepared: Prepared, config: TrainConfig) -> list[Batch]:
    """Make the clips of a validation, in batches."""
    clips = prepared.mixture.held_out(config.data.held_out)
    size = max(1, config.data.batch // config.data.accumulate)
    return [collate(clips[start : start + size]) for start in range(0, len(clips), size)]


def _trainer(
    config: TrainConfig, run: RunFolder | None, progress: "Progress", *, step: int
) -> "Trainer":
    from lightning.pytorch import Trainer

    from pulsephase.experiments.training.checkpoint import WholeCheckpoints

    options = config.optimiser
    return Trainer(
        **hardware(config.machine, precision=options.precision),
        precision=options.precision,
        max_steps=options.steps,
        max_epochs=-1,
        accumulate_grad_batches=config.data.accumulate,
        gradient_clip_val=options.clip_norm,
        callbacks=[progress],
        logger=_logs(run, step) if run else False,
        plugins=[WholeCheckpoints()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        limit_val_batches=0,
        default_root_dir=str(run.path) if run else None,
    )


def _logs(run: RunFolder, step: int) -> Sequence[Any]:
    from lightning.pytorch.loggers import TensorBoardLogger
    from lightning.pytorch.utilities import rank_zero_only

    from pulsephase.experiments.training.metrics import CsvLog

    if rank_zero_only.rank != 0:  # type: ignore[attr-defined]
        return []
    board = TensorBoardLogger(
        run.path, name="", version="tensorboard", default_hp_metric=False, purge_step=step + 1
    )
    return [CsvLog(run.metrics, step=step), board]


def _outcome(
    module: "Training", progress: "Progress", prepared: Prepared, *, leads: bool
) -> Trained:
    from pulsephase.experiments.training.progress import weights_of

    state, config = progress.state, module.config
    net = PhaseNet(module.average.config).to(config.machine.device)
    net.load_state_dict(state.best or weights_of(module))
    return Trained(
        net=net.eval(),
        config=config,
        history=tuple(state.history),
        best_step=state.best_step or config.optimiser.steps,
        seconds=progress.seconds,
        lags=prepared.lags,
        described=prepared.described,
        leads=leads,
    )


def _finish(run: RunFolder, trained: Trained) -> None:
    save(
        run.weights,
        config=trained.net.config,
        tensors=trained.net.state_dict(),
        card=trained.card(),
    )
    run.finish(
        {
            "data": trained.described,
            "lags": trained.lags,
            "clips": trained.config.clips,
            "seconds": round(trained.seconds, 1),
            "best_step": trained.best_step,
            "history": list(trained.history),
        }
    )
