"""T18: a residual dilated stack of width 2N is the kernel of N oscillators, cut, exactly."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
import torch

from pulsephase.physics.doubling import (
    StateSpace,
    doubling_stack,
    side_by_side,
    three_tap_stack,
    tripling_stack,
    truncation_remainder,
)
from pulsephase.physics.stack import Stack
from pulsephase.proofs.exact import all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

X = sp.Symbol("X")
STEP_S = 1 / 30
REGIMES = ((1.5, 7.5), (3.0, 9.0), (18.0, 9.0), (40.0, 9.0), (0.2, 25.0))
LAYERS = 7
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubling:
    """A claim: dilations, use of the third tap, and what the cut leaves out."""

    squares_dilation: bool = True
    """Dilations 2^l; otherwise l + 1."""
    third_tap_everywhere: bool = False
    remainder_power_offset: int = 0
    late: int = 0
    """Added to the dilation of a doubling layer."""
    recurrence_taps: int | None = None
    """Taps that a recurrence keeps; none for all."""
    kept: int = 1
    """Taps that a stack of L layers keeps, over 2^L."""


def _induction(claim: Doubling) -> Evidence:
    """Verify the step from M to 2 M, for a symbol M, and that three taps do the same from M to 3 M.

    The geometric sum is (1 - X^M)/(1 - X): times 1 + X^M it is the sum to 2 M. X stands for A q:
    powers of one matrix commute, so an identity of polynomials in X holds for A q.
    """
    x, m = sp.symbols("X M", positive=True)
    total = lambda count: (1 - x**count) / (1 - x)  # noqa: E731
    factor = 1 + x ** (m + claim.late)
    triple = 1 + x**m + x ** (2 * m)
    return all_vanish(
        {
            "doubling": sp.expand(
                sp.expand((total(m) * factor - total(2 * m)) * (1 - x)), power_exp=True
            ),
            "tripling": sp.expand(
                sp.expand((total(m) * triple - total(3 * m)) * (1 - x)), power_exp=True
            ),
            "start": total(sp.Integer(1)) - 1,
        }
    )


def _products(claim: Doubling) -> Evidence:
    """Expand the products of the three kinds of stack."""
    return all_vanish(_identities(claim))


def _unrolled(claim: Doubling) -> Evidence:
    """Unroll x_t = A x_(t-1) + B u_t with letters that do not commute: what M taps miss."""
    transition, drive = sp.symbols("A B", commutative=False)
    state = sp.Symbol("x_0", commutative=False)
    inputs = sp.symbols("u0:4")
    here = state
    for value in inputs:
        here = sp.expand(transition * here + drive * value)
    count = len(inputs)
    kept = sum(transition**m * drive * inputs[count - 1 - m] for m in range(count))
    missed = transition ** (count + claim.remainder_power_offset) * state
    return all_vanish({"remainder": sp.expand(here - kept - missed)})


def _in_torch(claim: Doubling) -> Evidence:
    return within(max(_worst_stack_error(claim), _two_modes()), ROUNDING)


def _missed(claim: Doubling) -> Evidence:
    """Compare what the stack misses with the remainder, and a recurrence with the whole kernel."""
    return within(max(_remainder_error(claim), _recurrence(claim)), ROUNDING)


def _identities(claim: Doubling) -> dict[str, Any]:
    identities: dict[str, Any] = {}
    for count in range(1, 8):
        product = sp.Integer(1)
        for level in range(count):
            product = sp.expand(
                product * (1 + X ** (2**level if claim.squares_dilation else level + 1))
            )
        identities[f"two taps, {count} layers"] = product - _powers(2**count)
    for count in range(1, 5):
        product = sp.Integer(1)
        for level in range(count):
            product = sp.expand(product * (1 + X ** (3**level) + X ** (2 * 3**level)))
        identities[f"dilations 3^l, {count} layers"] = product - _powers(3**count)
    for count in range(2, 6):
        product = sp.Integer(1)
        for level in range(count):
            third = int(claim.third_tap_everywhere or level == count - 1)
            product = sp.expand(product * (1 + X ** (2**level) + third * X ** (2 * 2**level)))
        length = 2 ** (count + 1) - 1 if claim.third_tap_everywhere else 3 * 2 ** (count - 1)
        identities[f"three taps, {count} layers"] = product - _powers(length)
    return identities


def _powers(count: int) -> Any:
    return sum((X**m for m in range(count)), sp.Integer(0))


def published_system(alpha_per_s: float, omega_rad_s: float) -> StateSpace:
    """Return the published scheme (semi-implicit Euler) at 30 frames per second."""
    keep = 1 - STEP_S * alpha_per_s
    push = -STEP_S * omega_rad_s**2
    return StateSpace(
        transition=np.array([[1 + STEP_S * push, STEP_S * keep], [push, keep]]),
        drive=np.array([STEP_S**2, STEP_S]),
        readout=np.array([1.0, 0.0]),
    )


def in_torch(stack: Stack, signal: np.ndarray) -> np.ndarray:
    """Run a stack as padded ``conv1d`` layers, as a network would."""
    channels = torch.as_tensor(signal)[None, None]
    for layer in stack.layers:
        padded = torch.nn.functional.pad(channels, (layer.reach, 0))
        weight = torch.as_tensor(layer.conv1d_weight())
        channels = torch.nn.functional.conv1d(padded, weight, dilation=layer.dilation)
    return np.asarray(channels[0, 0].numpy())


def _error(stack: Stack, system: StateSpace, length: int, signal: np.ndarray) -> float:
    exact = np.convolve(system.kernel(length), signal)[: len(signal)]
    return float(np.abs(in_torch(stack, signal) - exact).max() / np.abs(exact).max())


def _worst_stack_error(claim: Doubling) -> float:
    signal = np.random.default_rng(0).standard_normal(400)
    worst = 0.0
    for alpha, omega in REGIMES:
        system = published_system(alpha, omega)
        for count in range(1, LAYERS + 1):
            double = doubling_stack(system, layers=count)
            three = three_tap_stack(system, layers=count)
            worst = max(worst, _error(double, system, claim.kept * 2**count, signal))
            worst = max(worst, _error(three, system, 3 * 2 ** (count - 1), signal))
        worst = max(worst, _error(tripling_stack(system, layers=3), system, 27, signal))
    return worst


def _two_modes() -> float:
    """Return the error of two modes in four channels (infinite if it took more)."""
    system = side_by_side([published_system(3.0, 9.0), published_system(5.0, 25.0)])
    stack = doubling_stack(system, layers=6)
    signal = np.random.default_rng(1).standard_normal(300)
    return _error(stack, system, 64, signal) if set(stack.widths) == {4} else float("inf")


def _remainder_error(claim: Doubling) -> float:
    system = published_system(3.0, 9.0)
    signal = np.random.default_rng(2).standard_normal(300)
    whole = system.states(signal) @ system.readout
    missed = whole - doubling_stack(system, layers=5)(signal)
    stated = truncation_remainder(system, signal, length=32 + claim.remainder_power_offset)
    return float(np.abs(missed - stated).max() / np.abs(missed).max())


def _recurrence(claim: Doubling) -> float:
    """Return how far stepping the system is from the convolution with the taps it keeps."""
    system = published_system(3.0, 9.0)
    signal = np.random.default_rng(3).standard_normal(300)
    length = claim.recurrence_taps or len(signal)
    exact = np.convolve(system.kernel(length), signal)[: len(signal)]
    stepped = system.states(signal) @ system.readout
    return float(np.abs(stepped - exact).max() / np.abs(stepped).max())


def numbers() -> dict[str, str]:
    """Return what the stack of the published shape holds of its receptive field."""
    system = published_system(3.0, 9.0)
    rows = {}
    for count in (3, 4, 6):
        exact = three_tap_stack(system, layers=count).receptive_field
        rows[f"three taps, {count} layers: exact taps of the receptive field"] = (
            f"{exact} of {2 ** (count + 1) - 1}"
        )
    return rows


TRUTH = Doubling()

THEOREM = Theorem(
    id="T18",
    title="A residual dilated network of width 2N is the cut kernel, exactly",
    statement=r"""
