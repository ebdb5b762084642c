"""MATLAB files of either kind: version 5 by scipy, version 7.3 (which is HDF5) by h5py.

Arrays have MATLAB's axes in both; HDF5 holds them turned round.
"""

import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import scipy.io
import torch
from jaxtyping import Float64
from scipy.io.matlab import MatReadError

from pulsephase.errors import InputError, MissingExtraError, PulsePhaseError
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.layout import require
from pulsephase.video.datasets.recording import CHUNK_BYTES, Label, Say, make_label

HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
MANY = 100_000  # values; an array of more is read when it is asked for
ALMOST_ONE = 1.5
"""Brightest value of a floating-point video in 0..1; beyond it, it counts in 0..255."""
FAULTS = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    NotImplementedError,
    MemoryError,
    zlib.error,
    MatReadError,
)
"""What the two readers raise on a file that is damaged or cut off."""


Restore = Callable[[np.ndarray], np.ndarray]


class Mat(ABC):
    """An open MATLAB file."""

    @abstractmethod
    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array; raises KeyError if there is none."""

    @abstractmethod
    def value(self, name: str, field: str | None = None) -> Any:
        """Return an array, or a field of a struct; raises KeyError if there is none."""

    @abstractmethod
    def frames(self, name: str) -> Iterator[np.ndarray]:
        """Yield a video in pieces of time, height, width, 3."""

    def wave(self, name: str, field: str | None = None) -> Float64[np.ndarray, " sample"]:
        """Return the numbers of an array as one row."""
        return np.asarray(self.value(name, field), dtype=np.float64).ravel()

    def word(self, name: str) -> str:
        """Return a word, or a number as one, however deep it is nested."""
        return word_of(self.value(name))


@final
class Mat5(Mat):
    """Version 5; a video is read whole, since it can only be read whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shapes = {name: shape for name, shape, _ in scipy.io.whosmat(path)}
        small = [name for name, shape in self.shapes.items() if math.prod(shape) < MANY]
        self.small = scipy.io.loadmat(path, variable_names=small)

    def shape(self, name: str) -> tuple[int, ...]:
        """See :class:`Mat`."""
        return tuple(self.shapes[name])

    def value(self, name: str, field: str | None = None) -> Any:
        """See :class:`Mat`."""
        if name not in self.small:
            return scipy.io.loadmat(self.path, variable_names=[name])[name]
        found = self.small[name]
        return found if field is None else found[field].flat[0]

    def frames(self, name: str) -> Iterator[np.ndarray]:
        """See :class:`Mat`."""
        video = self.value(name)
        video = video.transpose(axes_of(video.shape))
        for part in parts(video):
            yield video[part]


@final
class Mat73(Mat):
    """Version 7.3; a video is read piece by piece."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def shape(self, name: str) -> tuple[int, ...]:
        """See :class:`Mat`."""
        return tuple(self.file[name].shape[::-1])

    def value(self, name: str, field: str | None = None) -> Any:
        """See :class:`Mat`."""
        found = self.file[name] if field is None else self.file[name][field]
        array = np.asarray(found[()])
        if array.dtype == object:  # a cell: references to what it holds
            array = np.asarray(self.file[array.flat[0]][()])
        if found.attrs.get("MATLAB_class") == b"char" or array.dtype == np.uint16:
            return "".join(map(chr, array.ravel()))
        return array.T

    def frames(self, name: str) -> Iterator[np.ndarray]:
        """See :class:`Mat`."""
        video = self.file[name]
        axes = axes_of(video.shape[::-1])
        shape = tuple(video.shape[3 - axis] for axis in axes)
        for part in parts(np.broadcast_to(np.empty((), video.dtype), shape)):
            index: list[slice] = [slice(None)] * 4
            index[3 - axes[0]] = part
            yield np.asarray(video[tuple(index)]).T.transpose(axes)


@contextmanager
def open_mat(path: Path) -> Iterator[Mat]:
    """Open a MATLAB file of either kind.

    Raises:
        InputError: If it is missing, empty, cut off, or lacks what is asked of it.
        MissingExtraError: If it is HDF5 and h5py is not installed.
    """
    require(path, "MATLAB file")
    try:
        if not is_hdf5(path):
            yield Mat5(path)
            return
        with _h5py().File(path) as file:
            yield Mat73(file)
    except PulsePhaseError:
        raise
    except KeyError as error:
        raise InputError(f"{path} lacks {error}; download it again") from None
    except FAULTS as error:
        raise InputError(
            f"{path} cannot be read as a MATLAB file ({error or type(error).__name__}); "
            "download it again"
        ) from None


def is_hdf5(path: Path) -> bool:
    """Tell whether a file is HDF5, with or without MATLAB's header before it."""
    with path.open("rb") as file:
        head = file.read(2048 + len(HDF5_MAGIC))
    return any(head.startswith(HDF5_MAGIC, at) for at in (0, 512, 1024, 2048))


