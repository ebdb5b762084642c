"""T10: a vessel that ends in nothing that reflects is no oscillator. A negative result."""

import math
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp
from scipy.integrate import quad

from pulsephase.physics.friction import Friction
from pulsephase.physics.line import Line, closed_end_transfer
from pulsephase.physics.modal import matched_kernel, matched_transfer, wake_asymptote
from pulsephase.proofs.exact import all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

FRICTION, LENGTH, LEAK = 3.0, 0.4, 0.5
PLAIN = Line(speed_m_s=6.0, length_m=LENGTH, friction=Friction(rate_per_s=FRICTION))
LEAKY = Line(
    speed_m_s=6.0, length_m=LENGTH, friction=Friction(rate_per_s=FRICTION), leakage_per_s=LEAK
)
TOLERANCE = 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A claim: the wake goes like t^-power e^(-rate t), with or without poles."""

    power: float = 1.5
    rate_per_s: float = 0.0
    leaky_rate_per_s: float = LEAK
    poles: bool = False
    wake: bool = True
    size: float = 1.0
    """Of the tail, over the stated limit."""


def _transform(claim: Tail) -> Evidence:
    """Transform impulse and wake, of a plain and of a leaky line."""
    worst = max(_transform_error(line, claim) for line in (PLAIN, LEAKY))
    return within(worst, TOLERANCE)


def _no_poles(claim: Tail) -> Evidence:
    """Integrate H ds around where the closed line has its poles."""
    return within(_pole_error(claim), TOLERANCE)


def _tail(claim: Tail) -> Evidence:
    """Fit the fall of the wake, and its size."""
    worst = max(
        _tail_error(PLAIN, claim.power, claim.rate_per_s),
        _tail_error(LEAKY, 1.5, claim.leaky_rate_per_s),
        _asymptote_error(claim.size),
    )
    return within(worst, TOLERANCE)


def _laplace(claim: Tail) -> Evidence:
    """Verify the kernel's transform at x = 0 and the branch cut's two ends, exactly.

    The square of the exponent is s (s + alpha): its zeros, the ends of the cut, are those of H.
    The limit of the wake follows from I1(z) -> e^z / sqrt(2 pi z) with z = alpha t / 2.
    """
    t, alpha, arrival = sp.symbols("t alpha T", positive=True)
    z = alpha * t / 2
    late = alpha * arrival / 2 * sp.exp(-z) * sp.exp(z) / sp.sqrt(2 * sp.pi * z) / t
    limit = late * t ** sp.nsimplify(claim.power)
    stated = sp.nsimplify(claim.size) * arrival / 2 * sp.sqrt(alpha / sp.pi)
    return all_vanish({"limit of the wake": sp.simplify(limit - stated)})


def _transform_error(line: Line, claim: Tail) -> float:
    """Return the difference of impulse and wake, transformed, from exp(-gamma x)."""
    kernel = matched_kernel(line, np.array([1.0]), position_m=LENGTH)
    worst = 0.0
    for s in (0.5 + 0j, 2.0 + 0j, 1 + 5j):

        def wake(t: float, s: complex = s) -> complex:
            value = matched_kernel(line, np.array([t]), position_m=LENGTH).wake_per_s[0]
            return complex(value * np.exp(-s * t))

        total = kernel.impulse * np.exp(-s * kernel.arrival_s)
        if claim.wake:
            total += quad(wake, kernel.arrival_s, 60, limit=200, complex_func=True)[0]
        exact = matched_transfer(line, np.array([s]), position_m=LENGTH)[0]
        worst = max(worst, float(abs(total - exact) / abs(exact)))
    return worst


def _pole_error(claim: Tail) -> float:
    """Return, around each pole of the closed line, the mean of H ds against the claimed one."""
    circle = 0.5 * np.exp(2j * np.pi * np.arange(64) / 64)
    worst = 0.0
    for mode in (1, 2, 3):
        natural = PLAIN.natural_rad_s(mode)
        centre = complex(-FRICTION / 2, math.sqrt(natural**2 - FRICTION**2 / 4))
        ring = centre + circle
        closed = (closed_end_transfer(PLAIN, ring, position_m=LENGTH) * circle).mean()
        s = ring
        gamma = np.sqrt(s) * np.sqrt(s + FRICTION) / PLAIN.speed_m_s  # cut on [-alpha, 0] only
        matched = (np.exp(-gamma * LENGTH) * circle).mean()
        expected = closed if claim.poles else 0.0
        worst = max(worst, float(abs(matched - expected) / abs(closed)))
    return worst


def _tail_error(line: Line, power: float, rate_per_s: float) -> float:
    """Return how far the fall of the wake over a late doubling of time is from the claim's."""
    early = 2000.0 if line.leakage_per_s == 0 else 400.0
    wake = matched_kernel(line, np.array([early, 2 * early]), position_m=LENGTH).wake_per_s
    fall = math.log(wake[0] / wake[1])
    return abs(fall - power * math.log(2) - rate_per_s * early) / fall


