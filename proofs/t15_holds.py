"""T15: the two exact holds are the differential equation, and each only for its own input."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import Scheme
from pulsephase.proofs.exact import all_true, vanishes, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

CASES = ((3.0, 9.0), (18.0, 9.0), (60.0, 9.0))
STEP_S = 1 / 30
SAMPLES = 16
TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Which kernel is exact for an input held constant, and which for one joined linearly."""

    constant: Scheme = "zero_order"
    linear: Scheme = "first_order"
    friction_sign: int = 1


def _flow(claim: Claim) -> Evidence:
    """Verify exp(A t) and its integral by their equation and their start."""
    return all_true({"the flow": _flow_solves_its_equation(claim.friction_sign)})


def _solved(claim: Claim) -> Evidence:
    """Compare each kernel with a solver, segment by segment."""
    worst = max(
        _error(scheme, alpha, omega, linear)
        for alpha, omega in CASES
        for scheme, linear in ((claim.constant, False), (claim.linear, True))
    )
    return within(worst, TOLERANCE, "largest relative difference from a solver")


def _flow_solves_its_equation(sign: int) -> bool:
    """Verify that the closed form of exp(A t) has the right derivative and start, exactly."""
    alpha, ring, time = sp.symbols("alpha omega_d t", positive=True)
    square = ring**2 + alpha**2 / 4
    cosine = sp.exp(-alpha * time / 2) * sp.cos(ring * time)
    sine = sp.exp(-alpha * time / 2) * sp.sin(ring * time) / ring
    lean = sign * alpha / 2 * sine
    flow = sp.Matrix([[cosine + lean, sine], [-square * sine, cosine - lean]])
    law = sp.Matrix([[0, 1], [-square, -alpha]])
    moves = all(vanishes(entry) for entry in flow.diff(time) - law * flow)
    level = (1 - cosine - alpha * sine / 2) / square
    integral = vanishes(level.diff(time) - sine) and vanishes(level.subs(time, 0))
    return moves and integral and flow.subs(time, 0) == sp.eye(2)


def _error(scheme: Scheme, alpha: float, omega: float, linear: bool) -> float:
    """Return how far a kernel's convolution is from the equation, solved between samples."""
    drive = np.concatenate([[0.0], np.random.default_rng(2).standard_normal(SAMPLES - 1)])
    state, solved = np.zeros(2), [0.0]
    for level, after in pairwise(drive):
        slope = (after - level) / STEP_S if linear else 0.0

        def rate(t: float, y: np.ndarray, u: float = level, slope: float = slope) -> list[float]:
            return [y[1], u + slope * t - alpha * y[1] - omega**2 * y[0]]

        run = solve_ivp(rate, (0, STEP_S), state, method="DOP853", rtol=1e-12, atol=1e-16)
        state = run.y[:, -1]
        solved.append(float(state[0]))
    mode = Oscillator(alpha_per_s=alpha, omega_rad_s=omega)
    law = Discretisation(oscillator=mode, scheme=scheme, step_s=STEP_S)
    found = np.convolve(kernel(law, taps=SAMPLES), drive)[:SAMPLES]
    return float(np.abs(found - solved).max() / np.abs(solved).max())


TRUTH = Claim()

THEOREM = Theorem(
    id="T15",
    title="The exact holds are the differential equation, for held inputs",
    statement=r"""
For an input that is constant between samples the zero-order hold, and for one that is linear
between them the first-order hold, gives the solution of $\ddot z+\alpha\dot z+\omega^2z=u$ at
the sample times, with no error of discretisation:

$$e^{At} = \begin{pmatrix} C+\frac{\alpha}{2}S & S \\ -\omega^2S & C-\frac{\alpha}{2}S
\end{pmatrix}, \qquad C = e^{-\alpha t/2}\cos\omega_dt, \quad
S = e^{-\alpha t/2}\,\frac{\sin\omega_dt}{\omega_d} .$$

Each is exact for its own input **only**. A pulse is neither constant nor linear between frames; how
much each scheme errs on a sinusoid is the table of HT.
""",
    assumptions=("input constant, or linear, between samples",),
    clauses=(
        Clause(
            text="$e^{At}$ and its integral have the right derivative and start",
            label="proved",
            check=_flow,
        ),
        Clause(
            text="each hold is the equation for its own input",
            label="sampled",
            check=_solved,
            where=f"3 dampings, {SAMPLES} samples, DOP853 between samples, to {TOLERANCE:g}",
        ),
    ),
    claim=TRUTH,
    mutants={
        "the zero-order kernel for a linear input": replace(TRUTH, linear="zero_order"),
        "the first-order kernel for a constant input": replace(TRUTH, constant="first_order"),
        "Tustin is exact for a linear input": replace(TRUTH, linear="tustin"),
        "friction with the wrong sign": replace(TRUTH, friction_sign=-1),
    },
    paper="The paper discretises to first order in the step. For an input held between frames no "
    "approximation is needed; for any other input every scheme is one (HT).",
    references=("C. F. Van Loan, IEEE Trans. Automat. Control 23 (1978) 395.",),
)
