"""T6: the exact friction of a beating flow is not of second order; its low form has 4/3."""

from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp

from pulsephase.physics.friction import (
    damping_ratio,
    hughes_lubliner,
    low_womersley,
    modal_pole,
    womersley_impedance,
    womersley_modal_pole,
    womersley_relaxation,
)
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

S, NU, RADIUS, R, PUSH, ROOT, SLOPE = sp.symbols("s nu R r G j I_1", positive=True)
DIGITS = 30


def _profile(claim: dict[str, Any]) -> Evidence:
    """Put the claimed profile into the equation of motion, and ask whether it sticks."""
    scale = sp.sqrt(S / NU)
    bessel = sp.besseli(0, R * scale) / sp.besseli(0, RADIUS * scale)
    v = PUSH / S * (1 - claim["stick"] * bessel)
    rest = S * v - PUSH - NU * (sp.diff(v, R, 2) + sp.diff(v, R) / R)
    y = R * scale
    second = sp.besseli(0, y) - 2 / y * sp.besseli(1, y)
    return all_vanish(
        {
            "equation of motion": sp.expand(rest.subs(sp.besseli(2, y), second)),
            "no slip": v.subs(R, RADIUS),
        }
    )


def _mean(claim: dict[str, Any]) -> Evidence:
    """Integrate the profile over the disc, term by term of the Bessel series, for every term.

    With x the square of half the argument and a_k = x^k/k!^2 the series of I0, the mean over the
    disc of 1 - I0(r)/I0(R) is (sum a_k - sum a_k/(k+1)) / I0, which must be I2/I0 times the claim.
    """
    k = sp.Symbol("k", integer=True, positive=True)
    over_disc = 1 / (k + 1)  # mean of (r/R)^(2k) over the disc
    unit = sp.Symbol("u", positive=True)
    direct = 2 * sp.integrate(unit ** (2 * k + 1), (unit, 0, 1))
    term = (1 - over_disc) / sp.factorial(k) ** 2
    second = claim["mean"] / (sp.factorial(k - 1) * sp.factorial(k + 1))  # I2 at x^k
    return all_vanish(
        {
            "mean of a power": direct - over_disc,
            "the mean is that of I2": sp.gammasimp(sp.combsimp(term / second)) - 1,
        }
    )


def _expansion(claim: dict[str, Any]) -> Evidence:
    """Divide the two Bessel series, exactly."""
    names = ("resistance", "inertance", "next term")
    return all_vanish(
        {name: _coefficient(power) - claim["expansion"][power] for power, name in enumerate(names)}
    )


def _poles(claim: dict[str, Any]) -> Evidence:
    """Take the residue at every pole of I2/I0."""
    return all_vanish({"residue": _residue() - claim["weight"] / ROOT**2})


def _sum(claim: dict[str, Any]) -> Evidence:
    return within(_relaxation_error(claim["weight"]), 1e-9)


def _which_law(claim: dict[str, Any]) -> Evidence:
    """Compare the laws at a low and at a high Womersley number, in balls."""
    facts = {}
    for number, (low, blunt) in claim["errors"].items():
        third, _, nine = impedance_errors(number)
        facts[f"4/3 law at Wo = {number}"] = bool(abs(third - low) < 1e-4)
        facts[f"exponent 9 at Wo = {number}"] = bool(abs(nine - blunt) < 1e-4)
    return all_true(facts)


def _mode(claim: dict[str, Any]) -> Evidence:
    """Compare the damping of one mode with a root found to 30 digits, and with the package."""
    exact = _exact_damping(4)
    return all_true(
        {
            "damping at W = 4": abs(exact - claim["damping at W = 4"]) < 5e-4,
            "the package finds that mode": abs(_package_damping(4) - exact) < 1e-12,
            "Poiseuille's law calls it": abs(_poiseuille(4) - claim["Poiseuille at W = 4"]) < 1e-9,
        }
    )


def impedance_errors(number: int) -> tuple[Any, Any, Any]:
    """Enclose the relative errors of the 4/3 law and of the exponents 2 and 9 at a Wo."""
    from flint import acb, arb

    x = acb(0, number**2)
    root = x.sqrt()
    exact = x * root.bessel_i(acb(0)) / root.bessel_i(acb(2))
    laws = (x * arb(4) / 3 + 8, x + 8, x + 22)
    first, second, third = (abs(law - exact) / abs(exact) for law in laws)
    return first, second, third


