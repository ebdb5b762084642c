"""The looks at the real clips, as the ledger's page shows them."""

from collections.abc import Iterator, Mapping
from statistics import mean, median
from typing import Any

from pulsephase.experiments.ledger.markdown import table


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
