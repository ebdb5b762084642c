"""`pulsephase prove`: what it prints, its JSON, its exit code."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from pulsephase.cli import main
from pulsephase.proofs import catalogue
from pulsephase.proofs.theorem import Theorem


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["prove", *arguments])
    return code, capsys.readouterr().out


def swap(monkeypatch: pytest.MonkeyPatch, theorem: Theorem) -> None:
    monkeypatch.setattr(catalogue, "load", lambda name: theorem)


def test_json_has_the_agreed_form(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "--only", "bl", "--json")
    result = json.loads(out)
    assert code == 0
    assert set(result) == {"theorems", "all_hold", "all_mutants_fail"}
    assert result["all_hold"] is True and result["all_mutants_fail"] is True
    (row,) = result["theorems"]
    assert list(row) == [
        *("id", "title", "kind", "assumptions", "clauses", "holds"),
        *("residual", "mutants", "seconds"),
    ]
    assert row["id"] == "BL" and row["holds"] is True and row["residual"] == 0.0
    assert all(set(c) == {"text", "label", "where", "holds"} for c in row["clauses"])
    assert row["mutants"] and all(set(m) == {"name", "fails"} for m in row["mutants"])


def test_a_false_theorem_gives_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    true = catalogue.load("BL")
    swap(monkeypatch, replace(true, claim=next(iter(true.mutants.values()))))
    code, out = run(capsys, "--only", "BL")
    assert code == 1 and "FAILS" in out
    code, out = run(capsys, "--only", "BL", "--json")
    assert code == 1 and json.loads(out)["all_hold"] is False


def test_a_mutant_that_survives_gives_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    true = catalogue.load("BL")
    swap(monkeypatch, replace(true, mutants={"not wrong at all": true.claim}))
    code, out = run(capsys, "--only", "BL")
    assert code == 1 and "not wrong at all" in out
    code, out = run(capsys, "--only", "BL", "--json")
    result = json.loads(out)
    assert code == 1 and result["all_hold"] is True and result["all_mutants_fail"] is False


def test_not_run_is_null_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    swap(monkeypatch, replace(catalogue.load("BL"), requires=("no_such_package_anywhere",)))
    code, out = run(capsys, "--only", "BL", "--json")
    result = json.loads(out)
    assert code == 0
    assert result["theorems"][0]["holds"] is None
    assert result["all_hold"] is None and result["all_mutants_fail"] is None
    code, out = run(capsys, "--only", "BL")
    assert code == 0 and "not run" in out and "1 not run" in out


def test_an_unknown_theorem_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--only", "T99"]) == 2
    assert "T99" in capsys.readouterr().err


def test_it_prints_how_many_clauses_of_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = run(capsys, "--only", "BL")
    assert "clauses: 4 proved, 0 certified, 0 sampled" in out


def test_list_proves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "--list", "--only", "BL")
    assert code == 0 and out.startswith("BL") and "proved" in out
    code, out = run(capsys, "--list", "--only", "BL", "--json")
    assert code == 0 and json.loads(out)["theorems"][0]["id"] == "BL"


def test_one_theorem_loads_one_module() -> None:
    code = (
        "import sys; from pulsephase.cli import main; main(['prove', '--only', 'BL', '--json']);"
        "found = [m for m in sys.modules if m.startswith('pulsephase.proofs.')];"
        "print(sorted(found), 'torch' in sys.modules, 'matplotlib' in sys.modules, file=sys.stderr)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = ("beer_lambert", "catalogue", "exact", "theorem")
    assert out.stderr.strip() == f"{[f'pulsephase.proofs.{n}' for n in names]} False False"
