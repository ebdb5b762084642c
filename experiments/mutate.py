"""Does anything turn red when the physics is wrong? Every mutant of `physics/` against its tests.

Run ``python -m pulsephase.experiments.mutate`` from a checkout: all modules take tens of minutes,
one (``--only kernels``) a few. Entries of the modules that were run replace theirs in
``experiments/results/mutation.json``, from which ``docs/mutation.md`` is written. Exit code 1 if a
test fails on the true code, or if less than the asked share of the mutants turns something red.
"""

import argparse
import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from pulsephase.errors import InputError, ParameterError
from pulsephase.experiments.mutation import report
from pulsephase.experiments.mutation.arena import QUIET, STOPPED, Arena, at_import
from pulsephase.experiments.mutation.forks import in_forks
from pulsephase.experiments.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("tests/physics", "src/pulsephase/physics", "tests/proofs/test_theorems.py")
RESULTS = ROOT / "experiments" / "results" / "mutation.json"
DOCUMENT = ROOT / "docs" / "mutation.md"
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


def run(wrong: list[Mutant], texts: dict[Path, str], *, workers: int) -> Arena:
    """Try mutants: those at import time where nothing is imported yet, the others in the arena."""
    for name in HEAVY:
        if find_spec(name.partition(".")[0]):
            import_module(name)
    targets = ["-c", str(ROOT / "pyproject.toml"), *(str(ROOT / target) for target in TARGETS)]
    paths = {path.stem: path for path in texts}
    early = [mutant for mutant in wrong if not mutant.function]
    tasks = []
    for mutant in early:
        path = paths[mutant.module]
        control = partial(at_import, None, path, texts[path], targets=["--co", *targets])
        tasks += [control, partial(at_import, mutant, path, texts[path], targets=targets)]
    ends = dict(in_forks(tasks, workers=workers, wall_s=1200))
    if any(ends[index] != "" for index in range(0, len(tasks), 2)):
        raise RuntimeError("tests cannot be collected on the true code: no mutant can be judged")
    arena = Arena([mutant for mutant in wrong if mutant.function], texts, workers=workers)
    pytest.main([*QUIET, *targets], plugins=[arena])
    for index, mutant in enumerate(early):
        arena.killers[mutant] = STOPPED if ends[2 * index + 1] is None else ends[2 * index + 1]
        if not arena.killers[mutant]:
            print(f"  survives {mutant.module}.py:{mutant.line}  {mutant.label}")
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
        from pulsephase.experiments.pretrain import revision

        report.keep(found, results=RESULTS, document=DOCUMENT, revision=revision())
    share = report.share_killed(found)
    print(f"{share:.1%} of {len(wrong)} mutants turn something red")
    return 0 if share >= report.ASKED_SHARE else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (InputError, ParameterError) as error:
        sys.exit(str(error))
