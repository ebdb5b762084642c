"""Methods on clips, under conventions: one row of results each, of the schema of plain files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from pulsephase.errors import ParameterError
from pulsephase.evaluate import Waves, empty_row, evaluate_waves
from pulsephase.experiments.evaluation.cases import Case, Cases
from pulsephase.experiments.evaluation.methods import Method
from pulsephase.experiments.evaluation.stretches import Cut, Stretch, cut, why_not
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.protocols import Metrics
from pulsephase.vitals.result import MIN_QUALITY


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


def evaluate(
    methods: Sequence[Method],
    cases: Cases,
    *,
    conventions: Sequence[str] = ("strict",),
    window_s: float | None = None,
    min_quality: float | None = None,
    pictures: bool = False,
    advance: Callable[[float], None] = lambda amount: None,
) -> list[Verdict]:
    """Run every method on every clip, one clip in memory at a time, and judge them alike.

    Args:
        methods: Networks and classical methods.
        cases: The clips.
        conventions: Whose arithmetic (`pulsephase.vitals.metrics`).
        window_s: Length of a window; none is the convention's own.
        min_quality: With one, clips whose rate has a lower quality count as not given in
            ``coverage``.
        pictures: Keep one frame a clip to be shown.
        advance: Told how many clips are done.

    Returns:
        One verdict for each method and convention, methods first.

    Raises:
        InputError: If there are no crops of a network's size, or a clip cannot be read.
        ParameterError: If there is no such convention, or two methods of one name.
        SamplingError: If a network reads another rate.
    """
    sizes = {method.name: method.size(cases) for method in methods}
    if len(sizes) != len(methods):
        raise ParameterError("two methods have one name; give each its own")
    tried = []
    for case in cases.read(sorted(set(sizes.values()))):
        waves = {
            method.name: method.wave(case, size=sizes[method.name], sample_hz=cases.sample_hz)
            for method in methods
        }
        tried.append(_tried(case, waves, methods, cases.sample_hz, min_quality, pictures))
        advance(1)
    return [
        _verdict(method.name, cases, tried, convention, window_s, min_quality)
        for method in methods
        for convention in conventions
    ]


def _tried(
    case: Case,
    waves: Mapping[str, Float[np.ndarray, " time"]],
    methods: Sequence[Method],
    sample_hz: float,
    min_quality: float | None,
    pictures: bool,
) -> Tried:
    found = cut(case, waves, sample_hz=sample_hz)
    answers = {}
    if min_quality is not None or not found.has_pulse:
        for method in methods:
            rate = heart_rate(
                np.where(found.counted, waves[method.name], np.nan),
                sample_hz=sample_hz,
                method=method.calibration,
                min_quality=MIN_QUALITY if min_quality is None else min_quality,
            )
            answers[method.name] = rate.bpm is not None
    return Tried(
        name=case.name,
        subject=case.subject,
        attributes=case.attributes,
        times_s=case.times_s,
        device_bpm=case.device_bpm,
        cut=found,
        answers=answers,
        picture=_picture(case) if pictures else None,
    )


def _picture(case: Case) -> UInt8[np.ndarray, "size size 3"]:
    """Return the frame in the middle of those with a face, or of all."""
    where = np.flatnonzero(case.face)
    index = int(where[len(where) // 2]) if len(where) else len(case.face) // 2
    frame = case.crops[max(case.crops)][index].transpose(1, 2, 0)
    if frame.dtype == np.uint8:
        return np.array(frame)
    return np.asarray((255 * frame + 0.5).clip(0, 255), dtype=np.uint8)


def _verdict(
    method: str,
    cases: Cases,
    tried: Sequence[Tried],
    convention: str,
    window_s: float | None,
    min_quality: float | None,
) -> Verdict:
    kept: dict[str, tuple[Tried, tuple[Stretch, ...]]] = {}
    unscored = []
    for each in tried:
        if not each.cut.has_pulse and each.cut.labelled:
            continue  # nothing to be right about: see `no_pulse`
        parts, reasons = [], [each.cut.reason] if each.cut.reason else []
        for part in each.cut.parts:
            why = why_not(
                part, method, sample_hz=cases.sample_hz, convention=convention, window_s=window_s
            )
            if why is None:
                parts.append(part)
            else:
                reasons.append(why)
        if parts:
            kept[each.name] = each, tuple(parts)
        else:
            unscored.append({"clip": each.name, "reason": reasons[0]})
    row, metrics = _row_of(method, kept, cases.sample_hz, convention, window_s)
    scored = [] if metrics is None else _scored(kept, metrics)
    labelled = [each for each in tried if each.cut.has_pulse or not each.cut.labelled]
    head = {"method": method, "dataset": cases.name}
    extra = {
        "part": cases.part,
        "clips": len(scored),
        "coverage": _coverage(method, labelled, kept, min_quality),
        "by_subject": {} if metrics is None else dict(metrics.by_subject),
        "by_group": _by_attribute(scored, metrics),
        "clips_asked": len(labelled),
        "unscored": unscored,
        "lost": [{"clip": name, "reason": reason} for name, reason in cases.lost.items()],
        "labelled_s": sum(each.cut.labelled for each in labelled) / cases.sample_hz,
        "without_face_s": sum(each.cut.faceless for each in labelled) / cases.sample_hz,
        "device": _device(scored, cases.sample_hz),
        "no_pulse": _no_pulse(method, tried),
    }
    return Verdict(row={**head, **row, **extra}, metrics=metrics, clips=tuple(scored))


def _row_of(
    method: str,
    kept: Mapping[str, tuple[Tried, tuple[Stretch, ...]]],
    sample_hz: float,
    convention: str,
    window_s: float | None,
) -> tuple[dict[str, Any], Metrics | None]:
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


def _scored(
    kept: Mapping[str, tuple[Tried, tuple[Stretch, ...]]], metrics: Metrics
) -> list[Scored]:
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


def _coverage(
    method: str,
    labelled: Sequence[Tried],
    kept: Mapping[str, tuple[Tried, tuple[Stretch, ...]]],
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


def _by_attribute(scored: Sequence[Scored], metrics: Metrics | None) -> dict[str, float]:
    """Return the mean absolute error of each value of each attribute, over its rates."""
    errors: dict[str, list[Float[np.ndarray, " rates"]]] = {}
    for each in scored:
        assert metrics is not None
        scores = metrics.by_group[each.tried.name].scores
        for name, value in sorted(each.tried.attributes.items()):
            key = f"{name.replace('_', ' ')}: {value}"
            errors.setdefault(key, []).append(np.abs(scores.predicted_bpm - scores.label_bpm))
    return {key: float(np.concatenate(errors[key]).mean()) for key in sorted(errors)}


def _device(scored: Sequence[Scored], sample_hz: float) -> dict[str, float | int] | None:
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


def _no_pulse(method: str, tried: Sequence[Tried]) -> dict[str, float | int] | None:
    """Return how often a rate was given where there is no pulse at all, which is always wrong."""
    silent = [each for each in tried if not each.cut.has_pulse and each.cut.labelled]
    if not silent:
        return None
    answered = [each.answers[method] for each in silent]
    return {"clips": len(silent), "answered": float(np.mean(answered))}


def worst(verdict: Verdict, count: int) -> list[Scored]:
    """Return the clips of largest error."""
    return sorted(verdict.clips, key=lambda each: (-each.mae_bpm, each.tried.name))[:count]
