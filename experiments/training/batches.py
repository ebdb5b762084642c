"""Batches of a training in the one order that they have, from any step on, for any process."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from torch.utils.data import DataLoader, Dataset

from pulsephase.experiments.training.sources import Mixture, collate

# glibc returns big tensors to the system on every free; a renderer started with these keeps them.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "268435456",
}
PREFETCH = 4


@final
@dataclass(frozen=True, kw_only=True)
class Parts(Dataset[dict[str, Any]]):
    """The parts of all steps that one process reads, by number.

    Step k of all processes together takes the clips from ``k * batch`` on: part a of process r
    those from ``(a * ranks + r) * size`` of them on.

    Attributes:
        mixture: Of the sources.
        size: Clips a part.
        accumulate: Parts a step.
        rank: This process.
        ranks: Processes that train together.
    """

    mixture: Mixture
    size: int
    accumulate: int
    rank: int
    ranks: int

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Make the clips of a part."""
        first = (number * self.ranks + self.rank) * self.size
        return collate([self.mixture.training(index) for index in range(first, first + self.size)])


@final
class Feed:
    """Batches from a part on, with the time that was spent waiting for them.

    Args:
        parts: All parts.
        start: Number of the first one that is wanted.
        stop: Number of the part after the last.
        workers: Processes that make them; 0 makes them here.
    """

    def __init__(self, parts: Parts, *, start: int, stop: int, workers: int) -> None:
        os.environ.update(ALLOCATOR)  # inherited by the workers
        self.waited_s = 0.0
        self._loader: DataLoader[dict[str, Any]] = DataLoader(
            parts,
            batch_size=None,
            sampler=range(start, stop),
            num_workers=workers,
            prefetch_factor=PREFETCH if workers else None,
            multiprocessing_context="spawn" if workers else None,
        )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield batches in order."""
        source = iter(self._loader)
        while True:
            asked = time.perf_counter()
            batch = next(source, None)
            self.waited_s += time.perf_counter() - asked
            if batch is None:
                return
            yield batch
