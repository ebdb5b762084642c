"""The form of a theorem: what counts as held, refused, not run."""

import math
from dataclasses import replace

import pytest

from pulsephase.errors import ParameterError
from pulsephase.proofs.catalogue import CATALOGUE, load, theorems
from pulsephase.proofs.theorem import Clause, Evidence, Theorem, prove, refusing_clauses


def evidence(claim: float) -> Evidence:
    return Evidence(residual=abs(claim - 2.0), tolerance=0.5)


SOUND = Theorem(
    id="X1",
    title="two is two",
    statement="$2 = 2$",
    assumptions=(),
    clauses=(Clause(text="c", label="sampled", where="1 point", check=evidence),),
    claim=2.0,
    mutants={"three": 3.0},
)


def test_a_sound_theorem_is_proved() -> None:
    verdict = prove(SOUND)
    assert verdict.holds and verdict.proved and verdict.mutants[0].fails
    assert verdict.mutants[0].residual == 1.0


def test_a_false_claim_does_not_hold() -> None:
    verdict = prove(replace(SOUND, claim=5.0))
    assert verdict.holds is False and not verdict.proved


def test_a_mutant_that_passes_is_seen() -> None:
    verdict = prove(replace(SOUND, mutants={"three": 3.0, "two and a bit": 2.1}))
    assert verdict.holds and not verdict.all_mutants_fail and not verdict.proved


def test_not_a_number_never_holds() -> None:
    assert not Evidence(residual=math.nan, tolerance=math.inf).holds


def test_a_check_that_stops_proves_and_refuses_nothing() -> None:
    def check(claim: float) -> Evidence:
        return Evidence(residual=1 / claim - 0.5)

    clauses = (Clause(text="c", label="proved", check=check),)
    verdict = prove(replace(SOUND, clauses=clauses, claim=0.0, mutants={"zero": 0.0, "one": 1.0}))
    assert verdict.holds is False and "ZeroDivisionError" in verdict.detail
    zero, one = verdict.mutants
    assert not zero.fails and "ZeroDivisionError" in zero.name
    assert one.fails and not verdict.all_mutants_fail


def test_a_missing_extra_means_not_run() -> None:
    verdict = prove(replace(SOUND, requires=("no_such_package_anywhere",)))
    assert verdict.holds is None and verdict.mutants == () and not verdict.proved
    assert "no_such_package_anywhere" in verdict.detail


def test_a_theorem_without_mutants_is_refused() -> None:
    with pytest.raises(ParameterError, match="no mutants"):
        replace(SOUND, mutants={})


def test_an_unknown_id_names_the_known_ones() -> None:
    with pytest.raises(ParameterError, match="BL"):
        load("T99")
    with pytest.raises(ParameterError, match="T99"):
        next(theorems(["BL", "T99"]))


def test_the_order_is_the_order_of_the_chain() -> None:
    found = [theorem.id for theorem in theorems(["bl"])]
    assert found == ["BL"]
    assert len(set(CATALOGUE.values())) == len(CATALOGUE)


def test_every_clause_but_a_proved_one_says_where() -> None:
    with pytest.raises(ParameterError, match="say where"):
        Clause(text="c", label="sampled", check=evidence)
    Clause(text="c", label="proved", check=evidence)


def test_the_weakest_clause_names_the_theorem() -> None:
    firm = Clause(text="c", label="proved", check=evidence)
    ball = Clause(text="c", label="certified", where="a box", check=evidence)
    theorem = replace(SOUND, clauses=(firm, ball))
    assert theorem.kind == "certified" and theorem.count("proved") == 1
    assert replace(SOUND, clauses=(*SOUND.clauses, firm, ball)).kind == "sampled"


def test_a_clause_that_refuses_nothing_is_seen() -> None:
    blind = Clause(text="blind", label="proved", check=lambda claim: Evidence(residual=0.0))
    theorem = replace(SOUND, clauses=(blind, *SOUND.clauses))
    assert refusing_clauses(theorem) == {2}
    assert prove(theorem).mutants[0].by == 2


def test_a_theorem_without_clauses_is_refused() -> None:
    with pytest.raises(ParameterError, match="no clauses"):
        replace(SOUND, clauses=())
