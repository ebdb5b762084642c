"""Waves, and tables of names, from plain files.

A ``.npz`` holds one array a clip, by name. A ``.csv`` has one column a clip, its name in the first
line; a first column ``time_s`` gives the sampling rate, and a short clip ends in empty cells.
"""

import csv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pulsephase.errors import InputError, SamplingError

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
