"""From a video to a heart rate: one pass over the footage, then any method on what it saw."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float

from pulsephase.errors import ParameterError
from pulsephase.files import whole_file
from pulsephase.measurement.footage import Footage
from pulsephase.measurement.observation import Observation, observe
from pulsephase.measurement.turns import one_person
from pulsephase.models.classical import LEAST_S
from pulsephase.models.classical import METHODS as CLASSICAL
from pulsephase.models.phasenet import PhaseNet
from pulsephase.video.detect import FINE_SMALLEST, LARGE, SMALLEST
from pulsephase.video.pipeline import FaceSource
from pulsephase.vitals.heart_rate import BAND_HZ, HeartRate, heart_rate
from pulsephase.vitals.respiration import Respiration, respiration
from pulsephase.vitals.result import MIN_QUALITY, Window
from pulsephase.vitals.shown import dataframe, html_of, rate_image, rate_words, write_csv
from pulsephase.vitals.variability import Variability, variability
from pulsephase.vitals.windows import SHORTEST_S

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

METHODS = ("phasenet", *CLASSICAL)
WITNESSES = ("pos", "chrom")
"""Methods whose agreement counts towards the probability of the network's rate."""
NO_FACE = (
    f"no face was found in any frame: its side must be {100 * SMALLEST:g} % of the frame's shorter "
    f"one ({100 * FINE_SMALLEST:g} % from {LARGE} pixels on); name its place by --box X,Y,W,H, or "
    "--box full where all is skin"
)
FLAT = "the pulse is flat"
COLOURED = tuple(name for name in CLASSICAL if name != "green")
GREY = 2e-3  # half a step of 8 bits: the largest difference of the colours of a grey video
SLOWEST_HZ = 4.95  # below 5 frames a second (to a hundredth) half of all heart rates fold


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Measurement:
    """A heart rate, variability and breathing rate, with the wave that they were read from.

    ``rate.bpm`` is the heart rate, or none with the reason in ``rate.reason``. In a notebook a
    measurement shows itself as a table and a figure. `to_dataframe` and `to_csv` give a row for
    each sample; those of ``rate`` give a row for each window.

    Attributes:
        observation: What one pass over the video found: times, face boxes, colour.
        method: Whose wave it is.
        pulse: The wave at ``observation.times_s``, NaN where there is none.
        rate: The heart rate, and that of each window.
        variability: Of the intervals between beats, or the reasons why there is none.
        respiration: Breathing rate, or the reason why there is none.
    """

    observation: Observation
    method: str
    pulse: Float[np.ndarray, " time"]
    rate: HeartRate
    variability: Variability
    respiration: Respiration
    notes: tuple[str, ...] = ()

    @property
    def caveat(self) -> str:
        """What must stand beside the rate, or nothing."""
        text, assumed = "", self.observation.assumed_hz
        if assumed is not None:
            text += (
                f"; the file has no clock: {assumed:g} frames a second are assumed, and the rate "
                "scales with them; give the camera's by --fps"
            )
        if self.fold_bpm is not None:
            text += (
                f"; at {self.observation.source_hz:.1f} frames a second it may be a fold of "
                f"{self.fold_bpm:.0f} bpm: record at 8 frames a second or more"
            )
        return text

    @property
    def fold_bpm(self) -> float | None:
        """The rate that looks like the one that was found, at so few frames a second, if any."""
        found = self.rate.estimate_bpm
        if found is None:
            return None
        other = 60 * self.observation.source_hz - found
        return other if found < other <= 60 * BAND_HZ[1] else None

    def __repr__(self) -> str:
        seen = self.observation
        return (
            f"Measurement({Path(seen.source).name}, {seen.duration_s:.1f} s, {self.method}: "
            f"{self._words()})"
        )

    def _words(self) -> str:
        rate = self.rate
        return rate_words(rate.bpm, rate.estimate_bpm, rate.quality, rate.reason)

    def _repr_html_(self) -> str:
        seen, breath = self.observation, self.respiration
        sdnn_ms = self.variability.sdnn_ms
        facts = {
            "video": f"{Path(seen.source).name}, {seen.duration_s:.1f} s, {seen.frames} frames",
            "method": self.method,
            "without a face": f"{seen.no_face_s:.1f} s",
            "SDNN": "none" if sdnn_ms is None else f"{sdnn_ms:.0f} ms",
            "breathing": "none" if breath.bpm is None else f"{breath.bpm:.0f} a minute",
        }
        return html_of(self._words(), facts, rate_image(self.rate))

    def plot(self, axes: "Axes | None" = None) -> "Axes":
        """Draw the heart rate of each window over time; a cross is a guess that was not given.

        Args:
            axes: Matplotlib axes to draw on; none makes a new figure.

        Returns:
            The axes.
        """
        return self.rate.plot(axes)

    def plot_wave(self, axes: "Axes | None" = None) -> "Axes":
        """Draw the pulse wave over time; it has a gap where there is none.

        Args:
            axes: Matplotlib axes to draw on; none makes a new figure.

        Returns:
            The axes.
        """
        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.subplots(layout="constrained")[1]
        axes.plot(self.observation.times_s, self.pulse, linewidth=1)
        axes.set(xlabel="time (s)", ylabel=f"pulse by {self.method} (a.u.)")
        return axes

    def to_dataframe(self) -> "DataFrame":
        """Return a pandas data frame with a row for each sample: time, pulse, quality, face box.

        The windows are in ``rate.to_dataframe()``.

        Raises:
            MissingExtraError: If pandas is not installed.
        """
        return dataframe(sample_columns(self))

    def to_csv(self, path: str | Path) -> Path:
        """Write a row for each sample as CSV, whole or not at all; return the path.

        The windows are written by ``rate.to_csv``.

        Raises:
            InputError: If the file cannot be written.
        """
        return write_csv(path, sample_columns(self))

    def as_json(self) -> dict[str, object]:
        """Return the result as plain data; ``heart_rate_bpm`` is null where there is a reason."""
        seen, rate = self.observation, self.rate
        return {
            "source": seen.source,
            "heart_rate_bpm": rate.bpm,
            "reason": rate.reason,
            "estimate_bpm": rate.estimate_bpm,
            "quality": rate.quality,
            "method": self.method,
            "frames": seen.frames,
            "duration_s": seen.duration_s,
            "source_hz": seen.source_hz,
            "assumed_hz": seen.assumed_hz,
            "fold_bpm": self.fold_bpm,
            "sample_hz": seen.sample_hz,
            "notes": [*seen.notes, *self.notes],
            "valid_from_s": seen.valid_from_s if self.method == "phasenet" else 0.0,
            "no_face_s": seen.no_face_s,
            "variability": self.variability.as_json(),
            "respiration": self.respiration.as_json(),
            "windows": [
                {
                    "start_s": float(seen.times_s[0]) + window.start_s,
                    "end_s": float(seen.times_s[0]) + window.end_s,
                    "heart_rate_bpm": window.bpm,
                    "quality": window.quality,
                    "reason": window.reason,
                }
                for window in rate.windows
            ],
        }


