"""What a theorem is here: a claim, clauses that can fail, and wrong claims that they must refuse.

Each clause has its own label and its own check. A check takes the *claim* as its argument, so that
the same check is run on the true claim and on its mutants: a check that lets a mutant through is a
check that proves nothing.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from pulsephase.errors import ParameterError

Label = Literal["proved", "certified", "sampled"]
LABELS: dict[Label, str] = {
    "proved": "proved, by algebra or in rational numbers",
    "certified": "certified, by intervals that contain the true value",
    "sampled": "sampled, at the points named",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The outcome of one check.

    Attributes:
        residual: How far the claim is from holding (0 for an exact identity that holds; infinite
            where a symbolic identity fails).
        tolerance: The largest residual at which the claim is said to hold.
        detail: One line on what was compared.
    """

    residual: float
    tolerance: float = 0.0
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the residual is within the tolerance (a NaN never is)."""
        return self.residual <= self.tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One sentence of a theorem, with the strength of its check.

    Attributes:
        text: The sentence, in Markdown with LaTeX in dollar signs.
        label: ``proved`` (algebra or rational numbers, for all values of the symbols),
            ``certified`` (ball arithmetic over the whole of ``where``) or ``sampled`` (at the
            points of ``where``, to a stated tolerance).
        check: Maps a claim to evidence.
        where: The box, the cases or the points; required unless ``proved``.

    Raises:
        ParameterError: If a clause that is not proved does not say where it holds.
    """

    text: str
    label: Label
    check: Callable[[Any], Evidence]
    where: str = ""

    def __post_init__(self) -> None:
        if self.label != "proved" and not self.where:
            raise ParameterError(f"clause {self.text!r} is {self.label}; say where")


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem:
    """A statement with its clauses and its mutants.

    Attributes:
        id: ``T1`` ... ; names are unique in the catalogue.
        title: One line.
        statement: Markdown with LaTeX in dollar signs, as the article prints it.
        assumptions: What the statement rests on, one clause each.
        clauses: What is checked, each with its label. All must hold for the claim.
        claim: The true claim, in whatever form the checks take.
        mutants: Wrong claims by name; at least one clause must refuse each.
        requires: Import names of optional packages without which the theorem is "not run".
        paper: Where the paper and the truth part at this step, if they do.
        numbers: Computes the numbers that the article prints: name to value, as text rounded to the
            digits that are the same on every machine.
        references: Books and papers that have the step, with chapter or equation where known.

    Raises:
        ParameterError: If there is no clause, or no mutant: a check that nothing fails proves
            nothing.
    """

    id: str
    title: str
    statement: str
    assumptions: tuple[str, ...]
    clauses: tuple[Clause, ...]
    claim: Any
    mutants: Mapping[str, Any]
    requires: tuple[str, ...] = ()
    paper: str = ""
    numbers: Callable[[], Mapping[str, str]] = dict
    references: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.clauses:
            raise ParameterError(f"theorem {self.id} has no clauses; give at least one check")
        if not self.mutants:
            raise ParameterError(f"theorem {self.id} has no mutants; give at least one wrong claim")

    @property
    def kind(self) -> Label:
        """The label of the weakest clause."""
        labels = [clause.label for clause in self.clauses]
        return max(labels, key=list(LABELS).index)

    def count(self, label: Label) -> int:
        """Return how many clauses bear a label."""
        return sum(clause.label == label for clause in self.clauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseResult:
    """How one clause came out for the true claim."""

    clause: Clause
    holds: bool
    residual: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantResult:
    """Whether a wrong claim was refused, and by which clause (counted from 1; 0 for none)."""

    name: str
    fails: bool
    residual: float
    by: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verdict:
    """The outcome of a theorem; ``holds`` is none where an extra is missing."""

    theorem: Theorem
    holds: bool | None
    residual: float = math.nan
    detail: str = ""
    clauses: tuple[ClauseResult, ...] = field(default=())
    mutants: tuple[MutantResult, ...] = field(default=())
    seconds: float = 0.0

    def __repr__(self) -> str:
        name = f"{self.theorem.id}, {self.theorem.title}"
        if self.holds is None:
            return f"Verdict({name}: {self.detail})"
        refused = sum(mutant.fails for mutant in self.mutants)
        return (
            f"Verdict({name}: {'holds' if self.holds else 'FAILS'}, "
            f"{refused} of {len(self.mutants)} wrong versions refused)"
        )

    @property
    def all_mutants_fail(self) -> bool:
        """Whether the checks refused every wrong claim."""
        return all(mutant.fails for mutant in self.mutants)

    @property
    def proved(self) -> bool:
        """Whether every clause passed the claim and every mutant was refused."""
        return self.holds is True and self.all_mutants_fail


def prove(theorem: Theorem) -> Verdict:
    """Check a theorem and each of its mutants; a check that stops with an error holds nothing."""
    missing = [name for name in theorem.requires if find_spec(name) is None]
    if missing:
        needs = ", ".join(missing)
        return Verdict(theorem=theorem, holds=None, detail=f"not run: {needs} is not installed")
    start = time.perf_counter()
    results = tuple(_run(clause, theorem.claim) for clause in theorem.clauses)
    failed = [result for result in results if not result.holds]
    first = failed[0] if failed else results[-1]
    mutants = tuple(
        _refuse(theorem.clauses, name, claim) for name, claim in theorem.mutants.items()
    )
    return Verdict(
        theorem=theorem,
        holds=not failed,
        residual=first.residual if failed else max(result.residual for result in results),
        detail=f"{first.clause.text}: {first.detail}" if failed else f"{len(results)} clauses",
        clauses=results,
        mutants=mutants,
        seconds=time.perf_counter() - start,
    )


def refusing_clauses(theorem: Theorem) -> set[int]:
    """Return the clauses, counted from 1, that refuse at least one of the theorem's mutants."""
    return {
        number
        for number, clause in enumerate(theorem.clauses, 1)
        for claim in theorem.mutants.values()
        if not _run(clause, claim).holds
    }


def _run(clause: Clause, claim: Any) -> ClauseResult:
    """Run one clause; what it raises counts as a clause that does not hold."""
    try:
        evidence = clause.check(claim)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other clauses are to be told
        evidence = Evidence(residual=math.nan, detail=f"the check stopped: {error!r}")
    return ClauseResult(
        clause=clause,
        holds=evidence.holds,
        residual=evidence.residual,
        detail=evidence.detail,
    )


def _refuse(clauses: tuple[Clause, ...], name: str, claim: Any) -> MutantResult:
    """Run the clauses on a wrong claim until one refuses it with a residual."""
    stopped = ""
    for number, clause in enumerate(clauses, 1):
        result = _run(clause, claim)
        if result.holds:
            continue
        if math.isnan(result.residual):
            # A check that cannot be run on a wrong claim has not refused it.
            stopped = f" ({result.detail})"
            continue
        return MutantResult(name=name, fails=True, residual=result.residual, by=number)
    return MutantResult(name=name + stopped, fails=False, residual=math.nan)
