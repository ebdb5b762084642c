"""Clips of cached footage with a planted pulse, each a pure function of its number.

What is drawn: the person (evenly), a clip, where it begins, forward or backward in time, its speed,
a mirror, shift and scale of the crop; then the pulse. The order is that of life: the pulse is
planted in the frames at the times at which they would have been taken, then they are averaged down,
and then brought to an even rate as `measure` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from scipy import sparse

from pulsephase.errors import ParameterError
from pulsephase.synthetic.footage import CACHE_MARGIN, SIZE, WHITE, FootageEntry
from pulsephase.synthetic.limits import Range
from pulsephase.synthetic.plant import PlantRanges, change, draw_planting, maps_of
from pulsephase.synthetic.pulse import wave_at
from pulsephase.synthetic.streams import Stream
from pulsephase.video.crops import MARGIN
from pulsephase.video.resample import SNAP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class CropRanges:
    """How a clip of footage is seen, beside what is planted in it.

    Attributes:
        speed: Of time (log); 1 is the footage's own.
        shift: Largest shift of the crop either way, in its sides.
        scale: Its side against that of `measure`.
        mirror_probability: Share of clips that are mirrored.
        backward_probability: Share of clips that begin backward in time.
        quantised_probability: Share of clips rounded to 8 bits after averaging.
    """

    speed: Range = (0.8, 1.25)
    shift: float = 0.08
    scale: Range = (0.85, 1.1)
    mirror_probability: float = 0.5
    backward_probability: float = 0.5
    quantised_probability: float = 0.2

    def __post_init__(self) -> None:
        if not 0.25 <= self.speed[0] <= self.speed[1] <= 4:
            raise ParameterError(f"speed is {self.speed}; allowed is 0.25 to 4")
        reach = MARGIN * self.scale[1] * (1 + 2 * self.shift)
        if not (self.scale[0] > 0 and self.shift >= 0 and reach <= CACHE_MARGIN + 1e-9):
            raise ParameterError(
                f"scale {self.scale} and shift {self.shift} reach {reach:.3g} boxes; cached "
                f"crops hold {CACHE_MARGIN:g}"
            )


AS_IT_IS = CropRanges(
    speed=(1.0, 1.0),
    shift=0.0,
    scale=(1.0, 1.0),
    mirror_probability=0.0,
    backward_probability=0.0,
    quantised_probability=0.0,
)
"""The crop of `measure`, forward at the footage's own speed."""


class PlantedClip(NamedTuple):
    """A clip of footage with what is known of it.

    Attributes:
        frames: Crops in 0..1 on an even grid.
        pulse: The planted wave there; zeros where nothing was planted.
        counts: Where there is footage: a clip that ends too soon stands still from there on.
        heart_rate_bpm: Instantaneous planted rate there.
        amplitude: Standard deviation of the relative change of green; zero if nothing was planted.
        direction: Of the pulse's colour.
        alive: Whether there is a planted pulse.
        own_bpm: Rate of the footage's own pulse at the clip's speed, if one stands out.
        colour: Mean colour of the skin with the pulse, and without; NaN where not known.
        entry: What it was drawn from.
    """

    frames: Float32[np.ndarray, "time 3 size size"]
    pulse: Float32[np.ndarray, " time"]
    counts: Bool[np.ndarray, " time"]
    heart_rate_bpm: Float32[np.ndarray, " time"]
    amplitude: float
    direction: Float32[np.ndarray, " 3"]
    alive: bool
    own_bpm: float | None
    colour: Float[np.ndarray, "2 time 3"]
    entry: FootageEntry


