"""ID: what a wave can and cannot say about the oscillator when the forcing is not seen."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.beats import beat_shape
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

TIME = sp.Symbol("t", real=True)
ALPHA, OMEGA, OTHER_A, OTHER_W = sp.symbols("alpha omega alpha_2 omega_2", positive=True)
Y = sp.Function("y")(TIME)
HARMONICS = (1, 2, 3)
RATE = sp.Rational(15, 2)  # of the heart, in rad/s: 1.19 Hz


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A claim: which forcing explains another oscillator, and how many numbers stay hidden."""

    velocity: int = 1
    """Share of the difference of frictions in the other forcing."""
    hidden: int = 2
    """Numbers of the oscillator that free harmonics hide."""
    with_shape: int = 4
    """Rank for alpha, omega^2, gain and delay when the shape of the beat is known."""
    harmonics_needed: int = 2
    spread: tuple[float, float] = (0.0016, 0.0055)
    """Least relative spread of frequency and of damping: impulses, 20 dB, 60 s; to a third."""
    blow_up: float = 2.0
    """By how much an unknown duration widens the spread of the frequency, at least."""


def _confounded(claim: Known) -> Evidence:
    """Give any other oscillator the forcing that explains the same wave."""
    drive = sp.diff(Y, TIME, 2) + ALPHA * sp.diff(Y, TIME) + OMEGA**2 * Y
    other = (
        drive + claim.velocity * (OTHER_A - ALPHA) * sp.diff(Y, TIME) + (OTHER_W**2 - OMEGA**2) * Y
    )
    explained = sp.diff(Y, TIME, 2) + OTHER_A * sp.diff(Y, TIME) + OTHER_W**2 * Y
    return all_vanish({"the other oscillator": sp.expand(explained - other)})


def _jacobian(*, shape_known: bool, harmonics: tuple[int, ...]) -> Any:
    """Return the slopes of the harmonics' real and imaginary parts, in rational numbers.

    The wave's harmonics are c_k = u_k/(omega^2 - (k W)^2 + i alpha k W). Unknown are alpha, omega^2
    and either all u_k, or one gain and one delay of a known shape.
    """
    alpha, square = sp.Integer(5), sp.Integer(40)
    rows = []
    for k in harmonics:
        rate = k * RATE
        below = square - rate**2 + sp.I * alpha * rate
        drive = sp.Rational(1, k) + sp.I * sp.Rational(k, 7)
        value = drive / below
        slopes = [-sp.I * rate * value / below, -value / below]
        if shape_known:
            slopes += [value, -sp.I * rate * value]
        else:
            for j in harmonics:
                slopes += [int(j == k) / below, int(j == k) * sp.I / below]
        rows.append([sp.re(sp.expand_complex(slope)) for slope in slopes])
        rows.append([sp.im(sp.expand_complex(slope)) for slope in slopes])
    return sp.Matrix(rows)


def _rank(matrix: Any) -> int:
    from flint import fmpq, fmpq_mat

    exact = [[fmpq(int(v.p), int(v.q)) for v in matrix.row(i)] for i in range(matrix.rows)]
    return int(fmpq_mat(exact).rank())


def _harmonics(claim: Known) -> Evidence:
    """Take the rank of the slopes with free harmonics: the unknowns less the rank stay hidden."""
    matrix = _jacobian(shape_known=False, harmonics=HARMONICS)
    u, below = sp.symbols("u b")
    value = u / below
    log_slope = sp.diff(value, below) - (-u / below) * sp.diff(value, u)
    return all_vanish(
        {"a slope in the oscillator is one in the forcing": log_slope},
        hidden=matrix.cols - _rank(matrix) == claim.hidden,
    )


def _shape(claim: Known) -> Evidence:
    """Take the rank when the shape is known up to gain and delay, by number of harmonics."""
    ranks = [_rank(_jacobian(shape_known=True, harmonics=HARMONICS[:n])) for n in (1, 2, 3)]
    needed = next((n for n, rank in enumerate(ranks, 1) if rank == 4), 0)
    return all_true(
        {
            f"ranks {ranks}": ranks[-1] == claim.with_shape,
            f"harmonics {needed}": needed == claim.harmonics_needed,
        }
    )


@cache
def bound(forcing: str) -> tuple[float, float]:
    """Return the Cramer-Rao bounds of frequency and damping, relative, heights and times unknown.

    A wave of 60 s at 30 frames per second, 70 beats, an oscillator of 1.6 Hz and damping 0.3, white
    noise 20 dB down; a half sine of 0.25 s has its duration unknown as well.
    """
    rng = np.random.default_rng(3)
    times = np.arange(1800) / 30
    beats = np.cumsum(rng.normal(0.85, 0.04, 70))
    omega, damping, width = 2 * np.pi * 1.6, 0.3, 1e-5
    point = np.array([np.log(2 * damping * omega), np.log(omega), 0.25])
    free = 2 if forcing == "impulse" else 3

    def shape(theta: np.ndarray, later: float = 0.0) -> np.ndarray:
        return beat_shape(
            forcing,  # type: ignore[arg-type]
            times[:, None] - beats + later,
            alpha_per_s=float(np.exp(theta[0])),
            omega_rad_s=float(np.exp(theta[1])),
            extra=() if forcing == "impulse" else (float(theta[2]),),
        )

    columns = [
        ((shape(point + width * unit) - shape(point - width * unit)) / (2 * width)).sum(axis=1)
        for unit in np.eye(3)[:free]
    ]
    moved = (shape(point, width) - shape(point, -width)) / (2 * width)
    level = np.ones((len(times), 1))
    jacobian = np.concatenate([np.stack(columns, 1), moved, shape(point), level], axis=1)
    noise = 0.1 * shape(point).sum(axis=1).std()
    covariance = noise**2 * np.linalg.pinv(jacobian.T @ jacobian, hermitian=True)[:2, :2]
    turn = np.array([1.0, -1.0])
    return float(np.sqrt(covariance[1, 1])), float(np.sqrt(turn @ covariance @ turn))


