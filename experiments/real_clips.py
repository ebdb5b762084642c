"""Look at the two public clips, and keep the look: nothing here is ever tuned on.

Run ``python -m pulsephase.experiments.real_clips WEIGHTS [WEIGHTS ...]`` (one file a seed) on a
clean checkout, after recipe, seeds, checkpoint rule and thresholds were committed. Each run adds
one row to ``experiments/results/real_clips.json``. The heart rate of every method, abstention off,
is held against that of the contact wave by the same estimator, over six crops, at the clips' own
speed and played slower and faster: a learnt guess of the rate would not follow. At twice the speed
motion is twice as fast too, harder than life.
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pulsephase.errors import PulsePhaseError
from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.measurement.demo import contact_rate
from pulsephase.measurement.measure import read_out
from pulsephase.measurement.observation import Tracks
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream
from pulsephase.models.weights import card
from pulsephase.video.clip import Box, Image
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import face_clips
from pulsephase.video.read import read_clips
from pulsephase.video.samples import fetch_samples, load_reference
from pulsephase.vitals.result import HeartRate

RESULTS = Path(__file__).parent / "results" / "real_clips.json"
CLASSICAL = ("pos", "chrom", "green", "ica")
SPEEDS = (0.8, 1.0, 1.25, 1.6, 2.0)
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
    """Measure both clips at every speed, with every crop and every seed, and sum the errors up.

    Args:
        weights: One file a seed, of one network.
    """
    nets = [PhaseNet.from_pretrained(name) for name in weights]
    seeds = [int(card(name)["seed"]) for name in weights]
    results: list[dict[str, Any]] = []
    for sample in fetch_samples():
        reference = load_reference(sample.labels)
        contact = contact_rate(reference.ppg, sample_hz=reference.sample_hz)
        for speed in SPEEDS:
            truth = speed * contact
            rates = [_rates(sample.video, nets, seeds, crop, speed) for crop in CROPS]
            for method, seed in rates[0]:
                found = [each[method, seed] for each in rates]
                guesses = [rate.estimate_bpm for rate in found]
                results.append(
                    {
                        "clip": sample.video.name,
                        "speed": speed,
                        "method": method,
                        "seed": seed,
                        "reference_bpm": truth,
                        "error_bpm_by_crop": [
                            None if guess is None else abs(guess - truth) for guess in guesses
                        ],
                        "abstained": float(np.mean([rate.bpm is None for rate in found])),
                    }
                )
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "revision": revision(),
        "weights": [Path(name).stem for name in weights],
        "recipe": card(weights[0])["recipe"],
        "crops": [list(crop) for crop in CROPS],
        "speeds": list(SPEEDS),
        "protocol": "whole clip, 10 s windows each 1 s, abstention off for the error; six crops",
        "summary": summary([row for row in results if row["speed"] == 1.0]),
        "retimed": summary([row for row in results if row["speed"] != 1.0]),
        "results": results,
    }


def _rates(
    video: Path,
    nets: list[PhaseNet],
    seeds: list[int],
    crop: tuple[float, float, float],
    speed: float,
) -> dict[tuple[str, int | None], HeartRate]:
    """Return the rate by every method of a clip played at a speed, seen through one crop."""
    config = nets[0].config
    decoded = [replace(clip, times_s=clip.times_s / speed) for clip in read_clips(video)]
    crops = list(
        face_clips(
            decoded, faces=ShiftedTracker(*crop), size=config.size, sample_hz=config.sample_hz
        )
    )
    last_s = float(decoded[-1].times_s[-1])
    found: dict[tuple[str, int | None], HeartRate] = {}
    for net, seed in zip(nets, seeds, strict=True):
        stream, tracks = PulseStream(net), Tracks(config)
        for clip in crops:
            tracks.add(clip, *stream.run(clip))
        count = sum(len(clip) for clip in decoded)
        seen = tracks.observation(
            source=video.name, frames=count, duration_s=last_s, source_hz=(count - 1) / last_s
        )
        found["phasenet", seed] = read_out(seen, "phasenet").rate
    return found | {(method, None): read_out(seen, method).rate for method in CLASSICAL}


def summary(results: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return median, mean and worst error of each method on each clip."""
    table: dict[str, dict[str, Any]] = {}
    for key in sorted({(row["method"], row["clip"]) for row in results}):
        rows = [row for row in results if (row["method"], row["clip"]) == key]
        errors = [
            np.inf if error is None else error for row in rows for error in row["error_bpm_by_crop"]
        ]
        table[" ".join(key)] = {
            "median_bpm": _finite(np.median(errors)),
            "mean_bpm": _finite(np.mean(errors)),
            "worst_bpm": _finite(np.max(errors)),
            "abstained": float(np.mean([row["abstained"] for row in rows])),
            "runs": len(errors),
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
