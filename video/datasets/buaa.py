"""BUAA-MIHR: people in light from 1 to 100 lux.

Source: [readers] public programs that read the set, in which the layout was read.

``Sub NN/lux X.X/`` [readers]:

- one ``.avi``, such as ``lux10.0_APH.avi`` [readers].
- ``PPGData.mat``, MATLAB 5, with a struct ``PPG`` whose field ``data`` is the wave at a rate of its
  own [readers]; other copies have it in ``..._wave.csv``, one value a line [readers].
- ``..._APH.csv`` with a column ``PULSE``: the device's display [readers].

Nothing read gives the wave times: public readers stretch it over the video, and so does this one.
"""

import csv
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from pulsephase.errors import InputError
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.layout import DataSet, absent, entries_of, folders, only, require
from pulsephase.video.datasets.matlab import open_mat
from pulsephase.video.datasets.recording import CHUNK_BYTES, Label, Recording, Say, make_label
from pulsephase.video.decode import frame_times
from pulsephase.video.read import probe, read_clips

SUBJECT = re.compile(r"Sub[ _]?(\d+)", re.IGNORECASE)
LIGHT = re.compile(r"lux[ _]?(\d+(?:\.\d+)?)", re.IGNORECASE)
WAVE_CSV, DISPLAY = "wave.csv", "PULSE"


def _read(root: Path) -> list[Recording]:
    found = []
    for folder in folders(root):
        who = SUBJECT.fullmatch(folder.name)
        if who is None:
            continue
        subject = f"Sub {int(who[1]):02d}"
        lights = [(path, LIGHT.fullmatch(path.name)) for path in folders(folder)]
        known = [(path, match[1]) for path, match in lights if match]
        found += [_recording(path, subject, lux) for path, lux in known]
        if not known:
            found.append(absent(subject, subject, folder, "holds no folder 'lux X.X'"))
    return found


def _recording(folder: Path, subject: str, lux: str) -> Recording:
    return Recording(
        name=f"{subject}/lux {lux}",
        subject=subject,
        attributes={"lux": lux},
        files=tuple(path for path in entries_of(folder) if path.is_file()),
        read_frames=partial(_frames, folder),
        read_label=partial(_label, folder),
    )


def _frames(folder: Path, say: Say) -> Iterator[Clip]:
    yield from read_clips(only(folder, ".avi", "video"), chunk_bytes=CHUNK_BYTES, say=say)


def _label(folder: Path) -> Label:
    path, wave = _wave(folder)
    last_s = _last_s(only(folder, ".avi", "video"))
    if len(wave) < 2:
        raise InputError(f"{path} holds {len(wave)} values of the wave; download it again")
    times_s = np.linspace(0.0, last_s, len(wave))
    rate = (len(wave) - 1) / last_s
    note = f"{path}: {len(wave)} values without times spread over the video: {rate:.2f} a second"
    return make_label(
        path,
        times_s,
        wave,
        device_bpm=_display(folder, times_s),
        timing="by length",
        notes=(note,),
    )


def _last_s(path: Path) -> float:
    """Return the time of the last frame that the video announces, broken off or not."""
    footage = probe(path)
    if footage.frames is not None and footage.frames > 1:
        return (footage.frames - 1) / footage.sample_hz
    return float(frame_times(path)[-1])


def _wave(folder: Path) -> tuple[Path, Float64[np.ndarray, " sample"]]:
    """Return the file that holds the wave, and the wave."""
    entries = entries_of(folder)
    tables = [path for path in entries if path.name.lower().endswith(WAVE_CSV)]
    if not any(path.suffix.lower() == ".mat" for path in entries) and tables:
        return tables[0], _column(tables[0])
    path = only(folder, ".mat", "label")
    with open_mat(path) as mat:
        return path, mat.wave("PPG", "data")


def _column(path: Path) -> Float64[np.ndarray, " sample"]:
    try:
        words = require(path, "label").read_text(encoding="utf-8").split()
        return np.array([word.strip(",") for word in words], dtype=np.float64)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no column of numbers ({error}); download it again") from None


def _display(
    folder: Path, times_s: Float64[np.ndarray, " sample"]
) -> Float64[np.ndarray, " sample"] | None:
    """Return what the device displayed, spread over the video as the wave is, if it is there."""
    for path in entries_of(folder):
        if path.suffix.lower() != ".csv" or path.name.lower().endswith(WAVE_CSV):
            continue
        try:
            with path.open(newline="", encoding="utf-8") as file:
                words = [row.get(DISPLAY) for row in csv.DictReader(file)]
            shown = np.array([word for word in words if word is not None], dtype=np.float64)
        except (OSError, ValueError):
            continue
        if len(shown):
            at_s = np.linspace(times_s[0], times_s[-1], len(shown))
            return np.asarray(np.interp(times_s, at_s, shown), dtype=np.float64)
    return None


BUAA = DataSet(
    name="buaa",
    title="BUAA-MIHR",
    source=(
        "L. Xi, W. Chen, C. Zhao, X. Wu, J. Wang: Image Enhancement for Remote "
        "Photoplethysmography in a Low-Light Environment, FG 2020. From its authors"
    ),
    expects="Sub 01/lux 10.0/ with one .avi and PPGData.mat, ...",
    assumptions=(
        "B1: the wave begins with the first frame and ends with the last; it has no times",
        "B2: so does the column PULSE",
        "B3: the clock of the AVI is right",
    ),
    read=_read,
)
