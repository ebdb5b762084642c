"""T4: linearised, the vessel is a telegraph line whose speed is that of Moens and Korteweg."""

import math
from typing import Any

import sympy as sp

from pulsephase.physics.wall import moens_korteweg_speed
from pulsephase.proofs.exact import all_vanish, computes
from pulsephase.proofs.theorem import Evidence, Theorem

X, T = sp.symbols("x t", real=True)
RHO, NU, AREA, COMPLIANCE, CURVE, Z, EPS = sp.symbols(
    "rho nu A_0 C_A b zeta epsilon", positive=True
)
YOUNG, WALL, POISSON, RADIUS, A = sp.symbols("E h sigma R_0 A", positive=True)
P, Q = (sp.Function(name)(X, T) for name in ("p", "Q"))


def check(claim: dict[str, Any]) -> Evidence:
    """Linearise mass and momentum about rest, eliminate the flow, and compare speeds."""
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
    law = sp.sqrt(sp.pi) * YOUNG * WALL / ((1 - POISSON**2) * AREA) * (sp.sqrt(A) - sp.sqrt(AREA))
    elastic = 1 / sp.diff(law, A).subs(A, AREA)
    speed = square.subs(COMPLIANCE, elastic).subs(AREA, sp.pi * RADIUS**2)
    values = {RADIUS: 2, WALL: sp.Rational(1, 4), YOUNG: 300, RHO: 5, POISSON: sp.Rational(1, 2)}
    code = moens_korteweg_speed(radius_m=2.0, wall_m=0.25, young_pa=300.0, density_kg_m3=5.0)
    return all_vanish(
        {
            "mass": mass - COMPLIANCE * sp.diff(P, T) - sp.diff(Q, X),
            "momentum": momentum - sp.diff(Q, T) - rate * Q - AREA / RHO * sp.diff(P, X),
            "telegraph equation": telegraph - COMPLIANCE * wave,
            "Moens-Korteweg": speed - YOUNG * WALL / (2 * RHO * RADIUS * (1 - POISSON**2)),
        },
        the_package_computes_the_speed=computes(code, sp.sqrt(speed), values)
        and math.isfinite(code),
    )


TRUTH = {
    "square of the speed": AREA / (RHO * COMPLIANCE),
    "friction": 2 * (Z + 2) * sp.pi * NU / AREA,
    "inertia": sp.Integer(1),
}

THEOREM = Theorem(
    id="T4",
    title="The linearised vessel is a telegraph line",
    kind="symbolic",
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
    check=check,
    claim=TRUTH,
    mutants={
        "speed squared doubled": {**TRUTH, "square of the speed": 2 * AREA / (RHO * COMPLIANCE)},
        "half the friction": {**TRUTH, "friction": (Z + 2) * sp.pi * NU / AREA},
        "the momentum correction stays": {**TRUTH, "inertia": (Z + 2) / (Z + 1)},
        "friction that feeds the wave": {**TRUTH, "friction": -2 * (Z + 2) * sp.pi * NU / AREA},
    },
    precision="identities in unknown functions of x and t, exact",
)
