"""Against POS: every seed of a network and the classical methods on the same fixed clips.

Protocol of ``experiments/compare.py``; the gain over POS is paired clip by clip. Over seeds the
mean gain has an interval that draws clips and seeds; with three seeds or fewer it is a rough one,
so that each seed's own gain stands beside it.

A second table parts the clips by whether POS cancels the pulse's own colour.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pulsephase.evaluation.compare import (
    BOOTSTRAPS,
    CLIP_S,
    PRESETS,
    TOLERANCE_BPM,
    Batch,
    Comparison,
    classical_waves,
    collect,
    protocol,
)
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.render import render, render_with_maps
from pulsephase.synthetic.seeds import COMPARISON_SEED
from pulsephase.training.recipes import seed_nets

CLIPS = 400
MAY_STOP = 8  # clips rendered at once


def method_of(seed: int) -> str:
    """Return the name of a seed's network among the methods."""
    return f"phasenet seed-{seed}"


def meet(
    nets: dict[int, PhaseNet],
    name: str,
    *,
    clips: int,
    advance: Callable[[float], None] = lambda amount: None,
) -> Comparison:
    """Run every seed and the classical methods on the first ``clips`` fixed clips of a preset."""
    return collect(
        name,
        next(iter(nets.values())).config,
        lambda made: waves_of(made, nets),
        clips=clips,
        batch=MAY_STOP,
        advance=advance,
    )


def waves_of(made: Batch, nets: dict[int, PhaseNet]) -> dict[tuple[str, str], Tensor]:
    """Return the waves of every seed and of the classical methods, by method and region."""
    network = next(iter(nets.values())).config
    with torch.inference_mode():
        pulses = {
            (method_of(seed), "crop"): net(made.frames).roll(-network.delay, 1)
            for seed, net in nets.items()
        }
    return {**pulses, **classical_waves(made, sample_hz=network.sample_hz)}


def mean_gain(
    hits: Float[np.ndarray, "seed clip"], baseline: Float[np.ndarray, "*seed clip"]
) -> dict[str, Any]:
    """Return the mean difference in points, its 95 % interval, and each seed's own.

    Args:
        hits: 1 where a seed's network is within 3 bpm.
        baseline: The same of what it is held against: one row, or one a seed.

    >>> same = np.ones((3, 10))
    >>> mean_gain(same, np.ones(10))["value"]
    0.0
    """
    differences = 100 * (hits - baseline)
    generator = np.random.default_rng(0)
    seeds, clips = differences.shape
    drawn = np.empty(BOOTSTRAPS)
    for index in range(BOOTSTRAPS):
        who = generator.integers(0, seeds, seeds)
        which = generator.integers(0, clips, clips)
        drawn[index] = differences[np.ix_(who, which)].mean()
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "value": float(differences.mean()),
        "interval_95": [float(low), float(high)],
        "by_seed": [float(each) for each in differences.mean(1)],
    }


def table(found: Comparison, seeds: list[int]) -> dict[str, Any]:
    """Return one preset's rows: each method's shares, and the networks' gain over POS."""
    plain = found.table()
    hits = {m: (errors < TOLERANCE_BPM).astype(float) for m, errors in found.errors.items()}
    networks = np.stack([hits[method_of(seed)] for seed in seeds])
    answered = [float(found.answered[method_of(seed)].mean()) for seed in seeds]
    return {
        **plain,
        "phasenet": {
            "within_3_bpm": float(networks.mean()),
            "within_3_bpm_by_seed": [float(each) for each in networks.mean(1)],
            "answered": float(np.mean(answered)),
            "answered_by_seed": answered,
        },
        "phasenet_minus": {
            method: mean_gain(networks, hits[method]) for method in ("pos", "chrom", "green")
        },
    }


