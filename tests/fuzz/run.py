"""Does anything end in a traceback, a hang, or a wrong exit code? Changed files and words.

Run ``make fuzz MINUTES=10``, or ``python -m fuzz.run --minutes 10`` from ``tests``: first the
corpus, which holds every fault that was ever found, then cases from a seed. A fault is printed with
its number, from which it can be had again (``--seed``, ``--only``). Exit code 1 if there is one.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from fuzz import corpus, material, sandbox


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, after the corpus")
    parser.add_argument("--cases", type=int, default=10**9, help="how many at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="this case alone")
    parser.add_argument("--out", type=Path, help="JSON of what was found")
    return parser.parse_args()


def main() -> int:
    """Run the corpus, then cases until time is over."""
    asked = arguments()
    import pulsephase.measurement.measure  # noqa: F401  (loaded once, before the forks)

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # what a case writes to its default place goes there
        found = _run(asked, Path(folder))
    print(json.dumps(found, indent=2))
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 1 if found["faults"] else 0


def _run(asked: argparse.Namespace, folder: Path) -> dict[str, object]:
    codes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    faults: list[dict[str, object]] = []
    slowest, largest = 0.0, 0.0

    def one(name: str, words: list[str]) -> None:
        nonlocal slowest, largest
        outcome = sandbox.run(words, log=folder / "log")
        codes[str(outcome.code)] += 1
        kinds[name.split()[-1]] += 1
        slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.megabytes)
        if outcome.fault is not None:
            text = [line for line in outcome.said.splitlines() if line.strip()]
            last = text[-1][:300] if text else ""
            faults.append({"case": name, "fault": outcome.fault, "words": words, "last": last})
            print(f"{name}: {outcome.fault}: {words}: {last}", file=sys.stderr, flush=True)

    made = material.make(folder)
    if asked.only is None:
        for name, words in corpus.cases(folder / "corpus", made):
            one(f"{name} corpus", words)
    end_s = time.monotonic() + 60 * asked.minutes
    for number, (name, words) in enumerate(material.cases(made, folder / "work", asked.seed)):
        if number >= asked.cases or time.monotonic() > end_s or number > (asked.only or 10**9):
            break
        if asked.only is None or number == asked.only:
            one(name, words)
    return {
        "seed": asked.seed,
        "cases": sum(codes.values()),
        "codes": dict(sorted(codes.items())),
        "kinds": dict(sorted(kinds.items())),
        "slowest_s": round(slowest, 2),
        "largest_mb": round(largest, 1),
        "faults": faults,
    }


if __name__ == "__main__":
    sys.exit(main())
