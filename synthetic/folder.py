"""A folder of synthetic clips with a manifest: finished clips are kept, none is half-written.

The manifest holds the whole configuration and every seed, so that each clip can be made again, and
the SHA-256 of each file. The checksums protect the files; they promise nothing about another
machine or another version of torch.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pulsephase import __version__
from pulsephase.errors import InputError, ParameterError
from pulsephase.files import write_json
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.render import render
from pulsephase.synthetic.scene import SMALLEST_SIDE, join, scene_clips
from pulsephase.synthetic.write import ENDINGS, write_labels, write_npz, write_video
from pulsephase.video.clip import Clip

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the clips of a folder have in common.

    Attributes:
        config: What may vary.
        seed: Of the first clip.
        format: ``mp4`` (H.264), ``ffv1`` (lossless, Matroska) or ``npz``.
        scene: Width and height of whole scenes; none for crops of the config's size.
    """

    config: SynthConfig
    seed: int
    format: str
    scene: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.format not in ENDINGS:
            raise ParameterError(f"format is {self.format!r}; there are {', '.join(ENDINGS)}")
        if self.seed < 0:
            raise ParameterError(f"seed is {self.seed}; it must be at least 0")
        width, height = self.scene or (self.config.size, self.config.size)
        if self.scene is not None and min(self.scene) < SMALLEST_SIDE:
            raise ParameterError(
                f"scene is {width}x{height}; each side needs at least {SMALLEST_SIDE} px"
            )
        if self.format == "mp4" and (width % 2 or height % 2):
            raise ParameterError(f"frames are {width}x{height}; mp4 needs even sizes")

    def as_json(self) -> dict[str, Any]:
        """Return it as the manifest holds it."""
        found: dict[str, Any] = json.loads(json.dumps({"version": __version__, **asdict(self)}))
        return found


def synthesize(
    out: str | Path,
    *,
    config: SynthConfig,
    clips: int,
    seed: int,
    format: str,
    scene: tuple[int, int] | None = None,
    advance: Callable[[float], None] = lambda amount: None,
) -> dict[str, Any]:
    """Render clips of consecutive seeds into a folder, or go on where an earlier call stopped.

    Args:
        out: The folder; made if need be.
        config: What may vary.
        clips: How many. More than an earlier call extend its folder.
        seed: Of the first clip.
        format: ``mp4``, ``ffv1`` or ``npz``.
        scene: Width and height of whole scenes; none for crops of the config's size.
        advance: Called with 1 after each clip.

    Returns:
        The manifest: what was asked, and per clip its seed, mean heart rate, parameters, beat
        times, files and their SHA-256.

    Raises:
        ParameterError: If the format is unknown, the count not positive, or the size impossible.
        InputError: If the folder holds something else, or the clips of another request.
    """
    if clips < 1:
        raise ParameterError(f"clips is {clips}; give at least 1")
    request = Request(config=config, seed=seed, format=format, scene=scene)
    out = Path(out)
    manifest = _begin(out, request.as_json())
    done = {row["seed"]: row for row in manifest["clips"]}
    for index in range(seed, seed + clips):
        if index not in done or not _whole(out, done[index]):
            done[index] = _one(out, index, request)
            manifest["clips"] = [done[key] for key in sorted(done)]
            write_json(out / MANIFEST, manifest)
        advance(1)
    return manifest


def _begin(out: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest as it stands, and remove what a killed call left half-written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be made: {error.strerror}; name another folder") from None
    path = out / MANIFEST
    if path.exists():
        manifest = _read(path, request)
    else:
        if any(not _ours(entry.name) for entry in out.iterdir()):
            raise InputError(f"{out} is not empty and holds no {MANIFEST}; name an empty folder")
        manifest = {"request": request, "clips": []}
    for pattern in (".clip_*", ".manifest-*"):
        for leftover in out.glob(pattern):
            leftover.unlink()
    return manifest


def _ours(name: str) -> bool:
    """Tell whether a call killed before its first manifest may have left a file of that name."""
    return name.startswith(("clip_", ".clip_", ".manifest-"))


def _read(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        before = found["request"]
        other = [key for key in request if before.get(key) != request[key]]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path} is no manifest of synthetic clips; name another folder") from None
    if other:
        raise InputError(
            f"{path.parent} holds clips of another request ({', '.join(other)} differ); "
            "name another folder or remove it"
        )
    return found


def _one(out: Path, seed: int, request: Request) -> dict[str, Any]:
    """Render and write one clip, and return its row of the manifest."""
    video = out / f"clip_{seed:09d}{ENDINGS[request.format]}"
    files = [video]
    if request.format == "npz":
        clip = join(list(_pieces(seed, request)))
        write_npz(video, clip)
    else:
        seen: list[Clip] = []
        write_video(video, _noting(_pieces(seed, request), seen), format=request.format)
        clip = join(seen)
        files.append(video.with_suffix(".csv"))
        write_labels(files[1], clip)
    assert clip.truth is not None
    return {
        "seed": seed,
        "heart_rate_bpm": float(clip.truth.heart_rate_bpm.mean()),
        "beat_times_s": clip.truth.beat_times_s.tolist(),
        "parameters": dict(clip.truth.parameters),
        "sha256": {file.name: checksum(file) for file in files},
    }


def _pieces(seed: int, request: Request) -> Iterator[Clip]:
    if request.scene is None:
        yield render(seed, request.config)
    else:
        width, height = request.scene
        yield from scene_clips(seed, request.config, width=width, height=height)


def _noting(pieces: Iterator[Clip], seen: list[Clip]) -> Iterator[Clip]:
    """Pass pieces on and note all but their pixels, so that memory does not grow with length."""
    for piece in pieces:
        seen.append(replace(piece, frames=torch.empty(len(piece), 3, 0, 0, dtype=torch.uint8)))
        yield piece


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _whole(out: Path, row: dict[str, Any]) -> bool:
    return all(
        (out / name).is_file() and checksum(out / name) == digest
        for name, digest in row["sha256"].items()
    )
