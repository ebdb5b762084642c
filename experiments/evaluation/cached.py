"""A cached data set, or a part of its split, as clips that methods are judged on."""

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np

from pulsephase.errors import InputError
from pulsephase.experiments.evaluation.cases import Case, Cases
from pulsephase.video.datasets.cache import Cache


@final
class CachedCases(Cases):
    """The clips of a cache, or of some of its subjects.

    Args:
        cache: Opened.
        subjects: Whose clips; none takes all.
        name: For the table; none is the data set's.

    Raises:
        InputError: If there is no such subject, or no clip.
    """

    synthetic = False

    def __init__(
        self, cache: Cache, *, subjects: Sequence[str] | None = None, name: str | None = None
    ) -> None:
        held = {entry.subject for entry in cache.entries}
        missing = sorted(set(subjects or ()) - held)
        if missing:
            raise InputError(
                f"the cache of {cache.dataset} holds no clip of subject {missing[0]!r} "
                f"({len(missing)} of {len(set(subjects or ()))} are missing); build it again"
            )
        self.cache, self.lost = cache, cache.failed
        self.name = cache.dataset if name is None else name
        self.sample_hz = cache.sample_hz
        asked = held if subjects is None else set(subjects)
        self.entries = [entry.name for entry in cache.entries if entry.subject in asked]
        if not self.entries:
            raise InputError(f"there is no clip of {self.name} to evaluate on; see the cache")

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
        for name in self.entries:
            clip = self.cache.read(name)
            device = clip.device_bpm
            yield Case(
                name=clip.name,
                subject=clip.subject,
                attributes=clip.attributes,
                crops={self.cache.size: clip.frames},
                times_s=np.asarray(clip.times_s, dtype=np.float64),
                face=~np.isnan(clip.boxes).any(1),
                label=np.asarray(clip.pulse, dtype=np.float64),
                device_bpm=None if device is None else np.asarray(device, dtype=np.float64),
            )
