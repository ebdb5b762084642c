"""Planted pulses that went through a real codec, as entries of a cache of footage.

The pulse is planted in the pixels around the face, which are encoded and decoded; what comes out is
followed and cached as any footage. The codec eats a part of the pulse, as it does in life: the
label is still the wave that was planted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Int

from pulsephase.errors import InputError
from pulsephase.synthetic.footage import LEAST_S, FootageEntry, Own, cache_clip, faces_in
from pulsephase.synthetic.plant import Planting, PlantRanges, draw_planting
from pulsephase.synthetic.planted_video import CODECS, Encoder, PixelPlanter, facts_of
from pulsephase.synthetic.pulse import wave_at
from pulsephase.synthetic.streams import Stream
from pulsephase.video.clip import Box, Image
from pulsephase.video.skin import SkinMask, SkinPatch

CRF = {"lossless": (0, 0), "h264": (18, 32), "vp9": (24, 44), "mpeg4": (3, 12)}
"""From little to much loss: constant rate factors, and for MPEG-4 the quantiser."""
SPEEDS = (0.8, 1.25)
LASTS_S = 10.6
"""Footage that is shorter is shown to and fro, until it lasts so long at the highest speed."""
VARIANT_CODECS = ("h264", "h264", "vp9", "mpeg4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way in which footage goes through a codec.

    Attributes:
        codec: Its name.
        crf: Its quality.
        side_px: Side of the picture around the face, at most.
        speed: Of time, before planting.
        planting: What was planted before.
    """

    codec: str
    crf: int
    side_px: int
    speed: float
    planting: Planting


def draw_variant(
    seed: int, ranges: PlantRanges, times_s: Float[np.ndarray, " time"], *, own_bpm: float | None
) -> Variant:
    """Draw a codec, its quality, the size of the picture, and a pulse."""
    draw = Stream(seed, "codec")
    codec = VARIANT_CODECS[draw.below(len(VARIANT_CODECS))]
    low, high = CRF[codec]
    speed = float(draw.log_uniform(*SPEEDS))
    times_s = times_s / speed
    if own_bpm is not None:
        own_bpm *= speed
    return Variant(
        codec=codec,
        crf=low + draw.below(high - low + 1),
        side_px=2 * round(float(draw.log_uniform(200.0, 420.0)) / 2),
        speed=speed,
        planting=draw_planting(seed, ranges, times_s, own_bpm=own_bpm),
    )


