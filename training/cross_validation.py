"""Published protocols as one resumable run: each fold trains, then its test subjects are read once.

``protocol.json``
    what was asked: folds, caches, config, methods
``FOLD/SET.json``
    the split of a data set in that fold
``FOLD/run/``
    the training, a run folder like any other
``FOLD/result.json``
    the rows of the fold; it is there when the fold is finished
``FOLD/index.html``
    its report
``results.json``
    the rows of all finished folds

A killed protocol goes on: finished folds are kept, the fold in work goes on from its checkpoint.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pulsephase.errors import InputError, ParameterError, TrainingError
from pulsephase.evaluation.cases import CachedCases, check_crops
from pulsephase.evaluation.judge import evaluate
from pulsephase.evaluation.methods import Classical, Network
from pulsephase.evaluation.results import Verdict
from pulsephase.files import read_json, write_json
from pulsephase.models.phasenet import PhaseNet
from pulsephase.training.caches import open_cache
from pulsephase.training.config import TrainConfig
from pulsephase.training.distributed import world
from pulsephase.training.fit import epochs
from pulsephase.training.folds import Fold, Plan, opened
from pulsephase.training.network import network_config
from pulsephase.training.settings import from_plain
from pulsephase.video.datasets.cache import Cache
from pulsephase.video.datasets.entry import CacheEntry
from pulsephase.video.datasets.splits import select

FREE = ("machine", "record")
ASKED, RESULT, RESULTS, RUN = "protocol.json", "result.json", "results.json", "run"

Train = Callable[[TrainConfig, Path], Path]
"""Trains into a folder, or goes on there, and returns the weights."""
Show = Callable[[Path, Sequence[Verdict]], None]
"""Writes the report of a fold into its folder."""


def run_protocol(
    plan: Plan,
    out: Path,
    *,
    train: Train,
    show: Show = lambda folder, verdicts: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Run every fold that is not finished, and return the rows of all.

    Args:
        plan: What is asked.
        out: Folder of the protocol; made if need be.
        train: The trainer.
        show: Writes a report of each fold.
        say: Told where it is.

    Returns:
        Rows as of `pulsephase.evaluation.judge`, each with ``protocol``, ``fold`` and
        ``trained_on``; the network's method is ``phasenet``.

    Raises:
        InputError: If a cache, a split or the folder cannot be used; all of them are looked at
            before the first training starts.
        ParameterError: If the config cannot be, does not fit a cache, or asks for several
            processes.
        TrainingError: If the folder holds another protocol, or a training fails.
    """
    caches = opened(plan.caches)
    _check_folder(plan, out)
    configs = [_prepare(plan, fold, out / fold.name, caches) for fold in plan.folds]
    write_json(out / ASKED, plan.as_json())
    rows: list[dict[str, Any]] = []
    for number, (fold, config) in enumerate(zip(plan.folds, configs, strict=True), start=1):
        folder = out / fold.name
        title = f"fold {number} of {len(plan.folds)}, {fold.name}"
        if (folder / RESULT).is_file():
            say(f"{title}: finished before")
        else:
            say(f"{title}: training")
            weights = train(config, folder / RUN)
            say(f"{title}: testing")
            _test(plan, fold, folder, caches, weights, show)
        rows += read_json(folder / RESULT)["results"]
        write_json(out / RESULTS, {"protocol": plan.kind, "results": rows})
    return rows


def _check_folder(plan: Plan, out: Path) -> None:
    """Make the folder, or see that it holds this very protocol; nothing is written into it yet."""
    path = out / ASKED
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            return
        before, now = read_json(path), plan.as_json()
        changed = [key for key in now if _fixed(before, key) != _fixed(now, key)]
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError(f"{path} cannot be used ({error}); name another folder") from None
    if changed:
        raise TrainingError(
            f"{out} holds another protocol ({'; '.join(changed)}); name another folder, or remove "
            "it to start again"
        )


def _fixed(asked: Mapping[str, Any], key: str) -> Any:
    """Return what of a plan may not change when it is taken up again."""
    held = asked[key]
    if key != "training":
        return held
    return {part: value for part, value in held.items() if part not in FREE}


def _prepare(plan: Plan, fold: Fold, folder: Path, caches: Mapping[str, Cache]) -> TrainConfig:
    """Write the splits of a fold, look at all that it reads, and return its config."""
    folder.mkdir(exist_ok=True)
    sources = []
    for name in fold.train:
        path = folder / f"{name}.json"
        write_json(path, split_of(fold, name, caches[name].entries, plan.where.get(name, ())))
        sources.append({"cache": plan.caches[name], "split": str(path)})
    data = {**plan.training["data"], "cached": sources}
    config = from_plain({**plan.training, "data": data})
    if world(config.machine).ranks > 1:
        raise ParameterError(
            f"a protocol trains in one process, machine.processes is {config.machine.processes} "
            "and torchrun may have started more; leave them out"
        )
    network = network_config(config.network)
    for source in config.data.cached:
        open_cache(source, network=network, frames=config.data.frames)
    for name in fold.test:
        _tested(plan, fold, name, caches[name])
        check_crops(caches[name], network.size)
    return config if plan.epochs is None else epochs(config, plan.epochs)


def split_of(
    fold: Fold, dataset: str, entries: Sequence[CacheEntry], where: Sequence[str]
) -> dict[str, Any]:
    """Return one data set's part of a fold, as a split's file has it."""
    train, validation, test = (
        list(side.get(dataset, ())) for side in (fold.train, fold.validation, fold.test)
    )
    inside = {*train, *validation, *test}
    return {
        "source": f"fold {fold.name} of a protocol",
        "train": train or 0,
        "validation": validation or 0,
        "test": test or 0,
        "leave_out": sorted({entry.subject for entry in entries} - inside),
        "where": list(where),
    }


def _tested(plan: Plan, fold: Fold, dataset: str, cache: Cache) -> list[CacheEntry]:
    """Return the clips of the people to test; none of them is opened."""
    people = set(fold.test[dataset])
    kept = select(cache.entries, plan.where.get(dataset, ()))
    entries = [entry for entry in kept if entry.subject in people]
    missing = sorted(people - {entry.subject for entry in entries})
    if missing:
        raise InputError(
            f"fold {fold.name!r} tests subject {missing[0]!r} of {dataset}, of whom "
            f"{cache.folder} holds no clip ({len(missing)} are missing); build the cache again"
        )
    return entries


def _test(
    plan: Plan,
    fold: Fold,
    folder: Path,
    caches: Mapping[str, Cache],
    weights: Path,
    show: Show,
) -> None:
    """Judge the network and the classical methods on the test subjects, and write the result."""
    methods = [
        Network(PhaseNet.from_pretrained(weights), name="phasenet"),
        *(Classical(name) for name in plan.methods),
    ]
    verdicts = []
    for name in fold.test:
        entries = _tested(plan, fold, name, caches[name])
        cases = CachedCases(caches[name], entries=entries, part=f"test of {plan.kind}")
        verdicts += evaluate(methods, cases, conventions=plan.conventions)
    about = {"protocol": plan.kind, "fold": fold.name, "trained_on": sorted(fold.train)}
    show(folder, verdicts)
    write_json(folder / RESULT, {"results": [{**about, **each.row} for each in verdicts]})
