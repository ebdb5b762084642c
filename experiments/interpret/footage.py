"""The user's videos as clips of face crops, cut to the length that an interpretation needs."""

from collections.abc import Iterator
from pathlib import Path

import torch

from pulsephase.errors import InputError
from pulsephase.video.clip import Clip
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import face_clips
from pulsephase.video.read import read_clips

VIDEOS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"}


def videos_of(path: Path) -> list[Path]:
    """Return a video, or all videos of a folder by name.

    Raises:
        InputError: If there is no such file, or no video in the folder.
    """
    if not path.is_dir():
        if not path.is_file():
            raise InputError(f"there is no file or folder {path}")
        return [path]
    found = sorted(each for each in path.iterdir() if each.suffix.lower() in VIDEOS)
    if not found:
        raise InputError(f"{path} holds no video ({', '.join(sorted(VIDEOS))})")
    return found


def clips_of(path: Path, *, size: int, sample_hz: float, frames: int) -> Iterator[Clip]:
    """Yield stretches of ``frames`` crops with a face in each, one after the other.

    Args:
        path: Any file that FFmpeg reads.
        size: Pixels along a side of a crop.
        sample_hz: Rate of the crops.
        frames: Crops a clip.

    Raises:
        InputError: If the file cannot be read.
    """
    held: list[Clip] = []
    for piece in face_clips(read_clips(path), faces=FaceTracker(), size=size, sample_hz=sample_hz):
        assert piece.boxes is not None
        for index, missing in enumerate(piece.boxes.isnan().any(1).tolist()):
            if missing:
                held = []
                continue
            held.append(_one(piece, index))
            if len(held) == frames:
                yield _joined(held, source=f"{path.name} at {float(held[0].times_s[0]):.1f} s")
                held = []


def _one(piece: Clip, index: int) -> Clip:
    at = slice(index, index + 1)
    return Clip(frames=piece.frames[at], times_s=piece.times_s[at])


def _joined(pieces: list[Clip], *, source: str) -> Clip:
    return Clip(
        frames=torch.cat([each.frames for each in pieces]),
        times_s=torch.cat([each.times_s for each in pieces]),
        source=source,
    )
