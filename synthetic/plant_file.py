"""A pulse planted in a file: the video written again, its truth beside it as `synthesize` has it.

Two passes over the footage: the first follows the face and looks for a pulse that is there already,
the second plants. Nothing but a box and a colour a frame is kept in between.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32

from pulsephase.errors import InputError
from pulsephase.files import whole_file
from pulsephase.synthetic.footage import CACHE_MARGIN, LEAST_FACE_PX, Own
from pulsephase.synthetic.plant import Planting, PlantRanges, draw_planting, maps_of
from pulsephase.synthetic.planted_video import (
    CODECS,
    MAP_CELLS,
    Encoder,
    PixelPlanter,
    check_codec,
    facts_of,
)
from pulsephase.synthetic.streams import Stream
from pulsephase.synthetic.write import write_labels, write_truth
from pulsephase.video.clip import Box, Clip, Image, Truth
from pulsephase.video.faces import FaceTracker
from pulsephase.video.read import read_clips, require_duration
from pulsephase.video.skin import SkinMask, SkinPatch

USUAL_CRF = {"h264": 18, "vp9": 24, "mpeg4": 3}
STILLS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
STILL_HZ, STILL_NOISE = 30.0, (0.7, 2.0)
"""Of a photograph: frames a second, and the standard deviation of its camera noise in levels."""
SHORTEST_S = 6.0


def frames_of(path: Path, *, seed: int, still_s: float) -> Iterator[tuple[Image, float]]:
    """Yield the frames of a video with their times; a photograph stands still under fresh noise.

    Raises:
        InputError: If the file cannot be read.
    """
    if path.suffix.lower() not in STILLS:
        for clip in read_clips(path):
            for frame, time_s in zip(clip.frames, clip.times_s.tolist(), strict=True):
                yield np.ascontiguousarray(frame.permute(1, 2, 0).numpy()), time_s
        return
    read = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if read is None:
        raise InputError(f"{path} cannot be read as a picture")
    still = np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), dtype=np.float32)
    sigma = float(Stream(seed, "still").log_uniform(*STILL_NOISE))
    draw = np.random.default_rng((seed, 13))
    for index in range(round(still_s * STILL_HZ)):
        noise = draw.standard_normal(still.shape, dtype=np.float32)
        seen = (still + np.float32(sigma) * noise).round().clip(0, 255)
        yield seen.astype(np.uint8), index / STILL_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a first pass over footage finds.

    Attributes:
        times_s: Of all frames.
        boxes: Of the face; NaN where it is not seen.
        size: Width and height of a frame.
        own_bpm: Rate of the footage's own pulse, if one stands out.
    """

    times_s: Float[np.ndarray, " time"]
    boxes: Float[np.ndarray, "time 4"]
    size: tuple[int, int]
    own_bpm: float | None


def survey(path: Path, *, seed: int, still_s: float, own: Own) -> Survey:
    """Follow the face through footage, and look for a pulse that is there already.

    Raises:
        InputError: If there is no face, one of under 60 px, or under 6 s of footage.
    """
    tracker, mask = FaceTracker(), SkinMask()
    times, boxes, colours, seen_s = [], [], [], []
    size = (0, 0)
    for image, time_s in frames_of(path, seed=seed, still_s=still_s):
        size = (image.shape[1], image.shape[0])
        box = tracker.update(image, time_s)
        times.append(time_s)
        boxes.append((math.nan,) * 4 if box is None else box)
        if box is not None:
            patch = mask.update(image, box, time_s)
            weights = patch.mask[..., None]
            colours.append((patch.of(image) * weights).sum((0, 1)) / (weights.sum() + 1e-6) / 255)
            seen_s.append(time_s)
    seconds = times[-1] * len(times) / max(len(times) - 1, 1)
    require_duration(path, frames=len(times), seconds=seconds, shortest_s=SHORTEST_S)
    if not seen_s:
        raise InputError(f"{path}: no face was found; give footage of a face from the front")
    face_px = float(np.nanmedian(np.nanmax(np.array(boxes)[:, 2:], axis=1)))
    if face_px < LEAST_FACE_PX:
        raise InputError(
            f"{path}: the face has {face_px:.0f} px; at least {LEAST_FACE_PX} are needed"
        )
    found = own(np.stack(colours).astype(np.float64), np.array(seen_s)) if len(seen_s) > 1 else None
    return Survey(times_s=np.array(times), boxes=np.array(boxes), size=size, own_bpm=found)


