"""A folder of synthetic clips with a manifest: finished clips are kept, none is half-written.

The manifest holds the whole configuration and every seed, so that each clip can be made again, and
the SHA-256 of each file. The checksums protect the files; they promise nothing about another
machine or another version of torch.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulsephase.errors import InputError
from pulsephase.files import write_json
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.entry import checksum, remove, write_entry
from pulsephase.synthetic.request import Request
from pulsephase.synthetic.write import CRF

MANIFEST = "manifest.json"


def synthesize(
    out: str | Path,
    *,
    config: SynthConfig,
    clips: int,
    seed: int,
    format: str,
    scene: tuple[int, int] | None = None,
    shard: tuple[int, int] | None = None,
    device: str = "cpu",
    crf: int = CRF,
    maps: bool = False,
    advance: Callable[[float], None] = lambda amount: None,
) -> dict[str, Any]:
    """Render clips of consecutive seeds into a folder, or go on where an earlier call stopped.

    Args:
        out: The folder; made if need be.
        config: What may vary.
        clips: How many, of all shards together. More than an earlier call extend its folder.
        seed: Of the first clip.
        format: ``mp4``, ``ffv1``, ``npz``, ``ubfc``, ``pure`` or ``scamps``.
        scene: Width and height of whole scenes; none for crops of the config's size.
        shard: Make but the I-th of N parts, (I, N): clips I - 1, I - 1 + N, ... Each shard has a
            folder of its own; the files of all are those of a call without shards.
        device: Where pixels are worked out; another than ``cpu`` gives another noise.
        crf: Quality of ``mp4``: 0 (lossless) to 51 (worst).
        maps: Whether the truth is to hold skin mask and perfusion of each pixel and frame.
        advance: Called with 1 after each clip.

    Returns:
        The manifest: what was asked, and per clip its seed, mean heart rate, parameters, beat
        times, files and their SHA-256.

    Raises:
        ParameterError: If the format is unknown, the count not positive or below the number of the
            shard, the size or quality impossible or more than memory holds, or the device unusable.
        InputError: If the folder holds something else, or the clips of another request; or if it
            cannot be written.
        MissingExtraError: If the format is ``scamps`` and h5py is not installed.
    """
    request = Request(
        config=config,
        seed=seed,
        format=format,
        scene=scene,
        shard=shard,
        device=device,
        crf=crf,
        maps=maps,
    )
    return fulfil(out, request, clips=clips, advance=advance)


def fulfil(
    out: str | Path,
    request: Request,
    *,
    clips: int,
    advance: Callable[[float], None] = lambda amount: None,
) -> dict[str, Any]:
    """Do what a request asks; see :func:`synthesize`."""
    seeds = request.seeds(clips)
    out = Path(out)
    manifest = _begin(out, request.as_json())
    done = {row["seed"]: row for row in manifest["clips"]}
    try:
        write_json(out / MANIFEST, manifest)  # from here on, what bears a clip's name is ours
        for index in seeds:
            if index not in done or not _whole(out, done[index]):
                done[index] = write_entry(out, index, request)
                manifest["clips"] = [done[key] for key in sorted(done)]
                write_json(out / MANIFEST, manifest)
            advance(1)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror or error}; finished clips are kept, make "
            "room and call again"
        ) from None
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
        if any(not entry.name.startswith(".manifest-") for entry in out.iterdir()):
            raise InputError(f"{out} is not empty and holds no {MANIFEST}; name an empty folder")
        manifest = {"request": request, "clips": []}
    for pattern in (".clip_*", ".manifest-*"):
        for leftover in out.glob(pattern):
            remove(leftover)
    return manifest


def _read(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        before = found["request"]
        other = [key for key in request if before.get(key) != request[key]]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path} is no manifest of synthetic clips; name another folder") from None
    if other and _is_bare(path.parent, found):
        return {"request": request, "clips": []}
    if other:
        raise InputError(
            f"{path.parent} holds clips of another request ({', '.join(other)} differ); "
            "name another folder or remove it"
        )
    return found


def _is_bare(out: Path, manifest: dict[str, Any]) -> bool:
    """Tell whether a call ended before its first clip, so that nothing can mix."""
    return not manifest["clips"] and all(
        entry.name == MANIFEST or entry.name.startswith((".clip_", ".manifest-"))
        for entry in out.iterdir()
    )


def _whole(out: Path, row: dict[str, Any]) -> bool:
    return all(
        (out / name).exists() and checksum(out / name) == digest
        for name, digest in row["sha256"].items()
    )
