"""T2: integrating over the cross-section gives mass and momentum along the vessel, exactly."""

from typing import Any

import sympy as sp

from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Evidence, Theorem

X, T = sp.symbols("x t", real=True)
R = sp.Symbol("r", positive=True)
VISCOSITY = sp.Symbol("nu", positive=True)
RADIUS = sp.Function("R")(X, T)
PLAIN, CURVED, SLIP = (sp.Function(name)(X, T) for name in ("a_0", "a_1", "b"))


def across(integrand: sp.Expr) -> sp.Expr:
    """Integrate a polynomial in r over the disc, term by term."""
    inner = sp.integrate(sp.expand(R * integrand), R)
    return 2 * sp.pi * (inner.subs(R, RADIUS) - inner.subs(R, 0))


def check(claim: dict[str, Any]) -> Evidence:
    """Average a generic two-parameter profile whose radial part follows from incompressibility."""
    v = (RADIUS**2 - R**2) * (PLAIN + CURVED * R**2) + claim["slip"]
    w = -sp.expand(sp.integrate(sp.expand(R * sp.diff(v, X)), R) / R)
    flow = across(v)
    at_wall = w.subs(R, RADIUS)
    inertia = across(sp.diff(v, T) + v * sp.diff(v, X) + w * sp.diff(v, R))
    drag = across(VISCOSITY * (sp.diff(v, R, 2) + sp.diff(v, R) / R))
    slope = sp.diff(v, R).subs(R, RADIUS)
    area = sp.pi * RADIUS**2
    return all_vanish(
        {
            "incompressible": sp.diff(v, X) + sp.diff(R * w, R) / R,
            "flow changes by what the wall displaces": sp.diff(flow, X)
            + 2 * sp.pi * RADIUS * at_wall,
            "mass": sp.diff(area, T) - 2 * sp.pi * RADIUS * claim["wall velocity"],
            "inertia": inertia - sp.diff(flow, T) - sp.diff(across(v**2), X),
            "friction": drag - claim["friction"] * sp.pi * VISCOSITY * RADIUS * slope,
        }
    )


TRUTH = {"wall velocity": sp.diff(RADIUS, T), "slip": sp.Integer(0), "friction": 2}

THEOREM = Theorem(
    id="T2",
    title="Averaging over the cross-section loses nothing",
    kind="symbolic",
    statement=r"""
With no slip, $v(R)=0$, and the wall moving with the fluid, $w(R)=R_t$, the area $A=\pi R^2$ and the
flow $Q = 2\pi\int_0^R r v\,dr$ obey, exactly,

$$A_t + Q_x = 0, \qquad
Q_t + \left(\alpha_c \frac{Q^2}{A}\right)_x + \frac{A}{\rho}\,p_x = 2\pi\nu R\,v_r(R),$$

where $\alpha_c Q^2/A = 2\pi\int_0^R r v^2\,dr$. The check integrates a generic profile
$v=(R^2-r^2)(a_0+a_1 r^2)$, with $w$ from incompressibility.
""",
    assumptions=(
        "one pressure per cross-section (T1)",
        "no slip at the wall",
        "the wall moves with the fluid",
    ),
    check=check,
    claim=TRUTH,
    mutants={
        "the wall stands still": {**TRUTH, "wall velocity": sp.Integer(0)},
        "the wall moves inwards when the area grows": {
            **TRUTH,
            "wall velocity": -sp.diff(RADIUS, T),
        },
        "the blood slips at the wall": {**TRUTH, "slip": SLIP},
        "half the friction": {**TRUTH, "friction": 1},
    },
    precision="5 identities in unknown functions of x and t, exact",
)
