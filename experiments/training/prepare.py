"""Everything that a training reads, opened and checked before it starts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pulsephase.errors import ParameterError
from pulsephase.experiments.training.cached import Readable, chosen, open_cache
from pulsephase.experiments.training.config import CachedSource, TrainConfig
from pulsephase.experiments.training.lag import MOST_CLIPS, FittedLag, fit_lag
from pulsephase.experiments.training.network import network_config
from pulsephase.experiments.training.sources import Mixture, Recorded, Source, rendered
from pulsephase.models.config import PhaseNetConfig


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
    device = "cpu" if config.machine.workers or opened else config.machine.device
    sources: list[Source] = [
        rendered(source, network=network, frames=frames, seed=config.seed, device=device)
        for source in config.data.synthetic
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
        }
        for source, readable in opened
    ]
    return {"synthetic": [asdict(s) for s in config.data.synthetic], "recorded": recorded}


def epochs(config: TrainConfig, count: int | float) -> TrainConfig:
    """Return the config with as many steps as ``count`` epochs of its recordings take.

    Raises:
        ParameterError: If there are no recordings.
    """
    fixed = tuple(replace(s, lag_frames=s.lag_frames or 0.0) for s in config.data.cached)
    windows = prepare(replace(config, data=replace(config.data, cached=fixed))).windows
    if not windows:
        raise ParameterError("an epoch is one of recordings; give steps for synthetic clips")
    steps = max(1, -(-round(count * windows) // config.data.batch))
    return replace(config, optimiser=replace(config.optimiser, steps=steps))
