"""Clips that methods are judged on, one at a time: of the generator, or of a cached data set."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Num

from pulsephase.errors import InputError, ParameterError, SamplingError
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render
from pulsephase.synthetic.seeds import COMPARISON_SEED
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.cache import CLIPS, Cache
from pulsephase.video.datasets.entry import CacheEntry, whole
from pulsephase.video.datasets.splits import split as split_of

PIECE = 256  # frames that are floats at a time
BINS = {  # where the drawn numbers of a synthetic clip are cut into groups
    "melanin": (0.05, 0.15),
    "amplitude": (0.002, 0.006),
    "motion_scale": (0.1, 0.4),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One clip, and what is known of it.

    Attributes:
        name: Of the clip, unique in its source.
        subject: Who is in it.
        attributes: What sets it apart from others: light, motion, colour of the skin.
        crops: RGB crops by their size in pixels, bytes or floats in 0..1.
        times_s: Time of each sample, on an even grid.
        face: Where a face was found.
        label: Contact wave, NaN where there is none.
        device_bpm: What the contact device displayed, if the set holds it.
    """

    name: str
    subject: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    crops: Mapping[int, Num[np.ndarray, "time 3 size size"]]
    times_s: Float[np.ndarray, " time"]
    face: Bool[np.ndarray, " time"]
    label: Float[np.ndarray, " time"]
    device_bpm: Float[np.ndarray, " time"] | None = None

    def pieces(self, size: int) -> Iterator[Clip]:
        """Yield the crops of a size as floats, some at a time; boxes are NaN without a face."""
        frames = self.crops[size]
        scale = np.float32(255 if frames.dtype == np.uint8 else 1)
        boxes = np.full((len(frames), 4), np.nan, dtype=np.float32)
        boxes[self.face] = (0, 0, size, size)
        for start, stop in pairwise([*range(0, len(frames), PIECE), len(frames)]):
            yield Clip(
                frames=torch.from_numpy(frames[start:stop].astype(np.float32) / scale),
                times_s=torch.from_numpy(self.times_s[start:stop]),
                boxes=torch.from_numpy(boxes[start:stop]),
            )


class Cases(ABC):
    """A source of cases.

    Attributes:
        name: Of the data set, or of the preset.
        part: Which part of it, such as ``test of default``; or ``all``.
        sample_hz: Rate of all its clips.
        synthetic: Whether no real person is in its pictures.
        lost: Clips that should be there and are not, with the reason.
        damaged: Those of them that differ from what was written.
    """

    name: str
    part: str
    sample_hz: float
    synthetic: bool
    lost: Mapping[str, str]
    damaged: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def __len__(self) -> int:
        """Return how many clips there are."""

    @abstractmethod
    def read(self, sizes: Sequence[int]) -> Iterator[Case]:
        """Yield the clips, each with crops of the sizes asked for.

        Raises:
            InputError: If there are no crops of such a size, or a clip cannot be read.
        """

    @abstractmethod
    def size(self) -> int:
        """Return the size of crops for methods that take any."""

    @abstractmethod
    def check_size(self, size: int) -> None:
        """Refuse crops of a size that the source does not have.

        Raises:
            InputError: If it does not have them.
            ParameterError: If it cannot make them.
        """

    def check_rate(self, sample_hz: float, name: str) -> None:
        """Refuse a network of another rate.

        Raises:
            SamplingError: If the rates differ.
        """
        if sample_hz != self.sample_hz:
            raise SamplingError(
                f"{name} reads {sample_hz:g} frames a second, {self.name} has {self.sample_hz:g}: "
                "build the cache at the network's rate"
            )


@final
class SyntheticCases(Cases):
    """The first fixed clips of a preset, which no training ever meets; each is another person.

    Args:
        name: Of the preset.
        clips: How many.
        seconds: Length of each.
        sample_hz: Frames per second.
        classical_size: Side of the crops for methods that take any size, in pixels.

    Raises:
        ParameterError: If there is no such preset, or no clip.
    """

    synthetic = True

    def __init__(
        self,
        name: str,
        *,
        clips: int,
        seconds: float = 20.0,
        sample_hz: float = 30.0,
        classical_size: int = 36,
    ) -> None:
        if clips < 1:
            raise ParameterError(f"clips is {clips}; give at least 1")
        self.config = replace(preset(name), frames=round(seconds * sample_hz), sample_hz=sample_hz)
        self.name, self.clips, self.sample_hz = f"synthetic {name}", clips, sample_hz
        self.part, self.lost = "all", {}
        self.classical_size = classical_size

    def __len__(self) -> int:
        """Return how many clips there are."""
        return self.clips

    def size(self) -> int:
        """Return the size for methods that take any."""
        return self.classical_size

    def check_size(self, size: int) -> None:
        """Refuse what cannot be rendered."""
        replace(self.config, size=size)

    def read(self, sizes: Sequence[int]) -> Iterator[Case]:
        """Yield the clips, each rendered once a size from the same seed."""
        for seed in range(COMPARISON_SEED, COMPARISON_SEED + self.clips):
            made = {size: render(seed, replace(self.config, size=size)) for size in sizes}
            clip = made[sizes[0]]
            assert clip.pulse is not None and clip.truth is not None
            yield Case(
                name=f"seed {seed}",
                subject=f"seed {seed}",
                attributes=_groups(clip.truth.parameters),
                crops={size: each.frames.numpy() for size, each in made.items()},
                times_s=clip.times_s.numpy(),
                face=np.ones(len(clip), dtype=bool),
                label=clip.pulse.double().numpy(),
            )


def _groups(parameters: Mapping[str, float]) -> dict[str, str]:
    """Name the range in which each drawn number lies."""
    found = {}
    for name, (low, high) in BINS.items():
        value = parameters[name]
        found[name] = (
            f"under {low:g}" if value < low else f"{low:g} to {high:g}" if value < high
            else f"from {high:g}"
        )  # fmt: skip
    found["flicker"] = "none" if parameters["flicker_hz"] == 0 else "some"
    return found


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
        self.cache = cache
        self.name, self.part = cache.dataset, part
        self.sample_hz = cache.sample_hz
        self.entries, self.damaged = whole(
            cache.folder / CLIPS, cache.entries if entries is None else entries
        )
        self.lost = {**cache.failed, **self.damaged}
        if not self.entries:
            first = next(iter(self.damaged.values()), "see its report.json")
            raise InputError(f"{cache.folder} holds no clip to evaluate on: {first}")

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
        check_crops(self.cache, size)

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


def check_crops(cache: Cache, size: int) -> None:
    """Refuse a size of crops that is not the cache's; no clip is opened.

    Raises:
        InputError: If it is another.
    """
    if size != cache.size:
        raise InputError(
            f"the cache of {cache.dataset} holds crops of {cache.size} px, this network "
            f"reads {size} px: build a cache of that size"
        )
