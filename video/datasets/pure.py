"""PURE: 10 people in six set-ups: still, talking, and moving in four ways.

Sources: [toolbox] public readers of the set, in which the layout was read; [recalled] from memory
of its documentation.

- ``SS-TT/`` (subject and set-up) with frames as PNG; sorted by name they are in the order of time
  [toolbox]; their names are ``Image<ns>.png``, the time in ns [recalled].
- ``SS-TT.json``, beside that folder, or both in one more folder ``SS-TT/`` [toolbox]:
  ``"/FullPackage"`` is a list of ``{"Timestamp": ns, "Value": {"waveform", "pulseRate", ...}}``
  [toolbox], 60 a second; ``"/Image"`` one of ``{"Timestamp": ns}`` for the frames, 30 a second
  [recalled].
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float64, Int64

from pulsephase.errors import InputError
from pulsephase.files import read_json
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.layout import DataSet, entries_of, require
from pulsephase.video.datasets.recording import Label, Recording, Say, make_label, rising

NAME = re.compile(r"(\d\d)-(\d\d)")
STAMPED = re.compile(r"\D*(\d{10,})\.png", re.IGNORECASE)
NS = 1e-9
CHUNK = 64
MOTIONS = {
    "01": "steady",
    "02": "talking",
    "03": "slow translation",
    "04": "fast translation",
    "05": "small rotation",
    "06": "medium rotation",
}


def _read(root: Path) -> list[Recording]:
    names = {path.stem: None for path in entries_of(root) if NAME.fullmatch(path.stem)}
    return [_recording(root, name) for name in names]


def _recording(root: Path, name: str) -> Recording:
    subject, setup = name.split("-")
    inner = root / name / name
    images = inner if inner.is_dir() else root / name
    beside, within = root / f"{name}.json", root / name / f"{name}.json"
    labels = within if within.exists() and not beside.exists() else beside
    return Recording(
        name=name,
        subject=subject,
        attributes={"setup": setup, "motion": MOTIONS.get(setup, "unknown")},
        files=(images, labels),
        read_frames=partial(_frames, images, labels),
        read_label=partial(_label, labels, images),
    )


def _frames(images: Path, labels: Path, say: Say) -> Iterator[Clip]:
    files = _png(images)
    times_s = _frame_times(files, images, labels, say)
    rises = rising(times_s)
    if not rises.all():
        say(f"{images}: {int((~rises).sum())} frames whose time does not rise left out")
    shown = [(files[at], float(times_s[at])) for at in np.flatnonzero(rises)]
    broken = count = 0
    for start in range(0, len(shown), CHUNK):
        read = [(cv2.imread(str(file)), time_s) for file, time_s in shown[start : start + CHUNK]]
        good = [(image[..., ::-1], time_s) for image, time_s in read if image is not None]
        broken += len(read) - len(good)
        count += len(good)
        if good:
            pixels = np.stack([image for image, _ in good]).transpose(0, 3, 1, 2)
            yield Clip(
                frames=torch.from_numpy(np.ascontiguousarray(pixels)),
                times_s=torch.tensor([time_s for _, time_s in good], dtype=torch.float64),
                source=str(images),
            )
    if broken:
        say(f"{images}: {broken} frames that cannot be decoded were left out")
    if count < 2:
        raise InputError(f"{images} holds {count} frames that can be decoded; download it again")


def _png(images: Path) -> list[Path]:
    files = [path for path in entries_of(images) if path.suffix.lower() == ".png"]
    if not files:
        state = "holds no PNG" if images.is_dir() else "is missing"
        raise InputError(f"the frames' folder {images} {state}; download it again")
    return files


def _frame_times(
    files: list[Path], images: Path, labels: Path, say: Say
) -> Float64[np.ndarray, " frame"]:
    """Return the time of each file in s from the first frame that the label lists."""
    try:
        listed = _stamps(_content(labels), "/Image")
    except InputError:
        listed = np.empty(0, np.int64)  # reading the label says so
    matches = [STAMPED.fullmatch(file.name) for file in files]
    if len(listed) > len(files):
        say(f"{images}: {len(listed) - len(files)} of {len(listed)} listed frames are not there")
    if all(matches):
        stamps = np.array([int(match[1]) for match in matches if match], dtype=np.int64)
    elif len(listed) == len(files):
        say(f"{images}: names hold no times; those of the label are used")
        stamps = listed
    else:
        raise InputError(
            f"{images}: names such as {files[0].name} hold no times, and {labels} lists "
            f"{len(listed)} for {len(files)} frames; download it again"
        )
    first = listed[0] if len(listed) else stamps[0]
    return np.asarray((stamps - first) * NS, dtype=np.float64)


def _label(labels: Path, images: Path) -> Label:
    content = _content(labels)
    ticks = _stamps(content, "/FullPackage")
    try:
        values = [row["Value"] for row in content["/FullPackage"]]
        wave = np.array([value["waveform"] for value in values], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{labels}: no {error} in /FullPackage; download it again") from None
    shown = [value.get("pulseRate") for value in values]
    device_bpm = None if None in shown else np.array(shown, dtype=np.float64)
    return make_label(labels, (ticks - _origin(content, images)) * NS, wave, device_bpm=device_bpm)


def _origin(content: dict[str, Any], images: Path) -> int:
    """Return the time of the first frame, in ns on the clock of the set."""
    listed = _stamps(content, "/Image")
    if len(listed):
        return int(listed[0])
    match = STAMPED.fullmatch(_png(images)[0].name)
    if match is None:
        raise InputError(f"{images}: neither names nor label say when a frame was seen")
    return int(match[1])


def _content(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json(require(path, "label"))
        rows = content["/FullPackage"]
        if not isinstance(rows, list) or not rows:
            raise ValueError("/FullPackage is empty")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no label of PURE ({error}); download it again") from None
    return content


def _stamps(content: dict[str, Any], key: str) -> Int64[np.ndarray, " row"]:
    try:
        stamps = [int(row["Timestamp"]) for row in content.get(key, [])]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"a row of {key} has no Timestamp ({error}); download it again") from None
    return np.array(stamps, dtype=np.int64)


PURE = DataSet(
    name="pure",
    title="PURE",
    source=(
        "R. Stricker, S. Müller, H.-M. Gross: Non-contact Video-based Pulse Rate Measurement on a "
        "Mobile Service Robot, RO-MAN 2014. From TU Ilmenau, on request"
    ),
    expects="01-01/ with PNG frames beside 01-01.json, ...",
    assumptions=(
        "P1: the number in a frame's name is its time in ns, on the clock of the label",
        "P2: set-ups 01 to 06 are steady, talking, slow and fast translation, small and medium "
        "rotation",
        "P3: pulseRate is what the oximeter displayed",
    ),
    read=_read,
)