def wave_of(seen: Observation, method: str) -> Float[np.ndarray, " time"]:
    """Return the pulse wave of a method, NaN where there is no face.

    Raises:
        ParameterError: If there is no such method.
    """
    if method == "phasenet":
        return np.where(seen.valid, seen.pulse, np.nan)
    return classical_wave(seen.colour, method, sample_hz=seen.sample_hz)


def classical_wave(
    colour: Float[np.ndarray, "time 3"], method: str, *, sample_hz: float
) -> Float[np.ndarray, " time"]:
    """Return the wave of a classical method, stretch by stretch; NaN where there is no face.

    Args:
        colour: Mean colour of the skin, NaN where there is no face.
        method: Its name.
        sample_hz: Samples per second.

    Raises:
        ParameterError: If there is no such method.
    """
    if method not in CLASSICAL:
        raise ParameterError(f"no method {method!r}; there are {', '.join(METHODS)}")
    wave = np.full(len(colour), np.nan)
    for start, stop in _runs(~np.isnan(colour).any(1)):
        if (stop - start) >= round(LEAST_S[method] * sample_hz):
            stretch = torch.from_numpy(colour[start:stop])
            wave[start:stop] = CLASSICAL[method](stretch, sample_hz=sample_hz).numpy()
    return wave


def _runs(here: Bool[np.ndarray, " time"]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], here, [False]]).astype(int)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def read_out(seen: Observation, method: str, *, min_quality: float = MIN_QUALITY) -> Measurement:
    """Read heart rate, variability and respiration of one method off an observation."""
    wave = wave_of(seen, method)
    held_s = float(np.isfinite(wave).sum() / seen.sample_hz)
    if np.isnan(seen.boxes).any(1).all():
        rate = HeartRate.none(NO_FACE)
    elif seen.source_hz < SLOWEST_HZ:
        rate = HeartRate.none(
            f"the video has {seen.source_hz:.1f} frames a second; at least 5 are needed to see a "
            "heart rate"
        )
    elif method == "phasenet" and held_s < SHORTEST_S:
        rate = HeartRate.none(
            f"{held_s:.1f} s of the wave hold a pulse; at least {SHORTEST_S:g} s are needed, which "
            f"take {SHORTEST_S + seen.spent_s:g} s of video with a face (warm-up and delay of the "
            "network): record longer"
        )
    else:
        rate = heart_rate(
            wave,
            sample_hz=seen.sample_hz,
            source_hz=seen.source_hz,
            method=method,
            min_quality=min_quality,
            witnesses=[wave_of(seen, name) for name in WITNESSES] if method == "phasenet" else (),
        )
    if rate.reason == FLAT and method in COLOURED and _grey(seen.colour):
        rate = HeartRate.none(f"the video has no colour, which {method} needs; use --method green")
    rate, notes = one_person(
        _on_clock(rate, seen), ~np.isnan(seen.boxes).any(1), seen.times_s - seen.times_s[:1]
    )
    return Measurement(
        observation=seen,
        method=method,
        pulse=wave,
        rate=rate,
        notes=notes,
        variability=variability(wave, sample_hz=seen.sample_hz, rate=rate),
        respiration=respiration(wave, sample_hz=seen.sample_hz, rate=rate),
    )


