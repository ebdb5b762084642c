r"""Seven ways to step the oscillator: each is five numbers, and each is another oscillator.

Every scheme gives, with :math:`a=\alpha h` and :math:`w=\omega h`, the transfer function

.. math:: H(q) = \frac{c_0 + c_1 q + c_2 q^2}{1 - Tq + Dq^2},\qquad q = z^{-1} .

========================  ====================  =================  ===================
scheme                    T                     D                  stable if
========================  ====================  =================  ===================
semi_implicit             2 - a - w^2           1 - a              w^2 < 4 - 2a, a > 0
semi_implicit_damping     (2+a-w^2)/(1+a)       1/(1+a)            w^2 < 4 + 2a, a > 0
forward                   2 - a                 1 - a + w^2        2a - 4 < w^2 < a
backward                  (2+a)/(1+a+w^2)       1/(1+a+w^2)        always
tustin                    (8-2w^2)/(4+2a+w^2)   (4-2a+w^2)/(...)   a > 0
zero_order, first_order   2C                    e^-a               a > 0
========================  ====================  =================  ===================

``semi_implicit`` is the published scheme (velocity first, damping explicit); ``.._damping`` treats
the damping implicitly; the two holds are exact for inputs that are constant or linear between
samples. Notation after Hairer, Lubich & Wanner, Geometric Numerical Integration, ch. I.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pulsephase.errors import ParameterError
from pulsephase.physics.holds import holds, library

Scheme = Literal[
    "semi_implicit",
    "semi_implicit_damping",
    "forward",
    "backward",
    "tustin",
    "zero_order",
    "first_order",
]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    r"""A scheme at one step: numbers, arrays or tensors, all of one shape.

    The state steps as :math:`x_{t+1} = A x_t + B_0 u_t + B_1 u_{t+1}`, :math:`x=(z,\dot z)`.

    Attributes:
        trace: :math:`T = \mathrm{tr} A`.
        det: :math:`D = \det A`.
        c0: Weight of the newest input, s^2.
        c1: Weight of the input one sample before, s^2.
        c2: Weight of the input two samples before, s^2.
        state: :math:`A` by rows, four entries.
        now: :math:`B_0`, two entries.
        ahead: :math:`B_1`, two entries.
    """

    trace: Any
    det: Any
    c0: Any
    c1: Any
    c2: Any
    state: tuple[Any, Any, Any, Any]
    now: tuple[Any, Any]
    ahead: tuple[Any, Any]


def coefficients(scheme: str, alpha: Any, omega: Any, *, step_s: float) -> Coefficients:
    """Return a scheme's numbers, differentiable where ``alpha`` and ``omega`` are tensors.

    Args:
        scheme: One of `SCHEMES`.
        alpha: Damping rate in 1/s, at least 0; a float, an array or a tensor.
        omega: Undamped angular frequency in rad/s, above 0; of the same shape.
        step_s: Time between samples in s.

    Raises:
        ParameterError: If there is no such scheme.

    Example:
        >>> import numpy as np
        >>> published = coefficients("semi_implicit", np.float64(3), np.float64(9), step_s=0.1)
        >>> round(float(published.trace), 12), round(float(published.det), 12)
        (0.89, 0.7)
    """
    if scheme not in _SCHEMES:
        raise ParameterError(f"scheme is {scheme!r}; choose from {', '.join(SCHEMES)}")
    return _SCHEMES[scheme](alpha * step_s, omega * step_s, step_s)


def oscillator_of(scheme: Scheme, trace: Any, det: Any, *, step_s: float) -> tuple[Any, Any]:
    r"""Return the :math:`(\alpha, \omega^2)` that a scheme maps to given poles: its exact inverse.

    Reading the poles of one scheme with the map of another biases both numbers: at 30 frames per
    second the published scheme read by the logarithm turns 1.2 Hz, damping 0.3 into 1.253, 0.311.

    Args:
        scheme: One of `SCHEMES`.
        trace: :math:`T`, the sum of the discrete poles.
        det: :math:`D`, their product.
        step_s: Time between samples in s.

    Returns:
        :math:`\alpha` in 1/s and :math:`\omega^2` in 1/s^2 (either may come out negative where no
        oscillator has such poles; exact holds need :math:`D>0`, and give NaN for a pole whose
        logarithm is not unique).
    """
    xp = library(trace, det)
    still = 1 - trace + det  # (1 - z1)(1 - z2)
    if scheme == "semi_implicit":
        a, square = 1 - det, still
    elif scheme == "semi_implicit_damping":
        a, square = 1 / det - 1, still / det
    elif scheme == "forward":
        a, square = 2 - trace, still
    elif scheme == "backward":
        a, square = trace / det - 2, still / det
    elif scheme == "tustin":
        a, square = 4 * (1 - det) / (1 + trace + det), 4 * still / (1 + trace + det)
    else:
        known = xp.where((det > 0) & (trace**2 <= 4 * det) | (trace > 0), det, xp.nan)
        known = xp.where(known > 0, known, xp.nan)
        a = -xp.log(known)
        root = xp.sqrt(known)
        near = still - (1 - root) ** 2  # 2 sqrt(D) - T, so that cos(theta) = 1 - near/(2 sqrt(D))
        versine = near / (2 * root)
        rings, nothing = versine >= 0, xp.zeros_like(versine)
        inside = xp.where(rings, versine, nothing)
        turn = 2 * xp.arcsin(xp.sqrt(inside / 2))
        sink = 2 * xp.arcsinh(xp.sqrt(xp.where(rings, nothing, -versine) / 2))
        square = (a / 2) ** 2 + xp.where(rings, turn**2, -(sink**2))
    return a / step_s, square / step_s**2


def _semi_implicit(a: Any, w: Any, h: float) -> Coefficients:
    zero, one, square = 0 * a, 0 * a + 1, w * w
    return Coefficients(
        trace=2 - a - square,
        det=1 - a,
        c0=zero,
        c1=h * h * one,
        c2=zero,
        state=(1 - square, h * (1 - a), -square / h, 1 - a),
        now=(h * h * one, h * one),
        ahead=(zero, zero),
    )


def _semi_implicit_damping(a: Any, w: Any, h: float) -> Coefficients:
    zero, share, square = 0 * a, 1 / (1 + a), w * w
    return Coefficients(
        trace=(2 + a - square) * share,
        det=share,
        c0=zero,
        c1=h * h * share,
        c2=zero,
        state=(1 - square * share, h * share, -square / h * share, share),
        now=(h * h * share, h * share),
        ahead=(zero, zero),
    )


def _forward(a: Any, w: Any, h: float) -> Coefficients:
    zero, one, square = 0 * a, 0 * a + 1, w * w
    return Coefficients(
        trace=2 - a,
        det=1 - a + square,
        c0=zero,
        c1=zero,
        c2=h * h * one,
        state=(one, h * one, -square / h, 1 - a),
        now=(zero, h * one),
        ahead=(zero, zero),
    )


def _backward(a: Any, w: Any, h: float) -> Coefficients:
    zero, square = 0 * a, w * w
    share = 1 / (1 + a + square)
    return Coefficients(
        trace=(2 + a) * share,
        det=share,
        c0=h * h * share,
        c1=zero,
        c2=zero,
        state=((1 + a) * share, h * share, -square / h * share, share),
        now=(zero, zero),
        ahead=(h * h * share, h * share),
    )


def _tustin(a: Any, w: Any, h: float) -> Coefficients:
    square = w * w
    share = 1 / (4 + 2 * a + square)
    kick = (h * h * share, 2 * h * share)
    return Coefficients(
        trace=(8 - 2 * square) * share,
        det=(4 - 2 * a + square) * share,
        c0=kick[0],
        c1=2 * kick[0],
        c2=kick[0],
        state=(
            (4 + 2 * a - square) * share,
            4 * h * share,
            -4 * square / h * share,
            (4 - 2 * a - square) * share,
        ),
        now=kick,
        ahead=kick,
    )


def _zero_order(a: Any, w: Any, h: float) -> Coefficients:
    xp = library(a, w)
    step, zero = holds(a, w), 0 * a
    return Coefficients(
        trace=2 * step.cosine,
        det=xp.exp(-a),
        c0=zero,
        c1=h * h * step.integral,
        c2=h * h * step.reversed_integral,
        state=_flow(a, w, h),
        now=(h * h * step.integral, h * step.sine),
        ahead=(zero, zero),
    )


def _first_order(a: Any, w: Any, h: float) -> Coefficients:
    xp = library(a, w)
    step = holds(a, w)
    first, last = step.ramp, step.reversed_ramp
    middle = (step.integral - first) + (step.reversed_integral - last)
    return Coefficients(
        trace=2 * step.cosine,
        det=xp.exp(-a),
        c0=h * h * first,
        c1=h * h * middle,
        c2=h * h * last,
        state=_flow(a, w, h),
        now=(h * h * (step.integral - first), h * (step.sine - step.integral)),
        ahead=(h * h * first, h * step.integral),
    )


def _flow(a: Any, w: Any, h: float) -> tuple[Any, Any, Any, Any]:
    """Return exp(A h), by rows."""
    step = holds(a, w)
    lean = a / 2 * step.sine
    return step.cosine + lean, h * step.sine, -w * w / h * step.sine, step.cosine - lean


_SCHEMES: dict[str, Callable[[Any, Any, float], Coefficients]] = {
    "semi_implicit": _semi_implicit,
    "semi_implicit_damping": _semi_implicit_damping,
    "forward": _forward,
    "backward": _backward,
    "tustin": _tustin,
    "zero_order": _zero_order,
    "first_order": _first_order,
}
