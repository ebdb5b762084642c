"""The verdict: one sentence, made from the numbers and the committed thresholds alone.

It can be positive, negative, or withheld with the number that is needed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulsephase.interpret.context import Context
from pulsephase.interpret.nulls import DECISIVE, titled
from pulsephase.interpret.thresholds import Thresholds, thresholds

LEAST_OWN = 0.1  # of the spread of a mean: less cannot be told from none
UNITS = {
    "natural_hz": ("natural frequency", " Hz"),
    "damping": ("damping ratio", ""),
    "fast_per_s": ("fast rate", "/s"),
    "slow_per_s": ("slow rate", "/s"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the sections found, as far as the verdict needs it.

    Attributes:
        clips: Clips with a pulse.
        taps: Length of the headline kernel.
        snr_db: Of the kernel against its spread over clips; none is without any.
        causality: Share of energy at or before the present.
        look_ahead: Frames of look-ahead.
        at_least: Whether it may be more.
        time_invariance: Share of energy in the mean response.
        direction: Share of it in the main direction.
        scores: ``rings``, ``creeps``, ``either``; none where the kernel is too short.
        oscillator: The two numbers with their intervals, or ``withheld``.
        nulls: Percentile and number of draws of each null that decides.
        missing: Nulls that could not be built.
        left_out: Clips of footage without a pulse that POS could find.
        cut: Whether the clips end before the kernel does.
    """

    clips: int
    taps: int
    snr_db: float | None
    causality: float
    look_ahead: int
    at_least: bool
    time_invariance: float
    direction: float
    scores: Mapping[str, float] | None
    oscillator: Mapping[str, Any]
    nulls: Mapping[str, tuple[float, int]]
    missing: tuple[str, ...] = ()
    left_out: int = 0
    cut: bool = False


def facts_of(context: Context, sections: Mapping[str, Any]) -> Facts:
    """Collect the facts from the sections."""
    response, system, nulls = (sections[name] for name in ("response", "system", "nulls"))
    video = response["levels"]["video"]
    head = response["levels"].get("head", video)
    return Facts(
        clips=sum(response["clips_with_pulse"]),
        taps=head["taps"],
        snr_db=head["snr_db"],
        causality=min(head["causality"], video["causality"]),
        look_ahead=video["look_ahead"]["frames"],
        at_least=video["look_ahead"]["at_least"],
        time_invariance=head["time_invariance"]["all"],
        direction=head["direction_share"],
        scores=system.get("scores"),
        oscillator=system.get("oscillator", {"withheld": system.get("withheld", "")}),
        nulls={
            titled(name, null): (null["percentile"], len(null["scores"]))
            for name, null in nulls.get("nulls", {}).items()
            if null["decides"]
        },
        missing=tuple(nulls.get("missing", {})),
        left_out=response["clips_left_out"],
        cut=head["taps_at_least"],
    )


