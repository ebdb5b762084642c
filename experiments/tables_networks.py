"""The tables of `pages.py` on the networks: accuracy, real clips, speed, weights, ablations."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulsephase.experiments.ledger_ablation import GROUPS, comparisons
from pulsephase.experiments.ledger_curves import AXES, trained_range
from pulsephase.models.config import CONFIGS
from pulsephase.models.weights import card
from pulsephase.pages.markdown import gain, percent, table

RESULTS = Path(__file__).parent / "results"
SHIPPED = ("tiny", "base")
METHODS = {"pos": "POS", "chrom": "CHROM", "green": "GREEN", "ica": "ICA"}


def read(name: str) -> Any:
    """Return what a file of the results holds."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def or_dash(value: float | int | None, form: str) -> str:
    """Write a number, or a dash where there is none.

    >>> or_dash(1234.5, ",.0f"), or_dash(None, ".2f")
    ('1,234', '-')
    """
    return "-" if value is None else format(value, form)


def synthetic() -> str:
    """Each network beside POS, preset by preset."""
    found = {name: _presets(name) for name in SHIPPED}
    shared = [preset for preset in found["tiny"] if preset in found["base"]]
    head = ["preset", *(f"`{name}`" for name in SHIPPED)]
    head += [f"POS, {CONFIGS[name].size} px" for name in SHIPPED]
    head += [f"`{name}` - POS" for name in SHIPPED]
    body = []
    for preset in shared:
        rows = [found[name][preset] for name in SHIPPED]
        cells = ["-"] * (3 * len(SHIPPED))
        if preset != "null":
            cells = [percent(row["phasenet"]["within_3_bpm"]) for row in rows]
            cells += [percent(row["methods"]["pos"]["within_3_bpm"]) for row in rows]
            cells += [gain(row["phasenet_minus"]["pos"]) for row in rows]
        silent = (f"{100 * (1 - row['phasenet']['answered']):.0f}" for row in rows)
        body.append([f"`{preset}`", *cells, "/".join(silent)])
    return table([*head, "silent"], body)


def _presets(name: str) -> dict[str, Any]:
    return {row["preset"]: row for row in read(f"ledger/against-pos/{name}")["presets"]}


def latest_look(weights: str) -> dict[str, Any]:
    """Return the summary of the latest look at the real clips with a network."""
    looks = read("real_clips")["looks"]
    found = [look for look in looks if "summary" in look and weights in look["weights"]]
    summary: dict[str, Any] = found[-1]["summary"]
    return summary


def real_clips() -> str:
    """Every method on the two public clips: median / worst error over crops and seeds."""
    rows = [(f"PHASE-Net `{name}`", name, "phasenet") for name in SHIPPED]
    rows += [(shown, SHIPPED[-1], method) for method, shown in METHODS.items()]
    body = []
    for shown, weights, method in rows:
        summary = latest_look(weights)
        clips = [summary[f"{method} sample_video_{clip}.mp4"] for clip in (1, 2)]
        errors = [f"{clip['median_bpm']:.1f} / {clip['worst_bpm']:.1f}" for clip in clips]
        silent = sum(clip["abstained"] for clip in clips) / len(clips)
        body.append([shown, *errors, f"{100 * silent:.0f} %"])
    return table(["error in bpm, median / worst", "clip 1", "clip 2", "would have abstained"], body)


