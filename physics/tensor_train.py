r"""How narrow a two-tap stack can be: the kernel as a tensor train in the bits of the lag.

Write the lag in bits, :math:`m=\sum_l b_l2^l`. A linear stack with two taps and dilations
:math:`2^l` has the kernel :math:`g[m]=G_{L-1}[b_{L-1}]\cdots G_0[b_0]`: a tensor train (Oseledets
2011; quantised, Khoromskij 2011). Its least width before layer :math:`l` is the rank of the
:math:`2^{L-l}\times2^l` unfolding of :math:`g`: the number of poles for a sum of modes, however
long (of different :math:`\lambda^{2^l}`: 0.9 and -0.9 are one from the second layer on), and about
:math:`\sqrt M` for an arbitrary kernel.

Spectral squaring: in any stack of least width that is a kernel of :math:`n` distinct poles, the
pencil :math:`(G_l[1], G_l[0])` of an interior layer has the eigenvalues :math:`\lambda_i^{2^l}`,
whatever basis the channels are in. The poles can be read off the weights.
"""

import numpy as np
from jaxtyping import Complex128, Float
from scipy.linalg import eigvals

from pulsephase.checks import at_least, finite
from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.stack import Layer, Stack

RANK_TOLERANCE = 1e-10
"""Singular values below this share of the kernel's norm count as zero: they are rounding."""


def unfolding_ranks(
    kernel: Float[np.ndarray, " tap"], *, tolerance: float = RANK_TOLERANCE
) -> tuple[int, ...]:
    r"""Return the least width of an exact two-tap stack at each of its :math:`L-1` interfaces.

    Args:
        kernel: :math:`2^L` taps, newest first.
        tolerance: Singular values up to this share of the kernel's norm count as zero.

    Returns:
        Ranks of the :math:`2^{L-l}\times2^l` unfoldings, :math:`l=1\ldots L-1`.

    Raises:
        ShapeError: If the number of taps is not a power of two, at least 2.
        ParameterError: If a tap is not finite or the tolerance not between 0 and 1.

    Example:
        >>> unfolding_ranks(0.5 ** np.arange(16.0))
        (1, 1, 1)
    """
    count = _bits(kernel)
    _check_tolerance(tolerance)
    floor = tolerance * float(np.linalg.norm(kernel))
    return tuple(
        int((np.linalg.svd(kernel.reshape(-1, 2**level), compute_uv=False) > floor).sum())
        for level in range(1, count)
    )


def tensor_train_stack(
    kernel: Float[np.ndarray, " tap"], *, tolerance: float = RANK_TOLERANCE
) -> Stack:
    r"""Return a two-tap stack of least width with dilations :math:`2^l` that is a given kernel.

    The tensor train SVD of Oseledets (2011, Algorithm 1), from the lowest bit. What it leaves out
    is, in norm, at most the root of the sum of squares of the singular values dropped.

    Args:
        kernel: :math:`2^L` taps, newest first.
        tolerance: Singular values up to this share of the kernel's norm are left out.

    Raises:
        ShapeError: If the number of taps is not a power of two, at least 2.
        ParameterError: If a tap is not finite or the tolerance not between 0 and 1.

    Example:
        >>> stack = tensor_train_stack(np.array([4.0, 2.0, 1.0, 0.5]))
        >>> stack.widths, stack.kernel().round(12).tolist()
        ((1,), [4.0, 2.0, 1.0, 0.5])
    """
    count = _bits(kernel)
    _check_tolerance(tolerance)
    floor = tolerance * float(np.linalg.norm(kernel))
    bits_first = np.asarray(kernel, dtype=np.float64).reshape([2] * count).transpose()
    rest, rank = bits_first.reshape(1, -1), 1
    layers = []
    for level in range(count - 1):
        left, sizes, right = np.linalg.svd(rest.reshape(2 * rank, -1), full_matrices=False)
        keep = max(1, int((sizes > floor).sum()))
        core = left[:, :keep].reshape(rank, 2, keep)
        layers.append(Layer(taps=core.transpose(2, 0, 1).copy(), dilation=2**level))
        rest, rank = sizes[:keep, None] * right[:keep], keep
    last = rest.reshape(rank, 2, 1)
    layers.append(Layer(taps=last.transpose(2, 0, 1).copy(), dilation=2 ** (count - 1)))
    return Stack(layers=tuple(layers))


def tap_spectrum(layer: Layer) -> Complex128[np.ndarray, " channel"]:
    r"""Return the eigenvalues of :math:`(G[1], G[0])`: :math:`\lambda_i^{d}` in a least stack.

    Args:
        layer: An interior layer with two taps and as many channels in as out.

    Returns:
        The eigenvalues, by size and then by angle.

    Raises:
        ShapeError: If the layer is not square or has not two taps.

    Example:
        >>> taps = np.stack([np.eye(2), np.diag([0.5, 0.25])], axis=-1)
        >>> tap_spectrum(Layer(taps=taps, dilation=2)).real.tolist()
        [0.25, 0.5]
    """
    rows, columns, count = layer.taps.shape
    if rows != columns or count != 2:
        raise ShapeError(f"taps have shape {layer.taps.shape}; give (n, n, 2), an interior layer")
    found = np.asarray(eigvals(layer.taps[:, :, 1], layer.taps[:, :, 0]), dtype=np.complex128)
    return found[np.lexsort((np.angle(found), np.abs(found).round(12)))]


def arbitrary_width(layers: int) -> tuple[int, ...]:
    r"""Return the widths that any :math:`2^L` taps need, :math:`\min(2^l, 2^{L-l})`.

    Raises:
        ParameterError: If ``layers`` is below 1.

    Example:
        >>> arbitrary_width(6)
        (2, 4, 8, 4, 2)
    """
    at_least("layers", layers, 1)
    return tuple(min(2**level, 2 ** (layers - level)) for level in range(1, layers))


def _check_tolerance(tolerance: float) -> None:
    if not 0 < tolerance < 1:
        raise ParameterError(f"tolerance is {tolerance}; it must be between 0 and 1")


def _bits(kernel: Float[np.ndarray, " tap"]) -> int:
    finite("kernel", kernel)
    count = len(kernel).bit_length() - 1
    if count < 1 or len(kernel) != 2**count:
        raise ShapeError(f"kernel has {len(kernel)} taps; give 2, 4, 8, ... (pad with zeros)")
    return count
