r"""Footage of real faces as a cache of crops in which a pulse can be planted.

Each entry is a folder of plain arrays: ``frames.npy`` (crops by the geometry of `measure`, but
wider, so that they can be shifted and scaled; exact area averages, 65535 at white), ``skin.npy``
(by colour, the share of a cell's light that comes from skin, 255 at all), both once more at half
the size, ``times_s.npy`` and ``boxes.npy`` of the frames, ``colour.npy`` (mean colour of the skin),
and ``about.json``. Frames keep the footage's own times: they are brought to an even rate after
planting, as a crop of `measure` is.

With r the share of light of a cell from skin, the mean of planted pixels over a cell is
:math:`\bar x(1 - A d_c r_c w z)` wherever w and z hardly change within the cell: planting in the
cache is planting in the frames, to first order.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, UInt8, UInt16

from pulsephase.errors import InputError
from pulsephase.files import write_json
from pulsephase.video.clip import Box, Image
from pulsephase.video.crops import MARGIN, crop
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import FaceSource
from pulsephase.video.read import read_clips
from pulsephase.video.skin import SkinMask, SkinPatch, around

SIZE = 96
"""Pixels along a side of a cached crop."""
CACHE_MARGIN = 1.92
"""Its side in multiples of the box: room for a crop of 1.1 times the usual one, shifted by 8 %."""
WHITE = 65535
LEAST_FACE_PX = 60
LEAST_S, MOST_S = 5.0, 120.0
GAP_S = 1.0
"""Frames further apart than this are not of one stretch."""

Own = Callable[[Float[np.ndarray, "time 3"], Float[np.ndarray, " time"]], float | None]
"""Returns the rate of the footage's own pulse from the colour of its skin, if one stands out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageEntry:
    """One stretch of footage with a face, in a cache.

    Attributes:
        folder: Of its arrays.
        name: Of the clip.
        person: Who is seen.
        frames: How many.
        seconds: From the first frame to the last.
        start_s: Time of the first frame in the video.
        face_px: Median of the longer side of the box.
        own_bpm: Rate of the footage's own pulse, if one stands out.
        planted: What was planted before a codec; empty where nothing was.
    """

    folder: Path
    name: str
    person: str
    frames: int
    seconds: float
    start_s: float
    face_px: float
    own_bpm: float | None
    planted: Mapping[str, Any] = field(default_factory=dict)

    def crops(self, size: int = SIZE) -> UInt16[np.ndarray, "time 3 size size"]:
        """Map the crops from the disk, at the whole or half the size."""
        return _mapped(self.folder / f"frames{_level(size)}.npy")

    def skin(self, size: int = SIZE) -> UInt8[np.ndarray, "time 3 size size"]:
        """Map the shares of light from skin from the disk."""
        return _mapped(self.folder / f"skin{_level(size)}.npy")

    def read(self, name: str) -> Float[np.ndarray, "time ..."]:
        """Read ``times_s``, ``boxes``, ``colour`` or, where it was planted, ``pulse``."""
        found: np.ndarray = np.load(self.folder / f"{name}.npy")
        return found


def _level(size: int) -> str:
    return "" if size == SIZE else "_half"


def _mapped(path: Path) -> np.ndarray:
    found: np.ndarray = np.load(path, mmap_mode="r")
    return found


def person_of(name: str) -> str:
    """Return who is seen in a clip: what stands before the first underscore of its name.

    >>> person_of("p07_portrait.mp4")
    'p07'
    """
    return Path(name).stem.partition("_")[0]


def cached_footage(folder: str | Path) -> list[FootageEntry]:
    """Return the entries of a cache, by name.

    Raises:
        InputError: If there is none.
    """
    found = []
    for about in sorted(Path(folder).glob("*/about.json")):
        held = json.loads(about.read_text(encoding="utf-8"))
        known = {key: held[key] for key in FootageEntry.__slots__ if key in held}
        found.append(FootageEntry(**known, folder=about.parent))
    if not found:
        raise InputError(f"{folder} holds no cached footage; make it with pulsephase footage")
    return found


def faces_in(
    path: str | Path, *, faces: FaceSource | None = None, most_s: float = MOST_S
) -> Iterator[tuple[Image, float, Box | None]]:
    """Yield the frames of a video with their times and where the face is."""
    tracker = FaceTracker() if faces is None else faces
    for clip in read_clips(path):
        for frame, time_s in zip(clip.frames, clip.times_s.tolist(), strict=True):
            if time_s > most_s:
                return
            image = np.ascontiguousarray(frame.permute(1, 2, 0).numpy())
            yield image, time_s, tracker.update(image, time_s)


