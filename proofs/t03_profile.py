"""T3: what a power-law velocity profile does to momentum and friction."""

from typing import Any

import sympy as sp

from pulsephase.physics.friction import hughes_lubliner, momentum_correction
from pulsephase.proofs.exact import all_true, all_vanish, computes
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

Z, MEAN, RADIUS, R, NU = sp.symbols("zeta U R r nu", positive=True)


def _across(integrand: sp.Expr) -> sp.Expr:
    return 2 * sp.pi * sp.integrate(sp.expand(R * integrand), (R, 0, RADIUS))


def _profile() -> sp.Expr:
    return MEAN * (Z + 2) / Z * (1 - (R / RADIUS) ** Z)


def _momentum(claim: dict[str, Any]) -> Evidence:
    """Integrate the profile and its square."""
    v, area = _profile(), sp.pi * RADIUS**2
    return all_vanish(
        {
            "mean velocity": sp.simplify(_across(v)) - area * MEAN,
            "momentum": sp.simplify(_across(v**2)) - claim["momentum"] * area * MEAN**2,
            "a flat profile carries its mean": sp.limit(claim["momentum"], Z, sp.oo) - 1,
        }
    )


def _friction(claim: dict[str, Any]) -> Evidence:
    """Differentiate the profile at the wall."""
    wall = 2 * sp.pi * NU * RADIUS * sp.diff(_profile(), R).subs(R, RADIUS)
    return all_vanish({"friction": wall + claim["friction"] * sp.pi * NU * MEAN})


def _package(claim: dict[str, Any]) -> Evidence:
    """Compare the package's two numbers with the claimed ones."""
    facts = {}
    for exponent in (2, 9):
        law = hughes_lubliner(radius_m=0.5, viscosity_m2_s=0.25, profile_exponent=float(exponent))
        found = momentum_correction(float(exponent))
        facts[f"momentum, {exponent}"] = computes(found, claim["momentum"], {Z: exponent})
        facts[f"friction, {exponent}"] = computes(law.rate_per_s, claim["friction"], {Z: exponent})
    return all_true(facts)


TRUTH = {"momentum": (Z + 2) / (Z + 1), "friction": 2 * (Z + 2)}

THEOREM = Theorem(
    id="T3",
    title="The velocity profile sets the friction",
    statement=r"""
For the family $v = U\,\frac{\zeta+2}{\zeta}\left[1-(r/R)^\zeta\right]$ (Hughes and Lubliner 1973)

$$\alpha_c = \frac{\zeta+2}{\zeta+1}, \qquad 2\pi\nu R\,v_r(R) = -2(\zeta+2)\,\pi\nu\,U .$$

Poiseuille is $\zeta=2$: $\alpha_c = 4/3$ and friction $-8\pi\nu U$. A blunt profile ($\zeta=9$) has
more friction, not less.
""",
    assumptions=("the profile keeps its shape through the beat (see T6 for where that fails)",),
    clauses=(
        Clause(
            text=r"$\alpha_c = (\zeta+2)/(\zeta+1)$ for every $\zeta>0$",
            label="proved",
            check=_momentum,
        ),
        Clause(text=r"the friction is $-2(\zeta+2)\pi\nu U$", label="proved", check=_friction),
        Clause(
            text="the package computes both",
            label="sampled",
            check=_package,
            where=r"$\zeta = 2, 9$, to 1e-12",
        ),
    ),
    claim=TRUTH,
    mutants={
        "half the friction": {**TRUTH, "friction": Z + 2},
        "momentum correction upside down": {**TRUTH, "momentum": (Z + 1) / (Z + 2)},
        "Poiseuille friction for every profile": {**TRUTH, "friction": sp.Integer(8)},
    },
    references=("T. J. R. Hughes, J. Lubliner, Math. Biosci. 18 (1973) 161.",),
)
