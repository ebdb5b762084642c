"""The derivation as one HTML file, every step with its check, its wrong versions and its figure.

No script, and nothing from outside: it reads the same in ten years.
"""

import html
from collections.abc import Sequence
from pathlib import Path

from pulsephase.errors import InputError
from pulsephase.files import whole_file
from pulsephase.pages.html import STYLESHEET, require_mathml, to_html, to_inline_html
from pulsephase.proofs.catalogue import LEAD, NOTATION, SCOPE, TITLE, parts_of
from pulsephase.proofs.figures import FIGURES
from pulsephase.proofs.theorem import LABELS, Theorem, Verdict


def check_report_folder(folder: Path) -> None:
    """Raise, before any proof is run, if the report could not be written.

    Raises:
        InputError: If the folder's path is a file.
        MissingExtraError: If LaTeX cannot be turned into MathML here.
    """
    require_mathml()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--report is {folder}, which is a file; name a folder")
    folder.mkdir(parents=True, exist_ok=True)


def write_report(folder: Path, verdicts: Sequence[Verdict]) -> Path:
    """Write ``index.html`` into the folder and return its path.

    Raises:
        InputError: If the folder's path is a file.
        MissingExtraError: If LaTeX cannot be turned into MathML here.
    """
    check_report_folder(folder)
    path = folder / "index.html"
    with whole_file(path) as temporary:
        temporary.write_text(page(verdicts), encoding="utf-8")
    return path


def page(verdicts: Sequence[Verdict]) -> str:
    """Return the whole page."""
    by_id = {verdict.theorem.id: verdict for verdict in verdicts}
    parts = list(parts_of(by_id))
    body = [
        "<header>",
        f"<h1>{html.escape(TITLE)}</h1>",
        f'<p class="lead">{html.escape(LEAD)}</p>',
        _outcome(verdicts),
        "</header>",
        _chain(parts, by_id),
        f'<p class="scope">{html.escape(SCOPE)}</p>',
        _differences([verdict.theorem for verdict in verdicts]),
        _notation(),
    ]
    for part, ids in parts:
        body.append(f"<h2>{html.escape(part.title)}</h2>")
        body.append(f'<p class="lead">{html.escape(part.lead)}</p>' if part.lead else "")
        body += [_section(by_id[name]) for name in ids]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(TITLE)}</title>",
            f"<style>{STYLESHEET}</style></head>",
            "<body><main>",
            *body,
            "</main></body></html>\n",
        ]
    )


def _outcome(verdicts: Sequence[Verdict]) -> str:
    run = [verdict for verdict in verdicts if verdict.holds is not None]
    mutants = [mutant for verdict in run for mutant in verdict.mutants]
    labels = ", ".join(
        f"{sum(verdict.theorem.count(label) for verdict in verdicts)} {label}" for label in LABELS
    )
    text = (
        f"{sum(bool(verdict.holds) for verdict in run)} of {len(run)} theorems hold; "
        f"{sum(mutant.fails for mutant in mutants)} of {len(mutants)} wrong versions are refused; "
        f"clauses: {labels}; "
        f"{sum(verdict.seconds for verdict in run):.1f} s."
    )
    if len(run) < len(verdicts):
        text += f" {len(verdicts) - len(run)} not run for want of an optional package."
    good = all(verdict.proved for verdict in run)
    return f'<p class="outcome {"good" if good else "bad"}">{text}</p>'


def _chain(parts: Sequence[tuple[object, tuple[str, ...]]], by_id: dict[str, Verdict]) -> str:
    """Return the chain as a row of boxes, one a part, with a link and a mark for each theorem."""
    boxes = []
    for part, ids in parts:
        links = " ".join(
            f'<a href="#{name}" class="{_state(by_id[name])}" '
            f'title="{html.escape(by_id[name].theorem.title)}">{name}</a>'
            for name in ids
        )
        boxes.append(
            f"<li><b>{html.escape(getattr(part, 'title', ''))}</b><span>{links}</span></li>"
        )
    return f'<nav aria-label="The chain"><ol class="chain">{"".join(boxes)}</ol></nav>'


def _state(verdict: Verdict) -> str:
    if verdict.holds is None:
        return "idle"
    return "good" if verdict.proved else "bad"


def _differences(theorems: Sequence[Theorem]) -> str:
    rows = "".join(
        f'<tr><td><a href="#{theorem.id}">{theorem.id}</a></td>'
        f"<td>{to_inline_html(theorem.paper)}</td></tr>"
        for theorem in theorems
        if theorem.paper
    )
    if not rows:
        return ""
    return f"<h2>Where the paper and the truth part</h2><table>{rows}</table>"