def cache_clip(
    path: str | Path,
    out: str | Path,
    *,
    person: str,
    own: Own,
    name: str = "",
    with_skin: bool = True,
    least_s: float = LEAST_S,
    planted: Mapping[str, Any] | None = None,
    pulse_at: Callable[[Float[np.ndarray, " time"]], Float[np.ndarray, " time"]] | None = None,
) -> FootageEntry:
    """Track the face of a video and cache the longest stretch in which it is seen.

    Memory does not grow with length: frames go to the disk one by one.

    Args:
        path: The video.
        out: Folder of the cache.
        person: Who is seen.
        own: Finds the footage's own pulse.
        name: Of the entry; by default that of the file.
        with_skin: Whether the share of skin of each cell is kept, without which nothing can be
            planted.
        least_s: Shortest stretch that is worth it.
        planted: What was planted in the video, if anything.
        pulse_at: The planted wave at times of the video.

    Raises:
        InputError: If there is no face, a face of under 60 px, or no stretch long enough.
    """
    out, name = Path(out), name or Path(path).stem
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=out, prefix=".making-") as temporary,
        ExitStack() as opened,
    ):
        best: _Stretch | None = None
        now: _Stretch | None = None
        for image, time_s, box in faces_in(path):
            if now is not None and (box is None or time_s - now.times_s[-1] > GAP_S):
                best, now = _longer(best, now), None
            if box is not None:
                if now is None:
                    now = _Stretch(Path(temporary) / f"at-{time_s:.3f}", with_skin=with_skin)
                    opened.callback(now.release)
                now.push(image, box, time_s)
        best = _longer(best, now)
        seconds = 0.0 if best is None else best.seconds
        if best is None:
            raise InputError(f"{path}: no face was found; give footage of a face from the front")
        if seconds < least_s:
            raise InputError(
                f"{path}: the face is seen for {seconds:.1f} s at a stretch; at least "
                f"{least_s:g} s are needed"
            )
        face_px = best.face_px
        if face_px < LEAST_FACE_PX:
            raise InputError(
                f"{path}: the face has {face_px:.0f} px; at least {LEAST_FACE_PX} are needed"
            )
        about: dict[str, Any] = {
            "name": name,
            "person": person,
            "frames": len(best.times_s),
            "seconds": seconds,
            "start_s": best.times_s[0],
            "face_px": face_px,
            "own_bpm": best.own_bpm(own),
            "planted": dict(planted or {}),
        }
        best.close(pulse_at)
        write_json(best.folder / "about.json", about)
        place = out / name
        if place.exists():
            shutil.rmtree(place)
        best.folder.rename(place)
    return FootageEntry(**about, folder=place)


def _longer(best: "_Stretch | None", now: "_Stretch | None") -> "_Stretch | None":
    """Return the longer of two stretches; the files of the other are left to be deleted."""
    if best is None or now is None:
        return best or now
    return now if now.seconds > best.seconds else best


class _Stretch:
    """A stretch of frames with a face, on its way to the disk."""

    def __init__(self, folder: Path, *, with_skin: bool) -> None:
        folder.mkdir()
        self.folder = folder
        self.mask = SkinMask()
        self.times_s: list[float] = []
        self.boxes: list[Box] = []
        self.colours: list[Float32[np.ndarray, " 3"]] = []
        self.with_skin = with_skin
        self.arrays = {
            name: GrowingArray(folder / f"{name}.npy", np.dtype(kind))
            for name, kind in (
                ("frames", np.uint16),
                ("frames_half", np.uint16),
                *((("skin", np.uint8), ("skin_half", np.uint8)) if with_skin else ()),
            )
        }

    @property
    def seconds(self) -> float:
        return self.times_s[-1] - self.times_s[0]

    @property
    def face_px(self) -> float:
        return float(np.median([max(box[2:]) for box in self.boxes]))

    def push(self, image: Image, box: Box, time_s: float) -> None:
        patch = self.mask.update(image, box, time_s)
        cells, share, colour = averaged(image, box, patch, with_skin=self.with_skin)
        for name, light in (("", cells), ("_half", halved(cells))):
            self.arrays[f"frames{name}"].push((light * WHITE).round().astype(np.uint16))
        if self.with_skin:
            lit = halved(share * cells) / np.maximum(halved(cells), 1e-4)
            for name, part in (("", share), ("_half", lit)):
                self.arrays[f"skin{name}"].push((part.clip(0, 1) * 255).round().astype(np.uint8))
        self.times_s.append(time_s)
        self.boxes.append(box)
        self.colours.append(colour)

    def release(self) -> None:
        for array in self.arrays.values():
            array.close()

    def own_bpm(self, own: Own) -> float | None:
        times_s = np.array(self.times_s)
        return own(np.stack(self.colours).astype(np.float64), times_s - times_s[0])

    def close(
        self,
        pulse_at: Callable[[Float[np.ndarray, " time"]], Float[np.ndarray, " time"]] | None,
    ) -> None:
        times_s = np.array(self.times_s)
        self.release()
        np.save(self.folder / "times_s.npy", times_s - times_s[0])
        np.save(self.folder / "boxes.npy", np.array(self.boxes))
        np.save(self.folder / "colour.npy", np.stack(self.colours))
        if pulse_at is not None:
            np.save(self.folder / "pulse.npy", pulse_at(times_s))


