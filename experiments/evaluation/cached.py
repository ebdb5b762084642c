"""A cached data set, or a part of its split, as clips that methods are judged on."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, final

import numpy as np

from pulsephase.errors import InputError
from pulsephase.experiments.evaluation.cases import Case, Cases
from pulsephase.video.datasets.cache import Cache
from pulsephase.video.datasets.entry import CacheEntry
from pulsephase.video.datasets.splits import split as split_of

Part = Literal["train", "validation", "test"]


@final
class CachedCases(Cases):
    """The clips of a cache, or some of them.

    Args:
        cache: Opened.
        entries: Which; none takes all.
        part: Which part of the set they are, in words.

    Raises:
        InputError: If there is no clip.
    """

    synthetic = False

    def __init__(
        self,
        cache: Cache,
        *,
        entries: Sequence[CacheEntry] | None = None,
        part: str = "all",
    ) -> None:
        self.cache, self.lost = cache, cache.failed
        self.name, self.part = cache.dataset, part
        self.sample_hz = cache.sample_hz
        self.entries = tuple(cache.entries if entries is None else entries)
        if not self.entries:
            raise InputError(f"{cache.folder} holds no clip to evaluate on; see its report.json")

    def __len__(self) -> int:
        """Return how many clips there are."""
        return len(self.entries)

    def size(self) -> int:
        """Return the size of the cache's crops."""
        return self.cache.size

    def check_size(self, size: int) -> None:
        """Refuse any size but the cache's.

        Raises:
            InputError: If it is another.
        """
        if size != self.cache.size:
            raise InputError(
                f"the cache of {self.name} holds crops of {self.cache.size} px, this network "
                f"reads {size} px: build a cache of that size"
            )

    def read(self, sizes: Sequence[int]) -> Iterator[Case]:
        """Yield the clips, mapped from the disk."""
        for size in sizes:
            self.check_size(size)
        for entry in self.entries:
            clip = self.cache.read(entry.name)
            device = clip.device_bpm
            yield Case(
                name=clip.name,
                subject=clip.subject,
                attributes=clip.attributes,
                crops={self.cache.size: clip.frames},
                times_s=clip.times_s,
                face=~np.isnan(clip.boxes).any(1),
                label=np.asarray(clip.pulse, dtype=np.float64),
                device_bpm=None if device is None else np.asarray(device, dtype=np.float64),
            )


def part_of(cache: Cache, split: str, part: Part) -> CachedCases:
    """Return one part of a split of a cache.

    Args:
        cache: Opened.
        split: Name of one of the data set's splits, or a JSON file.
        part: Which.

    Raises:
        InputError: If the split's file cannot be read.
        ParameterError: If there is no such split, or the part holds no clip.
    """
    found = split_of(cache.dataset, split, [entry.subject for entry in cache.entries])
    return CachedCases(
        cache,
        entries=found.select(part, cache.entries),
        part=f"{part} of {Path(split).stem}",
    )
