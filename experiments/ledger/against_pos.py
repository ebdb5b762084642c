"""Against POS: every seed of a network and the classical methods on the same fixed clips.

Protocol of ``experiments/compare.py``; the gain over POS is paired clip by clip. Over seeds the
mean gain has an interval that draws clips and seeds; with three seeds or fewer it is a rough one,
so that each seed's own gain stands beside it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.experiments.compare import (
    BOOTSTRAPS,
    CLIP_S,
    PRESETS,
    TOLERANCE_BPM,
    Batch,
    Comparison,
    classical_waves,
    collect,
)
from pulsephase.experiments.ledger.weights import seed_nets
from pulsephase.models.phasenet import PhaseNet

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
