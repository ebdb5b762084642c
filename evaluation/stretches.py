"""Which samples of a clip count, the same for every method of a table.

A sample counts where a face was found, a contact wave is known and every method has a pulse: so
warm-up, the end that a known delay costs, and faces that were lost are left out for all alike. A
method that has no pulse anywhere in a clip is not asked: it takes the clip from itself alone.
Gaps of at most 0.5 s are bridged by a straight line and still do not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

from pulsephase.checks import still
from pulsephase.errors import ParameterError, SamplingError
from pulsephase.evaluation.cases import Case
from pulsephase.vitals.heart_rate import FLAT
from pulsephase.vitals.metrics import metrics
from pulsephase.vitals.windows import LONGEST_GAP_S, SHORTEST_S, stretches


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a clip without a long gap.

    Attributes:
        start: Index of its first sample in the clip.
        counted: Samples of it that count.
        label: Contact wave.
        waves: Of each method.
    """

    start: int
    counted: int
    label: Float[np.ndarray, " time"]
    waves: Mapping[str, Float[np.ndarray, " time"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A clip after what does not count is left out.

    Attributes:
        labelled: Samples with a contact wave.
        faceless: Samples of these without a face.
        counted: The samples that count.
        flat: Whether the contact wave is a flat line, as of a synthetic clip without a pulse.
        parts: Its stretches of at least 5 s.
        reason: Why there is none.
    """

    labelled: int
    faceless: int
    counted: Bool[np.ndarray, " time"]
    flat: bool
    parts: tuple[Stretch, ...]
    reason: str | None


def cut(case: Case, waves: Mapping[str, Float[np.ndarray, " time"]], *, sample_hz: float) -> Cut:
    """Leave out what does not count, and part the rest at long gaps."""
    labelled = np.isfinite(case.label)
    stands = still(case.label, case.times_s) & labelled
    if not stands[labelled].all():  # a wave that is flat all over has no pulse, and says so
        labelled &= ~stands
    known = labelled & case.face
    speaking = {name: wave for name, wave in waves.items() if np.isfinite(wave[known]).any()}
    for wave in speaking.values():
        known = known & np.isfinite(wave)
    if not speaking:
        known = np.zeros_like(known)
    long_gap, enough = round(LONGEST_GAP_S * sample_hz), round(SHORTEST_S * sample_hz)
    spans = _spans(known, case.times_s, long_gap, sample_hz) if known.any() else []
    parts = [
        _stretch(case, speaking, known, start, stop)
        for start, stop in spans
        if stop - start >= enough
    ]
    return Cut(
        labelled=int(labelled.sum()),
        faceless=int((labelled & ~case.face).sum()),
        counted=known,
        flat=bool(labelled.any()) and _flat(case.label[labelled]),
        parts=tuple(parts),
        reason=None if parts else _reason(case, known, labelled),
    )


def _spans(
    known: Bool[np.ndarray, " time"],
    times_s: Float[np.ndarray, " time"],
    long_gap: int,
    sample_hz: float,
) -> list[tuple[int, int]]:
    """Return the runs of known samples, parted also where time leaps: frames were missing."""
    leaps = np.flatnonzero(np.diff(times_s) * sample_hz > 1.5) + 1
    found = []
    for start, stop in stretches(known, long_gap):
        ends = [start, *(int(at) for at in leaps if start < at < stop), stop]
        found += list(pairwise(ends))
    return found


def _reason(
    case: Case, known: Bool[np.ndarray, " time"], labelled: Bool[np.ndarray, " time"]
) -> str:
    if not labelled.any():
        return "no contact wave"
    if not case.face.any():
        return "no face was found in any frame"
    if not known.any():
        return "no sample counts: warm-up, lost faces and missing labels leave none"
    return f"no {SHORTEST_S:g} s in one piece count"


def _stretch(
    case: Case,
    waves: Mapping[str, Float[np.ndarray, " time"]],
    known: Bool[np.ndarray, " time"],
    start: int,
    stop: int,
) -> Stretch:
    here = known[start:stop]
    at, where = np.arange(stop - start), np.flatnonzero(here)
    return Stretch(
        start=start,
        counted=int(here.sum()),
        label=np.interp(at, where, case.label[start:stop][here]),
        waves={name: np.interp(at, where, wave[start:stop][here]) for name, wave in waves.items()},
    )


def _flat(wave: Float[np.ndarray, " time"]) -> bool:
    return bool(np.ptp(wave) <= FLAT * np.abs(wave).max())


def why_not(
    stretch: Stretch, method: str, *, sample_hz: float, convention: str, window_s: float | None
) -> str | None:
    """Say why a stretch has no rate of a method under a convention, or nothing where it has one."""
    if method not in stretch.waves:
        return f"{method} has no wave"
    try:
        metrics(
            [stretch.waves[method]],
            [stretch.label],
            sample_hz=sample_hz,
            convention=convention,
            window_s=window_s,
        )
    except (ParameterError, SamplingError) as error:
        return str(error).replace("predictions[0]", "the wave").replace("labels[0]", "the label")
    return None
