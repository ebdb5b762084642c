r"""What the fluid's viscosity does to a wave in a vessel: three laws, from rough to exact.

Each is a longitudinal impedance per :math:`\rho/A_0`, that is the :math:`Z` in
:math:`Z\,\hat Q = -(A_0/\rho)\,\hat p_x`:

============================  =================================================================
Hughes-Lubliner               :math:`s + \alpha`, :math:`\alpha = 2(\zeta+2)\nu/R^2`
low-Womersley                 :math:`\tfrac43 s + 8\nu/R^2`
Womersley (exact)             :math:`s\,I_0(\chi)/I_2(\chi)`, :math:`\chi = R\sqrt{s/\nu}`
============================  =================================================================

Hughes & Lubliner, Math. Biosci. 18 (1973) 161; Womersley, J. Physiol. 127 (1955) 553.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Complex128, Float64
from scipy.special import ive, jn_zeros

from pulsephase.checks import at_least, finite, not_negative, positive
from pulsephase.physics.oscillator import Oscillator

LOW_WOMERSLEY_INERTANCE = 4 / 3
SECANT_STEPS = 100
BESIDE = 1.0001  # the second point of the secant, over the first
SETTLED = 1e-14  # a step under this share of the point ends the search
SERIES_BELOW = 1e-4  # |s R^2/nu| under which the Bessel ratio is 0/0 and its series is exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Friction:
    r"""A law :math:`\kappa s + \alpha`: inertance :math:`\kappa` (1 is that of plug flow) and rate.

    Attributes:
        rate_per_s: :math:`\alpha` in 1/s.
        inertance: :math:`\kappa`, without unit.

    Raises:
        ParameterError: If the rate is negative or the inertance not positive.
    """

    rate_per_s: float
    inertance: float = 1.0

    def __post_init__(self) -> None:
        not_negative(rate_per_s=self.rate_per_s)
        positive(inertance=self.inertance)

    @property
    def damping_per_s(self) -> float:
        r"""The friction that the wave sees, :math:`\alpha/\kappa`, in 1/s."""
        return self.rate_per_s / self.inertance


def hughes_lubliner(
    *, radius_m: float, viscosity_m2_s: float, profile_exponent: float = 2.0
) -> Friction:
    r"""Return the friction of a power-law velocity profile.

    .. math:: v = U\,\tfrac{\zeta+2}{\zeta}\left[1-(r/R)^\zeta\right]
              \;\Rightarrow\; \alpha = 2(\zeta+2)\,\nu/R^2.

    Resistance is right at :math:`\zeta=2` (Poiseuille); the inertance is that of plug flow, which
    is wrong by a third when the Womersley number is small.

    Args:
        radius_m: :math:`R` in m.
        viscosity_m2_s: Kinematic viscosity :math:`\nu` in m^2/s.
        profile_exponent: :math:`\zeta`; 2 is a parabola, 9 is blunt.

    Raises:
        ParameterError: If a value is not positive.

    Example:
        >>> law = hughes_lubliner(radius_m=1e-3, viscosity_m2_s=3.3e-6)
        >>> round(law.rate_per_s, 6), law.inertance
        (26.4, 1.0)
    """
    positive(radius_m=radius_m, viscosity_m2_s=viscosity_m2_s, profile_exponent=profile_exponent)
    return Friction(rate_per_s=2 * (profile_exponent + 2) * viscosity_m2_s / radius_m**2)


def momentum_correction(profile_exponent: float) -> float:
    r"""Return :math:`\alpha_c = \int v^2/(AU^2) = (\zeta+2)/(\zeta+1)` of a power-law profile.

    It multiplies :math:`Q^2/A` and so drops out of every linear equation here.

    Example:
        >>> momentum_correction(2.0)
        1.3333333333333333
    """
    positive(profile_exponent=profile_exponent)
    return (profile_exponent + 2) / (profile_exponent + 1)


def low_womersley(*, radius_m: float, viscosity_m2_s: float) -> Friction:
    r"""Return the first two terms of Womersley's impedance, :math:`\tfrac43 s + 8\nu/R^2`.

    The wave then sees damping :math:`6\nu/R^2` and speed :math:`\sqrt{3/4}\,c`.

    Raises:
        ParameterError: If a value is not positive.
    """
    positive(radius_m=radius_m, viscosity_m2_s=viscosity_m2_s)
    return Friction(rate_per_s=8 * viscosity_m2_s / radius_m**2, inertance=LOW_WOMERSLEY_INERTANCE)


def womersley_number(*, radius_m: float, viscosity_m2_s: float, frequency_hz: float) -> float:
    r"""Return :math:`\mathrm{Wo} = R\sqrt{2\pi f/\nu}`.

    Raises:
        ParameterError: If a value is not positive.
    """
    positive(radius_m=radius_m, viscosity_m2_s=viscosity_m2_s, frequency_hz=frequency_hz)
    return radius_m * math.sqrt(2 * math.pi * frequency_hz / viscosity_m2_s)


def womersley_impedance(
    s: Complex[np.ndarray, " point"], *, radius_m: float, viscosity_m2_s: float
) -> Complex128[np.ndarray, " point"]:
    r"""Return Womersley's impedance in 1/s.

    .. math:: Z(s) = s\,\frac{I_0(\chi)}{I_2(\chi)},\qquad \chi=R\sqrt{s/\nu}.

    Exact for a long axisymmetric wave in a tube whose wall moves little. Scaled Bessel functions
    keep it finite at any frequency; below ``|sR^2/nu| = 1e-4`` its series
    :math:`8+\tfrac43X-\tfrac1{144}X^2` is exact to rounding.

    Args:
        s: Complex frequencies in 1/s, off the negative real axis (where its poles and zeros lie).
        radius_m: :math:`R` in m.
        viscosity_m2_s: :math:`\nu` in m^2/s.

    Raises:
        ParameterError: If a size is not positive or a frequency not finite.
        ShapeError: If ``s`` is empty.
    """
    positive(radius_m=radius_m, viscosity_m2_s=viscosity_m2_s)
    finite("s", s)
    unit = viscosity_m2_s / radius_m**2
    return unit * _impedance(np.asarray(s, dtype=np.complex128) / unit)


def _impedance(x: Complex128[np.ndarray, " point"]) -> Complex128[np.ndarray, " point"]:
    """Return X I0(sqrt X)/I2(sqrt X)."""
    small = np.abs(x) < SERIES_BELOW
    root = np.sqrt(np.where(small, 1.0, x))
    ratio = np.where(small, 1.0, x) * ive(0, root) / ive(2, root)
    series = 8 + LOW_WOMERSLEY_INERTANCE * x - x**2 / 144
    return np.asarray(np.where(small, series, ratio), dtype=np.complex128)


def womersley_relaxation(
    count: int, *, radius_m: float, viscosity_m2_s: float
) -> tuple[Float64[np.ndarray, " count"], Float64[np.ndarray, " count"]]:
    r"""Return weights and rates of Womersley's admittance as a sum of exponentials.

    .. math:: \frac1s\frac{I_2(\chi)}{I_0(\chi)}
              = \sum_n \frac{4/j_n^2}{s+\nu j_n^2/R^2},\qquad J_0(j_n)=0.

    The sum is infinite: the exact one-dimensional law is not of second order. The weights sum to 1.

    Args:
        count: Terms.
        radius_m: :math:`R` in m.
        viscosity_m2_s: :math:`\nu` in m^2/s.

    Returns:
        Weights (without unit) and rates (1/s).

    Raises:
        ParameterError: If a size is not positive or ``count`` is below 1.
    """
    positive(radius_m=radius_m, viscosity_m2_s=viscosity_m2_s)
    at_least("count", count, 1)
    zeros = np.asarray(jn_zeros(0, count), dtype=np.float64)
    return 4 / zeros**2, viscosity_m2_s / radius_m**2 * zeros**2


def modal_pole(friction: Friction, *, natural_rad_s: float) -> complex:
    r"""Return the slow pole of :math:`\kappa s^2+\alpha s+\omega^2`, the upper one of a pair.

    Raises:
        ParameterError: If the frequency is not positive.

    Example:
        >>> modal_pole(Friction(rate_per_s=2.0), natural_rad_s=1.0)
        (-1+0j)
    """
    positive(natural_rad_s=natural_rad_s)
    mode = Oscillator(
        alpha_per_s=friction.damping_per_s,
        omega_rad_s=natural_rad_s / math.sqrt(friction.inertance),
    )
    return mode.poles_per_s[0]


def womersley_modal_pole(
    *, radius_m: float, viscosity_m2_s: float, natural_rad_s: float
) -> complex:
    r"""Return the dominant pole of a mode under Womersley's exact friction, in 1/s.

    Solves :math:`s\,Z(s) + \omega_n^2 = 0` by the secant method from the low-Womersley pole.

    Args:
        radius_m: :math:`R` in m.
        viscosity_m2_s: :math:`\nu` in m^2/s.
        natural_rad_s: :math:`\omega_n = c k_n` in rad/s, of the frictionless wave.

    Raises:
        ParameterError: If a value is not positive.
    """
    positive(radius_m=radius_m, viscosity_m2_s=viscosity_m2_s, natural_rad_s=natural_rad_s)
    unit = viscosity_m2_s / radius_m**2
    width = natural_rad_s / unit
    law = Friction(rate_per_s=8.0, inertance=LOW_WOMERSLEY_INERTANCE)
    start = modal_pole(law, natural_rad_s=width)

    def equation(x: complex) -> complex:
        return x * complex(_impedance(np.array([x]))[0]) + width**2

    return _secant(equation, start) * unit


def _secant(equation: Callable[[complex], complex], start: complex) -> complex:
    """Return a complex root near ``start``."""
    x, y = start, equation(start)
    before = start * BESIDE
    value = equation(before)
    for _ in range(SECANT_STEPS):
        if y == value:
            break
        step = y * (x - before) / (y - value)
        before, value = x, y
        x = x - step
        y = equation(x)
        if abs(step / x) <= SETTLED:
            break
    return x


def damping_ratio(pole: complex) -> float:
    r"""Return :math:`\zeta = -\mathrm{Re}\,s/|s|` of an upper pole (1 for a real one).

    Raises:
        ParameterError: If the pole is 0, which has none, or not finite.
    """
    positive(size_of_pole=abs(pole))
    return -pole.real / abs(pole)
