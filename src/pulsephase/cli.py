"""The command line: one entry point, its commands loaded only when called.

Exit codes: 0 a result; 1 it ran, but there is no heart rate (the reason is given) or a check
failed; 2 wrong use, unreadable input, or ``--max-seconds`` are over; 130 interrupted, 143
terminated. Errors are one line; ``--debug`` shows the traceback.
"""

import errno
import io
import sys
import traceback
from importlib import import_module

import click

from pulsephase.commands.limits import (
    OutOfTime,
    Terminated,
    bounded,
    ended,
    watching_for_the_end,
)
from pulsephase.errors import InputError, PulsePhaseError
from pulsephase.text import shown

ADVICE = {
    errno.ENOSPC: "free some space, or name another place",
    errno.EACCES: "change its permissions, or name another place",
    errno.EROFS: "name a place that can be written to",
    errno.ENOENT: "check the name",
}
OTHER = "check the name and the disk"
LONGEST = 1000
"""Characters of an error: a value without end is shown by its beginning."""

COMMANDS = {
    "demo": "Measure the two public sample videos and write a report.",
    "samples": "Fetch the two public sample videos with contact PPG.",
    "measure": "Measure the heart rate in videos.",
    "live": "Show the heart rate in a camera's picture as it comes.",
    "synthesize": "Make synthetic face video with a known pulse.",
    "plant": "Plant a known pulse into real footage.",
    "footage": "Fetch freely licensed face videos for planting.",
    "datasets": "Check, cache, imitate and list public data sets.",
    "pretrain": "Train PHASE-Net on synthetic video.",
    "train": "Train PHASE-Net on caches of recordings, synthetic video, or both.",
    "export": "Write a network as an ONNX graph: a clip, or one frame with its state.",
    "prove": "Check the derivation, theorem by theorem.",
    "kernel": "Print an oscillator's kernel at a camera's rate, its length, its layers.",
    "fit": "Fit an oscillator, with intervals, to a measured pulse wave.",
    "evaluate": "Judge networks, classical methods and waves of your own.",
    "protocol": "Train and test within a data set, across sets, leaving one out.",
    "interpret": "Read what a network has learnt: responses, poles, a verdict against nulls.",
    "bench": "Measure speed and memory on this machine.",
    "version": "Print the versions that a report of a fault needs.",
}


class LazyGroup(click.Group):
    """A group whose commands are modules of ``pulsephase.commands``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"pulsephase.commands.{cmd_name}")
        return bounded(module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help without loading any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def app() -> None:
    """Measure the pulse from face video, and check why a network can.

    Example: pulsephase demo
    """


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code (see the module's docstring)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a path may hold what is no UTF-8
    with watching_for_the_end():
        code = _called(arguments)
    if Terminated in ended and code != 143:  # such as `live`, which came to its own end
        click.echo("pulsephase: interrupted", err=True)
        return 143
    return code


def _called(arguments: list[str]) -> int:
    try:
        code = app.main(args=arguments, prog_name="pulsephase", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as wrong_use:
        wrong_use.show(file=sys.stderr)
        return 2
    except (click.Abort, KeyboardInterrupt):
        if OutOfTime in ended:
            click.echo("pulsephase: stopped, as --max-seconds asks; give it longer", err=True)
            return 2
        click.echo("pulsephase: interrupted", err=True)
        return 143 if Terminated in ended else 130
    except (PulsePhaseError, OSError) as error:
        if "--debug" in arguments:
            traceback.print_exc()
        click.echo(f"pulsephase: {_one_line(error)}", err=True)
        return 2
    return code if isinstance(code, int) else 0


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        what = error.filename or "a file"
        error = InputError(f"{what}: {error.strerror}; {ADVICE.get(error.errno or 0, OTHER)}")
    text = " ".join(shown(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 4 :]}"


def entry() -> None:
    """Run as the console script."""
    sys.exit(main())
