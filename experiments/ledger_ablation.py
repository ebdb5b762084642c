"""What is each part worth? `tiny` with one part changed, everything else the same.

Every variant is trained by one short recipe on the same clips with the same seeds, its averaged
weights are kept at the end, and it is judged on the fixed clips of one preset. Which clips a run
got right is kept as a row of bits, so that differences are paired by seed and clip.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool

from pulsephase.errors import ParameterError
from pulsephase.evaluation.compare import CLIP_S, TOLERANCE_BPM, Batch, fixed_clips
from pulsephase.experiments.ledger_against_pos import mean_gain
from pulsephase.files import write_json
from pulsephase.machine import machine
from pulsephase.models.config import TINY, PhaseNetConfig
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.presets import preset
from pulsephase.training.config import Machine
from pulsephase.training.fit import fit
from pulsephase.training.network import of_recipe
from pulsephase.training.recipes import RECIPES, SEEDS, Recipe
from pulsephase.vitals.heart_rate import peak_bpm

STEPS = 500
EMA = 1 - 10 / STEPS  # the last tenth of the steps; that of `tiny` would average over two fifths
CLIPS = 400
JUDGED_ON = "full"
RECIPE = replace(RECIPES["tiny"], steps=STEPS, frames=160, ema=EMA, validate_every=STEPS)
KEPT = slice(TINY.warmup, round(CLIP_S * TINY.sample_hz) - TINY.delay)  # for every variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One change to the network, or to what it is trained on.

    Attributes:
        parts: Fields of the network's config that differ from `tiny`.
        preset: What it is trained on.
    """

    parts: Mapping[str, Any] = field(default_factory=dict)
    preset: str = RECIPE.preset

    def network(self) -> PhaseNetConfig:
        """Return the network's config."""
        return replace(TINY, **self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Variants that answer one question.

    Attributes:
        question: As the page asks it.
        variants: By name.
    """

    question: str
    variants: Mapping[str, Variant]


def _parts(name: str, *values: Any) -> dict[str, Variant]:
    return {f"{name} = {value}": Variant(parts={name: value}) for value in values}


GROUPS: dict[str, Group] = {
    "baseline": Group(question="`tiny` as it is", variants={"baseline": Variant()}),
    "zas": Group(
        question="does swapping regions help, and more than other mixers?",
        variants=_parts("mixer", "identity", "pointwise", "permutation", "grid"),
    ),
    "asf": Group(
        question="does weighing the skin help, against the mean over the frame?",
        variants=_parts("pooling", "average"),
    ),
    "head": Group(
        question="do gates help, and must it be a TCN?",
        variants=_parts("head", "ungated", "fir", "oscillator", "gru"),
    ),
    "depth": Group(
        question="how far back must it see? (3, 4, 6 layers: 15, 31, 127 frames; of 15 frames none "
        "is half a second old, so that there the delay is halved)",
        variants={
            "layers = 3, delay = 7": Variant(parts={"layers": 3, "delay": 7}),
            **_parts("layers", 4),
        },
    ),
    "delay": Group(question="what does half a second of delay give?", variants=_parts("delay", 0)),
    "causality": Group(
        question="what does seeing the future give? (symmetric padding)",
        variants=_parts("head", "symmetric"),
    ),
    "input": Group(
        question="colour over its mean, its change, or both?",
        variants=_parts("inputs", "mean", "difference"),
    ),
    "generator": Group(
        question="what must vary in training? (`noiseless`: no sensor noise, no codec; `static`: "
        "no motion, steady light)",
        variants={name: Variant(preset=name) for name in ("noiseless", "static")},
    ),
}


def bits_of(right: Bool[np.ndarray, " clip"]) -> str:
    """Return which clips are right as hexadecimal digits, the first clip first.

    >>> bits_of(np.array([True, False, False, True, True]))
    '98'
    """
    return np.packbits(right).tobytes().hex()


def right_of(bits: str, *, clips: int) -> Bool[np.ndarray, " clip"]:
    """Return what `bits_of` was given.

    >>> right_of("98", clips=5).tolist()
    [True, False, False, True, True]
    """
    packed = np.frombuffer(bytes.fromhex(bits), dtype=np.uint8)
    return np.unpackbits(packed, count=clips).astype(bool)


def judge(net: PhaseNet, *, clips: int = CLIPS) -> dict[str, Any]:
    """Return how a network does on the fixed clips, and which of them it gets right."""
    frames, rate = round(CLIP_S * TINY.sample_hz), TINY.sample_hz
    config = replace(preset(JUDGED_ON), size=TINY.size, frames=frames, sample_hz=rate)
    errors = [_errors(net, made) for made in fixed_clips(config, KEPT, clips=clips, batch=8)]
    error = np.concatenate(errors)
    right = error < TOLERANCE_BPM
    return {
        "within_3_bpm": float(right.mean()),
        "mae_bpm": float(error.mean()),
        "right": bits_of(right),
    }


def _errors(net: PhaseNet, made: Batch) -> np.ndarray:
    with torch.inference_mode():
        waves = net(made.frames).roll(-net.config.delay, 1)[:, KEPT]
    found = peak_bpm(waves.double().numpy(), sample_hz=TINY.sample_hz)
    return np.asarray(np.abs(found - np.array(made.truth_bpm)))


def run(name: str, variant: Variant, seed: int, *, recipe: Recipe, clips: int) -> dict[str, Any]:
    """Train one variant with one seed, and judge it."""
    config = of_recipe(
        replace(recipe, preset=variant.preset), seed=seed, machine=Machine(workers=1)
    )
    trained = fit(replace(config, network=replace(config.network, overrides=variant.parts)))
    return {
        "variant": name,
        "seed": seed,
        "trained_on": variant.preset,
        "parameters": sum(p.numel() for p in trained.net.parameters()),
        "validation_loss": trained.history[-1]["validation_loss"],
        "seconds": round(trained.seconds, 1),
        "machine": machine(),
        **judge(trained.net, clips=clips),
    }


def row(
    group: str,
    path: Path,
    *,
    recipe: Recipe = RECIPE,
    seeds: tuple[int, ...] = SEEDS,
    clips: int = CLIPS,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Return the row of a group of variants; what an earlier call left at ``path`` is not repeated.

    Args:
        group: One of `GROUPS`.
        path: Where each run is kept as soon as it is done.
        recipe: How every variant is trained.
        seeds: The same for every variant.
        clips: Fixed clips.
        say: Told what is being done.
    """
    found = GROUPS[group]
    made: dict[str, Any] = {
        "question": found.question,
        "protocol": {
            "steps": recipe.steps,
            "batch": recipe.batch,
            "frames": recipe.frames,
            "ema": recipe.ema,
            "seeds": list(seeds),
            "clips": clips,
            "preset": JUDGED_ON,
        },
        "runs": [],
    }
    made["runs"] = _unfinished(path, made["protocol"])
    done = {(each["variant"], each["seed"]) for each in made["runs"]}
    for name, variant in found.variants.items():
        for seed in seeds:
            if (name, seed) in done:
                continue
            say(f"{group}: {name}, seed {seed}")
            made["runs"].append(run(name, variant, seed, recipe=recipe, clips=clips))
            write_json(path, made)
    return copy.deepcopy(made)


def _unfinished(path: Path, protocol: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the runs of a row that was stopped; none of one that was ended, or asked otherwise."""
    if not path.exists():
        return []
    held = json.loads(path.read_text(encoding="utf-8"))
    if held.get("minutes") is not None or held.get("protocol") != protocol:
        return []
    runs: list[dict[str, Any]] = held["runs"]
    return runs


def comparisons(row: Mapping[str, Any], baseline: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each variant of a row against the baseline, paired by seed and clip.

    Raises:
        ParameterError: If the two were not made by one protocol.
    """
    if row["protocol"] != baseline["protocol"]:
        raise ParameterError(
            f"a row was made by {row['protocol']}, the baseline by {baseline['protocol']}; make "
            "both again: make experiments ONLY=ablation"
        )
    clips = row["protocol"]["clips"]
    plain = {each["seed"]: each for each in baseline["runs"]}
    for name in dict.fromkeys(each["variant"] for each in row["runs"]):
        runs = [each for each in row["runs"] if each["variant"] == name and each["seed"] in plain]
        mine = np.stack([right_of(each["right"], clips=clips) for each in runs]).astype(float)
        theirs = np.stack([right_of(plain[each["seed"]]["right"], clips=clips) for each in runs])
        losses = [
            each["validation_loss"] - plain[each["seed"]]["validation_loss"]
            for each in runs
            if each["trained_on"] == plain[each["seed"]]["trained_on"]  # held out of that preset
        ]
        yield {
            "variant": name,
            "parameters": runs[0]["parameters"],
            "within_3_bpm": float(mine.mean()),
            "by_seed": [float(share) for share in mine.mean(1)],
            "difference": mean_gain(mine, theirs.astype(float)),
            "loss_difference": float(np.mean(losses)) if losses else None,
        }
