"""One recording of a public data set: what the camera saw and what the sensor said.

Both are on one clock in s, and read when asked. Every set has its own way of saying when something
was; a loader turns it into times and says what it had to assume.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from pulsephase.checks import still
from pulsephase.errors import InputError
from pulsephase.video.clip import Clip

log = logging.getLogger(__name__)

GAP_S = 0.5
"""Label values further apart than this are not joined by a line."""
SNAP_S = 0.5e-3
"""A time this little outside the label counts as its first or last."""

CHUNK_BYTES = 16_000_000
"""Most bytes of frames in one clip. Pieces beyond 32 MB are mapped and unmapped by the C library
each time, which costs as much as decoding."""

Say = Callable[[str], None]
Values = Float64[np.ndarray, " _"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the contact sensor of a recording said, at its own times.

    Attributes:
        times_s: Time of each value in s on the clock of the video's frames, strictly rising.
        wave: Contact pulse wave in units of the set, NaN where the set has no value.
        device_bpm: What the device displayed, where the set holds it. A reading, not the truth.
        timing: How the values were placed: ``by time``; or, where the set has no times,
            ``by frame`` (one value each) or ``by length`` (spread over the video).
        notes: One line on everything that was not as documented.
        still_s: How long the wave kept one value for over half a second; it is NaN there.
    """

    times_s: Float64[np.ndarray, " sample"]
    wave: Float64[np.ndarray, " sample"]
    device_bpm: Float64[np.ndarray, " sample"] | None = None
    timing: str = "by time"
    notes: tuple[str, ...] = ()
    still_s: float = 0.0

    @property
    def sample_hz(self) -> float:
        """Average rate of the values."""
        return float((len(self.times_s) - 1) / (self.times_s[-1] - self.times_s[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One video of a set with its label; nothing is read before it is asked for.

    Attributes:
        name: Unique in the set.
        subject: Who is seen.
        attributes: Conditions by the set's own words, such as light, motion, lux.
        files: What it is read from: files, or folders of frames. Some may be missing.
        read_frames: Reads the frames; see :meth:`clips`.
        read_label: Reads the label; see :meth:`label`.
    """

    name: str
    subject: str
    attributes: Mapping[str, str]
    files: tuple[Path, ...]
    read_frames: Callable[[Say], Iterator[Clip]]
    read_label: Callable[[], Label]

    def clips(self, *, say: Say = log.warning) -> Iterator[Clip]:
        """Read the whole frames as consecutive clips with their true times.

        Args:
            say: Called with one line on everything that was not as it should be.

        Raises:
            InputError: If the video is missing or unreadable; names the file and the fault.
        """
        return self.read_frames(say)

    def label(self) -> Label:
        """Read what the contact sensor said.

        Raises:
            InputError: If the label is missing or unreadable; names the file and the fault.
        """
        return self.read_label()

    def bytes_on_disk(self) -> int:
        """Return the size of the files of the recording, of those that are there."""
        return sum(_size(path) for path in self.files)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(entry.stat().st_size for entry in path.iterdir() if entry.is_file())
    return path.stat().st_size if path.exists() else 0


def make_label(
    path: Path,
    times_s: Values,
    wave: Values,
    *,
    device_bpm: Values | None = None,
    timing: str = "by time",
    notes: tuple[str, ...] = (),
) -> Label:
    """Check the values of a label file and leave out what has no usable time.

    Args:
        path: The file, for messages.
        times_s: Time of each value.
        wave: The wave.
        device_bpm: The device's display.
        timing: See :class:`Label`.
        notes: What was found before.

    Raises:
        InputError: If numbers differ, fewer than two values have a time of their own, or the wave
            holds no number.
    """
    if not len(times_s) == len(wave) == len(wave if device_bpm is None else device_bpm):
        counts = f"{len(times_s)} times, {len(wave)} values of the wave" + (
            "" if device_bpm is None else f" and {len(device_bpm)} of the display"
        )
        raise InputError(f"{path} holds {counts}; one of each is needed: download it again")
    rises = rising(times_s)
    if (~rises).any():
        notes = (*notes, f"{path}: {int((~rises).sum())} values whose time does not rise left out")
    times_s, wave = times_s[rises], wave[rises]
    if len(times_s) < 2:
        raise InputError(f"{path} holds {len(times_s)} values with a time; it is no label")
    unknown = ~np.isfinite(wave)
    if unknown.all():
        raise InputError(f"{path} holds no number for the wave; download it again")
    if unknown.any():
        notes = (*notes, f"{path}: {int(unknown.sum())} values of the wave are no numbers")
        wave = np.where(unknown, np.nan, wave)
    stands = still(wave, times_s)
    seconds = float(np.diff(times_s)[stands[1:] & stands[:-1]].sum())
    if stands.all():
        seconds = 0.0  # a wave that is flat all over is known as such
    elif seconds > 0:
        notes = (*notes, f"{path}: the wave stands still for {seconds:.1f} s, which are left out")
        wave = np.where(stands, np.nan, wave)
    return Label(
        still_s=seconds,
        times_s=times_s,
        wave=wave,
        device_bpm=None if device_bpm is None else device_bpm[rises],
        timing=timing,
        notes=notes,
    )


def rising(times_s: Values) -> np.ndarray:
    """Tell which times are finite and later than all before.

    >>> rising(np.array([0.0, 1.0, 1.0, 0.5, np.nan, 2.0])).tolist()
    [True, True, False, False, False, True]
    """
    known = np.where(np.isfinite(times_s), times_s, -np.inf)
    before = np.concatenate([[-np.inf], np.maximum.accumulate(known)[:-1]])
    later: np.ndarray = known > before
    return later


def at_times(
    values: Values, label_s: Values, times_s: Float64[np.ndarray, " time"]
) -> Float64[np.ndarray, " time"]:
    """Read a label at other times: straight lines between neighbours, NaN beyond and in gaps.

    Args:
        values: The wave, or the device's display.
        label_s: Their times, strictly rising.
        times_s: Where they are wanted.

    >>> at_times(np.array([0.0, 2.0]), np.array([0.0, 0.2]), np.array([-1.0, 0.1, 0.2, 1.0]))
    array([nan,  1.,  2., nan])
    """
    inside = (times_s >= label_s[0] - SNAP_S) & (times_s <= label_s[-1] + SNAP_S)
    found = np.interp(times_s, label_s, values)
    after = np.clip(np.searchsorted(label_s, times_s), 1, len(label_s) - 1)
    # beside a value of the label, what lies on the far side of it does not matter
    near = np.minimum(abs(times_s - label_s[after - 1]), abs(times_s - label_s[after])) <= SNAP_S
    joined = near | (label_s[after] - label_s[after - 1] <= GAP_S)
    return np.where(inside & joined, found, np.nan)
