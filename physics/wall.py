r"""The vessel wall: how pressure, area and volume go together, and what the wall adds to damping.

Elastic tube law (thin wall, plane stress), with :math:`A_0=\pi R_0^2`:

.. math:: p = p_0 + \frac{\sqrt\pi\,E\,h}{(1-\sigma^2)A_0}\left(\sqrt A-\sqrt{A_0}\right).

Its slope gives the compliance per length :math:`C_A = \mathrm dA/\mathrm dp` and, with the fluid's
inertia, the wave speed :math:`c^2 = A_0/(\rho\,C_A)`, the Moens-Korteweg speed (Moens 1878,
Korteweg 1878; the factor :math:`1-\sigma^2` after Bergel 1961).
"""

import math

from pulsephase.checks import not_negative, positive, within


def compliance_per_length(
    *, radius_m: float, wall_m: float, young_pa: float, poisson: float = 0.5
) -> float:
    r"""Return the area that a vessel gains with pressure, :math:`C_A`, in m^2/Pa.

    .. math:: C_A = \frac{2(1-\sigma^2)\,\pi R_0^3}{E\,h}.

    Args:
        radius_m: Inner radius at rest :math:`R_0` in m.
        wall_m: Wall thickness :math:`h` in m.
        young_pa: Incremental Young's modulus :math:`E` in Pa.
        poisson: Poisson's ratio :math:`\sigma`; 0.5 is incompressible.

    Raises:
        ParameterError: If a size or modulus is not positive, or ``poisson`` not within 0 to 0.5.
    """
    positive(radius_m=radius_m, wall_m=wall_m, young_pa=young_pa)
    within("poisson", poisson, 0.0, 0.5)
    return 2 * (1 - poisson**2) * math.pi * radius_m**3 / (young_pa * wall_m)


def moens_korteweg_speed(
    *,
    radius_m: float,
    wall_m: float,
    young_pa: float,
    density_kg_m3: float,
    poisson: float = 0.5,
) -> float:
    r"""Return the speed of the pressure wave, :math:`c`, in m/s.

    .. math:: c^2 = \frac{A_0}{\rho\,C_A} = \frac{E\,h}{2\rho R_0(1-\sigma^2)}.

    Raises:
        ParameterError: As `compliance_per_length`, and if the density is not positive.

    Example:
        >>> round(moens_korteweg_speed(radius_m=3e-3, wall_m=3e-4, young_pa=5e5,
        ...                            density_kg_m3=1060.0), 2)
        5.61
    """
    positive(density_kg_m3=density_kg_m3)
    compliance = compliance_per_length(
        radius_m=radius_m, wall_m=wall_m, young_pa=young_pa, poisson=poisson
    )
    return math.sqrt(math.pi * radius_m**2 / (density_kg_m3 * compliance))


def kelvin_voigt_damping(
    *, friction_per_s: float, natural_rad_s: float, relaxation_s: float
) -> float:
    r"""Return the damping ratio of a mode whose wall is viscous as well as elastic.

    With :math:`p = (a + \tau\,\dot a)/C_A` every mode obeys
    :math:`s^2 + (\alpha + \tau\omega_n^2)s + \omega_n^2 = 0`, hence

    .. math:: \zeta_n = \tfrac12\left(\frac{\alpha}{\omega_n} + \tau\,\omega_n\right).

    A constant :math:`\tau` is a poor model above a few Hz: its loss tangent :math:`\tau\omega`
    grows without limit. Calibrate it at the pulse frequency.

    Args:
        friction_per_s: Friction of the fluid :math:`\alpha` in 1/s.
        natural_rad_s: Undamped frequency of the mode :math:`\omega_n = c k_n` in rad/s.
        relaxation_s: Relaxation time of the wall :math:`\tau` in s.

    Raises:
        ParameterError: If the frequency is not positive or another value is negative.
    """
    positive(natural_rad_s=natural_rad_s)
    not_negative(friction_per_s=friction_per_s, relaxation_s=relaxation_s)
    return 0.5 * (friction_per_s / natural_rad_s + relaxation_s * natural_rad_s)


def leaky_mode(
    *, friction_per_s: float, leakage_per_s: float, elastic_rad_s: float = 0.0
) -> tuple[float, float]:
    r"""Return (sum of the poles with sign turned, their product) of a mode that leaks.

    Side branches that take :math:`g\,p` per length give, with :math:`\beta=g/C_A`,

    .. math:: s^2 + (\alpha+\beta)s + \alpha\beta + c^2k^2 = 0.

    At :math:`k=0` the discriminant is :math:`(\alpha-\beta)^2\ge0`: leakage alone never rings.

    Args:
        friction_per_s: :math:`\alpha` in 1/s.
        leakage_per_s: :math:`\beta` in 1/s.
        elastic_rad_s: :math:`ck` in rad/s.

    Returns:
        The coefficients of :math:`s` (1/s) and of 1 (1/s^2).

    Raises:
        ParameterError: If a value is negative or not finite.

    Example:
        >>> leaky_mode(friction_per_s=3.0, leakage_per_s=1.0)
        (4.0, 3.0)
    """
    not_negative(
        friction_per_s=friction_per_s, leakage_per_s=leakage_per_s, elastic_rad_s=elastic_rad_s
    )
    return (
        friction_per_s + leakage_per_s,
        friction_per_s * leakage_per_s + elastic_rad_s**2,
    )