def verdict(context: Context, sections: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict of an interpretation."""
    return verdict_of(facts_of(context, sections))


def withheld_of(facts: Facts, limits: Thresholds) -> list[str]:
    """Return why no claim about poles can be made, each with the number needed."""
    found = []
    if facts.clips < limits.least_clips:
        left = f" (POS finds none in {facts.left_out} more)" if facts.left_out else ""
        found.append(f"{facts.clips} clips with a pulse{left}, {limits.least_clips} are needed")
    if facts.taps < limits.least_taps:
        cut = ", all that these clips show of it" if facts.cut else ""
        found.append(f"a kernel of {facts.taps} taps{cut}, {limits.least_taps} are needed")
    if facts.snr_db is not None and facts.snr_db < limits.least_snr_db:
        found.append(
            f"a kernel {facts.snr_db:.1f} dB above its spread over clips, "
            f"{limits.least_snr_db:g} dB are needed ({_clips_for(facts, limits)})"
        )
    drawn = facts.nulls.get(DECISIVE, (0.0, 0))[1]
    if facts.scores is not None and drawn < limits.least_draws:
        remedy = "leave out --quick" if drawn else "give the adapter `redraw`"
        found.append(
            f"{drawn} networks with random weights, {limits.least_draws} are needed: {remedy}"
        )
    if facts.causality < limits.causality:
        found.append(
            f"{100 * facts.causality:.1f} % of the response in the past, "
            f"{100 * limits.causality:g} % are needed"
        )
    if facts.time_invariance < limits.time_invariance:
        found.append(
            f"{100 * facts.time_invariance:.1f} % of the response in one kernel, "
            f"{100 * limits.time_invariance:g} % are needed"
        )
    return found


def _clips_for(facts: Facts, limits: Thresholds) -> str:
    """Return how many clips would lift the kernel out of its spread.

    The power of a mean over clips holds one part of their spread, which more clips take away.
    """
    assert facts.snr_db is not None
    own = 10 ** (facts.snr_db / 10) - 1
    if own <= LEAST_OWN:
        return "more clips than can be told from these"
    wanted = 10 ** (limits.least_snr_db / 10) - 1
    return f"about {math.ceil(max(facts.clips, 1) * wanted / own)} clips"


def verdict_of(facts: Facts) -> dict[str, Any]:
    """Return the verdict that the facts and the thresholds give.

    ``outcome`` is ``positive``, ``negative`` or ``withheld``; the percentile is that among random
    weights in the same architecture, null where they could not be drawn.
    """
    limits = thresholds()
    withheld = withheld_of(facts, limits)
    score = None if facts.scores is None else facts.scores["either"]
    decisive = facts.nulls.get(DECISIVE)
    found: dict[str, Any] = {
        "physics_consistency": score,
        "null_percentile": None if decisive is None else decisive[0],
        "causality_score": facts.causality,
        "look_ahead_frames": facts.look_ahead,
        "time_invariance_score": facts.time_invariance,
        "missing_nulls": list(facts.missing),
        "withheld": withheld,
    }
    if withheld or score is None:
        reasons = withheld or [f"a kernel of {facts.taps} taps"]
        sentence = (
            f"{_causal(facts)}. Whether it is an oscillator's is withheld: {_all(reasons)}."
            f"{_missing(facts)}"
        )
        return found | {"outcome": "withheld", "poles": [], "sentence": sentence}
    failed = _failed(facts, limits)
    poles = _poles(facts, claimed=not failed)
    if failed:
        says = f"No oscillator is found in it: {'; '.join(failed)}"
    else:
        says = _positive(facts)
    return found | {
        "outcome": "negative" if failed else "positive",
        "poles": poles,
        "sentence": f"{_causal(facts)}. {says}.{_missing(facts)}",
    }


def _failed(facts: Facts, limits: Thresholds) -> list[str]:
    """Return every condition of a positive verdict that does not hold."""
    assert facts.scores is not None
    score, found = facts.scores["either"], []
    if score < limits.consistency:
        found.append(f"two poles score {score:.2f}, {limits.consistency:g} are needed")
    above = [name for name, (share, _) in facts.nulls.items() if share < limits.percentile]
    if DECISIVE in above:
        share = 100 - facts.nulls[DECISIVE][0]
        found.append(f"{share:.0f} % of networks with random weights score as high")
    others = [name for name in above if name != DECISIVE]
    if others:
        found.append(
            f"more than {100 - limits.percentile:g} % of these do too: {', '.join(others)}"
        )
    if facts.direction < limits.direction:
        found.append(
            f"the kernel is {100 * facts.direction:.0f} % of the response, "
            f"{100 * limits.direction:g} % are needed"
        )
    if "withheld" in facts.oscillator:
        found.append(str(facts.oscillator["withheld"]))
    elif not any(_sure(each, limits) for each in facts.oscillator["numbers"].values()):
        found.append("neither of the two numbers of the oscillator is known to half of itself")
    return found


def _sure(number: Mapping[str, Any], limits: Thresholds) -> bool:
    if number["low"] is None or number["high"] is None:
        return False
    half = (number["high"] - number["low"]) / 2
    return bool(half <= limits.pole_interval * abs(number["value"]))


def _poles(facts: Facts, *, claimed: bool) -> list[dict[str, Any]]:
    """Return the two numbers; one is claimed where the verdict is positive and it is sure."""
    if "withheld" in facts.oscillator:
        return []
    limits = thresholds()
    return [
        {
            "kind": facts.oscillator["kind"],
            "number": name,
            "value": each["value"],
            "interval_95": [each["low"], each["high"]],
            "claimed": claimed and _sure(each, limits),
        }
        for name, each in facts.oscillator["numbers"].items()
    ]


def _causal(facts: Facts) -> str:
    if facts.look_ahead == 0:
        first = "It is causal"
    else:
        more = "at least " if facts.at_least else ""
        first = f"It is not causal: it looks {more}{facts.look_ahead} frames ahead"
    return f"{first}, and {100 * facts.time_invariance:.1f} % of its response is one kernel"


def _positive(facts: Facts) -> str:
    assert facts.scores is not None
    sure = [each for each in _poles(facts, claimed=True) if each["claimed"]]
    kind = "one that rings" if facts.oscillator["kind"] == "rings" else "one that creeps"
    numbers = ", ".join(
        f"{UNITS[each['number']][0]} {each['value']:.3g}{UNITS[each['number']][1]} "
        f"({each['interval_95'][0]:.3g} to {each['interval_95'][1]:.3g})"
        for each in sure
    )
    above = [f"{percent:.0f} % of {name}" for name, (percent, _) in facts.nulls.items()]
    return (
        f"Its kernel is that of a damped oscillator, {kind} ({numbers}): two poles score "
        f"{facts.scores['either']:.2f}, above {_all(above)}; so would a two-pole filter, and these "
        "are poles of the estimator, not of a vessel"
    )


def _missing(facts: Facts) -> str:
    return f" Not compared with: {', '.join(facts.missing)}." if facts.missing else ""


def _all(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
