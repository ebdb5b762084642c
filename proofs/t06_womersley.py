"""T6: the exact friction of a beating flow is not of second order; the best low form is 4/3."""

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
from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Evidence, Theorem

S, NU, RADIUS, R, PUSH, CHI, ROOT, SLOPE = sp.symbols("s nu R r G chi j I_1", positive=True)
X = sp.Symbol("X")
DIGITS = 30


def check(claim: dict[str, Any]) -> Evidence:
    """Verify the profile, its mean, its expansion, its poles, and one mode to 30 digits."""
    resistance, inertance, curvature = claim["expansion"]
    return all_vanish(
        {
            "profile": _profile_equation(),
            "mean velocity": _mean_velocity(),
            "resistance": _coefficient(0) - resistance,
            "inertance": _coefficient(1) - inertance,
            "next term": _coefficient(2) - curvature,
            "residue": _residue() - claim["weight"] / ROOT**2,
        },
        sum_of_exponentials=_relaxation_error(claim["weight"]) < 1e-9,
        low_order_law_at_small_numbers=_low_order_error(resistance, inertance) < 2e-3,
        mode_at_width_four=abs(_exact_damping(4) - claim["damping at W = 4"]) < 5e-4,
        the_package_finds_that_mode=abs(_package_damping(4) - _exact_damping(4)) < 1e-12,
    )


def _profile_equation() -> sp.Expr:
    """Return s v - G - nu (v'' + v'/r) for Womersley's profile, in I0 and I1 at one argument."""
    scale = sp.sqrt(S / NU)
    v = PUSH / S * (1 - sp.besseli(0, R * scale) / sp.besseli(0, RADIUS * scale))
    rest = S * v - PUSH - NU * (sp.diff(v, R, 2) + sp.diff(v, R) / R)
    y = R * scale
    second = sp.besseli(0, y) - 2 / y * sp.besseli(1, y)
    return sp.expand(rest.subs(sp.besseli(2, y), second))


def _mean_velocity() -> sp.Expr:
    """Return 1 - 2 I1/(chi I0) - I2/I0, by the recurrence of the Bessel functions."""
    i0, i1 = sp.symbols("I_0 I_1", positive=True)
    return 1 - 2 * i1 / (CHI * i0) - (i0 - 2 / CHI * i1) / i0


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


def _low_order_error(resistance: Any, inertance: Any) -> float:
    """Return the relative error of a two-term law at Wo = 1."""
    s = np.array([1j])
    exact = womersley_impedance(s, radius_m=1.0, viscosity_m2_s=1.0)
    return float(np.abs(float(inertance) * s + float(resistance) - exact)[0] / np.abs(exact)[0])


def _exact_damping(width: int) -> float:
    """Return the damping ratio of s^2 I0/I2 + W^2 = 0 by a root found to 30 digits."""
    with mp.workdps(DIGITS):

        def equation(x: Any) -> Any:
            chi = mp.sqrt(x)
            return x**2 * mp.besseli(0, chi) / mp.besseli(2, chi) + width**2

        pole = mp.findroot(equation, mp.mpc(-3, mp.sqrt(0.75 * width**2 - 9)))
        return float(-pole.real / abs(pole))


def _package_damping(width: int) -> float:
    return damping_ratio(
        womersley_modal_pole(radius_m=1.0, viscosity_m2_s=1.0, natural_rad_s=float(width))
    )


def numbers() -> dict[str, str]:
    """Return the errors of the low-order laws and the damping that each gives a mode."""
    rows = {}
    for number in (1.0, 2.0, 3.0):
        s = np.array([1j * number**2])
        exact = womersley_impedance(s, radius_m=1.0, viscosity_m2_s=1.0)
        errors = [
            float(np.abs(law.inertance * s + law.rate_per_s - exact)[0] / np.abs(exact)[0])
            for law in _laws()
        ]
        rows[f"error of the impedance at Wo = {number:g} (4/3 law, Hughes-Lubliner)"] = (
            f"{100 * errors[0]:.1f} %, {100 * errors[1]:.0f} %"
        )
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
    "damping at W = 4": 0.862,
}

THEOREM = Theorem(
    id="T6",
    title="Exact friction has infinitely many poles; Poiseuille's calls a ringing mode critical",
    kind="symbolic",
    statement=r"""
Womersley's flow has
$\hat{Q} = -\frac{A_0}{\rho}\,\hat{p}_x\,\frac{1}{s}\,\frac{I_2(\chi)}{I_0(\chi)}$ with
$\chi = R\sqrt{s/\nu}$, and, with $J_0(j_n)=0$,

$$\frac{1}{s}\frac{I_2(\chi)}{I_0(\chi)} = \sum_{n} \frac{4/j_n^2}{s+\nu j_n^2/R^2}, \qquad
s\,\frac{I_0(\chi)}{I_2(\chi)} = \frac{\nu}{R^2}\left(8 + \frac{4}{3}X - \frac{X^2}{144}
+ \dots\right), \quad X = \frac{sR^2}{\nu} .$$

So friction is an infinite sum of exponentials, and the exact one-dimensional law is **not** of
second order. Its best second-order form keeps the inertance $4/3$: damping $6\nu/R^2$ and speed
squared $\frac{3}{4}c^2$. The law $s + 8\nu/R^2$ has the right resistance and the wrong inertia: a
mode with $ckR^2/\nu = 4$ rings, and that law calls it critically damped.
""",
    assumptions=(
        "axisymmetric long wave",
        "the wall moves little over the radius",
        "for the 4/3 law: Womersley number up to about 2",
    ),
    check=check,
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
        "the mode of W = 4 is critical": {**TRUTH, "damping at W = 4": 1.0},
    },
    paper="A friction proportional to the mean velocity makes the vessel exactly of second order. "
    "It is an approximation: the exact friction remembers, and at W = 4 the two disagree on "
    "whether a mode rings.",
    precision="6 identities, exact; sum of exponentials to 1e-9; a pole to 30 digits",
    numbers=numbers,
)
