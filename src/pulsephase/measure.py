"""From a video to a heart rate: one pass over the footage, then any method on what it saw.

Data run one way: decoded clips -> face crops at the network's rate -> PHASE-Net, frame after frame,
and the mean skin colour -> pulse -> heart rate. Nothing is kept but one number, one box and one
colour a frame, so memory does not grow with resolution.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from pulsephase.errors import ParameterError
from pulsephase.files import whole_file
from pulsephase.models.classical import LEAST_S, mean_colour
from pulsephase.models.classical import METHODS as CLASSICAL
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream
from pulsephase.video.clip import Clip
from pulsephase.video.pipeline import FaceSource, face_clips
from pulsephase.video.read import read_clips, require_duration
from pulsephase.vitals.heart_rate import HeartRate, heart_rate
from pulsephase.vitals.result import MIN_QUALITY

METHODS = ("phasenet", *CLASSICAL)
PICTURE_AT_S = 2.0  # by then the network's running mean, and so its mask, has settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One frame to look at: the face box on it, and where the ASF looks inside the crop."""

    frame: UInt8[np.ndarray, "height width 3"]
    box: Float[np.ndarray, " 4"]
    crop: Float[np.ndarray, "size size 3"]
    mask: Float[np.ndarray, "rows columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one pass over a video leaves for the methods.

    Attributes:
        source: The video.
        frames: Frames decoded.
        duration_s: From the first frame to the end of the last.
        source_hz: Average frame rate of the video.
        sample_hz: Rate of the arrays below: the network's.
        valid_from_s: Warm-up of the network on that time axis.
        times_s: Time of each sample.
        boxes: Face box in pixels of the video, NaN where there is none.
        colour: Mean colour of the middle of the face, NaN where there is none.
        pulse: The network's wave, NaN where there is no face; its known delay is taken out.
        valid: Where the network has warmed up.
        picture: One frame to look at, or none where no face was found.
    """

    source: str
    frames: int
    duration_s: float
    source_hz: float
    sample_hz: float
    valid_from_s: float
    times_s: Float[np.ndarray, " time"]
    boxes: Float[np.ndarray, "time 4"]
    colour: Float[np.ndarray, "time 3"]
    pulse: Float[np.ndarray, " time"]
    valid: Bool[np.ndarray, " time"]
    picture: Picture | None

    @property
    def no_face_s(self) -> float:
        """Seconds without a face."""
        return float(np.isnan(self.boxes).any(1).sum() / self.sample_hz)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A heart rate with the wave it was read from."""

    observation: Observation
    method: str
    pulse: Float[np.ndarray, " time"]
    rate: HeartRate

    def as_json(self) -> dict[str, object]:
        """Return the result as plain data; ``heart_rate_bpm`` is null where there is a reason."""
        seen, rate = self.observation, self.rate
        return {
            "source": seen.source,
            "heart_rate_bpm": rate.bpm,
            "reason": rate.reason,
            "quality": rate.quality,
            "method": self.method,
            "frames": seen.frames,
            "duration_s": seen.duration_s,
            "source_hz": seen.source_hz,
            "sample_hz": seen.sample_hz,
            "valid_from_s": seen.valid_from_s if self.method == "phasenet" else 0.0,
            "no_face_s": seen.no_face_s,
            "windows": [
                {
                    "start_s": window.start_s,
                    "end_s": window.end_s,
                    "heart_rate_bpm": window.bpm,
                    "quality": window.quality,
                    "reason": window.reason,
                }
                for window in rate.windows
            ],
        }


def observe(path: str | Path, *, net: PhaseNet, faces: FaceSource) -> Observation:
    """Read a video once, frame after frame.

    Args:
        path: Any file that FFmpeg reads.
        net: The network; its size and rate are those of the crops.
        faces: A tracker, or a fixed box.

    Raises:
        InputError: If the file cannot be read or is shorter than 5 s.
    """
    size, rate = net.config.size, net.config.sample_hz
    count, chunk = 0, None

    def counted() -> Iterator[Clip]:
        nonlocal count, chunk
        for chunk in read_clips(path):
            count += len(chunk)
            yield chunk

    stream = PulseStream(net)
    times, boxes, colours, waves, valids = [], [], [], [], []
    picture: Picture | None = None
    for crops in face_clips(counted(), faces=faces, size=size, sample_hz=rate):
        assert crops.boxes is not None
        wave, valid = stream.run(crops)
        lost = crops.boxes.isnan().any(1)
        colour = mean_colour(crops.frames)
        colour[lost] = torch.nan
        times.append(crops.times_s)
        boxes.append(crops.boxes)
        colours.append(colour)
        waves.append(wave)
        valids.append(valid)
        if picture is None and chunk is not None:
            picture = _picture(net, crops, chunk)
    last_s = 0.0 if chunk is None else float(chunk.times_s[-1])
    duration_s = require_duration(path, frames=count, last_s=last_s)
    return Observation(
        source=str(path),
        frames=count,
        duration_s=duration_s,
        source_hz=(count - 1) / last_s,
        sample_hz=rate,
        valid_from_s=net.config.valid_from_s - net.config.delay / rate,
        times_s=torch.cat(times).numpy(),
        boxes=torch.cat(boxes).double().numpy(),
        colour=torch.cat(colours).double().numpy(),
        pulse=_earlier(torch.cat(waves).double(), net.config.delay, float("nan")).numpy(),
        valid=_earlier(torch.cat(valids), net.config.delay, False).numpy(),
        picture=picture,
    )


def _earlier(x: Tensor, delay: int, fill: float | bool) -> Tensor:
    """Move a track ``delay`` samples earlier; the end is filled."""
    return torch.cat([x[delay:], x.new_full((min(delay, len(x)),), fill)])


def _picture(net: PhaseNet, crops: Clip, chunk: Clip) -> Picture | None:
    """Show the first settled sample with a face whose frame is in the chunk, if there is one."""
    assert crops.boxes is not None
    here = ~crops.boxes.isnan().any(1) & (crops.times_s >= PICTURE_AT_S)
    here &= (crops.times_s >= chunk.times_s[0]) & (crops.times_s <= chunk.times_s[-1])
    if not bool(here.any()):
        return None
    index = int(here.nonzero()[0, 0])
    frame = chunk.frames[int(torch.searchsorted(chunk.times_s, crops.times_s[index]))]
    seen = crops.frames[max(0, index - net.config.warmup) : index + 1]
    with torch.inference_mode():
        mask = net.masks(seen[None].to(net.stem.weight))[0, -1].mean(0).cpu()
    return Picture(
        frame=frame.permute(1, 2, 0).numpy().copy(),
        box=crops.boxes[index].double().numpy(),
        crop=crops.frames[index].permute(1, 2, 0).double().numpy(),
        mask=mask.double().numpy(),
    )


def wave_of(seen: Observation, method: str) -> Float[np.ndarray, " time"]:
    """Return the pulse wave of a method, NaN where there is no face.

    Raises:
        ParameterError: If there is no such method.
    """
    if method == "phasenet":
        return np.where(seen.valid, seen.pulse, np.nan)
    if method not in CLASSICAL:
        raise ParameterError(f"no method {method!r}; there are {', '.join(METHODS)}")
    wave = np.full(len(seen.times_s), np.nan)
    for start, stop in _runs(~np.isnan(seen.colour).any(1)):
        if (stop - start) >= round(LEAST_S[method] * seen.sample_hz):
            colour = torch.from_numpy(seen.colour[start:stop])
            wave[start:stop] = CLASSICAL[method](colour, sample_hz=seen.sample_hz).numpy()
    return wave


def _runs(here: Bool[np.ndarray, " time"]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], here, [False]]).astype(int)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def read_out(seen: Observation, method: str, *, min_quality: float = MIN_QUALITY) -> Measurement:
    """Read the heart rate of one method off an observation."""
    wave = wave_of(seen, method)
    if np.isnan(seen.boxes).any(1).all():
        rate = HeartRate.none("no face was found in any frame")
    else:
        rate = heart_rate(
            wave,
            sample_hz=seen.sample_hz,
            source_hz=seen.source_hz,
            method=method,
            min_quality=min_quality,
        )
    return Measurement(observation=seen, method=method, pulse=wave, rate=rate)


