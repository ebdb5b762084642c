"""Clips of a cache, as the trainer may see them: training and validation, never the test split.

:class:`Readable` forgets the test subjects as soon as it is made; there is no way from it to their
recordings. What is wrong with a cache is said here, before the training starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pulsephase.errors import InputError, ParameterError
from pulsephase.experiments.training.config import CachedSource
from pulsephase.models.config import PhaseNetConfig
from pulsephase.video.datasets.cache import Cache
from pulsephase.video.datasets.entry import CachedClip, CacheEntry
from pulsephase.video.datasets.splits import split as split_of
from pulsephase.vitals.windows import SHORTEST_S

SHOWN = 5  # names in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """The recordings of a cache that are no secret.

    Attributes:
        folder: Of the cache.
        dataset: Name of the data set.
        training: Recordings to train on.
        validation: Recordings to validate on; may be empty.
    """

    folder: str
    dataset: str
    training: tuple[CacheEntry, ...]
    validation: tuple[CacheEntry, ...]

    def read(self, entry: CacheEntry) -> CachedClip:
        """Read a recording.

        Raises:
            ParameterError: If it is neither for training nor for validation.
        """
        if entry not in self.training and entry not in self.validation:
            raise ParameterError(f"{entry.name} is not for training: it may be of the test split")
        return Cache(self.folder).read(entry.name)


def open_cache(source: CachedSource, *, network: PhaseNetConfig, frames: int) -> Readable:
    """Open a cache for training, and check all that can be checked without reading frames.

    Raises:
        InputError: If there is no finished cache, or recordings lack a label or are too short.
        ParameterError: If it is of another size or rate than the network, or no subject is to be
            trained on.
    """
    cache = Cache(source.cache)
    if (cache.size, cache.sample_hz) != (network.size, network.sample_hz):
        raise ParameterError(
            f"the cache {source.cache} holds crops of {cache.size} px at {cache.sample_hz:g} Hz, "
            f"the network takes {network.size} px at {network.sample_hz:g} Hz: build another "
            "cache, or choose another network"
        )
    training, validation = roles(cache, source.split)
    readable = Readable(
        folder=str(cache.folder),
        dataset=cache.dataset,
        training=tuple(training),
        validation=tuple(validation),
    )
    if not readable.training:
        raise InputError(f"the cache {source.cache} holds no recording; build it again")
    _check_recordings(readable, frames=frames, sample_hz=network.sample_hz)
    return readable


def roles(cache: Cache, split: str) -> tuple[list[CacheEntry], list[CacheEntry]]:
    """Return the recordings to train and to validate on; those of the test split are not told.

    Raises:
        InputError: If the split is a file that cannot be read.
        ParameterError: If there is no such split, or it has nobody to train on.
    """
    if not split:
        return list(cache.entries), []
    divided = split_of(cache.dataset, split, [entry.subject for entry in cache.entries])
    training = divided.select("train", cache.entries)
    return training, divided.select("validation", cache.entries) if divided.validation else []


def _check_recordings(readable: Readable, *, frames: int, sample_hz: float) -> None:
    entries = (*readable.training, *readable.validation)
    if frames < SHORTEST_S * sample_hz:
        raise ParameterError(
            f"data.frames is {frames}; clips of recordings need at least {SHORTEST_S:g} s, "
            f"{round(SHORTEST_S * sample_hz)} frames, for their heart rate"
        )
    bare = [entry.name for entry in entries if entry.pulse_share == 0]
    if bare:
        raise InputError(
            f"{readable.folder} holds recordings without a label: {_few(bare)}; leave their "
            "subjects out of the split, or build the cache without them"
        )
    faceless = [entry.name for entry in entries if entry.face_share == 0]
    if faceless:
        raise InputError(
            f"{readable.folder} holds recordings without a face: {_few(faceless)}; leave their "
            "subjects out of the split, or build the cache without them"
        )
    short = [f"{entry.name} ({entry.frames})" for entry in entries if entry.frames < frames]
    if short:
        raise InputError(
            f"{readable.folder} holds recordings of fewer frames than the {frames} of a clip: "
            f"{_few(short)}; lower data.frames, or leave their subjects out of the split"
        )


def _few(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def chosen(entries: Sequence[CacheEntry], most: int) -> list[CacheEntry]:
    """Return at most so many recordings, evenly over all."""
    if len(entries) <= most:
        return list(entries)
    return [entries[index] for index in np.linspace(0, len(entries) - 1, most).round().astype(int)]
