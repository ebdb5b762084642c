"""One clip of a folder: rendered, written as its format has it, and its row of the manifest."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pulsephase.errors import ParameterError
from pulsephase.synthetic.layouts import LAYOUTS, name_of, write_pure, write_scamps, write_ubfc
from pulsephase.synthetic.render import render, render_with_maps
from pulsephase.synthetic.request import Request
from pulsephase.synthetic.scene import join, scene_clips
from pulsephase.synthetic.truth import draws_of, perfusion_map, tracks_of
from pulsephase.synthetic.write import (
    ENDINGS,
    write_labels,
    write_npz,
    write_truth,
    write_video,
)
from pulsephase.video.clip import Clip


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
