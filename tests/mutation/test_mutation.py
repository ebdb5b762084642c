"""The mutation tool is itself tested: what it changes, what it leaves, what it counts as red."""

import ast
import gc
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from mutation import report, run
from mutation.arena import QUIET, Arena
from mutation.equivalent import REASONS
from mutation.forks import in_forks
from mutation.mutants import functions, mutants, mutated

from pulsephase.errors import ParameterError

SOURCE = '''
TWO = 1 + 1


class Line:
    length: int | None = None

    def area(self, width: float | None = None) -> float:
        """Text - with + signs."""
        if width is None or not width > 0:
            raise ValueError(f"{width - 1} is below {0 + 0}")
        return self.length * -width
'''


def changed(source: str) -> list[str]:
    return [mutant.label for mutant in mutants(source, module="m")]


def test_operators_signs_comparisons_and_numbers_are_changed_and_nothing_else() -> None:
    assert changed(SOURCE) == [
        "import: 1 + 1 -> 1 - 1",
        "import: 1 + 1 -> 2 + 1",
        "import: 1 + 1 -> 1 + 2",
        "Line.area: width is None or not width > 0 -> width is None and (not width > 0)",
        "Line.area: width is None -> width is not None",
        "Line.area: not width > 0 -> not not width > 0",
        "Line.area: width > 0 -> width <= 0",
        "Line.area: width > 0 -> width > 1",
        "Line.area: self.length * -width -> self.length / -width",
        "Line.area: -width -> +width",
    ]


def test_each_mutant_is_the_source_but_for_its_change() -> None:
    truth = ast.unparse(mutated(SOURCE, None)).splitlines()
    for mutant in mutants(SOURCE, module="m"):
        wrong = ast.unparse(mutated(SOURCE, mutant)).splitlines()
        assert sum(a != b for a, b in zip(truth, wrong, strict=True)) == 1, mutant.label


def test_labels_tell_equal_changes_apart() -> None:
    assert changed("def f(a, b):\n    return [a - b, a - b]\n") == [
        "f: a - b -> a + b",
        "f: a - b -> a + b #2",
    ]


def test_functions_of_one_name_are_refused() -> None:
    code = compile("def f(): pass\ndef f(): pass\n", "m", "exec")
    with pytest.raises(ParameterError, match="two functions are called f"):
        functions(code)


def test_a_fork_cannot_harm_its_parent_nor_outstay_its_limit() -> None:
    held = [1]

    def spoil() -> int:
        held.append(2)
        return len(held)

    def sleep() -> int:
        time.sleep(60)
        return 0

    def end() -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert dict(in_forks([spoil, end], workers=2, wall_s=60)) == {0: 2, 1: None}
    assert dict(in_forks([sleep], workers=1, wall_s=1)) == {0: None}
    assert held == [1]


def test_a_fault_of_a_task_is_no_result() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        list(in_forks([partial(divmod, 1, 0)], workers=1, wall_s=10))


def test_children_of_others_are_left_to_them() -> None:
    other = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody asked yet
    assert dict(in_forks([lambda: 1, lambda: 2], workers=1, wall_s=10)) == {0: 1, 1: 2}
    assert other.wait() == 3


def test_no_fork_outlives_the_call(tmp_path: Path) -> None:
    own = tmp_path / "pid"

    def sleep() -> int:
        own.write_text(str(os.getpid()))
        time.sleep(60)
        return 0

    def fail() -> int:
        while not own.exists() or not own.read_text():
            time.sleep(0.01)
        return 1 // 0

    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        list(in_forks([sleep, fail], workers=2, wall_s=60))
    with pytest.raises(ProcessLookupError):
        os.kill(int(own.read_text()), 0)


TESTS = {
    "test_sum.py": """
from subject_of_mutation import total
def test_sum(): assert total(2, 3) == 5
""",
    "test_loop.py": """
from subject_of_mutation import count
def test_count(): assert count(3) == 3
""",
}
MODULE = """
def total(a, b):
    return a + b

def count(n):
    found = 0
    while n > 0:
        n -= 1
        found += 1
    return found

def alone(a):
    return a * 1
"""