def plant_video(
    path: str | Path,
    out: str | Path,
    *,
    ranges: PlantRanges,
    seed: int,
    own: Own,
    codec: str = "lossless",
    crf: int | None = None,
    still_s: float = 10.0,
) -> dict[str, Any]:
    """Plant a pulse in footage and write the video, and its truth beside it.

    The footage is read twice: once to follow the face, once to plant. Memory does not grow with
    its resolution times its length; the same seed gives the same bytes.

    Args:
        path: A video, or a photograph, which stands still under the noise of a camera.
        out: Folder; made if need be. Files are called after the footage.
        ranges: What may vary.
        seed: Of all that is drawn.
        own: Finds the pulse that the footage has already, which is kept away from.
        codec: ``lossless``, ``h264``, ``vp9`` or ``mpeg4``.
        crf: Its quality; none means the codec's usual one.
        still_s: How long a photograph is shown.

    Returns:
        What was planted, and the names of the files: video, labels (CSV), truth (npz).

    Raises:
        InputError: If the footage cannot be read, lasts under 6 s, or shows no face of 60 px.
        ParameterError: If there is no such codec or quality.
    """
    path, out = Path(path), Path(out)
    crf = USUAL_CRF.get(codec, 0) if crf is None else crf
    check_codec(codec, crf)
    seen = survey(path, seed=seed, still_s=still_s, own=own)
    planting = draw_planting(seed, ranges, seen.times_s, own_bpm=seen.own_bpm)
    planter = PixelPlanter(planting, seed=seed)
    out.mkdir(parents=True, exist_ok=True)
    rate = (len(seen.times_s) - 1) / float(seen.times_s[-1])
    names = [f"{path.stem}{end}" for end in (CODECS[codec][2], ".csv", "_truth.npz")]
    mask, total = SkinMask(), np.zeros((MAP_CELLS, MAP_CELLS))
    with whole_file(out / names[0]) as temporary:
        encoder = Encoder(temporary, codec=codec, crf=crf, sample_hz=rate)
        frames = frames_of(path, seed=seed, still_s=still_s)
        for (image, time_s), place in zip(frames, seen.boxes.tolist(), strict=True):
            box = (place[0], place[1], place[2], place[3])
            planted = image
            if not math.isnan(box[0]):
                patch = mask.update(image, box, time_s)
                planted = planter.plant(image, box, patch, time_s)
                total += in_cells(patch, box)
            encoder.push(_for_codec(planted, codec), time_s)
        encoder.close()
    known = facts_of(planting) | {
        "own_bpm": seen.own_bpm,
        "seed": seed,
        "codec": codec,
        "crf": crf,
        "source": path.name,
    }
    clip = _labelled(planting, seen, known)
    write_labels(out / names[1], clip)
    skin = total / np.isfinite(seen.boxes[:, 0]).sum()
    write_truth(out / names[2], clip, tracks=_tracks(planting, seen.times_s, skin))
    return known | {"files": names}


def in_cells(patch: SkinPatch, box: Box) -> Float32[np.ndarray, "cells cells"]:
    """Bring a mask into the square around its box, in which the maps are."""
    x, y, width, height = box
    side = CACHE_MARGIN * max(width, height)
    left, top = x + width / 2 - side / 2 - patch.left, y + height / 2 - side / 2 - patch.top
    cell = side / MAP_CELLS
    move = np.array([[cell, 0, left + cell / 2 - 0.5], [0, cell, top + cell / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    brought = cv2.warpAffine(patch.mask, move, (MAP_CELLS, MAP_CELLS), flags=flags)
    return np.asarray(brought, dtype=np.float32)


def _for_codec(image: Image, codec: str) -> Image:
    """Return the frame with even sides, where the codec halves its colours."""
    if codec == "lossless":
        return image
    rows, columns = image.shape[:2]
    return np.ascontiguousarray(image[: rows // 2 * 2, : columns // 2 * 2])


def _labelled(planting: Planting, seen: Survey, known: dict[str, Any]) -> Clip:
    """Return times, boxes and truth as a clip, its frames empty: they are in the video."""
    times_s = torch.from_numpy(seen.times_s)
    beats = planting.pulse.beat_times_s
    red, green, blue = known["direction"]
    own = known["own_bpm"]
    return Clip(
        frames=torch.zeros(len(times_s), 3, 1, 1, dtype=torch.uint8),
        times_s=times_s,
        pulse=(planting.pulse.z * planting.alive).float(),
        boxes=torch.from_numpy(seen.boxes).float(),
        source=str(known["source"]),
        truth=Truth(
            heart_rate_bpm=planting.pulse.heart_rate_bpm,
            beat_times_s=beats[(beats >= 0) & (beats <= times_s[-1])],
            parameters={
                "has_pulse": float(planting.alive),
                "amplitude": planting.amplitude,
                "direction_red": red,
                "direction_green": green,
                "direction_blue": blue,
                "perfusion": planting.perfusion,
                "delay_s": planting.delay_s,
                "breathing_hz": planting.pulse.breathing_hz,
                "own_bpm": math.nan if own is None else own,
                "seed": float(known["seed"]),
            },
        ),
    )


def _tracks(
    planting: Planting, times_s: Float[np.ndarray, " time"], skin: Float[np.ndarray, "cells cells"]
) -> dict[str, np.ndarray]:
    """Return further truth: derivatives, breathing, and maps in the square around the box."""
    places = ((np.arange(MAP_CELLS) + 0.5) / MAP_CELLS * 2 - 1) * CACHE_MARGIN
    maps = maps_of(planting, places, places)
    strength = maps.sum(0)
    pulse, alive = planting.pulse, float(planting.alive)
    return {
        "pulse_velocity_per_s": pulse.dz.numpy() * alive,
        "pulse_acceleration_per_s2": pulse.ddz.numpy() * alive,
        "respiration": pulse.respiration.numpy(),
        "skin_mask_mean": skin,
        "strength_map": strength * alive,
        "delay_map_s": np.tensordot(planting.lags_s, maps, 1) / strength,
        "map_side_in_boxes": np.array(CACHE_MARGIN),
    }
