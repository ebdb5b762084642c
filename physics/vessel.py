"""Blood, and the vessels between the heart and the facial skin, in numbers.

Every value is a `Quantity` with unit, plausible range and source. No source for a vessel's size was
verified for this package: sizes and speeds are orders of magnitude, named as assumptions. What is
derived from them (which vessels ring, and where) is therefore stated over ranges, not points.

`Quantity` is a number with unit, range and source, and the algebra of units.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from pulsephase.checks import positive, within
from pulsephase.errors import ParameterError
from pulsephase.physics.friction import Friction, hughes_lubliner
from pulsephase.physics.line import Line

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


NOMINAL = "assumption (nominal): an order of magnitude, no source verified"

BLOOD_DENSITY = Quantity(
    name="blood density", value=1060.0, unit="kg m^-3", low=1040.0, high=1070.0, source=NOMINAL
)
BLOOD_VISCOSITY = Quantity(
    name="blood viscosity at high shear",
    value=3.5e-3,
    unit="Pa s",
    low=3.0e-3,
    high=5.0e-3,
    source=NOMINAL,
)
MEAN_PRESSURE = Quantity(
    name="mean arterial pressure", value=12e3, unit="Pa", low=9e3, high=15e3, source=NOMINAL
)
WALL_RELAXATION = Quantity(
    name="Kelvin-Voigt relaxation time of the wall",
    value=0.010,
    unit="s",
    low=0.001,
    high=0.020,
    source=NOMINAL,
)
PULSE_BAND_HZ = (0.7, 4.0)
KINEMATIC_VISCOSITY_M2_S = BLOOD_VISCOSITY.value / BLOOD_DENSITY.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Vessel:
    """A segment of vessel by its size and its wave speed.

    Attributes:
        name: What it is.
        radius_m: Inner radius in m.
        length_m: Length of the segment in m.
        speed_m_s: Speed of the pressure wave without friction in m/s.
        source: Where the numbers come from.

    Raises:
        ParameterError: If a number is not positive or out of its plausible range (radius 3 um to
            20 mm, length 0.1 mm to 1 m, speed 0.5 to 20 m/s).
    """

    name: str
    radius_m: float
    length_m: float
    speed_m_s: float
    source: str = NOMINAL

    def __post_init__(self) -> None:
        within("radius_m", self.radius_m, 3e-6, 20e-3)
        within("length_m", self.length_m, 1e-4, 1.0)
        within("speed_m_s", self.speed_m_s, 0.5, 20.0)

    def line(
        self,
        friction: Friction | None = None,
        *,
        viscosity_m2_s: float = KINEMATIC_VISCOSITY_M2_S,
    ) -> Line:
        """Return the transmission line of this vessel (Poiseuille friction unless told otherwise).

        Example:
            >>> round(FACIAL_ARTERY.line().mode(1).damping, 3)
            0.073
        """
        if friction is None:
            friction = hughes_lubliner(radius_m=self.radius_m, viscosity_m2_s=viscosity_m2_s)
        return Line(speed_m_s=self.speed_m_s, length_m=self.length_m, friction=friction)


HEART_TO_FACE = Vessel(name="aorta and carotid path", radius_m=3e-3, length_m=0.40, speed_m_s=6.0)
EXTERNAL_CAROTID = Vessel(name="external carotid", radius_m=2.2e-3, length_m=0.10, speed_m_s=7.0)
FACIAL_ARTERY = Vessel(name="facial artery", radius_m=1.2e-3, length_m=0.10, speed_m_s=8.0)
FACIAL_SMALL = Vessel(name="facial artery, small", radius_m=0.8e-3, length_m=0.10, speed_m_s=8.0)
SMALL_ARTERY = Vessel(name="small artery", radius_m=0.1e-3, length_m=0.01, speed_m_s=6.0)
ARTERIOLE = Vessel(name="arteriole", radius_m=20e-6, length_m=2e-3, speed_m_s=4.0)
PRECAPILLARY = Vessel(name="precapillary", radius_m=8e-6, length_m=0.5e-3, speed_m_s=3.0)
VESSELS = (
    HEART_TO_FACE,
    EXTERNAL_CAROTID,
    FACIAL_ARTERY,
    FACIAL_SMALL,
    SMALL_ARTERY,
    ARTERIOLE,
    PRECAPILLARY,
)


def smallest_stable_radius_m(
    *,
    sample_hz: float,
    profile_exponent: float = 2.0,
    viscosity_m2_s: float = KINEMATIC_VISCOSITY_M2_S,
) -> float:
    r"""Return the radius below which an explicit damping term diverges at this frame rate.

    The semi-implicit Euler step with explicit damping needs :math:`\alpha h < 2`, that is

    .. math:: R > \sqrt{(\zeta+2)\,\nu/f_s}.

    Args:
        sample_hz: Frames per second :math:`f_s`.
        profile_exponent: :math:`\zeta` of the velocity profile.
        viscosity_m2_s: :math:`\nu` in m^2/s.

    Raises:
        ParameterError: If a value is not positive.

    Example:
        >>> f"{1e3 * smallest_stable_radius_m(sample_hz=30.0):.3f} mm"
        '0.664 mm'
    """
    positive(sample_hz=sample_hz, profile_exponent=profile_exponent, viscosity_m2_s=viscosity_m2_s)
    return math.sqrt((profile_exponent + 2) * viscosity_m2_s / sample_hz)


def critical_radius_m(
    *, frequency_hz: float, viscosity_m2_s: float = KINEMATIC_VISCOSITY_M2_S
) -> float:
    r"""Return the radius at which an oscillator of this frequency would be critically damped.

    Solves :math:`8\nu/R^2 = 2\cdot2\pi f`: any smaller vessel is overdamped.

    Raises:
        ParameterError: If a value is not positive.
    """
    positive(frequency_hz=frequency_hz, viscosity_m2_s=viscosity_m2_s)
    return math.sqrt(8 * viscosity_m2_s / (4 * math.pi * frequency_hz))