For $x_t = Ax_{t-1}+Bu_t$, $z_t = Cx_t$ and the delay $q$,

$$\prod_{l=0}^{L-1}\left(I + A^{2^l}q^{2^l}\right) = \sum_{m=0}^{2^L-1} A^mq^m .$$

So the causal network "in-map $B$; residual layers $s_t + A^{2^l}s_{t-2^l}$; out-map $C$", with two
taps and as many channels as states ($2N$ for $N$ oscillators), **equals** the kernel $CA^mB$ cut
after $M=2^L$ taps, and what it misses is an equality, not an estimate:

$$z_t - z_t^{\mathrm{net}} = C A^M x_{t-M} .$$

Three taps with dilations $3^l$ give $M=3^L$; with dilations $2^l$, the third tap in the last layer
alone, $M = 3\cdot2^{L-1}$.

The network is one way, not the only one: the recurrence itself (a linear RNN, a state space layer)
of the same size realises the whole kernel and cuts nothing.
""",
    assumptions=("a linear system with constant coefficients", "rest before the first sample"),
    clauses=(
        Clause(
            text="a layer doubles (or triples) the geometric sum, for every $M$",
            label="proved",
            check=_induction,
        ),
        Clause(
            text="the products of two and of three taps",
            label="sampled",
            check=_products,
            where="up to 7 layers, as polynomials, exactly",
        ),
        Clause(
            text="what $M$ taps miss is $A^Mx_{t-M}$",
            label="proved",
            check=_unrolled,
        ),
        Clause(
            text="the stacks as torch convolutions are the cut kernels",
            label="sampled",
            check=_in_torch,
            where=f"5 oscillators, 1 to {LAYERS} layers, and a pair, to 1e-12",
        ),
        Clause(
            text="the package's remainder is what is missed; a recurrence misses nothing",
            label="sampled",
            check=_missed,
            where="300 samples, to 1e-12",
        ),
    ),
    claim=TRUTH,
    mutants={
        "dilations l + 1": replace(TRUTH, squares_dilation=False),
        "third taps everywhere": replace(TRUTH, third_tap_everywhere=True),
        "a remainder one step late": replace(TRUTH, remainder_power_offset=1),
        "a recurrence forgets after 32 taps": replace(TRUTH, recurrence_taps=32),
        "a layer late by one frame": replace(TRUTH, late=1),
        "twice the taps": replace(TRUTH, kept=2),
    },
    paper="A dilated causal network is said to follow from the kernel, as the architecture that it "
    "mandates. It holds the kernel exactly up to its length, with an exact remainder; a recurrence "
    "holds all of it.",
    numbers=numbers,
)
