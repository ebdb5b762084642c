"""The tables of `pages.py` on what networks have learnt, and on how well that can be told."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from pulsephase.experiments.tables_networks import SHIPPED, or_dash, read
from pulsephase.interpret.thresholds import thresholds
from pulsephase.pages.markdown import table


def verdicts() -> str:
    """The verdict on each shipped network, as the command says it."""
    lines = []
    for name in SHIPPED:
        verdict = read(f"interpret-{name}")["verdict"]
        share = or_dash(verdict["null_percentile"], ".0f")
        lines.append(
            f"- `{name}`: “{verdict['sentence']}” Its score exceeds that of {share} % of networks "
            "with random weights."
        )
    return "\n".join(lines) + "\n"


def outcomes() -> str:
    """The verdict in numbers: what it concludes, and on what."""
    body = []
    for name in SHIPPED:
        verdict = read(f"interpret-{name}")["verdict"]
        shares = [100 * verdict["causality_score"], 100 * verdict["time_invariance_score"]]
        shown = [f"{share:.0f} %" for share in shares]
        score = f"{verdict['physics_consistency']:.2f}"
        above = f"{verdict['null_percentile']:.0f} %"
        body.append([f"`{name}`", verdict["outcome"], *shown, score, above])
    head = ["network", "an oscillator?", "causal", "one kernel", "two poles explain"]
    return table([*head, "above random weights"], body)


def _found(*rows: tuple[str, str, Any]) -> str:
    """Lay out what was found of every shipped network: a label, a form, and where it stands."""
    sections = [read(f"interpret-{name}")["sections"] for name in SHIPPED]
    body = []
    for label, form, of in rows:
        body.append([label, *(or_dash(_of(of, each), form) for each in sections)])
    return table(["", *(f"`{name}`" for name in SHIPPED)], body)


def _of(value: Any, sections: dict[str, Any]) -> float | None:
    try:
        return float(value(sections))
    except (KeyError, TypeError):
        return None


def _gain_db(sections: dict[str, Any], hertz: float) -> float:
    bode = sections["system"]["bode"]
    return float(np.interp(math.log(hertz), np.log(bode["hz"]), bode["gain_db"]))


def response() -> str:
    """How causal, how constant and how linear the response is."""
    return _found(
        ("largest tap from the pixels, frames back", ".0f", _largest_tap),
        (
            "share of energy the same within a clip",
            ".2f",
            lambda s: s["response"]["levels"]["head"]["time_invariance"]["within_clips"],
        ),
        (
            "share of energy the same over all clips and times",
            ".2f",
            lambda s: s["response"]["levels"]["head"]["time_invariance"]["all"],
        ),
        ("gates of the last layer: open", ".2f", lambda s: s["layers"]["layers"][-1]["gate_open"]),
        ("... and move by", ".2f", lambda s: s["layers"]["layers"][-1]["gate_moves"]),
        (
            "variance that constant gates would explain",
            ".2f",
            lambda s: s["response"]["gates"]["gate_linearity"],
        ),
        (
            "variance of the wave that the mean response explains",
            ".2f",
            lambda s: s["response"]["gates"]["linear_share_of_wave"],
        ),
        ("response to grey light over that to green", ".2f", _grey_over_green),
    )


def _largest_tap(sections: dict[str, Any]) -> float:
    return float(np.abs(sections["response"]["levels"]["video"]["kernel"]).argmax())


def _grey_over_green(sections: dict[str, Any]) -> float:
    colours = sections["response"]["levels"]["video"]["colours"]
    green, alike = np.array(colours["green"]), np.sum(list(colours.values()), axis=0)
    return float(abs(alike[np.abs(green).argmax()]) / np.abs(green).max())


def system() -> str:
    """The mean response as a filter, its two poles, and the probe of the next input."""
    return _found(
        (
            "gain at 0.3 Hz against 1 Hz, dB",
            ".0f",
            lambda s: _gain_db(s, 0.3) - _gain_db(s, 1.0),
        ),
        ("gain at 2 Hz against 1 Hz, dB", ".1f", lambda s: _gain_db(s, 2.0) - _gain_db(s, 1.0)),
        ("energy between 0.7 and 4 Hz", ".2f", lambda s: s["layers"]["band_share"]),
        (
            "best two poles, Hz",
            ".2f",
            lambda s: s["system"]["oscillator"]["numbers"]["natural_hz"]["value"],
        ),
        (
            "... their damping",
            ".2f",
            lambda s: s["system"]["oscillator"]["numbers"]["damping"]["value"],
        ),
        ("score: energy that they explain", ".2f", lambda s: s["system"]["scores"]["rings"]),
        (
            "poles for 99 % of the Hankel energy",
            ".0f",
            lambda s: s["system"]["hankel"]["hold_99_percent"],
        ),
        (
            "next input predicted by the last layer",
            ".2f",
            lambda s: s["system"]["whitening"]["explained"],
        ),
        (
            "... by an autoregression",
            ".2f",
            lambda s: s["system"]["whitening"]["explained_by_autoregression"],
        ),
        (
            "... by random weights",
            ".2f",
            lambda s: s["system"]["whitening"]["explained_by_random_weights"],
        ),
    )


def nulls() -> str:
    """Percentile of each network's score against every null."""
    held = {name: read(f"interpret-{name}")["sections"]["nulls"]["nulls"] for name in SHIPPED}
    names = list(dict.fromkeys(null for found in held.values() for null in found))
    body = [
        [null, *(or_dash(held[name].get(null, {}).get("percentile"), ".0f") for name in SHIPPED)]
        for null in names
    ]
    return table(["null", *(f"`{name}`" for name in SHIPPED)], body)


