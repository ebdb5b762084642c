"""T13: which schemes are stable, and that the published one diverges for the vessels of skin."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.discretisation import Discretisation, largest_stable_step_s
from pulsephase.physics.friction import hughes_lubliner
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import coefficients
from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Evidence, Theorem

A, W = sp.symbols("a w", positive=True)
DRAWS = 20_000
FRAME_S = 1 / 30
VISCOSITY_M2_S = 3.3e-6  # blood's, 3.5 mPa s over 1060 kg/m^3: a nominal value
SKIN_RADIUS_M = 1.5e-4  # a small artery under the skin: a nominal value
Region = Callable[[Any, Any], Any]

REGIONS: dict[str, Region] = {
    "semi_implicit": lambda a, w: (a < 2) & (w**2 < 4 - 2 * a),
    "semi_implicit_damping": lambda a, w: w**2 < 4 + 2 * a,
    "forward": lambda a, w: (2 * a - 4 < w**2) & (w**2 < a),
    "backward": lambda a, w: w > 0,
    "tustin": lambda a, w: w > 0,
    "zero_order": lambda a, w: w > 0,
    "first_order": lambda a, w: w > 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The regions, Jury's third number of the published scheme, and what becomes of skin."""

    regions: dict[str, Region]
    third: Any = 4 - 2 * A - W**2
    skin_is_stable: bool = False
    implicit_skin_is_stable: bool = True


def check(claim: Claim) -> Evidence:
    """Verify Jury's numbers exactly, the regions at 20,000 points, and a vessel of the skin."""
    trace, det = 2 - A - W**2, 1 - A
    identities = {
        "1 - D": 1 - det - A,
        "1 - T + D": 1 - trace + det - W**2,
        "1 + T + D": 1 + trace + det - claim.third,
        "forward, 1 - D": 1 - (1 - A + W**2) - (A - W**2),
        "forward, 1 + T + D": 1 + (2 - A) + (1 - A + W**2) - (4 - 2 * A + W**2),
    }
    return all_vanish(
        identities,
        the_regions_are_those_of_the_poles=_mismatches(claim) == 0,
        the_largest_step_is_the_edge=_edge_error() < 1e-9,
        skin_under_the_published_scheme=_skin("semi_implicit") == claim.skin_is_stable,
        skin_under_implicit_damping=_skin("semi_implicit_damping") == claim.implicit_skin_is_stable,
    )


def _mismatches(claim: Claim) -> int:
    """Count random points where a region and the size of the poles disagree."""
    draws = np.random.default_rng(1).uniform([1e-3, 1e-2], [6.0, 4.0], (DRAWS, 2))
    a, w = draws[:, 0], draws[:, 1]
    wrong = 0
    for scheme, region in claim.regions.items():
        found = coefficients(scheme, a, w, step_s=1.0)
        root = np.sqrt((found.trace / 2) ** 2 - found.det + 0j)
        radius = np.maximum(abs(found.trace / 2 + root), abs(found.trace / 2 - root))
        clear = abs(radius - 1) > 1e-12  # beside the edge rounding decides
        wrong += int(((radius < 1) != region(a, w))[clear].sum())
    return wrong


def _edge_error() -> float:
    """Return how far from the unit circle the poles are at the largest stable step."""
    worst = 0.0
    for alpha in (0.5, 3.0, 18.0, 300.0):
        mode = Oscillator(alpha_per_s=alpha, omega_rad_s=9.0)
        for scheme in ("semi_implicit", "semi_implicit_damping", "forward"):
            step_s = largest_stable_step_s(mode, scheme=scheme)
            law = Discretisation(oscillator=mode, scheme=scheme, step_s=step_s)
            worst = max(worst, abs(law.radius - 1))
    return worst


def _skin_oscillator() -> Oscillator:
    law = hughes_lubliner(radius_m=SKIN_RADIUS_M, viscosity_m2_s=VISCOSITY_M2_S)
    return Oscillator(alpha_per_s=law.rate_per_s, omega_rad_s=2 * np.pi * 5.0)


def _skin(scheme: Any) -> bool:
    law = Discretisation(oscillator=_skin_oscillator(), scheme=scheme, step_s=FRAME_S)
    return law.is_stable


def numbers() -> dict[str, str]:
    """Return the smallest vessel that the published scheme can step at 30 frames per second."""
    rows = {}
    for exponent in (2.0, 9.0):
        at_one = hughes_lubliner(
            radius_m=1.0, viscosity_m2_s=VISCOSITY_M2_S, profile_exponent=exponent
        )
        radius = 1e3 * np.sqrt(at_one.rate_per_s * FRAME_S / 2)
        name = f"smallest stable radius at 30 frames per second, profile exponent {exponent:g}"
        rows[name] = f"{radius:.2f} mm"
    skin = _skin_oscillator()
    limit = largest_stable_step_s(skin, scheme="semi_implicit")
    rows["a vessel of 0.15 mm: largest stable step of the published scheme"] = (
        f"{1e3 * limit:.2f} ms"
    )
    law = Discretisation(oscillator=skin, scheme="semi_implicit", step_s=FRAME_S)
    rows["a vessel of 0.15 mm: growth a frame"] = f"{law.radius:.0f} times"
    return rows


TRUTH = Claim(regions=REGIONS)
BLIND = REGIONS | {"semi_implicit": lambda a, w: w**2 < 4}
ALWAYS = REGIONS | {"forward": lambda a, w: w**2 < a}


THEOREM = Theorem(
    id="T13",
    title="The published scheme diverges for the vessels of skin",
    kind="symbolic",
    statement=r"""
By Jury's test, $1-D>0$, $1-T+D>0$ and $1+T+D>0$. With $a=\alpha h>0$, $w=\omega h>0$ the published
scheme (semi-implicit Euler with explicit damping) is stable if and only if

$$w^2 < 4 - 2a, \qquad \text{so that } a < 2;$$

with implicit damping if and only if $w^2 < 4+2a$; forward Euler if and only if
$2a-4 < w^2 < a$; backward Euler, Tustin and the exact holds always.

At 30 frames per second the published scheme needs $\alpha < 60$ per second: with Poiseuille
friction $\alpha = 8\nu/R^2$ a radius above about two thirds of a millimetre. **For the vessels that
a camera sees in skin it diverges.** Implicit damping or an exact hold does not.
""",
    assumptions=(
        "damping above 0",
        "for skin: a viscosity of 3.3 mm^2/s and a radius of 0.15 mm, both nominal",
    ),
    check=check,
    claim=TRUTH,
    mutants={
        "stable whenever w^2 < 4": replace(TRUTH, regions=BLIND),
        "forward Euler without its lower edge": replace(TRUTH, regions=ALWAYS),
        "Jury's third number without the damping": replace(TRUTH, third=4 - W**2),
        "skin is stable under the published scheme": replace(TRUTH, skin_is_stable=True),
        "implicit damping does not help": replace(TRUTH, implicit_skin_is_stable=False),
    },
    paper="The paper discretises with this scheme and calls it stable; that holds for "
    "vessels above about 0.66 mm only.",
    precision=f"Jury's numbers exactly; regions at {DRAWS:,} points; the edge to 1e-9",
    numbers=numbers,
)
