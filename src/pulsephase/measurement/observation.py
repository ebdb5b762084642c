"""What one pass over footage leaves for the methods.

Data run one way: decoded frames -> face crops at the network's rate -> PHASE-Net, frame after
frame, and the mean skin colour. Nothing is kept but one number, one box and one colour a sample, so
memory does not grow with resolution.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from pulsephase.measurement.footage import Footage, open_footage
from pulsephase.models.classical import mean_colour
from pulsephase.models.config import PhaseNetConfig
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream, placed
from pulsephase.video.clip import Clip
from pulsephase.video.pipeline import FaceSource, face_clips
from pulsephase.video.read import require_duration
from pulsephase.video.times import GAP_S, Cadence

log = logging.getLogger(__name__)

PICTURE_AT_S = 2.0  # by then the network's running mean, and so its mask, has settled
PIECES = 256  # joined into a block when there are this many


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
        source_hz: Average frame rate of the video while frames come, pauses of over 1 s left out.
        sample_hz: Rate of the arrays below: the network's.
        valid_from_s: Warm-up of the network on that time axis.
        spent_s: What warm-up and delay of the network take off the length of a video.
        times_s: Time of each sample.
        boxes: Face box in pixels of the video, NaN where there is none.
        colour: Mean colour of the middle of the face, NaN where there is none.
        pulse: The network's wave, NaN where there is no face; its known delay is taken out.
        valid: Where the network has warmed up.
        picture: One frame to look at, or none where no face was found.
        assumed_hz: Frame rate that was assumed of a file without a clock, or none: the heart rate
            scales with it.
        notes: What was not as it should be, one line each.
    """

    source: str
    frames: int
    duration_s: float
    source_hz: float
    sample_hz: float
    valid_from_s: float
    spent_s: float
    times_s: Float[np.ndarray, " time"]
    boxes: Float[np.ndarray, "time 4"]
    colour: Float[np.ndarray, "time 3"]
    pulse: Float[np.ndarray, " time"]
    valid: Bool[np.ndarray, " time"]
    picture: Picture | None
    assumed_hz: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def no_face_s(self) -> float:
        """Seconds without a face."""
        return float(np.isnan(self.boxes).any(1).sum() / self.sample_hz)


class Tracks:
    """Pulse, boxes and colour of one face, as they come in.

    Args:
        config: Of the network.
    """

    def __init__(self, config: PhaseNetConfig) -> None:
        self.config = config
        self._blocks: list[tuple[Tensor, ...]] = []
        self._pieces: list[tuple[Tensor, ...]] = []

    def add(self, crops: Clip, wave: Float[Tensor, " time"], valid: Bool[Tensor, " time"]) -> None:
        """Take crops, and what the network said of them."""
        assert crops.boxes is not None
        colour = mean_colour(crops.frames)
        colour[crops.boxes.isnan().any(1)] = torch.nan
        self._pieces.append(
            (crops.times_s, crops.boxes.double(), colour.double(), wave.double(), valid)
        )
        if len(self._pieces) == PIECES:
            self._blocks.append(_joined(self._pieces))
            self._pieces = []

    def observation(
        self,
        *,
        source: str,
        frames: int,
        duration_s: float,
        source_hz: float,
        picture: Picture | None = None,
        assumed_hz: float | None = None,
        notes: Iterable[str] = (),
    ) -> Observation:
        """Return all of it, the network's known delay taken out."""
        delay, rate = self.config.delay, self.config.sample_hz
        times, boxes, colour, late, settled = _joined([*self._blocks, *self._pieces])
        pulse, valid = placed(late, settled, ~boxes.isnan().any(1), delay=delay)
        return Observation(
            source=source,
            frames=frames,
            duration_s=duration_s,
            source_hz=source_hz,
            sample_hz=rate,
            valid_from_s=self.config.valid_from_s - delay / rate,
            spent_s=self.config.valid_from_s,
            times_s=times.numpy(),
            boxes=boxes.numpy(),
            colour=colour.numpy(),
            pulse=pulse.numpy(),
            valid=valid.numpy(),
            picture=picture,
            assumed_hz=assumed_hz,
            notes=tuple(notes),
        )