def _grey(colour: Float[np.ndarray, "time 3"]) -> bool:
    known = colour[np.isfinite(colour).all(1)]
    return len(known) > 0 and bool(np.ptp(known, axis=1).max() < GREY)


def _on_clock(rate: HeartRate, seen: Observation) -> HeartRate:
    """Return a rate whose windows lie at the times of the video, where these jump."""
    step_s = 1 / seen.sample_hz
    if len(seen.times_s) < 2 or np.diff(seen.times_s).max() < 1.5 * step_s:
        return rate
    since_s = seen.times_s - seen.times_s[0]

    def moved(window: Window) -> Window:
        first, last = round(window.start_s / step_s), round(window.end_s / step_s) - 1
        return replace(window, start_s=float(since_s[first]), end_s=float(since_s[last]) + step_s)

    return replace(rate, windows=tuple(map(moved, rate.windows)))


def measure(
    video: Footage,
    *,
    times_s: Iterable[float] | None = None,
    sample_hz: float | None = None,
    method: str = "phasenet",
    weights: str | Path = "tiny",
    faces: FaceSource | None = None,
    device: str = "cpu",
    min_quality: float = MIN_QUALITY,
    fps: float | None = None,
) -> Measurement:
    """Measure the heart rate in a video: a file, an array of frames, or frames one by one.

    Frames are read once and not kept, so memory does not grow with the length of a video. Results
    count time from the first frame.

    Args:
        video: One of:

            - the path of any file that FFmpeg reads;
            - an array (numpy or torch) of RGB frames, ``(time, height, width, 3)`` in uint8;
            - an iterable of such frames, ``(height, width, 3)``; OpenCV gives BGR, so pass
              ``frame[..., ::-1]``;
            - a `Clip`.

            It must last 5 s. The network's warm-up and delay take 1.5 s more until there is a
            heart rate.
        times_s: Time of each frame in s, rising. For an array or an iterable.
        sample_hz: Frames per second, instead of times. For an array or an iterable.
        method: The network ``phasenet``, or one of seven methods without training: ``pos``,
            ``chrom``, ``green``, ``ica``, ``lgi``, ``pbv``, ``omit`` (`docs/classical.md`).
        weights: Name of shipped weights, ``tiny`` or ``base``, or a path.
        faces: A tracker, a `FixedBox`, or `WholeFrame` for frames that are face crops; none means
            a new tracker.
        device: Torch device of the network.
        min_quality: Probability of being within 3 bpm that a rate must have to be given.
        fps: Frames a second of the camera, in place of the file's own times.

    Raises:
        InputError: If the file cannot be read, or the video is too short.
        ParameterError: If there is no such method, or frames have neither times nor a rate.
        SamplingError: If times do not rise, or the rate is not positive.
        ShapeError: If frames have the wrong shape or type, or there is not one time for each.
        WeightsError: If there are no such weights.

    Example:
        >>> from pulsephase import WholeFrame, measure, preset, render
        >>> clip = render(2, preset("naive"))
        >>> result = measure(clip, method="pos", faces=WholeFrame())
        >>> abs(result.rate.bpm - float(clip.truth.heart_rate_bpm.mean())) < 3
        True
    """
    from pulsephase.video.faces import FaceTracker

    if method not in METHODS:
        raise ParameterError(f"no method {method!r}; there are {', '.join(METHODS)}")
    if not 0 <= min_quality <= 1:
        raise ParameterError(f"min_quality is {min_quality}; it is a probability, 0 to 1")
    net = PhaseNet.from_pretrained(weights).to(device)
    seen = observe(
        video,
        net=net,
        faces=FaceTracker() if faces is None else faces,
        times_s=times_s,
        sample_hz=sample_hz,
        fps=fps,
    )
    return read_out(seen, method, min_quality=min_quality)


def sample_columns(result: Measurement) -> dict[str, Float[np.ndarray, " time"]]:
    """Return the table of samples: time, pulse, quality, and face box in pixels.

    The quality of a sample is the best of the windows that hold it, NaN outside all windows.
    """
    seen = result.observation
    quality, since_s = np.full(len(seen.times_s), np.nan), seen.times_s - seen.times_s[:1]
    for window in result.rate.windows:  # to half a sample: a window ends where the next one begins
        edges = np.array([window.start_s, window.end_s]) - 0.5 / seen.sample_hz
        inside = slice(*np.searchsorted(since_s, edges))
        quality[inside] = np.fmax(quality[inside], window.quality)
    return {
        "time_s": seen.times_s,
        "pulse": result.pulse,
        "quality": quality,
        **{f"box_{name}": seen.boxes[:, i] for i, name in enumerate(("x", "y", "width", "height"))},
    }


def write_samples(path: Path, result: Measurement) -> None:
    """Write the table of samples to a .csv or .npz, whole or not at all.

    Raises:
        InputError: If a .csv cannot be written.
    """
    columns = sample_columns(result)
    if path.suffix != ".npz":
        write_csv(path, columns)
        return
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **columns)  # type: ignore[arg-type]  # no array is a flag
