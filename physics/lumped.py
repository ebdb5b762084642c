r"""A short line before a terminal bed, reduced to one oscillator with an explicit error.

The exact transfer of a line (resistance :math:`R`, inertance :math:`L_i`, compliance :math:`C_v`)
that ends in a bed (resistance :math:`R_p` beside a compliance :math:`C_t`) is :math:`H=1/D`,

.. math:: D = \cosh y + \frac{Z}{y}\sinh y\left(\frac1{R_p}+sC_t\right),\quad
          Z=R+sL_i,\; y^2=Z\,sC_v .

Keeping :math:`y^2` to first order (without :math:`sC_v R^2/6R_p`, small for :math:`R\ll R_p`)

.. math:: D_2 = 1+\frac Z{R_p}+Z\,sC,\quad C=C_t+\tfrac12C_v,\qquad
          \omega_0^2=\frac{1+R/R_p}{L_iC},\quad 2\zeta\omega_0=\frac R{L_i}+\frac1{R_pC}.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Complex128

from pulsephase.physics.door import finite, not_negative, positive, within
from pulsephase.physics.oscillator import Oscillator

PADE_RADIUS = 1.3  # where both denominators of the bound stay above zero: cosh r < 2, r^2 < 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminatedLine:
    """A line and the bed it feeds, as circuit elements.

    Attributes:
        resistance: Of the line (and what stands in series before the bed), in Pa s/m^3.
        inertance: Of the blood in the line, in kg/m^4.
        compliance: Of the line's wall, in m^3/Pa.
        bed_resistance: Of the bed, in Pa s/m^3.
        bed_compliance: Of the bed, in m^3/Pa.

    Raises:
        ParameterError: If a resistance of the bed, inertance or compliance is not positive, or the
            line's resistance or the bed's compliance negative.
    """

    resistance: float
    inertance: float
    compliance: float
    bed_resistance: float
    bed_compliance: float

    def __post_init__(self) -> None:
        positive(
            inertance=self.inertance,
            compliance=self.compliance,
            bed_resistance=self.bed_resistance,
        )
        not_negative(resistance=self.resistance, bed_compliance=self.bed_compliance)

    @property
    def lumped_compliance(self) -> float:
        r"""The compliance that the end feels, :math:`C_t+C_v/2`, in m^3/Pa."""
        return self.bed_compliance + self.compliance / 2

    def oscillator(self) -> Oscillator:
        """Return the oscillator of the reduction (always stable).

        Its constants are effective ones, to be identified: they are not those of a vessel.

        Example:
            >>> TerminatedLine(resistance=0.0, inertance=1.0, compliance=2.0,
            ...                bed_resistance=1.0, bed_compliance=0.0).oscillator()
            Oscillator(alpha_per_s=1.0, omega_rad_s=1.0)
        """
        total = self.lumped_compliance
        square = (1 + self.resistance / self.bed_resistance) / (self.inertance * total)
        rate = self.resistance / self.inertance + 1 / (self.bed_resistance * total)
        return Oscillator(alpha_per_s=rate, omega_rad_s=math.sqrt(square))


def terminated_transfer(
    segment: TerminatedLine, s: Complex[np.ndarray, " point"]
) -> Complex128[np.ndarray, " point"]:
    r"""Return pressure at the bed over pressure at the inlet, :math:`1/D`, exactly.

    Args:
        segment: The line and its bed.
        s: Complex frequencies in 1/s, off the poles.

    Raises:
        ParameterError: If a frequency is not finite.
        ShapeError: If ``s`` is empty.
    """
    finite("s", s)
    impedance = segment.resistance + s * segment.inertance
    y = np.sqrt(impedance * s * segment.compliance)
    ratio = np.where(y == 0, 1.0, np.sinh(y) / np.where(y == 0, 1.0, y))
    load = 1 / segment.bed_resistance + s * segment.bed_compliance
    return np.asarray(1 / (np.cosh(y) + impedance * ratio * load), dtype=np.complex128)


def lumped_transfer(
    segment: TerminatedLine, s: Complex[np.ndarray, " point"]
) -> Complex128[np.ndarray, " point"]:
    r"""Return the second-order reduction :math:`1/D_2` of `terminated_transfer`.

    Raises:
        ParameterError: If a frequency is not finite.
        ShapeError: If ``s`` is empty.
    """
    finite("s", s)
    impedance = segment.resistance + s * segment.inertance
    admittance = 1 / segment.bed_resistance + s * segment.lumped_compliance
    return np.asarray(1 / (1 + impedance * admittance), dtype=np.complex128)


def pade_error_bound(radius: float) -> float:
    r"""Bound :math:`|1/\cosh y - 1/(1+y^2/2)|` over the disc :math:`|y|\le r`.

    .. math:: \frac{\cosh r-1-r^2/2}{(1-r^2/2)(2-\cosh r)}

    from :math:`|\cosh y-1-y^2/2|\le\cosh r-1-r^2/2`, :math:`|\cosh y|\ge2-\cosh r` and
    :math:`|1+y^2/2|\ge1-r^2/2`: rigorous for an end without a bed. The excess of the hyperbolic
    cosine is summed as a series, so that a small radius loses no digits.

    Args:
        radius: :math:`r=|y|`, without unit, from 0 to 1.3.

    Raises:
        ParameterError: If the radius is out of that range.

    Example:
        >>> f"{pade_error_bound(0.5):.4f}"
        '0.0034'
    """
    within("radius", radius, 0.0, PADE_RADIUS)
    excess = math.fsum(radius ** (2 * j) / math.factorial(2 * j) for j in range(2, 14))
    return excess / ((1 - radius**2 / 2) * (2 - math.cosh(radius)))
