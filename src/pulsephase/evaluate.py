"""Judge waves that somebody else computed: predictions and labels, no video."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.vitals import metrics
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.protocols import Metrics
from pulsephase.wave_files import UNEVEN, Waves

TOLERANCE_BPM = 3.0


def evaluate_waves(
    predictions: Waves,
    labels: Waves,
    *,
    convention: str = "strict",
    sample_hz: float | None = None,
    window_s: float | None = None,
    difference: bool = False,
    subjects: Mapping[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
    min_quality: float | None = None,
) -> tuple[dict[str, Any], Metrics]:
    """Compare predictions with labels clip by clip.

    Args:
        predictions: Waves of a method.
        labels: Contact waves of the same clips.
        convention: Whose arithmetic (`pulsephase.vitals.metrics`).
        sample_hz: Of both; none takes what the files say.
        window_s: Length of a window.
        difference: The waves are first differences.
        subjects: Who is in each clip.
        groups: Subgroup of each clip.
        min_quality: With one, rates of lower quality count as not given in ``coverage``.

    Returns:
        One row of results, and the metrics that it was made from.

    Raises:
        ParameterError: If a clip is in one file only, or has no subject or group.
        SamplingError: If no sampling rate is known, or the files' differ.
    """
    alone = sorted(predictions.clips.keys() ^ labels.clips.keys())
    if alone:
        where = "labels" if alone[0] in predictions.clips else "predictions"
        raise ParameterError(
            f"clip {alone[0]!r} is missing in the {where} ({len(alone)} clips are in one file "
            "only): give both the same names"
        )
    rate = _common_rate(predictions, labels, sample_hz)
    names = sorted(labels.clips)
    for name in names:
        if len(predictions.clips[name]) != len(labels.clips[name]):
            raise ShapeError(
                f"clip {name!r} has {len(predictions.clips[name])} predicted and "
                f"{len(labels.clips[name])} label samples; bring both to the same times"
            )
    found = metrics(
        [predictions.clips[name] for name in names],
        [labels.clips[name] for name in names],
        sample_hz=rate,
        convention=convention,
        window_s=window_s,
        subjects=_of_each(names, subjects, "subject"),
        groups=_of_each(names, groups, "group"),
        difference=difference,
    )
    errors = np.abs(found.scores.predicted_bpm - found.scores.label_bpm)
    coverage = 1.0
    if min_quality is not None:
        waves = [
            np.cumsum(predictions.clips[n]) if difference else predictions.clips[n] for n in names
        ]
        rates = [heart_rate(wave, sample_hz=rate, min_quality=min_quality).bpm for wave in waves]
        coverage = float(np.mean([each is not None for each in rates]))
    return {
        "convention": convention,
        "clips": found.waves,
        "rates": found.rates,
        "sample_hz": rate,
        "mae_bpm": found.mae.value,
        "rmse_bpm": found.rmse.value,
        "mape_percent": found.mape.value,
        "pearson": found.pearson.value,
        "snr_db": found.snr.value,
        "macc": found.macc.value,
        "within_3_bpm": float((errors < TOLERANCE_BPM).mean()),
        "coverage": coverage,
        "uncertainty": {
            name: {"standard_error": each.standard_error, "interval_95": each.interval}
            for name, each in (
                ("mae_bpm", found.mae),
                ("rmse_bpm", found.rmse),
                ("mape_percent", found.mape),
                ("pearson", found.pearson),
                ("snr_db", found.snr),
                ("macc", found.macc),
            )
        },
        "bland_altman": asdict(found.bland_altman),
        "by_subject": dict(found.by_subject) if subjects else {},
        "by_group": {name: group.mae.value for name, group in found.by_group.items()},
        "warnings": list(found.warnings),
    }, found


def empty_row(convention: str, *, sample_hz: float) -> dict[str, Any]:
    """Return a row of :func:`evaluate_waves` without numbers: no clip could be judged."""
    names = ("mae_bpm", "rmse_bpm", "mape_percent", "pearson", "snr_db", "macc")
    spread = {"standard_error": None, "interval_95": None}
    return {
        "convention": convention,
        "clips": 0,
        "rates": 0,
        "sample_hz": sample_hz,
        **dict.fromkeys(names),
        "within_3_bpm": None,
        "coverage": 0.0,
        "uncertainty": {name: dict(spread) for name in names},
        "bland_altman": {"bias": None, "lower": None, "upper": None},
        "by_subject": {},
        "by_group": {},
        "warnings": ["no clip could be judged"],
    }


def _common_rate(predictions: Waves, labels: Waves, sample_hz: float | None) -> float:
    told = {
        rate for rate in (sample_hz, predictions.sample_hz, labels.sample_hz) if rate is not None
    }
    if not told:
        raise SamplingError("no sampling rate is known: give --sample-hz, or a column time_s")
    if max(told) > min(told) * (1 + UNEVEN):
        raise SamplingError(
            f"sampling rates differ ({min(told):g} and {max(told):g} Hz): resample one first"
        )
    return sample_hz if sample_hz is not None else max(told)


def _of_each(names: list[str], table: Mapping[str, str] | None, word: str) -> list[str] | None:
    if table is None:
        return None
    for name in names:
        if name not in table:
            raise ParameterError(f"clip {name!r} has no {word}; name one for each clip")
    return [table[name] for name in names]
