"""Trainings small enough for tests: a network of a few thousand parameters on 12 pixels."""

import json
from pathlib import Path
from typing import Any

from pulsephase.training.config import (
    CachedSource,
    Data,
    Machine,
    Network,
    Optimiser,
    Record,
    SyntheticSource,
    TrainConfig,
)

SMALL = {
    "size": 12,
    "stem_channels": 4,
    "est_channels": [4, 4],
    "est_expansion": [4, 4],
    "width": 4,
    "layers": 4,
}
FRAMES = 150  # five seconds, the least for recordings


def synthetic(*, no_pulse: float = 0.06, share: float = 1.0) -> SyntheticSource:
    return SyntheticSource(preset="lamps", no_pulse=no_pulse, share=share)


def small(
    *,
    cached: tuple[CachedSource, ...] = (),
    sources: tuple[SyntheticSource, ...] = (synthetic(),),
    **changes: Any,
) -> TrainConfig:
    """Return a config of few steps; ``changes`` are its keys by their last name."""

    def held(record: type, **defaults: Any) -> Any:
        wanted = {name: changes[name] for name in record.__slots__ if name in changes}
        return record(**{**defaults, **wanted})

    return TrainConfig(
        network=held(Network, overrides=SMALL),
        data=held(Data, synthetic=sources, cached=cached, frames=FRAMES, batch=2, held_out=2),
        optimiser=held(Optimiser, steps=4, ema=0.5),
        record=held(Record, validate_every=2, log_every=1, checkpoint_s=0.0),
        machine=held(Machine, workers=0),
        seed=changes.get("seed", 0),
    )


def split_file(path: Path, **parts: list[str]) -> str:
    """Write a split of subjects; parts that are not named have nobody."""
    whole = {part: parts.get(part, 0) for part in ("train", "validation", "test")}
    path.write_text(json.dumps(whole))
    return str(path)
