"""``pulsephase datasets``: public data sets, checked, cached, imitated, listed."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from pulsephase.commands.common import NamedPath, emit, progress, stderr

NAMES = ("ubfc", "ubfc1", "pure", "mmpd", "buaa", "scamps", "samples")
Some = TypeVar("Some", bound=Callable[..., Any])


def _scene(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in value.lower().split("x"))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no size; give WxH, such as 160x120") from None
    return width, height


def _options(function: Some) -> Some:
    """Add what every command of the group takes."""
    for option in (
        click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
    ):
        function = option(function)
    return function


def _of_a_root(function: Some) -> Some:
    """Add what a command that reads a data set takes."""
    for option in (
        click.option(
            "--workers",
            type=click.IntRange(1),
            help="Processes.  [default: one for each core]",
        ),
        click.option(
            "--where",
            multiple=True,
            metavar="CONDITION",
            help="Only recordings such as light=LED-low, 'lux>=10' or 'subject!=Sub 04'; repeat it "
            "for more conditions.",
        ),
        click.option(
            "--name", required=True, type=click.Choice(NAMES), help="Which data set ROOT holds."
        ),
        click.argument("root", type=NamedPath(path_type=Path)),
    ):
        function = option(function)
    return function


@click.group("datasets", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Check, cache, imitate and list public data sets; each takes --json.

    The licensed sets come only from their authors.

    Example: pulsephase datasets verify data/UBFC --name ubfc
    """


@command.command("list")
@_options
def list_sets(as_json: bool) -> int:
    """Say which data sets can be read, whence they come, and what is assumed about them.

    Example: pulsephase datasets list --json
    """
    from pulsephase.video.datasets.registry import DATASETS

    if as_json:
        rows = [
            {
                "name": found.name,
                "title": found.title,
                "expects": found.expects,
                "source": found.source,
                "assumptions": found.assumptions,
                "splits": found.splits,
            }
            for found in DATASETS.values()
        ]
        emit({"datasets": rows})
        return 0
    for found in DATASETS.values():
        click.echo(f"{found.name}: {found.title}")
        click.echo(f"  holds    {found.expects}")
        click.echo(f"  from     {found.source}")
        click.echo(f"  splits   {', '.join(found.splits)}")
        for line in found.assumptions:
            click.echo(f"  assumed  {line}")
    return 0


@command.command("verify")
@_of_a_root
@click.option(
    "--least-seconds", default=10.0, show_default=True, help="Shorter recordings are named."
)
@_options
def verify_set(
    root: Path,
    name: str,
    where: tuple[str, ...],
    workers: int | None,
    least_seconds: float,
    as_json: bool,
) -> int:
    """Read every recording in ROOT: is it whole, is there a face, is its label right?

    Exit code 1 if anything is wrong.

    Example: pulsephase datasets verify data/UBFC --name ubfc
    """
    from pulsephase.evaluation.verify import verify
    from pulsephase.video.datasets.registry import dataset

    found = dataset(name)
    total = len(found.find(root))
    with progress(f"{total} recordings of {found.title}", total) as advance:
        checks = verify(
            root,
            dataset=found,
            where=where,
            least_s=least_seconds,
            workers=_workers(workers, total),
            advance=advance,
        )
    bad = [check for check in checks if check.problems]
    _table(
        ("recording", "seconds", "face", "wave bpm", "display bpm", "lag s", "found"),
        [
            (
                check.name,
                _number(check.seconds, 1),
                _share(check.face_share),
                _number(check.wave_bpm, 1),
                _number(check.device_bpm, 1),
                _number(check.lag_s, 2),
                "\n".join(f"{problem.kind}: {problem.text}" for problem in check.problems)
                or "\n".join(check.notes),
            )
            for check in checks
        ],
    )
    kinds = sorted({problem.kind for check in bad for problem in check.problems})
    stderr.print(f"{len(checks)} recordings, {len(bad)} with problems", *kinds, sep="  ")
    if as_json:
        emit({"dataset": name, "bad": len(bad), "recordings": [asdict(check) for check in checks]})
    return 1 if bad else 0


@command.command("cache")
@_of_a_root
@click.option("--out", required=True, type=NamedPath(path_type=Path), help="Folder of the cache.")
@click.option("--size", default=36, show_default=True, help="Pixels along a side of a crop.")
@click.option("--sample-hz", default=30.0, show_default=True, help="Rate of the crops.")
@click.option(
    "--faces",
    type=click.Choice(["track", "whole"]),
    default="track",
    show_default=True,
    help="Find and follow the face, or take the whole frame.",
)
@_options
def cache_set(
    root: Path,
    name: str,
    where: tuple[str, ...],
    workers: int | None,
    out: Path,
    size: int,
    sample_hz: float,
    faces: str,
    as_json: bool,
) -> int:
    """Crop the faces of ROOT into a cache, or go on with one that was cut off.

    A recording that cannot be read is named and the others are cached; exit code 1 then.

    Example: pulsephase datasets cache data/UBFC --name ubfc --out caches/ubfc --size 36
    """
    from pulsephase.video.datasets.cache import build_cache
    from pulsephase.video.datasets.registry import dataset

    found = dataset(name)
    total = len(found.find(root))
    with progress(f"{total} recordings of {found.title}", total) as advance:
        report = build_cache(
            root,
            dataset=found,
            out=out,
            size=size,
            sample_hz=sample_hz,
            workers=_workers(workers, total),
            faces=faces,
            where=where,
            advance=advance,
        )
    _table(
        ("recording", "", "seconds", "face", "pulse", "found"),
        [
            (
                fate.name,
                "kept" if fate.kept else fate.outcome,
                _number(fate.seconds, 1),
                _share(fate.face_share),
                _share(fate.pulse_share),
                fate.reason or "\n".join(fate.notes),
            )
            for fate in report.recordings
        ],
    )
    good = len(report.recordings) - len(report.failed)
    if as_json:
        emit({"cache": str(out), **report.as_json()})
    else:
        click.echo(f"{good} recordings in {out}, {len(report.failed)} failed")
    return 1 if report.failed else 0


@command.command("fake")
@click.argument("name", type=click.Choice(NAMES))
@click.argument("out", type=NamedPath(path_type=Path))
@click.option("--subjects", default=4, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1.0))
@click.option(
    "--conditions",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Recordings of each subject, at most, in sets with several.",
)
@click.option("--scene", default="160x120", show_default=True, callback=_scene, metavar="WxH")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@_options
def fake_set(
    name: str,
    out: Path,
    subjects: int,
    seconds: float,
    conditions: int,
    scene: tuple[int, int],
    seed: int,
    as_json: bool,
) -> int:
    """Write a look-alike of a data set: its layout, filled with synthetic people.

    To try commands and programs on; nothing measured on it says anything about the real set.

    Example: pulsephase datasets fake ubfc runs/ubfc-look-alike
    """
    from pulsephase.synthetic.lookalike import fake, takes_of

    total = takes_of(name, subjects=subjects, conditions=conditions)
    with progress(f"{total} recordings as in {name}", total) as advance:
        made = fake(
            name,
            out,
            subjects=subjects,
            seconds=seconds,
            conditions=conditions,
            scene=scene,
            seed=seed,
            advance=advance,
        )
    if as_json:
        emit({"dataset": name, "folder": str(out), "recordings": made, "look_alike": True})
    else:
        click.echo(f"{made} recordings in {out}")
    return 0


def _workers(asked: int | None, recordings: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return asked or max(1, min(cores or 1, recordings))


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.table import Table

    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column != "found")
    for row in rows:
        table.add_row(*row)
    stderr.print(table)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"
