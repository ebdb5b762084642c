"""``pulsephase bench``: speed and memory, measured here."""

from pathlib import Path
from typing import Any

import click

from pulsephase.commands.common import NamedPath, emit, progress, stderr
from pulsephase.errors import InputError, ParameterError
from pulsephase.machine import use_one_thread

WIDE = {"parameters", "macs_per_frame", "state_bytes"}  # in the JSON alone


@click.group("bench", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Measure speed and memory on this machine; figures are medians of wall time.

    Example: pulsephase bench models --json --quick
    """


def _in_a_folder(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Refuse before the work what could not be written after it."""
    if value is not None and not value.parent.is_dir():
        raise InputError(f"--{param.name}: there is no folder {value.parent}; make it first")
    return value


def bench_options(function: Any) -> Any:
    """Add what every benchmark takes."""
    for option in (
        click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback."),
        click.option(
            "--out",
            type=NamedPath(path_type=Path, dir_okay=False),
            callback=_in_a_folder,
            help="Also write the JSON here.",
        ),
        click.option("--threads", type=click.IntRange(1), help="For every figure."),
        click.option("--quick", is_flag=True, help="Few repeats: under 50 s."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
    ):
        function = option(function)
    return function


def report(rows: list[dict[str, Any]], *, as_json: bool, out: Path | None) -> int:
    """Write the rows as JSON or as a table."""
    if out is not None:
        from pulsephase.files import write_json

        write_json(out, {"results": rows})
    if as_json:
        emit({"results": rows})
        return 0
    from rich.table import Table

    table = Table()
    columns = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in WIDE]
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    stderr.print(table)
    return 0


@command.command("models")
@bench_options
def models(as_json: bool, quick: bool, threads: int | None, out: Path | None) -> int:
    """Time the networks: streams, clips and training steps.

    Example: pulsephase bench models --json --quick
    """
    from pulsephase.bench.models import measure, tasks

    asked = tasks(quick=quick, threads=threads)
    rows = []
    with progress("timing networks", len(asked)) as advance:
        for row in measure(asked):
            rows.append(row)
            advance(1)
    return report(rows, as_json=as_json, out=out)


@command.command("synthetic")
@bench_options
@click.option("--device", default="cpu", show_default=True, help="Torch device of the pixels.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that render at once; one does not fill a GPU.",
)
def synthetic(
    as_json: bool, quick: bool, threads: int | None, out: Path | None, device: str, workers: int
) -> int:
    """Time the generator: frames a second, memory, its share of a training step.

    Example: pulsephase bench synthetic --json --quick
    """
    from pulsephase.bench.synthetic import measure, tasks
    from pulsephase.synthetic.draw import usable

    if threads not in (None, 1):
        raise ParameterError(f"--threads is {threads}; rendering uses one a process: --workers")
    usable(device)
    asked = tasks(quick=quick, device=device, workers=workers)
    rows = []
    with progress("timing the generator", len(asked)) as advance:
        for row in measure(asked):
            rows.append(row)
            advance(1)
    return report(rows, as_json=as_json, out=out)


@command.command("live")
@bench_options
def live(as_json: bool, quick: bool, threads: int | None, out: Path | None) -> int:
    """Time what `live` does with a frame of 640 x 480: tracker, crops, network, heart rate.

    Example: pulsephase bench live --json --quick
    """
    from pulsephase.bench.live import NETWORKS, measure, scene

    with stderr.status("rendering a scene"):
        frames = scene(quick=quick)
    rows = []
    with progress("timing networks", len(NETWORKS)) as advance:
        for row in measure(frames, threads=threads or 1):
            rows.append(row)
            advance(1)
    return report(rows, as_json=as_json, out=out)


@command.command("datasets")
@bench_options
def datasets(as_json: bool, quick: bool, threads: int | None, out: Path | None) -> int:
    """Time what caching does with a frame of 640 x 480: decode, follow the face, crop, store.

    Example: pulsephase bench datasets --json --quick
    """
    if threads not in (None, 1):
        raise ParameterError(f"--threads is {threads}; caching uses one a process")
    use_one_thread()
    from pulsephase.bench.datasets import PARTS, measure

    rows = []
    with progress("timing the cache", len(PARTS)) as advance:
        for row in measure(quick=quick):
            rows.append(row)
            advance(1)
    return report(rows, as_json=as_json, out=out)


@command.command("vitals")
@bench_options
def vitals(as_json: bool, quick: bool, threads: int | None, out: Path | None) -> int:
    """Time the reading of waves: heart rate, variability, respiration, online rate, metrics.

    Example: pulsephase bench vitals --json --quick
    """
    if threads not in (None, 1):
        raise ParameterError(f"--threads is {threads}; the reading of waves uses one")
    use_one_thread()
    from pulsephase.bench.vitals import measure, tasks

    asked = tasks(quick=quick)
    rows = []
    with progress("timing the reading of waves", len(asked)) as advance:
        for row in measure(asked, quick=quick):
            rows.append(row)
            advance(1)
    return report(rows, as_json=as_json, out=out)
