"""Tiny look-alikes of public data sets, and caches of them, in a few seconds."""

from pathlib import Path

from pulsephase.synthetic.lookalike import fake
from pulsephase.video.datasets.cache import Cache, build_cache
from pulsephase.video.datasets.registry import dataset

SCENE = (128, 96)  # small, yet faces are found


def lookalike(
    folder: Path, name: str, *, subjects: int = 3, seconds: float = 2.0, conditions: int = 2
) -> Path:
    """Write a look-alike of a set into a folder of its own, about 1 s a recording; return it."""
    root = folder / f"{name}-root"
    fake(name, root, subjects=subjects, seconds=seconds, conditions=conditions, scene=SCENE)
    return root


def lookalike_cache(
    folder: Path,
    name: str,
    *,
    subjects: int = 3,
    seconds: float = 2.0,
    conditions: int = 1,
    size: int = 12,
) -> Path:
    """Write a look-alike and cache it with the face tracker; return the folder of the cache."""
    root = lookalike(folder, name, subjects=subjects, seconds=seconds, conditions=conditions)
    out = folder / f"{name}-cache"
    report = build_cache(root, dataset=dataset(name), out=out, size=size)
    assert not report.failed, report.failed
    assert len(Cache(out).entries) == len(report.recordings)
    return out
