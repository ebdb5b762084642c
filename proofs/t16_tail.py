"""T16: what a cut kernel loses, exactly; and bounds on it that hold near critical damping too."""

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import sympy as sp

from pulsephase.physics.certify import RationalMode, certified_tail
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel, lucas
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.truncation import envelope_tail, real_tail, relative_tail, squared_tail
from pulsephase.proofs.exact import all_true, all_vanish, highest, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

R, M = sp.symbols("r M", positive=True)
LONG = 4000
ROUNDING = 1e-12
RADII, ANGLES, FIRST = 50, 96, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The norm that a cut costs, and the power of m in the envelope."""

    norm: int = 1
    envelope_power: int = 1
    gap: sp.Rational = field(default=sp.Integer(1))
    """Distance of a pair over 2 rho sin(theta)."""
    certified_taps: int = 40


def _sums(claim: Claim) -> Evidence:
    """Verify the sums of the envelope exactly, M a symbol."""
    confluent = (M * R ** (M - 1) * (1 - R) + R**M) / (1 - R) ** 2
    short = R ** (M - 1) * (M - (M - 1) * R) / (1 - R) ** 2
    if claim.envelope_power == 0:
        short = R ** (M - 1) / (1 - R)
    return all_vanish(
        {
            "the double pole is the derivative": sp.diff(R**M / (1 - R), R) - confluent,
            "the envelope is its sum": confluent - short,
            "the sum telescopes": short - short.subs(M, M + 1) - M * R ** (M - 1),
        }
    )


def _envelopes(claim: Claim) -> Evidence:
    """Verify the two bounds on |U_m| for every m, poles of size at most rho.

    U_(m+1) = z1 U_m + z2^m, so |U_(m+1)| <= rho |U_m| + rho^m: with |U_m| <= m rho^(m-1) the right
    side is (m+1) rho^m. And |z1 - z2| = 2 rho |sin| for a pair at an angle.
    """
    first, second, rho, angle, m = sp.symbols("z1 z2 rho theta m", positive=True)
    quotient = lambda k: (first**k - second**k) / (first - second)  # noqa: E731
    step = (quotient(m + 1) - first * quotient(m) - second**m) * (first - second)
    envelope = lambda k: k**claim.envelope_power * rho ** (k - 1)  # noqa: E731
    grown = rho * envelope(m) + rho**m - envelope(m + 1)
    pair = (rho * sp.exp(sp.I * angle) - rho * sp.exp(-sp.I * angle)).rewrite(sp.sin)
    return all_vanish(
        {
            "recursion": sp.expand(sp.expand(step), power_exp=True),
            "step of the induction": sp.expand(sp.expand(grown / rho**m), power_exp=True),
            "start": envelope(sp.Integer(1)) - 1,
            "distance of a pair": sp.expand(pair - claim.gap * 2 * sp.I * rho * sp.sin(angle)),
        }
    )


def _attained(claim: Claim) -> Evidence:
    return within(_attained_error(claim), ROUNDING)


def _package(claim: Claim) -> Evidence:
    """Draw kernels against the package's bounds, and compare its closed sums with long ones."""
    return all_true(
        {
            "no kernel exceeds its envelope": _worst_ratio(claim) <= 1 + ROUNDING,
            "real poles are summed exactly": _real_error() < 1e-11,
            "complex poles are summed in squares": _squared_error() < 1e-11,
        }
    )


