"""How often the default face detector finds the face in synthetic scenes, and how well.

Whole scenes of 640 x 480 over 10 s, rendered at 7.5 frames a second to save time, five frames
spread evenly over each from the second on. A face is found where one of the detector's boxes
overlaps the true one by at least a half (intersection over union).

``python -m pulsephase.experiments.detector`` writes ``experiments/results/detector.json``.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.scene import scene_clips
from pulsephase.synthetic.seeds import COMPARISON_SEED
from pulsephase.synthetic.write import pixels_of
from pulsephase.video.detect import HaarFrontal

RESULTS = Path(__file__).parent / "results" / "detector.json"
PRESETS = ("easy", "full")
FIRST_SEED, SCENES = COMPARISON_SEED + 600, 20
SECONDS, SAMPLE_HZ, FRAMES = 10.0, 7.5, 5
WIDTH, HEIGHT = 640, 480
ENOUGH = 0.5


def overlap(a: Float[np.ndarray, " 4"], b: Float[np.ndarray, " 4"]) -> float:
    """Return the intersection of two boxes (x, y, width, height) over their union."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / (np.prod(a[2:]) + np.prod(b[2:]) - shared))


def overlaps(name: str, seed: int, *, seconds: float = SECONDS) -> list[float]:
    """Return the overlap in each frame that is looked at; 0 where no face was found."""
    config = replace(preset(name), frames=round(seconds * SAMPLE_HZ), sample_hz=SAMPLE_HZ)
    wanted = set(np.linspace(1, config.frames - 1, FRAMES).round().astype(int).tolist())
    detect, found, at = HaarFrontal(), [], 0
    for clip in scene_clips(seed, config, width=WIDTH, height=HEIGHT):
        assert clip.boxes is not None
        for image, box in zip(pixels_of(clip), clip.boxes.double().numpy(), strict=True):
            if at in wanted:
                faces = detect(image)
                found.append(max((overlap(face, box) for face in faces), default=0.0))
            at += 1
    return found


def measure(name: str, *, scenes: int = SCENES, seconds: float = SECONDS) -> dict[str, Any]:
    """Return the row of a preset."""
    found = np.array(
        [overlaps(name, seed, seconds=seconds) for seed in range(FIRST_SEED, FIRST_SEED + scenes)]
    ).ravel()
    hits = found >= ENOUGH
    return {
        "preset": name,
        "scenes": scenes,
        "first_seed": FIRST_SEED,
        "frames": len(found),
        "found": int(hits.sum()),
        "mean_overlap_of_found": float(found[hits].mean()) if hits.any() else None,
    }


def main() -> None:
    """Measure every preset."""
    rows = [measure(name) for name in PRESETS]
    facts = {"scene": [WIDTH, HEIGHT], "seconds": SECONDS, "least_overlap": ENOUGH}
    write_json(RESULTS, {**facts, "revision": revision(), "results": rows})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
