r"""A line whose end reflects nothing: a pulse that passes once, and a wake. No oscillator.

.. math:: H(s)=e^{-\gamma x},\quad \gamma=\sqrt{(s+\alpha)(s+\beta)}/c,\quad T=x/c,

has a branch cut on :math:`[-\max(\alpha,\beta),-\min(\alpha,\beta)]` and no poles. Its kernel, with
:math:`m=(\alpha+\beta)/2` and :math:`d=(\alpha-\beta)/2`, is that of the telegraph line,

.. math:: g(t) = e^{-mT}\,\delta(t-T)
               + d\,T\,e^{-mt}\,\frac{I_1(d\sqrt{t^2-T^2})}{\sqrt{t^2-T^2}}\quad(t>T).

Without leakage the wake falls like :math:`t^{-3/2}`: slower than any geometric decay.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Complex128, Float, Float64
from scipy.special import ive

from pulsephase.physics.door import finite, within
from pulsephase.physics.line import Line, propagation_squared


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedKernel:
    """The kernel of a matched line: a delayed impulse and a wake.

    Attributes:
        arrival_s: Delay of the impulse, in s.
        impulse: Weight of the impulse, without unit.
        wake_per_s: The wake at the times asked for, in 1/s; 0 before the arrival.
    """

    arrival_s: float
    impulse: float
    wake_per_s: Float64[np.ndarray, " time"]


def matched_transfer(
    line: Line, s: Complex[np.ndarray, " point"], *, position_m: float
) -> Complex128[np.ndarray, " point"]:
    r"""Return :math:`e^{-\gamma x}`.

    Args:
        line: The segment; what follows it reflects nothing.
        s: Complex frequencies in 1/s, with real part at least 0.
        position_m: :math:`x` in m, from 0 to the length.

    Raises:
        ParameterError: If the position is not on the line or a frequency is not finite.
    """
    within("position_m", position_m, 0.0, line.length_m)
    return np.asarray(np.exp(-np.sqrt(propagation_squared(line, s)) * position_m))


def matched_kernel(
    line: Line, times_s: Float[np.ndarray, " time"], *, position_m: float
) -> MatchedKernel:
    r"""Return the impulse response of a matched line.

    Scaled Bessel functions: no overflow however late the time.

    Args:
        line: The segment.
        times_s: Times in s.
        position_m: :math:`x` in m, from 0 to the length.

    Raises:
        ParameterError: If the position is not on the line or a time is not finite.
        ShapeError: If there are no times.
    """
    within("position_m", position_m, 0.0, line.length_m)
    finite("times_s", times_s)
    arrival = position_m / line.wave_speed_m_s
    mean = (line.damping_per_s + line.leakage_per_s) / 2
    half = (line.damping_per_s - line.leakage_per_s) / 2
    t = np.asarray(times_s, dtype=np.float64)
    root = np.sqrt(np.maximum((t - arrival) * (t + arrival), 0.0))
    argument = abs(half) * root
    # I1(y)/y is entire: 1/2 at 0; d*I1(d r)/r = d^2 * I1(|d| r)/(|d| r)
    scaled = np.where(argument > 0, ive(1, argument) / np.where(argument > 0, argument, 1.0), 0.5)
    wake = half**2 * arrival * scaled * np.exp(argument - mean * t)
    return MatchedKernel(
        arrival_s=arrival,
        impulse=math.exp(-mean * arrival),
        wake_per_s=np.where(t > arrival, wake, 0.0),
    )


def wake_asymptote(line: Line, *, position_m: float) -> float:
    r"""Return the limit of :math:`t^{3/2}\,\mathrm{wake}(t)` without leakage, in s^(1/2).

    .. math:: \lim_{t\to\infty} t^{3/2} g(t) = \frac T2\sqrt{\alpha/\pi}.

    Raises:
        ParameterError: If the position is not on the line or the line leaks (then the decay is
            exponential and there is no such limit).
    """
    within("position_m", position_m, 0.0, line.length_m)
    within("leakage_per_s", line.leakage_per_s, 0.0, 0.0)
    return position_m / line.wave_speed_m_s / 2 * math.sqrt(line.damping_per_s / math.pi)
