"""Where the weights of each seed lie: three were trained by a recipe, one of them is shipped."""

from pathlib import Path

from pulsephase.experiments.recipes import SEEDS
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import SHIPPED, card

SEEDS_KEPT = Path(__file__).parents[1] / "weights"


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
