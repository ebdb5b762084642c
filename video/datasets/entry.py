"""One recording in the cache: a folder of three arrays and their description, whole or not there.

``frames.npy``
    uint8; time, 3, size, size; face crops, RGB
``labels.npy``
    float32; time, 6; pulse, display in bpm, face box x, y, width, height
``times.npy``
    float64; time; time in s: the first frame's plus n over the rate
``entry.json``
    :class:`CacheEntry`, with the SHA-256 of the other three

Where a value is not known it is NaN. The box is in pixels of the source.

Crops are rounded to bytes at random, so that a pulse smaller than one step survives in the mean.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numpy.lib import format as npy

from pulsephase.checks import still
from pulsephase.errors import InputError
from pulsephase.files import read_json, write_json
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.recording import Label, Recording, at_times
from pulsephase.video.pipeline import FaceSource, face_clips


class Rounder:
    """Round the crops of one recording; the noise depends on its name and nothing else.

    Args:
        name: Of the recording.
    """

    def __init__(self, name: str) -> None:
        digest = hashlib.sha256(name.encode()).digest()
        self._noise = np.random.Generator(np.random.Philox(int.from_bytes(digest[:16])))

    def __call__(self, crops: Float32[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
        """Round consecutive crops in 0..1 to 0..255.

        >>> halves = Rounder("subject1")(np.full((1000, 3, 4, 4), 100.5 / 255, np.float32))
        >>> sorted(set(halves.ravel().tolist())), round(float(halves.mean()), 1)
        ([100, 101], 100.5)
        """
        levels = 255 * crops + self._noise.random(crops.shape, dtype=np.float32)
        return np.clip(np.floor(levels), 0, 255).astype(np.uint8)


FRAMES, LABELS, TIMES, ENTRY = "frames.npy", "labels.npy", "times.npy", "entry.json"
COLUMNS = ("pulse", "device_bpm", "x", "y", "width", "height")
APART_S = 1.0
"""Video and label that end further apart than this are said to."""


class CacheFull(OSError):
    """The cache cannot be written: a full disk, or no right to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """What is known of a cached recording without reading its arrays.

    Attributes:
        name: Of the recording.
        subject: Who is seen.
        attributes: Conditions by the set's own words.
        frames: Number of crops.
        seconds: Their number over the rate.
        face_share: Share of crops with a face.
        pulse_share: Share of crops with a known pulse.
        timing: How the label was placed; see :class:`~pulsephase.video.datasets.recording.Label`.
        has_device: Whether the device's display is known.
        notes: Everything that was not as it should be, one line each.
        source_bytes: Size of the files it was made from.
        sha256: By file.
    """

    name: str
    subject: str
    attributes: Mapping[str, str]
    frames: int
    seconds: float
    face_share: float
    pulse_share: float
    timing: str
    has_device: bool
    notes: tuple[str, ...]
    source_bytes: int
    sha256: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedClip:
    """The arrays of one recording.

    Attributes:
        name: Of the recording.
        subject: Who is seen.
        attributes: Conditions by the set's own words.
        sample_hz: Rate of the grid.
        frames: RGB crops, mapped from the disk, read-only.
        times_s: The even grid; the first frame's time is its origin.
        pulse: Contact wave in units of the set, NaN where there is none.
        boxes: Face box x, y, width, height in pixels of the source, NaN where no face was found
            (the crop is then the last one with a face).
        device_bpm: What the device displayed, none if the set does not hold it.
    """

    name: str
    subject: str
    attributes: Mapping[str, str]
    sample_hz: float
    frames: UInt8[np.ndarray, "time 3 size size"]
    times_s: Float64[np.ndarray, " time"]
    pulse: Float32[np.ndarray, " time"]
    boxes: Float32[np.ndarray, "time 4"]
    device_bpm: Float32[np.ndarray, " time"] | None


def folder_of(name: str) -> str:
    """Return the folder name of a recording, one for each name.

    >>> folder_of("Sub 05/lux 10.0")
    'Sub%2005%2Flux%2010.0'
    """
    return quote(name, safe="")


def write_entry(
    recording: Recording,
    clips: Path,
    *,
    root: Path,
    size: int,
    sample_hz: float,
    faces: FaceSource,
) -> CacheEntry:
    """Crop a recording into a folder of its own, which appears under its name when it is whole.

    Args:
        recording: The recording.
        clips: The folder that holds those of all recordings.
        root: The data set; notes name files from there on.
        size: Pixels along a side of a crop.
        sample_hz: Rate of the crops.
        faces: Where the face is; a new one.

    Raises:
        InputError: If video or label are missing or unreadable.
        CacheFull: If it cannot be written. Nothing half-written is left.
    """
    notes: list[str] = []
    final = clips / folder_of(recording.name)
    aside = clips / f".{final.name}.{os.getpid()}"  # of our own, whoever else may be at work
    with _reading(recording):
        label = recording.label()
        source_bytes = recording.bytes_on_disk()
    notes += label.notes
    frames = _readable(recording, recording.clips(say=notes.append))
    crops = face_clips(frames, faces=faces, size=size, sample_hz=sample_hz)
    try:
        aside.mkdir()
        times_s, boxes = _write_frames(aside, crops, name=recording.name, size=size)
        pulse = at_times(label.wave, label.times_s, times_s)
        device_bpm = np.full(len(times_s), np.nan)
        if label.device_bpm is not None:
            device_bpm = at_times(label.device_bpm, label.times_s, times_s)
        notes += _judged(label, times_s, pulse, boxes)
        np.save(aside / LABELS, np.column_stack([pulse, device_bpm, boxes]).astype(np.float32))
        np.save(aside / TIMES, times_s)
        entry = CacheEntry(
            name=recording.name,
            subject=recording.subject,
            attributes=dict(recording.attributes),
            frames=len(times_s),
            seconds=len(times_s) / sample_hz,
            face_share=float(np.isfinite(boxes).all(1).mean()),
            pulse_share=float(np.isfinite(pulse).mean()),
            timing=label.timing,
            has_device=label.device_bpm is not None,
            notes=tuple(from_root(note, root) for note in notes),
            source_bytes=source_bytes,
            sha256={name: checksum(aside / name) for name in (FRAMES, LABELS, TIMES)},
        )
        write_json(aside / ENTRY, asdict(entry))
        remove(final)
        aside.rename(final)
    except OSError as error:  # reading raises no such error: see _reading
        raise CacheFull(error.errno, f"{clips} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return entry


def from_root(text: str, root: Path) -> str:
    """Return a message with the files in a folder named from there on.

    >>> from_root(str(Path("/data/ubfc/subject1/vid.avi")) + " breaks off", Path("/data/ubfc"))
    'subject1/vid.avi breaks off'
    """
    return text.replace(f"{root}{os.sep}", "")


def read_entry(folder: Path) -> CacheEntry:
    """Read the description of a cached recording.

    Raises:
        InputError: If it is none, or its arrays have other sizes than it says.
    """
    path = folder / ENTRY
    try:
        found = read_json(path)
        entry = CacheEntry(**{**found, "notes": tuple(found["notes"])})
        missing = [name for name in entry.sha256 if not (folder / name).is_file()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} describes no cached recording ({error}); build again") from None
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}; build the cache again")
    return entry


