"""The result of a method on each clip, and on all of them: metrics, coverage, attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8

from pulsephase.evaluation.stretches import Cut, Stretch
from pulsephase.evaluation.waves import Waves, empty_row, evaluate_waves
from pulsephase.vitals.metrics import Metrics
from pulsephase.vitals.shown import dataframe, html_of, write_csv

if TYPE_CHECKING:
    from pandas import DataFrame


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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verdict:
    """A method on a source of clips under a convention.

    In a notebook it shows its row as a table. `to_dataframe` and `to_csv` give a row for each
    clip.

    Attributes:
        row: The results as plain data.
        metrics: What the row was made from; none where no clip has a rate.
        clips: Every clip that has one.
    """

    row: dict[str, Any]
    metrics: Metrics | None
    clips: tuple[Scored, ...]

    def __repr__(self) -> str:
        return f"Verdict({self._words()})"

    def _words(self) -> str:
        row = self.row
        name = ", ".join(str(row[key]) for key in ("method", "convention") if key in row)
        if self.metrics is None:
            return f"{name}: no clip has a rate"
        mae = self.metrics.mae
        return f"{name}: MAE {mae.value:.2f} bpm on {len(self.clips)} clips"

    def _repr_html_(self) -> str:
        plain = {
            key.replace("_", " "): f"{value:.4g}" if isinstance(value, float) else str(value)
            for key, value in self.row.items()
            if isinstance(value, str | int | float)
        }
        return html_of(self._words(), plain)

    def to_dataframe(self) -> "DataFrame":
        """Return a pandas data frame with a row for each clip.

        Raises:
            MissingExtraError: If pandas is not installed.
        """
        return dataframe(_clip_columns(self.clips))

    def to_csv(self, path: str | Path) -> Path:
        """Write a row for each clip as CSV, whole or not at all; return the path.

        Raises:
            InputError: If the file cannot be written.
        """
        return write_csv(path, _clip_columns(self.clips))


def _clip_columns(clips: Sequence[Scored]) -> dict[str, list[Any]]:
    """Return the table of clips: subject, mean rates and error of each, and its attributes."""
    names = sorted({name for each in clips for name in each.tried.attributes})
    return {
        "clip": [each.tried.name for each in clips],
        "subject": [each.tried.subject for each in clips],
        "predicted_bpm": [each.predicted_bpm for each in clips],
        "label_bpm": [each.label_bpm for each in clips],
        "mae_bpm": [each.mae_bpm for each in clips],
        **{name: [each.tried.attributes.get(name) for each in clips] for name in names},
    }


def worst(verdict: Verdict, count: int) -> list[Scored]:
    """Return the clips of largest error."""
    return sorted(verdict.clips, key=lambda each: (-each.mae_bpm, each.tried.name))[:count]


Kept = Mapping[str, tuple[Tried, tuple[Stretch, ...]]]
"""Clips that have a rate, by name, with the stretches that it was read from."""


def row_of(
    method: str,
    kept: Kept,
    sample_hz: float,
    convention: str,
    window_s: float | None,
) -> tuple[dict[str, Any], Metrics | None]:
    """Return the row of the metrics over all stretches, clips as their groups; or an empty one."""
    predictions, labels, subjects, groups = {}, {}, {}, {}
    for name, (each, parts) in kept.items():
        for index, part in enumerate(parts):
            key = f"{name}\n{index}"
            predictions[key], labels[key] = part.waves[method], part.label
            subjects[key], groups[key] = each.subject, name
    if not predictions:
        return empty_row(convention, sample_hz=sample_hz), None
    return evaluate_waves(
        Waves(clips=predictions, sample_hz=sample_hz),
        Waves(clips=labels, sample_hz=sample_hz),
        convention=convention,
        window_s=window_s,
        subjects=subjects,
        groups=groups,
    )


def scored_clips(kept: Kept, metrics: Metrics) -> list[Scored]:
    """Return the error and the mean rates of each clip."""
    found = []
    for name, (each, parts) in kept.items():
        scores = metrics.by_group[name].scores
        found.append(
            Scored(
                tried=each,
                stretches=parts,
                mae_bpm=float(np.abs(scores.predicted_bpm - scores.label_bpm).mean()),
                predicted_bpm=float(scores.predicted_bpm.mean()),
                label_bpm=float(scores.label_bpm.mean()),
            )
        )
    return found


def coverage(
    method: str,
    labelled: Sequence[Tried],
    kept: Kept,
    min_quality: float | None,
) -> float:
    """Return the share of labelled time that counts and, with a bar for quality, has a rate."""
    asked = sum(each.cut.labelled for each in labelled)
    given = sum(
        part.counted
        for each, parts in kept.values()
        if min_quality is None or each.answers[method]
        for part in parts
    )
    return given / asked if asked else 0.0


def by_attribute(scored: Sequence[Scored], metrics: Metrics | None) -> dict[str, float]:
    """Return the mean absolute error of each value of each attribute, over its rates."""
    errors: dict[str, list[Float[np.ndarray, " rates"]]] = {}
    for each in scored:
        assert metrics is not None
        scores = metrics.by_group[each.tried.name].scores
        for name, value in sorted(each.tried.attributes.items()):
            key = f"{name.replace('_', ' ')}: {value}"
            errors.setdefault(key, []).append(np.abs(scores.predicted_bpm - scores.label_bpm))
    return {key: float(np.concatenate(errors[key]).mean()) for key in sorted(errors)}


def against_device(scored: Sequence[Scored], sample_hz: float) -> dict[str, float | int] | None:
    """Return how the device's own reading stands to the method and to its wave, clip by clip."""
    rows = []
    for each in scored:
        device = each.tried.device_bpm
        if device is None:
            continue
        spans = [slice(part.start, part.start + len(part.label)) for part in each.stretches]
        shown = np.concatenate([device[span] for span in spans])
        shown = shown[np.isfinite(shown) & (shown > 0)]
        if len(shown):
            mean = float(shown.mean())
            rows.append((abs(each.predicted_bpm - mean), abs(each.label_bpm - mean)))
    if not rows:
        return None
    against, own = np.array(rows).mean(0)
    return {"clips": len(rows), "mae_bpm": float(against), "own_wave_mae_bpm": float(own)}


def without_pulse(method: str, silent: Sequence[Tried]) -> dict[str, float | int] | None:
    """Return how often a rate was given where there is no pulse at all, which is always wrong."""
    if not silent:
        return None
    answered = [each.answers[method] for each in silent]
    return {"clips": len(silent), "answered": float(np.mean(answered))}
