"""CO: from pressure to blood volume: the compliant wall, elastic and viscous."""

from typing import Any

import sympy as sp

from pulsephase.physics.wall import compliance_per_length
from pulsephase.proofs.exact import all_true, all_vanish, computes
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

YOUNG, WALL, POISSON, RADIUS, PRESSURE = sp.symbols("E h sigma R_0 delta", positive=True)
COMPLIANCE, VISCOSITY, S = sp.symbols("C_A Gamma s", positive=True)
STIFFNESS = sp.sqrt(sp.pi) * YOUNG * WALL / ((1 - POISSON**2) * sp.pi * RADIUS**2)


def _elastic(claim: dict[str, Any]) -> Evidence:
    """Invert the tube law exactly and differentiate it."""
    area = (sp.sqrt(sp.pi) * RADIUS + PRESSURE / STIFFNESS) ** 2  # of p = K (sqrt A - sqrt A_0)
    return all_vanish(
        {
            "area at rest": area.subs(PRESSURE, 0) - sp.pi * RADIUS**2,
            "slope": sp.diff(area, PRESSURE).subs(PRESSURE, 0) - claim["slope"],
            "curvature": sp.diff(area, PRESSURE, 2) / 2 - claim["curvature"],
        }
    )


def _viscous(claim: dict[str, Any]) -> Evidence:
    """Solve the viscous wall for the area."""
    change, drive = sp.symbols("a p")
    lag = sp.solve(drive - change / COMPLIANCE - VISCOSITY * S * change, change)[0] / drive
    return all_vanish({"lag of the viscous wall": lag - claim["lag"]})


def _package(claim: dict[str, Any]) -> Evidence:
    """Compare the package's compliance with the claimed slope at one vessel."""
    values = {RADIUS: sp.Rational(3, 1000), YOUNG: 500_000, WALL: sp.Rational(3, 10_000)}
    values[POISSON] = sp.Rational(1, 4)
    code = compliance_per_length(radius_m=3e-3, wall_m=3e-4, young_pa=5e5, poisson=0.25)
    return all_true({"the package computes it": computes(code, claim["slope"], values)})


SLOPE = 2 * (1 - POISSON**2) * sp.pi * RADIUS**3 / (YOUNG * WALL)
TRUTH = {
    "slope": SLOPE,
    "curvature": 1 / STIFFNESS**2,
    "lag": COMPLIANCE / (1 + VISCOSITY * COMPLIANCE * S),
}

THEOREM = Theorem(
    id="CO",
    title="Volume follows pressure, to first order and with a lag",
    statement=r"""
A thin elastic tube obeys
$p = \frac{\sqrt{\pi}\,E h}{(1-\sigma^2)A_0}\left(\sqrt{A}-\sqrt{A_0}\right)$, so its area gains
with pressure

$$C_A = \frac{dA}{dp} = \frac{2(1-\sigma^2)\,\pi R_0^3}{E h}, \qquad
\delta V = C\,\delta p + O(\delta p^2), \qquad C = \int C_A\,dx.$$

A viscous wall, $p = \delta A/C_A + \Gamma\,\delta A_t$, makes the volume lag behind the pressure:

$$\hat{V} = \frac{C}{1+\tau s}\,\hat{p}, \qquad \tau = \Gamma C_A.$$

One more pole, which a causal kernel absorbs.
""",
    assumptions=(
        "thin wall, small strain, tethered along its length",
        "the wall is elastic, or elastic and viscous (Kelvin-Voigt) with constant coefficients",
        "the pressure within the piece of skin seen by a pixel is uniform",
    ),
    clauses=(
        Clause(
            text=r"$C_A = 2(1-\sigma^2)\pi R_0^3/(Eh)$, with a quadratic remainder",
            label="proved",
            check=_elastic,
        ),
        Clause(
            text=r"a viscous wall lags: $\hat V = C\hat p/(1+\tau s)$",
            label="proved",
            check=_viscous,
        ),
        Clause(
            text="the package computes $C_A$",
            label="sampled",
            check=_package,
            where="1 vessel, to 1e-12",
        ),
    ),
    claim=TRUTH,
    mutants={
        "half the compliance": {**TRUTH, "slope": SLOPE / 2},
        "the linear law is exact": {**TRUTH, "curvature": sp.Integer(0)},
        "the volume leads": {**TRUTH, "lag": COMPLIANCE * (1 + VISCOSITY * COMPLIANCE * S)},
        "a viscous wall does not lag": {**TRUTH, "lag": COMPLIANCE},
    },
    references=(
        "J. Alastruey et al., J. Biomech. 44 (2011) 2250, for the tube law; Y. C. Fung, "
        "Biomechanics: Circulation, 2nd ed. (1997), ch. 3.",
    ),
)
