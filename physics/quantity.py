"""A number with its unit, its plausible range and where it comes from; and the algebra of units.

Dimensions are exact: exponents of kilogram, metre and second as fractions, so that a formula can be
checked for homogeneity without a tolerance.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from pulsephase.errors import ParameterError

BASE = ("kg", "m", "s")
DERIVED = {"Pa": (1, -1, -2), "N": (1, 1, -2), "Hz": (0, 0, -1)}


@dataclass(frozen=True, slots=True)
class Dimension:
    """Exponents of mass, length and time.

    Example:
        >>> Dimension.parse("Pa s") / Dimension.parse("kg m^-3") == Dimension.parse("m^2 s^-1")
        True
        >>> Dimension.parse("m^2 s^-2") ** Fraction(1, 2)
        Dimension(mass=Fraction(0, 1), length=Fraction(1, 1), time=Fraction(-1, 1))
    """

    mass: Fraction
    length: Fraction
    time: Fraction

    @classmethod
    def parse(cls, unit: str) -> "Dimension":
        """Read a unit such as ``kg m^-3``, ``Pa s`` or ``1``.

        Raises:
            ParameterError: If a factor is not kg, m, s, Pa, N, Hz or 1.
        """
        total = [Fraction(0)] * 3
        for factor in unit.split():
            name, _, power = factor.partition("^")
            if name == "1":
                continue
            if name in BASE:
                exponents = tuple(int(name == base) for base in BASE)
            elif name in DERIVED:
                exponents = DERIVED[name]
            else:
                known = ", ".join((*BASE, *DERIVED, "1"))
                raise ParameterError(f"unit {unit!r} has the factor {name!r}; known: {known}")
            for axis, exponent in enumerate(exponents):
                total[axis] += exponent * Fraction(power or 1)
        return cls(*total)

    def __mul__(self, other: "Dimension") -> "Dimension":
        return Dimension(self.mass + other.mass, self.length + other.length, self.time + other.time)

    def __truediv__(self, other: "Dimension") -> "Dimension":
        return self * other ** Fraction(-1)

    def __pow__(self, power: Fraction | int) -> "Dimension":
        return Dimension(self.mass * power, self.length * power, self.time * power)

    def factor(self, *, kg: float, m: float, s: float) -> float:
        """Return what a value is multiplied by when the base units shrink by these factors."""
        return float(kg**self.mass * m**self.length * s**self.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A physical constant that says what it is worth and why.

    Attributes:
        name: What it is.
        value: In ``unit``.
        unit: SI, as `Dimension.parse` reads it.
        low: Smallest plausible value.
        high: Largest plausible value.
        source: Literature, or "assumption (nominal): ..." where no source could be verified.

    Raises:
        ParameterError: If the value is not finite or not within its range, or the unit is unknown.
    """

    name: str
    value: float
    unit: str
    low: float
    high: float
    source: str

    def __post_init__(self) -> None:
        Dimension.parse(self.unit)
        if not (math.isfinite(self.value) and self.low <= self.value <= self.high):
            raise ParameterError(
                f"{self.name} is {self.value:g} {self.unit}; "
                f"its plausible range is {self.low:g} to {self.high:g}"
            )
        if not self.source:
            raise ParameterError(f"{self.name} has no source; name one, or say 'assumption'")

    @property
    def dimension(self) -> Dimension:
        """The dimension of its unit."""
        return Dimension.parse(self.unit)