def measure(
    path: str | Path,
    *,
    method: str = "phasenet",
    weights: str | Path = "tiny",
    faces: FaceSource | None = None,
    device: str = "cpu",
    min_quality: float = MIN_QUALITY,
) -> Measurement:
    """Measure the heart rate in a video.

    Args:
        path: Any file that FFmpeg reads, at least 5 s long.
        method: ``phasenet``, ``pos``, ``chrom`` or ``green``.
        weights: Name of shipped weights, or a path.
        faces: A tracker or a fixed box; none means a new tracker.
        device: Torch device of the network.
        min_quality: Probability of being within 3 bpm that a rate must have to be given.

    Raises:
        InputError: If the file cannot be read or is too short.
        ParameterError: If there is no such method.
        WeightsError: If there are no such weights.
    """
    from pulsephase.video.faces import FaceTracker

    if method not in METHODS:
        raise ParameterError(f"no method {method!r}; there are {', '.join(METHODS)}")
    net = PhaseNet.from_pretrained(weights).to(device)
    seen = observe(path, net=net, faces=FaceTracker() if faces is None else faces)
    return read_out(seen, method, min_quality=min_quality)


def write_samples(path: Path, result: Measurement) -> None:
    """Write time, pulse, quality and box of each sample to a .csv or .npz, whole or not at all.

    The quality of a sample is the best of the windows that hold it, NaN outside all windows.
    """
    seen = result.observation
    quality = np.full(len(seen.times_s), np.nan)
    for window in result.rate.windows:
        inside = (seen.times_s >= window.start_s) & (seen.times_s <= window.end_s)
        quality[inside] = np.fmax(quality[inside], window.quality)
    columns: dict[str, Any] = {
        "time_s": seen.times_s,
        "pulse": result.pulse,
        "quality": quality,
        **{f"box_{name}": seen.boxes[:, i] for i, name in enumerate(("x", "y", "width", "height"))},
    }
    with whole_file(path) as temporary:
        if path.suffix == ".npz":
            with temporary.open("wb") as file:
                np.savez_compressed(file, **columns)
        else:
            rows = np.column_stack(list(columns.values()))
            np.savetxt(
                temporary, rows, delimiter=",", header=",".join(columns), comments="", fmt="%.9g"
            )
