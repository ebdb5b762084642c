"""T8: a line with a closed end is exactly a sum of oscillators."""

from dataclasses import dataclass, field, replace
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from pulsephase.physics.friction import Friction
from pulsephase.physics.line import Line, closed_end_transfer
from pulsephase.physics.modal import (
    modal_error_bound,
    modal_transfer,
    modal_transfer_without_direct_path,
    mode_weights,
)
from pulsephase.proofs.exact import all_true, all_vanish, highest, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

X, LENGTH, PLACE = sp.symbols("x L x_0", positive=True)
GAMMA = sp.Symbol("gamma")
HEART = Line(speed_m_s=6.0, length_m=0.4, friction=Friction(rate_per_s=3.0))
FACE = Line(speed_m_s=8.0, length_m=0.1, friction=Friction(rate_per_s=26.0))
CELLS = 80
HALF = sp.Rational(1, 2)
ORDER = 6  # of the Taylor forms
BAND_HZ = (0.7, 4.0)
STEPS = 300  # intervals of the band, geometric; each is one ball


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """A claim: where the wavenumbers lie, whether the 1 stands beside them, the bound."""

    offset: sp.Rational = HALF
    static: bool = True
    """The series with the static response taken out; otherwise the plain series."""
    bound_power: int = 2
    """The error after N modes is at most of order N to the minus this."""
    bound_scale: float = 1.0
    residue_scale: sp.Rational = field(default=sp.Integer(1))


def _eigenfunctions(claim: Modes) -> Evidence:
    """Verify shape, norm and projection of every mode."""
    n = sp.Symbol("n", integer=True, positive=True)
    k = (n - claim.offset) * sp.pi / LENGTH
    shape = sp.sin(k * X)
    projection = 2 / LENGTH * sp.integrate(shape, (X, 0, LENGTH)) - 2 / (k * LENGTH)
    return all_vanish(
        {
            "nothing flows through the end": sp.cos(k * LENGTH),
            "norm": sp.integrate(shape**2, (X, 0, LENGTH)) - LENGTH / 2,
            "projection of the inlet": projection,
        }
    )


def _residues(claim: Modes) -> Evidence:
    """Take the residue in gamma^2 at the n-th zero of the denominator, n a symbol."""
    n = sp.Symbol("n", integer=True, positive=True)
    at = (n - claim.offset) * sp.pi / LENGTH
    slope = sp.diff(sp.cosh(GAMMA * LENGTH), GAMMA)
    residue = 2 * GAMMA * sp.cosh(GAMMA * (LENGTH - PLACE)) / slope
    expected = claim.residue_scale * 2 * at / LENGTH * sp.sin(at * PLACE)
    found = sp.expand_trig(sp.expand((residue.subs(GAMMA, sp.I * at)).rewrite(sp.cos)))
    return all_vanish({"residue": sp.simplify(sp.expand_trig(found - sp.expand_trig(expected)))})


def _chain(claim: Modes) -> Evidence:
    """Verify the three steps that make the bound.

    A convex summand is at most its mean over the unit interval around it; the integral of x^-3
    from N is 1/(2 N^2); and beyond the N-th mode |q|/|q + w^2| is at most S/w^2/(1 - S/w_(N+1)^2).
    """
    x, count, size, square, first = sp.symbols("x N S w2 w1", positive=True)
    integral = sp.integrate(x**-3, (x, count, sp.oo), conds="none")
    step = size / (square - size) - size / square / (1 - size / first)
    slack = size**2 * (square - first) / (square * (square - size) * (first - size))
    return all_vanish(
        {
            "tail of the weights": integral - claim.bound_scale / (2 * count**claim.bound_power),
            "beyond the last mode": step + slack,
        },
        convex=bool(sp.diff(x**-3, x, 2).is_positive),
    )


def _certified(claim: Modes) -> Evidence:
    """Enclose the error over the bound in balls that cover the band."""
    worst = max(
        _largest_ratio(claim, line, share, count)
        for line in (FACE, HEART)
        for share, count in ((1.0, 1), (1.0, 2), (0.3, 1))
    )
    return within(worst, 1.0, "largest upper end of error over bound")


def _largest_ratio(claim: Modes, line: Line, share: float, count: int) -> float:
    """Return the largest upper end of error over bound on the band, at one place.

    A plain ball loses the small error in the width of H. A Taylor form does not: its
    coefficients at the middle, but the last over the whole ball.
    """
    from flint import arb

    low, high = BAND_HZ
    ratio = (high / low) ** (1 / STEPS)
    worst = 0.0
    for step in range(STEPS):
        middle = arb(low * ratio ** (step + 0.5))
        half = middle * (ratio - 1) / 2 * arb("1.0001")
        ball = middle + half * arb(0, 1)
        inner = _error(claim, line, share, count, middle)[:-1]
        last = _error(claim, line, share, count, ball)[-1]
        error = abs(last) * half ** (ORDER - 1)
        for power, part in enumerate(inner):
            error = error + abs(part) * half**power
        worst = max(worst, highest(error / _bound(claim, line, count, ball)))
    return worst


