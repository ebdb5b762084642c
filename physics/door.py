"""What the public functions of this room check at their door, in one place."""

import math

import numpy as np

from pulsephase.errors import ParameterError, ShapeError


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
