r"""The entire functions behind the exact holds, without cancellation, in numpy and in torch.

With :math:`a=\alpha h`, :math:`w=\omega h` and the impulse response :math:`s(\tau)` over one step,

.. math:: s'' + a s' + w^2 s = 0,\; s(0)=0,\; s'(0)=1; \qquad
          \beta_1 = \int_0^1\!s, \quad \rho_1 = \int_0^1\!\!\int_0^\tau\!s

are all that an exact zero- or first-order hold needs, together with the same functions of the
reversed oscillator :math:`(-a, w)` times :math:`e^{-a}`, written :math:`\beta_2, \rho_2`.

The textbook form :math:`\beta_1=(1-C-aS/2)/w^2` loses all digits as :math:`w\to0`. Three forms
cover the quadrant instead: the power series near the origin, divided differences of
:math:`(e^x-1)/x` where two real poles lie well apart, the textbook form elsewhere. Every branch is
evaluated at arguments that are safe for it, so that gradients are finite everywhere.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch

NEAR = 2.0  # a + w below which the series is used: beyond it the textbook form keeps 14 digits
APART = 3.0  # a/w above which two real poles lie well apart
TERMS = 36  # of the power series: 2^36/36! is far below rounding
SMALL = 0.5  # |x| below which (e^x - 1 - x)/x^2 is summed as a series
FLAT = 0.25  # |theta^2| below which cos and sinc are summed as series
PHI_TERMS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    r"""One step of the oscillator in units of the step.

    Attributes:
        cosine: :math:`C = e^{-a/2}\cos\theta`, :math:`\theta^2 = w^2-a^2/4` of either sign.
        sine: :math:`S = e^{-a/2}\sin\theta/\theta`.
        integral: :math:`\beta_1`.
        reversed_integral: :math:`\beta_2`.
        ramp: :math:`\rho_1`.
        reversed_ramp: :math:`\rho_2`.
    """

    cosine: Any
    sine: Any
    integral: Any
    reversed_integral: Any
    ramp: Any
    reversed_ramp: Any


def library(*values: Any) -> ModuleType:
    """Return torch if any value is a tensor, else numpy."""
    return torch if any(isinstance(value, torch.Tensor) for value in values) else np


def holds(a: Any, w: Any) -> Holds:
    """Return the entire functions of one step; ``a >= 0`` and ``w > 0``, arrays or tensors."""
    xp = library(a, w)
    near = a + w < NEAR
    apart = ~near & (a > APART * w)
    zero, one = xp.zeros_like(a), xp.ones_like(a)
    wide = xp.full_like(a, 4.0)
    series = _series(xp.where(near, a, zero), xp.where(near, w, zero), xp)
    split = _split(xp.where(apart, a, wide), xp.where(apart, w, one), xp)
    covered = near | apart
    textbook = _textbook(xp.where(covered, zero, a), xp.where(covered, wide, w), xp)
    forms = zip(series, split, textbook, strict=True)
    chosen = [xp.where(near, x, xp.where(apart, y, z)) for x, y, z in forms]
    cosine, sine = decaying_pair(a, w)
    return Holds(
        cosine=cosine,
        sine=sine,
        integral=chosen[0],
        reversed_integral=chosen[1],
        ramp=chosen[2],
        reversed_ramp=chosen[3],
    )


def decaying_pair(a: Any, w: Any) -> tuple[Any, Any]:
    r"""Return :math:`e^{-a/2}\cos\theta` and :math:`e^{-a/2}\sin\theta/\theta`, entire in both.

    Overdamped, both are written in the two decaying exponentials, so that nothing overflows.
    """
    xp = library(a, w)
    half = a / 2
    square = (w - half) * (w + half)  # theta^2
    flat = abs(square) < FLAT
    rings = ~flat & (square > 0)
    creeps = ~flat & (square < 0)
    one = xp.ones_like(square)
    decay = xp.exp(-half)
    turn = xp.sqrt(xp.where(rings, square, one))
    sink = xp.sqrt(xp.where(creeps, -square, one))
    slow = xp.exp(-xp.where(creeps, w * w, one) / (xp.where(creeps, half, one) + sink))
    fast = xp.exp(-(xp.where(creeps, half, one) + sink))
    flat_cosine, flat_sine = _even_series(xp.where(flat, square, xp.zeros_like(square)), xp)
    cosine = xp.where(rings, decay * xp.cos(turn), (slow + fast) / 2)
    sine = xp.where(rings, decay * xp.sin(turn) / turn, (slow - fast) / (2 * sink))
    return xp.where(flat, decay * flat_cosine, cosine), xp.where(flat, decay * flat_sine, sine)


def impulse_response(alpha: Any, omega: Any, time: Any) -> Any:
    r"""Return :math:`e^{-\alpha t/2}\sin(\omega_d t)/\omega_d` at times from 0 on; broadcasts."""
    return time * decaying_pair(alpha * time, omega * time)[1]


def _even_series(square: Any, xp: ModuleType) -> tuple[Any, Any]:
    """Sum cos and sinc in powers of theta^2, for either sign of it."""
    cosine = sine = xp.zeros_like(square)
    for k in range(8, 0, -1):
        cosine = -square / ((2 * k) * (2 * k - 1)) * (1 + cosine)
        sine = -square / ((2 * k + 1) * (2 * k)) * (1 + sine)
    return 1 + cosine, 1 + sine


def _series(a: Any, w: Any, xp: ModuleType) -> tuple[Any, Any, Any, Any]:
    """Sum the power series of the two integrals for the oscillator and for its reversal."""
    decay = xp.exp(-a)
    forward, backward = _integrals(a, w * w), _integrals(-a, w * w)
    return forward[0], decay * backward[0], forward[1], decay * backward[1]


def _integrals(a: Any, square: Any) -> tuple[Any, Any]:
    before, now = 0 * a, 0 * a + 1.0
    factorial = 2.0
    integral, ramp = now / 2, now / 6
    for k in range(1, TERMS):
        before, now = now, -a * now - square * before
        factorial *= k + 2
        integral = integral + now / factorial
        ramp = ramp + now / (factorial * (k + 3))
    return integral, ramp


def _split(a: Any, w: Any, xp: ModuleType) -> tuple[Any, Any, Any, Any]:
    """Return the integrals for two real poles well apart, as divided differences."""
    root = xp.sqrt((a / 2 - w) * (a / 2 + w))
    fast = -(a / 2 + root)
    slow = w * w / fast
    gap = slow - fast
    one_slow, one_fast = xp.expm1(slow) / slow, xp.expm1(fast) / fast
    fall_slow, fall_fast = xp.exp(slow), xp.exp(fast)
    integral = (one_slow - one_fast) / gap
    backward = (fall_slow * one_fast - fall_fast * one_slow) / gap
    ramp = (_phi2(slow, xp) - _phi2(fast, xp)) / gap
    back_ramp = (fall_slow * _reversed_phi2(fast, xp) - fall_fast * _reversed_phi2(slow, xp)) / gap
    return integral, backward, ramp, back_ramp


def _phi2(x: Any, xp: ModuleType) -> Any:
    """Return (e^x - 1 - x)/x^2 for x <= 0."""
    small = abs(x) < SMALL
    away = xp.where(small, xp.ones_like(x), x)
    far = (xp.expm1(away) - away) / away**2
    return xp.where(small, _phi2_series(xp.where(small, x, xp.zeros_like(x)), xp), far)


def _reversed_phi2(x: Any, xp: ModuleType) -> Any:
    """Return e^x (e^-x - 1 + x)/x^2 for x <= 0, without overflow."""
    small = abs(x) < SMALL
    near, away = xp.where(small, x, xp.zeros_like(x)), xp.where(small, xp.ones_like(x), x)
    far = (away * xp.exp(away) - xp.expm1(away)) / away**2
    return xp.where(small, xp.exp(near) * _phi2_series(-near, xp), far)


def _phi2_series(x: Any, xp: ModuleType) -> Any:
    total = xp.zeros_like(x)
    for k in range(PHI_TERMS, 0, -1):
        total = x / (k + 2) * (1 + total)
    return (1 + total) / 2


def _textbook(a: Any, w: Any, xp: ModuleType) -> tuple[Any, Any, Any, Any]:
    cosine, sine = decaying_pair(a, w)
    decay, square = xp.exp(-a), w * w
    integral = (1 - cosine - a * sine / 2) / square
    backward = (decay - cosine + a * sine / 2) / square
    ramp = (1 - sine - a * integral) / square
    return integral, backward, ramp, (decay - sine + a * backward) / square
