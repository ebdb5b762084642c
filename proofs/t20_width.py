"""T20: every finite kernel of the receptive field, in about as many channels as its root."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.errors import ParameterError
from pulsephase.physics.width_theorem import (
    split,
    sylvester_stack,
    sylvester_width,
)
from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Evidence, Theorem

DEPTHS = range(2, 7)
Quadratic = tuple[Fraction, Fraction, Fraction]
FIRST: Quadratic = (Fraction(1), Fraction(1), Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """A claim: how wide is wide enough, how long the kernel, and which pairs do."""

    least: int = 0
    """Channels that are claimed to be saved against the formula."""
    extra_taps: int = 0
    second: Quadratic = (Fraction(1), Fraction(2), Fraction(3))
    one_channel_is_enough: bool = False


def check(claim: Width) -> Evidence:
    """Build stacks for integer kernels and compare them with ``==``, in rational numbers."""
    a, b = sp.symbols("a0:3"), sp.symbols("b0:3")
    entries = [[_entry(a if j < 2 else b, i - j % 2) for j in range(4)] for i in range(4)]
    matrix = sp.Matrix(entries)
    formula = (a[0] * b[2] - a[2] * b[0]) ** 2
    formula -= (a[0] * b[1] - a[1] * b[0]) * (a[1] * b[2] - a[2] * b[1])
    return all_vanish(
        {"the determinant is the resultant": matrix.det() - formula},
        every_stack_is_its_kernel=all(_built(kernel, claim) for kernel in _kernels()),
        the_width_is_the_formula=all(_narrow(depth, claim) for depth in DEPTHS),
        a_pair_splits_every_kernel=_pair_splits(claim.second),
        one_channel_has_too_few_numbers=all(_too_few(depth, claim) for depth in DEPTHS),
    )


def _entry(quadratic: Any, place: int) -> Any:
    return quadratic[place] if 0 <= place <= 2 else 0


def _kernels() -> list[list[Fraction]]:
    rng = np.random.default_rng(5)
    kernels = [[Fraction(int(v)) for v in rng.integers(-9, 10, 2 ** (d + 1) - 1)] for d in DEPTHS]
    sparse = [Fraction(0)] * 31
    sparse[30], sparse[15] = Fraction(1), Fraction(3)
    last = [Fraction(0)] * 62 + [Fraction(1)]
    return [*kernels, sparse, last, [Fraction(0)] * 15]


def _built(kernel: list[Fraction], claim: Width) -> bool:
    found = sylvester_stack(kernel).kernel()
    return list(found) == kernel + [Fraction(0)] * claim.extra_taps


def _narrow(depth: int, claim: Width) -> bool:
    kernel = [Fraction(k * k % 17 - 8) for k in range(2 ** (depth + 1) - 1)]
    return bool(max(sylvester_stack(kernel).widths) == sylvester_width(depth) - claim.least)


def _pair_splits(second: Quadratic) -> bool:
    """Say whether a pair of quadratics makes the kernel that it is asked for, multiplied out."""
    dilation = 4
    kernel = [Fraction(k + 1) for k in range(4 * dilation - 1)]
    for j in range(3):
        kernel[dilation - 1 + j * dilation] = 5 * FIRST[j]
    try:
        parts = split(tuple(kernel), FIRST, second, dilation=dilation)
    except ParameterError:
        return False  # refused at the door: the system is singular
    made = [Fraction(0)] * len(kernel)
    for quadratic, part in zip((FIRST, second), parts, strict=True):
        for j, tap in enumerate(quadratic):
            for i, value in enumerate(part):
                made[i + j * dilation] += tap * value
    return made == kernel


def _too_few(depth: int, claim: Width) -> bool:
    """Compare the numbers that one channel can choose, up to scale, with those of a kernel."""
    chosen, needed = 2 * depth + 1, 2 ** (depth + 1) - 1
    return bool((chosen >= needed) == claim.one_channel_is_enough)


def numbers() -> dict[str, str]:
    """Return the widths that are enough."""
    return {
        f"{2 ** (depth + 1) - 1} taps, {depth} layers: channels that are enough": (
            f"{max(sylvester_stack([1, 2] + [3] * (2 ** (depth + 1) - 3)).widths)}"
        )
        for depth in DEPTHS
    }


TRUTH = Width()

THEOREM = Theorem(
    id="T20",
    title="Every finite kernel fits a narrow stack: the receptive field limits, not the width",
    kind="rational",
    statement=r"""
Every kernel of length $2^{L+1}-1$ is, exactly, a linear causal stack of $L$ layers with three taps
and dilations $1,2,\ldots,2^{L-1}$ of width

$$\max_{1\leq l<L}\ \min\left(2^{L-l},\ 2^{l+1}-1\right) ,$$

about the root of the length; one channel is not enough for any $L\geq2$. The last layer splits the
kernel, $G = A_1(q^d)H_1 + A_2(q^d)H_2$ with $d=2^{L-1}$: each residue modulo $d$ but the last is a
cubic in $q^d$ and gives a Sylvester system, regular if and only if

$$(a_0b_2-a_2b_0)^2 - (a_0b_1-a_1b_0)(a_1b_2-a_2b_1) \neq 0 ,$$

that is, if $A_1$ and $A_2$ are coprime; the last residue is $A_1$ itself. Then each $H$ is split in
turn, until pure delays are cheaper. Whether the width is the least possible is open.
""",
    assumptions=("no gates", "three taps, dilations 2^l"),
    check=check,
    claim=TRUTH,
    mutants={
        "quadratics with a common factor": replace(
            TRUTH, second=(Fraction(2), Fraction(2), Fraction(0))
        ),
        "quadratics that both vanish at infinity": replace(
            TRUTH, second=(Fraction(1), Fraction(3), Fraction(0))
        ),
        "one channel less": replace(TRUTH, least=1),
        "one tap more": replace(TRUTH, extra_taps=1),
        "one channel is enough": replace(TRUTH, one_channel_is_enough=True),
    },
    paper="The derivation is said to fix the network. At the paper's width of 128 a stack can be "
    "any kernel of its length, physical or not: only the length constrains.",
    precision="rational numbers, equality",
    numbers=numbers,
)
