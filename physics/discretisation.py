r"""An oscillator and a scheme at a step: what it does to poles, frequencies and stability.

The scheme's poles are those of another oscillator. Stability is Jury's: both poles lie in the unit
disc if and only if :math:`1-D>0`, :math:`1-T+D>0` and :math:`1+T+D>0`.
"""

import cmath
import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Complex128, Float, Float64

from pulsephase.checks import finite, positive
from pulsephase.errors import ParameterError, StabilityError
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import Coefficients, Scheme, coefficients, oscillator_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Discretisation:
    r"""One oscillator stepped by one scheme.

    Attributes:
        oscillator: The continuous law.
        scheme: How it is stepped; the two holds are exact.
        step_s: Time between samples :math:`h` in s.
        coefficients: :math:`T, D, c_0, c_1, c_2` and the state matrices, computed.

    Raises:
        ParameterError: If the step is not positive and finite, or there is no such scheme.

    Example:
        >>> mode = Oscillator.from_natural_hz(4.0, damping=0.0)
        >>> step = Discretisation(oscillator=mode, scheme="semi_implicit", step_s=1 / 30)
        >>> round(step.warped_hz, 3)
        4.127
    """

    oscillator: Oscillator
    scheme: Scheme
    step_s: float
    coefficients: Coefficients = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        positive(step_s=self.step_s)
        alpha = np.float64(self.oscillator.alpha_per_s)
        omega = np.float64(self.oscillator.omega_rad_s)
        numbers = coefficients(self.scheme, alpha, omega, step_s=self.step_s)
        object.__setattr__(self, "coefficients", numbers)

    @property
    def trace(self) -> float:
        r""":math:`T = z_1 + z_2`."""
        return float(self.coefficients.trace)

    @property
    def det(self) -> float:
        r""":math:`D = z_1 z_2`."""
        return float(self.coefficients.det)

    @property
    def numerator(self) -> tuple[float, float, float]:
        r""":math:`(c_0, c_1, c_2)` in s^2."""
        found = self.coefficients
        return float(found.c0), float(found.c1), float(found.c2)

    @property
    def poles(self) -> tuple[complex, complex]:
        """The two discrete poles: positive angle first, or the larger in size first."""
        half = self.trace / 2
        root = cmath.sqrt(half * half - self.det)
        if root.imag != 0 or half == 0:
            return half + root, half - root
        large = half + math.copysign(root.real, half)
        return complex(large), complex(self.det / large)

    @property
    def radius(self) -> float:
        """Size of the largest pole; the response falls like its powers."""
        return max(abs(pole) for pole in self.poles)

    @property
    def is_stable(self) -> bool:
        r"""Whether both poles lie strictly inside the unit disc (an undamped one does not)."""
        trace, det = self.trace, self.det
        return 1 - det > 0 and 1 - trace + det > 0 and 1 + trace + det > 0

    @property
    def warped_hz(self) -> float:
        r"""Frequency at which the discrete poles turn, :math:`\arg z/2\pi h` (0 if they creep)."""
        return abs(cmath.phase(self.poles[0])) / (2 * math.pi * self.step_s)

    def state_matrices(
        self,
    ) -> tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"], Float64[np.ndarray, " 2"]]:
        r"""Return :math:`A, B_0, B_1` of :math:`x_{t+1} = Ax_t + B_0u_t + B_1u_{t+1}`."""
        found = self.coefficients
        state = np.array(found.state, dtype=np.float64).reshape(2, 2)
        return state, np.array(found.now, np.float64), np.array(found.ahead, np.float64)

    def transfer(
        self, frequencies_hz: Float[np.ndarray, " frequency"]
    ) -> Complex128[np.ndarray, " frequency"]:
        r"""Return :math:`H(e^{-2\pi i f h})`, from sampled input to sampled output, in s^2.

        Raises:
            ParameterError: If a frequency is not finite.
            ShapeError: If there is no frequency.
        """
        finite("frequencies_hz", frequencies_hz)
        q = np.exp(-2j * np.pi * np.asarray(frequencies_hz, dtype=np.float64) * self.step_s)
        c0, c1, c2 = self.numerator
        return np.asarray((c0 + q * (c1 + q * c2)) / (1 - q * (self.trace - q * self.det)))

    def require_stable(self) -> None:
        """Raise unless the iteration stays bounded.

        Raises:
            StabilityError: If it diverges; names the largest stable step.
        """
        limit = largest_stable_step_s(self.oscillator, scheme=self.scheme)
        if self.step_s >= limit:
            raise StabilityError(
                f"{self.scheme} diverges at step_s={self.step_s:g} for "
                f"alpha={self.oscillator.alpha_per_s:g}/s, omega={self.oscillator.omega_rad_s:g} "
                f"rad/s; the largest stable step is {limit:g} s: use a smaller one, or zero_order"
            )


