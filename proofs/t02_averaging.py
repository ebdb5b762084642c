"""T2: integrating over the cross-section gives mass and momentum along the vessel, exactly."""

from typing import Any

import sympy as sp

from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

X, T = sp.symbols("x t", real=True)
R = sp.Symbol("r", positive=True)
VISCOSITY = sp.Symbol("nu", positive=True)
RADIUS = sp.Function("R")(X, T)
PLAIN, CURVED, SLIP = (sp.Function(name)(X, T) for name in ("a_0", "a_1", "b"))


def across(integrand: sp.Expr) -> sp.Expr:
    """Integrate a polynomial in r over the disc, term by term."""
    inner = sp.integrate(sp.expand(R * integrand), R)
    return 2 * sp.pi * (inner.subs(R, RADIUS) - inner.subs(R, 0))


def _fields(claim: dict[str, Any]) -> tuple[sp.Expr, sp.Expr]:
    """Return a generic two-parameter profile and its radial part, from incompressibility."""
    v = (RADIUS**2 - R**2) * (PLAIN + CURVED * R**2) + claim["slip"]
    return v, -sp.expand(sp.integrate(sp.expand(R * sp.diff(v, X)), R) / R)


def _mass(claim: dict[str, Any]) -> Evidence:
    """Compare what the flow loses with what the wall takes up."""
    v, w = _fields(claim)
    at_wall = w.subs(R, RADIUS)
    area = sp.pi * RADIUS**2
    return all_vanish(
        {
            "incompressible": sp.diff(v, X) + sp.diff(R * w, R) / R,
            "flow and wall": sp.diff(across(v), X)
            + 2 * sp.pi * RADIUS * at_wall
            - 2 * sp.pi * RADIUS * sp.diff(RADIUS, X) * v.subs(R, RADIUS),
            "mass": sp.diff(area, T) - 2 * sp.pi * RADIUS * claim["wall velocity"],
        }
    )


def _inertia(claim: dict[str, Any]) -> Evidence:
    """Integrate the acceleration over the cross-section."""
    v, w = _fields(claim)
    found = across(sp.diff(v, T) + v * sp.diff(v, X) + w * sp.diff(v, R))
    stated = sp.diff(across(v), T) + claim["flux"] * sp.diff(across(v**2), X)
    return all_vanish({"inertia": found - stated})


def _friction(claim: dict[str, Any]) -> Evidence:
    """Integrate the radial Laplacian, and require that the fluid sticks to the wall."""
    v, _ = _fields(claim)
    drag = across(VISCOSITY * (sp.diff(v, R, 2) + sp.diff(v, R) / R))
    slope = sp.diff(v, R).subs(R, RADIUS)
    return all_vanish(
        {
            "no slip": v.subs(R, RADIUS),
            "friction": drag - claim["friction"] * sp.pi * VISCOSITY * RADIUS * slope,
        }
    )


TRUTH = {"wall velocity": sp.diff(RADIUS, T), "slip": sp.Integer(0), "friction": 2, "flux": 1}

THEOREM = Theorem(
    id="T2",
    title="Averaging over the cross-section loses nothing",
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
    clauses=(
        Clause(text="$A_t + Q_x = 0$", label="proved", check=_mass),
        Clause(
            text=r"the inertia is $Q_t + (\alpha_cQ^2/A)_x$, for every profile of the family",
            label="proved",
            check=_inertia,
        ),
        Clause(
            text=r"the friction is $2\pi\nu R\,v_r(R)$ and the fluid sticks to the wall",
            label="proved",
            check=_friction,
        ),
    ),
    claim=TRUTH,
    mutants={
        "the wall stands still": {**TRUTH, "wall velocity": sp.Integer(0)},
        "the wall moves inwards when the area grows": {
            **TRUTH,
            "wall velocity": -sp.diff(RADIUS, T),
        },
        "the blood slips at the wall": {**TRUTH, "slip": SLIP},
        "half the flux of momentum": {**TRUTH, "flux": sp.Rational(1, 2)},
        "half the friction": {**TRUTH, "friction": 1},
    },
    references=(
        "T. J. R. Hughes, J. Lubliner, Math. Biosci. 18 (1973) 161; S. Canic, E. H. Kim, Math. "
        "Meth. Appl. Sci. 26 (2003) 1161.",
    ),
)
