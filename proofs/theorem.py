"""What a theorem is here: a claim, a check that can fail, and mutants of the claim that must.

The check of a theorem takes the *claim* as its argument, so that the same check is run on the true
claim and on its mutants: a check that lets a mutant through is a check that proves nothing.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from pulsephase.errors import ParameterError

Kind = Literal["symbolic", "rational", "certified", "numeric"]


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
class Theorem:
    """A statement with its check and its mutants.

    Attributes:
        id: ``T1`` ... ; names are unique in the catalogue.
        title: One line.
        kind: How it is checked: ``symbolic`` (exact), ``rational`` (exact), ``certified``
            (ball arithmetic), ``numeric`` (a property to a stated tolerance).
        statement: Markdown with LaTeX in dollar signs, as the article prints it.
        assumptions: What the statement rests on, one clause each.
        check: Maps a claim to evidence. Called with ``claim``, then with each mutant.
        claim: The true claim, in whatever form the check takes.
        mutants: Wrong claims by name; the check must refuse each.
        requires: Import names of optional packages without which the check is "not run".
        paper: Where the paper and the truth part at this step, if they do.
        precision: What is compared with what, and to which tolerance, in one line.
        numbers: Computes the numbers that the article prints: name to value, as text rounded to the
            digits that are the same on every machine.

    Raises:
        ParameterError: If there is no mutant: a check that nothing fails proves nothing.
    """

    id: str
    title: str
    kind: Kind
    statement: str
    assumptions: tuple[str, ...]
    check: Callable[[Any], Evidence]
    claim: Any
    mutants: Mapping[str, Any]
    requires: tuple[str, ...] = ()
    paper: str = ""
    precision: str = ""
    numbers: Callable[[], Mapping[str, str]] = dict

    def __post_init__(self) -> None:
        if not self.mutants:
            raise ParameterError(f"theorem {self.id} has no mutants; give at least one wrong claim")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantResult:
    """Whether a wrong claim was refused."""

    name: str
    fails: bool
    residual: float


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verdict:
    """The outcome of a theorem; ``holds`` is none where an extra is missing."""

    theorem: Theorem
    holds: bool | None
    residual: float = math.nan
    detail: str = ""
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
        """Whether the check refused every wrong claim."""
        return all(mutant.fails for mutant in self.mutants)

    @property
    def proved(self) -> bool:
        """Whether the check passed the claim and refused every mutant."""
        return self.holds is True and self.all_mutants_fail


def prove(theorem: Theorem) -> Verdict:
    """Check a theorem and each of its mutants; a check that stops with an error holds nothing."""
    missing = [name for name in theorem.requires if find_spec(name) is None]
    if missing:
        needs = ", ".join(missing)
        return Verdict(theorem=theorem, holds=None, detail=f"not run: {needs} is not installed")
    start = time.perf_counter()
    try:
        evidence = theorem.check(theorem.claim)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other theorems are to be told
        evidence = Evidence(residual=math.nan, detail=f"the check stopped: {error!r}")
    mutants = []
    for name, claim in theorem.mutants.items():
        try:
            refuted = theorem.check(claim)
        except Exception as error:  # noqa: BLE001
            # A check that cannot be run on a wrong claim has not refused it.
            name = f"{name} (the check stopped: {error!r})"
            mutants.append(MutantResult(name=name, fails=False, residual=math.nan))
            continue
        mutants.append(MutantResult(name=name, fails=not refuted.holds, residual=refuted.residual))
    return Verdict(
        theorem=theorem,
        holds=evidence.holds,
        residual=evidence.residual,
        detail=evidence.detail,
        mutants=tuple(mutants),
        seconds=time.perf_counter() - start,
    )
