"""T12: the kernel has a closed form with no case at critical damping, which is not at zeta = 1."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import lucas, lucas_closed_form
from pulsephase.physics.oscillator import Oscillator
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

T, D, X, Y, A, W, M = sp.symbols("T D x y a w m")
TERMS = 30
FEW = 12  # where a polynomial in two poles is expanded
OMEGA_H = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The binomial's upper index less m, the double pole's factor, and where the poles meet."""

    upper: int = -1
    double: Any = M
    critical: Any = W * (2 - W)
    power: int = 1


def _numbers() -> list[Any]:
    known = [sp.Integer(0), sp.Integer(1)]
    for _ in range(TERMS):
        known.append(sp.expand(T * known[-1] - D * known[-2]))
    return known


def _for_every_m(claim: Claim) -> Evidence:
    """Verify by induction in a symbol m: sum of z1^j z2^(m-1-j), and the double pole."""
    first, second, m = sp.symbols("z1 z2 m", positive=True)
    quotient = lambda k: (first**k - second**k) / (first - second)  # noqa: E731
    step = quotient(m + 1) - (first + second) * quotient(m) + first * second * quotient(m - 1)
    double = lambda k: claim.double.subs(M, k) * first ** (k - 1)  # noqa: E731
    twice = double(m + 1) - 2 * first * double(m) + first**2 * double(m - 1)
    return all_vanish(
        {
            "two poles, step": sp.expand(sp.expand(step * (first - second)), power_exp=True),
            "two poles, start": quotient(1) - 1,
            "double pole, step": sp.expand(twice / first**m, power_exp=True),
            "double pole, start": double(1) - 1,
            "double pole, second": double(2) - 2 * first,
        }
    )


def _thirty(claim: Claim) -> Evidence:
    """Expand the binomial form and the Chebyshev form exactly."""
    known = _numbers()
    identities = {}
    for m in range(1, TERMS + 1):
        identities[f"binomial {m}"] = known[m] - _binomial(claim, m)
    for m in range(1, FEW + 1):
        wave = Y ** (m - 1) * sp.chebyshevu(m - 1, X)
        identities[f"Chebyshev {m}"] = known[m].subs({T: 2 * X * Y, D: Y**2}) - wave
    return all_true({name: sp.expand(value) == 0 for name, value in identities.items()})


def _critical(claim: Claim) -> Evidence:
    """Put the claimed damping into the discriminant of the published scheme."""
    gap = (2 - A - W**2) ** 2 - 4 * (1 - A)
    return all_vanish({"the poles meet": sp.expand(gap.subs(A, claim.critical))})


def _passes_through(claim: Claim) -> Evidence:
    """Follow the package's closed form through the claimed double pole in float64."""
    return within(_closed_form_error(claim), 1e-11)


def _binomial(claim: Claim, m: int) -> Any:
    return sum(
        (-1) ** k * sp.binomial(m + claim.upper - k, k) * T ** (m - 1 - 2 * k) * D**k
        for k in range((m - 1) // 2 + 1)
    )


def _closed_form_error(claim: Claim) -> float:
    """Return the largest relative error of the closed form near and at a double pole."""
    worst = 0.0
    for nudge in (0.0, 1e-12, -1e-12, 1e-9, -1e-6, 1e-3, -0.5, 5.0):
        meet = float(sp.sympify(claim.critical).subs(W, OMEGA_H))
        alpha = meet * (1 + nudge) if nudge < 1 else 0.9
        mode = Oscillator(alpha_per_s=alpha, omega_rad_s=OMEGA_H)
        law = Discretisation(oscillator=mode, scheme="semi_implicit", step_s=1.0)
        plain = lucas(law.trace, law.det, count=120)
        closed = lucas_closed_form(law.trace, law.det, count=120) ** claim.power
        worst = max(worst, float(np.abs(closed - plain).max() / np.abs(plain).max()))
    return worst


def numbers() -> dict[str, str]:
    """Return the damping at which the published scheme's poles meet, and the naive error there."""
    trace, det = 1.6, 0.64
    root = np.sqrt(complex(trace * trace - 4 * det))
    first, second = (trace + root) / 2, (trace - root) / 2
    exact = 50 * 0.8**49
    rows = {}
    if first != second:
        naive = ((first**50 - second**50) / (first - second)).real
        size = np.floor(np.log10(abs(naive / exact - 1)))
        rows["error of the quadratic formula at the double pole 0.8, tap 50"] = f"1e{size:+.0f}"
    closed = lucas_closed_form(trace, det, count=51)[50]
    rows["the closed form there is within 1e-12"] = str(bool(abs(closed / exact - 1) < 1e-12))
    zeta = OMEGA_H * (2 - OMEGA_H) / (2 * OMEGA_H)
    rows["damping ratio at which the published scheme is critical, omega h = 0.3"] = f"{zeta:.3f}"
    return rows


TRUTH = Claim()

THEOREM = Theorem(
    id="T12",
    title="One closed form, through critical damping",
    statement=r"""
With discrete poles $z_1, z_2$, $T=z_1+z_2$, $D=z_1z_2$ and $\cos\theta = T/2\sqrt{D}$:

$$U_m = \sum_k (-1)^k \binom{m-1-k}{k} T^{m-1-2k} D^k = \sum_{j=0}^{m-1} z_1^j z_2^{m-1-j}
= D^{(m-1)/2}\,\frac{\sin m\theta}{\sin\theta} .$$

It is a polynomial: at a double pole it is $m\,z^{m-1}$, with no case and no 0/0. The published
scheme's poles meet at $a = w(2-w)$, that is at $\zeta = 1 - \omega h/2$ and not at $\zeta=1$.
""",
    assumptions=("none",),
    clauses=(
        Clause(
            text=r"$U_m=(z_1^m-z_2^m)/(z_1-z_2)$ and $m z^{m-1}$ at a double pole, for every $m$",
            label="proved",
            check=_for_every_m,
        ),
        Clause(
            text="the binomial and the Chebyshev form",
            label="sampled",
            check=_thirty,
            where=f"$m\\leq{TERMS}$ and $m\\leq{FEW}$, as polynomials, exactly",
        ),
        Clause(
            text=r"the published scheme's poles meet at $a=w(2-w)$", label="proved", check=_critical
        ),
        Clause(
            text="the package's closed form passes through",
            label="sampled",
            check=_passes_through,
            where="8 dampings at and beside the double pole, 120 taps, to 1e-11",
        ),
    ),
    claim=TRUTH,
    mutants={
        "critical at zeta = 1": replace(TRUTH, critical=2 * W),
        "a binomial of m - k": replace(TRUTH, upper=0),
        "the square of the closed form": replace(TRUTH, power=2),
        "a double pole without the factor m": replace(TRUTH, double=sp.Integer(1)),
    },
    paper="The kernel is written with two distinct poles; at equal ones that form is 0/0 and "
    "beside them it loses half of its digits.",
    numbers=numbers,
)
