"""Where clips come from: the generator, caches of recordings, or a mixture of them.

The clip with number ``index`` of a training is a pure function of the seed and of that number:
whatever the processes, workers, or interruptions. Step k of a training takes the numbers from
``k * batch`` on.

Batches come in one order, from any step on, for any process.
"""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pulsephase.models.config import PhaseNetConfig
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.dataset import sample
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.seeds import SEED_STRIDE, TRAINING_SEED, VALIDATION_SEED
from pulsephase.training.caches import Readable, shifted
from pulsephase.training.config import SyntheticSource
from pulsephase.video.datasets.entry import CachedClip, CacheEntry
from pulsephase.vitals.heart_rate import peak_bpm

Batch = Mapping[str, Any]
"""Clips: ``frames`` in 0..1 or bytes, ``pulse``, ``counts``, ``has_pulse``, ``heart_rate_bpm``, and
``names``, which is a list of text."""


Relabel = Callable[[dict[str, Tensor]], dict[str, Tensor]]
"""Changes the tensors of a batch, for a control such as shuffled labels."""


def as_it_is(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Change nothing."""
    return batch


def relabelled(batch: Batch, relabel: Relabel) -> Batch:
    """Return a batch with its tensors changed, and its names."""
    tensors = {key: value for key, value in batch.items() if key != "names"}
    return {**relabel(tensors), "names": batch["names"]}


Clip = dict[str, Any]
TRIES = 8
"""Windows of a recording that are looked at for one of which half the samples count."""
_MIXTURE, _WINDOW, _ORDER = 1, 2, 3  # what a stream of random numbers is for


class Source(ABC):
    """Clips by number, some of them held out."""

    share: float

    @abstractmethod
    def training(self, index: int) -> Clip:
        """Return the training clip of a number."""

    @abstractmethod
    def held_out(self, count: int) -> list[Clip]:
        """Return clips for validation, the same for every seed; none if none is held out."""

    @property
    @abstractmethod
    def holds_out(self) -> bool:
        """Whether there is anything to validate on."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered(Source):
    """Clips of the generator.

    Attributes:
        device: Where they are rendered, and stay.
    """

    name: str
    share: float
    first_seed: int
    config: SynthConfig
    held_out_config: SynthConfig
    device: str = "cpu"

    @property
    def holds_out(self) -> bool:
        """Always: there are seeds enough."""
        return True

    def training(self, index: int) -> Clip:
        """Render the clip of a number."""
        return self._render(self.first_seed + index, self.config)

    def held_out(self, count: int) -> list[Clip]:
        """Render held-out clips; their share without a pulse is the preset's own."""
        seeds = range(VALIDATION_SEED, VALIDATION_SEED + count)
        return [self._render(seed, self.held_out_config) for seed in seeds]

    def _render(self, seed: int, config: SynthConfig) -> Clip:
        clip: Clip = dict(sample(seed, config, device=self.device))
        everywhere = torch.ones(len(clip["pulse"]), dtype=torch.bool)
        return {**clip, "counts": everywhere, "name": f"{self.name} {seed}"}


def rendered(
    source: SyntheticSource, *, network: PhaseNetConfig, frames: int, seed: int, device: str = "cpu"
) -> Rendered:
    """Return the clips of a preset, at the network's size and rate, rendered on a device.

    Raises:
        ParameterError: If there is no such preset, or ``no_pulse`` is no probability.
    """
    config = replace(
        preset(source.preset), size=network.size, frames=frames, sample_hz=network.sample_hz
    )
    return Rendered(
        name=source.preset,
        share=source.share,
        first_seed=TRAINING_SEED + seed * SEED_STRIDE,
        config=replace(config, no_pulse_probability=source.no_pulse),
        held_out_config=config,
        device=device,
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Source):
    """Windows of the recordings of a cache.

    An epoch has a window for each ``frames`` of a recording, in random order; where each begins is
    drawn anew. Files are opened for each window and closed after it, so that memory stays flat.

    Attributes:
        lag_frames: By how many frames the labels are late.
    """

    readable: Readable
    share: float
    frames: int
    seed: int
    lag_frames: float

    @property
    def holds_out(self) -> bool:
        """Whether the split has subjects for validation."""
        return bool(self.readable.validation)

    @property
    def windows(self) -> int:
        """Training windows in an epoch."""
        return sum(entry.frames // self.frames for entry in self.readable.training)

    def training(self, index: int) -> Clip:
        """Draw the window of a number: its recording by order, its first frame at random."""
        turns = [e for e in self.readable.training for _ in range(e.frames // self.frames)]
        epoch, turn = divmod(index, len(turns))
        order = np.random.default_rng((_ORDER, self.seed, epoch)).permutation(len(turns))
        generator = np.random.default_rng((_WINDOW, self.seed, index))
        entry = turns[int(order[turn])]
        starts = generator.integers(0, entry.frames - self.frames + 1, TRIES)
        return self._first_good(entry, starts.tolist())

    def held_out(self, count: int) -> list[Clip]:
        """Return windows spread evenly over the recordings to validate on."""
        entries = self.readable.validation
        per_entry = -(-count // len(entries)) if entries else 0
        places = [
            (entry, round(place))
            for entry in entries
            for place in np.linspace(0, entry.frames - self.frames, per_entry)
        ]
        picked = np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int)
        return [self._first_good(places[n][0], [places[n][1]]) for n in picked]

    def _first_good(self, entry: CacheEntry, starts: Sequence[int]) -> Clip:
        """Return the first window of which half the samples count, or the last one."""
        recording = self.readable.read(entry)
        label = shifted(recording.pulse.astype(np.float64), self.lag_frames)
        known = np.isfinite(label) & np.isfinite(recording.boxes).all(1)
        for start in starts:
            if known[start : start + self.frames].mean() >= 0.5:
                break
        return self._window(recording, label, known, start)

    def _window(
        self, recording: CachedClip, label: np.ndarray, known: np.ndarray, start: int
    ) -> Clip:
        window = slice(start, start + self.frames)
        pulse, counts = label[window], known[window]
        rate = label_bpm(pulse, sample_hz=recording.sample_hz)
        enough = counts.mean() >= 0.5 and np.isfinite(rate)
        return {
            "frames": torch.from_numpy(np.array(recording.frames[window])),
            "pulse": torch.from_numpy(np.nan_to_num(pulse)).float(),
            "counts": torch.from_numpy(counts & enough),
            "heart_rate_bpm": torch.tensor(rate if enough else 60.0, dtype=torch.float32),
            "has_pulse": torch.tensor(True),
            "name": f"{self.readable.dataset}/{recording.name} from frame {start}",
        }


def label_bpm(pulse: np.ndarray, *, sample_hz: float) -> float:
    """Return the mean heart rate of a label, gaps bridged; NaN if it is hardly there."""
    known = np.isfinite(pulse)
    if known.mean() < 0.5:
        return float("nan")
    index = np.arange(len(pulse))
    whole = np.interp(index, index[known], pulse[known])
    return float(peak_bpm(whole[None], sample_hz=sample_hz)[0])


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Several sources, each with its share of the numbers."""

    sources: tuple[Source, ...]
    seed: int

    def training(self, index: int) -> Clip:
        """Return the training clip of a number, from the source that the number falls to."""
        if len(self.sources) == 1:
            return self.sources[0].training(index)
        shares = np.array([source.share for source in self.sources])
        draw = np.random.default_rng((_MIXTURE, self.seed, index)).random()
        which = int(np.searchsorted(np.cumsum(shares) / shares.sum(), draw, side="right"))
        return self.sources[min(which, len(self.sources) - 1)].training(index)

    def held_out(self, count: int) -> list[Clip]:
        """Return clips for validation, by share over the sources that hold some out."""
        able = [source for source in self.sources if source.holds_out]
        total = sum(source.share for source in able)
        clips = []
        for source in able:
            clips += source.held_out(max(1, round(count * source.share / total))) if count else []
        return clips


def collate(clips: Sequence[Clip]) -> dict[str, Tensor | list[str]]:
    """Stack clips to a batch; frames stay bytes where all of them are."""
    batch: dict[str, Any] = {key: [clip[key] for clip in clips] for key in clips[0]}
    frames: list[Tensor] = batch["frames"]
    if any(each.is_floating_point() for each in frames):
        frames = [each if each.is_floating_point() else each.float() / 255 for each in frames]
    batch["frames"] = frames
    names = batch.pop("name")
    return {**{key: torch.stack(values) for key, values in batch.items()}, "names": names}


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
