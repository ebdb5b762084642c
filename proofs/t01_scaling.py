"""T1: which terms of the axisymmetric Navier-Stokes equations a long wave leaves, at any Wo."""

from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.friction import womersley_number
from pulsephase.physics.line import propagation_squared
from pulsephase.physics.vessel import ARTERIOLE, HEART_TO_FACE, KINEMATIC_VISCOSITY_M2_S, Vessel
from pulsephase.proofs.exact import all_true, vanishes
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

DENSITY, VISCOSITY, SPEED, RATE, RADIUS, WAVE = sp.symbols(
    "rho nu U_0 Omega R_0 kappa", positive=True
)
EPS, DELTA, WO, MOST = sp.symbols("epsilon delta Wo m", positive=True)
"""``m`` stands for max(1, Wo^-2): both 1/m and Wo^-2/m are at most 1."""
DEFINITIONS = {
    EPS: RADIUS * WAVE,
    DELTA: SPEED * WAVE / (RATE * MOST),
    WO: RADIUS * sp.sqrt(RATE / VISCOSITY),
}
PRESSURE = DENSITY * SPEED * RATE * MOST / WAVE


def axial(w: sp.Expr, pressure: sp.Expr) -> dict[str, sp.Expr]:
    """Return the size of each term of the axial equation, with radial velocity of size ``w``."""
    return {
        "v_t": DENSITY * SPEED * RATE,
        "v v_x": DENSITY * SPEED**2 * WAVE,
        "w v_r": DENSITY * w * SPEED / RADIUS,
        "p_x": pressure * WAVE,
        "radial friction": DENSITY * VISCOSITY * SPEED / RADIUS**2,
        "axial friction": DENSITY * VISCOSITY * SPEED * WAVE**2,
    }


def radial(w: sp.Expr) -> dict[str, sp.Expr]:
    """Return the size of each term of the radial equation."""
    return {
        "w_t": DENSITY * w * RATE,
        "v w_x": DENSITY * SPEED * w * WAVE,
        "w w_r": DENSITY * w**2 / RADIUS,
        "radial friction": DENSITY * VISCOSITY * w / RADIUS**2,
        "axial friction": DENSITY * VISCOSITY * w * WAVE**2,
    }


def _axial(claim: dict[str, Any]) -> Evidence:
    """Compare the axial table, term by term, and that nothing in it exceeds the pressure."""
    w = claim["radial velocity"].subs(DEFINITIONS)
    facts = {"incompressibility balances": vanishes(w / RADIUS - SPEED * WAVE)}
    pressure = claim["pressure"]
    for name, size in axial(w, pressure).items():
        expected = claim["axial"][name].subs(DEFINITIONS)
        facts[f"axial {name}"] = vanishes(size / (DENSITY * RATE * SPEED * MOST) - expected)
    return all_true(facts)


def _balanced(claim: dict[str, Any]) -> Evidence:
    """Say whether every axial size is at most 1 where eps, delta <= 1, at every Wo."""
    facts = {name: _at_most_one(size, order=0) for name, size in claim["axial"].items()}
    return all_true(facts)


def _radial(claim: dict[str, Any]) -> Evidence:
    """Compare the radial table with the pressure across the vessel, and bound its order."""
    w = claim["radial velocity"].subs(DEFINITIONS)
    facts = {}
    for name, size in radial(w).items():
        expected = claim["radial"][name]
        scaled = size / (claim["pressure"] / RADIUS)
        facts[f"radial {name}"] = vanishes(scaled - expected.subs(DEFINITIONS))
        facts[f"{name} is within the order"] = _at_most_one(expected, order=claim["order"])
    return all_true(facts)


def _at_most_one(size: sp.Expr, *, order: int) -> bool:
    """Say whether a monomial is at most eps^order for eps, delta <= 1 and m = max(1, Wo^-2)."""
    powers = sp.sympify(size).as_powers_dict()
    friction = -powers[WO] / 2  # powers of Wo^-2, each of which needs one of 1/m
    return bool(powers[EPS] >= order and powers[DELTA] >= 0 and 0 <= friction <= -powers[MOST])


def numbers() -> dict[str, str]:
    """Return the small numbers of a large and of a small vessel at 1.2 Hz."""
    rows = {}
    for vessel in (HEART_TO_FACE, ARTERIOLE):
        eps, naive, wo = _small_numbers(vessel)
        name = rf"{vessel.name}: $\varepsilon = R|\gamma|$, $R\Omega/c$, $\mathrm{{Wo}}$"
        rows[name] = f"{eps:.1e}, {naive:.1e}, {wo:.2g}"
    return rows


