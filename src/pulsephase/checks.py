"""Checks of arguments of public functions; each error names the value and what is allowed."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pulsephase.errors import ParameterError, SamplingError, ShapeError

USABLE_NYQUIST = 0.9  # of the source's; what lies above is half gone, or folded
NARROWEST_BAND_HZ = 0.5


def as_wave(name: str, values: Any, *, rank: int) -> NDArray[np.float64]:
    """Return waves as float64, from numpy, torch (on any device) or lists.

    Raises:
        ParameterError: If there is infinity in it.
        ShapeError: If the rank is wrong or there is no sample.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    wave = np.asarray(values, dtype=np.float64)
    if wave.ndim != rank or wave.size == 0:
        raise ShapeError(f"{name} has shape {wave.shape}; give {rank} dimension(s), none of them 0")
    if np.isinf(wave).any():
        raise ParameterError(f"{name} holds infinity; mark missing samples with NaN")
    return wave


FURTHEST_S = 1e10
"""A time further than 300 years from the first is none."""
LARGEST = 1e100
"""A sample beyond it is none: its square is no number."""
STILL_S = 0.5
FEWEST_STILL = 4


def still(wave: NDArray[np.floating[Any]], times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where a contact wave has one value for over half a second: a sensor that fell off.

    Example:
        >>> times_s = np.arange(60) / 30
        >>> wave = np.where(times_s < 1, np.sin(9 * times_s), 0.25)
        >>> still(wave, times_s).sum()
        np.int64(30)
    """
    edges = np.flatnonzero(np.diff(wave) != 0) + 1  # a NaN is no value, and differs from itself
    starts, stops = np.append(0, edges), np.append(edges, len(wave))
    long = times_s[stops - 1] - times_s[starts] > STILL_S
    long &= stops - starts >= FEWEST_STILL
    return np.repeat(long, stops - starts)


def check_rate(name: str, value: float) -> None:
    """Raise unless ``value`` is a positive, finite rate in Hz.

    Raises:
        SamplingError: If it is not.
    """
    if not (math.isfinite(value) and value > 0):
        raise SamplingError(f"{name} is {value}; it must be positive and finite, in Hz")


def check_duration(name: str, value: float, *, at_least: float) -> None:
    """Raise unless ``value`` is a finite time in s of at least ``at_least``.

    Raises:
        ParameterError: If it is not.
    """
    if not (math.isfinite(value) and value >= at_least):
        raise ParameterError(f"{name} is {value}; it must be finite and at least {at_least:g} s")


def usable_band(
    band_hz: tuple[float, float], *, sample_hz: float, source_hz: float | None
) -> tuple[tuple[float, float], float]:
    """Return the band that the source can carry, and the highest frequency that it can.

    Raises:
        SamplingError: If a rate is not positive, or no band at least 0.5 Hz wide is left.
    """
    check_rate("sample_hz", sample_hz)
    if source_hz is not None:
        check_rate("source_hz", source_hz)
    low, high = band_hz
    top = USABLE_NYQUIST * min(sample_hz, source_hz or sample_hz) / 2
    if not (math.isfinite(low) and math.isfinite(high) and 0 < low < high):
        raise SamplingError(f"band_hz is {band_hz}; give two rising, positive frequencies")
    if min(high, top) - low < NARROWEST_BAND_HZ:
        raise SamplingError(
            f"band_hz is {band_hz} and the source carries up to {top:g} Hz; "
            f"at least {NARROWEST_BAND_HZ:g} Hz must be left: widen the band or sample faster"
        )
    return (low, min(high, top)), top


def positive(**values: float) -> None:
    """Raise unless every named value is finite and above zero."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ParameterError(f"{name} is {value}; it must be finite and above 0")


def not_negative(**values: float) -> None:
    """Raise unless every named value is finite and at least zero."""
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise ParameterError(f"{name} is {value}; it must be finite and at least 0")


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise unless ``low <= value <= high`` (which a NaN is not)."""
    if not low <= value <= high:
        raise ParameterError(f"{name} is {value}; it must be between {low:g} and {high:g}")


def at_least(name: str, value: int, low: int) -> None:
    """Raise unless an integer is large enough."""
    if value < low:
        raise ParameterError(f"{name} is {value}; it must be at least {low}")


def finite(name: str, values: object) -> None:
    """Raise unless an array is non-empty and all of it is finite."""
    array = np.asarray(values)
    if array.size == 0:
        raise ShapeError(f"{name} is empty; give at least one value")
    if not np.isfinite(array).all():
        raise ParameterError(f"{name} holds a value that is not finite; remove it")