def benched() -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the benchmark of the networks by model, engine and mode."""
    rows = read("bench_models")["results"]
    return {(row["model"], row["engine"], row["mode"]): row for row in rows}


def speed() -> str:
    """What a frame costs on one thread, and a training step on two."""
    found, body = benched(), []
    for model in CONFIGS:
        stream, step = found[model, "folded", "stream"], found.get((model, "eager", "train"))
        body.append(
            [
                f"`{model}`, {stream['size']} px",
                f"{stream['parameters']:,}",
                f"{stream['ms_per_frame']:.2f}",
                f"{found[model, 'onnx', 'stream']['ms_per_frame']:.2f}",
                f"{found[model, 'folded', 'clip']['ms_per_frame']:.2f}",
                "-" if step is None else f"{step['ms_per_step']:.0f}",
            ]
        )
    return table(["network", "parameters", "stream", "ONNX", "clip", "training step"], body)


def networks() -> str:
    """These networks beside others, which were measured elsewhere."""
    found, body = benched(), []
    for model in CONFIGS:
        row = found[model, "folded", "stream"]
        times = [found[model, "folded", mode]["ms_per_frame"] for mode in ("stream", "clip")]
        cost = [f"{row['parameters']:,}", f"{128 * row['macs_per_frame'] / 1e9:.1f}"]
        shown = [f"{time:.2f}" for time in times]
        body.append([f"`{model}`", str(row["size"]), *cost, *shown, "yes"])
    for row in read("other_networks")["results"]:
        stream, clip = row["stream_ms_per_frame"], row["clip_ms_per_frame"]
        body.append(
            [
                row["network"],
                str(row["size"]),
                f"{row['parameters']:,}",
                or_dash(row["multiply_adds_of_a_clip_g"], ".1f"),
                or_dash(stream, ",.0f" if stream and stream > 100 else ".1f"),
                or_dash(clip, ".1f" if clip and clip >= 10 else ".2f"),
                row["causal"],
            ]
        )
    head = ["network", "px", "parameters", "G multiply-adds", "stream", "as a clip", "causal"]
    return table(head, body)


def weights() -> str:
    """What the shipped networks were trained on, and how."""
    body = []
    for name in SHIPPED:
        held, recipe = card(name), card(name)["recipe"]
        row = benched()[name, "folded", "stream"]
        losses = {}
        for path in sorted(RESULTS.glob(f"{name}-[0-9]*.json")):
            run = json.loads(path.read_text(encoding="utf-8"))
            losses[run["seed"]] = min(step["validation_loss"] for step in run["history"])
        shown = ", ".join(
            f"**{loss:.3f}**" if seed == held["seed"] else f"{loss:.3f}"
            for seed, loss in losses.items()
        )
        body.append(
            [
                f"`{name}`",
                f"{row['size']} px",
                f"{row['parameters']:,}",
                f"`{recipe['preset']}`",
                f"{recipe['steps']:,} x {recipe['batch']} x {recipe['frames']}",
                shown,
            ]
        )
    head = ["network", "crop", "parameters", "preset", "steps x clips x frames"]
    return table([*head, "loss on held-out clips, by seed"], body)


def right_when_given() -> str:
    """Of the rates that a shipped network gives, how many are within 3 bpm."""
    found = {name: _presets(name) for name in SHIPPED}
    shared = [name for name in found["tiny"] if name in found["base"] and name != "null"]
    body = []
    for name in SHIPPED:
        method = f"phasenet seed-{card(name)['seed']}"
        shares = [
            found[name][preset]["methods"].get(method, {}).get("within_3_bpm_of_answered")
            for preset in shared
        ]
        cells = [or_dash(None if share is None else 100 * share, ".0f") for share in shares]
        body.append([f"`{name}`", *cells])
    return table(["network", *(f"`{preset}`" for preset in shared)], body)


def ablations() -> str:
    """`tiny` with one part changed: the difference in points, and in the loss."""
    baseline, body = read("ledger/ablation/baseline"), []
    for group in GROUPS:
        if group == "baseline":
            continue
        for found in comparisons(read(f"ledger/ablation/{group}"), baseline):
            loss = found["loss_difference"]
            shown = [f"`{found['variant']}`", gain(found["difference"]), or_dash(loss, "+.3f")]
            body.append([group, *shown])
    return table(["part", "changed to", "points within 3 bpm", "loss on held-out clips"], body)


def pulse_colour() -> str:
    """The gain over POS where its two projections agree on the pulse, and where they oppose."""
    body = [
        [
            f"`{row['preset']}`, {key}",
            str(row[key]["clips"]),
            *(gain(row[key]["phasenet_minus"][method]) for method in ("pos", "green")),
        ]
        for row in read("ledger/pulse-colour/tiny")["presets"]
        for key in ("agree", "oppose")
        if row[key]["clips"]
    ]
    return table(["the projections", "clips", "`tiny` - POS", "`tiny` - GREEN"], body)


def trained_on() -> str:
    """The same few minutes on `full` and on `naive`: every run."""
    body = []
    for recipe, runs in read("trained_on").items():
        for run in runs:
            gains = {row["preset"]: row["phasenet_minus_pos_points"] for row in run["presets"]}
            cells = [
                gain(gains[name]) if name in gains else "-" for name in ("full", "hard", "rough")
            ]
            trained = f"`{recipe.removeprefix('quick-')}`"
            body.append([trained, f"{run['seconds']:.0f} s", *cells])
    return table(["trained on", "for", "on `full`", "on `hard`", "on `rough`"], body)


def behind() -> str:
    """Where a network is behind the best classical method by more than chance."""
    body = list(_behind())
    return table(["curve, level", "network", "right", "best other", "difference"], body)


def _behind() -> Iterator[list[str]]:
    for axis in AXES:
        low, high = trained_range(axis)
        for point in read(f"ledger/curves/{axis}")["points"]:
            outside = "" if low <= point["level"] <= high else ", not trained on"
            for name, found in point["networks"].items():
                best = found["minus_best"]
                if best["interval_95"][1] < 0:
                    other = f"{best['method'].upper()} {percent(found[best['method']])}"
                    right = percent(found["within_3_bpm"])
                    where = f"{axis}, {point['level']:g}{outside}"
                    yield [where, f"`{name}`", right, other, gain(best)]


def fine_tuning() -> str:
    """A look-alike of UBFC-rPPG: fine-tuned from `tiny`, and trained from scratch."""
    held = read("ledger/fine-tuning/ubfc")
    body = [
        [
            str(point["subjects"]),
            *(
                f"{percent(point[key]['within_3_bpm'])}, {point[key]['mae_bpm']:.2f} bpm"
                for key in ("fine_tuned", "from_scratch")
            ),
        ]
        for point in held["points"]
    ]
    before = held["before"]
    shown = {
        name: f"{percent(found['within_3_bpm'])}, {found['mae_bpm']:.2f} bpm"
        for name, found in before.items()
    }
    first = ["0", shown["tiny"], f"POS: {shown['pos']}"]
    return table(["subjects trained on", "fine-tuned", "from scratch"], [first, *body])


def look_alikes() -> str:
    """Leaving one set out over four look-alikes."""
    body = [
        [
            ", ".join(row["trained_on"]),
            row["dataset"],
            row["method"],
            str(row["clips"]),
            f"{row['mae_bpm']:.2f}",
            f"{100 * row['within_3_bpm']:.0f} %",
            f"{100 * row['coverage']:.0f} %",
        ]
        for row in read("protocol_look_alikes")["results"]
    ]
    head = ["trained on", "tested on", "method", "clips", "MAE, bpm", "within 3 bpm", "coverage"]
    return table(head, body)


TABLES = {
    "synthetic": synthetic,
    "real-clips": real_clips,
    "speed": speed,
    "networks": networks,
    "weights": weights,
    "right-when-given": right_when_given,
    "ablations": ablations,
    "pulse-colour": pulse_colour,
    "trained-on": trained_on,
    "behind": behind,
    "fine-tuning": fine_tuning,
    "look-alikes": look_alikes,
}
