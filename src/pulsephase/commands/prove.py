"""``pulsephase prove``."""

from pathlib import Path
from typing import Any

import click

from pulsephase.commands.common import NamedPath, emit, progress, shared_options, stderr


@click.command(name="prove")
@click.option("--only", multiple=True, metavar="ID", help="This theorem; may be repeated.")
@click.option("--list", "as_list", is_flag=True, help="Name the theorems; prove nothing.")
@click.option(
    "--report",
    type=NamedPath(file_okay=False, path_type=Path),
    help="Folder for index.html: the derivation as an article with its checks.",
)
@shared_options
def command(
    only: tuple[str, ...],
    as_list: bool,
    report: Path | None,
    as_json: bool,
    device: str,
) -> int:
    """Check the derivation: every theorem must hold and every wrong version of it must fail.

    Exit code 1 if one does not. A theorem whose optional dependency is missing is "not run".

    Example: pulsephase prove --only T14
    """
    from pulsephase.proofs.catalogue import theorems

    if as_list:
        _list(list(theorems(only)), as_json=as_json)
        return 0
    if report is not None:
        from pulsephase.proofs.report import check_report_folder

        check_report_folder(report)
    verdicts = _prove(list(theorems(only)), quiet=as_json)
    if report is not None:
        from pulsephase.proofs.report import write_report

        with stderr.status("drawing the report"):
            written = write_report(report, verdicts)
        stderr.print(f"report: {written}", soft_wrap=True, highlight=False)
    if as_json:
        skipped = any(verdict.holds is None for verdict in verdicts)
        emit(
            {
                "theorems": [_row(verdict) for verdict in verdicts],
                "all_hold": _all([verdict.holds for verdict in verdicts]),
                "all_mutants_fail": _all(
                    [verdict.all_mutants_fail for verdict in verdicts] + [None] * skipped
                ),
            }
        )
    else:
        click.echo(_summary(verdicts))
    failed = any(not verdict.proved for verdict in verdicts if verdict.holds is not None)
    return 1 if failed else 0


def _all(answers: list[bool | None]) -> bool | None:
    """Return false if one is false, else null if one was not run, else true."""
    if False in answers:
        return False
    return None if None in answers else True


def _prove(theorems: list[Any], *, quiet: bool) -> list[Any]:
    from pulsephase.proofs.theorem import prove

    verdicts = []
    with progress("proving", len(theorems)) as advance:
        for theorem in theorems:
            verdict = prove(theorem)
            verdicts.append(verdict)
            if not quiet:
                click.echo(_line(verdict))
            advance(1)
    return verdicts


def _list(theorems: list[Any], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"id": item.id, "title": item.title, "kind": item.kind, "mutants": list(item.mutants)}
            for item in theorems
        ]
        emit({"theorems": rows})
        return
    for item in theorems:
        click.echo(f"{item.id:4} {item.kind:10} {item.title}")


def _row(verdict: Any) -> dict[str, Any]:
    theorem = verdict.theorem
    return {
        "id": theorem.id,
        "title": theorem.title,
        "kind": theorem.kind,
        "assumptions": list(theorem.assumptions),
        "clauses": [_clause(clause, verdict) for clause in theorem.clauses],
        "holds": verdict.holds,
        "residual": verdict.residual,
        "mutants": [{"name": mutant.name, "fails": mutant.fails} for mutant in verdict.mutants],
        "seconds": round(verdict.seconds, 3),
    }


def _clause(clause: Any, verdict: Any) -> dict[str, Any]:
    held = [result.holds for result in verdict.clauses if result.clause is clause]
    holds = held[0] if held else None
    return {"text": clause.text, "label": clause.label, "where": clause.where, "holds": holds}


def _line(verdict: Any) -> str:
    theorem = verdict.theorem
    if verdict.holds is None:
        return f"{theorem.id:4} not run  {theorem.title} ({verdict.detail})"
    survivors = [mutant.name for mutant in verdict.mutants if not mutant.fails]
    word = "holds" if verdict.holds else "FAILS"
    text = f"{theorem.id:4} {word}    {theorem.title} ({verdict.seconds:.1f} s)"
    if not verdict.holds:
        text += f"\n     {verdict.detail} (residual {verdict.residual:.3g})"
    if survivors:
        text += f"\n     wrong, but not refused: {'; '.join(survivors)}"
    return text


def _summary(verdicts: list[Any]) -> str:
    run = [verdict for verdict in verdicts if verdict.holds is not None]
    mutants = [mutant for verdict in run for mutant in verdict.mutants]
    text = (
        f"{sum(bool(verdict.holds) for verdict in run)} of {len(run)} theorems hold; "
        f"{sum(mutant.fails for mutant in mutants)} of {len(mutants)} wrong versions refused"
    )
    labels = ("proved", "certified", "sampled")
    kinds = (f"{sum(verdict.theorem.count(each) for verdict in run)} {each}" for each in labels)
    text += f"\nclauses: {', '.join(kinds)}"
    skipped = len(verdicts) - len(run)
    return text + (f"; {skipped} not run" if skipped else "")
