"""Every command on a page is one that the program takes: each option, each choice."""

import re
import shlex
from pathlib import Path

import click
import pytest

from pulsephase.cli import app

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("newcomer", "protocols", "command-line", "synthetic")


def commands(page: str) -> list[list[str]]:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    found = []
    for _, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("pulsephase "):
                found.append(shlex.split(line)[1:])
    return found


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


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_commands_that_can_be_typed(page: str) -> None:
    found = commands(page)
    assert len(found) >= 4
    for words in found:
        parse(list(words))


def test_a_wrong_option_is_seen() -> None:
    with pytest.raises(click.UsageError):
        parse(["evaluate", "--wieghts", "tiny"])
    with pytest.raises(click.UsageError):
        parse(["evaluate", "--convention", "mine"])
    with pytest.raises(AssertionError):
        parse(["evalaute"])