def _bounds(claim: Known) -> Evidence:
    """Compare the bounds with impulses and with half sines of unknown duration."""
    impulse, half = bound("impulse"), bound("half_sine")
    facts = {
        f"{name}: {value:.5f}": abs(value / stated - 1) < 1 / 3
        for name, value, stated in zip(("hertz", "damping"), impulse, claim.spread, strict=True)
    }
    ratio = half[0] / impulse[0]
    facts[f"half sine {ratio:.1f} times wider"] = ratio >= claim.blow_up
    return all_true(facts)


def _reading(claim: Known) -> Evidence:
    """Fit the same harmonics with two oscillators: both leave nothing."""
    rates = np.array([float(RATE) * k for k in HARMONICS])
    drive = np.array([1.0, 0.6 - 0.2j, 0.3 + 0.1j])
    seen = drive / (40.0 - rates**2 + 5j * rates)
    worst = 0.0
    for alpha, square in ((5.0, 40.0), (0.8, 355.0), (60.0, 90.0)):
        below = square - rates**2 + 1j * claim.velocity * alpha * rates
        other = seen * (square - rates**2 + 1j * alpha * rates)
        worst = max(worst, float(np.abs(other / below - seen).max() / np.abs(seen).max()))
    return within(worst, 1e-12)


def numbers() -> dict[str, str]:
    """Return the bounds."""
    rows = {}
    for forcing, name in (("impulse", "impulses"), ("half_sine", "half sines, duration unknown")):
        hertz, damping = bound(forcing)
        rows[f"1.6 Hz, damping 0.3, 60 s at 20 dB, {name}: least spread of both"] = (
            f"{100 * hertz:.2g} %, {100 * damping:.2g} %"
        )
    return rows


TRUTH = Known()

THEOREM = Theorem(
    id="ID",
    title="From the wave alone the oscillator cannot be known; from the shape of the beat it can",
    statement=r"""
Let $y$ be a wave and the forcing $u$ unseen.

**Nothing without the forcing.** For every other $(\alpha_2,\omega_2)$ the forcing
$u_2 = u + (\alpha_2-\alpha)\dot y + (\omega_2^2-\omega^2)y$ explains the same wave exactly. If the
heart
beats evenly the wave is its harmonics, $c_k = u_kH(ik\Omega)$: with free $u_k$ each slope of $c_k$
in the
oscillator is a multiple of its slope in $u_k$, the Fisher information is singular, and **two
numbers stay
hidden: both of the oscillator's**. No method, no length of recording and no network changes that.

**All of it with the shape of the beat.** If the forcing is known up to gain and delay, two
harmonics
determine $\alpha$ and $\omega$. Between short beats the wave moves freely and shows the poles;
heights and
times of the beats may then be unknown. What that costs is the Cramer-Rao bound in the table; an
unknown
duration of the ejection multiplies it.

So whoever reads an oscillator off a face assumes a forcing. T22's reading assumes a white one, and
is
wrong where ejections drive. `pulsephase fit` tries several, and refuses where they explain the
wave as
well and disagree.
""",
    assumptions=(
        "one linear oscillator, constant through the record",
        "white noise, for the bound",
    ),
    clauses=(
        Clause(
            text="another oscillator explains the same wave, with another forcing",
            label="proved",
            check=_confounded,
        ),
        Clause(
            text="free harmonics hide two numbers",
            label="proved",
            check=_harmonics,
            where="the slope for all values; the rank at one rational point, 3 harmonics",
        ),
        Clause(
            text="with a known shape two harmonics are enough",
            label="proved",
            check=_shape,
            where="one rational point, exact rank",
        ),
        Clause(
            text="three oscillators leave nothing of the same harmonics",
            label="sampled",
            check=_reading,
            where="3 oscillators, to 1e-12",
        ),
        Clause(
            text="the Cramer-Rao bounds, and what an unknown duration costs",
            label="sampled",
            check=_bounds,
            where="1 oscillator, 70 beats",
        ),
    ),
    claim=TRUTH,
    mutants={
        "the other forcing needs no velocity": replace(TRUTH, velocity=0),
        "the harmonics determine the oscillator": replace(TRUTH, hidden=0),
        "only the damping is hidden": replace(TRUTH, hidden=1),
        "a known shape leaves one number hidden": replace(TRUTH, with_shape=3),
        "one harmonic is enough": replace(TRUTH, harmonics_needed=1),
        "an unknown duration costs a thousandfold": replace(TRUTH, blow_up=1e3),
        "the damping to one in ten thousand": replace(TRUTH, spread=(0.0016, 1e-4)),
    },
    requires=("flint",),
    paper="That a learned kernel shows an oscillator is offered as a reading of the vessel. "
    "Without the "
    "forcing no reading of the vessel exists.",
    numbers=numbers,
    references=("S. M. Kay, Fundamentals of Statistical Signal Processing I (1993), ch. 3.",),
)
