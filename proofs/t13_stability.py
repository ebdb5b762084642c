"""T13: which schemes are stable, and that the published one diverges for the vessels of skin."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.discretisation import Discretisation, largest_stable_step_s
from pulsephase.physics.friction import hughes_lubliner
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import coefficients
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.t11_schemes import ROWS, A, W
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

BOXES = 24  # a side
DRAWS = 20_000
MOST = (120.0, 11.0)  # of a and of w: the example in skin has a = 39
FRAME_S = 1 / 30
VISCOSITY_M2_S = 3.3e-6  # blood's, 3.5 mPa s over 1060 kg/m^3: a nominal value
SKIN_RADIUS_M = 1.5e-4  # a small artery under the skin: a nominal value

REGIONS: dict[str, tuple[Any, ...]] = {
    "semi_implicit": (4 - 2 * A - W**2,),
    "semi_implicit_damping": (4 + 2 * A - W**2,),
    "forward": (A - W**2, 4 - 2 * A + W**2),
    "backward": (),
    "tustin": (),
}
"""What must be positive, for a, w > 0, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The regions, which poles the exact holds have, and what becomes of a vessel of skin."""

    regions: dict[str, tuple[Any, ...]]
    hold_decay: Any = -A
    """Sum of the exponents of the exact holds' poles."""
    skin_growth: float = 39.0
    """Growth a frame of the published scheme in a vessel of 0.15 mm, to 1."""
    edge: dict[str, float] = field(default_factory=dict)
    """Largest stable step over the package's, by scheme."""


def _regions(claim: Claim) -> Evidence:
    """Reduce Jury's three numbers to those that can fail; they must be the claimed ones."""
    facts = {}
    for scheme, region in claim.regions.items():
        trace, det, _ = ROWS[scheme]
        needed = set()
        for number in (1 - det, 1 - trace + det, 1 + trace + det):
            top, bottom = sp.fraction(sp.cancel(sp.together(number)))
            facts[f"{scheme}: denominator"] = _positive(bottom) or _positive(-bottom)
            top = sp.expand(top if _positive(bottom) else -top)
            if not _positive(top):
                needed.add(sp.factor(top / sp.gcd_list(list(sp.Poly(top, A, W).coeffs()))))
        stated = {sp.factor(polynomial) for polynomial in region}
        facts[f"{scheme}: {needed}"] = needed == stated
    return all_true(facts)


def _positive(polynomial: Any) -> bool:
    """Say whether a polynomial in a, w > 0 has only positive coefficients."""
    return all(c > 0 for c in sp.Poly(sp.expand(polynomial), A, W).coeffs())


def _exact_holds(claim: Claim) -> Evidence:
    """Verify that the holds' poles are exponentials of the oscillator's, whose real parts add up.

    Both real parts are negative: their sum is -a and, if the poles are real, their product w^2 > 0.
    """
    first, second = sp.symbols("p1 p2")
    root = sp.sqrt(A**2 / 4 - W**2)
    pair = {first: -A / 2 + root, second: -A / 2 - root}
    return all_vanish(
        {
            "sum": (first + second).subs(pair) - claim.hold_decay,
            "product": sp.expand((first * second).subs(pair)) - W**2,
            "determinant": sp.exp(first + second).subs(pair) - sp.exp(-A),
        }
    )


def _drawn(claim: Claim) -> Evidence:
    """Compare each region with the package's poles, at points up to a = 120."""
    return within(float(_mismatches(claim)), 0.0, "points where region and poles disagree")


def _certified_boxes(claim: Claim) -> Evidence:
    """Enclose the poles' polynomial test over boxes of the quadrant, off the edges."""
    from flint import arb

    wrong = unclear = 0
    edges = [[float(top * k / BOXES) for k in range(BOXES + 1)] for top in (6.0, 4.0)]
    for scheme, region in claim.regions.items():
        trace, det, _ = (sp.lambdify((A, W), each) for each in (*ROWS[scheme][:2], 0))
        tests = [sp.lambdify((A, W), each) for each in region]
        for i in range(BOXES):
            for j in range(1, BOXES):
                a = _ball(edges[0][i], edges[0][i + 1])
                w = _ball(edges[1][j], edges[1][j + 1])
                t, d = arb(trace(a, w)), arb(det(a, w))
                jury = (1 - d, 1 - t + d, 1 + t + d)
                stable = all(number > 0 for number in jury)
                unstable = any(number < 0 for number in jury)
                inside = all(test(a, w) > 0 for test in tests)
                outside = any(test(a, w) < 0 for test in tests)
                wrong += (stable and outside) or (unstable and inside)
                unclear += not (stable or unstable) or not (inside or outside)
    share = unclear / (BOXES * (BOXES - 1) * len(claim.regions))
    return within(float(wrong), 0.0, f"boxes that contradict; {100 * share:.0f} % touch an edge")


def _ball(low: float, high: float) -> Any:
    from flint import arb

    return arb((low + high) / 2, (high - low) / 2 * (1 + 1e-9))


