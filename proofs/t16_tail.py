"""T16: what a cut kernel loses, exactly; and bounds on it that hold near critical damping too."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import sympy as sp

from pulsephase.physics.certify import RationalMode, certified_tail
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel, lucas
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.truncation import envelope_tail, real_tail, relative_tail, squared_tail
from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Evidence, Theorem

R, M = sp.symbols("r M", positive=True)
LONG = 4000
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The norm that a cut costs, and the power of m in the envelope."""

    norm: int = 1
    envelope_power: int = 1


def check(claim: Claim) -> Evidence:
    """Verify the sums exactly, attain the norm, draw kernels against the bounds; certify one."""
    confluent = (M * R ** (M - 1) * (1 - R) + R**M) / (1 - R) ** 2
    short = R ** (M - 1) * (M - (M - 1) * R) / (1 - R) ** 2
    return all_vanish(
        {
            "the double pole is the derivative": sp.diff(R**M / (1 - R), R) - confluent,
            "the envelope is its sum": confluent - short,
            "the sum telescopes": short - short.subs(M, M + 1) - M * R ** (M - 1),
        },
        the_norm_is_attained=_attained_error(claim) < ROUNDING,
        no_kernel_exceeds_its_envelope=_worst_ratio(claim) <= 1 + ROUNDING,
        real_poles_are_summed_exactly=_real_error() < 1e-11,
        complex_poles_are_summed_in_squares=_squared_error() < 1e-11,
        a_certificate_agrees=_certificate_agrees(),
    )


def _attained_error(claim: Claim) -> float:
    """Return how far the input sign(g) drives the two outputs apart, against the claimed norm."""
    mode = Oscillator(alpha_per_s=3.0, omega_rad_s=9.0)
    law = Discretisation(oscillator=mode, scheme="semi_implicit", step_s=1 / 30)
    taps = kernel(law, taps=LONG)
    drive = np.sign(taps)[::-1]
    whole = np.convolve(taps, drive)[LONG - 1]
    cut = np.convolve(taps[:40], drive)[LONG - 1]
    expected = float(np.linalg.norm(taps[40:], claim.norm))
    return float(abs(whole - cut - expected) / expected)


def _worst_ratio(claim: Claim) -> float:
    """Return the largest tail over its bound, for drawn poles, many of them nearly double."""
    random = np.random.default_rng(3)
    worst = 0.0
    for draw in range(120):
        radius = random.uniform(0.3, 0.97)
        angle = 0.0 if draw % 3 == 0 else random.uniform(1e-3, 3.0)
        taps = int(random.integers(2, 60))
        numbers = lucas(2 * radius * np.cos(angle), radius**2, count=LONG)
        tail = float(np.abs(numbers[taps:]).sum())
        bound = envelope_tail(radius, taps=taps, angle_rad=angle)
        if claim.envelope_power == 0:
            bound = radius ** (taps - 1) / (1 - radius)
        worst = max(worst, tail / bound)
    return worst


def _real_error() -> float:
    worst = 0.0
    for large, small in ((0.9, 0.2), (0.9, 0.9 - 1e-9), (0.8, 0.8), (0.95, 0.0)):
        numbers = lucas(large + small, large * small, count=LONG)
        for taps in (1, 7, 40):
            tail = float(numbers[taps:].sum())
            worst = max(worst, abs(real_tail(large, small, taps=taps) - tail) / tail)
    return worst


def _squared_error() -> float:
    worst = 0.0
    for radius, angle in ((0.93, 0.31), (0.7, 2.0)):
        numbers = lucas(2 * radius * np.cos(angle), radius**2, count=LONG)
        for taps in (1, 20):
            tail = float((numbers[taps:] ** 2).sum())
            found = squared_tail(radius, angle_rad=angle, taps=taps)
            worst = max(worst, abs(found - tail) / tail)
    return worst


def _certificate_agrees() -> bool:
    """Say whether float64 lies within rounding of an interval that is certain."""
    certain = certified_tail(
        RationalMode(alpha_per_s=Fraction(3), omega_rad_s=Fraction(9), sample_hz=Fraction(30)),
        taps=40,
    )
    mode = Oscillator(alpha_per_s=3.0, omega_rad_s=9.0)
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / 30)
    found = relative_tail(law, taps=40)
    return certain.lower - ROUNDING <= found <= certain.upper + ROUNDING


TRUTH = Claim()

THEOREM = Theorem(
    id="T16",
    title="A cut kernel loses exactly its tail",
    kind="symbolic",
    statement=r"""
Over all inputs $|u|\leq1$ the error of the first $M$ taps is

$$\sup \|z - z_M\|_\infty = \sum_{m\geq M} |g[m]| ,$$

attained by the sign of the kernel. For poles of size at most $\varrho<1$, complex at angle
$\theta$ or not,

$$\sum_{m\geq M} |U_m| \leq \varrho^{M-1}\,\frac{M-(M-1)\varrho}{(1-\varrho)^2}, \qquad
\sum_{m\geq M} |U_m| \leq \frac{\varrho^{M-1}}{(1-\varrho)\,|\sin\theta|} ,$$

with equality in the first at a double positive pole. The factor $m$ in $|U_m|\leq m\varrho^{m-1}$
cannot be dropped.
""",
    assumptions=("poles inside the unit disc", "at rest before the first sample"),
    check=check,
    claim=TRUTH,
    mutants={
        "the root of the sum of squares": replace(TRUTH, norm=2),
        "a purely geometric envelope": replace(TRUTH, envelope_power=0),
    },
    requires=("flint",),
    paper="The paper bounds the tail by a geometric series with a constant that it does not give; "
    "near critical damping no constant will do.",
    precision="sums exactly; 120 kernels to 1e-12; one interval certified",
)