def _small_numbers(vessel: Vessel) -> tuple[float, float, float]:
    frequency = 1.2
    s = np.array([2j * np.pi * frequency])
    gamma = float(np.sqrt(np.abs(propagation_squared(vessel.line(), s)))[0])
    naive = vessel.radius_m * 2 * np.pi * frequency / vessel.speed_m_s
    wo = womersley_number(
        radius_m=vessel.radius_m, viscosity_m2_s=KINEMATIC_VISCOSITY_M2_S, frequency_hz=frequency
    )
    return vessel.radius_m * gamma, float(naive), wo


TRUTH = {
    "radial velocity": EPS * SPEED,
    "pressure": PRESSURE,
    "axial": {
        "v_t": 1 / MOST,
        "v v_x": DELTA,
        "w v_r": DELTA,
        "p_x": sp.Integer(1),
        "radial friction": WO**-2 / MOST,
        "axial friction": EPS**2 * WO**-2 / MOST,
    },
    "radial": {
        "w_t": EPS**2 / MOST,
        "v w_x": EPS**2 * DELTA,
        "w w_r": EPS**2 * DELTA,
        "radial friction": EPS**2 * WO**-2 / MOST,
        "axial friction": EPS**4 * WO**-2 / MOST,
    },
    "order": 2,
}
INERTIAL = {
    **TRUTH,
    "pressure": PRESSURE / MOST,
    "axial": {
        **TRUTH["axial"],
        "p_x": 1 / MOST,
    },
}
BARE = {
    **TRUTH,
    "axial": {**TRUTH["axial"], "radial friction": WO**-2},
}

THEOREM = Theorem(
    id="T1",
    title="A long wave has one pressure per cross-section",
    statement=r"""
Let $\kappa=|\gamma|$ be the wavenumber of the wave, damped or not, and $\Omega$ its rate. Scale
$r \sim R_0$, $x \sim 1/\kappa$, $v \sim U_0$, $w \sim \varepsilon U_0$ with

$$\varepsilon = R_0\kappa, \qquad \mathrm{Wo} = R_0\sqrt{\Omega/\nu}, \qquad
m = \max(1, \mathrm{Wo}^{-2}).$$

The pressure must balance the larger of inertia and friction: $p \sim \rho U_0\Omega m/\kappa$.
With $\delta = U_0\kappa/(\Omega m)$ the terms of the axial equation are then of size

$$v_t : v v_x : w v_r : p_x : \nu\,\Delta_r v : \nu\, v_{xx}
= \frac1m : \delta : \delta : 1 : \frac{\mathrm{Wo}^{-2}}{m} :
\frac{\varepsilon^2\,\mathrm{Wo}^{-2}}{m},$$

none of them larger than 1 at any Womersley number, and every term of the radial equation is at most

$$p_r = O\left(\varepsilon^2\right).$$

In a large vessel $\kappa=\Omega/c$ and $m=1$. In an arteriole friction rules, $\kappa =
\sqrt{\Omega\alpha}/c$ is about a hundred times $\Omega/c$, and a scaling with $\Omega/c$ would
leave
the friction of size $\mathrm{Wo}^{-2}\approx 1100$ with nothing to balance it.
""",
    assumptions=(
        "axisymmetric, incompressible, Newtonian flow",
        r"the wave is long beside the radius: $\varepsilon = R_0|\gamma| \ll 1$",
        r"the flow is slow beside the wave: $\delta \ll 1$",
    ),
    clauses=(
        Clause(text="the six axial sizes", label="proved", check=_axial),
        Clause(
            text="no axial term exceeds the pressure, at any Wo", label="proved", check=_balanced
        ),
        Clause(
            text=r"the five radial sizes, each $O(\varepsilon^2)$", label="proved", check=_radial
        ),
    ),
    claim=TRUTH,
    mutants={
        "radial velocity as large as the axial": {**TRUTH, "radial velocity": SPEED},
        "radial pressure of order eps^3": {**TRUTH, "order": 3},
        "pressure balances inertia alone": INERTIAL,
        "friction without the scale of the pressure": BARE,
        "advection as large as inertia": {
            **TRUTH,
            "axial": {**TRUTH["axial"], "v v_x": sp.Integer(1)},
        },
    },
    numbers=numbers,
    references=(
        "A. C. Barnard et al., Biophys. J. 6 (1966) 717; J. Lighthill, Waves in Fluids (1978), "
        "sec. 2.2, for the long-wave limit.",
    ),
)
