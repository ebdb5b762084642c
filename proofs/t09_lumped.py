"""T9: a short line that feeds a bed is one oscillator, with effective constants and an error."""

from dataclasses import dataclass, replace

import mpmath as mp
import numpy as np
import sympy as sp

from pulsephase.physics.modal import PADE_RADIUS, TerminatedLine, pade_error_bound
from pulsephase.proofs.exact import all_vanish, computes
from pulsephase.proofs.theorem import Evidence, Theorem

S, RES, INERT, WALL, BED, LOAD, LUMPED, Y = sp.symbols("s R L_i C_v C_t R_p C y", positive=True)
VALUES = {RES: sp.Rational(1, 2), INERT: 2, WALL: sp.Rational(1, 4), BED: 3, LOAD: 5}
DRAWS = 400
DIGITS = 60
HALF = sp.Rational(1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lump:
    """A claim: the share of the wall's compliance at the end, the sign of a test, the bound."""

    share: sp.Rational = HALF
    sign: int = -1
    """Of the two rates in the discriminant."""
    denominators: bool = True
    """Whether the bound has its denominators."""


def check(claim: Lump) -> Evidence:
    """Expand the exact denominator, compare constants, and test the bound at 60 digits."""
    impedance = RES + S * INERT
    square = impedance * S * WALL
    load = 1 / LOAD + S * BED
    exact = sum(square**j / sp.factorial(2 * j) for j in range(4))
    exact += impedance * load * sum(square**j / sp.factorial(2 * j + 1) for j in range(4))
    total = BED + claim.share * WALL
    second = 1 + impedance / LOAD + impedance * S * total
    rest = sp.Poly(sp.expand(exact - second), S)
    natural = (1 + RES / LOAD) / (INERT * LUMPED)
    rate = RES / INERT + 1 / (LOAD * LUMPED)
    gap = RES / INERT + claim.sign / (LOAD * LUMPED)
    circuit = sp.Matrix([[-RES / INERT, -1 / INERT], [1 / LUMPED, -1 / (LOAD * LUMPED)]])
    found = TerminatedLine(
        resistance=0.5, inertance=2.0, compliance=0.25, bed_resistance=5.0, bed_compliance=3.0
    ).oscillator()
    values = {**VALUES, LUMPED: total.subs(VALUES)}
    without_bed = sp.cosh(Y) - 1 - claim.share * Y**2
    return all_vanish(
        {
            "at rest": rest.coeff_monomial(1),
            "first order: only the drop along the line": rest.coeff_monomial(S)
            - WALL * RES**2 / (6 * LOAD),
            "without a bed to order y^4": sp.series(without_bed, Y, 0, 4).removeO(),
            "second order: vanishes with the resistance": rest.coeff_monomial(S**2).subs(RES, 0),
            "the circuit": (S * sp.eye(2) - circuit).det() - (S**2 + rate * S + natural),
            "discriminant": rate**2 - 4 * natural - (gap**2 - 4 / (INERT * LUMPED)),
        },
        the_package_computes_them=computes(found.omega_rad_s**2, natural, values)
        and computes(found.alpha_per_s, rate, values),
        the_bound_holds_at_60_digits=_worst_ratio(claim) <= 1,
    )


def _worst_ratio(claim: Lump) -> float:
    """Return the largest error of the reduction over its bound, in the disc |y| < 1.3."""
    rng = np.random.default_rng(0)
    worst = mp.mpf(0)
    with mp.workdps(DIGITS):
        for radius, turn in zip(
            rng.uniform(0.01, PADE_RADIUS, DRAWS), rng.uniform(0, 2, DRAWS), strict=True
        ):
            r = mp.mpf(float(radius))
            y = r * mp.expjpi(mp.mpf(float(turn)))
            share = mp.mpf(claim.share.p) / claim.share.q
            error = abs(1 / mp.cosh(y) - 1 / (1 + share * y**2))
            bound = mp.cosh(r) - 1 - r**2 / 2
            if claim.denominators:
                bound /= (1 - r**2 / 2) * (2 - mp.cosh(r))
            worst = max(worst, error / bound)
    return float(worst)


def numbers() -> dict[str, str]:
    """Return the bound at a few radii."""
    return {
        f"bound of the error where $|y| = {radius:g}$": f"{pade_error_bound(radius):.2g}"
        for radius in (0.25, 0.5, 1.0)
    }


TRUTH = Lump()

THEOREM = Theorem(
    id="T9",
    title="A short line before a bed is one oscillator, to a stated error",
    kind="symbolic",
    statement=r"""
A line of resistance $R$, inertance $L_i$ and compliance $C_v$ that ends in a bed ($R_p$ beside
$C_t$) has the transfer $H=1/D$ with $Z = R+sL_i$, $y^2 = Z s C_v$ and

$$D = \cosh y + \frac{Z}{y}\sinh y\left(\frac{1}{R_p}+sC_t\right)
= 1+\frac{Z}{R_p}+ZsC + s\,\frac{C_vR^2}{6R_p} + O(s^2 R) + O(s^3)$$

with $C = C_t+\frac{1}{2}C_v$.

The first three terms are an oscillator, always stable, with

$$\omega_0^2=\frac{1+R/R_p}{L_iC}, \qquad 2\zeta\omega_0=\frac{R}{L_i}+\frac{1}{R_pC}, \qquad
\zeta<1 \iff \left(\frac{R}{L_i}-\frac{1}{R_pC}\right)^2<\frac{4}{L_iC} .$$

Without a bed the error is at most, for $r=|y|<1.3$,

$$\left|\frac{1}{\cosh y}-\frac{1}{1+y^2/2}\right|
\leq \frac{\cosh r-1-r^2/2}{(1-r^2/2)(2-\cosh r)} .$$

$(\omega_0,\zeta)$ are effective constants of a segment and its bed, to be identified; they are not
constants of a vessel.
""",
    assumptions=(
        "the line is short beside the wavelength: $|y| < 1.3$",
        r"$R \ll R_p$, or the first-order term is kept",
    ),
    check=check,
    claim=TRUTH,
    mutants={
        "all of the wall's compliance at the end": replace(TRUTH, share=sp.Integer(1)),
        "it rings when the sum of the rates is small": replace(TRUTH, sign=1),
        "the bound without its denominators": replace(TRUTH, denominators=False),
    },
    paper=r"$\omega$ and $\zeta$ read as properties of the vessel. They belong to the segment with "
    "its bed, and change with either.",
    precision=f"identities exact; the bound at {DRAWS} points with {DIGITS} digits",
    numbers=numbers,
)
