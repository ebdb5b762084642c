r"""The estimator of a pulse from noisy frames as a rational filter, and how long it must be.

The steady Kalman filter of `pulsephase.physics.whitening` in innovations form. With
:math:`a(q)=\det(I-Aq)=1-Tq+Dq^2`, :math:`f(q)=\det(I-Fq)`, the innovation variance :math:`S` and
:math:`r/S=\det F/\det A`,

.. math:: \hat z_{t|t} = \frac{f(q)-(r/S)\,a(q)}{f(q)}\,y_t = \frac{b_0+b_1q}{1-T_Fq+D_Fq^2}\,y_t :

two poles and one zero, an oscillator again, damped by the noise. Cut after :math:`M` taps it misses
:math:`CF^M\hat x_{t-M}`, which is orthogonal to the error of the filter, so that the mean square
errors add: an equality.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float64

from pulsephase.checks import at_least, positive
from pulsephase.errors import ParameterError
from pulsephase.physics.certify import Enclosure
from pulsephase.physics.doubling import StateSpace, doubling_stack
from pulsephase.physics.stack import Stack
from pulsephase.physics.whitening import SteadyKalman

LONGEST = 1 << 20
BITS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RationalFilter:
    r"""A filter :math:`(b_0+b_1q)/(1-Tq+Dq^2)`.

    Attributes:
        newest: :math:`b_0`.
        older: :math:`b_1`.
        trace: :math:`T_F`, sum of its poles.
        det: :math:`D_F`, their product.
    """

    newest: float
    older: float
    trace: float
    det: float

    def kernel(self, taps: int) -> Float64[np.ndarray, " taps"]:
        """Return its impulse response.

        Raises:
            ParameterError: If ``taps`` is below 1.
        """
        at_least("taps", taps, 1)
        found = np.zeros(taps)
        before = now = 0.0
        for m in range(taps):
            push = self.newest if m == 0 else self.older if m == 1 else 0.0
            before, now = now, self.trace * now - self.det * before + push
            found[m] = now
        return found


def innovations_filter(kalman: SteadyKalman) -> RationalFilter:
    """Return the steady Kalman filter as the rational filter that it is.

    Args:
        kalman: From `pulsephase.physics.whitening.steady_kalman`.

    Example:
        >>> from pulsephase.physics.oscillator import Oscillator
        >>> from pulsephase.physics.whitening import noisy_oscillator, steady_kalman
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.1)
        >>> kalman = steady_kalman(noisy_oscillator(mode, sample_hz=30.0, snr_db=0.0))
        >>> found = innovations_filter(kalman).kernel(50)
        >>> bool(np.abs(found - kalman.filter_system.kernel(50)).max() < 1e-12)
        True
    """
    open_loop, closed = kalman.model.transition, kalman.filter_system.transition
    share = kalman.model.noise / kalman.innovation
    trace = float(np.trace(closed))
    return RationalFilter(
        newest=1 - share,
        older=share * float(np.trace(open_loop)) - trace,
        trace=trace,
        det=float(np.linalg.det(closed)),
    )


def excess_error(kalman: SteadyKalman, *, taps: int) -> float:
    r"""Return what a cut after :math:`M` taps adds to the filter's mean square error, exactly.

    .. math:: CF^M\,\hat\Sigma\,(CF^M)^\top, \qquad \hat\Sigma = \Pi - P_{t|t},

    the covariance of the state less that of its error.

    Args:
        kalman: The filter.
        taps: :math:`M`, at least 0.

    Raises:
        ParameterError: If ``taps`` is negative.
    """
    at_least("taps", taps, 0)
    reach = np.linalg.matrix_power(kalman.filter_system.transition, taps)[0]
    return float(reach @ _estimate_covariance(kalman) @ reach)


def taps_for_error(kalman: SteadyKalman, *, share: float) -> int:
    """Return the least taps whose excess error is at most a share of the filter's own.

    Args:
        kalman: The filter.
        share: Excess over the filter's mean square error, above 0.

    Raises:
        ParameterError: If the share is not positive.
    """
    positive(share=share)
    covariance = _estimate_covariance(kalman)
    reach = np.array([1.0, 0.0])
    worst = []
    for _ in range(LONGEST):
        worst.append(float(reach @ covariance @ reach))
        if len(worst) > 8 and max(worst[-8:]) < 1e-6 * share * kalman.error:
            break
        reach = reach @ kalman.filter_system.transition
    beyond = [m for m, excess in enumerate(worst) if excess > share * kalman.error]
    return beyond[-1] + 1 if beyond else 0


def estimator_stack(kalman: SteadyKalman, *, layers: int) -> Stack:
    r"""Return the filter as a residual stack of two channels, cut after :math:`2^L` taps.

    The state is put into units of its own standard deviation, for single precision.

    Args:
        kalman: The filter.
        layers: :math:`L`, at least 1.

    Raises:
        ParameterError: If ``layers`` is below 1.
    """
    unit = np.sqrt(np.diag(kalman.model.stationary))
    system = kalman.filter_system
    balanced = StateSpace(
        transition=system.transition * unit / unit[:, None],
        drive=system.drive / unit,
        readout=system.readout * unit,
    )
    return doubling_stack(balanced, layers=layers)


def certified_filter_tail(
    *, natural_hz: Fraction, damping: Fraction, sample_hz: Fraction, snr_db: int, taps: int
) -> Enclosure:
    r"""Enclose the relative l1 tail of the Kalman filter's kernel after some taps, with proof.

    The poles of the filter come from the spectral factorisation
    :math:`S f(q)f(1/q) = n_0+n_1(q+1/q) + r\,a(q)a(1/q)`, a quadratic in :math:`q+1/q`, solved in
    balls.

    Args:
        natural_hz: Undamped frequency of the oscillator, in Hz.
        damping: Its damping ratio, above 0 and not 1.
        sample_hz: Frames per second.
        snr_db: Variance of the pulse over that of the noise on each frame, in dB.
        taps: Taps kept, at least 1.

    Raises:
        ParameterError: If the damping is 1 (the balls cannot tell the poles apart).
    """
    import flint

    at_least("taps", taps, 1)
    if damping == 1:
        raise ParameterError("damping is 1; give a damping below or above it")
    with flint.ctx.workprec(BITS + 10 * taps):
        numbers = _ball_filter(natural_hz, damping, sample_hz, snr_db)
        kept, tail = _ball_sums(*numbers, taps=taps)
        share = tail / (kept + tail)
        return Enclosure(
            lower=float(np.nextafter(float(share.lower()), -1)),
            upper=float(np.nextafter(float(share.upper()), 2)),
        )


def _estimate_covariance(kalman: SteadyKalman) -> Float64[np.ndarray, "2 2"]:
    """Return the covariance of the filtered state: stationary less that of its error."""
    model = kalman.model
    gain, closed = kalman.gain, kalman.filter_system.transition
    # the error's covariance obeys P = F P F' + (I - KC) Q (I - KC)' + K r K'
    from scipy.linalg import solve_discrete_lyapunov

    keep = np.eye(2) - np.outer(gain, [1.0, 0.0])
    push = keep @ model.process @ keep.T + model.noise * np.outer(gain, gain)
    return np.asarray(model.stationary - solve_discrete_lyapunov(closed, push))


def _ball_filter(
    natural_hz: Fraction, damping: Fraction, sample_hz: Fraction, snr_db: int
) -> tuple[Any, Any, Any, Any]:
    """Return b0, b1, T_F, D_F in balls."""
    from flint import arb, fmpq

    def ball(value: Fraction) -> Any:
        return arb(fmpq(value.numerator, value.denominator))

    w = 2 * arb.pi() * ball(natural_hz / sample_hz)
    a = 2 * ball(damping) * w
    ring = (w * w - a * a / 4).sqrt() if damping < 1 else (a * a / 4 - w * w).sqrt()
    decay = (-a / 2).exp()
    cosine = decay * (ring.cos() if damping < 1 else ring.cosh())
    sine = decay * (ring.sin() if damping < 1 else ring.sinh()) / ring
    trace, det, noise = 2 * cosine, (-a).exp(), arb(10) ** (arb(-snr_db) / 10)
    first = cosine + a * sine / 2  # autocovariance at one step, of unit variance
    second = trace * first - det
    third = trace * second - det * first
    square, cross = 1 + trace**2 + det**2, -trace * (1 + det)
    even = square + 2 * cross * first + 2 * det * second
    odd = square * first + cross * (1 + second) + det * (first + third)
    poles = _inside(noise * det, odd + noise * cross, even + noise * (square - 2 * det))
    closed_trace, closed_det = (poles[0] + poles[1]).real, (poles[0] * poles[1]).real
    share = closed_det / det
    return 1 - share, share * trace - closed_trace, closed_trace, closed_det


def _inside(lead: Any, middle: Any, last: Any) -> tuple[Any, Any]:
    """Return the two poles inside the disc of a quadratic in q + 1/q, in balls."""
    from flint import acb

    root = acb(middle**2 - 4 * lead * last).sqrt()
    poles = []
    for sign in (1, -1):
        x = (-middle + sign * root) / (2 * lead)
        gap = (x * x - 4).sqrt()
        pair = ((x + gap) / 2, (x - gap) / 2)
        inner = [pole for pole in pair if abs(pole) < 1]
        poles.append(inner[0])
    return poles[0], poles[1]


def _ball_sums(newest: Any, older: Any, trace: Any, det: Any, *, taps: int) -> tuple[Any, Any]:
    """Return the l1 norm of the first taps, and of the rest, in balls."""
    from flint import arb

    gap = trace * trace - 4 * det
    radius = arb((det.sqrt() if gap < 0 else (abs(trace) + abs(gap).sqrt()) / 2).upper())
    before, now = arb(0), arb(1)
    kept = tail = arb(0)
    count = 0
    while True:
        size = abs(newest * now + older * before)
        kept, tail = (kept + size, tail) if count < taps else (kept, tail + size)
        before, now = now, trace * now - det * before
        count += 1
        rest = (abs(newest) + abs(older) / radius) * _envelope(radius, count + 1)
        if count > taps and rest < kept * arb("1e-9"):
            half = arb(rest.upper()) / 2
            return kept, tail + half + half * arb(0, 1)


def _envelope(radius: Any, taps: int) -> Any:
    """Bound the sum of m radius^(m-1) from ``taps`` on."""
    return radius ** (taps - 1) * (taps - (taps - 1) * radius) / (1 - radius) ** 2
