"""How many frames a second a core puts into a cache: decoding, face tracking, crops, checksums.

One synthetic person at 640 x 480 is written as an uncompressed AVI, as UBFC-rPPG is, and read again
part by part. The file is in the memory of the system by then; a disk that is slower than 300 frames
of 0.9 MB a second is the limit instead.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import torch

from pulsephase.synthetic.lookalike import fake
from pulsephase.video.crops import crop
from pulsephase.video.datasets.entry import write_entry
from pulsephase.video.datasets.recording import Recording
from pulsephase.video.datasets.registry import dataset
from pulsephase.video.faces import FaceTracker

SCENE = (640, 480)
SECONDS, QUICK_SECONDS = 20.0, 5.0
SIZE, SAMPLE_HZ = 36, 30.0
PARTS = ("decode", "decode, track", "decode, track, crop", "all, into the cache")


def measure(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Write the person, time each part on one thread, and yield its row."""
    torch_threads, cv_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "ubfc"
            seconds = QUICK_SECONDS if quick else SECONDS
            fake("ubfc", root, subjects=1, seconds=seconds, scene=SCENE)
            recording = dataset("ubfc").find(root)[0]
            _read(recording, steps=2)  # libraries and the cascade are loaded once
            for part in PARTS:
                yield {"part": part, "size": SIZE, **_timed(_work(part, recording, root))}
    finally:
        torch.set_num_threads(torch_threads)
        cv2.setNumThreads(cv_threads)


def _timed(work: Callable[[], int]) -> dict[str, Any]:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    frames = work()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return {
        "width": SCENE[0],
        "height": SCENE[1],
        "frames": frames,
        "frames_per_s": round(frames / wall_s, 1),
        "frames_per_cpu_s": round(frames / cpu_s, 1),
    }


def _work(part: str, recording: Recording, root: Path) -> Callable[[], int]:
    if part == PARTS[-1]:
        return lambda: _cached(recording, root)
    return lambda: _read(recording, steps=PARTS.index(part))


def _read(recording: Recording, *, steps: int) -> int:
    tracker, count = FaceTracker(), 0
    for clip in recording.clips():
        for frame, time_s in zip(clip.frames, clip.times_s.tolist(), strict=True):
            count += 1
            if steps >= 1:
                image = frame.permute(1, 2, 0).numpy()
                box = tracker.update(image, time_s)
                if steps >= 2 and box is not None:
                    crop(image, box, size=SIZE)
    return count


def _cached(recording: Recording, root: Path) -> int:
    clips = root.parent / "clips"
    clips.mkdir()
    entry = write_entry(
        recording, clips, root=root, size=SIZE, sample_hz=SAMPLE_HZ, faces=FaceTracker()
    )
    return entry.frames
