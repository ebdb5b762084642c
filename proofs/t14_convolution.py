"""T14: a stepped oscillator is its initial state plus a causal convolution, and not without it."""

from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel, zero_input_response
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import Scheme
from pulsephase.proofs.exact import vanishes
from pulsephase.proofs.theorem import Evidence, Theorem

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
    blind_at_one: bool = True


def check(claim: Claim) -> Evidence:
    """Step states from the definition and compare with initial response and convolution."""
    parts = {
        f"{scheme}, alpha={alpha:g}": _error(claim, scheme, alpha, omega)
        for scheme in EXPLICIT
        for alpha, omega in CASES
    }
    worst = max(parts, key=lambda name: parts[name])
    residual = parts[worst]
    if _velocity_is_invisible() != claim.blind_at_one:
        residual, worst = float("inf"), "observability at alpha h = 1"
    return Evidence(
        residual=residual, tolerance=TOLERANCE, detail=f"largest relative difference: {worst}"
    )


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


def _velocity_is_invisible() -> bool:
    """Say whether A_12 of the published scheme vanishes at alpha h = 1, and only there."""
    a, h = sp.symbols("a h", positive=True)
    entry = h * (1 - a)
    same = []
    for share in (0.5, 1.0):
        mode = Oscillator(alpha_per_s=share / STEP_S, omega_rad_s=9.0)
        law = Discretisation(oscillator=mode, scheme="semi_implicit", step_s=STEP_S)
        found = law.state_matrices()[0][0, 1]
        same.append(abs(found - float(entry.subs({a: share, h: STEP_S}))) < 1e-15)
    return all(same) and vanishes(entry.subs(a, 1)) and not vanishes(entry)


TRUTH = Claim()

THEOREM = Theorem(
    id="T14",
    title="The output is what the initial state does, plus a causal convolution",
    kind="numeric",
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
    check=check,
    claim=TRUTH,
    mutants={
        "the convolution alone, from a state that is not 0": replace(TRUTH, initial_state=False),
        "a kernel late by one sample": replace(TRUTH, lag=1),
        "an initial state without its position": replace(TRUTH, second_term=0),
        "the state can always be seen": replace(TRUTH, blind_at_one=False),
    },
    paper="The paper's proposition is the convolution alone. The initial state is missing, as it "
    "is in every network that pads with zeros.",
    precision=f"six dampings and three schemes over {SAMPLES} samples, to {TOLERANCE:g}",
)
