r"""A line with a closed end, as a sum of oscillators.

With :math:`p(0)=p_\mathrm{in}`, :math:`p_x(L)=0`, :math:`k_n=(n-\tfrac12)\pi/L` and
:math:`q(s)=c^2\gamma^2(s)` (which is :math:`s(s+\alpha)` on a plain line),

.. math:: H(s) = \sum_{n\ge1}\frac{2c^2k_n}{L}\,\frac{\sin k_nx}{q+c^2k_n^2}
               = 1-\sum_{n\ge1}\frac{2\sin k_nx}{k_nL}\,\frac{q}{q+c^2k_n^2}.

Both series are exact. The second has the static response (the 1) taken out, which the modes cancel
together: the vessel has no direct path (theorem DP). Cut after :math:`N` modes
its error is at most of order :math:`N^{-2}`.

A short line before a terminal bed is reduced to one oscillator with an explicit error. A line whose
end reflects nothing has none: a pulse passes once and leaves a wake.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Complex128, Float, Float64
from scipy.special import ive

from pulsephase.checks import at_least, finite, not_negative, positive, within
from pulsephase.errors import ParameterError
from pulsephase.physics.line import Line, propagation_squared
from pulsephase.physics.oscillator import Oscillator


def wavenumbers_per_m(line: Line, count: int) -> Float64[np.ndarray, " count"]:
    r"""Return :math:`k_1,\dots,k_N` in 1/m.

    Raises:
        ParameterError: If ``count`` is below 1.
    """
    at_least("count", count, 1)
    return np.asarray((np.arange(1, count + 1) - 0.5) * np.pi / line.length_m, dtype=np.float64)


def mode_weights(line: Line, count: int, *, position_m: float) -> Float64[np.ndarray, " count"]:
    r"""Return the residues :math:`(2c^2k_n/L)\sin k_nx` in 1/s^2: how much of each mode is heard.

    Raises:
        ParameterError: If the position is not on the line or ``count`` is below 1.
    """
    within("position_m", position_m, 0.0, line.length_m)
    k = wavenumbers_per_m(line, count)
    weights = 2 * line.speed_m_s**2 * k / line.length_m * np.sin(k * position_m)
    return np.asarray(weights, dtype=np.float64)


def modal_transfer(
    line: Line, s: Complex[np.ndarray, " point"], *, position_m: float, modes: int
) -> Complex128[np.ndarray, " point"]:
    r"""Return the static response and the first modes of `closed_end_transfer`.

    Args:
        line: The segment.
        s: Complex frequencies in 1/s.
        position_m: :math:`x` in m.
        modes: :math:`N`; 0 leaves the 1 alone.

    Raises:
        ParameterError: If the position is not on the line, ``modes`` negative, ``s`` not finite.
    """
    at_least("modes", modes, 0)
    stiffness = line.speed_m_s**2 * propagation_squared(line, s)
    total = np.ones_like(stiffness)
    if modes == 0:
        return total
    weights = mode_weights(line, modes, position_m=position_m)
    squares = (line.speed_m_s * wavenumbers_per_m(line, modes)) ** 2
    for weight, square in zip(weights, squares, strict=True):
        total -= weight / square * stiffness / (stiffness + square)
    return total


def modal_transfer_without_direct_path(
    line: Line, s: Complex[np.ndarray, " point"], *, position_m: float, modes: int
) -> Complex128[np.ndarray, " point"]:
    """Return the first modes alone: the plain series, cut.

    Raises:
        ParameterError: As `modal_transfer`, and if ``modes`` is below 1.
    """
    stiffness = line.speed_m_s**2 * propagation_squared(line, s)
    weights = mode_weights(line, modes, position_m=position_m)
    squares = (line.speed_m_s * wavenumbers_per_m(line, modes)) ** 2
    return np.asarray(sum(w / (stiffness + q) for w, q in zip(weights, squares, strict=True)))


def modal_error_bound(
    line: Line, s: Complex[np.ndarray, " point"], *, modes: int
) -> Float64[np.ndarray, " point"]:
    r"""Return a bound on what `modal_transfer` misses, anywhere on the line.

    With :math:`S=|q(s)|<c^2k_{N+1}^2`, and :math:`\sum_{n>N}(n-\tfrac12)^{-3}\le 1/(2N^2)` because
    the summand is convex,

    .. math:: |H-H_N| \le \frac{2}{L}\,\frac{S}{c^2}\left(\frac{L}{\pi}\right)^3\frac{1}{2N^2}\,
              \frac{1}{1-S/(c^2k_{N+1}^2)}.

    Args:
        line: The segment.
        s: Complex frequencies in 1/s.
        modes: :math:`N`, at least 1.

    Raises:
        ParameterError: If ``modes`` is below 1, or a frequency is beyond the next mode (named, with
            the number of modes that would do).
    """
    at_least("modes", modes, 1)
    size = np.abs(line.speed_m_s**2 * propagation_squared(line, s))
    after = (line.speed_m_s * line.wavenumber_per_m(modes + 1)) ** 2
    largest = float(size.max())
    if largest >= after:
        enough = int(np.sqrt(largest) * line.length_m / (np.pi * line.speed_m_s) + 0.5)
        raise ParameterError(
            f"modes is {modes}; at the highest frequency asked for the bound needs at least "
            f"{max(enough, modes + 1)}"
        )
    scale = (line.length_m / np.pi) ** 3 / (line.length_m * line.speed_m_s**2 * modes**2)
    return np.asarray(scale * size / (1 - size / after), dtype=np.float64)


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


def lumped_error_bound(
    segment: TerminatedLine, s: Complex[np.ndarray, " point"]
) -> Float64[np.ndarray, " point"]:
    r"""Bound the error of `lumped_transfer`, bed and resistance included.

    With :math:`r=|y|` and :math:`\delta = (\cosh r-1-r^2/2) + |Z|\,|1/R_p+sC_t|\,(\sinh r/r-1)`,

    .. math:: |1/D-1/D_2| \le \frac{\delta}{|D_2|\,(|D_2|-\delta)}.

    Args:
        segment: The line and its bed.
        s: Complex frequencies in 1/s.

    Raises:
        ParameterError: If a frequency is not finite, or the bound says nothing there
            (:math:`\delta\ge|D_2|`).
        ShapeError: If ``s`` is empty.
    """
    finite("s", s)
    impedance = segment.resistance + s * segment.inertance
    load = np.abs(1 / segment.bed_resistance + s * segment.bed_compliance)
    r = np.sqrt(np.abs(impedance * s * segment.compliance))
    excess = sum(r ** (2 * j) / math.factorial(2 * j) for j in range(2, 14))
    slope = sum(r ** (2 * j) / math.factorial(2 * j + 1) for j in range(1, 14))
    missed = excess + np.abs(impedance) * load * slope
    size = 1 / np.abs(lumped_transfer(segment, s))
    if not (missed < size).all():
        raise ParameterError(
            f"the line is too long for one oscillator: what is left out ({missed.max():.3g}) is "
            f"not below the denominator ({size.min():.3g}); use terminated_transfer"
        )
    return np.asarray(missed / (size * (size - missed)), dtype=np.float64)


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
