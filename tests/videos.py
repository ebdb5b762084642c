"""Videos that the tests make: written with PyAV, frame by frame, with their own times."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

TIME_BASE = Fraction(1, 90_000)


def write(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    times_s: Iterable[float],
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    """Write RGB frames (height, width, 3) at the given times."""
    with av.open(str(path), "w") as container:
        stream = None
        for image, time_s in zip(frames, times_s, strict=False):
            if stream is None:
                stream = container.add_stream(codec, rate=30, options=options or {"crf": "14"})
                stream.width, stream.height = image.shape[1], image.shape[0]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = TIME_BASE
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(time_s / TIME_BASE), TIME_BASE
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))
    return path


def noise(count: int, *, height: int = 120, width: int = 160, seed: int = 0) -> NDArray[np.uint8]:
    """Return frames with texture and no face."""
    generator = np.random.default_rng(seed)
    still = generator.integers(60, 200, (1, height // 8, width // 8, 3)).repeat(8, 1).repeat(8, 2)
    jitter = generator.integers(-3, 4, (count, height, width, 3))
    return (still + jitter).clip(0, 255).astype(np.uint8)
