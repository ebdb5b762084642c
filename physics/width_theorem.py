r"""Every finite kernel of the full receptive field, from a narrow stack with three taps: exactly.

Theorem. Every kernel of length :math:`2^{L+1}-1` is a linear causal stack of :math:`L` layers with
three taps and dilations :math:`2^l` whose width before layer :math:`l` is at most
:math:`\min(2^{L-l},\,2^{l+1}-1)`, about the root of the length.

The construction, from the last layer back. With :math:`d = 2^{l}`, write the kernel :math:`G`
(length :math:`4d-1`) as :math:`G = A_1(q^d)H_1 + A_2(q^d)H_2`, the :math:`A` of three taps, the
:math:`H` of length :math:`2d-1`. Taps at lag :math:`i+jd` of residue :math:`i<d-1` form a cubic in
:math:`q^d`, which is :math:`A_1` times a linear factor plus :math:`A_2` times another: a Sylvester
system of four equations, solvable for every right side if and only if :math:`A_1, A_2` are coprime.
Residue :math:`d-1` has three taps alone: they are :math:`A_1`. Two channels a kernel, until pure
delays are cheaper. Whether this width is the least possible with three taps is open.

All of it runs in rational numbers: the stack is the kernel with ``==``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pulsephase.checks import at_least
from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.stack import Layer, Stack

Row = tuple[Fraction, ...]
Taps = tuple[Fraction, Fraction, Fraction]
Quadratic = Taps
ZERO, ONE = Fraction(0), Fraction(1)
NONE: Taps = (ZERO, ZERO, ZERO)
PARTNERS: tuple[Quadratic, ...] = tuple(
    (Fraction(a), Fraction(b), Fraction(c))
    for a, b, c in ((1, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1), (1, 1, 0), (1, 2, 3))
)
"""Second factors to choose from; among them one is coprime to any first factor that is not zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactStack:
    """A stack of three-tap layers with dilations 1, 2, 4, ... in rational numbers.

    Attributes:
        layers: ``layers[l][out][in]`` are the three taps of layer ``l``.
    """

    layers: tuple[tuple[tuple[Taps, ...], ...], ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels between the layers."""
        return tuple(len(layer) for layer in self.layers[:-1])

    def kernel(self) -> Row:
        """Return the impulse response, all of it, exactly."""
        channels: list[list[Fraction]] = [[ONE]]
        for level, layer in enumerate(self.layers):
            channels = [_combined(row, channels, dilation=2**level) for row in layer]
        return tuple(channels[0])

    def in_floating_point(self) -> Stack:
        """Return the same stack in double precision."""
        return Stack(
            layers=tuple(
                Layer(taps=np.array(layer, dtype=np.float64), dilation=2**level)
                for level, layer in enumerate(self.layers)
            )
        )


def sylvester_width(layers: int) -> int:
    r"""Return the width that is enough, :math:`\max_{1\leq l<L}\min(2^{L-l},\,2^{l+1}-1)`.

    Args:
        layers: Number of layers :math:`L`.

    Raises:
        ParameterError: If ``layers`` is below 1.

    Example:
        >>> [sylvester_width(layers) for layers in range(2, 7)]
        [2, 3, 4, 7, 8]
    """
    at_least("layers", layers, 1)
    levels = range(1, layers)
    return max((min(2 ** (layers - k), 2 ** (k + 1) - 1) for k in levels), default=1)


def sylvester_stack(kernel: Sequence[Fraction | int]) -> ExactStack:
    r"""Return a three-tap stack with dilations :math:`2^l` that is a given kernel, exactly.

    Args:
        kernel: Taps, newest first; :math:`2^{L+1}-1` of them, rational.

    Returns:
        The stack, of width at most `sylvester_width`.

    Raises:
        ShapeError: If the number of taps is not 3, 7, 15, 31, ...

    Example:
        >>> stack = sylvester_stack([3, 1, 4, 1, 5, 9, 2])
        >>> [int(tap) for tap in stack.kernel()], stack.widths
        ([3, 1, 4, 1, 5, 9, 2], (2,))
    """
    count = (len(kernel) + 1).bit_length() - 2
    if count < 1 or len(kernel) != 2 ** (count + 1) - 1:
        raise ShapeError(f"kernel has {len(kernel)} taps; give 3, 7, 15, 31, ... (pad with zeros)")
    wanted: list[Row] = [tuple(Fraction(tap) for tap in kernel)]
    layers: list[tuple[tuple[Taps, ...], ...]] = []
    for level in range(count - 1, 0, -1):
        dilation = 2**level
        delays = 2 * dilation - 1
        if 2 * len(wanted) <= delays:
            layer, wanted = _split_all(wanted, dilation)
        else:
            layer = tuple(_from_delays(row, dilation) for row in wanted)
            wanted = [tuple(Fraction(i == j) for j in range(delays)) for i in range(delays)]
        layers.append(layer)
    layers.append(tuple(((row[0], row[1], row[2]),) for row in wanted))
    return ExactStack(layers=tuple(reversed(layers)))


def split(kernel: Row, first: Quadratic, second: Quadratic, *, dilation: int) -> tuple[Row, Row]:
    r"""Solve :math:`G = A_1(q^d)H_1 + A_2(q^d)H_2` for the two shorter kernels.

    Args:
        kernel: :math:`G`, of :math:`4d-1` taps.
        first: :math:`A_1`, proportional to the taps of residue :math:`d-1` unless those vanish.
        second: :math:`A_2`, coprime to the first.
        dilation: :math:`d`.

    Raises:
        ShapeError: If the number of taps is not :math:`4d-1`.
        ParameterError: If the two quadratics share a factor: the Sylvester system is singular.
    """
    if len(kernel) != 4 * dilation - 1:
        raise ShapeError(f"kernel has {len(kernel)} taps; give {4 * dilation - 1}")
    if resultant(first, second) == 0:
        raise ParameterError(f"{first} and {second} share a factor; choose coprime quadratics")
    one, two = [ZERO] * (2 * dilation - 1), [ZERO] * (2 * dilation - 1)
    for i in range(dilation - 1):
        cubic = [kernel[i + j * dilation] for j in range(4)]
        one[i], one[dilation + i], two[i], two[dilation + i] = _solve(
            _sylvester(first, second), cubic
        )
    lead = next((j for j in range(3) if first[j] != 0), 0)
    one[dilation - 1] = kernel[dilation - 1 + lead * dilation] / first[lead]
    return tuple(one), tuple(two)


def resultant(first: Quadratic, second: Quadratic) -> Fraction:
    r"""Return the resultant of two quadratics (formal degree 2): zero if they share a factor.

    .. math:: (a_0b_2-a_2b_0)^2 - (a_0b_1-a_1b_0)(a_1b_2-a_2b_1)

    Example:
        >>> one, two = Fraction(1), Fraction(2)
        >>> resultant((one, one, 0 * one), (two, two, 0 * one))
        Fraction(0, 1)
    """
    (a0, a1, a2), (b0, b1, b2) = first, second
    return (a0 * b2 - a2 * b0) ** 2 - (a0 * b1 - a1 * b0) * (a1 * b2 - a2 * b1)


def _split_all(wanted: list[Row], dilation: int) -> tuple[tuple[tuple[Taps, ...], ...], list[Row]]:
    """Return the layer that makes every wanted kernel of two shorter ones, and those."""
    layer: list[tuple[Taps, ...]] = []
    shorter: list[Row] = []
    for place, row in enumerate(wanted):
        first, second = _coprime_pair(row, dilation)
        shorter.extend(split(row, first, second, dilation=dilation))
        taps = [NONE] * (2 * len(wanted))
        taps[2 * place], taps[2 * place + 1] = first, second
        layer.append(tuple(taps))
    return tuple(layer), shorter


def _coprime_pair(row: Row, dilation: int) -> tuple[Quadratic, Quadratic]:
    """Return the taps of residue d - 1, scaled, and the partner that is farthest from them."""
    lone = [row[dilation - 1 + j * dilation] for j in range(3)]
    scale = max(abs(tap) for tap in lone)
    first: Quadratic = PARTNERS[0]
    if scale != 0:
        first = (lone[0] / scale, lone[1] / scale, lone[2] / scale)
    return first, max(PARTNERS, key=lambda second: abs(resultant(first, second)))


def _sylvester(first: Quadratic, second: Quadratic) -> list[list[Fraction]]:
    """Return the matrix that takes two linear factors to the cubic A1 h1 + A2 h2."""
    return [
        [
            quadratic[row - shift] if 0 <= row - shift <= 2 else ZERO
            for quadratic in (first, second)
            for shift in (0, 1)
        ]
        for row in range(4)
    ]


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Solve a regular linear system by Gauss-Jordan elimination, exactly."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(len(rows)):
        pivot = next(i for i in range(column, len(rows)) if rows[i][column] != 0)
        rows[column], rows[pivot] = rows[pivot], rows[column]
        lead = rows[column][column]
        rows[column] = [value / lead for value in rows[column]]
        for i, row in enumerate(rows):
            if i != column:
                factor = row[column]
                rows[i] = [a - factor * b for a, b in zip(row, rows[column], strict=True)]
    return [row[-1] for row in rows]


def _from_delays(row: Row, dilation: int) -> tuple[Taps, ...]:
    """Return the taps that read a kernel off pure delays 0 ... 2d-2, each lag once."""
    taps = [[ZERO] * 3 for _ in range(2 * dilation - 1)]
    for lag, value in enumerate(row):
        tap, delay = _place(lag, dilation)
        taps[delay][tap] = value
    return tuple((one, two, three) for one, two, three in taps)


def _place(lag: int, dilation: int) -> tuple[int, int]:
    """Return the least tap, and the delay up to 2d - 2, with lag = tap * dilation + delay."""
    tap = max(0, -(-(lag - (2 * dilation - 2)) // dilation))
    return tap, lag - tap * dilation


def _combined(
    row: Sequence[Taps], channels: list[list[Fraction]], *, dilation: int
) -> list[Fraction]:
    """Return sum over channels and taps of tap times the channel, delayed."""
    total = [ZERO] * (len(channels[0]) + 2 * dilation)
    for lag, value in _shifted(row, channels, dilation):
        total[lag] += value
    return total


def _shifted(
    row: Sequence[Taps], channels: list[list[Fraction]], dilation: int
) -> Iterator[tuple[int, Fraction]]:
    for taps, channel in zip(row, channels, strict=True):
        for j, tap in enumerate(taps):
            if tap != 0:
                for i, value in enumerate(channel):
                    yield i + j * dilation, tap * value
