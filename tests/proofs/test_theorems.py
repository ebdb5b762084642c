"""Every theorem of the catalogue holds, and its check refuses every wrong version of it."""

import re

import pytest

from pulsephase.proofs.catalogue import ids, load
from pulsephase.proofs.theorem import prove, refusing_clauses


@pytest.mark.parametrize("name", ids())
def test_holds_and_refuses_its_mutants(name: str) -> None:
    verdict = prove(load(name))
    if verdict.holds is None:
        pytest.skip(verdict.detail)
    assert verdict.holds, f"{verdict.detail} (residual {verdict.residual:.3g})"
    assert [mutant.name for mutant in verdict.mutants if not mutant.fails] == []


@pytest.mark.parametrize("name", ids())
def test_is_written_for_a_reader(name: str) -> None:
    theorem = load(name)
    assert theorem.id == name
    assert theorem.assumptions and all(theorem.assumptions)
    assert theorem.statement.count("$") % 2 == 0 and "$" in theorem.statement
    assert not re.search(r"TODO|FIXME|XXX", theorem.statement + theorem.paper)
    for row, value in theorem.numbers().items():
        assert row and value


@pytest.mark.slow
@pytest.mark.parametrize("name", ids())
def test_every_clause_refuses_something(name: str) -> None:
    """A clause that lets every wrong version through checks nothing."""
    theorem = load(name)
    assert refusing_clauses(theorem) == set(range(1, len(theorem.clauses) + 1))


def test_there_are_as_many_as_the_derivation_needs() -> None:
    chain = [load(name) for name in ids()]
    assert len(chain) >= 30
    assert sum(len(theorem.mutants) for theorem in chain) >= 120