def is_whole(folder: Path, entry: CacheEntry) -> bool:
    """Tell whether the arrays are those that were written, by their SHA-256."""
    try:
        return all(checksum(folder / name) == digest for name, digest in entry.sha256.items())
    except OSError:
        return False


def whole(
    clips: Path, entries: Iterable[CacheEntry]
) -> tuple[tuple[CacheEntry, ...], dict[str, str]]:
    """Part recordings into those whose arrays are as written, and the damaged ones by name.

    Every byte is read, once a process.
    """
    good, damaged = [], {}
    for entry in entries:
        if is_whole(clips / folder_of(entry.name), entry):
            good.append(entry)
        else:
            damaged[entry.name] = f"{entry.name} is damaged: build the cache again, which heals it"
    return tuple(good), damaged


def read_clip(folder: Path, entry: CacheEntry, *, sample_hz: float) -> CachedClip:
    """Map the frames of a cached recording and read the rest.

    Raises:
        InputError: If an array is damaged.
    """
    try:
        frames = np.load(folder / FRAMES, mmap_mode="r")
        labels, times_s = np.load(folder / LABELS), np.load(folder / TIMES)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{folder} is damaged ({error}); build the cache again") from None
    if not len(frames) == len(labels) == len(times_s) == entry.frames:
        raise InputError(f"{folder} holds arrays of different lengths; build the cache again")
    pulse, stands = labels[:, 0], still(labels[:, 0], times_s)
    if stands.any() and not stands.all():  # a flat one is known as such
        pulse = np.where(stands, np.float32(np.nan), pulse)
    return CachedClip(
        name=entry.name,
        subject=entry.subject,
        attributes=entry.attributes,
        sample_hz=sample_hz,
        frames=frames,
        times_s=times_s,
        pulse=pulse,
        boxes=labels[:, 2:],
        device_bpm=labels[:, 1] if entry.has_device else None,
    )


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file; of one that did not change since, from memory."""
    state = path.stat()
    return _checksum(path, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=65_536)
def _checksum(path: Path, size: int, changed_ns: int, number: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(path: Path) -> None:
    """Remove a file or a folder, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _reading(recording: Recording) -> Iterator[None]:
    """Turn what the system says of a source into an error of its recording."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{recording.name} cannot be read: {error}") from error


def _readable(recording: Recording, clips: Iterator[Clip]) -> Iterator[Clip]:
    with _reading(recording):
        yield from clips


def _write_frames(
    aside: Path, crops: Iterator[Clip], *, name: str, size: int
) -> tuple[Float64[np.ndarray, " time"], Float64[np.ndarray, "time 4"]]:
    """Write crops as they come, so that memory does not grow with length."""
    rounder = Rounder(name)
    times, boxes, count = [], [], 0
    with (aside / FRAMES).open("wb") as file:
        _write_header(file, count, size)
        for clip in crops:
            assert clip.boxes is not None
            file.write(rounder(clip.frames.numpy()).tobytes())
            times.append(clip.times_s.numpy())
            boxes.append(clip.boxes.double().numpy())
            count += len(clip)
        if count == 0:
            raise InputError(f"{name} holds no frame; download it again")
        file.seek(0)
        _write_header(file, count, size)  # as long as before: numpy leaves room for the count
    return np.concatenate(times), np.concatenate(boxes)


def _write_header(file: BinaryIO, count: int, size: int) -> None:
    shape = (count, 3, size, size)
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _judged(
    label: Label,
    times_s: Float64[np.ndarray, " time"],
    pulse: Float64[np.ndarray, " time"],
    boxes: Float64[np.ndarray, "time 4"],
) -> Iterator[str]:
    """Say what a trainer should know of a clip."""
    if not np.isfinite(boxes).all(1).any():
        yield "no face in any frame"
    if not np.isfinite(pulse).any():
        yield "no frame has a pulse: label and video do not overlap in time"
    apart_s = float(label.times_s[-1] - times_s[-1])
    if abs(apart_s) > APART_S:
        longer = "after" if apart_s > 0 else "before"
        yield f"the label ends {abs(apart_s):.1f} s {longer} the video"
