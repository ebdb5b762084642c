"""T5: a viscous wall damps each mode more; leakage restores, but alone it never rings."""

from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.friction import Friction
from pulsephase.physics.line import Line, propagation_squared
from pulsephase.physics.wall import kelvin_voigt_damping, leaky_mode
from pulsephase.proofs.exact import all_true, all_vanish, computes
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

S, K, ALPHA, BETA, TAU, SPEED, COMPLIANCE = sp.symbols("s k alpha beta tau c C_A", positive=True)
VALUES = {ALPHA: 3, BETA: 2, TAU: sp.Rational(1, 4), SPEED: 6, K: sp.Rational(5, 2)}


def _viscous(claim: dict[str, Any]) -> Evidence:
    """Take the determinant of the Fourier-Laplace symbol of a line with a viscous wall."""
    stiffness = SPEED**2 * COMPLIANCE  # A_0 / rho
    symbol = sp.Matrix(
        [[S, sp.I * K], [sp.I * K * stiffness * (1 + TAU * S) / COMPLIANCE, S + ALPHA]]
    )
    wave = S**2 + claim["viscous wall: sum"] * S + SPEED**2 * K**2
    return all_vanish({"viscous wall": symbol.det() - wave})


def _leaky(claim: dict[str, Any]) -> Evidence:
    """Take the determinant of the symbol of a line that leaks."""
    stiffness = SPEED**2 * COMPLIANCE
    symbol = sp.Matrix([[COMPLIANCE * (S + BETA), sp.I * K], [sp.I * K * stiffness, S + ALPHA]])
    stated = S**2 + claim["leak: sum"] * S + claim["leak: product"]
    return all_vanish({"leaky line": symbol.det() / COMPLIANCE - stated})


def _never_rings(claim: dict[str, Any]) -> Evidence:
    """Compare the discriminant of the uniform mode, and require that it is a square."""
    uniform = (claim["leak: sum"] ** 2 - 4 * claim["leak: product"]).subs(K, 0)
    return all_vanish(
        {"discriminant at k = 0": uniform - claim["leak: discriminant"]},
        it_is_not_negative=sp.factor(claim["leak: discriminant"]).is_nonnegative is True,
    )


def _package(claim: dict[str, Any]) -> Evidence:
    """Compare the package's modes and propagation with the claimed polynomials."""
    total, product = claim["leak: sum"], claim["leak: product"]
    found_sum, found_product = leaky_mode(friction_per_s=3.0, leakage_per_s=2.0, elastic_rad_s=15.0)
    found_ratio = kelvin_voigt_damping(friction_per_s=3.0, natural_rad_s=15.0, relaxation_s=0.25)
    line = Line(speed_m_s=6.0, length_m=1.0, friction=Friction(rate_per_s=3.0), leakage_per_s=2.0)
    gamma2 = complex(propagation_squared(line, np.array([7.0 + 0j]))[0]).real
    ratio = claim["viscous wall: sum"] / (2 * SPEED * K)
    whole = (S**2 + total * S + product) / SPEED**2
    return all_true(
        {
            "sum": computes(found_sum, total, VALUES),
            "product": computes(found_product, product, VALUES),
            "damping ratio": computes(found_ratio, ratio, VALUES),
            "propagation": computes(gamma2 + 2.5**2, whole, {**VALUES, S: 7}),
        }
    )


def numbers() -> dict[str, str]:
    """Return at which frequency a constant relaxation time alone would overdamp a mode."""
    relaxation = 0.010
    return {
        "wall relaxation of 10 ms: modes are overdamped above": f"{1 / (np.pi * relaxation):.0f} Hz"
    }


TRUTH = {
    "viscous wall: sum": ALPHA + TAU * SPEED**2 * K**2,
    "leak: sum": ALPHA + BETA,
    "leak: product": ALPHA * BETA + SPEED**2 * K**2,
    "leak: discriminant": (ALPHA - BETA) ** 2,
}

THEOREM = Theorem(
    id="T5",
    title="Leakage alone never rings",
    statement=r"""
With a Kelvin-Voigt wall of relaxation time $\tau$, a mode of wavenumber $k$ obeys

$$s^2 + (\alpha + \tau c^2k^2)\,s + c^2k^2 = 0, \qquad
\zeta_n = \frac{1}{2}\left(\frac{\alpha}{\omega_n} + \tau\omega_n\right),$$

still of second order, but overdamped beyond $\omega_n \approx 2/\tau$. Side branches that drain
$g\,p$ per length, $\beta = g/C_A$, give

$$s^2 + (\alpha+\beta)\,s + \alpha\beta + c^2k^2 = 0 .$$

So leakage does supply a local restoring term $\omega_0^2 = \alpha\beta$ that needs no $p_{xx}$. But
at $k=0$ its discriminant is $(\alpha-\beta)^2 \geq 0$: **it can never be underdamped.**
""",
    assumptions=(
        "constant relaxation time (poor above a few Hz: the loss tangent grows without limit)",
        "constant leakage per length",
    ),
    clauses=(
        Clause(
            text=r"with a viscous wall: $s^2 + (\alpha+\tau c^2k^2)s + c^2k^2$",
            label="proved",
            check=_viscous,
        ),
        Clause(
            text=r"with a leak: $s^2 + (\alpha+\beta)s + \alpha\beta + c^2k^2$",
            label="proved",
            check=_leaky,
        ),
        Clause(
            text=r"at $k=0$ the discriminant is $(\alpha-\beta)^2\geq0$",
            label="proved",
            check=_never_rings,
        ),
        Clause(
            text="the package computes these",
            label="sampled",
            check=_package,
            where="1 line, to 1e-12",
        ),
    ),
    claim=TRUTH,
    mutants={
        "leakage with the wrong sign": {
            **TRUTH,
            "leak: sum": ALPHA - BETA,
            "leak: product": -ALPHA * BETA + SPEED**2 * K**2,
            "leak: discriminant": (ALPHA + BETA) ** 2,
        },
        "leakage makes an oscillator": {**TRUTH, "leak: discriminant": -4 * ALPHA * BETA},
        "a viscous wall adds no damping": {**TRUTH, "viscous wall: sum": ALPHA},
        "leakage restores nothing": {
            **TRUTH,
            "leak: product": SPEED**2 * K**2,
            "leak: discriminant": (ALPHA + BETA) ** 2,
        },
    },
    references=("J. R. Womersley, WADC Technical Report 56-614 (1957); Fung (1997), ch. 3.",),
    numbers=numbers,
)
