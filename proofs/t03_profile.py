"""T3: what a power-law velocity profile does to momentum and friction."""

from typing import Any

import sympy as sp

from pulsephase.physics.friction import hughes_lubliner, momentum_correction
from pulsephase.proofs.exact import all_vanish, computes
from pulsephase.proofs.theorem import Evidence, Theorem

Z, MEAN, RADIUS, R, NU = sp.symbols("zeta U R r nu", positive=True)


def check(claim: dict[str, Any]) -> Evidence:
    """Integrate the profile and its square, and differentiate it at the wall."""
    v = MEAN * (Z + 2) / Z * (1 - (R / RADIUS) ** Z)
    area = sp.pi * RADIUS**2

    def across(integrand: sp.Expr) -> sp.Expr:
        return 2 * sp.pi * sp.integrate(sp.expand(R * integrand), (R, 0, RADIUS))

    wall = 2 * sp.pi * NU * RADIUS * sp.diff(v, R).subs(R, RADIUS)
    package = all(
        computes(momentum_correction(float(exponent)), claim["momentum"], {Z: exponent})
        and computes(
            hughes_lubliner(
                radius_m=0.5, viscosity_m2_s=0.25, profile_exponent=float(exponent)
            ).rate_per_s,
            claim["friction"],
            {Z: exponent},
        )
        for exponent in (2, 9)
    )
    return all_vanish(
        {
            "mean velocity": sp.simplify(across(v)) - area * MEAN,
            "momentum": sp.simplify(across(v**2)) - claim["momentum"] * area * MEAN**2,
            "friction": wall + claim["friction"] * sp.pi * NU * MEAN,
            "a flat profile carries its mean": sp.limit(claim["momentum"], Z, sp.oo) - 1,
        },
        the_package_computes_both=package,
    )


TRUTH = {"momentum": (Z + 2) / (Z + 1), "friction": 2 * (Z + 2)}

THEOREM = Theorem(
    id="T3",
    title="The velocity profile sets the friction",
    kind="symbolic",
    statement=r"""
For the family $v = U\,\frac{\zeta+2}{\zeta}\left[1-(r/R)^\zeta\right]$ (Hughes and Lubliner 1973)

$$\alpha_c = \frac{\zeta+2}{\zeta+1}, \qquad 2\pi\nu R\,v_r(R) = -2(\zeta+2)\,\pi\nu\,U .$$

Poiseuille is $\zeta=2$: $\alpha_c = 4/3$ and friction $-8\pi\nu U$. A blunt profile ($\zeta=9$) has
more friction, not less.
""",
    assumptions=("the profile keeps its shape through the beat (see T6 for where that fails)",),
    check=check,
    claim=TRUTH,
    mutants={
        "half the friction": {**TRUTH, "friction": Z + 2},
        "momentum correction upside down": {**TRUTH, "momentum": (Z + 1) / (Z + 2)},
        "Poiseuille friction for every profile": {**TRUTH, "friction": sp.Integer(8)},
    },
    precision="identities in the exponent, exact; the package's numbers to 1e-12",
)
