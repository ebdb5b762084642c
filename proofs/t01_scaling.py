"""T1: which terms of the axisymmetric Navier-Stokes equations a long wave leaves."""

from typing import Any

import sympy as sp

from pulsephase.physics.friction import womersley_number
from pulsephase.physics.vessel import ARTERIOLE, HEART_TO_FACE, KINEMATIC_VISCOSITY_M2_S, Vessel
from pulsephase.proofs.exact import all_true, vanishes
from pulsephase.proofs.theorem import Evidence, Theorem

DENSITY, VISCOSITY, SPEED, RATE, RADIUS, WAVE = sp.symbols("rho nu U_0 Omega R_0 c", positive=True)
EPS, DELTA, WO = sp.symbols("epsilon delta Wo", positive=True)
LENGTH = WAVE / RATE
NAMES = r"$\varepsilon$, $\mathrm{Wo}$, $\varepsilon^2/\mathrm{Wo}^2$"
DEFINITIONS = {
    EPS: RADIUS / LENGTH,
    DELTA: SPEED / WAVE,
    WO: RADIUS * sp.sqrt(RATE / VISCOSITY),
}


def axial(w: sp.Expr) -> dict[str, sp.Expr]:
    """Return the size of each term of the axial equation, with radial velocity of size ``w``."""
    return {
        "v_t": DENSITY * SPEED * RATE,
        "v v_x": DENSITY * SPEED**2 / LENGTH,
        "w v_r": DENSITY * w * SPEED / RADIUS,
        "p_x": DENSITY * WAVE * SPEED / LENGTH,
        "radial friction": DENSITY * VISCOSITY * SPEED / RADIUS**2,
        "axial friction": DENSITY * VISCOSITY * SPEED / LENGTH**2,
    }


def radial(w: sp.Expr) -> dict[str, sp.Expr]:
    """Return the size of each term of the radial equation."""
    return {
        "w_t": DENSITY * w * RATE,
        "v w_x": DENSITY * SPEED * w / LENGTH,
        "w w_r": DENSITY * w**2 / RADIUS,
        "radial friction": DENSITY * VISCOSITY * w / RADIUS**2,
        "axial friction": DENSITY * VISCOSITY * w / LENGTH**2,
    }


def check(claim: dict[str, Any]) -> Evidence:
    """Compare both tables, term by term, and bound the radial pressure difference by its terms."""
    w = claim["radial velocity"].subs(DEFINITIONS)
    facts = {"incompressibility balances": vanishes(w / RADIUS - SPEED / LENGTH)}
    for name, size in axial(w).items():
        expected = claim["axial"][name].subs(DEFINITIONS)
        facts[f"axial {name}"] = vanishes(size / (DENSITY * RATE * SPEED) - expected)
    pressure = DENSITY * WAVE * SPEED / RADIUS
    for name, size in radial(w).items():
        expected = claim["radial"][name]
        facts[f"radial {name}"] = vanishes(size / pressure - expected.subs(DEFINITIONS))
        # at most eps^n max(1, Wo^-2) when eps, delta <= 1
        powers = expected.as_powers_dict()
        small = powers[EPS] >= claim["order"] and powers[DELTA] >= 0
        facts[f"{name} is within the order"] = bool(small and -claim["viscous"] <= powers[WO] <= 0)
    return all_true(facts)


def numbers() -> dict[str, str]:
    """Return the small numbers of a large and of a small vessel at 1.2 Hz."""
    rows = {}
    for vessel in (HEART_TO_FACE, ARTERIOLE):
        eps, wo = _small_numbers(vessel)
        rows[f"{vessel.name}: {NAMES}"] = f"{eps:.1e}, {wo:.2g}, {(eps / wo) ** 2:.1e}"
    return rows


def _small_numbers(vessel: Vessel) -> tuple[float, float]:
    frequency = 1.2
    eps = vessel.radius_m * 2 * float(sp.pi) * frequency / vessel.speed_m_s
    wo = womersley_number(
        radius_m=vessel.radius_m, viscosity_m2_s=KINEMATIC_VISCOSITY_M2_S, frequency_hz=frequency
    )
    return eps, wo


TRUTH = {
    "radial velocity": EPS * SPEED,
    "axial": {
        "v_t": sp.Integer(1),
        "v v_x": DELTA,
        "w v_r": DELTA,
        "p_x": sp.Integer(1),
        "radial friction": WO**-2,
        "axial friction": EPS**2 * WO**-2,
    },
    "radial": {
        "w_t": EPS**2,
        "v w_x": EPS**2 * DELTA,
        "w w_r": EPS**2 * DELTA,
        "radial friction": EPS**2 * WO**-2,
        "axial friction": EPS**4 * WO**-2,
    },
    "order": 2,
    "viscous": 2,
}

THEOREM = Theorem(
    id="T1",
    title="A long wave has one pressure per cross-section",
    kind="symbolic",
    statement=r"""
Scale $r \sim R_0$, $x \sim \lambda = c/\Omega$, $v \sim U_0$, $w \sim \varepsilon U_0$,
$p \sim \rho c U_0$, with $\varepsilon = R_0/\lambda$, $\delta = U_0/c$ and
$\mathrm{Wo} = R_0\sqrt{\Omega/\nu}$. The terms of the axial equation are of size

$$v_t : v v_x : w v_r : p_x : \nu\,\Delta_r v : \nu\, v_{xx}
= 1 : \delta : \delta : 1 : \mathrm{Wo}^{-2} : \varepsilon^2\,\mathrm{Wo}^{-2}$$

and every term of the radial one is at most

$$p_r = O\left(\varepsilon^2 \max(1, \mathrm{Wo}^{-2})\right).$$

In arterioles $\mathrm{Wo} \ll 1$, so a small $\varepsilon$ is not enough: what must be small is
$\varepsilon^2\,\mathrm{Wo}^{-2}$. In the vessels between heart and skin it is (see the table).
""",
    assumptions=(
        "axisymmetric, incompressible, Newtonian flow",
        r"the wave is long: $\varepsilon \ll 1$ and $\varepsilon^2\,\mathrm{Wo}^{-2} \ll 1$",
        r"the flow is slow beside the wave: $\delta = U_0/c \ll 1$",
    ),
    check=check,
    claim=TRUTH,
    mutants={
        "radial velocity as large as the axial": {**TRUTH, "radial velocity": SPEED},
        "radial pressure of order eps^3": {**TRUTH, "order": 3},
        "radial pressure of order eps^2 at any Wo": {**TRUTH, "viscous": 0},
        "advection as large as inertia": {
            **TRUTH,
            "axial": {**TRUTH["axial"], "v v_x": sp.Integer(1)},
        },
    },
    precision="11 coefficients and their orders, exact",
    numbers=numbers,
)
