"""``pulsephase train``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pulsephase.commands.common import (
    NamedPath,
    emit,
    folder_and_rest,
    planted_source,
    progress,
    share_of,
    shared_options,
    stderr,
    steps_of,
)
from pulsephase.errors import ParameterError

if TYPE_CHECKING:
    from pulsephase.training.config import TrainConfig

# Option: the key that it sets.
KEYS = {
    "network": "network.name",
    "init": "network.init",
    "frames": "data.frames",
    "batch": "data.batch",
    "steps": "optimiser.steps",
    "learning_rate": "optimiser.learning_rate",
    "precision": "optimiser.precision",
    "seed": "seed",
    "device": "machine.device",
    "threads": "machine.threads",
    "workers": "machine.workers",
}


@click.command(name="train")
@click.option(
    "--data",
    "caches",
    multiple=True,
    metavar="CACHE[:SPLIT[:SHARE]]",
    help="Cache of a data set, a split of its subjects, its weight in a mixture; repeatable.",
)
@click.option(
    "--synthetic",
    "presets",
    multiple=True,
    metavar="PRESET[:SHARE]",
    help="Preset of the generator, its weight in a mixture; repeatable.",
)
@click.option(
    "--planted",
    "footage",
    multiple=True,
    metavar="CACHE[:PEOPLE[:SHARE]]",
    help="Cache of footage to plant in, who of it (commas between), its weight; repeatable.",
)
@click.option("--network", help="tiny, base or paper.  [default: tiny, or that of --init]")
@click.option("--init", help="Weights to begin with: a name, or a .safetensors.")
@click.option("--frames", type=int, help="Frames a clip.  [default: 160]")
@click.option("--batch", type=int, help="Clips a step, over all processes.  [default: 4]")
@click.option("--steps", type=int, help="Optimiser steps.  [default: 2400]")
@click.option(
    "--epochs", type=click.FloatRange(0, min_open=True), help="Steps by passes of the data."
)
@click.option("--learning-rate", type=float, help="Peak of its cycle.  [default: 0.0025]")
@click.option("--precision", help="32-true, bf16-mixed, 16-mixed or 64-true.  [default: 32-true]")
@click.option("--seed", type=int, help="0 to 999.  [default: 0]")
@click.option("--threads", type=int, help="Threads of each process.  [default: 1]")
@click.option("--workers", type=int, help="Processes that make clips.  [default: 1]")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any key of the config (docs/how-to/training.md), as network.mixer=identity; repeatable.",
)
@click.option(
    "--run",
    type=NamedPath(file_okay=False, path_type=Path),
    help="Folder of a run: go on with it, or, with --out, run its config again.",
)
@click.option(
    "--out",
    type=NamedPath(file_okay=False, path_type=Path),
    help="Folder of this run.  [default: runs/train, or that of --run]",
)
@shared_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    caches: tuple[str, ...],
    presets: tuple[str, ...],
    footage: tuple[str, ...],
    epochs: float | None,
    settings: tuple[str, ...],
    run: Path | None,
    out: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Train PHASE-Net on caches of recordings, on synthetic video, or on a mixture.

    The test split is not read. A run that was interrupted goes on where it was, by the same
    command; the folder of a run holds its config, log, checkpoint and weights.

    Example: pulsephase train --data caches/ubfc:published-72-28 --synthetic full --init tiny
    """
    from pulsephase.training.fit import epochs as by_epochs
    from pulsephase.training.fit import fit
    from pulsephase.training.run_folder import RunFolder, read_config
    from pulsephase.training.settings import defaults, from_plain, to_plain, with_setting

    plain = to_plain(read_config(run)) if run else defaults()
    if caches or presets or footage:
        if run:
            raise ParameterError(
                "--run has its data; give --data, --synthetic and --planted without it"
            )
        plain["data"] |= {
            "cached": list(map(_cached, caches)),
            "synthetic": list(map(_preset, presets)),
            "planted": [asdict(planted_source(text)) for text in footage],
        }
    for option, key in KEYS.items():
        given = ctx.get_parameter_source(option) is not ParameterSource.DEFAULT
        if given and options[option] is not None:
            _put(plain, key, options[option])
    for setting in settings:
        with_setting(plain, setting)
    config: TrainConfig = from_plain(plain)
    if epochs is not None:
        config = by_epochs(config, epochs)
    folder = out or run or Path("runs/train")
    with progress(f"training in {folder}", config.optimiser.steps) as advance:
        trained = fit(config, folder=folder, report=steps_of(advance))
    if not trained.leads:
        return 0
    weights = RunFolder(path=folder).weights
    summary = {
        "weights": str(weights),
        "seconds": round(trained.seconds, 1),
        "lags": {cache: dict(lag) for cache, lag in trained.lags.items()},
        **trained.card(),
    }
    if as_json:
        emit(summary)
    else:
        click.echo(f"{weights}: {config.clips} clips in {trained.seconds:.0f} s")
        for cache, lag in trained.lags.items():
            click.echo(f"{cache}: labels {lag['frames']:+.1f} frames late, taken out")
    damaged = [name for each in trained.described["recorded"] for name in each.get("damaged", ())]
    if damaged:
        stderr.print(f"pulsephase: damaged, left out: {', '.join(damaged)}; build the cache again")
    return 1 if damaged else 0


def _put(plain: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    place = plain
    for name in path:
        place = place[name]
    place[last] = value


def _cached(text: str) -> dict[str, Any]:
    """Read ``CACHE[:SPLIT[:SHARE]]``."""
    cache, rest = folder_and_rest(text)
    from pulsephase.training.config import CachedSource

    split = rest[0] if rest else ""
    share = share_of(rest[1], text) if len(rest) > 1 else 1.0
    return asdict(CachedSource(cache=cache, split=split, share=share))


def _preset(text: str) -> dict[str, Any]:
    from pulsephase.training.config import SyntheticSource

    name, colon, share = text.partition(":")
    return asdict(SyntheticSource(preset=name, share=share_of(share, text) if colon else 1.0))
