r"""The forced, damped oscillator of the derivation, in continuous time.

.. math:: \ddot z + \alpha\,\dot z + \omega^2 z = u(t),
          \qquad p^2 + \alpha p + \omega^2 = 0 .

It is an effective law of a lumped vessel or of one spatial mode: :math:`\omega` is that of the
vessel, not the heart rate, which stands in the forcing :math:`u`. Vessels as small as those of the
skin are overdamped: two real poles, nothing that rings.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex128, Float, Float64

from pulsephase.checks import finite, not_negative, positive
from pulsephase.physics.holds import impulse_response


@dataclass(frozen=True, slots=True, kw_only=True)
class Oscillator:
    r"""One damped mode, :math:`\ddot z + \alpha\dot z + \omega^2 z = u`.

    Attributes:
        alpha_per_s: Damping rate :math:`\alpha` in 1/s; 0 rings for ever.
        omega_rad_s: Undamped angular frequency :math:`\omega` in rad/s.

    Raises:
        ParameterError: If the damping is negative or the frequency not positive, or not finite.

    Example:
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.3)
        >>> round(mode.natural_hz, 12), round(mode.damping, 12), mode.rings
        (1.2, 0.3, True)
    """

    alpha_per_s: float
    omega_rad_s: float

    def __post_init__(self) -> None:
        not_negative(alpha_per_s=self.alpha_per_s)
        positive(omega_rad_s=self.omega_rad_s)

    @classmethod
    def from_natural_hz(cls, natural_hz: float, *, damping: float) -> "Oscillator":
        r"""Return the oscillator of :math:`\omega = 2\pi f_0`, :math:`\alpha = 2\zeta\omega`.

        Args:
            natural_hz: Undamped frequency :math:`f_0` in Hz.
            damping: Ratio :math:`\zeta`; below 1 rings, 1 is critical, above 1 creeps.

        Raises:
            ParameterError: If the frequency is not positive or the damping negative.
        """
        positive(natural_hz=natural_hz)
        not_negative(damping=damping)
        omega = 2 * math.pi * natural_hz
        return cls(alpha_per_s=2 * damping * omega, omega_rad_s=omega)

    @classmethod
    def from_rates(cls, *, fast_per_s: float, slow_per_s: float) -> "Oscillator":
        r"""Return the overdamped (or critical) oscillator with real poles at minus the two rates.

        .. math:: \alpha = r_f + r_s, \qquad \omega^2 = r_f\,r_s .

        Raises:
            ParameterError: If a rate is not positive.
        """
        positive(fast_per_s=fast_per_s, slow_per_s=slow_per_s)
        return cls(
            alpha_per_s=fast_per_s + slow_per_s, omega_rad_s=math.sqrt(fast_per_s * slow_per_s)
        )

    @property
    def natural_hz(self) -> float:
        r"""Undamped frequency :math:`f_0 = \omega/2\pi` in Hz."""
        return self.omega_rad_s / (2 * math.pi)

    @property
    def damping(self) -> float:
        r"""Damping ratio :math:`\zeta = \alpha/2\omega`."""
        return self.alpha_per_s / (2 * self.omega_rad_s)

    @property
    def rings(self) -> bool:
        r"""Whether the poles are a complex pair, :math:`\zeta < 1`."""
        return self.damping < 1

    @property
    def poles_per_s(self) -> tuple[complex, complex]:
        r"""The two poles in 1/s: positive frequency first, or the slow real pole first.

        .. math:: p = -\tfrac\alpha2 \pm \sqrt{\tfrac{\alpha^2}4-\omega^2},\qquad
                  p_\mathrm{slow} = \omega^2/p_\mathrm{fast}
        """
        half, omega = self.alpha_per_s / 2, self.omega_rad_s
        if half < omega:
            ring = math.sqrt((omega - half) * (omega + half))
            return complex(-half, ring), complex(-half, -ring)
        fast = half + math.sqrt((half - omega) * (half + omega))
        return complex(-omega * (omega / fast)), complex(-fast)  # the difference would cancel

    @property
    def slow_rate_per_s(self) -> float:
        """How fast the response is forgotten: minus the largest real part of a pole, in 1/s."""
        return -self.poles_per_s[0].real

    def impulse_response(self, times_s: Float[np.ndarray, " time"]) -> Float64[np.ndarray, " time"]:
        r"""Return the response to a unit impulse at time 0, exactly, through critical damping.

        .. math:: g(t) = e^{-\alpha t/2}\,\frac{\sin\omega_d t}{\omega_d}\quad(t\geq0),\qquad
                  \omega_d^2 = \omega^2 - \alpha^2/4,

        an entire function of :math:`\omega_d^2`: at 0 it is :math:`t\,e^{-\alpha t/2}`.

        Args:
            times_s: Times in s; before 0 the response is 0 (it is causal).

        Raises:
            ParameterError: If a time is not finite.
            ShapeError: If there is no time.

        Example:
            >>> Oscillator(alpha_per_s=2.0, omega_rad_s=1.0).impulse_response(np.array([1.0]))
            array([0.36787944])
        """
        finite("times_s", times_s)
        after = np.maximum(np.asarray(times_s, dtype=np.float64), 0.0)
        response = impulse_response(
            np.float64(self.alpha_per_s), np.float64(self.omega_rad_s), after
        )
        return np.asarray(response, dtype=np.float64)

    def transfer(
        self, frequencies_hz: Float[np.ndarray, " frequency"]
    ) -> Complex128[np.ndarray, " frequency"]:
        r"""Return :math:`1/(s^2+\alpha s+\omega^2)` at :math:`s = 2\pi i f`.

        Raises:
            ParameterError: If a frequency is not finite.
            ShapeError: If there is no frequency.
        """
        finite("frequencies_hz", frequencies_hz)
        s = 2j * np.pi * np.asarray(frequencies_hz, dtype=np.float64)
        return np.asarray(1 / (s * s + self.alpha_per_s * s + self.omega_rad_s**2))
