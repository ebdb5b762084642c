"""A folder of synthetic clips with a manifest: finished clips are kept, none is half-written.

The manifest holds the whole configuration and every seed, so that each clip can be made again, and
the SHA-256 of each file. The checksums protect the files; they promise nothing about another
machine or another version of torch.

A request is checked before the work; each clip is rendered, written in the format that was asked,
and has a row in the manifest.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pulsephase import __version__
from pulsephase.errors import InputError, ParameterError
from pulsephase.files import read_json, write_json
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.draw import usable
from pulsephase.synthetic.layouts import (
    LAYOUTS,
    check_layout,
    name_of,
    write_pure,
    write_scamps,
    write_ubfc,
)
from pulsephase.synthetic.render import render, render_with_maps
from pulsephase.synthetic.scene import check_scene, join, scene_clips
from pulsephase.synthetic.truth import draws_of, perfusion_map, tracks_of
from pulsephase.synthetic.write import (
    CRF,
    ENDINGS,
    WORST_CRF,
    write_labels,
    write_npz,
    write_truth,
    write_video,
)
from pulsephase.video.clip import Clip

FORMATS = (*ENDINGS, *LAYOUTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the clips of a folder have in common.

    Attributes:
        config: What may vary.
        seed: Of the first clip.
        format: ``mp4`` (H.264), ``ffv1`` (lossless, Matroska), ``npz``, or the layout of a public
            set: ``ubfc``, ``pure`` or ``scamps``.
        scene: Width and height of whole scenes; none for crops of the config's size.
        shard: Number, from 1 on, and count of the parts a set of clips is made in.
        device: Where pixels are worked out.
        crf: Quality of ``mp4``.
        maps: Whether skin mask and perfusion of each frame are kept.
    """

    config: SynthConfig
    seed: int
    format: str
    scene: tuple[int, int] | None = None
    shard: tuple[int, int] | None = None
    device: str = "cpu"
    crf: int = CRF
    maps: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ParameterError(f"format is {self.format!r}; there are {', '.join(FORMATS)}")
        check_layout(self.format)
        number, count = self.shard or (1, 1)
        if not 1 <= number <= count:
            raise ParameterError(f"shard is {number}/{count}; shards count from 1 to their number")
        if self.seed < 0:
            raise ParameterError(f"seed is {self.seed}; it must be at least 0")
        width, height = self.scene or (self.config.size, self.config.size)
        if self.scene is not None:
            check_scene(width, height)
        if self.format == "mp4" and (width % 2 or height % 2):
            raise ParameterError(f"frames are {width}x{height}; mp4 needs even sizes")

        if not 0 <= self.crf <= WORST_CRF:
            raise ParameterError(f"crf is {self.crf}; H.264 knows 0 (lossless) to {WORST_CRF}")
        if self.crf != CRF and self.format != "mp4":
            raise ParameterError(f"crf is {self.crf}, but {self.format} is not H.264; take mp4")
        usable(self.device)

    def seeds(self, clips: int) -> range:
        """Return the seeds of this shard's clips, of ``clips`` of all shards together.

        Raises:
            ParameterError: If there are none.
        """
        number, count = self.shard or (1, 1)
        if clips < 1:
            raise ParameterError(f"clips is {clips}; give at least 1")
        if number > clips:
            raise ParameterError(
                f"shard {number}/{count} of {clips} clips holds none; give at least {number} "
                "clips, or fewer shards"
            )
        return range(self.seed + number - 1, self.seed + clips, count)

    def as_json(self) -> dict[str, Any]:
        """Return it as the manifest holds it."""
        found: dict[str, Any] = json.loads(json.dumps({"version": __version__, **asdict(self)}))
        return found


def write_entry(out: Path, seed: int, request: Request) -> dict[str, Any]:
    """Render and write one clip, and return its row of the manifest.

    Raises:
        ParameterError: If the clip is more than memory holds.
    """
    try:
        return _written(out, seed, request)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate" not in str(error).lower():
            raise
        width, height = request.scene or (request.config.size, request.config.size)
        raise ParameterError(
            f"{request.config.frames} frames of {width}x{height} px do not fit into memory; ask "
            "for less time or a smaller size (scenes as video are written piece by piece)"
        ) from None


