"""What methods get right on planted pulses of other people's footage: a table, beside an oracle.

``python -m pulsephase.experiments.planted_validation CACHE CODED [WEIGHTS ...]`` writes
``experiments/results/planted_validation.json``; ``--waves FILE`` keeps every wave too.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from pulsephase.evaluation.compare import CLIP_S
from pulsephase.evaluation.planted import CLIPS, KEPT, SAMPLE_HZ, collected, tables
from pulsephase.files import write_json
from pulsephase.machine import revision

RESULTS = Path(__file__).parent / "results" / "planted_validation.json"


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("coded", type=Path)
    parser.add_argument("weights", nargs="*", default=["tiny", "base"])
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--waves", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    waves, facts = collected(given.cache, given.coded, given.weights, count=given.clips)
    found = tables(waves, facts)
    if given.waves:
        kept = {"sample_hz": np.array(SAMPLE_HZ), "kept": np.array([KEPT.start, KEPT.stop])}
        np.savez_compressed(given.waves, **{**facts, **waves, **kept})  # type: ignore[arg-type]
    write_json(
        given.out,
        {
            "clips": given.clips,
            "clip_s": CLIP_S,
            "people": sorted(set(facts["person"].tolist())),
            "revision": revision(),
            "methods": found,
        },
    )
    for method, row in found.items():
        low, high = row["all"]["interval_95"]
        mean = 100 * row["all"]["within_3_bpm"]
        print(f"{method:8s} {mean:5.1f} ({100 * low:.0f} to {100 * high:.0f})")


if __name__ == "__main__":
    main()
