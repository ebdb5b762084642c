"""Read one wave from a CSV or NPZ file, with its sampling rate."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from pulsephase.errors import InputError

TIMES = ("time_s", "time", "t", "seconds", "times_s")
WAVES = ("wave", "pulse", "ppg", "bvp", "value", "signal")
RATES = ("sample_hz", "fps", "fs", "rate_hz")
UNEVEN = 0.02  # of a step by which times may stray


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveFile:
    """A wave and its rate.

    Attributes:
        wave: The samples.
        sample_hz: Samples per second.
        column: The column or array it was read from.
    """

    wave: Float64[np.ndarray, " time"]
    sample_hz: float
    column: str


def read_wave(path: Path, *, column: str | None = None, sample_hz: float | None = None) -> WaveFile:
    """Read a wave from a file.

    Args:
        path: A ``.csv`` with a header (or bare numbers), or an ``.npz``.
        column: Name of the column or array; by default ``wave``, ``pulse``, ``ppg``, ... or the
            only one that is not the time.
        sample_hz: Samples per second; by default from a column of times or an array with the rate.

    Raises:
        InputError: If the file cannot be read, has no such column, or says no rate.
    """
    if not path.is_file():
        raise InputError(f"{path} is no file; name a .csv or .npz")
    columns = _npz(path) if path.suffix.lower() == ".npz" else _csv(path)
    name = _choose(path, columns, column)
    wave = columns[name]
    times = next((columns[key] for key in TIMES if key in columns and key != name), None)
    if sample_hz is None:
        sample_hz = _rate(path, columns, times, len(wave))
    if not sample_hz > 0:
        raise InputError(f"{path}: the rate is {sample_hz}; give --hz above 0")
    return WaveFile(wave=np.asarray(wave, dtype=np.float64), sample_hz=sample_hz, column=name)


def _choose(path: Path, columns: dict[str, Float64[np.ndarray, " _"]], column: str | None) -> str:
    if column is not None:
        if column not in columns:
            raise InputError(f"{path} has no column {column!r}; it has {', '.join(columns)}")
        return column
    for name in WAVES:
        if name in columns:
            return name
    others = [key for key in columns if key not in TIMES + RATES and columns[key].size > 1]
    if len(others) != 1:
        raise InputError(f"{path} has {', '.join(columns)}; choose one with --column")
    return others[0]


def _rate(
    path: Path,
    columns: dict[str, Float64[np.ndarray, " _"]],
    times: Float64[np.ndarray, " _"] | None,
    length: int,
) -> float:
    for key in RATES:
        if key in columns and columns[key].size == 1:
            return float(columns[key].ravel()[0])
    if times is None or len(times) != length or length < 3:
        raise InputError(f"{path} says no rate; give --hz, or a column time_s")
    steps = np.diff(times)
    step = float(np.median(steps))
    if not step > 0 or not np.abs(steps - step).max() <= UNEVEN * step:
        raise InputError(
            f"{path}: times are uneven (steps of {steps.min():.4g} to {steps.max():.4g} s): a gap? "
            "Fill or cut it, or give --hz"
        )
    return 1 / step


def _npz(path: Path) -> dict[str, Float64[np.ndarray, " _"]]:
    try:
        with np.load(path, allow_pickle=False) as data:
            found = {key: np.asarray(data[key]) for key in data.files}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as .npz ({error})") from None
    usable = {
        key: np.asarray(value, dtype=np.float64).ravel()
        for key, value in found.items()
        if value.ndim <= 1 and np.issubdtype(value.dtype, np.number)
    }
    if not usable:
        raise InputError(f"{path} holds no array of one axis")
    return usable


def _csv(path: Path) -> dict[str, Float64[np.ndarray, " _"]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = [line for line in csv.reader(stream) if line and not line[0].startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text ({error})") from None
    if len(lines) < 2:
        raise InputError(f"{path} holds {len(lines)} lines; a wave has many")
    header = [name.strip() for name in lines[0]]
    if all(_number(cell) is not None for cell in header):
        header = [str(place) for place in range(len(header))]
    else:
        lines = lines[1:]
    columns: dict[str, Float64[np.ndarray, " _"]] = {}
    for place, name in enumerate(header):
        values = [_number(line[place]) if place < len(line) else None for line in lines]
        if any(value is not None for value in values):
            columns[name] = np.array([np.nan if value is None else value for value in values])
    if not columns:
        raise InputError(f"{path} holds no column of numbers")
    return columns


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
