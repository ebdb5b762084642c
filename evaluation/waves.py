"""Judge waves that somebody else computed: predictions and labels from plain files, no video."""

import csv
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from pulsephase.errors import InputError, ParameterError, SamplingError, ShapeError
from pulsephase.vitals import metrics
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.metrics import Metrics

UNEVEN = 0.01  # relative change of the step that is still one sampling rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """The clips of one file.

    Attributes:
        clips: Wave of each clip, by name.
        sample_hz: Samples per second, where the file tells.
    """

    clips: Mapping[str, Float[np.ndarray, " time"]]
    sample_hz: float | None


def read_waves(path: Path) -> Waves:
    """Read a ``.npz`` or ``.csv`` of waves.

    Raises:
        InputError: If the file is missing, of another kind, empty, or holds what is no number.
        SamplingError: If its times do not rise evenly.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    if path.suffix == ".npz":
        found = Waves(clips=_read_npz(path), sample_hz=None)
    elif path.suffix == ".csv":
        found = _read_csv(path)
    else:
        raise InputError(f"{path.name} is no .npz or .csv: give waves in one of the two")
    if not found.clips:
        raise InputError(f"{path.name} holds no clip")
    return found


def _read_npz(path: Path) -> dict[str, Float[np.ndarray, " time"]]:
    try:
        with path.open("rb") as file, np.load(file) as held:
            return {name: held[name].astype(np.float64).ravel() for name in held.files}
    except (
        ValueError,
        OSError,
        EOFError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
    ) as error:  # what numpy raises for files that are none of its own
        raise InputError(f"{path.name} is damaged or no .npz of numbers ({error})") from None


def _rows_of(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows of a CSV that hold anything, with their numbers."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} is no CSV in UTF-8 ({error}); save it as one") from None


def _read_csv(path: Path) -> Waves:
    rows = _rows_of(path)
    if len(rows) < 2:
        raise InputError(f"{path.name} has no row below the names of its clips")
    names = [name.strip() for name in rows[0][1]]
    if len(set(names)) != len(names):
        raise InputError(f"{path.name} names a clip twice")
    columns: list[list[float]] = [[] for _ in names]
    ended: dict[str, int] = {}
    for number, row in rows[1:]:
        if len(row) > len(names):
            raise InputError(
                f"{path.name}, line {number}: {len(row)} cells below {len(names)} names; name each"
            )
        cells = [*row, *[""] * (len(names) - len(row))]
        for name, column, cell in zip(names, columns, cells, strict=True):
            if cell.strip() == "":
                ended.setdefault(name, number)
                continue
            if name in ended:
                raise InputError(
                    f"{path.name}, {name}: line {ended[name]} is empty, and line {number} is not; "
                    "a clip may end early, but has no gaps: fill them in first"
                )
            try:
                column.append(float(cell))
            except ValueError:
                raise InputError(
                    f"{path.name}, line {number}, {name}: {cell!r} is no number"
                ) from None
    waves = {name: np.array(column) for name, column in zip(names, columns, strict=True)}
    times = waves.pop("time_s", None)
    return Waves(clips=waves, sample_hz=None if times is None else _rate_of(times, path))


def _rate_of(times: Float[np.ndarray, " time"], path: Path) -> float:
    steps = np.diff(times)
    if len(steps) == 0 or not (steps > 0).all():
        raise SamplingError(f"{path.name}: time_s does not rise")
    middle = float(np.median(steps))
    if float(np.abs(steps - middle).max()) > UNEVEN * middle:
        raise SamplingError(
            f"{path.name}: time_s has steps of {steps.min():g} to {steps.max():g} s; "
            "resample to an even grid first"
        )
    return round(1 / middle, 6)  # times are rounded: 30 Hz must not become 30.000000000004


def read_table(path: Path) -> dict[str, str]:
    """Read a ``.csv`` of two columns, clip and its subject or group, with or without a heading.

    Raises:
        InputError: If the file is missing, or a row has not two columns.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    rows = _rows_of(path)
    for number, row in rows:
        if len(row) != 2:
            raise InputError(f"{path.name}, line {number}: {len(row)} columns; give clip,name")
    return {clip.strip(): name.strip() for _, (clip, name) in rows}


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
