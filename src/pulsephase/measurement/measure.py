"""From a video to a heart rate: one pass over the footage, then any method on what it saw."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from pulsephase.errors import ParameterError
from pulsephase.files import whole_file
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
from pulsephase.vitals.variability import Variability, variability
from pulsephase.vitals.windows import SHORTEST_S

METHODS = ("phasenet", *CLASSICAL)
NO_FACE = (
    f"no face was found in any frame: its side must be {100 * SMALLEST:g} % of the frame's shorter "
    f"one ({100 * FINE_SMALLEST:g} % from {LARGE} pixels on); name its place by --box X,Y,W,H, or "
    "--box full where all is skin"
)
FLAT = "the pulse is flat"
COLOURED = tuple(name for name in CLASSICAL if name != "green")
GREY = 2e-3  # half a step of 8 bits: the largest difference of the colours of a grey video
SLOWEST_HZ = 4.95  # below 5 frames a second (to a hundredth) half of all heart rates fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A heart rate, and what else the beats tell, with the wave it was read from."""

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
    path: str | Path,
    *,
    method: str = "phasenet",
    weights: str | Path = "tiny",
    faces: FaceSource | None = None,
    device: str = "cpu",
    min_quality: float = MIN_QUALITY,
    fps: float | None = None,
) -> Measurement:
    """Measure the heart rate in a video.

    Args:
        path: Any file that FFmpeg reads, at least 5 s long; the network's warm-up and delay take
            1.5 s more until there is a heart rate.
        method: ``phasenet``, ``pos``, ``chrom`` or ``green``.
        weights: Name of shipped weights, or a path.
        faces: A tracker or a fixed box; none means a new tracker.
        device: Torch device of the network.
        min_quality: Probability of being within 3 bpm that a rate must have to be given.
        fps: Frames a second of the camera, in place of the file's own times.

    Raises:
        InputError: If the file cannot be read or is too short.
        ParameterError: If there is no such method.
        WeightsError: If there are no such weights.
    """
    from pulsephase.video.faces import FaceTracker

    if method not in METHODS:
        raise ParameterError(f"no method {method!r}; there are {', '.join(METHODS)}")
    net = PhaseNet.from_pretrained(weights).to(device)
    seen = observe(path, net=net, faces=FaceTracker() if faces is None else faces, fps=fps)
    return read_out(seen, method, min_quality=min_quality)


def write_samples(path: Path, result: Measurement) -> None:
    """Write time, pulse, quality and box of each sample to a .csv or .npz, whole or not at all.

    The quality of a sample is the best of the windows that hold it, NaN outside all windows.
    """
    seen = result.observation
    quality, since_s = np.full(len(seen.times_s), np.nan), seen.times_s - seen.times_s[:1]
    for window in result.rate.windows:  # to half a sample: a window ends where the next one begins
        edges = np.array([window.start_s, window.end_s]) - 0.5 / seen.sample_hz
        inside = slice(*np.searchsorted(since_s, edges))
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
