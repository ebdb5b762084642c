"""A pulse planted in the pixels of a video, and the video written again, frame by frame.

One pass: decode, follow the face, find its skin, plant, encode. Memory does not grow with length.
Where the result is stored in 8 bits, it is dithered: a change of a twentieth of a level is there in
the mean of many pixels, as it is in life.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import av
import cv2
import numpy as np
import torch
from av.video.stream import VideoStream
from jaxtyping import Float, Float32

from pulsephase.errors import InputError, ParameterError
from pulsephase.synthetic.footage import (
    CACHE_MARGIN,
    LEAST_S,
    FootageEntry,
    Own,
    cache_clip,
    faces_in,
)
from pulsephase.synthetic.plant import (
    LEVELS,
    PlantRanges,
    Planting,
    draw_planting,
    maps_of,
    waves_at,
)
from pulsephase.synthetic.pulse import wave_at
from pulsephase.synthetic.streams import Stream
from pulsephase.video.clip import Box, Image
from pulsephase.video.skin import SkinMask, SkinPatch

TIME_BASE = Fraction(1, 60_000)
"""MPEG-4 knows no finer one than 1/65535 s."""
MAP_CELLS = 64
"""Cells along the square in which the maps of strength and delay are worked out."""
CODECS = {
    "lossless": ("ffv1", "bgr0", ".mkv"),
    "h264": ("libx264", "yuv420p", ".mp4"),
    "vp9": ("libvpx-vp9", "yuv420p", ".webm"),
    "mpeg4": ("mpeg4", "yuv420p", ".mp4"),
}
CRF = {"lossless": (0, 0), "h264": (18, 32), "vp9": (24, 44), "mpeg4": (3, 12)}
"""From little to much loss: constant rate factors, and for MPEG-4 the quantiser."""
MOST_CRF = {"lossless": 0, "h264": 51, "vp9": 63, "mpeg4": 31}
VARIANT_CODECS = ("h264", "h264", "vp9", "mpeg4")


class Encoder:
    """A video file that is written frame by frame, at the frames' own times.

    Args:
        path: The file.
        codec: ``lossless``, ``h264``, ``vp9`` or ``mpeg4``.
        crf: Quality: 0 the best.
        sample_hz: Frame rate to announce.

    Raises:
        ParameterError: If there is no such codec or quality.
    """

    def __init__(self, path: Path, *, codec: str, crf: int, sample_hz: float) -> None:
        if codec not in CODECS:
            raise ParameterError(f"no codec {codec!r}; there are {', '.join(CODECS)}")
        if not 0 <= crf <= MOST_CRF[codec]:
            raise ParameterError(f"crf is {crf}; {codec} takes 0 to {MOST_CRF[codec]}")
        self._codec, self._crf = codec, crf
        self._rate = Fraction(sample_hz).limit_denominator(1001)
        self._container = av.open(str(path), "w", options={"fflags": "+bitexact"})
        self._stream: VideoStream | None = None

    def push(self, image: Image, time_s: float) -> None:
        """Append a frame."""
        if self._stream is None:
            self._stream = self._begun(image.shape[1], image.shape[0])
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = round(time_s / TIME_BASE), TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def _begun(self, width: int, height: int) -> VideoStream:
        name, pixels, _ = CODECS[self._codec]
        options = {
            "lossless": {},
            "h264": {"crf": str(self._crf), "preset": "veryfast"},
            "vp9": {
                "crf": str(self._crf),
                "b": "0",
                "deadline": "realtime",
                "cpu-used": "7",
                "row-mt": "0",
            },
            "mpeg4": {"qmin": str(max(1, self._crf)), "qmax": str(max(1, self._crf))},
        }[self._codec]
        added = self._container.add_stream(
            name, rate=self._rate, options={**options, "threads": "1", "flags": "+bitexact"}
        )
        stream = cast(VideoStream, added)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.time_base = TIME_BASE
        return stream

    def __enter__(self) -> "Encoder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None and error is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()


class PixelPlanter:
    """Plants in frames, one after the other.

    Args:
        planting: What was drawn.
        seed: Of the dither.
    """

    def __init__(self, planting: Planting, *, seed: int) -> None:
        self.planting = planting
        places = (np.arange(MAP_CELLS) + 0.5) / MAP_CELLS * 2 - 1
        self._maps = maps_of(planting, places * CACHE_MARGIN, places * CACHE_MARGIN)
        self._dither = np.random.default_rng((seed, 11))

    def change(
        self, box: Box, patch: SkinPatch, time_s: float
    ) -> Float32[np.ndarray, "rows columns"]:
        """Return A w s z(t - tau) of each pixel of a patch: what green loses of itself."""
        lost = waves_at(self.planting, np.array([time_s]))[0] @ self._maps.reshape(LEVELS, -1)
        lost = (self.planting.amplitude * lost).reshape(MAP_CELLS, MAP_CELLS)
        x, y, width, height = box
        cell = CACHE_MARGIN * max(width, height) / MAP_CELLS
        rows, columns = patch.mask.shape
        middle = MAP_CELLS / 2
        # where the centre of a pixel of the patch lies in the cells, as centres count from 0
        across = (patch.left + 0.5 - x - width / 2) / cell + middle - 0.5
        down = (patch.top + 0.5 - y - height / 2) / cell + middle - 0.5
        move = np.array([[1 / cell, 0, across], [0, 1 / cell, down]])
        spread = cv2.warpAffine(
            lost.astype(np.float32),
            move,
            (columns, rows),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(spread * patch.mask, dtype=np.float32)

    def plant(self, image: Image, box: Box, patch: SkinPatch, time_s: float) -> Image:
        """Return the frame with the pulse in it, dithered to 8 bits."""
        if not self.planting.alive:
            return image
        lost = self.change(box, patch, time_s)[..., None]
        there = patch.of(image).astype(np.float32)
        there *= 1 - self.planting.direction * lost
        there += self._dither.random(there.shape, dtype=np.float32)
        found = image.copy()
        patch.of(found)[:] = np.floor(there).clip(0, 255).astype(np.uint8)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way in which footage goes through a codec.

    Attributes:
        codec: Its name.
        crf: Its quality.
        side_px: Side of the picture around the face, at most.
        planting: What was planted before.
    """

    codec: str
    crf: int
    side_px: int
    planting: Planting


