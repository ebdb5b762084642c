r"""Tail norms and lengths of kernels with a proof: ball arithmetic instead of float64.

Every number here is an interval that holds the true value, rounding included. The tail is a partial
sum in balls plus a rigorous envelope of the rest, :math:`|U_m|\leq m\varrho^{m-1}`. Parameters are
exact rationals, so that nothing is lost before the first operation.

A recursion in balls widens by :math:`(|T|+\sqrt{T^2+4|D|})/2` a step (its intervals forget that
they are correlated): at a fixed 200 bits it is useless after some 150 taps. The precision
therefore grows with the number of taps. Needs python-flint (Johansson, IEEE Trans. Comput. 66
(2017) 1281).
"""

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from typing import Any, Literal

from pulsephase.checks import at_least
from pulsephase.errors import MissingExtraError, ParameterError

CertifiedScheme = Literal["semi_implicit", "semi_implicit_damping", "zero_order"]
GUARD_BITS = 128
SETTLED = 1e-12  # the partial sum runs until the envelope of the rest is this share of it


@dataclass(frozen=True, slots=True, kw_only=True)
class RationalMode:
    """An oscillator at a frame rate, in exact rationals.

    Attributes:
        alpha_per_s: Damping rate in 1/s, above 0.
        omega_rad_s: Undamped angular frequency in rad/s, above 0.
        sample_hz: Frames per second, above 0.
        scheme: How it is stepped.

    Raises:
        ParameterError: If a value is not above 0.
    """

    alpha_per_s: Fraction
    omega_rad_s: Fraction
    sample_hz: Fraction
    scheme: CertifiedScheme = "zero_order"

    def __post_init__(self) -> None:
        for name in ("alpha_per_s", "omega_rad_s", "sample_hz"):
            value = getattr(self, name)
            if value <= 0:
                raise ParameterError(f"{name} is {value}; it must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """An interval that holds the true value for certain.

    Attributes:
        lower: Its lower end.
        upper: Its upper end.
    """

    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kernel:
    """Partial sums of |g| in balls of flint, and a rigorous bound on what follows them."""

    partial: list[Any]
    rest: Any


def certified_tail(mode: RationalMode, *, taps: int) -> Enclosure:
    r"""Enclose :math:`\sum_{m\geq M}|g[m]|/\sum_{m\geq0}|g[m]|`.

    Args:
        mode: The oscillator.
        taps: :math:`M`, at least 0.

    Raises:
        MissingExtraError: If python-flint is not installed.
        ParameterError: If ``taps`` is negative or the scheme is not certainly stable.
    """
    at_least("taps", taps, 0)
    with _precision(mode, taps):
        ball = _share(_sums(mode, taps), taps)
        return Enclosure(lower=_down(ball), upper=_up(ball))


def certified_minimal_taps(mode: RationalMode, *, tolerance: Fraction) -> int:
    r"""Return the smallest :math:`M` whose relative tail is at most a tolerance, with proof.

    Proved are both :math:`\mathrm{tail}(M)\leq\epsilon` and :math:`\mathrm{tail}(M-1)>\epsilon`.

    Args:
        mode: The oscillator.
        tolerance: :math:`\epsilon`, above 1e-9 and below 1.

    Raises:
        MissingExtraError: If python-flint is not installed.
        ParameterError: If the tolerance is out of range, the scheme is not certainly stable, or the
            tail equals the tolerance to all digits, so that neither side can be proved.
    """
    if not Fraction(1, 10**9) < tolerance < 1:
        raise ParameterError(f"tolerance is {tolerance}; it must be above 1e-9 and below 1")
    with _precision(mode, 0):
        sums = _sums(mode, 0)
        low, high = 0, len(sums.partial) - 1
        limit = _ball(tolerance)
        while low < high:
            middle = (low + high) // 2
            share = _share(sums, middle)
            if share <= limit:
                high = middle
            elif share > limit:
                low = middle + 1
            else:
                raise ParameterError(f"the tail at {middle} taps is {tolerance} to all digits")
        return low


def _sums(mode: RationalMode, taps: int) -> _Kernel:
    """Sum |g| tap by tap until the envelope of the rest is settled."""
    trace, det, newer, older = _numbers(mode)
    radius = _radius(trace, det)
    before, now = _ball(Fraction(0)), _ball(Fraction(1))
    total = _ball(Fraction(0))
    partial = [total, total]  # g[0] = 0
    for _ in range(_length(mode, taps)):
        total = total + abs(newer * now + older * before)
        partial.append(total)
        before, now = now, trace * now - det * before
    last = len(partial) - 1  # taps 0 .. last - 1 are summed; g[m] = c1 U_m + c2 U_(m-1)
    rest = abs(newer) * _envelope(radius, last) + abs(older) * _envelope(radius, last - 1)
    return _Kernel(partial=partial, rest=rest)


def _envelope(radius: Any, taps: int) -> Any:
    return radius ** (taps - 1) * (taps - (taps - 1) * radius) / (1 - radius) ** 2


def _share(sums: _Kernel, taps: int) -> Any:
    """Return the tail after some taps over the whole, as a ball."""
    some = _between(sums.rest)
    tail = sums.partial[-1] - sums.partial[taps]
    return (tail + some) / (sums.partial[-1] + some)


def _between(most: Any) -> Any:
    """Return a ball that holds everything from 0 to an upper bound."""
    from flint import arb

    half = arb(most.upper()) / 2
    return half + half * arb(0, 1)


def _numbers(mode: RationalMode) -> tuple[Any, Any, Any, Any]:
    """Return T, D, c1, c2 as balls at the current precision; a factor common to c1, c2 cancels."""
    a, w = _ball(mode.alpha_per_s / mode.sample_hz), _ball(mode.omega_rad_s / mode.sample_hz)
    zero, one, square = _ball(Fraction(0)), _ball(Fraction(1)), w * w
    if mode.scheme == "semi_implicit":
        return 2 - a - square, 1 - a, one, zero
    if mode.scheme == "semi_implicit_damping":
        return (2 + a - square) / (1 + a), 1 / (1 + a), one, zero
    decay, det = (-a / 2).exp(), (-a).exp()
    exact = (mode.omega_rad_s**2 - mode.alpha_per_s**2 / 4) / mode.sample_hz**2
    root = abs(_ball(exact)).sqrt()
    if exact > 0:
        cosine, sine = decay * root.cos(), decay * root.sin() / root
    elif exact < 0:
        cosine, sine = decay * root.cosh(), decay * root.sinh() / root
    else:
        cosine, sine = decay, decay
    lean = a * sine / 2
    return 2 * cosine, det, (1 - cosine - lean) / square, (det - cosine + lean) / square


def _radius(trace: Any, det: Any) -> Any:
    """Return an upper bound on the size of both poles that is certainly below 1."""
    from flint import arb

    gap = trace * trace - 4 * det
    bound = det.sqrt() if gap < 0 else (abs(trace) + arb(gap.abs_upper()).sqrt()) / 2
    radius = arb(bound.upper())
    if not radius < 1:
        raise ParameterError(
            f"the poles are not certainly inside the unit disc (bound {float(radius):g}); use "
            "zero_order, more damping, or a higher sample_hz"
        )
    return radius


def _length(mode: RationalMode, taps: int) -> int:
    """Return how many taps bring the envelope of the rest below the settled share."""
    import flint

    with flint.ctx.workprec(GUARD_BITS):
        radius = float(_radius(*_numbers(mode)[:2]))
    rate = -math.log(radius)
    length = taps + 16
    while length * rate - 2 * math.log(length / rate) < -math.log(SETTLED):
        length += max(length // 8, 1)
    return length


def _precision(mode: RationalMode, taps: int) -> AbstractContextManager[Any]:
    """Return a context with the bits that the recursion will lose, and a guard."""
    if find_spec("flint") is None:
        raise MissingExtraError(
            "certificates need python-flint: install the extra `proofs` (pulsephase[proofs])"
        )
    import flint

    with flint.ctx.workprec(GUARD_BITS):
        trace, det = (abs(float(ball)) for ball in _numbers(mode)[:2])
    growth = (trace + math.sqrt(trace * trace + 4 * det)) / 2
    bits = GUARD_BITS + int(_length(mode, taps) * max(0.0, math.log2(growth)))
    context: AbstractContextManager[Any] = flint.ctx.workprec(bits)
    return context


def _ball(value: Fraction) -> Any:
    from flint import arb, fmpq

    return arb(fmpq(value.numerator, value.denominator))


def _down(ball: Any) -> float:
    """Round the lower end of a ball to a float at or below it."""
    return math.nextafter(float(ball.lower()), -math.inf)


def _up(ball: Any) -> float:
    """Round the upper end of a ball to a float at or above it."""
    return math.nextafter(float(ball.upper()), math.inf)