class _Path(NamedTuple):
    """Which frames are shown, when; and how."""

    first: int
    stop: int
    order: Int[np.ndarray, " shown"]
    times_s: Float[np.ndarray, " shown"]
    speed: float
    cells: int
    rows: Float32[np.ndarray, "size rows"]
    columns: Float32[np.ndarray, "size columns"]
    top: int
    left: int
    across: Float[np.ndarray, " size"]
    down: Float[np.ndarray, " size"]
    quantised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Planter:
    """Clips of some persons by number.

    Attributes:
        entries: Footage to draw from; entries that came through a codec keep their pulse.
        size: Pixels along a side of a clip.
        frames: Samples of a clip.
        sample_hz: Their rate.
        ranges: What may vary in the pulse.
        crops: What may vary in the footage.
        keep_colour: Whether clips come with the mean colour of the skin.
    """

    entries: tuple[FootageEntry, ...]
    size: int
    frames: int
    sample_hz: float
    ranges: PlantRanges = field(default_factory=PlantRanges)
    crops: CropRanges = field(default_factory=CropRanges)
    keep_colour: bool = False

    def __post_init__(self) -> None:
        if not self.entries:
            raise ParameterError("there is no footage to plant in; give persons that are cached")

    def clip(self, seed: int) -> PlantedClip:
        """Return the clip of a seed."""
        draw = Stream(seed, "footage")
        entry = _one_of(draw, self.entries)
        path = self._path(draw, entry)
        crops = _lowered(entry, path)
        grid = np.arange(self.frames) / self.sample_hz
        noise = Stream(seed, "grain")
        if entry.planted:
            return self._as_it_was_coded(entry, path, crops, grid, noise)
        own = None if entry.own_bpm is None else entry.own_bpm * path.speed
        planting = draw_planting(seed, self.ranges, path.times_s, own_bpm=own)
        if own is not None and not planting.alive:  # it has a pulse, of unknown shape
            ranges = PlantRanges(amplitude=self.ranges.amplitude, away_bpm=self.ranges.away_bpm)
            planting = draw_planting(seed, ranges, path.times_s, own_bpm=own)
        lit = _lowered_product(entry, path)[path.order]
        shown = crops[path.order]
        lost = change(planting, path.times_s, maps_of(planting, path.across, path.down))
        lost = lit * lost[:, None]
        lost *= planting.direction[:, None, None]
        colour = np.full((2, self.frames, 3), np.nan)
        if self.keep_colour:
            colour = self._colours(shown, lit, lost, path, grid)
        shown -= lost
        z = wave_at(planting.pulse, torch.from_numpy(grid))[0].float().numpy() * planting.alive
        rate = np.interp(grid, path.times_s, planting.pulse.heart_rate_bpm.numpy())
        return PlantedClip(
            frames=self._developed(entry, path, _resampled(shown, path.times_s, grid), noise),
            pulse=np.asarray(z, dtype=np.float32),
            counts=grid <= path.times_s[-1] + SNAP_S,
            heart_rate_bpm=rate.astype(np.float32),
            amplitude=planting.amplitude,
            direction=planting.direction,
            alive=planting.alive,
            own_bpm=own,
            colour=colour,
            entry=entry,
        )

    def _colours(
        self,
        shown: Float32[np.ndarray, "shown 3 size size"],
        lit: Float32[np.ndarray, "shown 3 size size"],
        lost: Float32[np.ndarray, "shown 3 size size"],
        path: _Path,
        grid: Float[np.ndarray, " time"],
    ) -> Float[np.ndarray, "2 time 3"]:
        """Return the mean colour of the skin with the pulse, and without."""
        share = lit / np.maximum(shown, 1e-4)
        area = share.sum((2, 3), dtype=np.float64).clip(1e-9)
        clean = lit.sum((2, 3), dtype=np.float64) / area
        less = (lost * share).sum((2, 3), dtype=np.float64) / area
        return np.stack([_resampled(c, path.times_s, grid) for c in (clean - less, clean)])

    def _as_it_was_coded(
        self,
        entry: FootageEntry,
        path: _Path,
        crops: Float32[np.ndarray, "read 3 size size"],
        grid: Float[np.ndarray, " time"],
        noise: Stream,
    ) -> PlantedClip:
        """Return a clip whose pulse went through a codec with it."""
        chosen = path.first + path.order
        wave = np.interp(grid, path.times_s, entry.read("pulse")[chosen])
        rate = np.interp(grid, path.times_s, entry.read("rate_bpm")[chosen]) * path.speed
        colour = _resampled(entry.read("colour")[chosen], path.times_s, grid)
        amplitude = float(entry.planted["amplitude"])
        return PlantedClip(
            frames=self._developed(
                entry, path, _resampled(crops[path.order], path.times_s, grid), noise
            ),
            pulse=wave.astype(np.float32),
            counts=grid <= path.times_s[-1] + SNAP_S,
            heart_rate_bpm=rate.astype(np.float32),
            amplitude=amplitude,
            direction=np.array(entry.planted["direction"], np.float32),
            alive=amplitude > 0,
            own_bpm=None if entry.own_bpm is None else entry.own_bpm * path.speed,
            colour=np.stack([colour, np.full_like(colour, np.nan)]),
            entry=entry,
        )

    def _path(self, draw: Stream, entry: FootageEntry) -> _Path:
        """Draw which frames are shown, when, and how they are cropped."""
        crops, times_s = self.crops, entry.read("times_s")
        speed = float(draw.log_uniform(*crops.speed))
        mirror = draw.chance(crops.mirror_probability)
        backward = draw.chance(crops.backward_probability)
        quantised = draw.chance(crops.quantised_probability)
        place = float(draw.uniform(0.0, 1.0))
        shift = draw.uniform(-crops.shift, crops.shift, 2).tolist()
        scale = float(draw.uniform(*crops.scale))
        wanted_s = speed * ((self.frames - 1) / self.sample_hz + 0.05)
        length_s = float(times_s[-1])
        if entry.planted:  # its pulse runs forward, and only once
            backward = False
            speed = min(speed, max(crops.speed[0], speed * length_s / wanted_s))
            wanted_s = speed * ((self.frames - 1) / self.sample_hz + 0.05)
        start_s = place * max(0.0, length_s - wanted_s)
        first = int(np.searchsorted(times_s, start_s, side="right")) - 1
        stop = min(len(times_s), int(np.searchsorted(times_s, start_s + wanted_s)) + 2)
        order = np.arange(stop - first)
        if backward:
            order = order[::-1]
        if not entry.planted:  # to and fro, until it is long enough
            there = order
            while _lasts(times_s[first + order]) < wanted_s and len(there) > 1:
                there = there[::-1]
                order = np.concatenate([order, there[1:]])
        steps = np.abs(np.diff(times_s[first + order], prepend=times_s[first + order[0]]))
        cells = SIZE if self.size > SIZE // 2 else SIZE // 2
        top, rows, down = _cells(self.size, cells, scale=scale, shift=shift[0])
        left, columns, across = _cells(self.size, cells, scale=scale, shift=shift[1])
        if mirror:
            columns, across = columns[::-1].copy(), across[::-1].copy()
        return _Path(
            first=first,
            stop=stop,
            order=order,
            times_s=np.cumsum(steps) / speed,
            speed=speed,
            cells=cells,
            rows=rows,
            columns=columns,
            top=top,
            left=left,
            across=across,
            down=down,
            quantised=quantised,
        )

    def _developed(
        self,
        entry: FootageEntry,
        path: _Path,
        frames: Float32[np.ndarray, "time 3 size size"],
        noise: Stream,
    ) -> Float32[np.ndarray, "time 3 size size"]:
        """Add the noise of an 8-bit source averaged down, and of 8 bits after it where drawn."""
        pixels = max(1.0, (MARGIN * entry.face_px / self.size) ** 2)
        made = torch.from_numpy(frames)
        made.add_(noise.grain(made.shape), alpha=1 / 255 / (12 * pixels) ** 0.5)
        if path.quantised:
            made.mul_(255).add_(noise.dust(made.shape)).floor_().div_(255)
        return made.clamp_(0, 1).numpy()


