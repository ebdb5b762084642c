"""T7: watching one point of the vessel does not make it an oscillator. A negative result."""

from typing import Any

import sympy as sp

from pulsephase.proofs.exact import all_true, all_vanish, vanishes
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

X, T = sp.symbols("x t", real=True)
OMEGA, OTHER, ALPHA, SPEED, K, RATE = sp.symbols("omega omega_2 alpha c k Omega", positive=True)
P = sp.Function("p")(X, T)


def _one_statement(claim: dict[str, Any]) -> Evidence:
    """Compare the oscillator equation at a point with the telegraph equation, omega free."""
    telegraph = sp.diff(P, T, 2) + ALPHA * sp.diff(P, T) - SPEED**2 * sp.diff(P, X, 2)
    oscillator = sp.diff(P, T, 2) + ALPHA * sp.diff(P, T) + OMEGA**2 * P - claim["forcing"]
    return all_vanish({"the two equations are one": oscillator - telegraph})


def _explained(claim: dict[str, Any]) -> Evidence:
    """Take one solution of the line at one point; find all omega that its forcing explains."""
    root = sp.Rational(-1, 2) + sp.I * sp.sqrt(35) / 2  # s^2 + s + 9 = 0: alpha = 1, c k = 3
    record = sp.sin(3 * X) * sp.exp(root * T)
    forcing = claim["forcing"].subs(SPEED, 1).subs(P, record).doit()
    facts = {}
    for hertz in claim["explains"]:
        omega = 2 * sp.pi * hertz
        rest = sp.diff(record, T, 2) + sp.diff(record, T) + omega**2 * record
        facts[f"{hertz} Hz"] = vanishes(sp.expand((rest - forcing.subs(OMEGA, omega)) / record))
    share = sp.simplify(sp.diff(forcing / record, OMEGA))  # how the forcing follows omega
    facts["the forcing holds the pulse"] = vanishes(share - claim["sensitivity"])
    return all_true(facts)


def _mode(claim: dict[str, Any]) -> Evidence:
    """Put a standing mode into the telegraph equation."""
    mode = sp.Function("q")(T) * sp.exp(sp.I * K * X)
    of_mode = sp.diff(mode, T, 2) + ALPHA * sp.diff(mode, T) - SPEED**2 * sp.diff(mode, X, 2)
    q = mode * sp.exp(-sp.I * K * X)
    free = sp.diff(q, T, 2) + ALPHA * sp.diff(q, T) + claim["stiffness of a mode"] * q
    return all_vanish({"a standing mode": sp.expand(of_mode * sp.exp(-sp.I * K * X)) - free})


def _wave(claim: dict[str, Any]) -> Evidence:
    """Put a travelling wave into the telegraph equation and into the oscillator's."""
    wavenumber2 = claim["wavenumber squared"]
    wave = sp.exp(sp.I * (RATE * T - sp.sqrt(wavenumber2) * X))
    line = sp.diff(wave, T, 2) + ALPHA * sp.diff(wave, T) - SPEED**2 * sp.diff(wave, X, 2)
    point = sp.diff(wave, T, 2) + ALPHA * sp.diff(wave, T) + claim["stiffness of a wave"] * wave
    return all_vanish(
        {"dispersion": sp.expand(line / wave), "its stiffness": sp.expand(point / wave)}
    )


TRUTH = {
    "forcing": SPEED**2 * sp.diff(P, X, 2) + OMEGA**2 * P,
    "explains": (1, 3, 20),
    "sensitivity": 2 * OMEGA,
    "stiffness of a mode": SPEED**2 * K**2,
    "stiffness of a wave": RATE**2 - sp.I * ALPHA * RATE,
    "wavenumber squared": (RATE**2 - sp.I * ALPHA * RATE) / SPEED**2,
}

THEOREM = Theorem(
    id="T7",
    title="Fixing x0 alone proves nothing",
    statement=r"""
Let $z(t) = p(x_0,t)$. **For every** $\omega$, the telegraph equation at $x_0$ is the same
statement as

$$\ddot{z} + \alpha\dot{z} + \omega^2 z = u_\omega, \qquad
u_\omega := c^2\,p_{xx}(x_0,\cdot) + \omega^2 z .$$

So "$z$ is a forced oscillator" says nothing until $u$ is given independently of $z$: $\omega$ is
not determined, and one record is explained by a 1 Hz and by a 3 Hz oscillator alike.

A spatial mode $p=q(t)e^{ikx}$ does fix $\omega = ck$, but then nothing forces it. A travelling wave
$e^{i(\Omega t - \kappa x)}$ has $c^2\kappa^2 = \Omega^2 - i\alpha\Omega$: a complex "stiffness"
and no forcing, a tautology. What closes the gap is what stands at the **end** of the vessel: T8
(closed), T9 (a bed), T10 (nothing that reflects).
""",
    assumptions=("none: it is an identity",),
    clauses=(
        Clause(
            text=r"for every $\omega$ the oscillator at $x_0$ is the telegraph equation at $x_0$",
            label="proved",
            check=_one_statement,
        ),
        Clause(
            text=r"one record is explained by oscillators of 1, 3 and 20 Hz; the forcing must hold "
            r"$\omega^2z$",
            label="proved",
            check=_explained,
        ),
        Clause(text=r"a standing mode has $\omega=ck$ and no forcing", label="proved", check=_mode),
        Clause(
            text=r"a travelling wave has $c^2\kappa^2 = \Omega^2 - i\alpha\Omega$",
            label="proved",
            check=_wave,
        ),
    ),
    claim=TRUTH,
    mutants={
        "the forcing does not contain the pulse": {
            **TRUTH,
            "forcing": SPEED**2 * sp.diff(P, X, 2),
        },
        "a forcing of one frequency fits an oscillator of another": {
            **TRUTH,
            "forcing": SPEED**2 * sp.diff(P, X, 2) + OTHER**2 * P,
        },
        "the forcing of every omega is the same": {**TRUTH, "sensitivity": sp.Integer(0)},
        "a standing mode is stiffer by the friction": {
            **TRUTH,
            "stiffness of a mode": SPEED**2 * K**2 + ALPHA**2 / 4,
        },
        "the stiffness of a travelling wave is real": {
            **TRUTH,
            "stiffness of a wave": RATE**2,
        },
        "a travelling wave is not damped": {**TRUTH, "wavenumber squared": RATE**2 / SPEED**2},
    },
    paper=r"The step from the line to the oscillator is taken by fixing a point $x_0$. At a fixed "
    r"point the oscillator equation holds for every $\omega$, so it constrains nothing: a boundary "
    "condition is needed.",
)
