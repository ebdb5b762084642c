"""Numbers without end are refused at the door, and a command ends when it is told to."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from pulsephase import cli
from pulsephase.commands.limits import MOST, FiniteRange
from pulsephase.errors import ParameterError
from pulsephase.files import parse_json, whole_file

WILD = ["nan", "inf", "-inf", "1e300", "99999999999999999999", "1" + "0" * 400]


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that is no group, by its name."""
    if isinstance(command, click.Group):
        for each in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), each)
            assert found is not None
            yield from leaves(found, f"{name} {each}".strip())
    else:
        yield name, command


NUMBERS = [
    (name, param)
    for name, command in leaves(cli.app, "")
    for param in command.params
    if isinstance(param.type, click.IntRange | click.FloatRange)
    or type(param.type).__name__ in ("IntParamType", "FloatParamType")
]


def test_every_number_of_every_command_is_in_the_table() -> None:
    assert len(NUMBERS) > 50
    assert {param.name for _, param in NUMBERS} <= MOST.keys()
    assert all(isinstance(param.type, click.IntRange | FiniteRange) for _, param in NUMBERS)


@pytest.mark.parametrize("value", WILD)
def test_no_number_is_without_end(value: str) -> None:
    for name, param in NUMBERS:
        with pytest.raises(click.UsageError) as caught:
            param.type.convert(value, param, None)
        assert "\n" not in caught.value.format_message(), (name, param.name)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--synthetic", "easy", "--epochs", "nan"],
        ["train", "--synthetic", "easy", "--epochs", "inf"],
        ["synthesize", "--clips", "99999999999999999999"],
        ["train", "--frames", "99999999"],
        ["live", "--camera", "99999999999"],
        ["evaluate", "--sample-hz", "1e9"],
        ["measure", ""],
        ["train", "--synthetic", "easy", "--set", "network.layers=1000000"],
        ["train", "--synthetic", "easy", "--set", "data.batch=1e300"],
        ["train", "--synthetic", "easy", "--set", "seed=" + "[" * 100_000],
    ],
)
def test_a_wild_value_is_one_error(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if words[0] == "train":
        words = [*words, "--out", str(tmp_path / "run")]
    assert cli.main(words) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err and len(err.splitlines()) <= 4


def test_text_without_end_is_no_json() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], int]], None]:
    """Return what puts a function in place of a command ``probe``."""

    def put(work: Callable[[], int]) -> None:
        module = ModuleType("pulsephase.commands.probe")
        module.command = click.command("probe")(work)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(cli.COMMANDS, "probe", "A command of this test.")

    return put


def test_a_command_ends_when_its_time_is_over(
    command: Callable[[Callable[[], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def forever() -> int:
        while True:
            time.sleep(0.01)

    command(forever)
    start_s = time.monotonic()
    assert cli.main(["probe", "--max-seconds", "0.2"]) == 2
    assert time.monotonic() - start_s < 5
    assert "as --max-seconds asks" in capsys.readouterr().err
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_sigterm_ends_as_an_interrupt_does(
    command: Callable[[Callable[[], int]], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """The temporary file is gone, and the older one as it was."""
    path = tmp_path / "a.csv"
    path.write_text("before")

    def work() -> int:
        with whole_file(path) as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        return 0

    command(work)
    before = signal.getsignal(signal.SIGTERM)
    assert cli.main(["probe"]) == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert capsys.readouterr().err.strip().endswith("pulsephase: interrupted")
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]
    assert path.read_text() == "before"


def test_what_catches_an_interrupt_comes_to_its_own_end(
    command: Callable[[Callable[[], int]], None], tmp_path: Path
) -> None:
    """``live`` is such: its recording is put in place."""
    path = tmp_path / "a.csv"

    def work() -> int:
        with whole_file(path) as temporary:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(10)
            except KeyboardInterrupt:
                temporary.write_text("all that was seen")
        return 0

    command(work)
    assert cli.main(["probe"]) == 143
    assert path.read_text() == "all that was seen"


def test_an_error_of_a_file_names_the_file_that_was_asked_for(
    command: Callable[[Callable[[], int]], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Not its temporary one, and not an error number alone."""

    def work() -> int:
        with whole_file(tmp_path / "a.csv"):
            raise OSError(28, "No space left on device")

    command(work)
    assert cli.main(["probe"]) == 2
    err = capsys.readouterr().err.strip()
    assert err == (
        f"pulsephase: {tmp_path / 'a.csv'}: No space left on device; free some space, or name "
        "another place"
    )
    with pytest.raises(OSError, match="missing") as caught, whole_file(tmp_path / "missing" / "a"):
        pass
    assert caught.value.filename == str(tmp_path / "missing" / "a")


def test_a_network_without_end_is_refused() -> None:
    from dataclasses import replace

    from pulsephase.models.config import TINY

    with pytest.raises(ParameterError, match="layers is 1000000; at most 12 is allowed"):
        replace(TINY, layers=1_000_000)
