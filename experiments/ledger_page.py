"""The ledger's page, made from the rows alone: the same files give the same page, byte for byte.

`pages.py` (``make results``) writes it to ``docs/reference/ledger.md``.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean, median
from typing import Any

from pulsephase.experiments.ledger_ablation import comparisons
from pulsephase.experiments.ledger_curves import curve_tables
from pulsephase.experiments.ledger_fine_tuning import fine_tuning_tables
from pulsephase.experiments.ledger_rows import RESULTS
from pulsephase.pages.markdown import each, gain, made_by, percent, table


def real_clips(looks: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the section on the two real clips: every look, the latest last."""
    yield "## The two real clips\n"
    yield (
        "**Two clips of 12 seconds cannot rank methods.** They choose nothing: recipe, seeds, "
        "checkpoint rule and thresholds were committed before each look. Every look is here, the "
        "latest last. Error in bpm of the heart rate of the whole clip, abstention off, over crops "
        "(and seeds): median / worst.\n"
    )
    for number, look in enumerate(looks, start=1):
        weights = ", ".join(f"`{name}`" for name in look["weights"])
        yield f"### Look {number}: {look['date']}, {weights}, revision {look['revision']}\n"
        yield look["protocol"] + ".\n"
        if "summary" in look:
            yield table(*_look(look["summary"]))
        else:
            yield table(*_demo(look["results"]))
        if look.get("retimed"):
            yield (
                "Played at every speed, and brought to 30 frames a second again: median / worst in "
                "bpm, and how many gave no answer since too little was left after the warm-up:\n"
            )
            yield table(*_by_speed(look["results"], look["speeds"]))
            yield _goals(look["results"])


