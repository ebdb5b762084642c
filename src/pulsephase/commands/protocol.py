"""``pulsephase protocol``: train and test within a data set, across sets, leaving one out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pulsephase.commands.common import (
    NamedPath,
    emit,
    progress,
    shared_options,
    stderr,
    steps_of,
)
from pulsephase.commands.evaluation_table import show

if TYPE_CHECKING:
    from pulsephase.evaluation.results import Verdict
    from pulsephase.training.config import TrainConfig
    from pulsephase.training.folds import Fold, Plan

CONVENTIONS = ("strict", "toolbox-2025", "toolbox-2023", "phasenet-release")


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        name, equals, held = value.partition("=")
        if not (name and equals and held) or name in found:
            raise click.BadParameter(f"{value!r}: give NAME=VALUE, each name once, as ubfc=CACHE")
        found[name] = held
    return found


def _protocol_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every protocol takes."""
    for option in (
        click.option(
            "--convention",
            "conventions",
            type=click.Choice(CONVENTIONS),
            multiple=True,
            default=("strict",),
            show_default="strict",
            help="Whose arithmetic; repeatable.",
        ),
        click.option(
            "--method",
            "methods",
            multiple=True,
            default=("pos", "chrom"),
            show_default="pos, chrom",
            help="Classical methods on the same clips; repeatable.",
        ),
        click.option("--epochs", type=float, help="Of each fold's recordings; else the steps."),
        click.option(
            "--key",
            "keys",
            multiple=True,
            metavar="KEY=VALUE",
            help="Of the training, as optimiser.steps=500; repeatable, see `pulsephase train`.",
        ),
        click.option(
            "--out",
            required=True,
            type=NamedPath(file_okay=False, path_type=Path),
            help="Folder of the protocol; a second call goes on there.",
        ),
    ):
        function = option(function)
    return shared_options(function)


def _sets(name: str, dest: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(name, dest, multiple=True, callback=_pairs, metavar="NAME=CACHE", help=text)


@click.group("protocol", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Run a published protocol: a training a fold, and a test on people it has not seen.

    A killed protocol goes on where it was; finished folds are kept. Caches come from `pulsephase
    datasets cache`, one a data set. `--json` gives one JSON object.

    Example: pulsephase protocol intra --set ubfc=caches/ubfc --out runs/intra
    """


@command.command("intra")
@_sets("--set", "sets", "A data set; repeatable, each is a protocol of its own.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    callback=_pairs,
    metavar="NAME=SPLIT",
    help="Of a data set.  [default: default]",
)
@click.option("--folds", type=click.IntRange(2), help="Cross-validation by subjects instead.")
@_protocol_options
def intra(sets: dict[str, str], splits: dict[str, str], folds: int | None, **asked: Any) -> int:
    """Train and test within each data set, by a split of its subjects.

    Example: pulsephase protocol intra --set ubfc=caches/ubfc --split ubfc=published-72-28 --out r
    """
    from pulsephase.training.folds import opened, training_of, within

    training = training_of(asked["keys"], device=asked["device"])
    found, where = within(opened(_some(sets)), splits=splits, folds=folds, seed=training["seed"])
    plan = _plan("intra", found, sets, training, asked)
    return _run(replace(plan, where=where), asked)


@command.command("cross")
@_sets("--train", "train", "A data set to train on; repeatable.")
@_sets("--test", "test", "A data set to test on; repeatable.")
@_protocol_options
def cross(train: dict[str, str], test: dict[str, str], **asked: Any) -> int:
    """Train on some data sets, test on others.

    Example: pulsephase protocol cross --train pure=caches/pure --test ubfc=caches/ubfc --out r
    """
    from pulsephase.training.folds import across, opened, training_of

    training = training_of(asked["keys"], device=asked["device"])
    found = across(opened(_some(train)), opened(_some(test)), seed=training["seed"])
    return _run(_plan("cross", found, {**train, **test}, training, asked), asked)


@command.command("leave-one-out")
@_sets("--set", "sets", "A data set; repeatable, each is left out once.")
@_protocol_options
def leave_one_out(sets: dict[str, str], **asked: Any) -> int:
    """Test on each data set what was trained on all others.

    Example: pulsephase protocol leave-one-out --set ubfc=caches/ubfc --set pure=caches/pure --out r
    """
    from pulsephase.training.folds import each_left_out, opened, training_of

    training = training_of(asked["keys"], device=asked["device"])
    found = each_left_out(opened(_some(sets)), seed=training["seed"])
    return _run(_plan("leave-one-out", found, sets, training, asked), asked)


def _some(sets: dict[str, str]) -> dict[str, str]:
    if not sets:
        raise click.UsageError("name at least one data set with its cache, as ubfc=caches/ubfc")
    return sets


def _plan(
    kind: str,
    folds: "Sequence[Fold]",
    caches: Mapping[str, str],
    training: Mapping[str, Any],
    asked: Mapping[str, Any],
) -> "Plan":
    """Put a plan together; ``asked`` is what `_protocol_options` gives."""
    from pulsephase.training.folds import Plan

    return Plan(
        kind=kind,
        folds=tuple(folds),
        caches=caches,
        training=training,
        epochs=asked["epochs"],
        methods=asked["methods"],
        conventions=asked["conventions"],
    )


def _run(plan: "Plan", asked: Mapping[str, Any]) -> int:
    from pulsephase.evaluation.page import page_path, write_evaluation
    from pulsephase.training.cross_validation import run_protocol

    def train(config: "TrainConfig", folder: Path) -> Path:
        from pulsephase.training.fit import fit
        from pulsephase.training.run_folder import RunFolder

        with progress(folder.parent.name, config.optimiser.steps) as advance:
            fit(config, folder=folder, report=steps_of(advance))
        return RunFolder(path=folder).weights

    def report(folder: Path, verdicts: "Sequence[Verdict]") -> None:
        write_evaluation(page_path(folder), verdicts, title=folder.name, parameters={})

    rows = run_protocol(
        plan,
        asked["out"],
        train=train,
        show=report,
        say=lambda line: stderr.print(line, soft_wrap=True, highlight=False),
    )
    if asked["as_json"]:
        emit({"protocol": plan.kind, "results": rows})
    else:
        show(rows)
    return 0 if any(row["clips"] for row in rows) else 1