def _written(out: Path, seed: int, request: Request) -> dict[str, Any]:
    seen: list[Clip] = []
    pieces = _noting(_pieces(seed, request), seen)
    name = f"clip_{seed:09d}"
    if request.format == "npz":
        clip, files = join(list(_pieces(seed, request))), [out / f"{name}.npz"]
        write_npz(files[0], clip, tracks=_truth_of(clip, seed, request))
    else:
        if request.format in LAYOUTS:
            files = [_as_layout(out, pieces, seed, request)]
        else:
            files = [out / f"{name}{ENDINGS[request.format]}", out / f"{name}.csv"]
            write_video(files[0], pieces, format=request.format, crf=request.crf)
            write_labels(files[1], join(seen))
        clip, truth = join(seen), out / f"{name}_truth.npz"
        write_truth(truth, clip, tracks=_truth_of(clip, seed, request))
        files.append(truth)
    assert clip.truth is not None
    return {
        "seed": seed,
        "heart_rate_bpm": float(clip.truth.heart_rate_bpm.mean()),
        "beat_times_s": clip.truth.beat_times_s.tolist(),
        "parameters": dict(clip.truth.parameters),
        "sha256": {file.name: checksum(file) for file in files},
    }


def _truth_of(clip: Clip, seed: int, request: Request) -> dict[str, Any]:
    """Return what is known of a clip beside its labels; maps, where asked for, as half floats."""
    tracks = tracks_of(draws_of(seed, request.config, scene=request.scene))
    if not request.maps:
        return tracks
    assert clip.truth is not None and clip.truth.skin_mask is not None
    perfusion = perfusion_map(seed, request.config, scene=request.scene)
    maps = {"skin_mask": clip.truth.skin_mask, "perfusion": perfusion}
    return {**tracks, **{name: values.half().numpy() for name, values in maps.items()}}


def _as_layout(out: Path, pieces: Iterator[Clip], seed: int, request: Request) -> Path:
    """Write a clip as a public set has it, in a folder aside that is then renamed."""
    layout, config = request.format, request.config
    drawn = draws_of(seed, config, scene=request.scene)
    final = out / name_of(layout, seed)
    aside = out / f".clip_{seed:09d}"
    aside.mkdir()
    try:
        made = aside / final.name
        if layout == "scamps":
            respiration = drawn.pulse.respiration.numpy()
            write_scamps(made, pieces, frames=config.frames, respiration=respiration)
        else:
            made.mkdir()
        if layout == "ubfc":
            write_ubfc(made, pieces, sample_hz=config.sample_hz)
        elif layout == "pure":
            write_pure(made, pieces, name=final.name, pulse=drawn.pulse, alive=drawn.alive)
        remove(final)
        made.rename(final)
    finally:
        remove(aside)
    return final


def remove(path: Path) -> None:
    """Remove a file or a folder, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _pieces(seed: int, request: Request) -> Iterator[Clip]:
    """Render a clip where the request wants it, and bring it here."""
    config, device = request.config, request.device
    if request.scene is None:
        make = render_with_maps if request.maps else render
        yield _here(make(seed, config, device=device))
    else:
        width, height = request.scene
        for clip in scene_clips(
            seed, config, width=width, height=height, device=device, masks=request.maps
        ):
            yield _here(clip)


def _here(clip: Clip) -> Clip:
    assert clip.truth is not None
    mask = clip.truth.skin_mask
    truth = replace(clip.truth, skin_mask=None if mask is None else mask.cpu())
    return replace(clip, frames=clip.frames.cpu(), truth=truth)


def _noting(pieces: Iterator[Clip], seen: list[Clip]) -> Iterator[Clip]:
    """Pass pieces on and note all but their pixels, so that memory does not grow with length."""
    for piece in pieces:
        seen.append(replace(piece, frames=torch.empty(len(piece), 3, 0, 0, dtype=torch.uint8)))
        yield piece


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder, that of the names and sums of what it holds."""
    if path.is_dir():
        inside = sorted(path.iterdir(), key=lambda entry: entry.name)
        listing = "".join(f"{checksum(entry)}  {entry.name}\n" for entry in inside)
        return hashlib.sha256(listing.encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        found: dict[str, Any] = read_json(path)
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
