"""T11: seven ways to step the oscillator, and the kernel of each in one form."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel, lucas
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import coefficients
from pulsephase.proofs.exact import all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

A, W, Z, H = sp.symbols("a w z h", positive=True)
SINE, DECAY = sp.symbols("S D", positive=True)  # of one step; C follows from D and S
COSINE = sp.Symbol("C", real=True)
AT = {A: sp.Rational(1, 10), W: sp.Rational(3, 10), H: sp.Rational(1, 30)}

Row = tuple[Any, Any, tuple[Any, Any, Any]]
TUSTIN = 4 + 2 * A + W**2
ROWS: dict[str, Row] = {
    "semi_implicit": (2 - A - W**2, 1 - A, (0, 1, 0)),
    "semi_implicit_damping": ((2 + A - W**2) / (1 + A), 1 / (1 + A), (0, 1 / (1 + A), 0)),
    "forward": (2 - A, 1 - A + W**2, (0, 0, 1)),
    "backward": (
        (2 + A) / (1 + A + W**2),
        1 / (1 + A + W**2),
        (1 / (1 + A + W**2), 0, 0),
    ),
    "tustin": (
        (8 - 2 * W**2) / TUSTIN,
        (4 - 2 * A + W**2) / TUSTIN,
        (1 / TUSTIN, 2 / TUSTIN, 1 / TUSTIN),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The table in units of the step, and the lag of the newest Lucas number in the kernel."""

    rows: Mapping[str, Row]
    newest: int = 1
    hold_gain: Any = 1


def _matrices(claim: Claim) -> Evidence:
    """Derive each scheme's state matrices from its definition and compare its transfer function."""
    identities: dict[str, Any] = {}
    for scheme, (trace, det, weights) in claim.rows.items():
        state, now, ahead = _definition(scheme)
        identities[f"{scheme}: trace"] = state.trace() - trace
        identities[f"{scheme}: determinant"] = state.det() - det
        resolvent = (Z * sp.eye(2) - state).adjugate()
        top = (resolvent * (now + Z * ahead))[0]
        claimed = sum(weight * Z ** (2 - lag) for lag, weight in enumerate(weights))
        identities[f"{scheme}: numerator"] = top - claimed
    return all_vanish(identities)


def _exact_holds(claim: Claim) -> Evidence:
    return all_vanish(_holds(claim))


def _lucas_form(claim: Claim) -> Evidence:
    """Verify that (c0 + c1 q + c2 q^2) over the denominator has the stated taps, for every m.

    The numbers U obey the recursion, so the sum of c_k U_(m + newest - k) obeys it too; two
    starting values decide, and they are those of the long division.
    """
    c0, c1, c2, trace, det = sp.symbols("c0 c1 c2 T D")
    numbers = {-1: sp.Integer(0), 0: sp.Integer(0), 1: sp.Integer(1)}
    for m in range(1, 8):
        numbers[m + 1] = sp.expand(trace * numbers[m] - det * numbers[m - 1])
    divided = [c0, c1 + trace * c0]
    divided.append(sp.expand(c2 + trace * divided[1] - det * divided[0]))
    for _ in range(3):
        divided.append(sp.expand(trace * divided[-1] - det * divided[-2]))
    newest = claim.newest
    taps = [
        c0 * numbers.get(m + newest, 0)
        + c1 * numbers.get(m + newest - 1, 0)
        + c2 * numbers.get(m + newest - 2, 0)
        for m in range(6)
    ]
    return all_vanish({f"tap {m}": sp.expand(divided[m] - tap) for m, tap in enumerate(taps)})


def _package(claim: Claim) -> Evidence:
    """Compare the package's table and its kernels with the claimed ones."""
    return within(max(_package_error(claim), _kernel_error(claim)), 1e-12)


def _definition(scheme: str) -> tuple[Any, Any, Any]:
    """Return A, B0, B1 of (z, h z') by the scheme's definition, inputs in units of 1/h^2."""
    law, push = sp.Matrix([[0, 1], [-(W**2), -A]]), sp.Matrix([0, 1])
    one, none = sp.eye(2), sp.zeros(2, 1)
    if scheme == "forward":
        return one + law, push, none
    if scheme == "backward":
        inverse = (one - law).inv()
        return inverse, none, inverse * push
    if scheme == "tustin":
        inverse = (one - law / 2).inv()
        return inverse * (one + law / 2), inverse * push / 2, inverse * push / 2
    if scheme == "semi_implicit":
        velocity = sp.Matrix([[-(W**2), 1 - A]])
        kick = sp.Integer(1)
    else:
        velocity = sp.Matrix([[-(W**2), 1]]) / (1 + A)
        kick = 1 / (1 + A)
    state = sp.Matrix.vstack(sp.Matrix([[1, 0]]) + velocity, velocity)  # position after velocity
    return state, sp.Matrix([kick, kick]), none


