"""The looks at the real clips, as the ledger's page shows them."""

from collections.abc import Iterator, Mapping
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
                "Played at another speed, and brought to 30 frames a second again; clips without "
                "an answer after the warm-up count as misses:\n"
            )
            yield table(*_look(look["retimed"]))


def _look(summary: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    body = []
    for key, found in summary.items():
        errors = [_bpm(found["median_bpm"]), _bpm(found["worst_bpm"])]
        mean = _bpm(found["mean_bpm"])
        silent = f"{100 * found['abstained']:.0f} %"
        body.append([key.replace("_", "\\_"), " / ".join(errors), mean, silent, str(found["runs"])])
    return ["method, clip", "median / worst", "mean", "would have abstained", "runs"], body


def _demo(results: list[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    methods = [name for name, found in results[0].items() if isinstance(found, dict)]
    body = [
        [str(number), *(_bpm(clip[method]["error_bpm"]) for method in methods)]
        for number, clip in enumerate(results, start=1)
    ]
    return ["clip", *methods], body


def _bpm(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"
