"""Blood, and the vessels between the heart and the facial skin, in numbers.

Every value is a `Quantity` with unit, plausible range and source. No source for a vessel's size was
verified for this package: sizes and speeds are orders of magnitude, named as assumptions. What is
derived from them (which vessels ring, and where) is therefore stated over ranges, not points.
"""

import math
from dataclasses import dataclass

from pulsephase.physics.door import positive, within
from pulsephase.physics.friction import Friction, hughes_lubliner
from pulsephase.physics.line import Line
from pulsephase.physics.quantity import Quantity

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
