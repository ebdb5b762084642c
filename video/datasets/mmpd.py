"""MMPD: 33 people, 20 recordings each, under four lights, at rest and moving, by a phone.

Source: [toolbox] public readers of the set, in which the layout was read.

``subjectN/pN_K.mat``, MATLAB 5 [toolbox]; should a copy be MATLAB 7.3, it is read too. Keys
[toolbox]: ``video`` (frames, height, width, 3; floats in 0..1), ``GT_ppg`` (the wave), ``light``,
``motion``, ``exercise``, ``skin_color``, ``gender``, ``glasser``, ``hair_cover``, ``makeup``:
words, or nested arrays of one.

Known faults: 'Watching Videos' in older files means 'Walking' [toolbox]. The frames of 1280 x 720
are stored squeezed to 320 x 240, of the small version to 80 x 60; they are widened to 16:9 again
before a face is sought, since detectors know faces of natural shape.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from pulsephase.errors import PulsePhaseError
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.layout import DataSet, absent, entries_of, folders
from pulsephase.video.datasets.matlab import mat_clips, mat_label, open_mat
from pulsephase.video.datasets.recording import Label, Recording, Say

SUBJECT = re.compile(r"subject\d+", re.IGNORECASE)
FILE = re.compile(r"p\d+_\d+\.mat", re.IGNORECASE)
INFO = (
    "light",
    "motion",
    "exercise",
    "skin_color",
    "gender",
    "glasser",
    "hair_cover",
    "makeup",
)
MISNAMED = {"Watching Videos": "Walking"}
SAMPLE_HZ = 30.0
STORED, SEEN = 4 / 3, 16 / 9  # width over height


def _read(root: Path) -> list[Recording]:
    found = []
    for folder in folders(root):
        if not SUBJECT.fullmatch(folder.name):
            continue
        files = [path for path in entries_of(folder) if FILE.fullmatch(path.name)]
        found += [_recording(path, folder.name) for path in files]
        if not files and not (folder / "vid.avi").exists():  # of another set
            found.append(absent(folder.name, folder.name, folder, "holds no pN_K.mat"))
    return found if any(recording.files for recording in found) else []


def _recording(path: Path, subject: str) -> Recording:
    return Recording(
        name=path.stem,
        subject=subject,
        attributes=_info(path),
        files=(path,),
        read_frames=partial(_frames, path),
        read_label=partial(_label, path),
    )


def _info(path: Path) -> dict[str, str]:
    """Return the conditions that a file names; none of those that cannot be read."""
    info: dict[str, str] = {}
    try:
        with open_mat(path) as mat:
            for key in INFO:
                try:
                    word = mat.word(key)
                except (LookupError, ValueError):
                    continue
                info[key] = MISNAMED.get(word, word)
    except PulsePhaseError:
        pass  # reading the recording says what is wrong, once
    return info


def _frames(path: Path, say: Say) -> Iterator[Clip]:
    info = _info(path)
    missing = [key for key in INFO if key not in info]
    if missing:
        say(f"{path} does not say {', '.join(missing)}")
    if info.get("motion") in MISNAMED.values():
        with open_mat(path) as mat:
            if mat.word("motion") in MISNAMED:
                say(f"{path}: motion {mat.word('motion')!r} is an old name of {info['motion']!r}")
    yield from mat_clips(path, "video", sample_hz=SAMPLE_HZ, say=say, restore=widened)


def widened(frames: np.ndarray) -> np.ndarray:
    """Give squeezed frames their shape back, in floating point so that nothing is rounded.

    Frames of any other shape than 4:3 are left as they are.

    Args:
        frames: Time, height, width, 3; bytes, or floating point in 0..1.

    Returns:
        Floating point in 0..1, 16:9.

    >>> widened(np.zeros((2, 240, 320, 3), np.uint8)).shape
    (2, 240, 427, 3)
    """
    height, width = frames.shape[1:3]
    if abs(width / height - STORED) > 0.02:
        return frames
    scale = np.float32(1 / 255 if frames.dtype == np.uint8 else 1)
    size = (round(height * SEEN), height)
    return np.stack([cv2.resize(frame * scale, size) for frame in frames])


def _label(path: Path) -> Label:
    return mat_label(path, "GT_ppg", video="video", sample_hz=SAMPLE_HZ)


MMPD = DataSet(
    name="mmpd",
    title="MMPD",
    source=(
        "J. Tang, K. Chen, Y. Wang, Y. Shi, S. Patel, D. McDuff, X. Liu: MMPD: Multi-Domain Mobile "
        "Video Physiology Dataset, EMBC 2023. From its authors under a data use agreement: "
        "https://github.com/McJackTang/MMPD_rPPG_dataset"
    ),
    expects="subject1/p1_0.mat, subject1/p1_1.mat, ...",
    assumptions=(
        "M1: 30 frames a second, evenly; the files hold no times",
        "M2: GT_ppg has one value a frame; with another number, it spans the same time",
        "M3: frames of 4:3 are 16:9 squeezed; frames of another shape are as seen",
        "M4: floating-point frames are in 0..1, unless one of the first exceeds 1.5",
    ),
    read=_read,
)
