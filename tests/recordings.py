"""Recordings and data sets that the tests make: a patch with a pulse, on no disk at all."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pulsephase.video.clip import Clip
from pulsephase.video.datasets.cache import build_cache
from pulsephase.video.datasets.layout import DataSet
from pulsephase.video.datasets.recording import Label, Recording, Say


def patch(
    number: int, seconds: float, side: int, depth: float, level: float, say: Say
) -> Iterator[Clip]:
    """Yield frames of one colour, textured, that beats at 60 + 10 ``number`` a minute."""
    times_s = torch.arange(round(30 * seconds), dtype=torch.float64) / 30
    still = torch.from_numpy(np.random.default_rng(number).uniform(0.8, 1.2, (3, side, side)))
    beat = depth * torch.sin(2 * math.pi * (1 + number / 6) * times_s)
    frames = (level + still * 20 + beat[:, None, None, None]).clamp(0, 255).byte()
    for start in range(0, len(times_s), 40):
        part = slice(start, start + 40)
        yield Clip(frames=frames[part], times_s=times_s[part], source=f"made/{number}")


def beats(number: int, seconds: float) -> Label:
    """Return the label of such a patch, at 60 Hz."""
    times_s = np.arange(round(60 * seconds) + 1) / 60
    wave = np.sin(2 * np.pi * (1 + number / 6) * times_s)
    return Label(times_s=times_s, wave=wave, device_bpm=np.full(len(wave), 60.0 + 10 * number))


def recording(
    number: int, *, seconds: float = 4.0, side: int = 24, depth: float = 6.0
) -> Recording:
    """Return one such recording; subject and name by its number."""
    return Recording(
        name=f"subject{number}",
        subject=f"subject{number}",
        attributes={"light": "low" if number % 2 else "high"},
        files=(),
        read_frames=partial(patch, number, seconds, side, depth, 100.0),
        read_label=partial(beats, number, seconds),
    )


def made_set(recordings: Sequence[Recording], *, name: str = "made") -> DataSet:
    """Return a data set of these recordings, whatever its folder."""
    return DataSet(
        name=name,
        title="a made set",
        source="made in a test",
        expects="anything",
        assumptions=(),
        read=partial(_the_same, list(recordings)),
    )


def _the_same(recordings: list[Recording], root: Path) -> list[Recording]:
    return recordings


def cached(folder: Path, made: Sequence[Recording], *, name: str = "made", size: int = 8) -> Path:
    """Build the cache of made recordings, whose frames are all face; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = made_set(made, name=name)
    build_cache(folder, dataset=found, out=folder / "cache", size=size, faces="whole")
    return folder / "cache"


def made_cache(folder: Path, *, subjects: int = 4, seconds: float = 4.0, size: int = 8) -> Path:
    """Build a tiny cache of ``subjects`` made recordings in under a second; return its folder."""
    made = [recording(number, seconds=seconds) for number in range(1, subjects + 1)]
    return cached(folder, made, size=size)
