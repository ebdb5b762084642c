"""What four minutes of training on one preset give on another: `full` against `naive`.

Same network, steps, seed and protocol (``compare.py``); only the preset that is trained on differs.

``python -m pulsephase.experiments.trained_on [RECIPE ...]`` trains and adds a run of each recipe to
``experiments/results/trained_on.json``. Earlier runs are kept: seconds are of one machine, and
another processor rounds otherwise.
"""

import json
import sys
from pathlib import Path

import torch

from pulsephase.evaluation.compare import compare
from pulsephase.files import write_json
from pulsephase.training.pretrain import card_of, pretrain
from pulsephase.training.recipes import recipe

COMPARED = ("quick-full", "quick-naive")
PRESETS = ("full", "hard")
CLIPS = 400
RESULTS = Path(__file__).parent / "results" / "trained_on.json"


def run(name: str, *, clips: int) -> dict[str, object]:
    """Train by a recipe, seed 0, and return its card with a table a preset."""
    trained = pretrain(recipe(name))
    tables = [compare(trained.net, preset, clips=clips).table() for preset in PRESETS]
    return {**card_of(trained), "presets": tables}


def main(names: list[str]) -> None:
    """Train by the named recipes, or by all that are compared."""
    held: dict[str, list[dict[str, object]]] = {}
    if RESULTS.exists():
        held = json.loads(RESULTS.read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    for name in names or COMPARED:
        held.setdefault(name, []).append(run(name, clips=CLIPS))
        write_json(RESULTS, held)
        print(json.dumps({name: held[name][-1]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