def _notation() -> str:
    rows = "".join(
        "<tr>" + "".join(f"<td>{to_inline_html(cell)}</td>" for cell in row) + "</tr>"
        for row in NOTATION
    )
    head = "<tr><th>symbol</th><th>meaning</th><th>unit</th><th>where</th></tr>"
    return f"<h2>Notation</h2><table><thead>{head}</thead>{rows}</table>"


def _section(verdict: Verdict) -> str:
    theorem = verdict.theorem
    word = {"good": "holds", "bad": "fails", "idle": "not run"}[_state(verdict)]
    assumptions = "".join(f"<li>{to_inline_html(item)}</li>" for item in theorem.assumptions)
    paper = ""
    if theorem.paper:
        paper = f"<b>Where it parts from the paper.</b> {to_inline_html(theorem.paper)}"
        paper = f'<p class="paper">{paper}</p>'
    return "\n".join(
        [
            f'<section id="{theorem.id}">',
            f'<h3><span class="id">{theorem.id}</span> {to_inline_html(theorem.title)}'
            f' <span class="badge {_state(verdict)}">{word}</span></h3>',
            to_html(theorem.statement),
            _figure(theorem),
            _clauses(verdict),
            paper,
            f'<div class="assumes"><b>Assumes</b><ul>{assumptions}</ul></div>',
            _references(theorem),
            _check(verdict),
            "</section>",
        ]
    )


def _figure(theorem: Theorem) -> str:
    drawing = FIGURES.get(theorem.id)
    if drawing is None:
        return ""
    caption = html.escape(drawing.caption)
    svg = drawing.svg(theorem.id).replace('role="img"', f'role="img" aria-label="{caption}"', 1)
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _clauses(verdict: Verdict) -> str:
    """Return every clause with its label, where it was checked, and its residual if it was."""
    found = {id(result.clause): result for result in verdict.clauses}
    rows = []
    for clause in verdict.theorem.clauses:
        result = found.get(id(clause))
        outcome = "" if result is None else _number(result.residual)
        state = "" if result is None else f' class="n {"good" if result.holds else "bad"}"'
        rows.append(
            f"<tr><td>{to_inline_html(clause.text)}</td><td>{clause.label}</td>"
            f"<td>{to_inline_html(clause.where)}</td><td{state}>{outcome}</td></tr>"
        )
    head = "<tr><th>clause</th><th>label</th><th>where</th><th>residual</th></tr>"
    return f'<table class="clauses"><thead>{head}</thead>{"".join(rows)}</table>'


def _references(theorem: Theorem) -> str:
    if not theorem.references:
        return ""
    items = " ".join(to_inline_html(item) for item in theorem.references)
    return f'<p class="references"><b>References.</b> {items}</p>'


def _check(verdict: Verdict) -> str:
    """Return the check with its outcome, the wrong versions it refused, and the numbers."""
    theorem = verdict.theorem
    if verdict.holds is None:
        lines = [f"<p>{html.escape(verdict.detail)}.</p>"]
    else:
        lines = [f"<p>{html.escape(verdict.detail)}; {verdict.seconds:.1f} s.</p>"]
    rows = "".join(
        f'<tr><td>{html.escape(mutant.name)}</td><td class="{"good" if mutant.fails else "bad"}">'
        f"{'refused' if mutant.fails else 'NOT refused'}</td>"
        f'<td class="n">{_number(mutant.residual)}</td></tr>'
        for mutant in verdict.mutants
    )
    if rows:
        lines.append(
            "<table><thead><tr><th>wrong version</th><th></th><th>residual</th></tr></thead>"
            f"{rows}</table>"
        )
    found = theorem.numbers() if verdict.holds is not None else {}
    if found:
        cells = "".join(
            f'<tr><td>{to_inline_html(name)}</td><td class="n">{html.escape(value)}</td></tr>'
            for name, value in found.items()
        )
        lines.append(f"<table><thead><tr><th>computed</th><th></th></tr></thead>{cells}</table>")
    refused = sum(mutant.fails for mutant in verdict.mutants)
    summary = f"The check, and {refused} of {len(verdict.mutants)} wrong versions refused"
    if verdict.holds is None:
        summary = "The check was not run"
    opened = "" if verdict.proved or verdict.holds is None else " open"
    return f"<details{opened}><summary>{summary}</summary>{''.join(lines)}</details>"


def _number(value: float) -> str:
    return f"{value:.3g}"
