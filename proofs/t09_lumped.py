"""T9: a short line that feeds a bed is one oscillator, with effective constants and an error."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp

from pulsephase.physics.modal import (
    PADE_RADIUS,
    TerminatedLine,
    lumped_error_bound,
    lumped_transfer,
    pade_error_bound,
    terminated_transfer,
)
from pulsephase.physics.vessel import PULSE_BAND_HZ
from pulsephase.proofs.exact import all_true, all_vanish, computes, highest, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

S, RES, INERT, WALL, BED, LOAD, LUMPED, Y = sp.symbols("s R L_i C_v C_t R_p C y", positive=True)
VALUES = {RES: sp.Rational(1, 2), INERT: 2, WALL: sp.Rational(1, 4), BED: 3, LOAD: 5}
DRAWS = 400
DIGITS = 60
HALF = sp.Rational(1, 2)
STEPS = 800
SEGMENT = (4.3e8, 2.3e7, 6.7e-12, 4.8e10, 2.0e-12)
"""A facial artery before a fast bed: R, L_i, C_v, R_p, C_t in SI; nominal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lump:
    """A claim: the share of the wall's compliance at the end, the sign of a test, the bound."""

    share: sp.Rational = HALF
    sign: int = -1
    """Of the two rates in the discriminant."""
    denominators: bool = True
    """Whether the bound has its denominators."""
    first: sp.Rational = field(default=sp.Rational(1, 6))
    """Share of the drop along the line in the first-order term that is left out."""
    bed_scale: float = 1.0
    """What the bound with a bed is multiplied by."""


def _expansion(claim: Lump) -> Evidence:
    """Expand the exact denominator in s and take the first three terms away."""
    impedance = RES + S * INERT
    square = impedance * S * WALL
    load = 1 / LOAD + S * BED
    exact = sum(square**j / sp.factorial(2 * j) for j in range(4))
    exact += impedance * load * sum(square**j / sp.factorial(2 * j + 1) for j in range(4))
    total = BED + claim.share * WALL
    second = 1 + impedance / LOAD + impedance * S * total
    rest = sp.Poly(sp.expand(exact - second), S)
    return all_vanish(
        {
            "at rest": rest.coeff_monomial(1),
            "first order: only the drop along the line": rest.coeff_monomial(S)
            - claim.first * WALL * RES**2 / LOAD,
            "second order: vanishes with the resistance": rest.coeff_monomial(S**2).subs(RES, 0),
        }
    )


def _constants(claim: Lump) -> Evidence:
    """Compare the circuit's characteristic polynomial and its discriminant."""
    natural = (1 + RES / LOAD) / (INERT * LUMPED)
    rate = RES / INERT + 1 / (LOAD * LUMPED)
    gap = RES / INERT + claim.sign / (LOAD * LUMPED)
    circuit = sp.Matrix([[-RES / INERT, -1 / INERT], [1 / LUMPED, -1 / (LOAD * LUMPED)]])
    return all_vanish(
        {
            "the circuit": (S * sp.eye(2) - circuit).det() - (S**2 + rate * S + natural),
            "discriminant": rate**2 - 4 * natural - (gap**2 - 4 / (INERT * LUMPED)),
        }
    )


def _steps(claim: Lump) -> Evidence:
    """Verify the steps of the bound: what is left out, and that its series have no minus sign."""
    j = sp.Symbol("j", integer=True, positive=True)
    impedance, load, d, d2 = sp.symbols("Z y_L D D_2")
    exact = sp.cosh(Y) + impedance * sp.sinh(Y) / Y * load
    second = 1 + claim.share * Y**2 + impedance * load
    left = (sp.cosh(Y) - 1 - Y**2 / 2) + impedance * load * (sp.sinh(Y) / Y - 1)
    return all_vanish(
        {
            "what is left out": exact - second - left,
            "the difference of reciprocals": (d2 - d) / (d * d2) - (1 / d - 1 / d2),
        },
        no_minus_sign=bool(sp.factorial(2 * j).is_positive)
        and bool(sp.factorial(2 * j + 1).is_positive),
    )


def _certified(claim: Lump) -> Evidence:
    """Enclose error over bound for a facial artery with a bed, in balls that cover the band."""
    from flint import acb, arb

    worst = 0.0
    low, high = PULSE_BAND_HZ
    ratio = (high / low) ** (1 / STEPS)
    res, inert, wall, bed_r, bed_c = map(arb, SEGMENT)
    for step in range(STEPS):
        middle = low * ratio ** (step + 0.5)
        s = acb(0, 2 * arb.pi() * arb(middle, middle * (ratio - 1) / 2 * 1.0001))
        impedance = res + s * inert
        load = 1 / bed_r + s * bed_c
        y = (impedance * s * wall).sqrt()
        r = abs(y)
        more = (HALF - claim.share).p * y**2 / (HALF - claim.share).q
        second = 1 + impedance * load + y**2 * claim.share.p / claim.share.q
        left = _series(y, 2, 0) + impedance * load * _series(y, 1, 1) + more
        missed = _series(r, 2, 0) + abs(impedance) * abs(load) * _series(r, 1, 1)
        missed = missed * claim.bed_scale
        bound = missed / (abs(second) * (abs(second) - missed))
        error = abs(left) / (abs(second + left) * abs(second))
        worst = max(worst, highest(error / bound))
    return within(worst, 1.0, "largest upper end of error over bound")