def _look(summary: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    body = []
    for key, found in summary.items():
        errors = [_bpm(found["median_bpm"]), _bpm(found["worst_bpm"])]
        mean = _bpm(found["mean_bpm"])
        silent = f"{100 * found['abstained']:.0f} %"
        body.append([key.replace("_", "\\_"), " / ".join(errors), mean, silent, str(found["runs"])])
    return ["method, clip", "median / worst", "mean", "would have abstained", "runs"], body


def _by_speed(
    results: list[Mapping[str, Any]], speeds: list[float]
) -> tuple[list[str], list[list[str]]]:
    keys = sorted({(row["method"], row["clip"]) for row in results})
    body = [
        [
            f"{method} {clip}".replace("_", "\\_"),
            *(_spread(_errors(results, method=method, clip=clip, speed=at)) for at in speeds),
        ]
        for method, clip in keys
    ]
    return ["method, clip", *(f"{speed:g} x" for speed in speeds)], body


def _errors(results: list[Mapping[str, Any]], **asked: Any) -> list[float | None]:
    """Return the errors of all crops and seeds in the rows that have what is asked for."""
    rows = [row for row in results if all(row[name] == value for name, value in asked.items())]
    return [error for row in rows for error in row["error_bpm_by_crop"]]


def _spread(errors: list[float | None]) -> str:
    found = [error for error in errors if error is not None]
    if not found:
        return f"none of {len(errors)}"
    silent = len(errors) - len(found)
    shown = f"{median(found):.1f} / {max(found):.1f}"
    return f"{shown} ({silent} of {len(errors)} silent)" if silent else shown


def _goals(results: list[Mapping[str, Any]]) -> str:
    """Return the network's means beside the goals, the answers that there are."""
    natural = _errors(results, method="phasenet", speed=1.0)
    speeds = sorted({row["speed"] for row in results} - {1.0})
    other = [e for at in speeds for e in _errors(results, method="phasenet", speed=at)]
    said = [
        (
            f"{mean(found):.1f} bpm {name} (goal {goal})"
            + (f", {len(errors) - len(found)} of {len(errors)} without an answer" * silent)
        )
        for name, goal, errors in (("at natural speed", 2, natural), ("re-timed", 3, other))
        if (found := [error for error in errors if error is not None])
        for silent in [len(found) < len(errors)]
    ]
    return f"Mean of the network over seeds, crops and clips: {'; '.join(said)}.\n"


def _demo(results: list[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    methods = [name for name, found in results[0].items() if isinstance(found, dict)]
    body = [
        [str(number), *(_bpm(clip[method]["error_bpm"]) for method in methods)]
        for number, clip in enumerate(results, start=1)
    ]
    return ["clip", *methods], body


def _bpm(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


LOOKS = Path(__file__).parent / "results" / "real_clips.json"

HEAD = """# Ledger

How well the networks do, with protocol, seeds and spread, and the classical methods beside them.
Made by `make results` from `experiments/results/`; do
not edit. `make experiments` makes the rows that are missing, `make experiments ONLY=curves/light`
makes one again. What training on one preset gives on another has a script and a file of its own
(`trained_on.py`, `trained_on.json`).

What stands here was measured on **synthetic video** (its truth is planted) and on **two public
clips of 12 s**. The licensed data sets cannot be had without their authors: none of the paper's
figures has the same protocol as a figure below, so that none stands beside one. Differences are
in percentage points, intervals 95 % by bootstrap. A share counts all clips, abstention off.
"""


def page(results: Path = RESULTS, looks: Path = LOOKS) -> str:
    """Return the page.

    Args:
        results: Folder of the rows.
        looks: File of the looks at the real clips.
    """
    rows = {
        str(path.relative_to(results).with_suffix("")): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(results.rglob("*.json"))
    }
    parts = [
        HEAD,
        *_against_pos(_of("against-pos", rows)),
        *_pulse_colour(_of("pulse-colour", rows)),
        *curve_tables(_of("curves", rows)),
        *_ablations(_of("ablation", rows)),
        *fine_tuning_tables(_of("fine-tuning", rows)),
        *real_clips(
            json.loads(looks.read_text(encoding="utf-8"))["looks"] if looks.exists() else []
        ),
    ]
    return "\n".join(parts)


def _of(group: str, rows: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.partition("/")[2]: row
        for name, row in rows.items()
        if name.startswith(f"{group}/") and row.get("minutes") is not None
    }


def _against_pos(rows: Mapping[str, Any]) -> Iterator[str]:
    if not rows:
        return
    yield "## Against POS\n"
    yield (
        "Fixed seeded clips of 10 s a preset; the same warm-up, estimator and band for all; "
        "within 3 bpm, in percent of all clips; POS, CHROM and GREEN on the better of the central "
        "crop and the true skin mask, chosen a preset. The network is the mean over its seeds, the "
        "interval draws clips and seeds.\n"
    )
    for name, row in rows.items():
        seeds, clips = row["seeds"], row["protocol"]["clips"]
        yield f"### `{name}`: seeds {', '.join(map(str, seeds))}; {clips} clips a preset\n"
        yield table(
            [
                "preset",
                "network",
                "each seed",
                "POS",
                "CHROM",
                "GREEN",
                "network - POS",
                "network - best of the three",
                "abstains",
            ],
            [_against(found) for found in row["presets"]],
        )
        yield made_by(row)


def _against(found: Mapping[str, Any]) -> list[str]:
    network, methods = found["phasenet"], found["methods"]
    silent = f"{100 * (1 - network['answered']):.0f} %"
    if found["preset"] == "null":
        return ["`null`", *["-"] * 7, silent]
    share = {method: methods[method]["within_3_bpm"] for method in ("pos", "chrom", "green")}
    best = max(share, key=share.__getitem__)
    return [
        f"`{found['preset']}`",
        percent(network["within_3_bpm"]),
        each(network["within_3_bpm_by_seed"]),
        *map(percent, share.values()),
        gain(found["phasenet_minus"]["pos"]),
        f"{best.upper()}: {gain(found['phasenet_minus'][best])}",
        silent,
    ]


def _pulse_colour(rows: Mapping[str, Any]) -> Iterator[str]:
    if not rows:
        return
    yield "## Where POS cancels the pulse itself\n"
    yield (
        "POS adds two projections of colour, which agree in sign on the published direction of the "
        "pulse. The generator draws that direction, and skin, light and the camera's colours bend "
        "it; where the two projections oppose each other, POS loses pulse whatever else happens. "
        "How common such colours are on real faces was not measured: the gain over POS is to be "
        "read with this split. Each method on its better region, chosen a preset; mean over the "
        "network's seeds.\n"
    )
    for name, row in rows.items():
        body = [
            [
                f"`{found['preset']}`, they {key}",
                str(found[key]["clips"]),
                *(percent(found[key][method]) for method in ("phasenet", "pos", "chrom", "green")),
                *(gain(found[key]["phasenet_minus"][method]) for method in ("pos", "green")),
            ]
            for found in row["presets"]
            for key in ("agree", "oppose")
            if found[key]["clips"]
        ]
        head = ["projections", "clips", f"`{name}`", "POS", "CHROM", "GREEN"]
        yield table([*head, "network - POS", "network - GREEN"], body)
        yield made_by(row)


def _ablations(rows: Mapping[str, Any]) -> Iterator[str]:
    if "baseline" not in rows:
        return
    baseline = rows["baseline"]
    protocol = baseline["protocol"]
    yield "## What each part is worth\n"
    yield (
        f"`tiny` with one part changed, {protocol['steps']} steps each, the same seeds "
        f"({', '.join(map(str, protocol['seeds']))}) and the same training clips; judged on "
        f"{protocol['clips']} fixed `{protocol['preset']}` clips. These are networks of a few "
        "minutes: what helps in so few steps need not help in many. Difference to the unchanged "
        "network, paired by seed and clip.\n"
    )
    shares = [run["within_3_bpm"] for run in baseline["runs"]]
    yield f"Unchanged: {percent(sum(shares) / len(shares))} % ({each(shares)}).\n"
    for name, row in rows.items():
        if name == "baseline":
            continue
        yield f"### {name}: {row['question']}\n"
        body = [
            [
                found["variant"],
                f"{found['parameters']:,}",
                percent(found["within_3_bpm"]),
                each(found["by_seed"]),
                gain(found["difference"]),
                _loss(found["loss_difference"]),
            ]
            for found in comparisons(row, baseline)
        ]
        yield table(
            ["variant", "parameters", "within 3 bpm", "each seed", "difference", "validation loss"],
            body,
        )
        yield f"{made_by(row).rstrip()} {trainings(row['runs'])}.\n"


def trainings(runs: list[Mapping[str, Any]]) -> str:
    """Return how long the trainings of a row took, and where.

    >>> trainings([{"seconds": 140.2, "machine": "x86_64, 2 cores"}] * 2)
    'Trainings of 140 to 140 s on x86_64, 2 cores'
    """
    seconds = [run["seconds"] for run in runs]
    where = " and ".join(sorted({run["machine"] for run in runs}))
    return f"Trainings of {min(seconds):.0f} to {max(seconds):.0f} s on {where}"


def _loss(difference: float | None) -> str:
    return "-" if difference is None else f"{difference:+.3f}"
