"""Null of shuffled labels: the shipped configs trained on clips that have each other's pulse.

Each run trains as `pretrain` does, for fewer steps on shorter clips, with every clip of a batch
given the label of its neighbour, and keeps the kernel of its head and its score. What training and
data give without the pulse is in these kernels. Runs that are done are kept: a call that was cut
off goes on.

``python -m pulsephase.experiments.interpret_shuffled --network tiny --runs 19``, and the same with
``--network base --steps 50``, made ``interpret/shuffled_labels.json``.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from pulsephase.files import write_json
from pulsephase.interpret.context import QUICK, synthetic_context
from pulsephase.interpret.nulls import SHUFFLED
from pulsephase.interpret.response import head_response
from pulsephase.interpret.subject import network_of
from pulsephase.interpret.system import scores_of
from pulsephase.machine import revision
from pulsephase.models.phasenet import PhaseNet
from pulsephase.training.pretrain import pretrain
from pulsephase.training.recipes import Recipe, recipe

STEPS = 100
FRAMES = 128
FIRST_SEED = 20
"""Seed of run 0; the recipes train seeds 0, 1 and 2, and the command up to 9."""
DIGITS = 6


def neighbours_labels(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a batch in which each clip has the label of the clip before it."""
    return {
        name: value if name == "frames" else value.roll(1, dims=0) for name, value in batch.items()
    }


def run(network: str, *, number: int, steps: int, workers: int) -> dict[str, Any]:
    """Train one network on shuffled labels, and return its kernel and score."""
    chosen = _recipe(network, steps)
    trained = pretrain(chosen, seed=FIRST_SEED + number, workers=workers, relabel=neighbours_labels)
    return {
        "run": number,
        "steps": steps,
        "frames": FRAMES,
        **kernel_of(trained.net),
        "revision": revision(),
    }


def kernel_of(net: PhaseNet) -> dict[str, Any]:
    """Return the headline kernel of a network at the default operating points, and its score."""
    subject = network_of(net, name="shuffled labels")
    response = head_response(synthetic_context(subject, budget=QUICK))
    kernel = response.kernels.mean
    return {
        "score": scores_of(kernel, sample_hz=subject.sample_hz)["either"],
        "kernel": [round(float(tap), DIGITS) for tap in kernel],
    }


def _recipe(network: str, steps: int) -> Recipe:
    return replace(
        recipe(network),
        steps=steps,
        frames=FRAMES,
        no_pulse=0.0,  # a clip without a pulse would lend out a label that is none
        validate_every=steps,
        validation_clips=4,
    )


def fill(path: Path, *, network: str, runs: int, steps: int, workers: int) -> int:
    """Run what is missing of a network's runs, writing after each; return how many were run."""
    held: dict[str, Any] = {"networks": {}}
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
    done = held["networks"].setdefault(network, [])
    missing = sorted(set(range(runs)) - {row["run"] for row in done})
    for number in missing:
        done.append(run(network, number=number, steps=steps, workers=workers))
        done.sort(key=lambda row: row["run"])
        write_json(path, held)
        print(f"{network}: run {number}, score {done[-1]['score']:.3f}")
    return len(missing)


def main() -> None:
    """Add runs to the committed file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="tiny", choices=("tiny", "base"))
    parser.add_argument("--runs", type=int, default=19)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--workers", type=int, default=0)
    asked = parser.parse_args()
    fill(
        SHUFFLED,
        network=asked.network,
        runs=asked.runs,
        steps=asked.steps,
        workers=asked.workers,
    )


if __name__ == "__main__":
    main()