def _series(y: Any, first: int, odd: int) -> Any:
    """Enclose the sum of y^2j/(2j + odd)! from j = first on, for |y| < 1, without cancellation."""
    from flint import acb, arb

    total = y * 0
    for j in range(first, 10):
        total = total + y ** (2 * j) / math.factorial(2 * j + odd)
    rest = abs(y) ** 20 / math.factorial(20)  # twice what follows
    wide = 2 * rest * arb(0, 1)
    return total + (acb(wide, wide) if isinstance(y, acb) else wide)


def _sixty(claim: Lump) -> Evidence:
    return within(_worst_ratio(claim), 1.0, "largest error over bound")


def _package(claim: Lump) -> Evidence:
    """Compare the package's oscillator and its bound with the claimed ones."""
    natural = (1 + RES / LOAD) / (INERT * LUMPED)
    rate = RES / INERT + 1 / (LOAD * LUMPED)
    names = ("resistance", "inertance", "compliance", "bed_resistance", "bed_compliance")
    line = TerminatedLine(**dict(zip(names, (0.5, 2.0, 0.25, 5.0, 3.0), strict=True)))
    found = line.oscillator()
    values = {**VALUES, LUMPED: (BED + claim.share * WALL).subs(VALUES)}
    artery = TerminatedLine(**dict(zip(names, SEGMENT, strict=True)))
    s = 2j * np.pi * np.linspace(*PULSE_BAND_HZ, 40)
    error = np.abs(terminated_transfer(artery, s) - lumped_transfer(artery, s))
    return all_true(
        {
            "natural frequency": computes(found.omega_rad_s**2, natural, values),
            "rate": computes(found.alpha_per_s, rate, values),
            "the bound": bool((error <= claim.bed_scale * lumped_error_bound(artery, s)).all()),
        }
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
    statement=r"""
A line of resistance $R$, inertance $L_i$ and compliance $C_v$ that ends in a bed ($R_p$ beside
$C_t$) has the transfer $H=1/D$ with $Z = R+sL_i$, $y^2 = Z s C_v$ and

$$D = \cosh y + \frac{Z}{y}\sinh y\left(\frac{1}{R_p}+sC_t\right),$$

$$D = 1+\frac{Z}{R_p}+ZsC + s\,\frac{C_vR^2}{6R_p} + O(s^2 R) + O(s^3)$$

with $C = C_t+\frac{1}{2}C_v$.

The first three terms are an oscillator, always stable, with

$$\omega_0^2=\frac{1+R/R_p}{L_iC}, \qquad 2\zeta\omega_0=\frac{R}{L_i}+\frac{1}{R_pC}, \qquad
\zeta<1 \iff \left(\frac{R}{L_i}-\frac{1}{R_pC}\right)^2<\frac{4}{L_iC} .$$

With $r=|y|$ and $\delta = \cosh r-1-\frac{r^2}{2}
+ |Z|\left|\frac{1}{R_p}+sC_t\right|\left(\frac{\sinh r}{r}-1\right)$, which holds the first-order
term, the error is at most, wherever $\delta<|D_2|$,

$$\left|\frac{1}{D}-\frac{1}{D_2}\right| \leq \frac{\delta}{|D_2|\,(|D_2|-\delta)} .$$

Without a bed it is at most, for $r<1.3$,

$$\left|\frac{1}{\cosh y}-\frac{1}{1+y^2/2}\right|
\leq \frac{\cosh r-1-r^2/2}{(1-r^2/2)(2-\cosh r)} .$$

$(\omega_0,\zeta)$ are effective constants of a segment and its bed, to be identified; they are not
constants of a vessel.
""",
    assumptions=(
        r"with a bed: $\delta < |D_2|$, which the bound itself checks",
        "without a bed: the line is short beside the wavelength, $|y| < 1.3$",
    ),
    clauses=(
        Clause(
            text=r"$D$ begins with an oscillator and $sC_vR^2/6R_p$",
            label="proved",
            check=_expansion,
        ),
        Clause(
            text=r"its $\omega_0$, $\zeta$, and when it rings", label="proved", check=_constants
        ),
        Clause(text="the steps of both bounds", label="proved", check=_steps),
        Clause(
            text="with a bed the error is within its bound",
            label="certified",
            check=_certified,
            where=f"0.7 to 4 Hz in {STEPS} balls, a facial artery before a bed",
        ),
        Clause(
            text="without a bed the error is within its bound",
            label="sampled",
            check=_sixty,
            where=f"{DRAWS} points of $|y|<1.3$, 60 digits",
        ),
        Clause(
            text="the package computes these",
            label="sampled",
            check=_package,
            where="2 segments, 40 frequencies",
        ),
    ),
    requires=("flint",),
    claim=TRUTH,
    mutants={
        "all of the wall's compliance at the end": replace(TRUTH, share=sp.Integer(1)),
        "it rings when the sum of the rates is small": replace(TRUTH, sign=1),
        "no first-order term": replace(TRUTH, first=sp.Integer(0)),
        "a bound with a bed twenty times smaller": replace(TRUTH, bed_scale=0.05),
        "the bound without its denominators": replace(TRUTH, denominators=False),
    },
    paper=r"$\omega$ and $\zeta$ read as properties of the vessel. They belong to the segment with "
    "its bed, and change with either.",
    numbers=numbers,
)
