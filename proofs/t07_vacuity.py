"""T7: watching one point of the vessel does not make it an oscillator. A negative result."""

from typing import Any

import sympy as sp

from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Evidence, Theorem

X, T = sp.symbols("x t", real=True)
OMEGA, OTHER, ALPHA, SPEED, K, RATE = sp.symbols("omega omega_2 alpha c k Omega", positive=True)
P = sp.Function("p")(X, T)


def check(claim: dict[str, Any]) -> Evidence:
    """Compare the oscillator equation at a point with the telegraph equation, for a free omega."""
    telegraph = sp.diff(P, T, 2) + ALPHA * sp.diff(P, T) - SPEED**2 * sp.diff(P, X, 2)
    forcing, omega = claim["forcing"], claim["omega"]
    oscillator = sp.diff(P, T, 2) + ALPHA * sp.diff(P, T) + omega**2 * P - forcing
    mode = sp.Function("q")(T) * sp.exp(sp.I * K * X)
    of_mode = sp.diff(mode, T, 2) + ALPHA * sp.diff(mode, T) - SPEED**2 * sp.diff(mode, X, 2)
    q = mode * sp.exp(-sp.I * K * X)
    free = sp.diff(q, T, 2) + ALPHA * sp.diff(q, T) + claim["stiffness of a mode"] * q
    wavenumber2 = (RATE**2 - sp.I * ALPHA * RATE) / SPEED**2
    wave = sp.exp(sp.I * (RATE * T - sp.sqrt(wavenumber2) * X))
    of_wave = sp.diff(wave, T, 2) + ALPHA * sp.diff(wave, T) + claim["stiffness of a wave"] * wave
    return all_vanish(
        {
            "the two equations are one": oscillator - telegraph,
            "a standing mode": sp.expand(of_mode * sp.exp(-sp.I * K * X)) - free,
            "a travelling wave": sp.expand(of_wave / wave),
        },
        omega_is_free=(sp.diff(sp.expand(oscillator - telegraph), OMEGA) == 0)
        and omega.has(OMEGA) == claim["omega is free"],
        one_record_two_oscillators=_two_oscillators(claim["omega is free"]),
    )


def _two_oscillators(free: bool) -> bool:
    """Take one solution of the line at one point; say if 1 Hz and 3 Hz both explain it."""
    root = sp.Rational(-1, 2) + sp.I * sp.sqrt(35) / 2  # s^2 + s + 9 = 0: alpha = 1, c k = 3
    record = sp.sin(3 * X) * sp.exp(root * T)
    explained = []
    for hertz in (1, 3):
        omega = 2 * sp.pi * hertz
        forcing = sp.diff(record, X, 2) + omega**2 * record
        rest = sp.diff(record, T, 2) + sp.diff(record, T) + omega**2 * record - forcing
        explained.append(sp.expand(rest) == 0)
    return all(explained) == free


TRUTH = {
    "omega": OMEGA,
    "forcing": SPEED**2 * sp.diff(P, X, 2) + OMEGA**2 * P,
    "omega is free": True,
    "stiffness of a mode": SPEED**2 * K**2,
    "stiffness of a wave": RATE**2 - sp.I * ALPHA * RATE,
}

THEOREM = Theorem(
    id="T7",
    title="Fixing x0 alone proves nothing",
    kind="symbolic",
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
    check=check,
    claim=TRUTH,
    mutants={
        "x0 determines omega": {**TRUTH, "omega is free": False},
        "the forcing does not contain the pulse": {
            **TRUTH,
            "forcing": SPEED**2 * sp.diff(P, X, 2),
        },
        "a forcing of one frequency fits an oscillator of another": {**TRUTH, "omega": OTHER},
        "the stiffness of a travelling wave is real": {
            **TRUTH,
            "stiffness of a wave": RATE**2,
        },
    },
    paper=r"The step from the line to the oscillator is taken by fixing a point $x_0$. At a fixed "
    r"point the oscillator equation holds for every $\omega$, so it constrains nothing: a boundary "
    "condition is needed.",
    precision="identities in an unknown function of x and t, exact",
)