def draw_variant(
    seed: int, ranges: PlantRanges, times_s: Float[np.ndarray, " time"], *, own_bpm: float | None
) -> Variant:
    """Draw a codec, its quality, the size of the picture, and a pulse."""
    draw = Stream(seed, "codec")
    codec = VARIANT_CODECS[min(int(draw.uniform(0, 4)), 3)]
    low, high = CRF[codec]
    return Variant(
        codec=codec,
        crf=min(high, low + int(draw.uniform(0, high - low + 1))),
        side_px=2 * round(float(draw.log_uniform(200, 420)) / 2),
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
    times_s, boxes = entry.read("times_s"), entry.read("boxes")
    variants = {seed: draw_variant(seed, ranges, times_s, own_bpm=entry.own_bpm) for seed in seeds}
    names = {seed: f"{entry.name}-{seed}" for seed in seeds}
    files = {
        seed: out / f".{names[seed]}{CODECS[each.codec][2]}" for seed, each in variants.items()
    }
    try:
        _encode_all(path, variants, files, times_s=times_s, boxes=boxes)
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
                    least_s=min(LEAST_S, 0.9 * entry.seconds),
                    planted=facts_of(planting) | {"codec": each.codec, "crf": each.crf},
                    pulse_at=wave,
                )
            except InputError:
                continue
            finally:
                advance(1)
            # the clip begins with the first frame in which its face was found
            np.save(
                found.folder / "rate_bpm.npy",
                np.interp(found.read("times_s"), times_s, planting.pulse.heart_rate_bpm.numpy()),
            )
            made.append(found)
        return made
    finally:
        for file in files.values():
            file.unlink(missing_ok=True)


def _encode_all(
    path: str | Path,
    variants: dict[int, Variant],
    files: dict[int, Path],
    *,
    times_s: Float[np.ndarray, " time"],
    boxes: Float[np.ndarray, "time 4"],
) -> None:
    """Write all variants in one pass over the footage."""
    rate = (len(times_s) - 1) / float(times_s[-1])
    encoders = {
        seed: Encoder(files[seed], codec=each.codec, crf=each.crf, sample_hz=rate)
        for seed, each in variants.items()
    }
    planters = {seed: PixelPlanter(v.planting, seed=seed) for seed, v in variants.items()}
    try:
        for image, box, patch, at_s in _stretch(path, times_s=times_s, boxes=boxes):
            left, top, right, bottom = _union(boxes, image)
            for seed, planter in planters.items():
                planted = planter.plant(image, box, patch, at_s)[top:bottom, left:right]
                encoders[seed].push(_even(planted, variants[seed].side_px), at_s)
    finally:
        for encoder in encoders.values():
            encoder.__exit__(None, None, None)


def _stretch(
    path: str | Path, *, times_s: Float[np.ndarray, " time"], boxes: Float[np.ndarray, "time 4"]
) -> Iterator[tuple[Image, Box, SkinPatch, float]]:
    """Yield the frames of the cached stretch, with their boxes, skin and times from its start."""
    mask, start_s, index = SkinMask(), math.nan, 0
    for image, time_s, box in faces_in(path):
        if index == len(boxes):
            return
        if box is None or not np.allclose(box, boxes[index]):
            index, mask = 0, SkinMask()  # another stretch
            if box is None or not np.allclose(box, boxes[0]):
                continue
        if index == 0:
            start_s = time_s
        yield image, box, mask.update(image, box, time_s), time_s - start_s
        index += 1


def _union(boxes: Float[np.ndarray, "time 4"], image: Image) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what is seen around the face over all frames."""
    half = boxes[:, 2:].max(1, keepdims=True) * 1.1
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    left, top = np.floor((centres - half).min(0)).clip(0).astype(int).tolist()
    right, bottom = np.ceil((centres + half).max(0)).astype(int).tolist()
    return left, top, min(right, image.shape[1]), min(bottom, image.shape[0])


def _even(image: Image, side_px: int) -> Image:
    """Return the picture with even sides, the longer one at most ``side_px``."""
    rows, columns = image.shape[:2]
    scale = min(1.0, side_px / max(rows, columns))
    size = max(2, 2 * round(columns * scale / 2)), max(2, 2 * round(rows * scale / 2))
    if size == (columns, rows):
        return np.ascontiguousarray(image)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def facts_of(planting: Planting) -> dict[str, Any]:
    """Return what was planted, as plain data with units in the names."""
    return {
        "amplitude": planting.amplitude,
        "direction": [float(part) for part in planting.direction],
        "perfusion": planting.perfusion,
        "delay_s": planting.delay_s,
        "mean_heart_rate_bpm": float(planting.pulse.heart_rate_bpm.mean()),
    }
