r"""A line with a closed end, as a sum of oscillators and a direct path.

With :math:`p(0)=p_\mathrm{in}`, :math:`p_x(L)=0`, :math:`k_n=(n-\tfrac12)\pi/L` and
:math:`q(s)=c^2\gamma^2(s)` (which is :math:`s(s+\alpha)` on a plain line),

.. math:: H(s) = \sum_{n\ge1}\frac{2c^2k_n}{L}\,\frac{\sin k_nx}{q+c^2k_n^2}
               = 1-\sum_{n\ge1}\frac{2\sin k_nx}{k_nL}\,\frac{q}{q+c^2k_n^2}.

Both series are exact. The second has the direct path (the 1) taken out: cut after :math:`N` modes
its error is at most of order :math:`N^{-2}`.
"""

import numpy as np
from jaxtyping import Complex, Complex128, Float64

from pulsephase.errors import ParameterError
from pulsephase.physics.door import at_least, within
from pulsephase.physics.line import Line, propagation_squared


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
    r"""Return the direct path and the first modes of `closed_end_transfer`.

    Args:
        line: The segment.
        s: Complex frequencies in 1/s.
        position_m: :math:`x` in m.
        modes: :math:`N`; 0 leaves the direct path alone.

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
    """Return the first modes alone: what is left if the direct path is forgotten.

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
