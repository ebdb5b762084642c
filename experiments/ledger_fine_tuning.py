"""What synthetic weights are worth as a start: fine-tuned against from scratch, by subjects.

A look-alike of UBFC-rPPG (synthetic people in other rooms, with other ranges than the weights were
pretrained on; a finger that lags behind the face) is cached once. Networks are trained on its first
1, 2, 4 or 8 subjects for the same steps, and judged on twelve others. It says nothing of the real
set, only how much of a second domain the first one saves.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pulsephase.evaluation.cases import part_of
from pulsephase.evaluation.judge import evaluate
from pulsephase.evaluation.methods import Classical, Method, Network
from pulsephase.files import write_json
from pulsephase.models.phasenet import PhaseNet
from pulsephase.pages.markdown import made_by, percent, table
from pulsephase.synthetic.lookalike import fake
from pulsephase.training.config import CachedSource, Data, Optimiser, Record, TrainConfig
from pulsephase.training.config import Network as NetworkChoice
from pulsephase.training.fit import fit
from pulsephase.training.recipes import SEEDS
from pulsephase.video.datasets.cache import Cache, build_cache
from pulsephase.video.datasets.registry import dataset

SET = "ubfc"
START = "tiny"
MEANING = (
    "A look-alike of UBFC-rPPG: synthetic people, not the real set. Means over three seeds; the "
    "same steps from either start; judged on subjects that were never trained on."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How large the comparison is.

    Attributes:
        trained_on: Numbers of training subjects.
        tested_on: Subjects that all networks are judged on.
        seconds: Length of a recording.
        scene: Width and height of the frames.
        steps: Optimiser steps of every training.
        fine_rate: Learning rate from synthetic weights.
        fresh_rate: Learning rate from scratch: that of the recipe.
        seeds: Of the trainings.
    """

    trained_on: tuple[int, ...] = (1, 2, 4, 8)
    tested_on: int = 12
    seconds: float = 20.0
    scene: tuple[int, int] = (320, 240)
    steps: int = 200
    fine_rate: float = 5e-4
    fresh_rate: float = 2.5e-3
    seeds: tuple[int, ...] = SEEDS


