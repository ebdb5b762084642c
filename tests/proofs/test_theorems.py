"""Every theorem of the catalogue holds, and its check refuses every wrong version of it."""

import re

import pytest

from pulsephase.proofs.catalogue import ids, load
from pulsephase.proofs.theorem import prove


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