def _coefficient(power: int) -> sp.Rational:
    """Return a coefficient of X I0(sqrt X)/I2(sqrt X) in powers of X, exactly."""
    terms = 6
    zero = [sp.Rational(1, 4**k * sp.factorial(k) ** 2) for k in range(terms)]
    two = [
        sp.Rational(1, 4 ** (k + 1) * sp.factorial(k) * sp.factorial(k + 2)) for k in range(terms)
    ]
    quotient: list[sp.Rational] = []
    for n in range(power + 1):  # zero = two * quotient, term by term
        known = sum((two[n - k] * quotient[k] for k in range(n)), sp.Integer(0))
        quotient.append((zero[n] - known) / two[0])
    return quotient[power]


def _residue() -> sp.Expr:
    """Return the residue of (1/X) I2/I0 at X = -j^2: I0 = J0(j) = 0, dI0/dX = I1/(2 chi)."""
    chi = sp.I * ROOT
    second = -2 / chi * SLOPE  # I2 = I0 - (2/chi) I1 with I0 = 0
    return second / (-(ROOT**2)) / (SLOPE / (2 * chi))


def _relaxation_error(weight: Any) -> float:
    weights, rates = womersley_relaxation(2000, radius_m=1.0, viscosity_m2_s=1.0)
    s = np.array([0.7, 3 + 5j, 40j])
    exact = 1 / womersley_impedance(s, radius_m=1.0, viscosity_m2_s=1.0)
    found = (float(weight) / 4 * weights / (s[:, None] + rates)).sum(axis=1)
    return float(np.abs(found - exact).max())


def _exact_damping(width: int) -> float:
    """Return the damping ratio of s^2 I0/I2 + W^2 = 0 by a root found to 30 digits."""
    with mp.workdps(DIGITS):

        def equation(x: Any) -> Any:
            chi = mp.sqrt(x)
            return x**2 * mp.besseli(0, chi) / mp.besseli(2, chi) + width**2

        pole = mp.findroot(equation, mp.mpc(-3, mp.sqrt(0.75 * width**2 - 9)))
        return float(-pole.real / abs(pole))


def _poiseuille(width: int) -> float:
    law = hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0)
    return damping_ratio(modal_pole(law, natural_rad_s=float(width)))


def _package_damping(width: int) -> float:
    return damping_ratio(
        womersley_modal_pole(radius_m=1.0, viscosity_m2_s=1.0, natural_rad_s=float(width))
    )


def numbers() -> dict[str, str]:
    """Return the errors of the low-order laws and the damping that each gives a mode."""
    rows = {}
    nine = hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0, profile_exponent=9.0)
    for number in (1.0, 2.0, 3.0, 12.0):
        s = np.array([1j * number**2])
        exact = womersley_impedance(s, radius_m=1.0, viscosity_m2_s=1.0)
        errors = [
            float(np.abs(law.inertance * s + law.rate_per_s - exact)[0] / np.abs(exact)[0])
            for law in (*_laws(), nine)
        ]
        name = f"error of the impedance at Wo = {number:g} (4/3 law, exponent 2, exponent 9)"
        rows[name] = f"{100 * errors[0]:.1f} %, {100 * errors[1]:.0f} %, {100 * errors[2]:.0f} %"
    for width in (4, 50):
        ratios = [damping_ratio(modal_pole(law, natural_rad_s=float(width))) for law in _laws()]
        name = rf"damping of a mode of $W = ckR^2/\nu = {width}$ (exact, 4/3 law, Hughes-Lubliner)"
        rows[name] = f"{_exact_damping(width):.3f}, {ratios[0]:.3f}, {ratios[1]:.3f}"
    return rows


def _laws() -> tuple[Any, Any]:
    return (
        low_womersley(radius_m=1.0, viscosity_m2_s=1.0),
        hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0),
    )


TRUTH = {
    "expansion": (sp.Integer(8), sp.Rational(4, 3), -sp.Rational(1, 144)),
    "weight": sp.Integer(4),
    "stick": sp.Integer(1),
    "mean": sp.Integer(1),
    "errors": {1: (0.0009, 1.7244), 2: (0.0113, 1.4388), 12: (0.2072, 0.1038)},
    "Poiseuille at W = 4": 1.0,
    "damping at W = 4": 0.862,
}

