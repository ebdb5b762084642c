"""T20: every finite kernel of the receptive field, in about as many channels as its root."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.errors import ParameterError
from pulsephase.physics.width_theorem import (
    PARTNERS,
    split,
    sylvester_stack,
    sylvester_width,
)
from pulsephase.proofs.exact import all_true, all_vanish
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

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
    cross: int = 1
    """Sign of the resultant's second product."""
    partners: int = len(PARTNERS)
    per_layer: int = 2
    """Numbers that each layer of one channel adds, beside one scale."""

    def freedom(self, depth: int) -> int:
        """Return the claimed dimension of the kernels of one channel."""
        return self.per_layer * depth + 1


def _resultant(claim: Width) -> Evidence:
    """Compare the determinant of the Sylvester system with the stated polynomial."""
    a, b = sp.symbols("a0:3"), sp.symbols("b0:3")
    entries = [[_entry(a if j < 2 else b, i - j % 2) for j in range(4)] for i in range(4)]
    formula = (a[0] * b[2] - a[2] * b[0]) ** 2
    formula -= claim.cross * (a[0] * b[1] - a[1] * b[0]) * (a[1] * b[2] - a[2] * b[1])
    return all_vanish({"the determinant is the resultant": sp.Matrix(entries).det() - formula})


def _splits(claim: Width) -> Evidence:
    """Split a kernel by a pair of quadratics, in rational numbers, and multiply out."""
    return all_true({"a pair splits every kernel": _pair_splits(claim.second)})


def _partner(claim: Width) -> Evidence:
    """Verify that among the partners one is coprime to every quadratic that is not zero.

    The resultant with a partner vanishes on a quadric in (a0, a1, a2); the quadrics of all partners
    meet in the origin alone: the Groebner basis holds a power of every coefficient.
    """
    a = sp.symbols("a0:3")
    partners = PARTNERS[: claim.partners]
    quadrics = []
    for partner in partners:
        b = [sp.Rational(value.numerator, value.denominator) for value in partner]
        formula = (a[0] * b[2] - a[2] * b[0]) ** 2
        quadrics.append(formula - (a[0] * b[1] - a[1] * b[0]) * (a[1] * b[2] - a[2] * b[1]))
    basis = sp.groebner(quadrics, *a, order="grevlex")
    leads = [sp.Poly(item, *a).monoms(order="grevlex")[0] for item in basis.exprs]
    pure = {k for lead in leads for k in range(3) if lead[k] > 0 and sum(lead) == lead[k]}
    return all_true({"every quadratic has a coprime partner": pure == {0, 1, 2}})


def _built_stacks(claim: Width) -> Evidence:
    """Build stacks for integer kernels and compare them with ``==``."""
    return all_true(
        {
            "every stack is its kernel": all(_built(kernel, claim) for kernel in _kernels()),
            "the width is the formula": all(_narrow(depth, claim) for depth in DEPTHS),
        }
    )


def _one_channel(claim: Width) -> Evidence:
    """Count the kernels of one channel: the rank of the product's Jacobian, in rational numbers."""
    from flint import fmpq_mat

    facts = {}
    for depth in DEPTHS:
        rows = _jacobian(depth)
        facts[f"{depth} layers"] = fmpq_mat(rows).rank() == claim.freedom(depth)
        facts[f"{depth} layers, fewer than taps"] = claim.freedom(depth) < 2 ** (depth + 1) - 1
    return all_true(facts)


def _jacobian(depth: int) -> list[list[int]]:
    """Return d kernel/d tap of the product of one-channel layers with taps (1, 2, 3 + l)."""
    layers = [(1, 2, 3 + level) for level in range(depth)]
    rows = []
    for changed in range(depth):
        for tap in range(3):
            kernel = [1]
            for level, taps in enumerate(layers):
                used = [int(j == tap) for j in range(3)] if level == changed else list(taps)
                longer = [0] * (len(kernel) + 2 * 2**level)
                for j, weight in enumerate(used):
                    for i, value in enumerate(kernel):
                        longer[i + j * 2**level] += weight * value
                kernel = longer
            rows.append(kernel)
    return rows


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
    clauses=(
        Clause(text="the determinant is the resultant", label="proved", check=_resultant),
        Clause(
            text="every quadratic that is not zero has a coprime partner in the list",
            label="proved",
            check=_partner,
        ),
        Clause(
            text="a coprime pair splits a kernel",
            label="sampled",
            check=_splits,
            where="1 kernel of 15 taps, equality",
        ),
        Clause(
            text="the stacks are their kernels, and as wide as the formula",
            label="sampled",
            check=_built_stacks,
            where="8 kernels and 5 depths, in rational numbers, equality",
        ),
        Clause(
            text="one channel reaches a set of dimension $2L+1$ only",
            label="sampled",
            check=_one_channel,
            where="a point of each depth 2 to 6, rank in rational numbers",
        ),
    ),
    requires=("flint",),
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
        "one channel has 3L + 1 free numbers": replace(TRUTH, per_layer=3),
        "the resultant with a plus": replace(TRUTH, cross=-1),
        "two partners are enough": replace(TRUTH, partners=2),
    },
    paper="The derivation is said to fix the network. At the paper's width of 128 a stack can be "
    "any kernel of its length, physical or not: only the length constrains.",
    references=("J. von zur Gathen, J. Gerhard, Modern Computer Algebra (2013), ch. 6.3.",),
    numbers=numbers,
)
