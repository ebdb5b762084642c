"""From frames to heart rates, one frame at a time: what ``measure`` does, while it goes on.

The same tracker, crops, resampling, network and estimator: what was seen, read as a whole at the
end, is what :func:`pulsephase.measurement.measure.measure` says of the same frames.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pulsephase.checks import FURTHEST_S
from pulsephase.errors import SamplingError
from pulsephase.measurement.measure import Measurement, read_out
from pulsephase.measurement.observation import Tracks
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream
from pulsephase.video.clip import Box, Image, check_image
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import FacePipeline, FaceSource
from pulsephase.video.read import SHORTEST_S
from pulsephase.video.several import SeveralFaces
from pulsephase.video.times import GAP_S, Cadence
from pulsephase.vitals.heart_rate import WINDOW_S, HeartRate
from pulsephase.vitals.online import OnlineHeartRate
from pulsephase.vitals.result import MIN_QUALITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One sample of one face.

    Attributes:
        face: Number of the face, from 1.
        time_s: Of the pulse sample, on the time axis of the frames; it lies the network's delay
            before the frame that completed it.
        pulse: The wave, NaN where there is no face or the network warms up.
        box: Face box in pixels at the frame that completed the sample, or none.
        rate: The latest heart rate.
        fresh: Whether the rate was refreshed with this sample.
    """

    face: int
    time_s: float
    pulse: float
    box: Box | None
    rate: HeartRate
    fresh: bool


class Monitor:
    """Follow the pulse of one face, or of every face.

    Args:
        net: A causal network.
        faces: What finds the face; a new :class:`~pulsephase.video.faces.FaceTracker` by default;
            a :class:`~pulsephase.video.several.SeveralFaces` gives each face a pulse.
        min_quality: Probability of being within 3 bpm that a rate must have to be given.

    Attributes:
        frames: Frames read.
        present: Numbers of the faces that have not gone.

    Example:
        >>> import numpy as np
        >>> monitor = Monitor(PhaseNet.from_pretrained("tiny"))
        >>> readings = monitor.push(np.zeros((48, 64, 3), np.uint8), 0.0)
        >>> [reading.box for reading in readings], monitor.latency_s
        ([None], 0.5)
    """

    def __init__(
        self,
        net: PhaseNet,
        *,
        faces: FaceSource | SeveralFaces | None = None,
        min_quality: float = MIN_QUALITY,
    ) -> None:
        self.net, self.min_quality = net, min_quality
        self.faces = FaceTracker() if faces is None else faces
        self.frames = 0
        self.first_s = self.last_s = math.nan
        self._cadence = Cadence(pause_s=GAP_S)
        self._followed: dict[int, _Face] = {}
        if not isinstance(self.faces, SeveralFaces):
            self._followed[1] = _Face(1, net, self.faces, min_quality)
        self.present = set(self._followed)

    @property
    def latency_s(self) -> float:
        """Seconds by which the wave lies behind the newest frame: the network's delay."""
        return self.net.config.delay / self.net.config.sample_hz

    @property
    def rate_latency_s(self) -> float:
        """Seconds by which a rate lies behind the wave, where it changes evenly: half a window."""
        return WINDOW_S / 2

    @property
    def faces_seen(self) -> int:
        """Faces in the frame when they were last looked for, where the source counts them."""
        if isinstance(self.faces, SeveralFaces):
            return len(self.present)
        return getattr(self.faces, "seen", 1)

    def push(self, image: Image, time_s: float) -> list[Reading]:
        """Read the next frame; return the samples that it completes.

        Raises:
            SamplingError: If the time does not rise.
            ShapeError: If the frame is no picture. After an error everything is as before.
        """
        check_image(image)
        if not abs(time_s) < FURTHEST_S or time_s <= self.last_s:
            raise SamplingError(
                f"frame at {time_s} s after one at {self.last_s} s; times must rise, and stay "
                f"within {FURTHEST_S:g} s"
            )
        if isinstance(self.faces, SeveralFaces):
            readings = self._push_several(self.faces, image, time_s)
        else:
            readings = self._followed[1].push(image, time_s)
        self.frames += 1
        self.first_s = time_s if self.frames == 1 else self.first_s
        self.last_s = time_s
        self._cadence.push(time_s)
        return readings

    def _push_several(self, faces: SeveralFaces, image: Image, time_s: float) -> list[Reading]:
        boxes = faces.update(image, time_s)
        for gone in self.present - set(boxes):
            if not self._long_enough(self._followed[gone]):
                del self._followed[gone]
        self.present = set(boxes)
        readings = []
        for number, box in boxes.items():
            if number not in self._followed:
                source = Given(faces.margin)
                self._followed[number] = _Face(number, self.net, source, self.min_quality)
            face = self._followed[number]
            assert isinstance(face.source, Given)
            face.source.box = box
            readings += face.push(image, time_s)
        return readings

    def _long_enough(self, face: "_Face") -> bool:
        """Tell whether a face was seen for as long as ``measure`` needs."""
        return face.samples / self.net.config.sample_hz >= SHORTEST_S

    def results(
        self, source: str, *, assumed_hz: float | None = None, notes: Sequence[str] = ()
    ) -> dict[int, Measurement]:
        """Return the heart rate of each face over all that was seen of it, by its number.

        Args:
            source: Where the frames come from.
            assumed_hz: Their rate where it was assumed, see
                :class:`~pulsephase.measurement.observation.Observation`.
            notes: What was not as it should be.

        Faces seen for less than 5 s, the shortest that ``measure`` takes, are left out.
        """
        if self.frames < 2:
            return {}
        return {
            number: read_out(
                face.tracks.observation(
                    source=source,
                    frames=self.frames,
                    duration_s=self._cadence.duration_s,
                    source_hz=self._cadence.hz,
                    assumed_hz=assumed_hz,
                    notes=notes,
                ),
                "phasenet",
                min_quality=self.min_quality,
            )
            for number, face in self._followed.items()
            if self._long_enough(face)
        }