def codec_variants(
    path: str | Path,
    entry: FootageEntry,
    out: str | Path,
    *,
    seeds: Sequence[int],
    ranges: PlantRanges,
    own: Own,
    advance: Callable[[float], None] = lambda amount: None,
) -> list[FootageEntry]:
    """Plant in footage, send it through codecs, and cache what comes out with its pulse.

    The part of the picture around the face is planted in, made smaller where it is large, encoded,
    decoded, and its face followed and cached as that of any footage. All variants are made in one
    pass; memory does not grow with length.

    Args:
        path: The footage.
        entry: What was cached of it: where and when there is a face.
        out: Folder of the new cache.
        seeds: One a variant.
        ranges: What is planted.
        own: Finds what pulse the footage shows.
        advance: Called with 1 after each variant.

    Returns:
        The entries; a variant in which no face was found is left out.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    boxes = entry.read("boxes")
    order, times_s = to_and_fro(entry.read("times_s"), lasts_s=SPEEDS[1] * LASTS_S)
    variants = {seed: draw_variant(seed, ranges, times_s, own_bpm=entry.own_bpm) for seed in seeds}
    names = {seed: f"{entry.name}-{seed}" for seed in seeds}
    files = {
        seed: out / f".{names[seed]}{CODECS[each.codec][2]}" for seed, each in variants.items()
    }
    try:
        _encode_all(path, variants, files, order=order, times_s=times_s, boxes=boxes)
        made = []
        for seed, each in variants.items():
            planting = each.planting

            def wave(at_s: Float[np.ndarray, " time"], p: Planting = planting) -> np.ndarray:
                return (wave_at(p.pulse, torch.from_numpy(at_s))[0] * p.alive).float().numpy()

            try:
                found = cache_clip(
                    files[seed],
                    out,
                    person=entry.person,
                    own=own,
                    name=names[seed],
                    with_skin=False,
                    least_s=LEAST_S,
                    planted=facts_of(planting) | {"codec": each.codec, "crf": each.crf},
                    pulse_at=wave,
                )
            except InputError:
                continue
            finally:
                advance(1)
            rate = planting.pulse.heart_rate_bpm.numpy()
            at_s = found.read("times_s") + found.start_s
            np.save(found.folder / "rate_bpm.npy", np.interp(at_s, times_s / each.speed, rate))
            made.append(found)
        return made
    finally:
        for file in files.values():
            file.unlink(missing_ok=True)


def to_and_fro(
    times_s: Float[np.ndarray, " time"], *, lasts_s: float
) -> tuple[Int[np.ndarray, " shown"], Float[np.ndarray, " shown"]]:
    """Return the order in which frames are shown, and when, until they last long enough."""
    order = there = np.arange(len(times_s))
    while np.abs(np.diff(times_s[order])).sum() < lasts_s:
        there = there[::-1]
        order = np.concatenate([order, there[1:]])
    shown_s = np.concatenate([[0.0], np.abs(np.diff(times_s[order])).cumsum()])
    stop = int(np.searchsorted(shown_s, max(lasts_s, times_s[-1]) - 1e-9)) + 1  # sums round
    return order[:stop], shown_s[:stop]


class _Look(NamedTuple):
    """What is seen around the face in a frame, and where the face is in it."""

    picture: Image
    mask: Float32[np.ndarray, "rows columns"]
    box: Box

    def shrunk(self, side_px: int) -> tuple[Float32[np.ndarray, "height width 3"], SkinPatch, Box]:
        """Return the picture with even sides, the longer one at most ``side_px``, unrounded."""
        rows, columns = self.mask.shape
        scale = min(1.0, side_px / max(rows, columns))
        size = max(2, 2 * round(columns * scale / 2)), max(2, 2 * round(rows * scale / 2))
        small, mask = (
            cv2.resize(each, size, interpolation=cv2.INTER_AREA)
            for each in (self.picture.astype(np.float32), self.mask)
        )
        across, down = size[0] / columns, size[1] / rows
        x, y, width, height = self.box
        box = (x * across, y * down, width * across, height * down)
        return small, SkinPatch(0, 0, mask), box


def _encode_all(
    path: str | Path,
    variants: dict[int, Variant],
    files: dict[int, Path],
    *,
    order: Int[np.ndarray, " shown"],
    times_s: Float[np.ndarray, " shown"],
    boxes: Float[np.ndarray, "time 4"],
) -> None:
    """Write all variants in one pass over the footage."""
    rate = (len(times_s) - 1) / float(times_s[-1])
    encoders = {
        seed: Encoder(files[seed], codec=v.codec, crf=v.crf, sample_hz=rate * v.speed)
        for seed, v in variants.items()
    }
    planters = {seed: PixelPlanter(v.planting, seed=seed) for seed, v in variants.items()}
    held: list[_Look] = []  # of footage that is shown to and fro, which is short
    again = len(order) > len(boxes)

    def show(look: _Look, time_s: float) -> None:
        for seed, planter in planters.items():
            small, patch, box = look.shrunk(variants[seed].side_px)
            at_s = time_s / variants[seed].speed
            encoders[seed].push(planter.plant(small, box, patch, at_s), at_s)

    try:
        for index, look in enumerate(_looks(path, boxes=boxes)):
            if again:
                held.append(look)
            show(look, float(times_s[index]))
        for index in range(len(boxes), len(order)):
            show(held[order[index]], float(times_s[index]))
    finally:
        for encoder in encoders.values():
            encoder.close()


def _looks(path: str | Path, *, boxes: Float[np.ndarray, "time 4"]) -> Iterator[_Look]:
    """Yield what is seen around the face in the frames of the cached stretch."""
    mask, index = SkinMask(), 0
    for image, time_s, box in faces_in(path):
        if index == len(boxes):
            return
        if box is None or not np.allclose(box, boxes[index]):
            if index:
                raise InputError(f"{path} is not the footage that was cached; cache it again")
            continue  # before the stretch
        patch = mask.update(image, box, time_s)
        left, top, right, bottom = _union(boxes, image)
        skin = np.zeros(image.shape[:2], np.float32)
        patch.of(skin)[:] = patch.mask
        yield _Look(
            image[top:bottom, left:right].copy(),
            skin[top:bottom, left:right].copy(),
            (box[0] - left, box[1] - top, box[2], box[3]),
        )
        index += 1


def _union(boxes: Float[np.ndarray, "time 4"], image: Image) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what is seen around the face over all frames."""
    half = boxes[:, 2:].max(1, keepdims=True) * 1.1
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    left, top = np.floor((centres - half).min(0)).clip(0).astype(int).tolist()
    right, bottom = np.ceil((centres + half).max(0)).astype(int).tolist()
    return left, top, min(right, image.shape[1]), min(bottom, image.shape[0])