THEOREM = Theorem(
    id="T6",
    title="Exact friction has infinitely many poles; Poiseuille's calls a ringing mode critical",
    statement=r"""
Womersley's flow has
$\hat{Q} = -\frac{A_0}{\rho}\,\hat{p}_x\,\frac{1}{s}\,\frac{I_2(\chi)}{I_0(\chi)}$ with
$\chi = R\sqrt{s/\nu}$, and, with $J_0(j_n)=0$,

$$\frac{1}{s}\frac{I_2(\chi)}{I_0(\chi)} = \sum_{n} \frac{4/j_n^2}{s+\nu j_n^2/R^2},$$

$$s\,\frac{I_0(\chi)}{I_2(\chi)} = \frac{\nu}{R^2}\left(8 + \frac{4}{3}X - \frac{X^2}{144}
+ \dots\right), \quad X = \frac{sR^2}{\nu} .$$

So friction is an infinite sum of exponentials, and the exact one-dimensional law is **not** of
second order. **At low Womersley numbers** its best second-order form keeps the inertance $4/3$:
damping $6\nu/R^2$ and speed squared $\frac{3}{4}c^2$. At $\mathrm{Wo}=12$ that form errs by 21 %, a
blunt profile ($\zeta=9$) by 10 %: no second-order law serves all vessels. The law $s + 8\nu/R^2$
has the right resistance and the wrong inertia: a
mode with $ckR^2/\nu = 4$ rings, and that law calls it critically damped.
""",
    assumptions=(
        "axisymmetric long wave",
        "the wall moves little over the radius",
        "for the 4/3 law: Womersley number up to about 2",
    ),
    clauses=(
        Clause(
            text="Womersley's profile solves the equation of motion and sticks to the wall",
            label="proved",
            check=_profile,
        ),
        Clause(text=r"its mean is $I_2/I_0$ of plug flow", label="proved", check=_mean),
        Clause(
            text=r"$s I_0/I_2$ starts as $8 + \frac43X - \frac{1}{144}X^2$",
            label="proved",
            check=_expansion,
        ),
        Clause(text=r"the residue at each pole is $4/j_n^2$", label="proved", check=_poles),
        Clause(
            text="the sum of exponentials is the admittance",
            label="sampled",
            check=_sum,
            where="3 complex frequencies, 2000 terms, to 1e-9",
        ),
        Clause(
            text="the 4/3 law is the better one at low Womersley numbers and the worse at high",
            label="certified",
            check=_which_law,
            where=r"$\mathrm{Wo} = 1, 2, 12$",
        ),
        Clause(
            text=r"a mode of $ckR^2/\nu=4$ rings with damping 0.862; Poiseuille's law says 1",
            label="sampled",
            check=_mode,
            where="1 mode, a root to 30 digits",
        ),
    ),
    requires=("flint",),
    claim=TRUTH,
    mutants={
        "inertance 1 with resistance 6": {
            **TRUTH,
            "expansion": (sp.Integer(6), sp.Integer(1), -sp.Rational(1, 144)),
        },
        "inertance of plug flow": {
            **TRUTH,
            "expansion": (sp.Integer(8), sp.Integer(1), -sp.Rational(1, 144)),
        },
        "the 4/3 law is exact": {
            **TRUTH,
            "expansion": (sp.Integer(8), sp.Rational(4, 3), sp.Integer(0)),
        },
        "half the weight of each exponential": {**TRUTH, "weight": sp.Integer(2)},
        "a profile that slips at the wall": {**TRUTH, "stick": sp.Rational(1, 2)},
        "the mean of half the profile": {**TRUTH, "mean": sp.Rational(1, 2)},
        "the 4/3 law is as good at Wo = 12 as at 2": {
            **TRUTH,
            "errors": {12: (0.0113, 0.1038)},
        },
        "Poiseuille's law lets the mode of W = 4 ring": {**TRUTH, "Poiseuille at W = 4": 0.862},
        "the mode of W = 4 is critical": {**TRUTH, "damping at W = 4": 1.0},
    },
    paper="A friction proportional to the mean velocity makes the vessel exactly of second order. "
    "It is an approximation: the exact friction remembers, and at W = 4 the two disagree on "
    "whether a mode rings.",
    references=("J. R. Womersley, J. Physiol. 127 (1955) 553.",),
    numbers=numbers,
)