def _asymptote_error(size: float) -> float:
    time = 2000.0
    wake = matched_kernel(PLAIN, np.array([time]), position_m=LENGTH).wake_per_s[0]
    limit = size * wake_asymptote(PLAIN, position_m=LENGTH)
    return float(abs(wake * time**1.5 - limit) / limit)


def numbers() -> dict[str, str]:
    """Return impulse and wake of the heart-to-face line with a matched end."""
    kernel = matched_kernel(PLAIN, np.array([1.0]), position_m=LENGTH)
    mass = 1 - kernel.impulse
    limit = wake_asymptote(PLAIN, position_m=LENGTH)
    return {
        "heart to face, matched: arrival": f"{1e3 * kernel.arrival_s:.0f} ms",
        "share of the response in the impulse and in the wake": (
            f"{kernel.impulse:.3f}, {mass:.3f}"
        ),
        "limit of $t^{3/2}$ times the wake": f"{limit:.4f} s^(1/2)",
    }


TRUTH = Tail()

THEOREM = Theorem(
    id="T10",
    title="A matched end has no oscillator",
    statement=r"""
If nothing reflects, $H = e^{-\gamma x_0}$ with $\gamma = \sqrt{s(s+\alpha)}/c$ and $T = x_0/c$: a
branch cut on $[-\alpha,0]$, **no poles**, and the kernel

$$g(t) = e^{-\alpha T/2}\,\delta(t-T) + \frac{\alpha T}{2}\,e^{-\alpha t/2}\,
\frac{I_1\left(\frac{\alpha}{2}\sqrt{t^2-T^2}\right)}{\sqrt{t^2-T^2}} \quad (t>T),$$

$$t^{3/2} g(t) \to \frac{T}{2}\sqrt{\frac{\alpha}{\pi}} .$$

The kernel is causal and integrable, so a finite convolution still approximates it: **the
convolution needs no oscillator**. But the tail beyond $M$ samples falls like $M^{-1/2}$, not
geometrically. A leakage $\beta$ restores an exponential, $e^{-\min(\alpha,\beta)t}$.
""",
    assumptions=("a uniform line whose end reflects nothing", "no leakage (or as stated)"),
    clauses=(
        Clause(
            text=r"$t^{3/2}g(t)\to\frac{T}{2}\sqrt{\alpha/\pi}$, from the large-argument form of "
            "$I_1$",
            label="proved",
            check=_laplace,
        ),
        Clause(
            text="impulse and wake transform to $e^{-\\gamma x_0}$",
            label="sampled",
            check=_transform,
            where="3 frequencies, with and without leak, to 0.2 %",
        ),
        Clause(
            text="no poles where the closed line has its first three",
            label="sampled",
            check=_no_poles,
            where="3 circles of 64 points, to 0.2 %",
        ),
        Clause(
            text="the tail falls as stated, with and without leak",
            label="sampled",
            check=_tail,
            where="doublings at 400 and 2000 s, to 0.2 %",
        ),
    ),
    claim=TRUTH,
    mutants={
        "a geometric tail": replace(TRUTH, power=0.0, rate_per_s=FRICTION / 2),
        "a tail like t^-1/2": replace(TRUTH, power=0.5),
        "a tail twice as large": replace(TRUTH, size=2.0),
        "the modes of a closed end": replace(TRUTH, poles=True),
        "the impulse alone": replace(TRUTH, wake=False),
        "leakage does not help": replace(TRUTH, leaky_rate_per_s=0.0),
    },
    paper="In the chain the causal convolution follows from the oscillator, with a tail that falls "
    "geometrically. A passive line gives the convolution by itself, and this one has neither "
    "oscillator nor geometric tail.",
    references=("W. Magnus, F. Oberhettinger, Formulas and Theorems (1954), for the transform.",),
    numbers=numbers,
)