def _one_of(draw: Stream, entries: Sequence[FootageEntry]) -> FootageEntry:
    """Draw a person, then one of the person's entries."""
    persons = sorted({entry.person for entry in entries})
    person = persons[draw.below(len(persons))]
    theirs = [entry for entry in entries if entry.person == person]
    return theirs[draw.below(len(theirs))]


def _lasts(times_s: Float[np.ndarray, " time"]) -> float:
    return float(np.abs(np.diff(times_s)).sum())


def _cells(
    size: int, cells: int, *, scale: float, shift: float
) -> tuple[int, Float32[np.ndarray, "size used"], Float[np.ndarray, " size"]]:
    """Return the first cell used, the share of each in each pixel, and the pixels' places.

    Places are in half sides of the face box from its centre.
    """
    side = scale * MARGIN / CACHE_MARGIN * cells
    edges = cells / 2 + side * (np.arange(size + 1) / size - 0.5 + shift)
    first, last = max(0, int(edges[0])), min(cells, int(np.ceil(edges[-1])))
    marks = np.arange(first, last + 1)
    covered = np.clip(edges[:, None], marks[:-1], marks[1:])
    share = np.diff(covered, axis=0) / (side / size)
    centres = (edges[1:] + edges[:-1]) / 2
    return first, share.astype(np.float32), (centres / cells - 0.5) * 2 * CACHE_MARGIN