def _holds(claim: Claim) -> dict[str, Any]:
    """Return the exact holds' identities, with C, S, D free but for D = det exp(A h)."""
    flow = sp.Matrix([[COSINE + A / 2 * SINE, SINE], [-(W**2) * SINE, COSINE - A / 2 * SINE]])
    law, push = sp.Matrix([[0, 1], [-(W**2), -A]]), sp.Matrix([0, 1])
    level = law.inv() * (flow - sp.eye(2)) * push  # int exp(A s) B
    first = (1 - COSINE - A / 2 * SINE) / W**2
    second = claim.hold_gain * (DECAY - COSINE + A / 2 * SINE) / W**2
    resolvent = (Z * sp.eye(2) - flow).adjugate()
    rest = {"zero_order: numerator": ((resolvent * level)[0] - (Z * first + second))}
    ramp = law.inv() * (level - push)  # int int exp(A s) B
    top = (resolvent * (level - ramp + Z * ramp))[0]
    newest = (1 - SINE - A * first) / W**2
    oldest = claim.hold_gain * (DECAY - SINE + A * (DECAY - COSINE + A / 2 * SINE) / W**2) / W**2
    middle = (1 - 2 * COSINE + DECAY) / W**2 - newest - oldest
    rest["first_order: numerator"] = top - (Z**2 * newest + Z * middle + oldest)
    circle = COSINE**2 + (W**2 - A**2 / 4) * SINE**2  # = D, as e^-a (cos^2 + sin^2)
    return {name: sp.expand(sp.expand(value).subs(DECAY, circle)) for name, value in rest.items()}


def _package_error(claim: Claim) -> float:
    """Return the largest difference of the package's numbers from the table."""
    step_s = float(AT[H])
    alpha, omega = float(AT[A] / AT[H]), float(AT[W] / AT[H])
    worst = 0.0
    for scheme, (trace, det, weights) in claim.rows.items():
        found = coefficients(scheme, np.float64(alpha), np.float64(omega), step_s=step_s)
        numbers = (found.trace, found.det, *(c / step_s**2 for c in (found.c0, found.c1, found.c2)))
        for number, expected in zip(numbers, (trace, det, *weights), strict=True):
            worst = max(worst, abs(float(number) - float(sp.sympify(expected).subs(AT))))
    return worst


def _kernel_error(claim: Claim) -> float:
    """Return how far c0 U_(m+1) + c1 U_m + c2 U_(m-1) is from the response to a unit sample."""
    mode = Oscillator(alpha_per_s=3.0, omega_rad_s=9.0)
    worst = 0.0
    for scheme in ("semi_implicit", "semi_implicit_damping", "forward", "backward", "tustin"):
        law = Discretisation(oscillator=mode, scheme=scheme, step_s=1 / 30)
        numbers = np.concatenate([[0.0, 0.0], lucas(law.trace, law.det, count=42)])
        first = 2 + claim.newest
        parts = [
            weight * numbers[first - lag : first - lag + 40]
            for lag, weight in enumerate(law.numerator)
        ]
        taps = kernel(law, taps=40)
        worst = max(worst, float(np.abs(sum(parts) - taps).max() / np.abs(taps).max()))
    return worst


TRUTH = Claim(rows=ROWS)
LATE = ROWS | {"semi_implicit": (2 - A - W**2, 1 - A, (0, 0, 1))}
MIXED = ROWS | {"semi_implicit_damping": (2 - A - W**2, 1 / (1 + A), (0, 1 / (1 + A), 0))}
TRAPEZOID = ROWS | {"tustin": (*ROWS["tustin"][:2], (0, 4 / TUSTIN, 0))}

THEOREM = Theorem(
    id="T11",
    title="Every scheme is five numbers, and its kernel three terms",
    statement=r"""
With $a=\alpha h$, $w=\omega h$ and $q=z^{-1}$, each of the seven schemes has

$$H(q) = \frac{c_0+c_1q+c_2q^2}{1-Tq+Dq^2}, \qquad
g[m] = c_0U_{m+1} + c_1U_m + c_2U_{m-1}, \qquad U_{m+1} = T\,U_m - D\,U_{m-1} .$$

The published scheme (velocity first, damping explicit) has $T=2-a-w^2$, $D=1-a$ and
$c_1=h^2$. Backward Euler, Tustin and the exact first-order hold look at the newest input,
$g[0]=c_0\neq0$; the others do not. The exact zero-order hold has $T=2C$, $D=e^{-a}$ with
$C=e^{-a/2}\cos\omega_dh$, $S=e^{-a/2}\sin(\omega_dh)/\omega_d$, and

$$c_1 = \frac{1-C-\alpha S/2}{\omega^2}, \qquad c_2 = \frac{D-C+\alpha S/2}{\omega^2} .$$
""",
    assumptions=("a constant step",),
    clauses=(
        Clause(text="$T$, $D$ and the numerators of five schemes", label="proved", check=_matrices),
        Clause(text="those of the two exact holds", label="proved", check=_exact_holds),
        Clause(
            text=r"$g[m] = c_0U_{m+1}+c_1U_m+c_2U_{m-1}$: the recursion and its start",
            label="proved",
            check=_lucas_form,
        ),
        Clause(
            text="the package computes the table and the kernels",
            label="sampled",
            check=_package,
            where="1 oscillator, 40 taps, to 1e-12",
        ),
    ),
    claim=TRUTH,
    mutants={
        "a kernel late by one sample": replace(TRUTH, newest=0),
        "the published scheme with the numerator of forward Euler": replace(TRUTH, rows=LATE),
        "implicit damping with the explicit trace": replace(TRUTH, rows=MIXED),
        "Tustin without the average of its inputs": replace(TRUTH, rows=TRAPEZOID),
        "a hold with the sign of its second tap turned": replace(TRUTH, hold_gain=-1),
    },
    paper="The paper names one scheme; here seven stand side by side, because its choice decides "
    "stability and the frequency that is read off the kernel.",
)
