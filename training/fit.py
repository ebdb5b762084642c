"""Train: one function for every source and every mixture, that goes on where it was stopped.

Everything that a training reads is opened and checked before it starts.
"""

import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulsephase.errors import ParameterError
from pulsephase.files import locked
from pulsephase.machine import threads
from pulsephase.models.config import PhaseNetConfig
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import save
from pulsephase.training.caches import MOST_CLIPS, FittedLag, Readable, chosen, fit_lag, open_cache
from pulsephase.training.config import CachedSource, TrainConfig, share_of_batch
from pulsephase.training.distributed import hardware, require_lightning, world
from pulsephase.training.network import build, network_config
from pulsephase.training.planted import planted
from pulsephase.training.run_folder import RunFolder, origin
from pulsephase.training.settings import to_plain
from pulsephase.training.sources import (
    Batch,
    Feed,
    Mixture,
    Parts,
    Recorded,
    Relabel,
    Source,
    as_it_is,
    collate,
    relabelled,
    rendered,
)

MOST_EPOCHS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The sources of a training.

    Attributes:
        mixture: Of all of them.
        lags: What is known of the lag of each cache, by its folder.
        described: What a reader of the weights must know of the data.
    """

    mixture: Mixture
    lags: Mapping[str, Mapping[str, Any]]
    described: Mapping[str, Any]

    @property
    def windows(self) -> int:
        """Clips in an epoch of the recordings; 0 without any."""
        return sum(s.windows for s in self.mixture.sources if isinstance(s, Recorded))


def prepare(
    config: TrainConfig, *, lags: Mapping[str, Mapping[str, Any]] | None = None
) -> Prepared:
    """Open the sources of a training, and fit the lags that are not known.

    Args:
        config: The training.
        lags: By cache, as an earlier part of the same run found them.

    Raises:
        InputError: If a cache, or a recording in it, cannot be used.
        ParameterError: If a source does not fit the network, or has nothing to train on.
    """
    network = network_config(config.network)
    frames = config.data.frames
    _check_length(network, frames)
    opened = [(s, open_cache(s, network=network, frames=frames)) for s in config.data.cached]
    known: dict[str, Mapping[str, Any]] = dict(lags or {})
    for source, readable in opened:
        if source.cache not in known:
            known[source.cache] = asdict(_lag(source, readable))
    # A worker hands its clips over in memory, and so does a cache; the rest is used where it is.
    real = opened or config.data.planted
    device = "cpu" if config.machine.workers or real else config.machine.device
    sources: list[Source] = [
        rendered(source, network=network, frames=frames, seed=config.seed, device=device)
        for source in config.data.synthetic
    ]
    sources += [
        planted(source, network=network, frames=frames, seed=config.seed)
        for source in config.data.planted
    ]
    sources += [
        Recorded(
            readable=readable,
            share=source.share,
            frames=frames,
            seed=config.seed,
            lag_frames=float(known[source.cache]["frames"]),
        )
        for source, readable in opened
    ]
    return Prepared(
        mixture=Mixture(sources=tuple(sources), seed=config.seed),
        lags=known,
        described=_described(config, opened),
    )


def _check_length(network: PhaseNetConfig, frames: int) -> None:
    least = network.warmup + round(network.sample_hz)
    if frames < least:
        raise ParameterError(
            f"data.frames is {frames}; {network.warmup} are warm-up and a second must be left, "
            f"so give at least {least}"
        )


def _lag(source: CachedSource, readable: Readable) -> FittedLag:
    if source.lag_frames is not None:
        return FittedLag(frames=source.lag_frames, spread_frames=0.0, clips=0, used=0)
    entries = chosen(readable.training, MOST_CLIPS)
    return fit_lag(readable.read(entry) for entry in entries)


def _described(config: TrainConfig, opened: list[tuple[CachedSource, Readable]]) -> dict[str, Any]:
    """Name data sets rather than folders: weights travel."""
    recorded = [
        {
            "dataset": readable.dataset,
            "split": Path(source.split).name or "everybody",
            "share": source.share,
            "training": [entry.name for entry in readable.training],
            "validation": [entry.name for entry in readable.validation],
            **({"damaged": sorted(readable.damaged)} if readable.damaged else {}),
        }
        for source, readable in opened
    ]
    return {"synthetic": [asdict(s) for s in config.data.synthetic], "recorded": recorded}


def epochs(config: TrainConfig, count: int | float) -> TrainConfig:
    """Return the config with as many steps as ``count`` epochs of its recordings take.

    Raises:
        ParameterError: If there are no recordings, or the count is not above 0 and below a million.
    """
    if not 0 < count <= MOST_EPOCHS:
        raise ParameterError(f"epochs is {count}; it must be above 0, and at most {MOST_EPOCHS:,}")
    fixed = tuple(replace(s, lag_frames=s.lag_frames or 0.0) for s in config.data.cached)
    windows = prepare(replace(config, data=replace(config.data, cached=fixed))).windows
    if not windows:
        raise ParameterError("an epoch is one of recordings; give steps for synthetic clips")
    steps = max(1, -(-round(count * windows) // config.data.batch))
    return replace(config, optimiser=replace(config.optimiser, steps=steps))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's own prints and hints out of the commands' output; errors stay."""
    import lightning.pytorch  # noqa: F401  (it sets its loggers' levels when it is loaded)

    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


if TYPE_CHECKING:
    from lightning.pytorch import Trainer

    from pulsephase.training.module import Training
    from pulsephase.training.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
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

    def __repr__(self) -> str:
        return (
            f"Trained({self.config.optimiser.steps} steps, {self.config.clips} clips, weights of "
            f"step {self.best_step}, {self.seconds:.0f} s)"
        )

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
    folder: str | Path | None = None,
    report: Callable[[int, float], None] = lambda step, loss: None,
    relabel: Relabel = as_it_is,
) -> Trained:
    """Train a network, or go on with its training.

    The clips, the arithmetic, and so the weights are a function of the config alone: on a CPU with
    the same number of threads an interrupted run ends in the same bytes as one that was not.

    Args:
        config: The training.
        folder: Of the run, see :mod:`~pulsephase.training.run_folder`; none writes
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
    place = None if folder is None else Path(folder)
    with threads(config.machine.threads), quiet(), _kept(place, config):
        return _fit(config, place, report, relabel)


def _kept(folder: Path | None, config: TrainConfig) -> AbstractContextManager[None]:
    """Keep the folder of a run to this process, or to the first of those that train together."""
    first = all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK"))
    if folder is None or not first:
        return nullcontext()
    RunFolder(path=folder).check(config)
    return locked(folder)


def _fit(
    config: TrainConfig,
    folder: Path | None,
    report: Callable[[int, float], None],
    relabel: Relabel,
) -> Trained:
    from pulsephase.training.module import Training
    from pulsephase.training.progress import KEY, Progress, to_take_up

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

    from pulsephase.training.progress import WholeCheckpoints

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

    from pulsephase.training.progress import SPEED, CsvLog

    if rank_zero_only.rank != 0:  # type: ignore[attr-defined]
        return []
    board = TensorBoardLogger(
        run.path, name="", version="tensorboard", default_hp_metric=False, purge_step=step + 1
    )
    speed = CsvLog(run.speed, step=step, columns=SPEED)
    return [CsvLog(run.metrics, step=step), speed, board]


def _outcome(
    module: "Training", progress: "Progress", prepared: Prepared, *, leads: bool
) -> Trained:
    from pulsephase.training.progress import weights_of

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