def arena(folder: Path, monkeypatch: pytest.MonkeyPatch, tests: dict[str, str]) -> Arena:
    path = folder / "subject_of_mutation.py"
    path.write_text(MODULE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, path.stem, raising=False)
    for name, text in tests.items():
        (folder / name).write_text(text)
    wrong = mutants(MODULE, module=path.stem)
    found = Arena(wrong, {path: MODULE}, workers=2)
    quiet = [*QUIET, "-c", os.devnull, "--rootdir", str(folder), "-W", "ignore"]
    try:
        pytest.main([*quiet, str(folder)], plugins=[found])
    finally:  # what it changes for the length of its own process is not for later tests
        settings.load_profile("untimed")
        gc.unfreeze()
    return found


def test_mutants_meet_the_tests_that_call_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = arena(tmp_path, monkeypatch, TESTS)
    assert found.red == [] and found.tests == 2
    ends = {mutant.label: killer for mutant, killer in found.killers.items()}
    assert ends == {
        "total: a + b -> a - b": "test_sum.py::test_sum",
        "count: n > 0 -> n <= 0": "test_loop.py::test_count",
        "count: n > 0 -> n > 1": "test_loop.py::test_count",
        "count: n -= 1 -> n += 1": "stopped",
        "count: found += 1 -> found -= 1": "test_loop.py::test_count",
        "alone: a * 1 -> a / 1": "",
        "alone: a * 1 -> a * 2": "",
    }
    assert {mutant.function for mutant in found.uncalled} == {"alone"}


def test_nothing_is_tried_where_a_test_is_red_on_the_true_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"test_wrong.py": "import subject_of_mutation\ndef test_wrong(): assert 1 == 2\n"}
    found = arena(tmp_path, monkeypatch, wrong)
    assert len(found.red) == 1 and "1 == 2" in found.red[0]
    assert found.killers == {}


def test_modules_and_samples_are_checked() -> None:
    texts = run.sources()
    with pytest.raises(ParameterError, match="no module 'heart'"):
        run.chosen(texts, only=["heart"], sample=1)
    with pytest.raises(ParameterError, match="sample is 0"):
        run.chosen(texts, only=[], sample=0)
    all_of_it = run.chosen(texts, only=["wall"], sample=1)
    assert run.chosen(texts, only=["wall"], sample=5) == all_of_it[::5]


def test_every_reason_is_of_a_mutant_that_there_is() -> None:
    texts = {path.stem: text for path, text in run.sources().items()}
    labels = {
        (name, mutant.label)
        for name, text in texts.items()
        for mutant in mutants(text, module=name)
    }
    assert set(REASONS) <= labels


def test_document_is_in_step_with_the_results() -> None:
    held = report.read(run.RESULTS)
    assert held["modules"] and not held["not_run"], "run make mutate"
    assert run.DOCUMENT.read_text(encoding="utf-8") == report.render(held)
    assert report.share_killed(held["modules"]) >= report.ASKED_SHARE


@pytest.mark.slow  # of a release: it asks for `make mutate`, tens of minutes, after any change
def test_the_share_holds_for_the_physics_as_it_is() -> None:
    """Mutants that a module has gained or lost since its run count as if they had survived."""
    held = report.read(run.RESULTS)["modules"]
    red, total = 0, 0
    for path, text in run.sources().items():
        labels = [mutant.label for mutant in mutants(text, module=path.stem)]
        entry = held.get(path.stem, {"mutants": 0, "killed": 0, "survivors": []})
        unknown = abs(entry["mutants"] - len(labels))
        unknown += len({survivor["label"] for survivor in entry["survivors"]} - set(labels))
        red += max(0, entry["killed"] - unknown)
        total += len(labels)
    assert red / total >= report.ASKED_SHARE, "the physics changed: run make mutate"


def test_results_of_other_modules_are_kept(tmp_path: Path) -> None:
    results, document = tmp_path / "mutation.json", tmp_path / "mutation.md"
    source = "def f(x):\n    return x + 1\n"
    wrong = mutants(source, module="m")
    killed = report.entry(wrong, dict.fromkeys(wrong, "test"), set(), source=source)
    spared = report.entry(wrong, dict.fromkeys(wrong, ""), set(wrong), source=source)
    known = {"m": 2, "n": 2, "later": 5}
    kept = partial(report.keep, known=known, results=results, document=document)
    kept({"m": killed}, revision="a")
    kept({"n": spared}, revision="b")
    held = json.loads(results.read_text())
    assert list(held["modules"]) == ["m", "n"] and held["not_run"] == {"later": 5}
    assert report.share_killed(held["modules"]) == 0.5
    text = document.read_text()
    assert "**2 of 4 turn something red (50.0%).**" in text
    assert "**part of the whole**" in text and "later (5)" in text
    assert "a gap: no test calls it" in text