def row(*, plan: Plan | None = None, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the row: error on unseen subjects by the number of subjects trained on.

    Args:
        plan: How large; none is the ledger's.
        say: Told what is being done.
    """
    plan = plan or Plan()
    with tempfile.TemporaryDirectory() as folder:
        cache = _cached(Path(folder), plan, say)
        points = [_point(Path(folder), cache, plan, count, say) for count in plan.trained_on]
        split = _split(Path(folder), cache, plan, 1)
        methods: list[Method] = [_network(START, START), Classical("pos")]
        before = {
            verdict.row["method"]: _figures([verdict.row])
            for verdict in evaluate(methods, part_of(cache, str(split), "test"))
        }
    return {
        "meaning": MEANING,
        "protocol": {
            "set": f"look-alike of {SET}",
            "start": START,
            "tested_on": plan.tested_on,
            "seconds": plan.seconds,
            "steps": plan.steps,
            "learning_rate": {"fine_tuned": plan.fine_rate, "from_scratch": plan.fresh_rate},
            "seeds": list(plan.seeds),
        },
        "before": before,
        "points": points,
    }


def _cached(folder: Path, plan: Plan, say: Callable[[str], None]) -> Cache:
    people = max(plan.trained_on) + plan.tested_on
    say(f"a look-alike of {SET} with {people} subjects")
    root, out = folder / SET, folder / "cache"
    fake(SET, root, subjects=people, seconds=plan.seconds, scene=plan.scene)
    size = _network(START, START).net.config.size
    build_cache(root, dataset=dataset(SET), out=out, size=size)
    return Cache(out)


def _split(folder: Path, cache: Cache, plan: Plan, count: int) -> Path:
    """Write the split that trains on the first ``count`` subjects; the test subjects are fixed."""
    people = sorted({entry.subject for entry in cache.entries})
    path = folder / f"first-{count}.json"
    parts = {
        "source": "ours: by number of subjects",
        "order": "text",
        "train": people[:count],
        "validation": 0,
        "test": people[-plan.tested_on :],
        "leave_out": people[count : -plan.tested_on],
    }
    write_json(path, parts)
    return path


def _point(
    folder: Path, cache: Cache, plan: Plan, count: int, say: Callable[[str], None]
) -> dict[str, Any]:
    split = _split(folder, cache, plan, count)
    starts = {
        "fine_tuned": (NetworkChoice(init=START), plan.fine_rate),
        "from_scratch": (NetworkChoice(name=START), plan.fresh_rate),
    }
    found: dict[str, Any] = {"subjects": count}
    for name, (network, rate) in starts.items():
        rows = []
        for seed in plan.seeds:
            say(f"{name}, {count} subjects, seed {seed}")
            config = _training(cache, split, plan, network, rate, seed)
            method = Network(fit(config).net, name=name)
            (verdict,) = evaluate([method], part_of(cache, str(split), "test"))
            rows.append(verdict.row)
        found[name] = _figures(rows)
    return found


def _training(
    cache: Cache, split: Path, plan: Plan, network: NetworkChoice, rate: float, seed: int
) -> TrainConfig:
    ema = 1 - 10 / plan.steps  # the last tenth of the steps, as in a recipe
    return TrainConfig(
        network=network,
        data=Data(cached=(CachedSource(cache=str(cache.folder), split=str(split)),), held_out=0),
        optimiser=replace(Optimiser(), steps=plan.steps, learning_rate=rate, ema=ema),
        record=Record(validate_every=plan.steps),
        seed=seed,
    )


def _network(weights: str, name: str) -> Network:
    return Network(PhaseNet.from_pretrained(weights), name=name)


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over seeds, and each seed's figures."""
    return {
        "within_3_bpm": float(np.mean([row["within_3_bpm"] for row in rows])),
        "mae_bpm": float(np.mean([row["mae_bpm"] for row in rows])),
        "mae_bpm_by_seed": [float(row["mae_bpm"]) for row in rows],
    }


def fine_tuning_tables(rows: Mapping[str, Any]) -> Iterator[str]:
    """Yield a section a set: what synthetic weights save, by number of subjects."""
    for row in rows.values():
        yield "## Fine-tuning from synthetic weights, against from scratch\n"
        yield row["meaning"] + "\n"
        yield (
            "Within 3 bpm before any of it: "
            + ", ".join(
                f"`{method}` {percent(found['within_3_bpm'])} %"
                for method, found in row.get("before", {}).items()
            )
            + ".\n"
        )
        rates, seeds = row["protocol"]["learning_rate"], row["protocol"]["seeds"]
        yield (
            f"Seeds {', '.join(map(str, seeds))}; {row['protocol']['steps']} steps; learning rate "
            f"{rates['fine_tuned']:g} fine-tuned, {rates['from_scratch']:g} from scratch; in "
            "brackets each seed.\n"
        )
        body = [
            [
                str(point["subjects"]),
                percent(point["fine_tuned"]["within_3_bpm"]),
                percent(point["from_scratch"]["within_3_bpm"]),
                _mae(point["fine_tuned"]),
                _mae(point["from_scratch"]),
            ]
            for point in row["points"]
        ]
        yield table(
            [
                "training subjects",
                "fine-tuned, within 3 bpm",
                "from scratch",
                "fine-tuned, MAE bpm",
                "from scratch",
            ],
            body,
        )
        yield made_by(row)


def _mae(found: Mapping[str, Any]) -> str:
    seeds = ", ".join(f"{each:.2f}" for each in found["mae_bpm_by_seed"])
    return f"{found['mae_bpm']:.2f} ({seeds})"
