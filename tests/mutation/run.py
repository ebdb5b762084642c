"""Does anything turn red when the physics is wrong? Every mutant of `physics/` against its tests.

Run ``python -m mutation.run`` from a checkout: all modules take tens of minutes,
one (``--only kernels``) a few. Entries of the modules that were run replace theirs in
``experiments/results/mutation.json``, from which ``docs/reference/mutation.md`` is written. Exit
code 1 if a test fails on the true code, or if less than the asked share of the mutants turns
something red.
"""

import argparse
import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from mutation import report
from mutation.arena import QUIET, STOPPED, Arena, at_import
from mutation.forks import in_forks
from mutation.mutants import Mutant, mutants

from pulsephase.errors import InputError, ParameterError

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("tests/physics", "src/pulsephase/physics", "tests/proofs/test_theorems.py")
RESULTS = ROOT / "experiments" / "results" / "mutation.json"
DOCUMENT = ROOT / "docs" / "reference" / "mutation.md"
OPTIONS = ("-c", str(ROOT / "pyproject.toml"))
HEAVY = ("sympy", "mpmath", "flint", "torch", "torchdiffeq", "scipy.signal", "scipy.integrate")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--only", nargs="+", default=[], metavar="MODULE", help="some modules")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every Nth mutant only")
    parser.add_argument("--workers", type=int, default=2, help="how many forks run at once")
    return parser.parse_args()


def sources() -> dict[Path, str]:
    """Return the text of every module of the physics, by path."""
    paths = [path for path in sorted((ROOT / "physics").glob("*.py")) if path.stem != "__init__"]
    if not paths or not (ROOT / TARGETS[0]).is_dir():
        raise InputError(f"{ROOT} is no checkout with tests; run this from one")
    return {path: path.read_text(encoding="utf-8") for path in paths}


def chosen(texts: dict[Path, str], *, only: list[str], sample: int) -> list[Mutant]:
    """List the mutants to try, in the order of modules and lines."""
    unknown = set(only) - {path.stem for path in texts}
    if unknown:
        raise ParameterError(f"physics/ has no module {min(unknown)!r}")
    if sample < 1:
        raise ParameterError(f"sample is {sample}; it is every how many-th mutant, at least 1")
    wanted = [path for path in texts if not only or path.stem in only]
    return [m for path in wanted for m in mutants(texts[path], module=path.stem)][::sample]


def naming(module: str) -> list[str]:
    """List the files of tests that import a module, and the module for its examples."""
    files = [path for target in TARGETS for path in sorted((ROOT / target).rglob("test_*.py"))]
    name = f"from pulsephase.physics.{module} import"
    near = [str(path) for path in files if name in path.read_text(encoding="utf-8")]
    return [*near, str(ROOT / "src/pulsephase/physics" / f"{module}.py")]


def run_early(
    wrong: list[Mutant], paths: dict[str, Path], texts: dict[Path, str], *, workers: int
) -> dict[Mutant, str]:
    """Try mutants of what is computed on import, each where nothing is imported yet.

    The tests that import the module come first, and all the others after them.
    """
    killers: dict[Mutant, str] = {}
    every = [str(ROOT / target) for target in TARGETS]
    for nearby in (True, False):
        tasks, meant = [], [mutant for mutant in wrong if not killers.get(mutant)]
        for mutant in meant:
            path = paths[mutant.module]
            targets = [*OPTIONS, *(naming(path.stem) if nearby else every)]
            control = partial(at_import, None, path, texts[path], targets=["--co", *targets])
            tasks += [control, partial(at_import, mutant, path, texts[path], targets=targets)]
        ends = dict(in_forks(tasks, workers=workers, wall_s=1200))
        if any(ends[index] != "" for index in range(0, len(tasks), 2)):
            raise RuntimeError("tests cannot be collected on the true code: nothing can be judged")
        for index, mutant in enumerate(meant):
            end = ends[2 * index + 1]
            killers[mutant] = STOPPED if end is None else end
    return killers


def run(wrong: list[Mutant], texts: dict[Path, str], *, workers: int) -> Arena:
    """Try mutants: those at import time where nothing is imported yet, the others in the arena."""
    for name in HEAVY:
        if find_spec(name.partition(".")[0]):
            import_module(name)
    paths = {path.stem: path for path in texts}
    early = [mutant for mutant in wrong if not mutant.function]
    killers = run_early(early, paths, texts, workers=workers)
    for mutant in early:
        print(
            f"  {killers[mutant] or 'survives'}: {mutant.module}.py:{mutant.line}  {mutant.label}"
        )
    arena = Arena([mutant for mutant in wrong if mutant.function], texts, workers=workers)
    arena.killers |= killers
    pytest.main([*QUIET, *OPTIONS, *(str(ROOT / target) for target in TARGETS)], plugins=[arena])
    return arena


def main() -> int:
    """Try the mutants that were asked for, and keep the results unless they are a sample."""
    asked = arguments()
    texts = sources()
    wrong = chosen(texts, only=asked.only, sample=asked.sample)
    print(f"{len(wrong)} mutants", flush=True)
    arena = run(wrong, texts, workers=asked.workers)
    if arena.red:
        print("red on the true code, so nothing was tried:", *arena.red, sep="\n  ")
        return 1
    found = {}
    for path, text in texts.items():
        mine = [mutant for mutant in wrong if mutant.module == path.stem]
        if mine:
            found[path.stem] = report.entry(mine, arena.killers, arena.uncalled, source=text)
    if asked.sample == 1:
        from pulsephase.machine import revision

        report.keep(
            found,
            known={path.stem: len(mutants(text, module="")) for path, text in texts.items()},
            results=RESULTS,
            document=DOCUMENT,
            revision=revision(),
        )
    share = report.share_killed(found)
    print(f"{share:.1%} of {len(wrong)} mutants turn something red")
    return 0 if share >= report.ASKED_SHARE else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (InputError, ParameterError) as error:
        sys.exit(str(error))