def _interval(claim: Claim) -> Evidence:
    """Enclose tails of kernels over boxes of radius and angle, and compare with the envelope."""
    from flint import acb, arb

    worst = 0.0
    for step in range(RADII):
        low, high = 0.3 + 0.6 * step / RADII, 0.3 + 0.6 * (step + 1) / RADII
        radius = arb((low + high) / 2, (high - low) / 2 * 1.000001)
        for turn in range(FIRST, ANGLES - FIRST + 1):
            middle = math.pi * turn / ANGLES
            angle = arb(middle, math.pi / ANGLES / 2 * 1.000001)
            for taps in (2, 8, 30):
                # |U_m| = rho^(m-1) |sin m theta / sin theta|; beyond 40 taps by the geometric bound
                tail = arb(0)
                for m in range(taps, taps + 40):
                    tail += radius ** (m - 1 - (taps - 1)) * abs((angle * m).sin() / angle.sin())
                tail += radius**40 / ((1 - radius) * abs(angle.sin()))
                envelope = (taps - (taps - 1) * radius) / (1 - radius) ** 2
                if claim.envelope_power == 0:
                    envelope = 1 / (1 - radius)
                worst = max(worst, highest(acb(tail / envelope).real))
    return within(worst, 1.0, "largest upper end of tail over envelope")


def _certificate(claim: Claim) -> Evidence:
    """Compare float64 with an interval that is certain."""
    return all_true({"a certificate agrees": _certificate_agrees(claim)})


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


def _certificate_agrees(claim: Claim) -> bool:
    """Say whether float64 lies within rounding of an interval that is certain."""
    certain = certified_tail(
        RationalMode(alpha_per_s=Fraction(3), omega_rad_s=Fraction(9), sample_hz=Fraction(30)),
        taps=claim.certified_taps,
    )
    mode = Oscillator(alpha_per_s=3.0, omega_rad_s=9.0)
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / 30)
    found = relative_tail(law, taps=40)
    return certain.lower - ROUNDING <= found <= certain.upper + ROUNDING


TRUTH = Claim()

THEOREM = Theorem(
    id="T16",
    title="A cut kernel loses exactly its tail",
    statement=r"""
Over all inputs $|u|\leq1$ the error of the first $M$ taps is

$$\sup \|z - z_M\|_\infty = \sum_{m\geq M} |g[m]| ,$$

attained by the sign of the kernel. For poles of size at most $\varrho<1$, complex at angle
$\theta$ or not,

$$\sum_{m\geq M} |U_m| \leq \varrho^{M-1}\,\frac{M-(M-1)\varrho}{(1-\varrho)^2},$$

$$\sum_{m\geq M} |U_m| \leq \frac{\varrho^{M-1}}{(1-\varrho)\,|\sin\theta|} ,$$

with equality in the first at a double positive pole. The factor $m$ in $|U_m|\leq m\varrho^{m-1}$
cannot be dropped.
""",
    assumptions=("poles inside the unit disc", "at rest before the first sample"),
    clauses=(
        Clause(text="the sums of the envelope, $M$ a symbol", label="proved", check=_sums),
        Clause(
            text=r"$|U_m|\leq m\varrho^{m-1}$, and $\leq\varrho^{m-1}/|\sin\theta|$, for every $m$",
            label="proved",
            check=_envelopes,
        ),
        Clause(
            text="complex pairs lie below the first bound",
            label="certified",
            check=_interval,
            where=f"{RADII} x {ANGLES - 2 * FIRST + 1} boxes of $0.3\\leq\\varrho\\leq0.9$, "
            r"$0.31\leq\theta\leq\pi-0.31$; $M=2, 8, 30$",
        ),
        Clause(
            text="the sign of the kernel attains the norm",
            label="sampled",
            check=_attained,
            where="1 kernel, to 1e-12",
        ),
        Clause(
            text="the package's bounds and sums",
            label="sampled",
            check=_package,
            where="120 kernels, many nearly double; 16 sums",
        ),
        Clause(
            text="the package's tail lies in its interval",
            label="certified",
            check=_certificate,
            where="1 kernel at 40 taps",
        ),
    ),
    claim=TRUTH,
    mutants={
        "the root of the sum of squares": replace(TRUTH, norm=2),
        "a pair is half as far apart": replace(TRUTH, gap=sp.Rational(1, 2)),
        "the tail after one tap more": replace(TRUTH, certified_taps=41),
        "a purely geometric envelope": replace(TRUTH, envelope_power=0),
    },
    requires=("flint",),
    paper="The paper bounds the tail by a geometric series with a constant that it does not give; "
    "near critical damping no constant will do.",
)
