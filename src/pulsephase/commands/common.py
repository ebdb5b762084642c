"""What every command shares: its options, its one JSON object, its progress bar."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.status import Status
from rich.text import Text

from pulsephase.errors import ParameterError
from pulsephase.text import shown

if TYPE_CHECKING:
    from pulsephase.training.config import PlantedSource


class Terminal(Console):
    """A console on which text from outside is text: no markup, nothing that cannot be shown."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, highlight=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; strings as they are."""
        super().print(*(_plain(each) for each in objects), **options)

    def status(self, status: RenderableType, **options: Any) -> Status:
        """Show what goes on; strings as they are."""
        return super().status(_plain(status), **options)


def _plain(each: Any) -> Any:
    return Text(shown(each)) if isinstance(each, str) else each


stderr = Terminal(stderr=True)


class NamedPath(click.Path):
    """A path with a name: an empty one, as of a variable that is not set, is no current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the path."""
        if value in ("", b""):
            self.fail("an empty name is no file; give one, or '.' for the current folder.", param)
        return super().convert(value, param, ctx)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``, ``--device`` and ``--debug`` to a command."""
    function = click.option(
        "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
    )(function)
    function = click.option(
        "--device", default="cpu", show_default=True, callback=_device, help="Torch device."
    )(function)
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON object on stdout, all else on stderr."
    )(function)


fps_option = click.option(
    "--fps",
    type=click.FloatRange(0.1, 10_000.0),
    help="Frames a second of the camera, in place of the file's own times.",
)
"""For a file without a clock, or with a wrong one."""


def _device(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value == "cpu":
        return value  # without loading torch
    import torch

    try:
        torch.ones(1, device=value).item()  # 'meta' can be named, but holds nothing
    except (RuntimeError, AssertionError) as error:
        raise click.BadParameter(
            f"{value!r} cannot be used here ({str(error).splitlines()[0]}); use 'cpu'"
        ) from None
    return value


def emit(result: dict[str, Any]) -> None:
    """Write one JSON object to stdout; a NaN or infinity becomes null."""
    sys.stdout.write(json.dumps(_finite(result), indent=2, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case str():
            return shown(value)
        case float() if not math.isfinite(value):
            return None
    return value


class RateColumn(ProgressColumn):
    """How much is done a second, lately."""

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing while it is unknown."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")


def steps_of(advance: Callable[[float], None]) -> Callable[[int, float], None]:
    """Return what moves a bar to the number of a step, wherever a training goes on from."""
    reached = 0

    def to(step: int, loss: float) -> None:
        nonlocal reached
        advance(step - reached)
        reached = step

    return to


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show a bar on stderr while work goes on; yields a function that advances it."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task(shown(description), total=total)
        yield lambda amount: bar.advance(task, amount)


def folder_and_rest(text: str) -> tuple[str, list[str]]:
    """Read ``FOLDER[:WHAT[:SHARE]]``; a folder's own colons are left alone."""
    rest: list[str] = []
    folder = text
    while not Path(folder).is_dir() and ":" in folder and len(rest) < 2:
        folder, _, last = folder.rpartition(":")
        rest.insert(0, last)
    return folder, rest


def planted_source(text: str) -> "PlantedSource":
    """Read ``CACHE[:PEOPLE[:SHARE]]``: who is trained on; all others are validated on."""
    from pulsephase.training.config import PlantedSource

    cache, rest = folder_and_rest(text)
    people = rest[0] if rest else ""
    return PlantedSource(
        cache=cache,
        training=people,
        validation="rest" if people else "",
        share=share_of(rest[1], text) if len(rest) > 1 else 1.0,
    )


def share_of(share: str, text: str) -> float:
    """Read a share.

    Raises:
        ParameterError: If it is no number.
    """
    try:
        return float(share)
    except ValueError:
        raise ParameterError(f"{text!r} ends in {share!r}; a share is a number") from None
