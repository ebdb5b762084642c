r"""The compliant line: pressure along a vessel, with friction and leakage.

.. math:: \kappa\,p_{tt} + (\alpha + \kappa\beta)\,p_t + \alpha\beta\,p = c^2\,p_{xx},
          \qquad \gamma^2(s) = (\kappa s+\alpha)(s+\beta)/c^2 .

With :math:`\kappa=1`, :math:`\beta=0` it is the telegraph equation
:math:`p_{tt}+\alpha p_t = c^2 p_{xx}`. What stands at its far end decides what it does: a closed
end gives modes (`pulsephase.physics.modal`), a terminal bed a lumped circuit
(`pulsephase.physics.modal`), a matched end no oscillator at all (`pulsephase.physics.modal`).
"""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Complex, Complex128

from pulsephase.checks import at_least, finite, not_negative, positive, within
from pulsephase.physics.friction import Friction
from pulsephase.physics.oscillator import Oscillator


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    r"""A uniform segment of vessel.

    Attributes:
        speed_m_s: Wave speed :math:`c` without friction, in m/s.
        length_m: :math:`L` in m.
        friction: :math:`\kappa s + \alpha`.
        leakage_per_s: :math:`\beta = g/C_A` of side branches, in 1/s.

    Raises:
        ParameterError: If speed or length is not positive or the leakage negative.
    """

    speed_m_s: float
    length_m: float
    friction: Friction = field(default_factory=lambda: Friction(rate_per_s=0.0))
    leakage_per_s: float = 0.0

    def __post_init__(self) -> None:
        positive(speed_m_s=self.speed_m_s, length_m=self.length_m)
        not_negative(leakage_per_s=self.leakage_per_s)

    @property
    def wave_speed_m_s(self) -> float:
        r"""Speed of the front, :math:`c/\sqrt\kappa`, in m/s."""
        return self.speed_m_s / math.sqrt(self.friction.inertance)

    @property
    def damping_per_s(self) -> float:
        r"""Friction that the wave sees, :math:`\alpha/\kappa`, in 1/s."""
        return self.friction.damping_per_s

    def wavenumber_per_m(self, mode: int) -> float:
        r"""Return :math:`k_n = (n-\tfrac12)\pi/L` of an end that is driven and one that is closed.

        Raises:
            ParameterError: If ``mode`` is below 1.
        """
        at_least("mode", mode, 1)
        return (mode - 0.5) * math.pi / self.length_m

    def natural_rad_s(self, mode: int) -> float:
        r"""Return :math:`\omega_n = c\,k_n/\sqrt\kappa` in rad/s."""
        return self.wave_speed_m_s * self.wavenumber_per_m(mode)

    def mode(self, mode: int) -> Oscillator:
        r"""Return a mode as the oscillator that it is.

        .. math:: s^2 + \left(\frac\alpha\kappa+\beta\right)s
                  + \frac{\alpha\beta}\kappa + \omega_n^2 = 0.

        Raises:
            ParameterError: If ``mode`` is below 1.

        Example:
            >>> line = Line(speed_m_s=6.0, length_m=0.4, friction=Friction(rate_per_s=3.0))
            >>> round(line.mode(1).natural_hz, 2), line.mode(1).rings
            (3.75, True)
        """
        square = self.natural_rad_s(mode) ** 2 + self.damping_per_s * self.leakage_per_s
        return Oscillator(
            alpha_per_s=self.damping_per_s + self.leakage_per_s, omega_rad_s=math.sqrt(square)
        )


def propagation_squared(
    line: Line, s: Complex[np.ndarray, " point"]
) -> Complex128[np.ndarray, " point"]:
    r"""Return :math:`\gamma^2(s)` in 1/m^2.

    Args:
        line: The segment.
        s: Complex frequencies in 1/s.

    Raises:
        ParameterError: If a frequency is not finite.
        ShapeError: If ``s`` is empty.
    """
    finite("s", s)
    drag = line.friction.inertance * s + line.friction.rate_per_s
    return np.asarray(drag * (s + line.leakage_per_s) / line.speed_m_s**2, dtype=np.complex128)


def closed_end_transfer(
    line: Line, s: Complex[np.ndarray, " point"], *, position_m: float
) -> Complex128[np.ndarray, " point"]:
    r"""Return pressure at a point over pressure at the inlet, with no flow through the far end.

    .. math:: H(s) = \frac{\cosh\gamma(L-x)}{\cosh\gamma L},\qquad p(0)=p_\mathrm{in},\; p_x(L)=0.

    Exact. Written in decaying exponentials, so that a long or lossy line does not overflow.

    Args:
        line: The segment.
        s: Complex frequencies in 1/s, off the poles.
        position_m: :math:`x` in m, from 0 to the length.

    Raises:
        ParameterError: If the position is not on the line or a frequency is not finite.
        ShapeError: If ``s`` is empty.

    Example:
        >>> line = Line(speed_m_s=6.0, length_m=0.4, friction=Friction(rate_per_s=3.0))
        >>> closed_end_transfer(line, np.array([0j]), position_m=0.4)
        array([1.+0.j])
    """
    within("position_m", position_m, 0.0, line.length_m)
    gamma = np.sqrt(propagation_squared(line, s))
    back = np.exp(-2 * gamma * (line.length_m - position_m))
    there = np.exp(-gamma * position_m)
    return np.asarray(there * (1 + back) / (1 + np.exp(-2 * gamma * line.length_m)))
