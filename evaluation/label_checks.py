"""What is wrong with a label, with a video, and with the two together? One rule a line.

The waves are read by the package's own heart rate; the video's pulse by POS, which was fitted to
nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float

from pulsephase.errors import PulsePhaseError
from pulsephase.models.classical import pos
from pulsephase.video.datasets.recording import Label, at_times
from pulsephase.vitals.heart_rate import BAND_HZ, HeartRate, heart_rate
from pulsephase.vitals.signals import band_pass
from pulsephase.vitals.timing import Lag, find_lag

Kind = Literal["missing", "unreadable", "short", "faceless", "desynchronised", "label"]
SAMPLE_HZ = 30.0
LEAST_FACE = 0.9
LEAST_QUALITY = 0.5
"""Of the rate of a contact wave. Below that of a remote one: there is no motion or lamp in it, and
its strong harmonics count as noise in the calibration."""
SLACK_S = 0.5
"""How far label and video may begin or end apart."""
LONGEST_PAUSE_S = 2.5
"""Of a pause in the label, what is left: more than a window may miss, and no more than that."""
SLOWEST_HZ = 15.0
"""A pulse has harmonics; a label needs twice their rate."""
OFF_BPM = 10.0
"""A display this far from the rate of its own wave, in the median window, contradicts it."""
FINGER_S = 8 / 30
"""How far face and finger may lie apart: what a trainer aligns."""
SEARCH_S = 3.0
CLEARLY = 0.1
"""By how much a larger lag must correlate better, since a pulse agrees with itself a beat later."""
ALIKE = 0.5
"""Least correlation of the video's own pulse with the label that says anything about their lag."""

