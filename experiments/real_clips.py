"""Look at the two public clips, and keep the look: nothing here is ever tuned on.

Run ``python -m pulsephase.experiments.real_clips WEIGHTS [WEIGHTS ...]`` (one file a seed) on a
clean checkout, after recipe, seeds, checkpoint rule and thresholds were committed. Each run adds
one row to ``experiments/results/real_clips.json``. The heart rate of every method, abstention off,
is held against that of the contact wave by the same estimator, over six crops.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pulsephase.demo import contact_rate
from pulsephase.errors import PulsePhaseError
from pulsephase.experiments.revision import revision
from pulsephase.files import write_json
from pulsephase.measure import read_out
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import card
from pulsephase.observation import observe
from pulsephase.video.faces import FaceTracker
from pulsephase.video.image import Box, Image
from pulsephase.video.samples import fetch_samples, load_reference

RESULTS = Path(__file__).parent / "results" / "real_clips.json"
CLASSICAL = ("pos", "chrom", "green")
# Margin of the crop, and its shift right and down in widths of the face box.
CROPS = (
    (1.5, 0.0, 0.0),
    (1.5, 0.1, 0.0),
    (1.5, -0.1, 0.0),
    (1.5, 0.0, 0.1),
    (1.3, 0.0, 0.0),
    (1.8, 0.0, 0.0),
)


class ShiftedTracker:
    """A face tracker whose box is moved by a share of its size."""

    def __init__(self, margin: float, right: float, down: float) -> None:
        self.tracker = FaceTracker(margin=margin)
        self.margin = margin
        self.right, self.down = right, down

    def update(self, frame: Image, time_s: float) -> Box | None:
        """Follow the face in the next frame."""
        box = self.tracker.update(frame, time_s)
        if box is None:
            return None
        x, y, width, height = box
        return x + self.right * width, y + self.down * height, width, height


def look(weights: list[str]) -> dict[str, Any]:
    """Measure both clips with every crop and every seed, and summarise the errors."""
    results: list[dict[str, Any]] = []
    for sample in fetch_samples():
        reference = load_reference(sample.labels)
        truth = contact_rate(reference.ppg, sample_hz=reference.sample_hz)
        for crop, (margin, right, down) in enumerate(CROPS):
            for order, name in enumerate(weights):
                faces = ShiftedTracker(margin, right, down)
                seen = observe(sample.video, net=PhaseNet.from_pretrained(name), faces=faces)
                for method in ("phasenet", *(CLASSICAL if order == 0 else ())):
                    rate = read_out(seen, method).rate
                    guess = rate.estimate_bpm
                    results.append(
                        {
                            "clip": sample.video.name,
                            "crop": crop,
                            "method": method,
                            "seed": card(name)["seed"] if method == "phasenet" else None,
                            "reference_bpm": truth,
                            "estimate_bpm": guess,
                            "error_bpm": None if guess is None else abs(guess - truth),
                            "abstained": rate.bpm is None,
                        }
                    )
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "revision": revision(),
        "weights": [Path(name).name for name in weights],
        "recipe": card(weights[0])["recipe"],
        "crops": [list(crop) for crop in CROPS],
        "protocol": "whole clip, 10 s windows each 1 s, abstention off for the error",
        "summary": summary(results),
        "results": results,
    }


def summary(results: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return median, mean and worst error of each method on each clip."""
    table: dict[str, dict[str, Any]] = {}
    for key in sorted({(row["method"], row["clip"]) for row in results}):
        rows = [row for row in results if (row["method"], row["clip"]) == key]
        errors = [np.inf if row["error_bpm"] is None else row["error_bpm"] for row in rows]
        table[" ".join(key)] = {
            "median_bpm": _finite(np.median(errors)),
            "mean_bpm": _finite(np.mean(errors)),
            "worst_bpm": _finite(np.max(errors)),
            "abstained": float(np.mean([row["abstained"] for row in rows])),
            "runs": len(rows),
        }
    return table


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def main(weights: list[str]) -> None:
    """Look, print the summary, and add the row."""
    if revision().endswith("-dirty"):
        raise PulsePhaseError("the checkout has uncommitted changes; commit them before a look")
    row = look(weights)
    looks = json.loads(RESULTS.read_text(encoding="utf-8"))["looks"] if RESULTS.exists() else []
    RESULTS.parent.mkdir(exist_ok=True)
    write_json(RESULTS, {"looks": [*looks, row]})
    print(json.dumps(row["summary"], indent=2))


if __name__ == "__main__":
    main(sys.argv[1:] or ["tiny"])