def _error(claim: Modes, line: Line, share: float, count: int, hertz: Any) -> Any:
    """Return the Taylor coefficients of what the cut series misses, in hertz."""
    from flint import acb, acb_series, arb

    alpha, speed, length = map(arb, (line.damping_per_s, line.speed_m_s, line.length_m))
    turn = acb(0, 2 * arb.pi())
    s = acb_series([turn * hertz, turn], prec=ORDER)
    q = s * (s + alpha)
    gamma = q.sqrt() * (length / speed)
    back = gamma * (1 - arb(share))
    exact = (back.exp() + (-back).exp()) / (gamma.exp() + (-gamma).exp())
    total = acb_series([1 if claim.static else 0], prec=ORDER)
    for n in range(1, count + 1):
        turns = (n - arb(claim.offset.p) / claim.offset.q) * arb.pi()
        square = (speed * turns / length) ** 2
        part = -q if claim.static else acb_series([square], prec=ORDER)
        total = total + part / (q + square) * (2 / turns * (turns * share).sin())
    rest = exact - total
    return tuple(rest[k] for k in range(ORDER))


def _bound(claim: Modes, line: Line, count: int, hertz: Any) -> Any:
    from flint import acb, arb

    speed, length = arb(line.speed_m_s), arb(line.length_m)
    s = acb(0, 2 * arb.pi() * hertz)
    size = abs(s * (s + arb(line.damping_per_s)))
    after = (speed * (count + arb(1) / 2) * arb.pi() / length) ** 2
    bound = 2 / length * size / speed**2 * (length / arb.pi()) ** 3
    return bound * claim.bound_scale / (2 * arb(count) ** claim.bound_power) / (1 - size / after)


def _package(claim: Modes) -> Evidence:
    """Compare the package's error with its bound, and with the claimed series."""
    facts = {"the package is within its bound": _package_ratio() <= 1}
    s = np.array([2j * np.pi * 4.0])
    found = modal_transfer(HEART, s, position_m=HEART.length_m, modes=3)[0]
    with mp.workdps(30):
        stated = complex(_series(claim, HEART, mp.mpc(0, 8 * mp.pi), mp.mpf(1), 3))
    facts["the package sums the series"] = abs(found - stated) < 1e-12
    return all_true(facts)


def _grid(claim: Modes) -> Evidence:
    return within(_grid_error(claim), 5e-3, "difference from a grid, over the swing")


def _stiffness(line: Line, s: Any) -> Any:
    return s * (s + line.damping_per_s)


def _series(claim: Modes, line: Line, s: Any, place: Any, count: int) -> Any:
    q = _stiffness(line, s)
    total = mp.mpf(1 if claim.static else 0)
    for n in range(1, count + 1):
        turns = (n - mp.mpf(claim.offset.p) / claim.offset.q) * mp.pi  # k L
        square = (line.speed_m_s * turns / mp.mpf(line.length_m)) ** 2
        part = -q if claim.static else square
        total += 2 / turns * mp.sin(turns * place) * part / (q + square)
    return total


def _package_ratio() -> float:
    s = 2j * np.pi * np.array([0.7, 1.2, 2.0, 4.0])
    worst = 0.0
    for line in (FACE, HEART):
        for share in (0.1, 0.5, 1.0):
            x = share * line.length_m
            exact = closed_end_transfer(line, s, position_m=x)
            error = np.abs(exact - modal_transfer(line, s, position_m=x, modes=3))
            worst = max(worst, float((error / modal_error_bound(line, s, modes=3)).max()))
    return worst


def _grid_error(claim: Modes) -> float:
    """Return how far three modes are from a brute-force grid of the line, over its swing."""
    times = np.linspace(0, 1.0, 41)
    omega = 2 * np.pi * 1.2
    width = HEART.length_m / CELLS
    square, drag = HEART.speed_m_s**2, HEART.damping_per_s

    def grid(t: float, y: Any) -> Any:
        pressure = np.concatenate([[np.sin(omega * t) ** 4], y[:CELLS]])
        flow = np.append(y[CELLS:], 0.0)
        gain = np.full(CELLS, square / width)
        gain[-1] *= 2  # half a cell at the closed end
        return np.concatenate(
            [-gain * np.diff(flow), -np.diff(pressure) / width - drag * y[CELLS:]]
        )

    turns = (np.arange(1, 4) - float(claim.offset)) * np.pi
    stiffness = square * (turns / HEART.length_m) ** 2

    def modes(t: float, y: Any) -> Any:
        sine, cosine = np.sin(omega * t), np.cos(omega * t)
        first = 4 * omega * sine**3 * cosine
        second = 4 * omega**2 * (3 * sine**2 * cosine**2 - sine**4)
        push = -(second + drag * first) if claim.static else stiffness * sine**4
        return np.concatenate([y[3:], push - drag * y[3:] - stiffness * y[:3]])

    full = solve_ivp(grid, (0, 1), np.zeros(2 * CELLS), rtol=1e-7, atol=1e-9, t_eval=times)
    some = solve_ivp(modes, (0, 1), np.zeros(6), rtol=1e-8, atol=1e-10, t_eval=times)
    direct = np.sin(omega * times) ** 4 if claim.static else np.zeros_like(times)
    found = direct + (2 / turns * np.sin(turns)) @ some.y[:3]
    end = full.y[CELLS - 1]
    return float(np.abs(found - end).max() / np.ptp(end))


