r"""From a kernel to its poles: the matrix pencil, and how many poles there are.

A kernel :math:`g[m]=\sum_i a_iz_i^m` has a Hankel matrix of as many singular values as poles; its
row space shifts by one lag by a matrix whose eigenvalues are the poles (Hua & Sarkar 1990; the same
as the eigensystem realisation of Juang & Pappa 1985 with one input and output). Rules: at least
four taps a pole, better eight; poles closer than the inverse of the length merge.
"""

import math

import numpy as np
from jaxtyping import Complex, Complex128, Float, Float64

from pulsephase.checks import at_least, finite
from pulsephase.errors import ParameterError, ShapeError

ROUNDING = 1e-12
"""Residuals below this share of the kernel's norm are rounding, not a reason for another pole."""


def pencil_poles(
    kernel: Float[np.ndarray, " tap"], *, order: int
) -> Complex128[np.ndarray, " order"]:
    """Return the poles of a kernel by the matrix pencil, largest first.

    Args:
        kernel: Taps, newest first, without those that the poles do not explain (a direct path).
        order: Number of poles; two an oscillator.

    Raises:
        ShapeError: If there are fewer than ``2 * order`` taps.
        ParameterError: If a tap is not finite, all are zero, or the order is below 1.

    Example:
        >>> pencil_poles(0.9 ** np.arange(8.0) + 0.5 ** np.arange(8.0), order=2).real.round(9)
        array([0.9, 0.5])
    """
    at_least("order", order, 1)
    _check(kernel, taps=2 * order)
    hankel = _hankel(kernel)
    _, _, right = np.linalg.svd(hankel, full_matrices=False)
    space = right[:order].conj().T
    shift = np.linalg.lstsq(space[:-1], space[1:], rcond=None)[0]
    found = np.asarray(np.linalg.eigvals(shift), dtype=np.complex128)
    return found[np.lexsort((-found.imag, -np.abs(found).round(12)))]


def hankel_spectrum(kernel: Float[np.ndarray, " tap"]) -> Float64[np.ndarray, " value"]:
    """Return the singular values of the Hankel matrix; a gap after ``2N`` says ``N`` oscillators.

    Raises:
        ShapeError: If there are fewer than 4 taps.
        ParameterError: If a tap is not finite or all are zero.
    """
    _check(kernel, taps=4)
    return np.asarray(np.linalg.svd(_hankel(kernel), compute_uv=False), dtype=np.float64)


def pole_fit(
    kernel: Float[np.ndarray, " tap"], poles: Complex[np.ndarray, " order"]
) -> tuple[Float64[np.ndarray, " tap"], Complex128[np.ndarray, " order"]]:
    r"""Fit amplitudes :math:`a_i` to given poles by least squares.

    Args:
        kernel: Taps, newest first.
        poles: Discrete poles.

    Returns:
        The fitted kernel and the amplitudes.
    """
    powers = np.power.outer(poles.astype(np.complex128), np.arange(len(kernel))).T
    weights = np.linalg.lstsq(powers, kernel.astype(np.complex128), rcond=None)[0]
    return np.asarray((powers @ weights).real, dtype=np.float64), weights


def select_order(kernel: Float[np.ndarray, " tap"], *, most: int) -> int:
    r"""Choose the number of poles by the Bayesian information criterion.

    .. math:: \mathrm{BIC}(p) = M\ln\frac{\lVert g-\hat g_p\rVert^2}{M} + 2p\ln M ,

    each pole costing itself and its amplitude (Schwarz 1978). Residuals at rounding count as equal.

    Args:
        kernel: Taps, newest first.
        most: Largest order to try.

    Raises:
        ShapeError: If there are fewer than ``4 * most`` taps.
        ParameterError: If a tap is not finite, all are zero, or ``most`` is below 1.

    Example:
        >>> select_order(0.9 ** np.arange(32.0) + 0.5 ** np.arange(32.0), most=6)
        2
    """
    at_least("most", most, 1)
    _check(kernel, taps=4 * most)
    count = len(kernel)
    floor = ROUNDING**2 * float(kernel @ kernel)

    def criterion(order: int) -> float:
        fitted = np.zeros(count)
        if order > 0:
            fitted = pole_fit(kernel, _inside(pencil_poles(kernel, order=order)))[0]
        left = kernel - fitted
        return count * math.log(max(float(left @ left), floor)) + 2 * order * math.log(count)

    return min(range(most + 1), key=criterion)


def _inside(poles: Complex128[np.ndarray, " order"]) -> Complex128[np.ndarray, " order"]:
    """Return poles drawn onto the unit circle where they lie outside: a kernel does not grow."""
    return np.asarray(poles / np.maximum(np.abs(poles), 1.0))


def _hankel(kernel: Float[np.ndarray, " tap"]) -> Float64[np.ndarray, "row column"]:
    width = len(kernel) // 2 + 1
    rows = np.lib.stride_tricks.sliding_window_view(np.asarray(kernel, dtype=np.float64), width)
    return np.asarray(rows)


def _check(kernel: Float[np.ndarray, " tap"], *, taps: int) -> None:
    finite("kernel", kernel)
    if len(kernel) < taps:
        raise ShapeError(f"kernel has {len(kernel)} taps; this order needs at least {taps}")
    if not np.any(kernel):
        raise ParameterError("kernel is zero; it has no poles")
