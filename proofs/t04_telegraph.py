"""T4: linearised, the vessel is a telegraph line whose speed is that of Moens and Korteweg."""

from typing import Any

import sympy as sp

from pulsephase.physics.wall import moens_korteweg_speed
from pulsephase.proofs.exact import all_true, all_vanish, computes
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

X, T = sp.symbols("x t", real=True)
RHO, NU, AREA, COMPLIANCE, CURVE, Z, EPS = sp.symbols(
    "rho nu A_0 C_A b zeta epsilon", positive=True
)
YOUNG, WALL, POISSON, RADIUS, A = sp.symbols("E h sigma R_0 A", positive=True)
P, Q = (sp.Function(name)(X, T) for name in ("p", "Q"))


def _linear(claim: dict[str, Any]) -> Evidence:
    """Linearise mass and momentum about rest and eliminate the flow."""
    area = AREA + EPS * COMPLIANCE * P + EPS**2 * CURVE * P**2
    flow = EPS * Q
    drag = 2 * (Z + 2) * sp.pi * NU * flow / area
    mass = sp.diff(area, T) + sp.diff(flow, X)
    advection = sp.diff((Z + 2) / (Z + 1) * flow**2 / area, X)
    momentum = sp.diff(flow, T) + advection + area / RHO * sp.diff(EPS * P, X) + drag
    mass, momentum = (sp.diff(item, EPS).subs(EPS, 0).doit() for item in (mass, momentum))
    rate, square = claim["friction"], claim["square of the speed"]
    telegraph = sp.diff(mass, T) - sp.diff(momentum, X) + rate * mass
    wave = claim["inertia"] * sp.diff(P, T, 2) + rate * sp.diff(P, T) - square * sp.diff(P, X, 2)
    return all_vanish(
        {
            "mass": mass - COMPLIANCE * sp.diff(P, T) - sp.diff(Q, X),
            "momentum": momentum - sp.diff(Q, T) - rate * Q - AREA / RHO * sp.diff(P, X),
            "telegraph equation": telegraph - COMPLIANCE * wave,
        }
    )


def _speed(claim: dict[str, Any]) -> sp.Expr:
    """Return the square of the speed with the compliance of the tube law put in."""
    law = sp.sqrt(sp.pi) * YOUNG * WALL / ((1 - POISSON**2) * AREA) * (sp.sqrt(A) - sp.sqrt(AREA))
    elastic = 1 / sp.diff(law, A).subs(A, AREA)
    square = claim["square of the speed"]
    return square.subs(COMPLIANCE, elastic).subs(AREA, sp.pi * RADIUS**2)


def _moens_korteweg(claim: dict[str, Any]) -> Evidence:
    """Compare the speed with that of Moens and Korteweg."""
    known = YOUNG * WALL / (claim["wall factor"] * RHO * RADIUS * (1 - POISSON**2))
    return all_vanish({"Moens-Korteweg": _speed(claim) - known})


def _package(claim: dict[str, Any]) -> Evidence:
    """Compare the package's speed with the claimed one at one vessel."""
    values = {RADIUS: 2, WALL: sp.Rational(1, 4), YOUNG: 300, RHO: 5, POISSON: sp.Rational(1, 2)}
    code = moens_korteweg_speed(radius_m=2.0, wall_m=0.25, young_pa=300.0, density_kg_m3=5.0)
    return all_true({"speed": computes(code, sp.sqrt(_speed(claim)), values)})


TRUTH = {
    "square of the speed": AREA / (RHO * COMPLIANCE),
    "friction": 2 * (Z + 2) * sp.pi * NU / AREA,
    "inertia": sp.Integer(1),
    "wall factor": sp.Integer(2),
}

THEOREM = Theorem(
    id="T4",
    title="The linearised vessel is a telegraph line",
    statement=r"""
About rest, $A = A_0 + C_A\,p$, mass and momentum become $C_A p_t + Q_x = 0$ and
$Q_t + \alpha Q + (A_0/\rho)\,p_x = 0$. Eliminating $Q$,

$$p_{tt} + \alpha\,p_t = c^2\,p_{xx}, \qquad
\alpha = \frac{2(\zeta+2)\,\pi\mu}{\rho A_0}, \qquad
c^2 = \frac{A_0}{\rho\,C_A} = \frac{E h}{2\rho R_0 (1-\sigma^2)} .$$

The last form is the speed of Moens and Korteweg. The momentum correction $\alpha_c$ is quadratic in
$Q$ and drops out.
""",
    assumptions=(
        r"small changes about rest, no mean flow ($U_0/c \ll 1$)",
        "a uniform vessel: no taper, no branches",
        "elastic wall (CO)",
    ),
    clauses=(
        Clause(
            text=r"$p_{tt} + \alpha p_t = c^2p_{xx}$; $\alpha_c$ drops out",
            label="proved",
            check=_linear,
        ),
        Clause(
            text="$c$ is the speed of Moens and Korteweg", label="proved", check=_moens_korteweg
        ),
        Clause(
            text="the package computes $c$",
            label="sampled",
            check=_package,
            where="1 vessel, to 1e-12",
        ),
    ),
    claim=TRUTH,
    mutants={
        "speed squared doubled": {**TRUTH, "square of the speed": 2 * AREA / (RHO * COMPLIANCE)},
        "half the friction": {**TRUTH, "friction": (Z + 2) * sp.pi * NU / AREA},
        "the momentum correction stays": {**TRUTH, "inertia": (Z + 2) / (Z + 1)},
        "the speed of a wall twice as thin": {**TRUTH, "wall factor": sp.Integer(4)},
        "friction that feeds the wave": {**TRUTH, "friction": -2 * (Z + 2) * sp.pi * NU / AREA},
    },
    references=(
        "D. J. Korteweg, Ann. Phys. 241 (1878) 525; C. G. Caro, T. J. Pedley, R. C. Schroter, "
        "W. A. Seed, The Mechanics of the Circulation (1978), ch. 12.",
    ),
)
