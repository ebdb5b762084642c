"""W3: how wide a stack with three taps must be: between the rank over two and Sylvester's width."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy as sp

from pulsephase.physics.width_theorem import sylvester_stack, sylvester_width
from pulsephase.proofs.exact import all_true
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

LAYERS = 4
TAPS = 2 ** (LAYERS + 1) - 1
RATIONAL = tuple((Fraction(12 - 4 * k, 10), Fraction(98 - 3 * k, 100)) for k in range(6))
"""T and D of six oscillators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """A claim: what is enough, what is needed, and how a cut spreads over two lags."""

    enough: int = 4
    """Channels for six oscillators in 31 taps."""
    needed: dict[int, int] | None = None
    """Lower bound at the best cut, by number of oscillators."""
    overlap: int = 2
    """Blocks of lags that the lower layers reach."""
    oscillators: int = 6
    one_channel_gcd: int = 0
    """Degree of the common factor of the residues of one oscillator's kernel."""

    def least(self) -> dict[int, int]:
        """Return the claimed lower bounds."""
        return self.needed or {1: 1, 2: 2, 6: 2}


def kernel_of(count: int, length: int = TAPS) -> list[Fraction]:
    """Return the sum of second-order kernels with rational poles' sums and products."""
    total = [Fraction(0)] * length
    for trace, det in RATIONAL[:count]:
        before, now = Fraction(0), Fraction(1)
        for m in range(length):
            total[m] += now
            before, now = now, trace * now - det * before
    return total


def residues(kernel: list[Fraction], dilation: int) -> list[list[Fraction]]:
    """Return the taps of each residue modulo the dilation, the last residue left out."""
    width = (len(kernel) + 1) // dilation
    return [[kernel[i + j * dilation] for j in range(width)] for i in range(dilation - 1)]


def _cut(claim: Width) -> Evidence:
    """Verify that each residue of A(q^d) H(q) is A times a polynomial of few terms."""
    z = sp.Symbol("z")
    facts = {}
    for dilation in (2, 4, 8):
        upper = sp.symbols("a0:3")
        lower = sp.symbols(f"h0:{2 * dilation - 1}")
        product = [sp.Integer(0)] * (4 * dilation - 1)
        for j, weight in enumerate(upper):
            for i, value in enumerate(lower):
                product[i + j * dilation] += weight * value
        quadratic = sum(weight * z**j for j, weight in enumerate(upper))
        for i in range(dilation - 1):
            row = sum(product[i + j * dilation] * z**j for j in range(4))
            few = sum(lower[i + k * dilation] * z**k for k in range(claim.overlap))
            facts[f"d = {dilation}, residue {i}"] = sp.expand(row - quadratic * few) == 0
    return all_true(facts)


def _lower(claim: Width) -> Evidence:
    """Take the rank of the residues at every cut, in rational numbers, and halve it."""
    facts = {}
    for count, stated in claim.least().items():
        kernel = kernel_of(count)
        found = max(-(-_rank(residues(kernel, 2**level)) // 2) for level in range(1, LAYERS))
        facts[f"{count} oscillators need {found}"] = found == stated
    return all_true(facts)


def _rank(rows: list[list[Fraction]]) -> int:
    from flint import fmpq, fmpq_mat

    return int(fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows]).rank())


def _upper(claim: Width) -> Evidence:
    """Build the stack of several oscillators and compare it with their kernel, by equality."""
    kernel = kernel_of(claim.oscillators)
    stack = sylvester_stack(kernel)
    return all_true(
        {
            "the stack is the kernel": list(stack.kernel()) == kernel,
            f"width {max(stack.widths)}": max(stack.widths) == claim.enough,
            "the formula": sylvester_width(LAYERS) == claim.enough,
        }
    )


def _one(claim: Width) -> Evidence:
    """Find the common factor of the residues of one oscillator's kernel: one channel needs two."""
    from flint import fmpq, fmpq_poly

    rows: list[Any] = [
        fmpq_poly([fmpq(v.numerator, v.denominator) for v in row])
        for row in residues(kernel_of(1), 2 ** (LAYERS - 1))
    ]
    common = rows[0]
    for row in rows[1:]:
        common = common.gcd(row)
    return all_true({f"degree {common.degree()}": common.degree() == claim.one_channel_gcd})


def numbers() -> dict[str, str]:
    """Return widths that are needed and that are enough."""
    rows = {}
    for count in (1, 2, 6):
        kernel = kernel_of(count)
        low = max(-(-_rank(residues(kernel, 2**level)) // 2) for level in range(1, LAYERS))
        high = min(2 * count, max(sylvester_stack(kernel).widths))
        low = max(low, 2)
        rows[f"{count} oscillator(s), 31 taps, 4 layers of 3 taps: least width"] = (
            f"{low}" if low == high else f"{low} to {high}"
        )
    return rows


TRUTH = Width()

THEOREM = Theorem(
    id="W3",
    title="With three taps fewer channels do: six oscillators in four",
    statement=r"""
T19's bound of two channels an oscillator is for **two** taps, where each lag has one path through
the
layers. With three taps of dilation $2^l$ a lag has several. Cut the stack before layer $l$,
$d=2^l$:
the lower layers reach $2d-1$ lags, the upper ones act on multiples of $d$, and

$$G = \sum_{c=1}^{w} A_c(q^d)\,H_c(q) .$$

Each residue of $G$ modulo $d$ but the last is $\sum_c A_c(z)\,(h_{c0}+h_{c1}z)$: it lies in the
span
of the $A_c$ and the $zA_c$, of dimension $2w$ at most. So, with $r_l$ the rank of these residues,

$$\max_l \left\lceil \frac{r_l}{2}\right\rceil \ \leq\ w\ \leq\ \min(2N,\ \text{T20's width}) .$$

For 31 taps, $L=4$: one oscillator needs two channels exactly (with one channel all residues at
$d=8$ would share a quadratic factor, and they share none); **six oscillators fit into four
channels**,
not twelve, and need two at least. Between the two bounds the least width is open.
""",
    assumptions=("three taps, dilations $2^l$, no gates", "kernels in rational numbers"),
    clauses=(
        Clause(
            text="a residue is a quadratic times a linear factor",
            label="sampled",
            check=_cut,
            where="$d = 2, 4, 8$, as polynomials, exactly",
        ),
        Clause(
            text="the lower bounds of 1, 2 and 6 oscillators",
            label="proved",
            check=_lower,
            where="kernels with rational $T$, $D$",
        ),
        Clause(text="six oscillators in four channels, by equality", label="proved", check=_upper),
        Clause(text="one oscillator does not fit into one channel", label="proved", check=_one),
    ),
    claim=TRUTH,
    mutants={
        "a lag has one path": replace(TRUTH, overlap=1),
        "six oscillators need twelve": replace(TRUTH, enough=12),
        "six oscillators need six": replace(TRUTH, needed={6: 6}),
        "one oscillator needs two by the rank alone": replace(TRUTH, needed={1: 2}),
        "three channels are enough": replace(TRUTH, enough=3),
        "the residues of one oscillator share a quadratic": replace(TRUTH, one_channel_gcd=2),
    },
    requires=("flint",),
    paper="The paper's network has three taps. Its width of 128 is thirty times what six "
    "oscillators "
    "need in 31 frames.",
    numbers=numbers,
)