def numbers() -> dict[str, str]:
    """Return what one and two modes miss, with and without the direct path."""
    rows = {}
    s = np.array([8j * np.pi])
    exact = closed_end_transfer(FACE, s, position_m=FACE.length_m)
    one = modal_transfer(FACE, s, position_m=FACE.length_m, modes=1)
    bare = modal_transfer_without_direct_path(FACE, s, position_m=FACE.length_m, modes=1)
    rows["facial artery at 4 Hz: error of one mode and the 1, its bound"] = (
        f"{abs(exact - one)[0]:.1e}, {modal_error_bound(FACE, s, modes=1)[0]:.1e}"
    )
    rows["facial artery at 4 Hz: error of one mode alone"] = f"{abs(exact - bare)[0]:.2f}"
    for hertz, count in ((1.2, 1), (4.0, 1), (8.0, 1), (8.0, 2)):
        s = np.array([2j * np.pi * hertz])
        exact = closed_end_transfer(HEART, s, position_m=HEART.length_m)
        some = modal_transfer(HEART, s, position_m=HEART.length_m, modes=count)
        error = 100 * float((np.abs(exact - some) / np.abs(exact))[0])
        name = f"heart to face at {hertz:g} Hz: relative error of {count} mode(s) and the 1"
        rows[name] = f"{error:.1f} %"
    first = mode_weights(HEART, 2, position_m=HEART.length_m)
    rows["heart to face: weight of the second mode over the first"] = f"{first[1] / first[0]:.0f}"
    return rows


TRUTH = Modes()

THEOREM = Theorem(
    id="T8",
    title="A closed end gives oscillators; a cut sum of them needs the static response put back",
    statement=r"""
With $p(0,t)=p_{\mathrm{in}}$ given, $p_x(L,t)=0$ and $\gamma^2 = s(s+\alpha)/c^2$,
$k_n = (n-\frac{1}{2})\pi/L$, $\omega_n = ck_n$:

$$H(s) = \frac{\cosh\gamma(L-x_0)}{\cosh\gamma L}
= \sum_{n\geq1} \frac{2c^2k_n}{L}\,\frac{\sin k_nx_0}{s^2+\alpha s+\omega_n^2}$$

or, with the static response taken out,

$$H(s) = 1 - \sum_{n\geq1} \frac{2\sin k_nx_0}{k_nL}\,
\frac{s(s+\alpha)}{s^2+\alpha s+\omega_n^2} .$$

Each mode **is** the oscillator, with $\omega$ fixed by length and speed, and the inlet as its
forcing. Both series are exact. Cut after $N$ modes, the last form errs by at most, with
$S=|s(s+\alpha)|<\omega_{N+1}^2$,

$$\frac{2}{L}\,\frac{S}{c^2}\left(\frac{L}{\pi}\right)^3\frac{1}{2N^2}\,
\frac{1}{1-S/\omega_{N+1}^2} .$$

The 1 stands for the static response of the modes that were cut; the vessel has no such path (DP).
With $N=1$ kept from the *plain* series the static gain is $4/\pi$, and the error is large.
""",
    assumptions=(
        "a uniform line whose inlet pressure is given",
        "the far end lets no flow through",
        "for the bound: frequencies below the first mode left out",
    ),
    clauses=(
        Clause(
            text=r"the modes are $\sin k_nx$, and the inlet's share of each is $2/(k_nL)$",
            label="proved",
            check=_eigenfunctions,
        ),
        Clause(text=r"the residue at every pole, $n$ a symbol", label="proved", check=_residues),
        Clause(text="the three steps of the bound", label="proved", check=_chain),
        Clause(
            text="the error of one and of two modes is within the bound",
            label="certified",
            check=_certified,
            where=f"0.7 to 4 Hz in {STEPS} balls, two lines, $x_0 = L, 0.3L$",
        ),
        Clause(
            text="the package sums the series and bounds it",
            label="sampled",
            check=_package,
            where="25 points",
        ),
        Clause(
            text="three modes are a grid in time",
            label="sampled",
            check=_grid,
            where="1 s of one line, to 0.5 % of the swing",
        ),
    ),
    claim=TRUTH,
    mutants={
        "wavenumbers of an open end": replace(TRUTH, offset=sp.Integer(0)),
        "the plain series, cut": replace(TRUTH, static=False),
        "a bound a hundred times smaller": replace(TRUTH, bound_scale=0.01),
        "half the residue": replace(TRUTH, residue_scale=HALF),
        "an error that falls like the fourth power": replace(TRUTH, bound_power=4),
    },
    requires=("flint",),
    paper="One oscillator is taken for the vessel, without an error. Its frequency and its gain "
    "must then be fitted to a band (DP), or the static response of the other modes put back.",
    references=("P. M. Morse, H. Feshbach, Methods of Theoretical Physics (1953), ch. 11.",),
    numbers=numbers,
)
