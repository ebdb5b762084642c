"""What a training is: every key of it, in frozen records, one for each concern.

A config says all that the result depends on, and (in :class:`Machine`, and by the times of
:class:`Record`) how it is computed, which may change when a run is taken up again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pulsephase.errors import ParameterError
from pulsephase.models.losses import LossWeights
from pulsephase.synthetic.seeds import SEED_STRIDE, TRAINING_SEEDS

Precision = Literal["32-true", "bf16-mixed", "16-mixed", "64-true"]
Statistics = Literal["batch", "frozen"]
LAG_BOUND_FRAMES = 8.0
"""Largest lag of a contact wave behind the face, either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Which network.

    Attributes:
        name: Of its config; empty means that of ``init``, or else ``tiny``.
        init: Weights to begin with, by shipped name or path; empty begins at random.
        overrides: Settings of the config to change, such as ``{"mixer": "identity"}``.
    """

    name: str = ""
    init: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSource:
    """Clips of the generator, made as they are needed.

    Attributes:
        preset: Of the generator.
        share: Weight among the sources.
        no_pulse: Share of its clips without a pulse.
    """

    preset: str = "full"
    share: float = 1.0
    no_pulse: float = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedSource:
    """Real footage, cached as crops, in which known pulses are planted as clips are needed.

    Attributes:
        cache: Folder of the cache; entries that came through a codec keep the pulse they have.
        share: Weight among the sources.
        training: Who is trained on, names with commas between; empty means everybody.
        validation: Who is validated on, likewise; ``rest`` means all others.
        preset: Of what is planted.
        no_pulse: Share of clips in which nothing is planted, where the footage shows no pulse of
            its own.
    """

    cache: str
    share: float = 1.0
    training: str = ""
    validation: str = ""
    preset: str = "plant-full"
    no_pulse: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedSource:
    """Recordings of a data set, cached as crops.

    Attributes:
        cache: Folder of the cache.
        split: A split of its subjects, by name or as a JSON file; empty trains on all of them and
            validates on none.
        share: Weight among the sources.
        lag_frames: By how many frames the contact wave is late; none fits it on training clips.
    """

    cache: str
    split: str = ""
    share: float = 1.0
    lag_frames: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What is trained and validated on.

    Attributes:
        synthetic: Sources that are rendered.
        planted: Sources that are planted on real footage.
        cached: Sources that were recorded.
        frames: Frames a clip.
        batch: Clips an optimiser step, over all processes and parts.
        accumulate: Parts that the batch of a process is read in, one after the other.
        held_out: Clips of a validation, over all sources that hold some out.
    """

    synthetic: tuple[SyntheticSource, ...] = ()
    planted: tuple[PlantedSource, ...] = ()
    cached: tuple[CachedSource, ...] = ()
    frames: int = 160
    batch: int = 4
    accumulate: int = 1
    held_out: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    """How it is trained: AdamW on one cycle of the learning rate.

    Attributes:
        steps: Optimiser steps.
        learning_rate: Peak of the cycle.
        rise: Share of the steps until the peak.
        weight_decay: Of AdamW.
        clip_norm: Bound on the gradient's norm.
        ema: Decay a step of the averaged weights, which are the ones kept.
        precision: Of the arithmetic; mixed ones keep float32 weights.
        statistics: Of batch normalisation: those of the ``batch``, over all processes, or
            ``frozen`` as they were at the start.
    """

    steps: int = 2400
    learning_rate: float = 2.5e-3
    rise: float = 0.05
    weight_decay: float = 1e-3
    clip_norm: float = 1.0
    ema: float = 0.995
    precision: Precision = "32-true"
    statistics: Statistics = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How often something is written.

    Attributes:
        validate_every: Steps between validations; the averaged weights with the lowest loss stay.
        log_every: Steps between rows of the log.
        checkpoint_s: Seconds between checkpoints: the most work that a kill can lose.
    """

    validate_every: int = 400
    log_every: int = 20
    checkpoint_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What it is computed on.

    Attributes:
        device: Torch device: ``cpu``, ``cuda``, ``cuda:1``.
        processes: Processes a node, one a device.
        nodes: Nodes; see `docs/how-to/training.md` for several.
        threads: Threads of each process.
        workers: Processes that make clips, for each process; 0 makes them in it (and
            renders them on its device, where nothing is read from a cache).
    """

    device: str = "cpu"
    processes: int = 1
    nodes: int = 1
    threads: int = 1
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A training.

    Attributes:
        seed: Of initialisation and clips.
    """

    network: Network = field(default_factory=Network)
    data: Data = field(default_factory=Data)
    optimiser: Optimiser = field(default_factory=Optimiser)
    loss: LossWeights = field(default_factory=LossWeights)
    record: Record = field(default_factory=Record)
    machine: Machine = field(default_factory=Machine)
    seed: int = 0

    def __post_init__(self) -> None:
        check(self)

    @property
    def clips(self) -> int:
        """Clips that the training sees."""
        return self.optimiser.steps * self.data.batch


MOST = {
    "frames": 100_000,
    "batch": 65_536,
    "accumulate": 65_536,
    "held_out": 1_000_000,
    "processes": 1_024,
    "nodes": 1_024,
    "threads": 1_024,
    "workers": 256,
}
MOST_OF_OTHERS = 1_000_000_000
"""What a number of a training may not exceed: above it, it is a slip, and takes memory and time
without end."""


def check(config: TrainConfig) -> None:
    """Refuse what no training can be.

    Raises:
        ParameterError: If a number lies outside its range, or there is no source.
    """
    data, optimiser, record, machine = config.data, config.optimiser, config.record, config.machine
    at_least: list[tuple[str, float, float]] = [
        ("data.frames", data.frames, 2),
        ("data.batch", data.batch, 1),
        ("data.accumulate", data.accumulate, 1),
        ("data.held_out", data.held_out, 0),
        ("optimiser.steps", optimiser.steps, 1),
        ("optimiser.weight_decay", optimiser.weight_decay, 0),
        ("record.validate_every", record.validate_every, 1),
        ("record.log_every", record.log_every, 1),
        ("record.checkpoint_s", record.checkpoint_s, 0),
        ("machine.processes", machine.processes, 1),
        ("machine.nodes", machine.nodes, 1),
        ("machine.threads", machine.threads, 1),
        ("machine.workers", machine.workers, 0),
        *((f"loss.{name}", getattr(config.loss, name), 0) for name in LossWeights.__slots__),
    ]
    for name, value, least in at_least:
        most = MOST.get(name.split(".")[-1], MOST_OF_OTHERS)
        if not least <= value < float("inf"):
            raise ParameterError(f"{name} is {value}; it must be at least {least:g}, and finite")
        if value > most:
            raise ParameterError(f"{name} is {value:.10g}; it must be at most {most:,}")
    for name, value in (
        ("optimiser.learning_rate", optimiser.learning_rate),
        ("optimiser.clip_norm", optimiser.clip_norm),
        *((f"share of {each.preset}", each.share) for each in data.synthetic),
        *((f"share of {each.cache}", each.share) for each in data.planted),
        *((f"share of {each.cache}", each.share) for each in data.cached),
    ):
        if not 0 < value < float("inf"):
            raise ParameterError(f"{name} is {value}; it must be above 0, and finite")
    for name, value in (("ema", optimiser.ema), ("rise", optimiser.rise)):
        if not 0 <= value < 1:
            raise ParameterError(f"optimiser.{name} is {value}; allowed is 0 to below 1")
    for name, text, allowed in (
        ("precision", optimiser.precision, get_args(Precision)),
        ("statistics", optimiser.statistics, get_args(Statistics)),
    ):
        if text not in allowed:
            raise ParameterError(f"optimiser.{name} is {text!r}; allowed are {', '.join(allowed)}")
    for source in data.cached:
        if source.lag_frames is not None and not abs(source.lag_frames) <= LAG_BOUND_FRAMES:
            raise ParameterError(
                f"lag_frames of {source.cache} is {source.lag_frames}; allowed is "
                f"{LAG_BOUND_FRAMES:g} either way, or none to fit it"
            )
    folders = [source.cache for source in data.cached]
    if len(set(folders)) < len(folders):
        raise ParameterError(
            f"data.cached names a cache twice: {', '.join(folders)}; once is enough"
        )
    if not (data.synthetic or data.planted or data.cached):
        raise ParameterError(
            "there is nothing to train on; give a cache, a synthetic preset or planted footage"
        )
    if not 0 <= config.seed < TRAINING_SEEDS:
        raise ParameterError(f"seed is {config.seed}; allowed is 0 to {TRAINING_SEEDS - 1}")
    if config.clips > SEED_STRIDE:
        raise ParameterError(
            f"{config.clips} clips would run into those of the next seed; at most {SEED_STRIDE}"
        )


def share_of_batch(config: TrainConfig, *, ranks: int) -> int:
    """Return the clips that one of ``ranks`` processes reads at once.

    Raises:
        ParameterError: If the batch cannot be divided so.
    """
    parts = ranks * config.data.accumulate
    if config.data.batch % parts:
        raise ParameterError(
            f"data.batch is {config.data.batch}, to be divided over {ranks} processes in "
            f"{config.data.accumulate} parts each: give a multiple of {parts}"
        )
    return config.data.batch // parts