class Given:
    """A face that somebody else follows."""

    def __init__(self, margin: float) -> None:
        self.margin = margin
        self.box: Box | None = None

    def update(self, frame: Image, time_s: float) -> Box | None:
        """Return the box that was given."""
        return self.box


class _Face:
    """All that is kept for one face."""

    def __init__(self, number: int, net: PhaseNet, source: FaceSource, min_quality: float) -> None:
        config = net.config
        self.number, self.source, self.samples = number, source, 0
        self._delay, self._delay_s = config.delay, config.delay / config.sample_hz
        self._unbroken = 0  # samples with a face up to now
        self._pipeline = FacePipeline(source, size=config.size, sample_hz=config.sample_hz)
        self._stream = PulseStream(net)
        self.tracks = Tracks(config)
        self._online = OnlineHeartRate(
            sample_hz=config.sample_hz, method="phasenet", min_quality=min_quality
        )

    def push(self, image: Image, time_s: float) -> list[Reading]:
        samples = list(self._pipeline.push(image, time_s))
        if not samples:
            return []
        crops = self._pipeline.clip(samples)
        assert crops.boxes is not None
        wave, valid = self._stream.run(crops)
        self.tracks.add(crops, wave, valid)
        self.samples += len(crops)
        pulses = wave.where(valid, math.nan).tolist()
        return [
            self._reading(*each)
            for each in zip(crops.times_s.tolist(), pulses, crops.boxes.tolist(), strict=True)
        ]

    def _reading(self, time_s: float, pulse: float, box: list[float]) -> Reading:
        at_s = time_s - self._delay_s
        x, y, width, height = box
        self._unbroken = 0 if math.isnan(x) else self._unbroken + 1
        if self._unbroken <= self._delay:  # else it spoke of the time before the face was lost
            pulse = math.nan
        fresh = self._online.push(pulse, at_s) is not None
        return Reading(
            face=self.number,
            time_s=at_s,
            pulse=pulse,
            box=None if math.isnan(x) else (x, y, width, height),
            rate=self._online.latest,
            fresh=fresh,
        )