def forcing() -> str:
    """Do the poles follow the planted vessel or the heart rate?"""

    def slope(of: str, what: str) -> Any:
        return lambda s: s["forcing"]["slopes"]["natural_hz"][of][what]

    return _found(
        ("fresh clips", ".0f", lambda s: s["forcing"]["clips"]),
        (
            "share of a clip's kernel that two poles explain, median",
            ".2f",
            lambda s: np.median(s["forcing"]["explained_by_two_poles"]),
        ),
        ("slope on the planted vessel", ".2f", slope("vessel", "slope")),
        ("slope on the heart rate", ".2f", slope("heart", "slope")),
    )


def space() -> str:
    """Where the masks and the attributions look."""

    def mask(number: int, name: str) -> Any:
        return lambda s: s["space"]["masks"]["mean"][name][number]

    def pulse(number: int) -> Any:
        return lambda s: s["space"]["masks"]["mean_perfusion_rank_correlation"][number]

    return _found(
        ("AUC of skin, first mask", ".2f", mask(0, "auc_skin")),
        ("AUC of skin, second mask", ".2f", mask(1, "auc_skin")),
        (
            "... of networks with random weights, the best",
            ".2f",
            lambda s: max(s["space"]["masks"]["random_weights"]["random_auc_skin"]),
        ),
        ("share on skin, first mask", ".2f", mask(0, "share_on_skin")),
        ("share on skin, second mask", ".2f", mask(1, "share_on_skin")),
        ("... of an even mask", ".2f", mask(0, "even_share_on_skin")),
        ("rank correlation with the pulse's strength, first mask", ".2f", pulse(0)),
        ("rank correlation with the pulse's strength, second mask", ".2f", pulse(1)),
    )


def attributions() -> str:
    """Two ways to ask the video where the wave comes from."""
    body = [
        [
            f"`{name}`, clip {number}",
            f"{clip['agreement']:.2f}",
            f"{clip['auc_skin']['occlusion']:.2f}",
            f"{clip['agreement_with_masks']:.2f}",
        ]
        for name in SHIPPED
        for number, clip in enumerate(
            read(f"interpret-{name}")["sections"]["space"].get("attributions", {}).get("clips", []),
            start=1,
        )
    ]
    head = ["clip", "they agree (rank)", "AUC of skin by occlusion", "agreement with the masks"]
    return table(head, body)


