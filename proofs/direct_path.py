"""DP: the vessel has no direct path; the 1 beside a cut sum of modes stands for the modes cut."""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import least_squares

from pulsephase.physics.friction import Friction
from pulsephase.physics.line import Line, closed_end_transfer
from pulsephase.physics.vessel import PULSE_BAND_HZ
from pulsephase.proofs.exact import all_true, all_vanish
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

S, ALPHA, SPEED, PLACE, LENGTH, U = sp.symbols("s alpha c x_0 L u", positive=True)
HEART = Line(speed_m_s=6.0, length_m=0.4, friction=Friction(rate_per_s=3.0))
FACE = Line(speed_m_s=8.0, length_m=0.1, friction=Friction(rate_per_s=26.0))
POINTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A claim: when the pulse arrives, what is left at high frequency, what the 1 stands for."""

    arrival: Any = PLACE / SPEED
    front: Any = field(default=sp.exp(-ALPHA * PLACE / (2 * SPEED)))
    instant_share: Any = field(default=sp.Integer(0))
    """Gain of the exact law as the frequency grows without end."""
    first_step: Any = 1 - 4 / sp.pi
    """Value at time 0 of the step response of the 1 and one mode, at the end of the line."""
    weights: Any = field(default=sp.Integer(1))
    """Sum of all the weights at the end of the line: what the modes take from the 1."""
    errors: tuple[float, ...] = (0.0004, 0.041, 0.17)
    """Largest relative error of a fitted pair of poles: face to 4 Hz, heart to 3, to 4 Hz."""


def _arrival(claim: Path) -> Evidence:
    """Expand the exponent of the front at high frequency: delay, attenuation, nothing at once."""
    gamma = sp.sqrt(1 + ALPHA * U) / (U * SPEED)  # s = 1/u
    exponent = sp.series(-gamma * PLACE, U, 0, 1).removeO()
    stated = -claim.arrival / U + sp.log(claim.front)
    limit = sp.limit(sp.exp(-PLACE / (SPEED * U)), U, 0, "+")
    return all_vanish(
        {
            "delay and front": sp.expand(exponent - sp.expand_log(stated, force=True)),
            "nothing at once": limit - claim.instant_share,
        }
    )


def _weights(claim: Path) -> Evidence:
    """Sum the weights 4 (-1)^(n+1)/((2n-1) pi) of the modes, and the first alone."""
    n = sp.Symbol("n", integer=True, positive=True)
    weight = 4 * (-1) ** (n + 1) / ((2 * n - 1) * sp.pi)
    total = sp.summation((-1) ** n / (2 * n + 1), (n, 0, sp.oo)) * 4 / sp.pi
    return all_vanish(
        {
            "all modes cancel the 1": sp.simplify(total - claim.weights),
            "the first alone": 1 - weight.subs(n, 1) - claim.first_step,
        }
    )


def _fitted(claim: Path) -> Evidence:
    """Fit two poles and a gain, without a direct path, and compare the largest errors."""
    found = (fit_error(FACE, 4.0), fit_error(HEART, 3.0), fit_error(HEART, 4.0))
    facts = {
        f"{error:.3g} is at most {most:g} and at least half of it": most / 2 <= error <= most
        for error, most in zip(found, claim.errors, strict=True)
    }
    return all_true(facts)


@cache
def fit_error(line: Line, top_hz: float) -> float:
    """Return the largest relative error over the band of b/(s^2 + a s + w^2), fitted."""
    hertz = np.linspace(PULSE_BAND_HZ[0], top_hz, POINTS)
    s = 2j * np.pi * hertz
    exact = closed_end_transfer(line, s, position_m=line.length_m)
    natural = line.natural_rad_s(1)

    def error(numbers: Any) -> Any:
        gain, rate, omega = np.exp(numbers)
        return (gain * natural**2 / (s * s + rate * s + omega**2) - exact) / exact

    def parts(numbers: Any) -> Any:
        rest = error(numbers)
        return np.concatenate([rest.real, rest.imag])

    start = np.log([1.0, line.damping_per_s, natural])
    run = least_squares(parts, start, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    return float(np.abs(error(run.x)).max())


def numbers() -> dict[str, str]:
    """Return the errors of the fitted pairs, and the arrival."""
    rows = {
        "heart to face: nothing arrives before": f"{1e3 * HEART.length_m / HEART.speed_m_s:.0f} ms"
    }
    for name, line, top in (
        ("facial artery", FACE, 4.0),
        ("heart to face", HEART, 3.0),
        ("heart to face", HEART, 4.0),
    ):
        rows[f"{name}, 0.7 to {top:g} Hz: largest error of two fitted poles"] = (
            f"{100 * fit_error(line, top):.2g} %"
        )
    return rows


TRUTH = Path()

THEOREM = Theorem(
    id="DP",
    title="The vessel has no direct path: the 1 is a correction of the cut",
    statement=r"""
For $x_0>0$ the exact law of T8 has $H(s)\to0$ as $s\to\infty$ and

$$H(s)\,e^{s x_0/c} \to e^{-\alpha x_0/2c} :$$

nothing arrives before $x_0/c$. The 1 in T8's second series is cancelled by the modes,
$\sum_n 2\sin(k_nL)/(k_nL) = 1$; it is what is left of them when the sum is cut. With one mode the
step response at the end starts at $1-4/\pi = -27\,\%$, before anything has arrived.

So a skip connection is no part of the physics. Two poles with a *fitted* frequency and gain and no
direct path follow a facial artery over 0.7 to 4 Hz to better than 0.1 %; the path from heart to
face, whose first mode lies at 3.75 Hz, to about 4 % up to 3 Hz and about 17 % up to 4 Hz.
""",
    assumptions=("the closed end of T8", "for the fit: frequencies of 0.7 to 4 Hz only"),
    clauses=(
        Clause(text="delay, front and the limit at high frequency", label="proved", check=_arrival),
        Clause(
            text="all modes together cancel the 1; one alone leaves $1-4/\\pi$",
            label="proved",
            check=_weights,
        ),
        Clause(
            text="two fitted poles need no direct path",
            label="sampled",
            check=_fitted,
            where=f"3 bands, {POINTS} frequencies each",
        ),
    ),
    claim=TRUTH,
    mutants={
        "a share passes at once": replace(TRUTH, instant_share=sp.Integer(1)),
        "it arrives at half the time": replace(TRUTH, arrival=PLACE / (2 * SPEED)),
        "the front is not damped": replace(TRUTH, front=sp.Integer(1)),
        "one mode and the 1 start at rest": replace(TRUTH, first_step=sp.Integer(0)),
        "the modes leave half of the 1": replace(TRUTH, weights=sp.Rational(1, 2)),
        "the heart's path is two poles to 1 % up to 4 Hz": replace(
            TRUTH, errors=(0.0004, 0.041, 0.01)
        ),
        "a facial artery errs by a tenth without a direct path": replace(
            TRUTH, errors=(0.1, 0.041, 0.17)
        ),
    },
    numbers=numbers,
)
