"""T14: a stepped oscillator is its initial state plus a causal convolution, and not without it."""

from dataclasses import dataclass, field, replace

import numpy as np
import sympy as sp

from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel, zero_input_response
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import Scheme
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

CASES = ((3.0, 9.0), (18.0, 9.0), (18.0 * (1 + 1e-9), 9.0), (25.0, 7.0), (0.4, 25.0), (30.0, 9.0))
EXPLICIT: tuple[Scheme, ...] = ("semi_implicit", "semi_implicit_damping", "zero_order")
STEP_S = 1 / 30
SAMPLES = 400
START = (0.7, -1.3)
TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Which terms the output has, and whether the velocity can be seen at alpha h = 1."""

    initial_state: bool = True
    lag: int = 0
    second_term: int = 1
    blind: sp.Rational = field(default=sp.Integer(1))
    """Damping alpha h at which the published scheme hides the velocity."""


def _telescopes(claim: Claim) -> Evidence:
    """Verify the step of the induction: what the sum gains is what one step adds.

    With generic 2 x 2 matrices: A (A^t x0 + sum_m A^m B u_(t-1-m)) + B u_t has the sum's form at
    t + 1; and the free output of a 2 x 2 system obeys z_(t+1) = T z_t - D z_(t-1).
    """
    a, b, c, d, x, v = sp.symbols("a b c d x v")
    state = sp.Matrix([[a, b], [c, d]])
    start = sp.Matrix([x, v])
    push = sp.Matrix(sp.symbols("b1 b2"))
    inputs = sp.symbols("u0:4")
    here = start
    for value in inputs:
        here = state * here + push * value
    count = len(inputs)
    parts = (state**m * push * inputs[count - 1 - m - claim.lag] for m in range(count - claim.lag))
    summed = sum(parts, state**count * start if claim.initial_state else sp.zeros(2, 1))
    trace, det = state.trace(), state.det()
    numbers = [sp.Integer(0), sp.Integer(1)]
    for _ in range(3):
        numbers.append(sp.expand(trace * numbers[-1] - det * numbers[-2]))
    free = (state * start)[0] * numbers[4] - claim.second_term * det * x * numbers[3]
    return all_vanish(
        {
            "four steps": sp.expand((here - summed)[0]),
            "free response": sp.expand((state**4 * start)[0] - free),
            "Cayley-Hamilton": sp.expand((state**2 - trace * state + det * sp.eye(2))[0]),
        }
    )


def _stepped(claim: Claim) -> Evidence:
    """Step states from the definition and compare with initial response and convolution."""
    parts = {
        f"{scheme}, alpha={alpha:g}": _error(claim, scheme, alpha, omega)
        for scheme in EXPLICIT
        for alpha, omega in CASES
    }
    worst = max(parts, key=lambda name: parts[name])
    return within(parts[worst], TOLERANCE, worst)


def _unseen(claim: Claim) -> Evidence:
    """Solve A_12 = 0 of the published scheme for alpha h."""
    a = sp.Symbol("a")
    found = sp.solve(1 - a, a)  # A_12 = h (1 - a)
    mode = Oscillator(alpha_per_s=float(claim.blind) / STEP_S, omega_rad_s=9.0)
    law = Discretisation(oscillator=mode, scheme="semi_implicit", step_s=STEP_S)
    seen = abs(float(law.state_matrices()[0][0, 1]))
    return all_true({"root": found == [claim.blind], "in the package": seen < 1e-15})


def _error(claim: Claim, scheme: Scheme, alpha: float, omega: float) -> float:
    mode = Oscillator(alpha_per_s=alpha, omega_rad_s=omega)
    law = Discretisation(oscillator=mode, scheme=scheme, step_s=STEP_S)
    drive = np.random.default_rng(2).standard_normal(SAMPLES)
    state, now, _ = law.state_matrices()
    here, found = np.array(START), np.empty(SAMPLES)
    for t in range(SAMPLES):
        found[t] = here[0]
        here = state @ here + now * drive[t]
    taps = np.roll(kernel(law, taps=SAMPLES), claim.lag)
    forced = np.convolve(taps, drive)[:SAMPLES]
    free = np.zeros(SAMPLES)
    if claim.initial_state:
        free = zero_input_response(law, samples=SAMPLES, position=START[0], velocity=START[1])
        if claim.second_term == 0:
            without = zero_input_response(law, samples=SAMPLES, velocity=START[1])
            free = without + START[0] * np.eye(1, SAMPLES)[0]
    return float(np.abs(found - free - forced).max() / np.abs(found).max())


TRUTH = Claim()

THEOREM = Theorem(
    id="T14",
    title="The output is what the initial state does, plus a causal convolution",
    statement=r"""
For a scheme that does not look at the newest input,

$$z_t = C A^t x_0 + \sum_{m=0}^{t} g[m]\,u_{t-m}, \qquad
C A^t x_0 = z_1^{\mathrm{free}}\,U_t - D\,z_0\,U_{t-1} .$$

It is a convolution alone if and only if the first term vanishes: for $x_0=0$, or with an infinite
past if the poles lie inside the unit disc and the input is bounded. The published scheme hides the
initial velocity at $\alpha h=1$, where $A_{12}=0$: there a vanishing first term does not say
$x_0=0$.
""",
    assumptions=("a linear law with constant coefficients and a constant step",),
    clauses=(
        Clause(
            text="the output is the free response plus the convolution, for any 2 by 2 system",
            label="proved",
            check=_telescopes,
        ),
        Clause(
            text=r"the published scheme hides the velocity at $\alpha h=1$ and nowhere else",
            label="proved",
            check=_unseen,
        ),
        Clause(
            text="stepping is the package's free response plus its kernel",
            label="sampled",
            check=_stepped,
            where=f"3 schemes, {len(CASES)} oscillators, {SAMPLES} samples, to 1e-12",
        ),
    ),
    claim=TRUTH,
    mutants={
        "the convolution alone, from a state that is not 0": replace(TRUTH, initial_state=False),
        "a kernel late by one sample": replace(TRUTH, lag=1),
        "an initial state without its position": replace(TRUTH, second_term=0),
        "the state can always be seen": replace(TRUTH, blind=sp.Rational(1, 2)),
    },
    paper="The paper's proposition is the convolution alone. The initial state is missing, as it "
    "is in every network that pads with zeros.",
)
