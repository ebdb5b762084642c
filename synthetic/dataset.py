"""Synthetic clips as an endless data set: sharded over workers, and begun at any sample."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from pulsephase.errors import ParameterError
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.render import render


class SyntheticClips(IterableDataset[dict[str, Tensor]]):
    """Clips of seeds ``base_seed + index`` for index = ``start``, ``start + 1``, ...

    With batches taken in order, worker w of n renders whole batches w, w + n, ...: give ``batch``
    so that the sequence of clips does not depend on the number of workers.

    Args:
        config: What may vary.
        base_seed: Seed of the clip with index 0.
        start: First index.
        batch: Clips a batch of the loader holds.
        rank: This process's number among ``ranks`` that train together.
        ranks: How many there are. Step k of all ranks together takes the batches k ranks to
            (k + 1) ranks - 1, whatever the number of workers.

    Raises:
        ParameterError: If a count is not positive, a start negative or the rank none of ``ranks``.
    """

    def __init__(
        self,
        config: SynthConfig,
        *,
        base_seed: int,
        start: int = 0,
        batch: int = 1,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        if batch < 1 or start < 0 or base_seed < 0:
            raise ParameterError(
                f"batch is {batch}, start {start}, base_seed {base_seed}; give a batch of at "
                "least 1, the others at least 0"
            )
        if not 0 <= rank < ranks:
            raise ParameterError(f"rank is {rank} of {ranks}; ranks count from 0 to ranks - 1")
        self.config = config
        self.base_seed = base_seed
        self.start = start
        self.batch = batch
        self.rank = rank
        self.ranks = ranks

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yield frames, pulse, mean heart rate in bpm, and whether there is a pulse."""
        worker = get_worker_info()
        shard, shards = (0, 1) if worker is None else (worker.id, worker.num_workers)
        group = shard * self.ranks + self.rank
        while True:
            first = self.base_seed + self.start + group * self.batch
            for seed in range(first, first + self.batch):
                yield sample(seed, self.config)
            group += shards * self.ranks


def sample(
    seed: int, config: SynthConfig, *, device: torch.device | str = "cpu"
) -> dict[str, Tensor]:
    """Return one clip as plain tensors, as a loader stacks them; its frames are on the device."""
    clip = render(seed, config, device=device)
    assert clip.pulse is not None and clip.truth is not None
    return {
        "frames": clip.frames,
        "pulse": clip.pulse,
        "heart_rate_bpm": clip.truth.heart_rate_bpm.mean().float(),
        "has_pulse": torch.tensor(bool(clip.truth.parameters["has_pulse"])),
    }