def row(
    name: str, *, clips: int = CLIPS, presets: tuple[str, ...] = PRESETS, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return the row of one network: every trained seed on every preset.

    Args:
        name: ``tiny`` or ``base``.
        clips: Fixed clips of each preset.
        presets: Which.
        say: Told what is being done.
    """
    nets = seed_nets(name)
    tables = []
    for preset in presets:
        say(f"{name} on {preset}")
        tables.append(table(meet(nets, preset, clips=clips), list(nets)))
    return row_of(name, list(nets), tables, clips=clips)


def row_of(
    name: str, seeds: list[int], tables: list[dict[str, Any]], *, clips: int
) -> dict[str, Any]:
    """Return a row of one network from its tables, one a preset."""
    return {
        "network": name,
        "seeds": seeds,
        "protocol": {"clips": clips, "clip_s": CLIP_S, "tolerance_bpm": TOLERANCE_BPM},
        "presets": tables,
    }


COLOUR_PRESETS = ("easy", "full")
METHODS = ("pos", "chrom", "green")


def pulse_colour(seed: int, config: SynthConfig) -> Float[np.ndarray, " 3"]:
    """Return how the logarithm of the skin's mean colour changes with the pulse, in RGB.

    The clip is rendered twice without noise, grid and codec, with its pulse and without.

    Args:
        seed: Of a clip with a pulse.
        config: What it is rendered with.
    """
    clean = replace(
        config,
        camera=replace(config.camera, noise=(1e-9, 1e-9), unquantised_probability=1.0),
        codec=replace(config.codec, probability=0.0),
    )
    alive = render_with_maps(seed, clean)
    still = render(seed, replace(clean, no_pulse_probability=1.0))
    assert alive.truth is not None and alive.truth.skin_mask is not None
    assert alive.pulse is not None
    weights = alive.truth.skin_mask.double()[:, None]
    with_pulse, without = (
        ((clip.frames.double() * weights).sum((2, 3)) / weights.sum((2, 3)).clamp(min=1e-9))
        .clamp(min=1e-6)
        .log()
        for clip in (alive, still)
    )
    wave = alive.pulse.double() - alive.pulse.double().mean()
    return ((wave @ (with_pulse - without)) / wave.square().sum()).numpy()


def opposed(colour: Float[np.ndarray, " 3"]) -> bool:
    """Return whether the two projections of POS have opposite signs.

    >>> opposed(-np.array([0.33, 0.77, 0.53]))  # the published signature
    False
    >>> opposed(-np.array([0.33, 0.55, 0.60]))
    True
    """
    red, green, blue = colour
    return bool((green - blue) * (green + blue - 2 * red) < 0)


def colour_row(
    name: str,
    *,
    clips: int = CLIPS,
    presets: tuple[str, ...] = COLOUR_PRESETS,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Return the row of a network: each preset, whole and by whether POS's projections oppose.

    Args:
        name: ``tiny`` or ``base``.
        clips: Fixed clips of each preset.
        presets: Which; all of their clips have a pulse.
        say: Told what is being done.
    """
    nets = seed_nets(name)
    tables = []
    for preset in presets:
        say(f"{name} on {preset}")
        found = meet(nets, preset, clips=clips)
        config, _ = protocol(preset, next(iter(nets.values())).config)
        say(f"colours of {preset}")
        against = np.array(
            [opposed(pulse_colour(COMPARISON_SEED + i, config)) for i in range(clips)]
        )
        groups = {"agree": ~against, "oppose": against}
        parts = {key: _part(found, list(nets), which) for key, which in groups.items()}
        tables.append({"preset": preset, **parts})
    return row_of(name, list(nets), tables, clips=clips)


def _part(found: Comparison, seeds: list[int], which: Bool[np.ndarray, " clip"]) -> dict[str, Any]:
    """Return the shares of every method over some of the clips, and the network's gains."""
    if not which.any():
        return {"clips": 0}
    hits = {m: (errors[which] < TOLERANCE_BPM).astype(float) for m, errors in found.errors.items()}
    networks = np.stack([hits[method_of(seed)] for seed in seeds])
    return {
        "clips": int(which.sum()),
        "phasenet": float(networks.mean()),
        **{method: float(hits[method].mean()) for method in METHODS},
        "phasenet_minus": {method: mean_gain(networks, hits[method]) for method in METHODS},
    }