def _joined(pieces: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    return tuple(torch.cat(column) for column in zip(*pieces, strict=True))


def observe(
    video: Footage,
    *,
    net: PhaseNet,
    faces: FaceSource,
    times_s: Iterable[float] | None = None,
    sample_hz: float | None = None,
    fps: float | None = None,
) -> Observation:
    """Read a video once, frame after frame.

    Args:
        video: A path, a clip, an array of frames, or an iterable of frames
            (:mod:`pulsephase.measurement.footage`).
        net: The network; its size and rate are those of the crops.
        faces: A tracker, or a fixed box.
        times_s: Time of each frame in s, for an array or an iterable.
        sample_hz: Frames per second, instead of times.
        fps: Frames a second of the camera, in place of a file's own times.

    Raises:
        InputError: If the video cannot be read or is shorter than 5 s.
        ParameterError: If there are neither times nor a rate, or both, or too many; or ``fps`` is
            not within 0.1 to 10,000, or given for what is no file.
        SamplingError: If times do not rise, or the rate is not positive.
        ShapeError: If frames have the wrong shape or type, or not one time each.
    """
    notes: list[str] = []

    def say(line: str) -> None:
        notes.append(line.removeprefix(f"{video}: ").removeprefix(f"{video} "))
        log.warning(line)

    opened = open_footage(video, times_s=times_s, sample_hz=sample_hz, fps=fps, say=say)
    count, chunk = 0, None
    cadence = Cadence(pause_s=GAP_S)

    def counted() -> Iterator[Clip]:
        nonlocal count, chunk
        for chunk in opened.clips():
            count += len(chunk)
            for time_s in chunk.times_s.tolist():
                cadence.push(time_s)
            yield chunk

    stream, tracks = PulseStream(net), Tracks(net.config)
    size, rate = net.config.size, net.config.sample_hz
    picture: Picture | None = None
    before = torch.empty(0, 3, size, size)  # what the running mean of the mask has seen
    for crops in face_clips(counted(), faces=faces, size=size, sample_hz=rate):
        tracks.add(crops, *stream.run(crops))
        if picture is None and chunk is not None:
            picture = _picture(net, crops, chunk, before)
            before = torch.cat([before, _with_face(crops)])[-net.config.warmup :]
    require_duration(opened.name, frames=count, seconds=cadence.seconds)
    return tracks.observation(
        source=opened.name,
        frames=count,
        duration_s=cadence.duration_s,
        source_hz=cadence.hz,
        picture=picture,
        assumed_hz=opened.assumed_hz,
        notes=notes,
    )


def _with_face(crops: Clip) -> Float[Tensor, "time 3 size size"]:
    assert crops.boxes is not None
    return crops.frames[~crops.boxes.isnan().any(1)]


def _picture(
    net: PhaseNet, crops: Clip, chunk: Clip, before: Float[Tensor, "time 3 size size"]
) -> Picture | None:
    """Show the first settled sample with a face whose frame is in the chunk, if there is one.

    Args:
        net: Whose mask it is.
        crops: Where the sample is looked for.
        chunk: The latest frames.
        before: Crops with a face that came before them, enough for the network to warm up.
    """
    assert crops.boxes is not None
    here = ~crops.boxes.isnan().any(1) & (crops.times_s >= PICTURE_AT_S)
    here &= (crops.times_s >= chunk.times_s[0]) & (crops.times_s <= chunk.times_s[-1])
    if not bool(here.any()):
        return None
    index = int(here.nonzero()[0, 0])
    frame = chunk.frames[int(torch.searchsorted(chunk.times_s, crops.times_s[index]))]
    if frame.is_floating_point():  # a clip of the generator
        frame = (255 * frame).round().clamp(0, 255).to(torch.uint8)
    faces = ~crops.boxes[: index + 1].isnan().any(1)
    seen = torch.cat([before, crops.frames[: index + 1][faces]])[-net.config.warmup - 1 :]
    with torch.inference_mode():
        mask = net.masks(seen[None].to(net.stem.weight))[0, -1].mean(0).cpu()
    return Picture(
        frame=frame.permute(1, 2, 0).numpy().copy(),
        box=crops.boxes[index].double().numpy(),
        crop=crops.frames[index].permute(1, 2, 0).double().numpy(),
        mask=mask.double().numpy(),
    )
