"""Synthetic clips as files: video with its times, and the truth beside it."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.stream import VideoStream
from jaxtyping import Float

from pulsephase.errors import ParameterError
from pulsephase.files import whole_file
from pulsephase.video.clip import Clip

TIME_BASE = Fraction(1, 90_000)
CRF, WORST_CRF = 18, 51  # of H.264: a little loss, and the most there is
CODECS = {"mp4": ("libx264", "yuv420p"), "ffv1": ("ffv1", "bgr0")}
ENDINGS = {"mp4": ".mp4", "ffv1": ".mkv", "npz": ".npz"}


def write_video(
    path: str | Path, clips: Clip | Iterable[Clip], *, format: str = "mp4", crf: int = CRF
) -> None:
    """Write clips one after the other as a video with their own times; whole or not at all.

    Args:
        path: The file.
        clips: One clip, or consecutive ones of the same size (even, for mp4).
        format: ``mp4`` (H.264, lossy) or ``ffv1`` (lossless, in Matroska).
        crf: Quality of H.264: 0 (lossless) to 51 (worst).

    Raises:
        ParameterError: If the format is unknown or the size odd.
    """
    if format not in CODECS:
        raise ParameterError(f"format is {format!r}; there are {', '.join(CODECS)}")
    codec, pixels = CODECS[format]
    options = {"crf": str(crf)} if format == "mp4" else {}
    exact = {"fflags": "+bitexact"}  # else Matroska draws an identifier: other bytes every time
    with whole_file(path) as temporary, av.open(str(temporary), "w", options=exact) as container:
        stream: VideoStream | None = None
        pieces = iter([clips] if isinstance(clips, Clip) else clips)
        head = list(islice(pieces, 2))  # the rate takes two frames
        for clip in chain(head, pieces):
            height, width = clip.frames.shape[2:]
            if format == "mp4" and (height % 2 or width % 2):
                raise ParameterError(f"frames are {width}x{height}; mp4 needs even sizes")
            if stream is None:
                rate = Fraction(rate_of(head)).limit_denominator(1001)
                added = container.add_stream(codec, rate=rate, options=options)
                stream = cast(VideoStream, added)
                stream.width, stream.height, stream.pix_fmt = width, height, pixels
                stream.codec_context.time_base = TIME_BASE
            for image, time_s in zip(pixels_of(clip), clip.times_s.tolist(), strict=True):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = round(time_s / TIME_BASE), TIME_BASE
                container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def rate_of(pieces: list[Clip]) -> float:
    """Return the average frame rate of consecutive clips with at least two frames, in Hz."""
    frames = sum(len(piece) for piece in pieces)
    return (frames - 1) / float(pieces[-1].times_s[-1] - pieces[0].times_s[0])


def pixels_of(clip: Clip) -> Iterable[np.ndarray]:
    """Yield each frame as 8-bit RGB (height, width, 3)."""
    for frame in clip.frames:
        levels = frame if not frame.is_floating_point() else (255 * frame).round().clamp(0, 255)
        yield np.ascontiguousarray(levels.byte().permute(1, 2, 0).numpy())


def labels_of(clip: Clip) -> dict[str, Float[np.ndarray, " time"]]:
    """Return the truth of each frame as columns."""
    assert clip.pulse is not None and clip.truth is not None and clip.boxes is not None
    return {
        "time_s": clip.times_s.numpy(),
        "pulse": clip.pulse.double().numpy(),
        "heart_rate_bpm": clip.truth.heart_rate_bpm.numpy(),
        **{
            f"box_{name}": clip.boxes[:, index].double().numpy()
            for index, name in enumerate(("x", "y", "width", "height"))
        },
    }


def write_labels(path: str | Path, clip: Clip) -> None:
    """Write time, pulse, heart rate and face box of each frame as CSV; whole or not at all."""
    columns = labels_of(clip)
    with whole_file(path) as temporary:
        np.savetxt(
            temporary,
            np.column_stack(list(columns.values())),
            delimiter=",",
            header=",".join(columns),
            comments="",
            fmt="%.9g",
        )


def write_npz(path: str | Path, clip: Clip, *, tracks: Mapping[str, np.ndarray]) -> None:
    """Write frames (uint8, time height width 3) and all truth as .npz; whole or not at all.

    Args:
        path: The file.
        clip: The clip.
        tracks: Further arrays by name.
    """
    frames = np.stack(list(pixels_of(clip)))
    _write_arrays(path, {**truth_arrays(clip, tracks), "frames": frames})


def write_truth(path: str | Path, clip: Clip, *, tracks: Mapping[str, np.ndarray]) -> None:
    """Write all truth, but no frames, as .npz; see :func:`write_npz`."""
    _write_arrays(path, truth_arrays(clip, tracks))


def truth_arrays(clip: Clip, tracks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the labels of each frame, beats, tracks, and parameters as names and values."""
    assert clip.truth is not None
    parameters = clip.truth.parameters
    return {
        **tracks,
        "parameter_names": np.array(list(parameters)),
        "parameter_values": np.array(list(parameters.values())),
        "beat_times_s": clip.truth.beat_times_s.numpy(),
        **labels_of(clip),
    }


def _write_arrays(path: str | Path, arrays: dict[str, Any]) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
