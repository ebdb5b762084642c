"""Make the rows of the ledger, one JSON file each; what is finished is kept.

``python -m pulsephase.experiments.ledger_rows`` makes every row that is missing;
``... rows ablation/zas against-pos`` makes those rows again whose names begin so, whether they are
there or not; ``against-pos/tiny:vessel`` makes one preset of a row again, and the row says so. A
row that is stopped half-way goes on where it keeps its runs (ablations), or begins anew. The page
is made from the files by ``pulsephase.experiments.ledger_page``.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pulsephase.errors import ParameterError
from pulsephase.evaluation import compare
from pulsephase.experiments import (
    ledger_ablation,
    ledger_against_pos,
    ledger_curves,
    ledger_fine_tuning,
)
from pulsephase.files import write_json
from pulsephase.machine import revision

RESULTS = Path(__file__).parent / "results" / "ledger"

Say = Callable[[str], None]
Make = Callable[[Path, Say], Mapping[str, Any]]


def _whole(make: Callable[..., Mapping[str, Any]], name: str) -> Make:
    return lambda path, say: make(name, say=say)


def _resumed(group: str) -> Make:
    return lambda path, say: ledger_ablation.row(group, path, say=say)


ROWS: dict[str, Make] = {
    **{
        f"against-pos/{name}": _whole(ledger_against_pos.row, name)
        for name in ledger_curves.NETWORKS
    },
    "pulse-colour/tiny": _whole(ledger_against_pos.colour_row, "tiny"),
    **{f"curves/{axis}": _whole(ledger_curves.row, axis) for axis in ledger_curves.AXES},
    **{f"ablation/{group}": _resumed(group) for group in ledger_ablation.GROUPS},
    "fine-tuning/ubfc": lambda path, say: ledger_fine_tuning.row(say=say),
}


def path_of(row: str, *, results: Path = RESULTS) -> Path:
    """Return the file of a row."""
    return results / f"{row}.json"


def finished(row: str, *, results: Path = RESULTS) -> bool:
    """Return whether a row's file is there and was ended."""
    path = path_of(row, results=results)
    return path.exists() and json.loads(path.read_text(encoding="utf-8")).get("minutes") is not None


def chosen(names: list[str], *, results: Path = RESULTS) -> list[str]:
    """Return the rows to make: those that begin with one of the names, or all that are missing.

    Raises:
        ParameterError: If no row begins with a name.
    """
    for name in names:
        if not any(row.startswith(name) for row in ROWS):
            raise ParameterError(f"no row {name!r}; there are {', '.join(ROWS)}")
    if names:
        return [row for row in ROWS if row.startswith(tuple(names))]
    return [row for row in ROWS if not finished(row, results=results)]


def make_rows(names: list[str], *, results: Path = RESULTS, say: Say) -> None:
    """Make rows in the order of the ledger, each written as soon as it is done.

    Args:
        names: Beginnings of the names of rows to make again; none makes what is missing.
        results: Folder of the files.
        say: Told what is being done.
    """
    for row in chosen(names, results=results):
        path = path_of(row, results=results)
        path.parent.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        say(row)
        made = ROWS[row](path, say)
        earlier_s = sum(run["seconds"] for run in made.get("runs", []))  # of parts, if resumed
        seconds = max(time.perf_counter() - start, earlier_s)
        record = {
            "row": row,
            **made,
            "minutes": round(seconds / 60, 1),
            "revision": revision(),
            "torch": torch.__version__,
        }
        write_json(path, record)


def make_preset(name: str, *, results: Path = RESULTS, say: Say) -> None:
    """Make one preset of a finished row against POS again, or one that it lacks.

    Args:
        name: Row and preset, as ``against-pos/tiny:vessel``.
        results: Folder of the files.
        say: Told what is being done.

    Raises:
        ParameterError: If there is no such row, or rows have no such preset.
    """
    row, _, preset = name.partition(":")
    group, _, network = row.partition("/")
    if group != "against-pos" or not finished(row, results=results):
        raise ParameterError(f"{row!r} is no finished row against POS; make it first")
    held = json.loads(path_of(row, results=results).read_text(encoding="utf-8"))
    if preset not in compare.PRESETS:
        raise ParameterError(f"{row} has no preset {preset!r}; it has {', '.join(compare.PRESETS)}")
    clips = held["protocol"]["clips"]
    made = ledger_against_pos.row(network, clips=clips, presets=(preset,), say=say)
    if made["protocol"] != held["protocol"] or made["seeds"] != held["seeds"]:
        raise ParameterError(f"{row} was made with other seeds; make it again: ONLY={row}")
    tables = {table["preset"]: table for table in (*held["presets"], *made["presets"])}
    held["presets"] = [tables[each] for each in compare.PRESETS if each in tables]
    held["remade"] = {**held.get("remade", {}), preset: revision()}
    write_json(path_of(row, results=results), held)


def main(names: list[str]) -> None:
    """Make rows from the command line."""
    torch.set_num_threads(1)
    say = partial(print, flush=True)
    parts = [name for name in names if ":" in name]
    for name in parts:
        make_preset(name, say=say)
    whole = [name for name in names if ":" not in name]
    if whole or not parts:
        make_rows(whole, say=say)


if __name__ == "__main__":
    main(sys.argv[1:])
