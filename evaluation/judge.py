"""Methods on clips, under conventions: one row of results each, of the schema of plain files."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, UInt8

from pulsephase.errors import ParameterError
from pulsephase.evaluation.cases import Case, Cases
from pulsephase.evaluation.methods import Method
from pulsephase.evaluation.results import (
    Tried,
    Verdict,
    against_device,
    by_attribute,
    coverage,
    row_of,
    scored_clips,
    without_pulse,
)
from pulsephase.evaluation.stretches import Stretch, cut, why_not
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.result import MIN_QUALITY


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
    if min_quality is not None or found.flat:
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
    # a synthetic clip may have no pulse, and no rate is right; a flat wave of a device is a fault
    silent = [each for each in tried if cases.synthetic and each.cut.flat]
    labelled = [each for each in tried if not (cases.synthetic and each.cut.flat)]
    for each in labelled:
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
    row, metrics = row_of(method, kept, cases.sample_hz, convention, window_s)
    scored = [] if metrics is None else scored_clips(kept, metrics)
    head = {"method": method, "dataset": cases.name}
    extra = {
        "part": cases.part,
        "clips": len(scored),
        "coverage": coverage(method, labelled, kept, min_quality),
        "by_subject": {} if metrics is None else dict(metrics.by_subject),
        "by_group": by_attribute(scored, metrics),
        "clips_asked": len(labelled),
        "unscored": unscored,
        "lost": [{"clip": name, "reason": reason} for name, reason in cases.lost.items()],
        "labelled_s": sum(each.cut.labelled for each in labelled) / cases.sample_hz,
        "without_face_s": sum(each.cut.faceless for each in labelled) / cases.sample_hz,
        "device": against_device(scored, cases.sample_hz),
        "no_pulse": without_pulse(method, silent),
    }
    return Verdict(row={**head, **row, **extra}, metrics=metrics, clips=tuple(scored))
