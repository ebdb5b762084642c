"""T19: with two taps 2N channels are also necessary, and the poles stand in the weights."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from pulsephase.physics.doubling import StateSpace, doubling_stack, side_by_side
from pulsephase.physics.stack import Layer, Stack
from pulsephase.physics.tensor_train import (
    arbitrary_width,
    tap_spectrum,
    tensor_train_stack,
    unfolding_ranks,
)
from pulsephase.proofs.exact import all_true
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

DEPTH = 7
RATIONAL = (
    (Fraction(6, 5), Fraction(9, 10)),
    (Fraction(1, 2), Fraction(4, 5)),
    (Fraction(-3, 5), Fraction(19, 20)),
)
"""T and D of three oscillators."""
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """A claim: the width of modes, of any kernel, and the law of the taps' spectrum."""

    per_mode: int = 2
    permuted: bool = False
    """Claim the same of a kernel whose taps were shuffled."""
    power: int = 2
    """Eigenvalues of layer l are the poles to the power of this, l times."""
    arbitrary: int | None = None
    """Channels for any kernel, if not the root of its length."""
    tolerance: float = 1e-10


def modes(*poles: complex) -> StateSpace:
    """Return the sum of second-order systems, each with a pole and its conjugate."""
    systems = []
    for weight, pole in enumerate(poles, 1):
        matrix = np.array([[pole.real, pole.imag], [-pole.imag, pole.real]])
        systems.append(
            StateSpace(
                transition=matrix, drive=np.array([0.3, 1.0]), readout=np.array([1.0 / weight, 0.0])
            )
        )
    return side_by_side(systems)


POLES = (0.97 * np.exp(0.25j), 0.93 * np.exp(0.8j), 0.99 * np.exp(1.7j))


def _exact_ranks(claim: Ranks) -> Evidence:
    """Take ranks of unfoldings in rational numbers: poles 3/5 + 4/5 i and the like, scaled."""
    from flint import fmpq, fmpq_mat

    facts = {}
    for count in (1, 2, 3):
        kernel = _rational_kernel(count, 2**DEPTH)
        if claim.permuted:
            kernel = [kernel[i] for i in np.random.default_rng(0).permutation(len(kernel))]
        for level in range(1, DEPTH):
            rows = [kernel[i : i + 2**level] for i in range(0, len(kernel), 2**level)]
            found = fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows])
            limit = min(2**level, 2 ** (DEPTH - level))
            expected = min(claim.per_mode * count, limit)
            facts[f"{count} modes, level {level}"] = found.rank() == expected
    return all_true(facts)


def _rational_kernel(count: int, length: int) -> list[Fraction]:
    """Return the sum of second-order kernels U_m with rational T and D, the last of them weak."""
    total = [Fraction(0)] * length
    for mode in range(count):
        trace, det = RATIONAL[mode]
        weight = Fraction(1, 10 ** (3 * mode))
        before, now = Fraction(0), Fraction(1)
        for m in range(length):
            total[m] += weight * now
            before, now = now, trace * now - det * before
    return total


def _least_stacks(claim: Ranks) -> Evidence:
    """Build least stacks, and read the poles off their weights, in any basis."""
    facts = {}
    for count in (1, 2):
        system = modes(*POLES[:count])
        kernel = system.kernel(2**DEPTH)
        width = claim.per_mode * count
        expected = tuple(min(width, most) for most in arbitrary_width(DEPTH))
        stack = tensor_train_stack(kernel)
        facts[f"{count} modes: least stack"] = _is(stack, kernel) and stack.widths == expected
        facts[f"{count} modes: spectrum"] = _spectral(stack, system, claim.power)
        turned = _other_basis(doubling_stack(system, layers=DEPTH), seed=count)
        facts[f"{count} modes: spectrum in any basis"] = _spectral(turned, system, claim.power)
    return all_true(facts)


def _weak_mode(claim: Ranks) -> Evidence:
    """Find a mode 1e-6 times as strong in float64: a tolerance of 1e-4 would lose it."""
    strong, weak = modes(POLES[0]).kernel(2**DEPTH), modes(POLES[1]).kernel(2**DEPTH)
    found = unfolding_ranks(strong + 1e-6 * weak, tolerance=claim.tolerance)
    expected = tuple(min(4, most) for most in arbitrary_width(DEPTH))
    return all_true({f"ranks {found}": found == expected})


def _others(claim: Ranks) -> Evidence:
    """Take the ranks of a double pole and of an arbitrary kernel."""
    return all_true(
        {
            "a double pole needs two": set(unfolding_ranks(_critical())) == {2},
            "an arbitrary kernel needs its root": _arbitrary(claim),
        }
    )


def _is(stack: Stack, kernel: np.ndarray) -> bool:
    return bool(np.abs(stack.kernel() - kernel).max() < ROUNDING * np.abs(kernel).max())


