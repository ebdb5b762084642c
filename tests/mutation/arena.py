"""Where mutants meet the tests: a pytest plugin that runs them instead of a session.

Tests are collected once. Each runs once on the true code, to see which functions it calls and how
long it takes; then each mutant gets a fork in which the code of one function is replaced, and runs
the tests that call that function, shortest first, until one fails.
"""

import ast
import gc
import os
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from mutation.forks import in_forks
from mutation.mutants import Mutant, functions, mutated

QUIET = ("-s", "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler")
SPARE_S, TIMES_SLOWER = 3.0, 5.0
TRUE_LIMIT_S, MUTANT_LIMIT_S = 600, 1200
STOPPED = "stopped"


class Arena:
    """Tries mutants on the tests that pytest has collected.

    Attributes:
        wrong: The mutants to try, none of them at import time.
        sources: Text of every module, by its path.
        killers: For each mutant the test that turned red, or `STOPPED`, or nothing.
        uncalled: Mutants of functions that no test calls.
        red: Tests that fail on the true code, and why: with any, nothing is tried.
        tests: How many tests there are.
    """

    def __init__(self, wrong: Sequence[Mutant], sources: dict[Path, str], *, workers: int) -> None:
        self.wrong, self.sources, self.workers = wrong, sources, workers
        self.killers: dict[Mutant, str] = {}
        self.uncalled: set[Mutant] = set()
        self.red: list[str] = []
        self.tests = 0
        self.living: dict[tuple[Path, str], list[FunctionType]] = {}

    def pytest_pycollect_makemodule(self, module_path: Path) -> None:
        """Before a file is imported: draw the same examples every time, and shrink none."""
        from hypothesis import HealthCheck, Phase, settings

        settings.register_profile(
            "mutate",
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        settings.load_profile("mutate")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected."""
        if report.failed:
            self.red.append(f"{report.nodeid}\n{report.longreprtext}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every test on the true code, then every mutant on the tests that call it."""
        if self.red:
            return True
        self.tests = len(session.items)
        self.living = _living(self.sources)
        gc.collect()
        gc.freeze()  # else the first collection in a fork copies every page
        calls, seconds = self._true_runs(session.items)
        if not self.red:
            self._mutant_runs(session.items, calls, seconds)
        return True

    def _true_runs(
        self, items: list[pytest.Item]
    ) -> tuple[dict[str, set[tuple[str, str]]], dict[str, float]]:
        calls: dict[str, set[tuple[str, str]]] = {}
        seconds: dict[str, float] = {}
        start = time.perf_counter()
        tasks = [partial(self._watch, item) for item in items]
        for index, found in in_forks(tasks, workers=self.workers, wall_s=TRUE_LIMIT_S):
            name = items[index].nodeid
            if found is None or found["red"]:
                self.red.append(name if found is None else found["red"])
            else:
                calls[name] = {(module, function) for module, function in found["calls"]}
                seconds[name] = found["seconds"]
        spent = time.perf_counter() - start
        print(f"{self.tests} tests, proofs and examples on the true code: {spent:.0f} s")
        return calls, seconds

    def _watch(self, item: pytest.Item) -> dict[str, Any]:
        """Run a test on code recompiled as that of a mutant is: the swap itself is no failure."""
        for path in self.sources:
            self._swap(path, None)
        modules = {str(path): path.stem for path in self.sources}
        calls: set[tuple[str, str]] = set()

        def note(frame: FrameType, event: str, _: object) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename in modules:
                calls.add((modules[code.co_filename], code.co_qualname))

        start = time.process_time()
        sys.setprofile(note)
        red = _first_red([item], seconds={item.nodeid: float(TRUE_LIMIT_S)}, why=True)
        sys.setprofile(None)
        spent = time.process_time() - start
        return {"red": red, "calls": sorted(calls), "seconds": spent}

    def _mutant_runs(
        self,
        items: list[pytest.Item],
        calls: dict[str, set[tuple[str, str]]],
        seconds: dict[str, float],
    ) -> None:
        shortest = sorted(items, key=lambda item: seconds[item.nodeid])
        tasks = []
        for mutant in self.wrong:
            place = (mutant.module, mutant.function)
            mine = [item for item in shortest if place in calls[item.nodeid]]
            if not mine:
                self.uncalled.add(mutant)
            tasks.append(partial(self._try, mutant, mine, seconds))
        found = in_forks(tasks, workers=self.workers, wall_s=MUTANT_LIMIT_S)
        for done, (index, killer) in enumerate(found, start=1):
            mutant = self.wrong[index]
            self.killers[mutant] = STOPPED if killer is None else killer
            if killer == "":
                print(f"  survives {mutant.module}.py:{mutant.line}  {mutant.label}", flush=True)
            if done % 50 == 0:
                print(f"  {done} of {len(tasks)}", flush=True)

    def _try(self, mutant: Mutant, items: list[pytest.Item], seconds: dict[str, float]) -> str:
        path = next(path for path in self.sources if path.stem == mutant.module)
        self._swap(path, mutant)
        return _first_red(items, seconds=seconds)

    def _swap(self, path: Path, mutant: Mutant | None) -> None:
        """Give the living functions of a module the code of the mutant."""
        code = compile(mutated(self.sources[path], mutant), str(path), "exec", dont_inherit=True)
        fresh = functions(code)
        for name in fresh if mutant is None else [mutant.function]:
            for function in self.living.get((path, name), ()):
                function.__code__ = fresh[name]


def _living(sources: Iterable[Path]) -> dict[tuple[Path, str], list[FunctionType]]:
    """Find the functions that came from these files, whatever wraps them now."""
    known = {os.path.realpath(path): path for path in sources}
    found: dict[tuple[Path, str], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType:
            path = known.get(os.path.realpath(thing.__code__.co_filename))
            if path is not None:
                found.setdefault((path, thing.__code__.co_qualname), []).append(thing)
    return found


def _first_red(items: list[pytest.Item], *, seconds: dict[str, float], why: bool = False) -> str:
    """Run tests until one fails and return its name; the system stops one that runs too long."""
    for item, following in zip(items, [*items, None][1:], strict=True):
        limit = time.process_time() + SPARE_S + TIMES_SLOWER * seconds[item.nodeid]
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, resource.RLIM_INFINITY))
        reports = runtestprotocol(item, log=False, nextitem=following)
        if any(report.failed for report in reports):
            texts = [report.longreprtext for report in reports if report.failed] if why else []
            return "\n".join([item.nodeid, *texts])
    return ""


def at_import(mutant: Mutant | None, path: Path, source: str, *, targets: Sequence[str]) -> str:
    """Collect and run the tests on a mutant of what a module computes while it is imported.

    To be called in a fork in which the module was not imported yet. Without a mutant the module
    takes the same way unchanged, as a control.

    Returns:
        What turned red, or nothing.
    """
    text = ast.unparse(mutated(source, mutant)).encode()
    real = SourceFileLoader.get_data

    def get_data(loader: SourceFileLoader, name: str) -> bytes:
        if os.path.realpath(name) == str(path):
            return text
        if name.endswith(".pyc") and Path(name).name.startswith(f"{path.stem}."):
            raise OSError(name)
        return real(loader, name)

    SourceFileLoader.get_data = get_data  # type: ignore[method-assign, assignment] # in this fork only
    sys.dont_write_bytecode = True
    ended = pytest.main([*QUIET, "-x", *targets])
    if ended in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return ""
    if ended not in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED):
        raise RuntimeError(f"pytest ended with {ended!r}")
    return "tests on import"
