"""Every code block of README.md, CONTRIBUTING.md and the docs is run, or read by the program."""

import doctest
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from pulsephase.cli import app
from pulsephase.experiments.pages import pages

ROOT = Path(__file__).parents[1]
PAGES = [*pages(ROOT), ROOT / "CONTRIBUTING.md"]
TUTORIALS = sorted(page for page in PAGES if page.parent.name == "tutorials")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FACE = ("--clips", "1", "--preset", "easy", "--scene", "320x240", "--seconds", "12", "--seed", "7")
ELSEWHERE = {"interpret.md"}  # tests/interpret/test_docs.py runs it and looks at the answer


def blocks(page: Path, *kinds: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind in kinds]


def python(page: Path) -> list[str]:
    return [block for block in blocks(page, "python") if ">>>" not in block]


def commands(page: Path) -> Iterator[list[str]]:
    """Yield each call of the program on a page, without what stands behind a #."""
    for block in blocks(page, "", "sh", "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("pulsephase ") and "..." not in line:
                yield shlex.split(line, comments=True)[1:]


def parse(words: list[str]) -> None:
    """Read a command line without running it."""
    command: click.Command = app
    context: click.Context | None = None
    while isinstance(command, click.Group):
        context = click.Context(command, parent=context, info_name=command.name)
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name!r}"
        command = found
    command.make_context(command.name, words, parent=context)


def of(condition: Any) -> list[Any]:
    found = [page for page in PAGES if condition(page)]
    return [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in found]


@pytest.mark.parametrize("page", of(lambda page: list(commands(page))))
def test_a_page_shows_commands_that_can_be_typed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("face.mp4", "wave.csv", "mine.npz", "contact.npz", "mine.py", "recordings"):
        (tmp_path / name).touch()
    for words in commands(page):
        parse(words)


def test_a_wrong_option_is_seen() -> None:
    with pytest.raises(click.UsageError):
        parse(["evaluate", "--wieghts", "tiny"])
    with pytest.raises(click.UsageError):
        parse(["evaluate", "--convention", "mine"])
    with pytest.raises(AssertionError):
        parse(["evalaute"])


@pytest.mark.parametrize("page", of(lambda page: ">>>" in page.read_text(encoding="utf-8")))
def test_a_page_computes_what_it_shows(page: Path) -> None:
    result = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0 and result.failed == 0


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video of a synthetic face."""
    folder = tmp_path_factory.mktemp("face")
    app.main(["synthesize", str(folder), *FACE], standalone_mode=False)
    return folder / "clip_000000007.mp4"


def given() -> dict[str, Any]:
    """Return what pages take for granted: a wave, many waves, frames."""
    time_s = np.arange(3600) / 30
    rng = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * 1.2 * time_s + 0.3 * np.sin(2 * np.pi * 0.25 * time_s))
    return {
        "__name__": "page",
        "pulse": wave + 0.05 * rng.normal(size=3600),
        "predictions": [wave + 0.1 * rng.normal(size=3600) for _ in range(3)],
        "labels": [wave] * 3,
        "sample": 0.5,
        "time_s": 0.0,
        "my_frames": lambda: iter([(np.full((96, 96, 3), 90, np.uint8), n / 30) for n in range(9)]),
    }


@pytest.mark.parametrize(
    "page", of(lambda page: python(page) and page not in TUTORIALS and page.name not in ELSEWHERE)
)
def test_the_python_of_a_page_runs(
    page: Path, face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "face.mp4").symlink_to(face)
    known = given()
    for block in python(page):
        exec(compile(block, str(page), "exec"), known)


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem) for page in TUTORIALS if python(page)]
)
def test_a_tutorial_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shell and Python as typed, one after the other, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"__name__": "page"}
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(text, str(page), "exec"), known)
            continue
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("pulsephase "):
                words = [sys.executable, "-m", "pulsephase", *shlex.split(line)[1:]]
                done = subprocess.run(words, capture_output=True, text=True)
                assert done.returncode == 0, f"{line}\n{done.stderr}"
