"""How many frames a second `live` keeps up with: tracker, crops, network and heart rate together.

A synthetic scene of 640 x 480 pixels, in memory, goes through a monitor frame by frame, on one
thread; decoding and the view are not counted. A network without shipped weights has random ones:
its speed does not depend on them.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from pulsephase.live.monitor import Monitor
from pulsephase.models.config import BASE, TINY
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.scene import render_scene
from pulsephase.synthetic.seeds import SCENE_SEED
from pulsephase.synthetic.write import pixels_of
from pulsephase.video.clip import Image

WIDTH, HEIGHT = 640, 480
SECONDS, QUICK_SECONDS = 12.0, 6.0
NETWORKS = {"tiny": TINY, "base": BASE}


def scene(*, quick: bool) -> list[Image]:
    """Render the frames, 30 a second."""
    ranges = preset("easy", seconds=QUICK_SECONDS if quick else SECONDS)
    return list(pixels_of(render_scene(SCENE_SEED, ranges, width=WIDTH, height=HEIGHT)))


def measure(frames: list[Image], *, threads: int = 1) -> Iterator[dict[str, Any]]:
    """Time each network on the frames, and yield its row.

    Args:
        frames: Of 30 a second.
        threads: Of torch.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for name, config in NETWORKS.items():
            torch.manual_seed(0)
            yield {"network": name, "threads": threads, **_times(PhaseNet(config).eval(), frames)}
    finally:
        torch.set_num_threads(before)


def _times(net: PhaseNet, frames: list[Image]) -> dict[str, Any]:
    monitor = Monitor(net)
    took_ms, found = [], 0
    for index, frame in enumerate(frames):
        start_s = time.perf_counter()
        readings = monitor.push(frame, index / 30)
        took_ms.append(1e3 * (time.perf_counter() - start_s))
        found += sum(reading.box is not None for reading in readings)
    return {
        "width": frames[0].shape[1],
        "height": frames[0].shape[0],
        "frames": len(frames),
        "with_face": found,
        "median_ms": round(float(np.median(took_ms)), 2),
        "p99_ms": round(float(np.quantile(took_ms, 0.99)), 2),
        "frames_per_s": round(1e3 / float(np.mean(took_ms)), 1),
    }
