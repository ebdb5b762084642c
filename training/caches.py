"""Clips of a cache, as the trainer may see them: training and validation, never the test split.

:class:`Readable` forgets the test subjects as soon as it is made; there is no way from it to their
recordings. What is wrong with a cache is said here, before the training starts.

How late the contact wave of a data set is, is found on training clips only.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from pulsephase.errors import InputError, ParameterError, PulsePhaseError
from pulsephase.models.classical import mean_colour, pos
from pulsephase.models.config import PhaseNetConfig
from pulsephase.models.losses import BAND_HZ
from pulsephase.training.config import LAG_BOUND_FRAMES, CachedSource
from pulsephase.video.datasets.cache import CLIPS, Cache
from pulsephase.video.datasets.entry import CachedClip, CacheEntry, folder_of, read_clip, whole
from pulsephase.video.datasets.splits import split as split_of
from pulsephase.vitals.signals import band_pass
from pulsephase.vitals.timing import Lag, find_lag
from pulsephase.vitals.windows import SHORTEST_S

log = logging.getLogger(__name__)

SHOWN = 5  # names in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """The recordings of a cache that are no secret.

    Attributes:
        folder: Of the cache.
        dataset: Name of the data set.
        training: Recordings to train on.
        validation: Recordings to validate on; may be empty.
        sample_hz: Rate of the crops.
        damaged: Recordings that differ from what was written, with the reason; they are left out.
    """

    folder: str
    dataset: str
    training: tuple[CacheEntry, ...]
    validation: tuple[CacheEntry, ...]
    sample_hz: float
    damaged: Mapping[str, str]

    def read(self, entry: CacheEntry) -> CachedClip:
        """Read a recording.

        Raises:
            ParameterError: If it is neither for training nor for validation.
        """
        if entry not in self.training and entry not in self.validation:
            raise ParameterError(f"{entry.name} is not for training: it may be of the test split")
        folder = Path(self.folder) / CLIPS / folder_of(entry.name)
        return read_clip(folder, entry, sample_hz=self.sample_hz)


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
    training, damaged = whole(cache.folder / CLIPS, roles(cache, source.split)[0])
    validation, also_damaged = whole(cache.folder / CLIPS, roles(cache, source.split)[1])
    readable = Readable(
        folder=str(cache.folder),
        dataset=cache.dataset,
        training=training,
        validation=validation,
        sample_hz=cache.sample_hz,
        damaged=damaged | also_damaged,
    )
    for reason in readable.damaged.values():
        log.warning("%s: %s", source.cache, reason)
    if not readable.training:
        first = next(iter(damaged.values()), "build it again")
        raise InputError(f"the cache {source.cache} holds no recording to train on: {first}")
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


LEAST_CORRELATION = 0.3
"""Below it, face and label agree on no lag: the clip has no say."""
LONGEST_S = 60.0
"""Of each clip, this much is looked at."""
MOST_CLIPS = 48
PIECE_FRAMES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLag:
    """The lag of a data set.

    Attributes:
        frames: By how many frames the contact wave is late; 0 where no clip had a say.
        spread_frames: Half the distance between the quartiles over clips.
        clips: Clips that were asked.
        used: Clips that had a say: their waves agree, at a lag within the bound.
    """

    frames: float
    spread_frames: float
    clips: int
    used: int


def fit_lag(clips: Iterable[CachedClip]) -> FittedLag:
    """Fit the lag of a data set: the median over its training clips, each bounded by 8 frames.

    A clip whose best lag lies beyond the bound, or whose waves correlate by less than 0.3, has no
    say: a pulse agrees with itself one beat later, too.
    """
    asked, lags = 0, []
    for clip in clips:
        asked += 1
        found = clip_lag(clip)
        if found is not None and found.correlation >= LEAST_CORRELATION:
            lags.append(found.seconds * clip.sample_hz)
    lags = [lag for lag in lags if abs(lag) <= LAG_BOUND_FRAMES]
    if not lags:
        return FittedLag(frames=0.0, spread_frames=0.0, clips=asked, used=0)
    low, middle, high = np.quantile(lags, [0.25, 0.5, 0.75])
    return FittedLag(
        frames=round(float(middle), 3),
        spread_frames=round(float(high - low) / 2, 3),
        clips=asked,
        used=len(lags),
    )


def clip_lag(clip: CachedClip) -> Lag | None:
    """Return the lag of one clip's contact wave behind POS, or none if there is too little of both.

    The bound is a frame wider than what counts, so that a true lag at the edge can be told from one
    beyond it.
    """
    length = min(len(clip.pulse), round(LONGEST_S * clip.sample_hz))
    known = np.isfinite(clip.boxes[:length]).all(1) & np.isfinite(clip.pulse[:length])
    try:
        face = _in_band(face_wave(clip.frames[:length], clip.sample_hz), known, clip.sample_hz)
        label = _in_band(clip.pulse[:length].astype(float), known, clip.sample_hz)
        most_s = (LAG_BOUND_FRAMES + 1) / clip.sample_hz
        return find_lag(face, label, sample_hz=clip.sample_hz, most_s=most_s)
    except PulsePhaseError:  # too short, flat, or hardly a face: no say
        return None


def face_wave(
    frames: UInt8[np.ndarray, "time 3 size size"], sample_hz: float
) -> Float[np.ndarray, " time"]:
    """Return the POS wave of crops, read in pieces so that memory does not grow with length."""
    pieces = range(0, len(frames), PIECE_FRAMES)
    colour = [
        mean_colour(torch.from_numpy(frames[start : start + PIECE_FRAMES] / np.float32(255)))
        for start in pieces
    ]
    return pos(torch.cat(colour)[None], sample_hz=sample_hz)[0].double().numpy()


def shifted(pulse: Float[np.ndarray, " time"], frames: float) -> Float[np.ndarray, " time"]:
    """Return a wave moved to earlier by some frames; NaN where it would need unknown samples.

    Example:
        >>> shifted(np.array([0.0, 1.0, 2.0, 3.0]), 1.5).tolist()
        [1.5, 2.5, nan, nan]
    """
    whole, part = int(np.floor(frames)), frames - np.floor(frames)
    index = np.arange(len(pulse)) + whole
    held = np.concatenate([pulse, [np.nan]])  # the last stands for all that lie outside

    def at(where: np.ndarray) -> np.ndarray:
        inside = (where >= 0) & (where < len(pulse))
        return held[np.where(inside, where, len(pulse))]

    early = at(index)
    return early if part == 0 else (1 - part) * early + part * at(index + 1)


def _in_band(
    wave: Float[np.ndarray, " time"], known: np.ndarray, sample_hz: float
) -> Float[np.ndarray, " time"]:
    """Keep the band of the heart; what is not known is bridged for the filter, then NaN again."""
    index = np.arange(len(wave))
    if not known.any():
        return np.full(len(wave), np.nan)
    filled = np.interp(index, index[known], wave[known])
    return np.where(known, band_pass(filled, sample_hz=sample_hz, band_hz=BAND_HZ), np.nan)
