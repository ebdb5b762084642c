"""UBFC-rPPG: 42 people at a screen (data set 2), and 8 recordings of people sitting still (1).

Sources: [readme] the authors' ``readme.txt`` in the data set, as copied in public repositories;
[toolbox] public readers of the set, in which the layout was read.

Data set 2, ``subjectN/``:

- ``vid.avi``, uncompressed, 640 x 480, about 30 frames a second [toolbox].
- ``ground_truth.txt``: three lines of equal length, blank-separated: PPG, heart rate, time in s in
  scientific notation [readme]; one value a frame (assumption U1).

Data set 1, ``N-gt/`` or ``after-exercise/`` [toolbox]:

- ``vid.avi``; some copies have ``vid-NN.avi`` [toolbox].
- ``gtdump.xmp``: comma-separated columns time in ms, heart rate, SpO2, PPG [readme], about 62 a
  second [toolbox].
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from pulsephase.errors import InputError
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.layout import DataSet, entries_of, folders, require
from pulsephase.video.datasets.recording import (
    CHUNK_BYTES,
    Label,
    Recording,
    Say,
    make_label,
    rising,
)
from pulsephase.video.read import probe, read_clips

SUBJECT = re.compile(r"subject\d+", re.IGNORECASE)
FAR_OFF = 0.25
SLOWEST_STEP_S = 5.0
VIDEO, TRUTH, DUMP = "vid.avi", "ground_truth.txt", "gtdump.xmp"
TERMS = (
    "S. Bobbia, R. Macwan, Y. Benezeth, A. Mansouri, J. Dubois: Unsupervised skin tissue "
    "segmentation for remote photoplethysmography, Pattern Recognition Letters (2017). From its "
    "authors, for research: https://sites.google.com/view/ybenezeth/ubfcrppg"
)


def _read_second(root: Path) -> list[Recording]:
    inside = [folder for folder in folders(root) if SUBJECT.fullmatch(folder.name)]
    if not any((folder / VIDEO).exists() or (folder / TRUTH).exists() for folder in inside):
        return []  # of another set
    return [
        Recording(
            name=folder.name,
            subject=folder.name,
            attributes={},
            files=(folder / VIDEO, folder / TRUTH),
            read_frames=partial(_timed_frames, folder),
            read_label=partial(_rows, folder / TRUTH),
        )
        for folder in inside
    ]


def _rows(path: Path) -> Label:
    table = _numbers(require(path, "label"), separator=None)
    if table.shape[0] != 3:
        raise InputError(
            f"{path} holds {table.shape[0]} rows of {table.shape[1]}; a label of UBFC-rPPG 2 has "
            "three: wave, heart rate, time"
        )
    wave, device_bpm, times_s = table
    times_s, notes = _in_seconds(path, times_s)
    return make_label(path, times_s, wave, device_bpm=device_bpm, notes=notes)


def _in_seconds(
    path: Path, times_s: Float64[np.ndarray, " column"]
) -> tuple[Float64[np.ndarray, " column"], tuple[str, ...]]:
    """Return times in s; a row with over 5 s from value to value is in ms."""
    if len(times_s) > 1 and float(np.median(np.diff(times_s))) > SLOWEST_STEP_S:
        return times_s / 1000, (f"{path}: its times are in ms, and are read so",)
    return times_s, ()


def _timed_frames(folder: Path, say: Say) -> Iterator[Clip]:
    """Read the video; frame n has the time of column n of the label, if there are as many."""
    path = require(folder / VIDEO, "video")
    times_s = _frame_times(folder, say)
    if times_s is None:
        yield from read_clips(path, chunk_bytes=CHUNK_BYTES, say=say)
        return
    step_s = 1 / probe(path).sample_hz
    for clip in read_clips(path, chunk_bytes=CHUNK_BYTES, say=say):
        # by the clock of the file, not by counting: a broken frame is left out
        index = (clip.times_s / step_s).round().long().clamp(max=len(times_s) - 1)
        yield replace(clip, times_s=torch.from_numpy(times_s)[index])


def _frame_times(folder: Path, say: Say) -> Float64[np.ndarray, " frame"] | None:
    """Return the time of each frame, or none where the label does not tell."""
    footage = probe(folder / VIDEO)
    try:
        times_s: np.ndarray = _numbers(require(folder / TRUTH, "label"), separator=None)[-1]
        times_s, _ = _in_seconds(folder / TRUTH, times_s)
    except InputError as error:
        say(f"{error}; the video's own clock is used")
        return None
    if footage.frames != len(times_s):
        say(
            f"{folder / VIDEO} announces {footage.frames} frames, {TRUTH} holds {len(times_s)} "
            "columns; each is used by its own clock"
        )
        return None
    if not rising(times_s).all():
        say(f"{folder / TRUTH}: times do not rise; the frames are placed by the video's own clock")
        return None
    rate_hz = (len(times_s) - 1) / (times_s[-1] - times_s[0])
    if abs(rate_hz / footage.sample_hz - 1) > FAR_OFF:
        say(
            f"{folder / TRUTH}: {rate_hz:.4g} frames a second by the label, "
            f"{footage.sample_hz:.4g} by the video; the label is believed"
        )
    return times_s


def _read_first(root: Path) -> list[Recording]:
    inside = folders(root)
    if not any((folder / DUMP).exists() for folder in inside):
        return []
    return [
        Recording(
            name=folder.name,
            subject=folder.name,
            attributes={},
            files=(_video_of(folder), folder / DUMP),
            read_frames=partial(_plain_frames, folder),
            read_label=partial(_columns, folder / DUMP),
        )
        for folder in inside
    ]


def _video_of(folder: Path) -> Path:
    """Return the video of a folder of data set 1, whichever of its names it has."""
    named = [path for path in entries_of(folder) if re.fullmatch(r"vid.*\.avi", path.name)]
    return named[0] if len(named) == 1 else folder / VIDEO


def _plain_frames(folder: Path, say: Say) -> Iterator[Clip]:
    yield from read_clips(require(_video_of(folder), "video"), chunk_bytes=CHUNK_BYTES, say=say)


def _columns(path: Path) -> Label:
    table = _numbers(require(path, "label"), separator=",").T
    if table.shape[0] < 4:
        raise InputError(
            f"{path} holds {table.shape[0]} columns; a label of UBFC-rPPG 1 has four: time in ms, "
            "heart rate, SpO2, PPG"
        )
    return make_label(path, table[0] / 1000, table[3], device_bpm=table[1])


def _numbers(path: Path, *, separator: str | None) -> Float64[np.ndarray, "row column"]:
    """Read a table of numbers.

    Raises:
        InputError: If it is none, or its rows differ in length.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [
            [float(word) for word in line.split(separator) if word.strip()]
            for line in lines
            if line.strip()
        ]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no table of numbers ({error}); download it again") from None
    lengths = sorted({len(row) for row in rows})
    if len(lengths) != 1:
        raise InputError(
            f"{path} holds rows of {' and '.join(map(str, lengths)) or 'no'} numbers; they should "
            "be as long: download it again"
        )
    return np.array(rows, dtype=np.float64)


UBFC = DataSet(
    name="ubfc",
    title="UBFC-rPPG, data set 2",
    source=TERMS,
    expects="subject1/vid.avi, subject1/ground_truth.txt, ...",
    assumptions=(
        "U1: column n of ground_truth.txt belongs to frame n of vid.avi where there are as many "
        "columns as frames, and its time is the frame's; the clock of the AVI is not used then",
        "U2: where there are not, both clocks start together",
    ),
    read=_read_second,
)
UBFC1 = DataSet(
    name="ubfc1",
    title="UBFC-rPPG, data set 1",
    source=TERMS,
    expects="5-gt/vid.avi, 5-gt/gtdump.xmp, ...",
    assumptions=(
        "V1: the first frame of vid.avi is at 0 ms of gtdump.xmp",
        "V2: every folder is a subject of its own; after-exercise may be a person seen in another",
    ),
    read=_read_first,
)