Facts = dict[str, float | int | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a recording."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the video shows: its frames' times, and on an even grid the face and its colour."""

    frames: int
    start_s: float
    end_s: float
    times_s: Float[np.ndarray, " time"]
    colour: Float[np.ndarray, "time 3"]

    @property
    def step_s(self) -> float:
        """Mean time between frames."""
        return (self.end_s - self.start_s) / max(self.frames - 1, 1)

    @property
    def face(self) -> Bool[np.ndarray, " time"]:
        """Where there is a face."""
        return np.asarray(np.isfinite(self.colour).all(1), dtype=bool)

    def facts(self) -> Facts:
        """Return what a check reports of it."""
        return {
            "frames": self.frames,
            "seconds": self.end_s - self.start_s + self.step_s,
            "face_share": float(self.face.mean()),
        }


def label_facts(label: Label) -> Facts:
    """Return what a check reports of a label."""
    shown = label.device_bpm
    known = shown is not None and bool((np.isfinite(shown) & (shown > 0)).any())
    rate = _rate(label)
    return {
        "label_seconds": float(label.times_s[-1] - label.times_s[0]),
        "label_hz": label.sample_hz,
        "timing": label.timing,
        "wave_bpm": rate.bpm,
        "device_bpm": float(np.nanmean(shown[shown > 0])) if shown is not None and known else None,
    }


def _rate(label: Label) -> HeartRate:
    wave = _even(label.wave, label)
    return heart_rate(wave, sample_hz=SAMPLE_HZ, min_quality=LEAST_QUALITY)


def _even(values: np.ndarray, label: Label) -> Float[np.ndarray, " time"]:
    """Return values of a label on an even grid over its own span, long pauses cut short."""
    steps = np.minimum(np.diff(label.times_s), LONGEST_PAUSE_S)
    times_s = np.concatenate([[0.0], np.cumsum(steps)])
    count = int(times_s[-1] * SAMPLE_HZ + 1e-6) + 1
    return at_times(values, times_s, np.arange(count) / SAMPLE_HZ)


def label_problems(label: Label, facts: Facts) -> Iterator[Problem]:
    """Yield what is wrong with a label by itself."""
    known = label.wave[np.isfinite(label.wave)]
    missing = 1 - len(known) / len(label.wave)
    if label.sample_hz < SLOWEST_HZ:
        yield Problem(kind="label", text=f"the label has {label.sample_hz:.1f} values a second")
    if missing > 1 - LEAST_FACE:
        yield Problem(kind="label", text=f"{100 * missing:.0f} % of the wave are no numbers")
    if label.still_s > 0:
        yield Problem(
            kind="label",
            text=f"the wave of the label stands still for {label.still_s:.1f} s: that is no pulse, "
            "and is left out",
        )
    if np.ptp(known) == 0:
        yield Problem(kind="label", text="the wave of the label is flat")
    elif facts["wave_bpm"] is None:
        yield Problem(kind="label", text="no heart rate stands out of the wave of the label")
    off_bpm = _display_off(label)
    if off_bpm is not None and abs(off_bpm) > OFF_BPM:
        yield Problem(
            kind="label",
            text=f"the device displayed {off_bpm:+.0f} bpm against the rate of its own wave; "
            "the wave is what counts",
        )


def _display_off(label: Label) -> float | None:
    """Return the display less the rate of the wave, in the median window."""
    if label.device_bpm is None:
        return None
    shown = _even(label.device_bpm, label)
    windows = _rate(label).windows
    off = []
    for window in windows:
        part = shown[round(window.start_s * SAMPLE_HZ) : round(window.end_s * SAMPLE_HZ)]
        part = part[np.isfinite(part) & (part > 0)]
        if window.bpm is not None and len(part):
            off.append(float(np.median(part)) - window.bpm)
    return float(np.median(off)) if off else None


def video_problems(seen: Seen, *, least_s: float) -> Iterator[Problem]:
    """Yield what is wrong with a video by itself."""
    seconds, share = seen.end_s - seen.start_s + seen.step_s, float(seen.face.mean())
    if seconds < least_s - seen.step_s / 2:
        yield Problem(kind="short", text=f"the video lasts {seconds:.1f} s, under {least_s:g} s")
    if share < LEAST_FACE:
        yield Problem(kind="faceless", text=f"a face in {100 * share:.0f} % of the time")


def apart(label: Label, seen: Seen) -> Iterator[Problem]:
    """Yield where label and video do not cover the same time."""
    for what, label_s, video_s in (
        ("begins", label.times_s[0], seen.start_s),
        ("ends", label.times_s[-1], seen.end_s),
    ):
        off_s = float(label_s - video_s)
        early = what == "begins" and off_s < 0  # a sensor that starts before the camera is fine
        if abs(off_s) > SLACK_S and not early:
            side = "after" if off_s > 0 else "before"
            text = f"the label {what} {abs(off_s):.1f} s {side} the video"
            yield Problem(kind="desynchronised", text=text)


def lag_of(label: Label, seen: Seen) -> tuple[float, float, list[Problem]] | None:
    """Return how late the label is against the pulse in the video, if both show one."""
    wave = at_times(label.wave, label.times_s, seen.times_s)
    both = seen.face & np.isfinite(wave)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], both, [False]]).astype(int)))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return None
    start, stop = max(runs.tolist(), key=lambda run: run[1] - run[0])
    most_s = min(SEARCH_S, (stop - start) / SAMPLE_HZ / 4)
    if most_s <= FINGER_S or np.ptp(wave[start:stop]) == 0:
        return None
    try:
        own = pos(torch.from_numpy(seen.colour[start:stop]), sample_hz=SAMPLE_HZ).double().numpy()
        first, second = (
            band_pass(part, sample_hz=SAMPLE_HZ, band_hz=BAND_HZ)
            for part in (own, wave[start:stop])
        )
        near = find_lag(first, second, sample_hz=SAMPLE_HZ, most_s=FINGER_S)
        far = find_lag(first, second, sample_hz=SAMPLE_HZ, most_s=most_s)
    except PulsePhaseError:
        return None  # too short, or flat: nothing to compare
    if far.correlation < ALIKE:
        return None
    if far.correlation <= _near_there(first, second, far, near) + CLEARLY:
        return near.seconds, near.correlation, []
    text = (
        f"the pulse of the label comes {far.seconds:+.2f} s after the one in the video "
        f"(correlation {far.correlation:.2f}, {near.correlation:.2f} within {FINGER_S:.2f} s)"
    )
    return far.seconds, far.correlation, [Problem(kind="desynchronised", text=text)]


def _near_there(
    first: Float[np.ndarray, " time"], second: Float[np.ndarray, " time"], far: Lag, near: Lag
) -> float:
    """Return the correlation at a small lag on the part of the video that the large lag used.

    A large lag leaves out seconds at one end of the video. If the video's pulse is disturbed there,
    that alone raises the correlation, and at a steady rate any whole number of beats will do. The
    comparison is fair only on the same samples of the video.
    """
    shift = round(far.seconds * SAMPLE_HZ)
    used = slice(max(0, -shift), len(first) - max(0, shift))
    there = find_lag(first[used], second[used], sample_hz=SAMPLE_HZ, most_s=FINGER_S)
    return max(near.correlation, there.correlation)
