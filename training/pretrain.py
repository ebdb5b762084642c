"""Pretrain PHASE-Net on synthetic clips that are made on the fly: a training with one source.

The averaged weights with the lowest loss on held-out synthetic clips are kept; no real video is
looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pulsephase.machine import machine, revision
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import save
from pulsephase.training.config import Machine, PlantedSource
from pulsephase.training.fit import fit
from pulsephase.training.network import of_recipe
from pulsephase.training.planted import taught_names
from pulsephase.training.recipes import Recipe
from pulsephase.training.sources import Relabel, as_it_is

__all__ = ["Pretrained", "card_of", "pretrain", "revision", "store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """The outcome of a pretraining.

    Attributes:
        net: The network with the averaged weights, in inference mode.
        recipe: What was asked.
        seed: Of initialisation and clips.
        clips: Training clips seen.
        seconds: Wall time, validations included, over all parts of an interrupted run.
        history: Step, training loss (mean since the last row) and validation loss.
        best_step: Step of the weights kept.
        device: What it was trained on.
        footage: Names of the clips of real footage that were trained on.
        leads: Whether this process is the first of those that trained together.
    """

    net: PhaseNet
    recipe: Recipe
    seed: int
    clips: int
    seconds: float
    history: tuple[dict[str, int | float], ...]
    best_step: int
    device: str = "cpu"
    leads: bool = True
    footage: tuple[str, ...] = ()


def pretrain(
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "cpu",
    workers: int = 1,
    folder: Path | None = None,
    report: Callable[[int, float], None] = lambda step, loss: None,
    relabel: Relabel = as_it_is,
    planted: Sequence[PlantedSource] = (),
    init: str = "",
) -> Pretrained:
    """Train a network by a recipe, on as many threads as torch is set to.

    Args:
        recipe: What to train on, and for how long.
        seed: Of initialisation and clips.
        device: Torch device of the network.
        workers: Processes that render clips; 0 renders in this one.
        folder: Of the run, to be taken up again if it is interrupted; none writes nothing.
        report: Called after each step with the step's number and loss.
        planted: Caches of footage, for a recipe that plants pulses.
        init: Weights to begin with, by name or path; empty means those of the recipe.
        relabel: What is done to each batch, held-out ones too: the control of shuffled labels.

    Raises:
        MissingExtraError: If the extra ``train`` is not installed.
        TrainingError: If the loss is not finite (names step and clips), or the folder holds another
            training.
    """
    hardware = Machine(device=device, threads=torch.get_num_threads(), workers=workers)
    config = of_recipe(recipe, seed=seed, machine=hardware, planted=planted, init=init)
    trained = fit(config, folder=folder, report=report, relabel=relabel)
    return Pretrained(
        net=trained.net,
        recipe=recipe,
        seed=seed,
        clips=config.clips,
        seconds=trained.seconds,
        history=trained.history,
        best_step=trained.best_step,
        device=device,
        leads=trained.leads,
        footage=tuple(name for source in planted for name in taught_names(source)),
    )


def card_of(result: Pretrained) -> dict[str, object]:
    """Return what a reader of the weights must know of how they came to be."""
    return {
        "data": "synthetic video, and pulses planted on real footage"
        if result.footage
        else "synthetic video only",
        "footage": list(result.footage),
        "recipe": asdict(result.recipe),
        "seed": result.seed,
        "clips": result.clips,
        "seconds": round(result.seconds, 1),
        "best_step": result.best_step,
        "history": list(result.history),
        "revision": revision(),
        "torch": torch.__version__,
        "machine": machine(result.device),
    }


def store(result: Pretrained, path: Path, *, extra: dict[str, object]) -> None:
    """Write the weights, with the card and ``extra`` results in their metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save(
        path,
        config=result.net.config,
        tensors=result.net.state_dict(),
        card={**card_of(result), **extra},
    )
