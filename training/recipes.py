"""Every training recipe.

Seeds are 0, 1, 2 (`SEEDS`). Within a run the averaged weights with the lowest loss on held-out
clips are kept; of the seeds trained, the one with the lowest such loss is shipped. The two public
clips choose nothing.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pulsephase.errors import ParameterError
from pulsephase.models.losses import LossWeights
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import SHIPPED, card


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is pretrained on synthetic clips.

    Attributes:
        network: Name of the network's config.
        init: Shipped weights to begin with; empty begins at random.
        preset: Name of the generator's preset.
        planted: Share of the clips that are planted on real footage; 0 needs none.
        steps: Optimiser steps.
        batch: Clips a step.
        frames: Frames a clip.
        learning_rate: Peak of a one-cycle schedule.
        weight_decay: Of AdamW.
        clip_norm: Bound on the gradient's norm.
        ema: Decay a step of the averaged weights, which are the ones kept.
        no_pulse: Share of clips without a pulse.
        loss: Weights of the terms of the loss.
        validate_every: Steps between validations on held-out synthetic clips; the checkpoint with
            the lowest validation loss is kept.
        validation_clips: Clips of a validation.
    """

    network: str = "tiny"
    init: str = ""
    preset: str = "full"
    planted: float = 0.0
    steps: int
    batch: int = 4
    frames: int = 160
    learning_rate: float = 2.5e-3
    weight_decay: float = 1e-3
    clip_norm: float = 1.0
    ema: float = 0.99
    no_pulse: float = 0.06
    loss: LossWeights = field(default_factory=LossWeights)
    validate_every: int = 200
    validation_clips: int = 64


RECIPES = {
    "quick": Recipe(preset="lamps", steps=1400, validate_every=350),
    # Clips longer than those of `quick`: 45 frames of each are warm-up, whatever its length.
    "tiny": Recipe(steps=6400, frames=224, ema=0.995, validate_every=800),
    "base": Recipe(
        network="base",
        steps=5600,
        frames=224,
        learning_rate=2e-3,
        ema=0.995,
        validate_every=700,
    ),
    # The shipped ones, trained further: half of the clips are planted on real footage. Weights of
    # the same seed are taken up, with a peak of the learning rate that a trained network bears.
    "tiny-mixed": Recipe(
        init="tiny",
        planted=0.5,
        steps=1200,
        frames=224,
        learning_rate=1.2e-3,
        ema=0.99,
        validate_every=400,
        validation_clips=64,
    ),
    "base-mixed": Recipe(
        network="base",
        init="base",
        planted=0.5,
        steps=800,
        frames=224,
        learning_rate=1e-3,
        ema=0.99,
        validate_every=400,
        validation_clips=64,
    ),
    # Four minutes spent on two presets: what variety in training is worth (`trained_on.py`). In so
    # little time steps count for more than clips: batches of 2 beat batches of 4 on held-out clips.
    "quick-full": Recipe(batch=2, steps=1400, validate_every=350),
    "quick-naive": Recipe(preset="naive", batch=2, steps=1400, validate_every=350),
}

SEEDS = (0, 1, 2)
COMPARED_ON = "full"  # the preset on which networks meet the classical methods


def recipe(name: str) -> Recipe:
    """Return a recipe by name.

    Raises:
        ParameterError: If there is none of that name.
    """
    if name not in RECIPES:
        raise ParameterError(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    return RECIPES[name]


SEEDS_KEPT = Path(__file__).resolve().parents[1] / "experiments" / "weights"


def seed_files(name: str) -> dict[int, Path]:
    """Return the weights file of each seed of a recipe that has been trained, by seed.

    The shipped file stands for its own seed; the others lie in ``experiments/weights``, outside the
    package, for whoever wants to see the spread.

    >>> sorted(seed_files("tiny"))[0]
    0
    """
    shipped = SHIPPED / f"{name}.safetensors"
    found = {int(card(shipped)["seed"]): shipped} if shipped.exists() else {}
    for seed in SEEDS:
        path = SEEDS_KEPT / f"{name}-{seed}.safetensors"
        if seed not in found and path.exists():
            found[seed] = path
    return dict(sorted(found.items()))


def seed_nets(name: str) -> dict[int, PhaseNet]:
    """Return the network of each seed, ready for inference."""
    return {seed: PhaseNet.from_pretrained(path) for seed, path in seed_files(name).items()}
