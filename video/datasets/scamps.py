"""SCAMPS: 2,800 synthetic faces with a pulse. The set can no longer be downloaded.

Source: [toolbox] public readers of the set, in which the layout was read.

``P00000N.mat``, MATLAB 7.3 (HDF5): ``Xsub`` (frames, 240, 240, 3; floats) and ``d_ppg``, the wave
[toolbox]; 600 frames at 30 a second [recalled]. Some copies are of 72 x 72 [toolbox].
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pulsephase.video.clip import Clip
from pulsephase.video.datasets.layout import DataSet, entries_of
from pulsephase.video.datasets.matlab import mat_clips, mat_label
from pulsephase.video.datasets.recording import Label, Recording, Say

FILE = re.compile(r"P\d+\.mat", re.IGNORECASE)
SAMPLE_HZ = 30.0


def _read(root: Path) -> list[Recording]:
    return [
        Recording(
            name=path.stem,
            subject=path.stem,
            attributes={},
            files=(path,),
            read_frames=partial(_frames, path),
            read_label=partial(_label, path),
        )
        for path in entries_of(root)
        if FILE.fullmatch(path.name)
    ]


def _frames(path: Path, say: Say) -> Iterator[Clip]:
    yield from mat_clips(path, "Xsub", sample_hz=SAMPLE_HZ, say=say)


def _label(path: Path) -> Label:
    return mat_label(path, "d_ppg", video="Xsub", sample_hz=SAMPLE_HZ, spare=1)


SCAMPS = DataSet(
    name="scamps",
    title="SCAMPS",
    source=(
        "D. McDuff, M. Wander, X. Liu, B. L. Hill, J. Hernandez, J. Lester, T. Baltrusaitis: "
        "SCAMPS: Synthetics for Camera Measurement of Physiological Signals, NeurIPS 2022. "
        "https://github.com/danmcduff/scampsdataset"
    ),
    expects="P000001.mat, P000002.mat, ...",
    assumptions=(
        "S1: 30 frames a second, evenly; the files hold no times",
        "S2: d_ppg has one value a frame, or one more or fewer at the end",
        "S3: every file is a subject of its own",
    ),
    read=_read,
)