def largest_stable_step_s(oscillator: Oscillator, *, scheme: Scheme) -> float:
    r"""Return the step from which on a scheme diverges, in s; infinite if it never does.

    =====================  ==================================================
    semi_implicit          :math:`4/(\alpha+\sqrt{\alpha^2+4\omega^2})`
    semi_implicit_damping  :math:`(\alpha+\sqrt{\alpha^2+4\omega^2})/\omega^2`
    forward                :math:`\alpha/\omega^2`, or when overdamped
                           :math:`4/(\alpha+\sqrt{\alpha^2-4\omega^2})`
    all others             infinite
    =====================  ==================================================

    Raises:
        ParameterError: If there is no such scheme.

    Example:
        >>> skin = Oscillator(alpha_per_s=300.0, omega_rad_s=30.0)
        >>> largest_stable_step_s(skin, scheme="semi_implicit") < 1 / 30
        True
    """
    alpha, omega = oscillator.alpha_per_s, oscillator.omega_rad_s
    Discretisation(oscillator=oscillator, scheme=scheme, step_s=1.0)  # names a wrong scheme
    wide = alpha + math.hypot(alpha, 2 * omega)
    if scheme == "semi_implicit":
        return 4 / wide
    if scheme == "semi_implicit_damping":
        return wide / omega**2
    if scheme == "forward":
        if alpha < 2 * omega:
            return alpha / omega**2
        return 4 / (alpha + math.sqrt((alpha - 2 * omega) * (alpha + 2 * omega)))
    return math.inf


def oscillator_from_poles(
    first: complex, second: complex, *, scheme: Scheme, step_s: float
) -> Oscillator:
    """Return the oscillator that a scheme maps to two discrete poles, exactly.

    Args:
        first: A discrete pole.
        second: The other: its conjugate, or real as the first is.
        scheme: The scheme in which the poles are to be read.
        step_s: Time between samples in s.

    Raises:
        ParameterError: If the poles are not a conjugate pair or both real, or if no damped
            oscillator has such poles in this scheme, or if there is no such scheme.

    Example:
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.3)
        >>> step = Discretisation(oscillator=mode, scheme="semi_implicit", step_s=1 / 30)
        >>> back = oscillator_from_poles(*step.poles, scheme="semi_implicit", step_s=1 / 30)
        >>> round(back.natural_hz, 9), round(back.damping, 9)
        (1.2, 0.3)
    """
    positive(step_s=step_s)
    coefficients(scheme, 1.0, 1.0, step_s=step_s)  # names a wrong scheme
    trace, det = first + second, first * second
    if max(abs(trace.imag), abs(det.imag)) > 1e-9 * max(abs(first), abs(second)):
        raise ParameterError(f"poles {first}, {second} are neither conjugate nor both real")
    alpha, square = oscillator_of(
        scheme, np.float64(trace.real), np.float64(det.real), step_s=step_s
    )
    if not (alpha >= 0 and square > 0):
        raise ParameterError(
            f"no damped oscillator has the poles {first}, {second} under {scheme}: "
            f"alpha={alpha:g}/s, omega^2={square:g}/s^2; check the scheme and the order"
        )
    return Oscillator(alpha_per_s=float(alpha), omega_rad_s=math.sqrt(float(square)))
