"""How large a number of the command line may be, in one table; and how long a command may run.

What an option must at least be, it says itself. Here is what no option may exceed: above it, a
number is a slip or an attack, and would take time or memory without end. No number may be infinite
or NaN.
"""

import _thread
import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

MOST: dict[str, float] = {
    "against_pos": 100_000,
    "batch": 65_536,
    "camera": 1_000,
    "clips": 10_000_000,
    "conditions": 1_000,
    "count": 1_000_000,
    "crf": 63,
    "damping": 1_000,
    "epochs": 1_000_000,
    "exposure": 60,
    "folds": 10_000,
    "fps": 10_000,
    "frames": 100_000,
    "heart_rate": 6_000,
    "hz": 10_000,
    "learning_rate": 1_000,
    "level": 1,
    "least_seconds": 86_400,
    "max_seconds": 1e9,
    "min_quality": 1,
    "readout": 60,
    "sample_hz": 1_000,
    "seconds": 86_400,
    "seed": 2**63,
    "size": 4_096,
    "steps": 1_000_000_000,
    "subjects": 100_000,
    "threads": 1_024,
    "tolerance": 1,
    "variants": 1_000,
    "window_s": 3_600,
    "workers": 256,
}
"""By the name of a command's argument; a test holds that every number is here."""


class FiniteRange(click.FloatRange):
    """A number within a range, and no NaN, which lies in every one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the number."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number; give one.", param, ctx)
        return number


def _limited(kind: Any, most: float) -> click.IntRange | FiniteRange:
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    high = most if high is None else min(high, most)
    low_open, high_open = getattr(kind, "min_open", False), getattr(kind, "max_open", False)
    if isinstance(kind, click.types.IntParamType):
        return click.IntRange(low, int(high), min_open=low_open, max_open=high_open)
    return FiniteRange(low, high, min_open=low_open, max_open=high_open)


def bounded(command: click.Command, name: str = "") -> click.Command:
    """Give every number of a command its limit, and the command ``--max-seconds``."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            bounded(each)
        return command
    if any(param.name == "max_seconds" for param in command.params):
        return command  # loaded before
    for param in command.params:
        if isinstance(param.type, click.types.IntParamType | click.types.FloatParamType):
            param.type = _limited(param.type, MOST[param.name or ""])
    command.params.append(
        click.Option(
            ["--max-seconds"],
            type=FiniteRange(0.0, MOST["max_seconds"], min_open=True),
            expose_value=False,
            callback=_start,
            help="Stop after this long, whatever is left to do.",
        )
    )
    return command


class OutOfTime(KeyboardInterrupt):
    """The time that ``--max-seconds`` gave is over; ends what is in work as Ctrl-C does."""


class Terminated(KeyboardInterrupt):
    """The system asked the program to end (SIGTERM); ends what is in work as Ctrl-C does."""


ended: list[type[KeyboardInterrupt]] = []
"""What interrupted the command so far: those that catch an interrupt hide it from the caller."""


def _start(ctx: click.Context, param: click.Parameter, value: float | None) -> None:
    if value is None:
        return
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, _out_of_time)
        signal.setitimer(signal.ITIMER_REAL, value)
    else:
        timer = threading.Timer(value, _interrupt)
        timer.daemon = True
        timer.start()


def _interrupt() -> None:
    ended.append(OutOfTime)
    _thread.interrupt_main()


def _out_of_time(number: int, frame: object) -> None:
    ended.append(OutOfTime)
    raise OutOfTime


def _terminated(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends it at once
    ended.append(Terminated)
    raise Terminated


@contextmanager
def watching_for_the_end() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does; what ``--max-seconds`` set ends with it."""
    ended.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