def axes_of(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return which axes of an array are time, height, width and colour.

    >>> axes_of((600, 240, 320, 3)), axes_of((240, 320, 3, 600)), axes_of((3, 320, 240, 600))
    ((0, 1, 2, 3), (3, 0, 1, 2), (3, 2, 1, 0))
    """
    if len(shape) == 4:
        for colour, axes in ((3, (0, 1, 2, 3)), (2, (3, 0, 1, 2)), (0, (3, 2, 1, 0))):
            if shape[colour] == 3:
                return axes
    raise ValueError(f"its video has shape {shape}, which is no time, height, width, 3")


def parts(video: np.ndarray) -> Iterator[slice]:
    """Cut a video into pieces of at most 16 MB."""
    frame_bytes = math.prod(video.shape[1:]) * video.itemsize
    step = max(1, CHUNK_BYTES // max(1, frame_bytes))
    for start in range(0, len(video), step):
        yield slice(start, min(start + step, len(video)))


def word_of(value: Any) -> str:
    """Return the one word or number in nested arrays.

    >>> word_of(np.array([[np.array(["LED-low"])]], dtype=object)), word_of(np.array([[3.0]]))
    ('LED-low', '3')
    """
    while isinstance(value, np.ndarray):
        if value.size != 1:
            raise ValueError(f"{value.size} values where one word is expected")
        value = value.flat[0]
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return str(value).strip()


def mat_clips(
    path: Path, name: str, *, sample_hz: float, say: Say, restore: Restore | None = None
) -> Iterator[Clip]:
    """Read the video of a MATLAB file whose frames have no times: n over the rate.

    Args:
        path: The file.
        name: Of the array.
        sample_hz: Frames a second, an assumption of the set's reader.
        say: See :meth:`~pulsephase.video.datasets.recording.Recording.clips`.
        restore: What to do to each piece before, if anything.

    Yields:
        ``uint8`` frames where the file holds bytes, else floating point in 0..1.
    """
    count, scale = 0, None
    with open_mat(path) as mat:
        for piece in mat.frames(name):
            if scale is None:
                scale = _scale_of(piece)
                if scale != 1 and piece.dtype.kind == "f":
                    say(f"{path}: values reach {piece.max():.4g}; taken as levels of 0..255")
            frames = piece if piece.dtype == np.uint8 else piece.astype(np.float32) * scale
            if restore is not None:
                frames = restore(frames)
            pixels = np.ascontiguousarray(frames).transpose(0, 3, 1, 2)
            times_s = torch.arange(count, count + len(pixels), dtype=torch.float64) / sample_hz
            yield Clip(frames=torch.from_numpy(pixels), times_s=times_s, source=str(path))
            count += len(pixels)
    if count < 2:
        raise InputError(f"{path} holds {count} frames; download it again")


def mat_label(path: Path, wave: str, *, video: str, sample_hz: float, spare: int = 0) -> Label:
    """Read a wave that has one value a frame; with another number, it spans the same time.

    Args:
        path: The file.
        wave: Name of the wave.
        video: Name of the video.
        sample_hz: Frames a second.
        spare: How many values more or fewer still belong to the frames one by one.
    """
    with open_mat(path) as mat:
        values = mat.wave(wave)
        shape = mat.shape(video)
        frames = shape[axes_of(shape)[0]]
    count = len(values)
    if abs(count - frames) <= spare:
        return make_label(path, np.arange(count) / sample_hz, values, timing="by frame")
    times_s = np.linspace(0.0, (frames - 1) / sample_hz, count)
    note = f"{path}: {count} values of {wave} for {frames} frames; spread over them by length"
    return make_label(path, times_s, values, timing="by length", notes=(note,))


def _scale_of(piece: np.ndarray) -> np.float32:
    in_levels = piece.dtype.kind in "iu" or (piece.size and np.nanmax(piece) > ALMOST_ONE)
    return np.float32(1 / 255 if in_levels else 1)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise MissingExtraError(
            "MATLAB 7.3 files are HDF5 and need h5py; pip install 'pulsephase[scamps]'"
        ) from None
    return h5py