def _spectral(stack: Stack, system: StateSpace, power: int) -> bool:
    """Say whether each square layer's eigenvalues are the poles to its dilation."""
    poles = np.linalg.eigvals(system.transition)
    seen = 0
    for layer in stack.layers:
        rows, columns, taps = layer.taps.shape
        if taps != 2 or rows != system.size or columns != system.size:
            continue
        seen += 1
        level = layer.dilation.bit_length() - 1
        found, expected = tap_spectrum(layer), poles ** (power**level)
        if max(np.abs(found - pole).min() for pole in expected) > ROUNDING:
            return False
        if max(np.abs(expected - pole).min() for pole in found) > ROUNDING:
            return False
    return seen >= DEPTH - 4


def _other_basis(stack: Stack, *, seed: int) -> Stack:
    """Return the same stack with the channels between its layers mixed at random."""
    rng = np.random.default_rng(seed)
    back: np.ndarray = np.eye(1)
    layers = []
    for layer, width in zip(stack.layers, (*stack.widths, 1), strict=True):
        mix: np.ndarray = np.eye(1)
        if width > 1:
            mix = np.linalg.qr(rng.standard_normal((width, width)))[0] * rng.uniform(0.5, 2, width)
        taps = np.einsum("ab,bcj,cd->adj", mix, layer.taps, back)
        layers.append(Layer(taps=taps, dilation=layer.dilation))
        back = np.linalg.inv(mix)
    return Stack(layers=tuple(layers))


def _critical() -> np.ndarray:
    lags = np.arange(2.0**DEPTH)
    return np.asarray((1 + lags) * 0.9**lags)


def _arbitrary(claim: Ranks) -> bool:
    kernel = np.random.default_rng(1).standard_normal(2**DEPTH)
    ranks = unfolding_ranks(kernel)
    expected = arbitrary_width(DEPTH)
    if claim.arbitrary is not None:
        expected = tuple(min(claim.arbitrary, most) for most in expected)
    stack = tensor_train_stack(kernel)
    return ranks == expected and stack.widths == expected and _is(stack, kernel)


def numbers() -> dict[str, str]:
    """Return the widths that modes and any kernel need."""
    kernel = modes(*POLES).kernel(2**8)
    shuffled = np.random.default_rng(0).permutation(kernel)
    return {
        "256 taps of three oscillators: least widths": str(unfolding_ranks(kernel)),
        "the same taps shuffled": str(unfolding_ranks(shuffled)),
    }


TRUTH = Ranks()

THEOREM = Theorem(
    id="T19",
    title="With two taps 2N channels are necessary, and the poles stand in the weights",
    statement=r"""
A linear stack with two taps and dilations $2^l$ writes the kernel in the bits of the lag,
$g[m] = G_{L-1}[b_{L-1}]\cdots G_0[b_0]$. Its least width before layer $l$ is the rank of the
$2^{L-l}\times2^l$ unfolding of $g$: $2N$ for $N$ oscillators with distinct poles
($2N\leq2^l,2^{L-l}$), $\min(2^l,2^{L-l})$ for an arbitrary kernel.

**Spectral squaring.** If $\lambda_i$ are the poles of the kernel and the stack has the least width,
the eigenvalues of $G_l[1]$ against $G_l[0]$ in an interior layer are

$$\lambda_i^{2^l},\qquad i=1,\ldots,2N ,$$

in whatever basis the channels are. It does not hold for wider stacks, nor with three taps: there
fewer channels can do (W3).
""",
    assumptions=(
        "two taps, dilations 2^l, no gates",
        "poles that differ in their 2^l-th powers, and 2N taps on either side of the layer",
    ),
    clauses=(
        Clause(
            text="the unfoldings of $N$ oscillators have rank $2N$, or all the rank there is",
            label="proved",
            check=_exact_ranks,
        ),
        Clause(
            text=r"least stacks have that width, and eigenvalues $\lambda_i^{2^l}$ in any basis",
            label="sampled",
            check=_least_stacks,
            where=f"1 and 2 oscillators, {2**DEPTH} taps, to {ROUNDING:g}",
        ),
        Clause(
            text="a mode a million times weaker counts",
            label="sampled",
            check=_weak_mode,
            where="1 kernel, relative tolerance 1e-10",
        ),
        Clause(
            text="a double pole needs two channels, an arbitrary kernel its root",
            label="sampled",
            check=_others,
            where="1 kernel each",
        ),
    ),
    requires=("flint",),
    claim=TRUTH,
    mutants={
        "the taps in another order": replace(TRUTH, permuted=True),
        "one channel a mode": replace(TRUTH, per_mode=1),
        "the same poles in every layer": replace(TRUTH, power=1),
        "two channels for any kernel": replace(TRUTH, arbitrary=2),
        "a mode below 1e-4 does not count": replace(TRUTH, tolerance=1e-4),
    },
    paper="The paper gives no width. With two taps, two channels an oscillator are enough and "
    "necessary; with the paper's three taps see W3. A width of 128 says nothing about oscillators.",
    references=("I. V. Oseledets, SIAM J. Sci. Comput. 33 (2011) 2295, thm. 2.1.",),
    numbers=numbers,
)
