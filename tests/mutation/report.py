"""What survived, module by module: `mutation.json` and `docs/reference/mutation.md`."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mutation.arena import STOPPED
from mutation.equivalent import REASONS
from mutation.mutants import Mutant

from pulsephase.files import whole_file, write_json

ASKED_SHARE = 0.95

HEAD = """# Does anything turn red when the physics is wrong?

Generated from `experiments/results/mutation.json` by `make mutate`; do not edit.

Every operator, sign, comparison and number beside an operator in `physics/` is changed, one at a
time, and the tests, proofs and docstring examples that call the changed function are run until one
fails. A mutant that makes none fail *survives*: it computes the same, or it differs only where
nothing is promised (the reason is given for each), or the tests have a gap. Survivors of every kind
count against the share. Not changed are annotations, text, and what an error says.
"""


def entry(
    wrong: list[Mutant], killers: Mapping[Mutant, str], uncalled: set[Mutant], *, source: str
) -> dict[str, Any]:
    """Summarise the mutants of one module.

    Args:
        wrong: All of them.
        killers: What turned red for each, or nothing.
        uncalled: Those of functions that no test calls.
        source: Text of the module, of which the hash is kept.
    """
    survivors = [mutant for mutant in wrong if not killers[mutant]]
    return {
        "source_sha256": hashlib.sha256(source.encode()).hexdigest(),
        "mutants": len(wrong),
        "killed": len(wrong) - len(survivors),
        "stopped": sum(killers[mutant] == STOPPED for mutant in wrong),
        "survivors": [
            {"line": mutant.line, "label": mutant.label, "called": mutant not in uncalled}
            for mutant in survivors
        ],
    }


def keep(
    modules: Mapping[str, Any],
    *,
    known: Mapping[str, int],
    results: Path,
    document: Path,
    revision: str,
) -> None:
    """Replace the entries of the modules that were run, and write the document anew.

    Args:
        modules: What `entry` made of each module that was run.
        known: How many mutants each module of the physics has now, run or not.
        results: The JSON file.
        document: The page.
        revision: Of the code that was run.
    """
    held = read(results)
    both = {**held["modules"], **modules}
    held["modules"] = {name: both[name] for name in sorted(both) if name in known}
    held["not_run"] = {
        name: known[name] for name in sorted(known) if name not in both and known[name]
    }
    held["revision"] = revision
    write_json(results, held)
    with whole_file(document) as temporary:
        temporary.write_text(render(held), encoding="utf-8")


def read(results: Path) -> dict[str, Any]:
    """Return the kept results, empty where there are none."""
    if not results.exists():
        return {"modules": {}, "not_run": {}}
    held: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return held


def share_killed(modules: Mapping[str, Any]) -> float:
    """Return the share of mutants that turn something red, equivalent ones counted as survivors."""
    total = sum(module["mutants"] for module in modules.values())
    return sum(module["killed"] for module in modules.values()) / total if total else 0.0


def render(held: Mapping[str, Any]) -> str:
    """Return the document."""
    modules: Mapping[str, Any] = held["modules"]
    total = sum(module["mutants"] for module in modules.values())
    killed = sum(module["killed"] for module in modules.values())
    lines = [HEAD, f"**{killed} of {total} turn something red ({share_killed(modules):.1%}).**", ""]
    if held["not_run"]:
        names = ", ".join(f"{name} ({count})" for name, count in held["not_run"].items())
        lines += [
            f"This is **part of the whole**. Modules not run, with their mutants: {names}.",
            "",
        ]
    lines += ["| module | mutants | red | stopped by time | survive | of these with a reason |"]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    for name, module in modules.items():
        survive = module["survivors"]
        same = sum((name, mutant["label"]) in REASONS for mutant in survive)
        counts = (module["mutants"], module["killed"], module["stopped"], len(survive), same)
        lines.append(f"| {name} | " + " | ".join(str(count) for count in counts) + " |")
    lines += ["", "## Survivors", "", "| module, function | change | why |", "|---|---|---|"]
    for name, module in modules.items():
        for mutant in module["survivors"]:
            function, change = mutant["label"].split(": ", 1)
            gap = "a gap" if mutant["called"] else "a gap: no test calls it"
            why = REASONS.get((name, mutant["label"]), gap)
            cells = (f"`{name}.{function}`", f"`{change}`".replace("|", "\\|"), why)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
