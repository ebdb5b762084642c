"""How often POS finds a rhythm, with a pulse in a clip and without: where ``presence`` stands.

``python -m pulsephase.experiments.interpret_presence`` writes
``experiments/results/interpret_presence.json``.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pulsephase.files import write_json
from pulsephase.interpret.context import FULL, presence
from pulsephase.interpret.thresholds import thresholds
from pulsephase.machine import revision
from pulsephase.models.config import TINY
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render
from pulsephase.synthetic.seeds import PRESENCE_SEED

RESULTS = Path(__file__).parent / "results" / "interpret_presence.json"
PRESETS = ("null", "full", "easy")
CLIPS = 200
"""Of clips that are no operating points and were judged nowhere."""


def row(name: str, *, clips: int = CLIPS) -> dict[str, Any]:
    """Return the share of a preset's clips, their truth hidden, whose quality is above the bar.

    All clips of `null` are without a pulse, all of the others have one.
    """
    config = replace(
        preset(name),
        size=TINY.size,
        frames=FULL.frames,
        no_pulse_probability=float(name == "null"),
    )
    unknown = (replace(render(PRESENCE_SEED + i, config), truth=None) for i in range(clips))
    found = [presence(clip, sample_hz=config.sample_hz) for clip in unknown]
    return {
        "preset": name,
        "clips": clips,
        "share": sum(quality >= thresholds().presence for quality in found) / clips,
    }


def main() -> None:
    """Write the table."""
    torch.set_num_threads(1)
    rows = [row(name) for name in PRESETS]
    bar = thresholds().presence
    write_json(RESULTS, {"presence": bar, "rows": rows, "revision": revision()})
    print(rows)


if __name__ == "__main__":
    main()
