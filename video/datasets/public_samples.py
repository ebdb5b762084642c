"""The two public sample clips, as a set of their own: real frames for a smoke run, and no more.

See :mod:`pulsephase.video.samples` for where they come from. They choose nothing: whatever is
trained on them is thrown away.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from pulsephase.video.clip import Clip
from pulsephase.video.datasets.layout import DataSet, entries_of, require
from pulsephase.video.datasets.recording import CHUNK_BYTES, Label, Recording, Say, make_label
from pulsephase.video.read import read_clips
from pulsephase.video.samples import PACKAGE, load_reference

VIDEO = re.compile(r"sample_video_(\d+)\.mp4")


def _read(root: Path) -> list[Recording]:
    numbers = [match[1] for match in (VIDEO.fullmatch(p.name) for p in entries_of(root)) if match]
    return [
        Recording(
            name=f"sample_{number}",
            subject=f"sample_{number}",
            attributes={},
            files=(root / f"sample_video_{number}.mp4", root / f"sample_vitals_{number}.csv"),
            read_frames=partial(_frames, root / f"sample_video_{number}.mp4"),
            read_label=partial(_label, root / f"sample_vitals_{number}.csv"),
        )
        for number in numbers
    ]


def _frames(path: Path, say: Say) -> Iterator[Clip]:
    yield from read_clips(require(path, "video"), chunk_bytes=CHUNK_BYTES, say=say)


def _label(path: Path) -> Label:
    found = load_reference(require(path, "label"))
    mean_bpm = found.device_bpm
    return make_label(
        path,
        found.times_s,
        found.ppg,
        device_bpm=None if mean_bpm is None else np.full(len(found.ppg), mean_bpm),
    )


SAMPLES = DataSet(
    name="samples",
    title="the two public sample clips",
    source=f"The examples in the source distribution {PACKAGE}, MIT licence; `pulsephase samples`",
    expects="sample_video_1.mp4, sample_vitals_1.csv, ...",
    assumptions=(
        "D1: the two clips show two people",
        "D2: the display is known by its mean alone",
    ),
    read=_read,
)
