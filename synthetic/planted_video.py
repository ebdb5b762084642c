"""A pulse planted in the pixels of a video, and the video written again, frame by frame.

One pass: decode, follow the face, find its skin, plant, encode. Memory does not grow with length.
Where the result is stored in 8 bits, it is dithered: a change of a twentieth of a level is there in
the mean of many pixels, as it is in life.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from jaxtyping import Float32

from pulsephase.errors import ParameterError
from pulsephase.synthetic.footage import (
    CACHE_MARGIN,
)
from pulsephase.synthetic.plant import (
    LEVELS,
    Planting,
    maps_of,
    waves_at,
)
from pulsephase.video.clip import Box, Image
from pulsephase.video.skin import SkinPatch

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
MOST_CRF = {"lossless": 0, "h264": 51, "vp9": 63, "mpeg4": 31}


def check_codec(codec: str, crf: int) -> None:
    """Refuse a codec that is not there, or a quality that it has not.

    Raises:
        ParameterError: If so.
    """
    if codec not in CODECS:
        raise ParameterError(f"no codec {codec!r}; there are {', '.join(CODECS)}")
    if not 0 <= crf <= MOST_CRF[codec]:
        raise ParameterError(f"crf is {crf}; {codec} takes 0 to {MOST_CRF[codec]}")


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
        check_codec(codec, crf)
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

    def close(self) -> None:
        """Write what is left."""
        if self._stream is not None:
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

    def plant(
        self,
        image: Image | Float32[np.ndarray, "height width 3"],
        box: Box,
        patch: SkinPatch,
        time_s: float,
    ) -> Image:
        """Return the frame (levels of 0..255) with the pulse in it, dithered to 8 bits."""
        if not self.planting.alive:
            return image.round().astype(np.uint8) if image.dtype != np.uint8 else image
        lost = self.change(box, patch, time_s)[..., None]
        there = patch.of(image).astype(np.float32)
        there *= 1 - self.planting.direction * lost
        there += self._dither.random(there.shape, dtype=np.float32)
        found = image.round().astype(np.uint8)
        patch.of(found)[:] = np.floor(there).clip(0, 255).astype(np.uint8)
        return found


def facts_of(planting: Planting) -> dict[str, Any]:
    """Return what was planted, as plain data with units in the names."""
    return {
        "amplitude": planting.amplitude,
        "direction": [float(part) for part in planting.direction],
        "perfusion": planting.perfusion,
        "delay_s": planting.delay_s,
        "mean_heart_rate_bpm": float(planting.pulse.heart_rate_bpm.mean()),
    }
