"""The derivation as a page of the documentation, made from the theorems themselves.

Nothing in it depends on how a check came out or how long it took, so that the page is the same on
every machine: ``python -m pulsephase.proofs.article docs/derivation.md`` writes it, and a test
compares it with what is stored. Every number in it is computed when it is written.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from pulsephase.files import whole_file
from pulsephase.proofs.catalogue import CATALOGUE, LEAD, NOTATION, SCOPE, TITLE, parts_of, theorems
from pulsephase.proofs.theorem import LABELS, Theorem


def article(chosen: Iterable[Theorem]) -> str:
    """Return the derivation as Markdown with LaTeX in dollar signs."""
    by_id = {theorem.id: theorem for theorem in chosen}
    lines = [
        "<!-- Written by `python -m pulsephase.proofs.article`: edit the theorems instead. -->",
        "",
        f"# {TITLE}",
        "",
        LEAD,
        "",
        SCOPE,
        "",
        "`pulsephase prove` runs the checks, `pulsephase prove --report runs/proofs` draws this "
        "page with their outcome and figures.",
        "",
        "## Where the paper and the truth part",
        "",
        "| step | what is said, and what holds |",
        "| --- | --- |",
    ]
    for theorem in by_id.values():
        if theorem.paper:
            lines.append(f"| [{theorem.id}](#{anchor(theorem)}) | {_cell(theorem.paper)} |")
    lines += ["", *notation(), "", "## The theorems", ""]
    lines += ["| | theorem | proved | certified | sampled | wrong versions |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for theorem in by_id.values():
        link = f"[{_cell(theorem.title)}](#{anchor(theorem)})"
        counts = " | ".join(str(theorem.count(label)) for label in LABELS)
        lines.append(f"| {theorem.id} | {link} | {counts} | {len(theorem.mutants)} |")
    lines += ["", "A clause is " + "; ".join(LABELS.values()) + "."]
    for part, ids in parts_of(by_id):
        lines += ["", f"## {part.title}", "", part.lead]
        for name in ids:
            lines += section(by_id[name])
    return "\n".join(lines).rstrip() + "\n"


def anchor(theorem: Theorem) -> str:
    """Return the slug that GitHub and Sphinx make of the heading."""
    kept = re.sub(r"[^\w\- ]", "", heading(theorem).lower())
    return kept.replace(" ", "-")


def heading(theorem: Theorem) -> str:
    """Return the heading of a theorem."""
    return f"{theorem.id}. {theorem.title}"


def section(theorem: Theorem) -> list[str]:
    """Return the lines of one theorem."""
    lines = ["", f"### {heading(theorem)}", ""]
    lines += [theorem.statement.strip(), ""]
    lines += ["**Assumes**", "", *(f"- {item}" for item in theorem.assumptions), ""]
    found = theorem.numbers()
    if found:
        lines += ["| computed | value |", "| --- | --- |"]
        lines += [f"| {_cell(name)} | {_cell(value)} |" for name, value in found.items()]
        lines.append("")
    if theorem.paper:
        lines += ["**Where it parts from the paper.** " + theorem.paper, ""]
    lines += ["| clause | label | where |", "| --- | --- | --- |"]
    lines += [
        f"| {_cell(clause.text)} | {clause.label} | {_cell(clause.where)} |"
        for clause in theorem.clauses
    ]
    lines.append("")
    if theorem.references:
        lines += ["**References.** " + " ".join(theorem.references), ""]
    lines.append(f"Source: `proofs/{CATALOGUE.get(theorem.id, '')}.py`. It refuses:")
    lines += ["", *(f"- {name}" for name in theorem.mutants)]
    return lines


def notation() -> list[str]:
    """Return the table of symbols, with what each means where it means more than one thing."""
    lines = ["## Notation", "", "| symbol | meaning | unit | where |", "| --- | --- | --- | --- |"]
    return lines + [f"| {' | '.join(map(_cell, row))} |" for row in NOTATION]


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def write_article(path: Path) -> Path:
    """Write the whole derivation to a file."""
    text = article(theorems())
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def main() -> None:
    """Write to the path of the first argument (``docs/derivation.md`` by default)."""
    write_article(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/derivation.md"))


if __name__ == "__main__":
    main()