def _mismatches(claim: Claim) -> int:
    """Count random points where a region and the size of the poles disagree."""
    random = np.random.default_rng(1)
    draws = np.concatenate(
        [
            random.uniform([1e-3, 1e-2], [6.0, 4.0], (DRAWS // 2, 2)),
            random.uniform([1e-3, 1e-2], MOST, (DRAWS // 2, 2)),
        ]
    )
    a, w = draws[:, 0], draws[:, 1]
    wrong = 0
    holds: dict[str, tuple[Any, ...]] = {"zero_order": (), "first_order": ()}
    for scheme, region in (claim.regions | holds).items():
        found = coefficients(scheme, a, w, step_s=1.0)
        root = np.sqrt((found.trace / 2) ** 2 - found.det + 0j)
        radius = np.maximum(abs(found.trace / 2 + root), abs(found.trace / 2 - root))
        clear = abs(radius - 1) > 1e-11  # beside the edge rounding decides
        stable = np.ones(len(a), dtype=bool)
        for polynomial in region:
            stable &= sp.lambdify((A, W), polynomial)(a, w) > 0
        wrong += int(((radius < 1) != stable)[clear].sum())
    return wrong


def _skin(claim: Claim) -> Evidence:
    """Step a vessel of the skin by both schemes; find the edge of stability."""
    growth = _skin_law("semi_implicit").radius
    return all_true(
        {
            f"growth a frame {growth:.1f}": abs(growth - claim.skin_growth) < 1,
            "implicit damping is stable": _skin_law("semi_implicit_damping").radius < 1,
            "the largest step is the edge": _edge_error(claim) < 1e-9,
        }
    )


def _edge_error(claim: Claim) -> float:
    """Return how far from the unit circle the poles are at the largest stable step."""
    worst = 0.0
    for alpha in (0.5, 3.0, 18.0, 300.0):
        mode = Oscillator(alpha_per_s=alpha, omega_rad_s=9.0)
        for scheme in ("semi_implicit", "semi_implicit_damping", "forward"):
            step_s = largest_stable_step_s(mode, scheme=scheme) * claim.edge.get(scheme, 1.0)
            law = Discretisation(oscillator=mode, scheme=scheme, step_s=step_s)
            worst = max(worst, abs(law.radius - 1))
    return worst


def _skin_oscillator() -> Oscillator:
    law = hughes_lubliner(radius_m=SKIN_RADIUS_M, viscosity_m2_s=VISCOSITY_M2_S)
    return Oscillator(alpha_per_s=law.rate_per_s, omega_rad_s=2 * np.pi * 5.0)


def _skin_law(scheme: Any) -> Discretisation:
    return Discretisation(oscillator=_skin_oscillator(), scheme=scheme, step_s=FRAME_S)


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
BLIND = REGIONS | {"semi_implicit": (4 - W**2,)}
ALWAYS = REGIONS | {"forward": (A - W**2,)}
SHORT = REGIONS | {"semi_implicit_damping": (4 + 2 * A - W**2, 6 - A)}
NARROW = REGIONS | {"backward": (4 - W**2,)}


THEOREM = Theorem(
    id="T13",
    title="The published scheme diverges for the vessels of skin",
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
    clauses=(
        Clause(
            text="the regions of five schemes are Jury's, for all $a, w>0$: nothing less, nothing "
            "more",
            label="proved",
            check=_regions,
        ),
        Clause(
            text="the exact holds have the poles $e^{ph}$ of a damped oscillator",
            label="proved",
            check=_exact_holds,
        ),
        Clause(
            text="no box contradicts a region",
            label="certified",
            check=_certified_boxes,
            where=rf"$a\leq6$, $w\leq4$ in {BOXES}^2 boxes, five schemes",
        ),
        Clause(
            text="the package's poles lie in the disc where the regions say",
            label="sampled",
            check=_drawn,
            where=f"{DRAWS:,} points, $a$ up to {MOST[0]:g}",
        ),
        Clause(
            text="a vessel of 0.15 mm grows 39 times a frame; the edge is where the package says",
            label="sampled",
            check=_skin,
            where="1 vessel; 12 edges to 1e-9",
        ),
    ),
    requires=("flint",),
    claim=TRUTH,
    mutants={
        "stable whenever w^2 < 4": replace(TRUTH, regions=BLIND),
        "forward Euler without its lower edge": replace(TRUTH, regions=ALWAYS),
        "implicit damping, and a < 6": replace(TRUTH, regions=SHORT),
        "backward Euler only where w^2 < 4": replace(TRUTH, regions=NARROW),
        "the exact holds decay half as fast": replace(TRUTH, hold_decay=-A / 2),
        "skin decays under the published scheme": replace(TRUTH, skin_growth=0.9),
        "twice the largest step is stable": replace(TRUTH, edge={"semi_implicit": 2.0}),
    },
    paper="The paper discretises with this scheme and calls it stable; that holds for "
    "vessels above about 0.66 mm only.",
    references=("E. I. Jury, Theory and Application of the z-Transform Method (1964), ch. 3.",),
    numbers=numbers,
)