def averaged(
    image: Image, box: Box, patch: SkinPatch, *, size: int = SIZE, with_skin: bool = True
) -> tuple[
    Float32[np.ndarray, "3 size size"],
    Float32[np.ndarray, "3 size size"],
    Float32[np.ndarray, " 3"],
]:
    """Average a face and its skin down to a cached crop.

    Returns:
        The crop in 0..1, the share of each cell's light that comes from skin (zeros unless it is
        asked for), and the mean colour of the skin in 0..1.
    """
    rows, columns = image.shape[:2]
    left, top, right, bottom = around(box, columns=columns, rows=rows, side=CACHE_MARGIN * 1.02)
    here = (box[0] - left, box[1] - top, *box[2:])
    region = image[top:bottom, left:right].astype(np.float32)
    cells = crop(region, here, size=size, margin=CACHE_MARGIN) / np.float32(255)
    weights = patch.mask[..., None]
    lit = patch.of(image) * weights
    colour = lit.sum((0, 1)) / max(float(weights.sum()), 1e-6) / 255
    share = np.zeros_like(cells)
    if with_skin:
        shown = np.zeros_like(region)
        y, x = patch.top - top, patch.left - left
        high, wide = patch.mask.shape
        y0, x0 = max(0, -y), max(0, -x)
        y1, x1 = min(high, len(region) - y), min(wide, region.shape[1] - x)
        shown[y + y0 : y + y1, x + x0 : x + x1] = lit[y0:y1, x0:x1]
        light = crop(shown, here, size=size, margin=CACHE_MARGIN) / np.float32(255)
        share = np.clip(light / np.maximum(cells, 1e-4), 0, 1)
    return cells, share, np.asarray(colour, dtype=np.float32)


def halved(
    cells: Float32[np.ndarray, "3 size size"],
) -> Float32[np.ndarray, "3 half half"]:
    """Average cells two by two."""
    pairs = cells[:, ::2] + cells[:, 1::2]
    return np.asarray((pairs[..., ::2] + pairs[..., 1::2]) / 4, dtype=np.float32)


class GrowingArray:
    """A ``.npy`` file that grows by one item at a time.

    Args:
        path: The file.
        dtype: Of what is pushed.
    """

    def __init__(self, path: Path, dtype: "np.dtype[Any]") -> None:
        self._file = path.open("wb")
        self._dtype = dtype
        self._shape: tuple[int, ...] = ()
        self._count = 0

    def push(self, item: np.ndarray) -> None:
        """Append an item, of the shape of the first."""
        if not self._count:
            self._shape = item.shape
            self._header()
        self._file.write(np.ascontiguousarray(item, dtype=self._dtype).tobytes())
        self._count += 1

    def close(self) -> None:
        """Write how many there are, once."""
        if self._file.closed:
            return
        self._file.seek(0)
        self._header()
        self._file.close()

    def _header(self) -> None:
        # numpy pads the header so that the first axis may grow in place
        held = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._count, *self._shape),
        }
        np.lib.format.write_array_header_1_0(self._file, held)


__all__ = [
    "CACHE_MARGIN",
    "MARGIN",
    "FootageEntry",
    "GrowingArray",
    "averaged",
    "cache_clip",
    "cached_footage",
    "faces_in",
    "halved",
    "person_of",
]
