"""T5: a viscous wall damps each mode more; leakage restores, but alone it never rings."""

from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.friction import Friction
from pulsephase.physics.line import Line, propagation_squared
from pulsephase.physics.wall import kelvin_voigt_damping, leaky_mode
from pulsephase.proofs.exact import all_vanish, computes
from pulsephase.proofs.theorem import Evidence, Theorem

S, K, ALPHA, BETA, TAU, SPEED, COMPLIANCE = sp.symbols("s k alpha beta tau c C_A", positive=True)
VALUES = {ALPHA: 3, BETA: 2, TAU: sp.Rational(1, 4), SPEED: 6, K: sp.Rational(5, 2)}


def check(claim: dict[str, Any]) -> Evidence:
    """Take determinants of the Fourier-Laplace symbols of mass and momentum."""
    stiffness = SPEED**2 * COMPLIANCE  # A_0 / rho
    viscous = sp.Matrix(
        [[S, sp.I * K], [sp.I * K * stiffness * (1 + TAU * S) / COMPLIANCE, S + ALPHA]]
    )
    leaky = sp.Matrix([[COMPLIANCE * (S + BETA), sp.I * K], [sp.I * K * stiffness, S + ALPHA]])
    wave = SPEED**2 * K**2
    total, product = claim["leak: sum"], claim["leak: product"]
    uniform = (total**2 - 4 * product).subs(K, 0)
    found_sum, found_product = leaky_mode(friction_per_s=3.0, leakage_per_s=2.0, elastic_rad_s=15.0)
    found_ratio = kelvin_voigt_damping(friction_per_s=3.0, natural_rad_s=15.0, relaxation_s=0.25)
    line = Line(speed_m_s=6.0, length_m=1.0, friction=Friction(rate_per_s=3.0), leakage_per_s=2.0)
    gamma2 = complex(propagation_squared(line, np.array([7.0 + 0j]))[0]).real
    return all_vanish(
        {
            "viscous wall": viscous.det() - (S**2 + claim["viscous wall: sum"] * S + wave),
            "leaky line": leaky.det() / COMPLIANCE - (S**2 + total * S + product),
            "discriminant at k = 0": uniform - claim["leak: discriminant"],
        },
        a_leak_alone_never_rings=sp.factor(claim["leak: discriminant"]).is_nonnegative is True,
        the_package_computes_them=computes(found_sum, total, VALUES)
        and computes(found_product, product, VALUES)
        and computes(found_ratio, claim["viscous wall: sum"] / (2 * SPEED * K), VALUES)
        and computes(gamma2 + 2.5**2, (S**2 + total * S + product) / SPEED**2, {**VALUES, S: 7}),
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
    kind="symbolic",
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
    check=check,
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
    precision="polynomial identities, exact; the package's numbers to 1e-12",
    numbers=numbers,
)
