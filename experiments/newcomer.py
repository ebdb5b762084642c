"""Time the commands of docs/how-to/newcomer.md on a look-alike of UBFC-rPPG with four subjects.

``python -m pulsephase.experiments.newcomer`` runs each as typed, in a process of its own, and
writes ``experiments/results/newcomer.json``: seconds of wall time and of processor time.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pulsephase.files import write_json
from pulsephase.machine import machine, revision

RESULTS = Path(__file__).parent / "results" / "newcomer.json"
FAKE = "pulsephase datasets fake ubfc data/look-alike"
COMMANDS = (
    "pulsephase datasets verify data/look-alike --name ubfc",
    "pulsephase datasets cache data/look-alike --name ubfc --out caches/look-alike",
    "pulsephase train --data caches/look-alike:default --init tiny --epochs 2"
    " --out runs/look-alike",
    "pulsephase evaluate --weights runs/look-alike/weights.safetensors --weights tiny"
    " --method pos --method chrom --cache caches/look-alike --split default"
    " --html runs/look-alike/report",
)


def timed(command: str, folder: str | Path) -> dict[str, Any]:
    """Run one command in a folder, and return what it took.

    Raises:
        CalledProcessError: If it ends with another exit code than 0.
    """
    words = [sys.executable, "-m", "pulsephase", *shlex.split(command)[1:]]
    before, start = os.times(), time.perf_counter()
    subprocess.run(words, cwd=folder, check=True)
    after = os.times()
    spent = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    wall_s = time.perf_counter() - start
    return {"command": command, "wall_s": round(wall_s, 1), "processor_s": round(spent, 1)}


def main() -> None:
    """Make the look-alike, time the four commands, write and print the result."""
    with tempfile.TemporaryDirectory() as folder:
        timed(FAKE, folder)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        rows = [timed(command, folder) for command in COMMANDS]
    result = {
        "revision": revision(),
        "machine": machine(),
        "load_before": load,
        "wall_s": round(sum(row["wall_s"] for row in rows), 1),
        "processor_s": round(sum(row["processor_s"] for row in rows), 1),
        "commands": rows,
    }
    write_json(RESULTS, result)
    print(f"{result['wall_s']} s, {result['processor_s']} s of processor time")


if __name__ == "__main__":
    main()