def signal_level() -> str:
    """Planted systems at signal level, and how far the trained networks are from them."""
    held = read("signal_level")
    body = []
    for name, row in held["linear"].items():
        gated = held["gated"].get(name)
        body.append(
            [
                name,
                f"{100 * row['kernel_error']['most']:.2f} %",
                f"{100 * row['pole_error']['most']:.4f} %",
                or_dash(None if gated is None else 100 * _most(gated, "kernel_error"), ".1f"),
                or_dash(None if gated is None else 100 * _most(gated, "from_linear_bound"), ".1f"),
            ]
        )
    head = ["planted system", "linear: kernel", "linear: poles", "gated: kernel, %"]
    return table([*head, "proven bound on these inputs, %"], body)


def _most(gated: dict[str, Any], name: str) -> float:
    return float(gated["trained"][name]["most"])


def whitened() -> str:
    """What a denoiser learns of a noisy oscillator: read from its kernel, and from its zeros."""
    body = [
        [
            name,
            *(
                f"{row[way]['natural_hz']['mean']:.2f} Hz, {row[way]['damping']['mean']:.3f}"
                for way in ("naive", "whitened")
            ),
        ]
        for name, row in read("signal_level")["kalman"].items()
    ]
    return table(["planted", "poles of the kernel", "zeros of the whitening filter"], body)


def limits() -> str:
    """Every threshold of the verdict."""
    body = [[f"`{name}`", f"{value:g}"] for name, value in asdict(thresholds()).items()]
    return table(["threshold", "value"], body)


def presence() -> str:
    """How many clips of each preset count as clips with a pulse."""
    rows = read("interpret_presence")["rows"]
    body = [
        [f"`{row['preset']}`", str(row["clips"]), f"{100 * row['share']:.1f} %"] for row in rows
    ]
    return table(["preset", "clips", "POS finds a pulse"], body)


def _power(rows: list[dict[str, Any]], first: str, shown: Any) -> str:
    body = [
        [
            row["system"],
            shown(row),
            f"{100 * row['power']:.0f} %",
            f"{100 * row['within_3_sd']:.1f} %",
            f"{row['rms_over_cramer_rao']:.2f}",
            f"{100 * row['interval_coverage']:.0f} %",
        ]
        for row in rows
    ]
    head = ["system", first, "positive", "claimed numbers within 3 deviations", "rms"]
    return table([*head, "intervals that hold the truth"], body)


def power() -> str:
    """Planted systems: how many get a positive verdict, and how true its numbers are."""
    return _power(read("interpret_validation")["power"], "taps", lambda row: str(row["taps"]))


def spread() -> str:
    """The same with noise that differs from clip to clip."""
    rows = read("interpret_validation")["spread"]
    return _power(rows, "ratio of the mean kernel", lambda row: f"{row['snr_db']:g} dB")


def false_positives() -> str:
    """Systems without an oscillator: how many get a positive verdict."""
    keys = ("null", "taps", "positive", "percentile_alone", "withheld")
    body = [[str(row[key]) for key in keys] for row in read("interpret_validation")["nulls"]]
    head = ["null, 100 each", "taps", "positive verdicts", "percentile of 95 alone", "withheld"]
    return table(head, body)


TABLES = {
    "verdicts": verdicts,
    "outcomes": outcomes,
    "response": response,
    "system": system,
    "nulls": nulls,
    "forcing": forcing,
    "space": space,
    "attributions": attributions,
    "signal-level": signal_level,
    "whitened": whitened,
    "thresholds": limits,
    "presence": presence,
    "power": power,
    "spread": spread,
    "false-positives": false_positives,
}
