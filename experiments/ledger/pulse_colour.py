r"""Where a colour method cancels the pulse itself: POS, and the pulse's own direction in colour.

POS adds two projections of the relative change of colour :math:`(r, g, b)`: :math:`g - b` and
:math:`g + b - 2r`. On the published signature of the pulse both are positive. The generator draws
the direction, and skin, light and the camera's colour matrix bend it: where the two are of opposite
sign, POS loses pulse, whatever the motion. The row says how often that is so, and how much of a
network's gain over POS comes from there.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pulsephase.experiments.compare import TOLERANCE_BPM, Comparison, protocol
from pulsephase.experiments.ledger.against_pos import mean_gain, meet, method_of, row_of
from pulsephase.experiments.ledger.weights import seed_nets
from pulsephase.experiments.recipes import COMPARISON_SEED
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.render import render, render_with_maps

CLIPS = 400
PRESETS = ("easy", "full")
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


def row(
    name: str, *, clips: int = CLIPS, presets: tuple[str, ...] = PRESETS, say: Callable[[str], None]
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
