"""What became of each clip, and of a method on all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from pulsephase.experiments.evaluation.stretches import Cut, Stretch
from pulsephase.vitals.protocols import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A clip after all methods were run on it; its frames are gone but for one to look at.

    Attributes:
        name: Of the clip.
        subject: Who is in it.
        attributes: Of the clip.
        times_s: Time of each sample.
        device_bpm: Of the contact device, or none.
        cut: What of it counts.
        answers: Of each method, whether `heart_rate` gives a rate for the samples that count.
        picture: A frame, or none where none may be shown.
    """

    name: str
    subject: str
    attributes: Mapping[str, str]
    times_s: Float[np.ndarray, " time"]
    device_bpm: Float[np.ndarray, " time"] | None
    cut: Cut
    answers: Mapping[str, bool]
    picture: UInt8[np.ndarray, "size size 3"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A clip under a method and a convention.

    Attributes:
        tried: The clip.
        stretches: Those that have a rate.
        mae_bpm: Mean absolute error over its rates.
        predicted_bpm: Mean of the method's rates.
        label_bpm: Mean of the contact wave's rates.
    """

    tried: Tried
    stretches: tuple[Stretch, ...]
    mae_bpm: float
    predicted_bpm: float
    label_bpm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A method on a source of clips under a convention.

    Attributes:
        row: The results as plain data.
        metrics: What the row was made from; none where no clip has a rate.
        clips: Every clip that has one.
    """

    row: dict[str, Any]
    metrics: Metrics | None
    clips: tuple[Scored, ...]


def worst(verdict: Verdict, count: int) -> list[Scored]:
    """Return the clips of largest error."""
    return sorted(verdict.clips, key=lambda each: (-each.mae_bpm, each.tried.name))[:count]
