"""Write every generated table into README.md and the pages of the docs, from the result files.

A table stands between the lines ``<!-- table: NAME -->`` and ``<!-- end -->``; what is between
them is replaced. Two pages are generated whole: the ledger and the derivation.

``python -m pulsephase.experiments.pages`` (``make results``) writes; with ``--check`` it writes
nothing and ends with exit code 1 if a page differs from what it would write (``make check``).
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pulsephase.experiments import (
    ledger_page,
    tables_interpret,
    tables_measured,
    tables_networks,
)
from pulsephase.files import whole_file
from pulsephase.proofs.article import article
from pulsephase.proofs.catalogue import theorems

ROOT = Path(__file__).resolve().parents[1]
TABLES: dict[str, Callable[[], str]] = {
    **tables_networks.TABLES,
    **tables_measured.TABLES,
    **tables_interpret.TABLES,
}
WHOLE: dict[str, Callable[[], str]] = {
    "docs/reference/ledger.md": ledger_page.page,
    "docs/explanation/derivation.md": lambda: article(theorems()),
}
MARKED = re.compile(r"^<!-- table: (\S+) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


def filled(text: str, tables: Mapping[str, Callable[[], str]] = TABLES) -> str:
    r"""Return a page with every marked table made anew.

    Args:
        text: The page.
        tables: What makes a table, by its name.

    Raises:
        KeyError: If the page names a table that nobody makes.

    Example:
        >>> filled("<!-- table: t -->\nold\n<!-- end -->\n", {"t": lambda: "new\n"})
        '<!-- table: t -->\nnew\n<!-- end -->\n'
    """

    def made(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- table: {name} -->\n{tables[name]()}<!-- end -->"

    return MARKED.sub(made, text)


def narrow(text: str) -> str:
    r"""Return a page whose tables have no blanks around their cells, for a file read as text.

    Example:
        >>> narrow("| a | b |\n| --- | ---: |\n")
        '|a|b|\n|---|---:|\n'
    """
    return re.sub(r"^\|.*\|$", lambda row: re.sub(r" *\| *", "|", row[0]), text, flags=re.MULTILINE)


def pages(root: Path = ROOT) -> list[Path]:
    """Return README.md and every page of the docs that is not made anew by each build."""
    found = (root / "docs").rglob("*.md")
    built = {root / "docs" / "_build", root / "docs" / "reference" / "api"}
    return [
        root / "README.md",
        *sorted(path for path in found if not built & set(path.parents)),
    ]


def wanted(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield each page with the text that it should have."""
    for path in pages(root):
        name = path.relative_to(root).as_posix()
        text = WHOLE[name]() if name in WHOLE else filled(path.read_text(encoding="utf-8"))
        yield path, narrow(text) if name == "README.md" else text


def stale(root: Path = ROOT) -> list[str]:
    """Return the names of the pages that differ from what the result files say."""
    return [
        path.relative_to(root).as_posix()
        for path, text in wanted(root)
        if path.read_text(encoding="utf-8") != text
    ]


def main(words: list[str]) -> int:
    """Write the pages, or with ``--check`` name those that are out of date."""
    if words == ["--check"]:
        found = stale()
        for name in found:
            print(f"{name} is not what the result files say; run `make results`", file=sys.stderr)
        return int(bool(found))
    if words:
        print(f"unknown words {' '.join(words)}; only --check is known", file=sys.stderr)
        return 2
    for path, text in wanted():
        if path.read_text(encoding="utf-8") != text:
            with whole_file(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