def _lowered(entry: FootageEntry, path: _Path) -> Float32[np.ndarray, "time 3 size size"]:
    """Average cached crops down, or up, to a clip's pixels."""
    cells = _used(entry.crops(path.cells), path).astype(np.float32)
    return _both_ways(cells, path) * np.float32(1 / WHITE)


def _lowered_product(entry: FootageEntry, path: _Path) -> Float32[np.ndarray, "time 3 size size"]:
    """Average the light of the skin down."""
    lit = _used(entry.crops(path.cells), path).astype(np.float32)
    lit *= _used(entry.skin(path.cells), path)
    return _both_ways(lit, path) * np.float32(1 / (WHITE * 255))


def _used(array: np.ndarray, path: _Path) -> np.ndarray:
    """Return the frames and cells of a cached array that a clip is made of."""
    down = slice(path.top, path.top + path.rows.shape[1])
    across = slice(path.left, path.left + path.columns.shape[1])
    return array[path.first : path.stop, :, down, across]


def _both_ways(
    cells: Float32[np.ndarray, "time 3 rows columns"], path: _Path
) -> Float32[np.ndarray, "time 3 size size"]:
    by_column = torch.from_numpy(cells) @ torch.from_numpy(path.columns.T.copy())
    lowered: Float32[np.ndarray, "time 3 size size"] = torch.matmul(
        torch.from_numpy(path.rows), by_column
    ).numpy()
    return lowered


def _resampled(
    values: Float[np.ndarray, "shown ..."],
    times_s: Float[np.ndarray, " shown"],
    grid: Float[np.ndarray, " time"],
) -> Float[np.ndarray, "time ..."]:
    """Return straight lines between frames, those within half a millisecond as they are."""
    after = np.clip(np.searchsorted(times_s, grid - SNAP_S), 1, len(times_s) - 1)
    weight = (grid - times_s[after - 1]) / (times_s[after] - times_s[after - 1])
    weight = np.where(np.abs(grid - times_s[after]) <= SNAP_S, 1.0, np.clip(weight, 0, 1))
    rows = np.repeat(np.arange(len(grid)), 2)
    shares = np.stack([1 - weight, weight], 1).ravel().astype(values.dtype)
    columns = np.stack([after - 1, after], 1).ravel()
    matrix = sparse.csr_matrix((shares, (rows, columns)), shape=(len(grid), len(times_s)))
    found = matrix @ values.reshape(len(times_s), -1)
    return np.asarray(found).reshape(len(grid), *values.shape[1:])


__all__ = ["AS_IT_IS", "CropRanges", "PlantedClip", "Planter"]
