"""SK: in the vessels that a camera sees nothing rings. A negative result, over a whole box."""

import math
from dataclasses import dataclass, replace

import numpy as np

from pulsephase.physics.population import (
    ARTERIOLE_SHARE,
    BED_TIMES,
    FLOW,
    LENGTH,
    RADIUS,
    Range,
    draw_at_artery_end,
    draw_behind_arterioles,
)
from pulsephase.physics.vessel import (
    BLOOD_DENSITY,
    BLOOD_VISCOSITY,
    MEAN_PRESSURE,
    PULSE_BAND_HZ,
    VESSELS,
)
from pulsephase.proofs.theorem import Evidence, Theorem

CELLS = 60  # a side
ROUNDING = 1e-9  # many times the rounding of the ten operations per cell
DRAWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bed:
    """A claim: how much resistance lies before the bed, how slow the bed is, what follows."""

    share: float = ARTERIOLE_SHARE[0]
    """Least share of the resistance that the arterioles hold."""
    time_s: float = BED_TIMES[0].low
    """Least time constant of the bed."""
    damping: float = 1.0
    """What the damping ratio is above, everywhere in the box."""


def check(claim: Bed) -> Evidence:
    """Bound the damping ratio below over every cell of the box; compare with draws."""
    least = math.sqrt(_least_square_of_damping(claim) * (1 - ROUNDING))
    rng = np.random.default_rng(0)
    drawn = min(
        float(draw_behind_arterioles(rng, draws=DRAWS, bed=bed).damping.min()) for bed in BED_TIMES
    )
    return Evidence(
        residual=max(claim.damping - least, least - drawn),  # a bound above a draw is no bound
        tolerance=0.0,
        detail=f"damping ratio at least {least:.3f} in the box, {drawn:.3f} among the draws",
    )


def _least_square_of_damping(claim: Bed) -> float:
    r"""Return a lower bound of the square of the damping ratio over the box.

    With a = R/L_i and b = 1/(R_p C), zeta^2 = (a/b + b/a + 2)/(4 (1 + R_p/R)). The ratio
    a/b = (R/L_i)(R_p C) is at least x = (R/L_i) t, since R_p C = t + R_p C_v/2; x + 1/x rises where
    x > 1. In each cell x is taken at its least corner and R_p/R at its greatest.
    """

    def edges(item: Range) -> np.ndarray:
        return np.geomspace(item.low, item.high, CELLS + 1)

    radius, length, flow = (edges(item) for item in (RADIUS, LENGTH, FLOW))
    r_low, r_high = radius[:-1, None, None], radius[1:, None, None]
    l_low, l_high = length[None, :-1, None], length[None, 1:, None]
    before = claim.share * MEAN_PRESSURE.value
    after = (1 - claim.share) * MEAN_PRESSURE.value
    q_low, q_high = flow[:-1], flow[1:]
    viscosity, density = BLOOD_VISCOSITY.value, BLOOD_DENSITY.value
    rate = before / q_high * np.pi * r_low**2 / (density * l_high)
    rate = rate + 8 * viscosity / (density * r_high**2)
    x = rate * claim.time_s
    line = before / q_low + 8 * viscosity * l_low / (np.pi * r_high**4)
    ratio = after / q_low / line
    square = np.where(x > 1, x + 1 / x + 2, 4.0) / (4 * (1 + ratio))
    return float(square.min())


def numbers() -> dict[str, str]:
    """Return the draws of both places of the bed, and the vessels one by one."""
    rows = {}
    low, high = PULSE_BAND_HZ
    for bed in BED_TIMES:
        span = f"{bed.low:g} to {bed.high:g} s"
        behind = draw_behind_arterioles(np.random.default_rng(0), draws=DRAWS, bed=bed)
        direct = draw_at_artery_end(np.random.default_rng(0), draws=DRAWS, bed=bed)
        rows[f"bed of {span} behind arterioles: median damping ratio, overdamped"] = (
            f"{np.median(behind.damping):.1f}, {100 * behind.overdamped.mean():.0f} %"
        )
        inside = (direct.natural_hz > low) & (direct.natural_hz < high)
        rows[f"bed of {span} at the artery's end: median damping ratio, natural in the band"] = (
            f"{np.median(direct.damping):.1f}, {100 * inside.mean():.0f} %"
        )
    for vessel in VESSELS:
        line = vessel.line()
        rows[f"{vessel.name} alone: first mode, damping ratio"] = (
            f"{line.natural_rad_s(1) / (2 * math.pi):.3g} Hz, {line.mode(1).damping:.2g}"
        )
    return rows


TRUTH = Bed()

THEOREM = Theorem(
    id="SK",
    title="A skin bed behind its arterioles never rings",
    kind="certified",
    statement=r"""
Put the compliance of the skin behind arterioles that hold a share $f \geq 0.4$ of the resistance,
with a time constant $t = R_p C_t \geq 0.05$ s, fed by an artery of radius 0.6 to 1.5 mm and length
5 to 15 cm at 5 to 40 ml/min. With $a = R/L_i$ and $b = 1/(R_pC)$, T9 gives

$$\zeta^2 = \frac{a/b + b/a + 2}{4\,(1+R_p/R)}, \qquad \frac{a}{b} \geq \frac{R}{L_i}\,t,$$

and over **the whole box** $\zeta > 1$. What a camera sees is in effect a first-order low-pass. The
heart rate is in the forcing; a peak of a learned kernel at the heart rate is evidence about the
forcing, not about a resonance of the vessel.
""",
    assumptions=(
        "the ranges are nominal: orders of magnitude, no source verified",
        "the lumped reduction (T9), Poiseuille resistance, mean pressure 12 kPa",
    ),
    check=check,
    claim=TRUTH,
    mutants={
        "also where the bed hangs at the artery's end": replace(TRUTH, share=0.0),
        "also where arterioles hold a tenth of the resistance": replace(TRUTH, share=0.1),
        "also a bed of 10 ms": replace(TRUTH, time_s=0.01),
        "damping ratio above 4 everywhere": replace(TRUTH, damping=4.0),
    },
    paper="An oscillator near the pulse suggests a resonance. Over these ranges nothing "
    "that a camera sees resonates at all; arterioles alone are overdamped tenfold.",
    precision=f"interval bounds over {CELLS}^3 cells, rounding included; {DRAWS} draws a bed",
    numbers=numbers,
)
