"""KF: the estimator of the pulse is a rational filter, and a dilated network of width two."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
import torch
from scipy.linalg import toeplitz

from pulsephase.models.constructive import load_gated
from pulsephase.models.tcn import GatedTCN
from pulsephase.physics.doubling import truncation_remainder
from pulsephase.physics.estimator import (
    certified_filter_tail,
    estimator_stack,
    excess_error,
    innovations_filter,
    taps_for_error,
)
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.stack import Stack
from pulsephase.physics.whitening import SteadyKalman, noisy_oscillator, steady_kalman
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

FPS, HZ = 30.0, 1.2
SAMPLES = 6000
SCALE = {torch.float64: 1e-4, torch.float32: 1e-2}
CASES = ((0.1, 0.0, 6), (0.5, 0.0, 5), (0.3, -10.0, 7))
ROUNDING = 1e-11


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A claim: form of the filter, its lengths, what a cut costs, and the network."""

    numerator_degree: int = 1
    share: Any = field(default=sp.Integer(1))
    """r/S over det F/det A."""
    taps: dict[tuple[Fraction, int], int] = field(
        default_factory=lambda: {
            (Fraction(1, 50), 20): 12,
            (Fraction(1, 50), 0): 66,
            (Fraction(1, 10), 0): 33,
            (Fraction(1, 10), -20): 154,
            (Fraction(1, 2), 0): 15,
            (Fraction(1, 2), -20): 34,
        }
    )
    """Least taps with 1 % of the l1 norm beyond, by damping and signal to noise in dB."""
    excess: float = 1.0
    """Cost of a cut over the stated one."""
    remainder: int = 0
    """Offset of the power of F in what the network misses."""
    fewer_layers: int = 0
    worse: float = 0.01
    """Most that the network's error exceeds the filter's by, as a share."""


def kalman_of(damping: float, snr_db: float) -> SteadyKalman:
    """Return the steady filter of an oscillator of 1.2 Hz at 30 frames per second."""
    mode = Oscillator.from_natural_hz(HZ, damping=damping)
    return steady_kalman(noisy_oscillator(mode, sample_hz=FPS, snr_db=snr_db))


def _rational(claim: Closing) -> Evidence:
    """Reduce the filter of a generic system and gain to its innovations form."""
    q = sp.Symbol("q")
    state = sp.Matrix(2, 2, sp.symbols("a b c d"))
    gain = sp.Matrix(sp.symbols("k1 k2"))
    see = sp.Matrix([[1, 0]])
    closed = (sp.eye(2) - gain * see) * state
    found = (see * (sp.eye(2) - closed * q).inv() * gain)[0]
    open_loop, bottom = (sp.eye(2) - state * q).det(), (sp.eye(2) - closed * q).det()
    share = claim.share * (1 - gain[0])
    stated = (bottom - share * open_loop) / bottom
    top = sp.Poly(sp.expand(bottom - share * open_loop), q)
    return all_vanish(
        {
            "innovations form": found - stated,
            "r/S": closed.det() - share * state.det(),
        },
        degree=top.degree() == claim.numerator_degree,
    )


def _kernels(claim: Closing) -> Evidence:
    """Compare the package's rational filter with the Kalman filter's kernel."""
    worst = 0.0
    for damping, snr_db, _ in CASES:
        kalman = kalman_of(damping, snr_db)
        plain = innovations_filter(kalman)
        newest = 1 - float(claim.share) * (1 - plain.newest)
        found = replace(plain, newest=newest).kernel(200)
        worst = max(worst, float(np.abs(found - kalman.filter_system.kernel(200)).max()))
    return within(worst, ROUNDING)


def _lengths(claim: Closing) -> Evidence:
    """Certify that each length suffices for 1 %, and that one tap fewer does not."""
    facts = {}
    for (damping, snr_db), taps in claim.taps.items():
        for count in (taps, taps - 1):
            tail = certified_filter_tail(
                natural_hz=Fraction(6, 5),
                damping=damping,
                sample_hz=Fraction(30),
                snr_db=snr_db,
                taps=count,
            )
            right = tail.upper < 0.01 if count == taps else tail.lower > 0.01
            facts[f"damping {damping}, {snr_db:+d} dB, {count} taps"] = right
    return all_true(facts)


def _costs(claim: Closing) -> Evidence:
    """Compare the stated cost of a cut with the mean square error of the cut filter itself."""
    worst = 0.0
    for damping, snr_db, layers in CASES:
        kalman = kalman_of(damping, snr_db)
        for taps in (2 ** (layers - 1), taps_for_error(kalman, share=0.01)):
            kernel = kalman.filter_system.kernel(taps)
            covariance = kalman.model.autocovariance(taps)
            seen = toeplitz(covariance) + kalman.model.noise * np.eye(taps)
            error = 1 - 2 * kernel @ covariance + kernel @ seen @ kernel
            stated = kalman.error + claim.excess * excess_error(kalman, taps=taps)
            worst = max(worst, abs(float(error - stated)) / kalman.error)
    return within(worst, 1e-9)


def _missed(claim: Closing) -> Evidence:
    """Compare what the stack misses of the filter with C F^M x."""
    worst = 0.0
    samples = np.random.default_rng(0).standard_normal(400)
    for damping, snr_db, layers in CASES:
        system = kalman_of(damping, snr_db).filter_system
        stack = estimator_stack(kalman_of(damping, snr_db), layers=layers)
        whole = system.states(samples) @ system.readout
        length = 2**layers + claim.remainder
        stated = truncation_remainder(system, samples, length=length)
        worst = max(worst, float(np.abs(whole - stack(samples) - stated).max()))
    return within(worst, 1e-14)


def _networks(claim: Closing) -> Evidence:
    """Load a real gated network and run it on noisy pulses, in both precisions."""
    facts = {}
    for damping, snr_db, layers in CASES:
        for dtype in (torch.float64, torch.float32):
            ratio = network_error(damping, snr_db, layers - claim.fewer_layers, dtype)
            name = f"damping {damping:g}, {snr_db:+g} dB, {dtype}: {100 * (ratio - 1):.2f} %"
            facts[name] = abs(ratio - 1) <= claim.worse
    return all_true(facts)


@cache
def _noisy(damping: float, snr_db: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a white-driven pulse, and the same in noise."""
    model = kalman_of(damping, snr_db).model
    rng = np.random.default_rng(7)
    root = np.linalg.cholesky(model.process)
    state = np.linalg.cholesky(model.stationary) @ rng.standard_normal(2)
    pulse = np.empty(SAMPLES)
    for t, push in enumerate(rng.standard_normal((SAMPLES, 2))):
        state = model.transition @ state + root @ push
        pulse[t] = state[0]
    return pulse, pulse + np.sqrt(model.noise) * rng.standard_normal(SAMPLES)


@cache
def network_error(damping: float, snr_db: float, layers: int, dtype: torch.dtype) -> float:
    """Return the mean square error of the loaded network over that of the Kalman filter."""
    kalman = kalman_of(damping, snr_db)
    pulse, seen = _noisy(damping, snr_db)
    settled = slice(1000, None)
    filtered = kalman.filter_system.states(seen) @ kalman.filter_system.readout
    network = run_network(estimator_stack(kalman, layers=layers), seen, dtype)
    errors = [float(np.mean((wave - pulse)[settled] ** 2)) for wave in (network, filtered)]
    return errors[0] / errors[1]


def run_network(stack: Stack, samples: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    """Load a stack into a `GatedTCN` and return what it makes of some samples."""
    layers = sum(layer.taps.shape[2] > 1 for layer in stack.layers)
    head = GatedTCN(1, 2, layers=layers, kernel=2).double()
    load_gated(head, stack, scale=SCALE[dtype])
    head = head.to(dtype)
    signal = torch.as_tensor(samples).to(dtype)[None, :, None]
    with torch.no_grad():
        wave, _ = head(signal, head.initial_state(1, signal))
    return np.asarray(wave[0].double().numpy())


def numbers() -> dict[str, str]:
    """Return taps and layers against the signal to noise, and what the network reaches."""
    rows = {}
    for damping in (0.02, 0.1, 0.5):
        for snr_db in (20.0, 0.0, -20.0):
            taps = taps_for_error(kalman_of(damping, snr_db), share=0.01)
            layers = max(1, int(np.ceil(np.log2(taps))))
            rows[f"damping {damping:g} at {snr_db:+.0f} dB: taps for 1 % more error, layers"] = (
                f"{taps}, {layers}"
            )
    return rows


TRUTH = Closing()
ONE = next(iter(TRUTH.taps))

THEOREM = Theorem(
    id="KF",
    title="The closing theorem: the estimator is a network of width two, to a stated error",
    statement=r"""
A network sees a noisy pulse and returns the pulse. Let the pulse be an oscillator driven by white
noise, seen as $y=z+n$ at the frames. Its best causal linear estimate is the steady Kalman filter of
T22, and in innovations form that filter is rational: with $a(q)=\det(I-Aq)$, $f(q)=\det(I-Fq)$ and
$r/S=\det F/\det A$,

$$\hat z_{t|t} = \frac{f(q)-\frac{r}{S}\,a(q)}{f(q)}\,y_t = \frac{b_0+b_1q}{f(q)}\,y_t .$$

It has two poles and one zero: **the estimator is an oscillator too**, damped by the noise. So T18
applies to it. The residual network with in-map $K$, layers $s_t+F^{2^l}s_{t-2^l}$ and out-map $C$,
of
width two, equals the filter cut after $M=2^L$ taps and misses

$$\hat z_t-\hat z_t^{\mathrm{net}} = C F^M \hat x_{t-M} .$$

What is missed is a function of past frames, and the filter's own error is orthogonal to all of
them,
so the mean square errors add, as an equality:

$$E(z-\hat z^{\mathrm{net}})^2 = E(z-\hat z)^2 + CF^M\,\hat\Sigma\,(CF^M)^{\top}, \qquad
\hat\Sigma = \Pi-P_{t|t} .$$

This is the network that the physics asks for. How long it must be follows from the noise (table):
at
20 dB a few frames do, however long the vessel rings; at $-20$ dB hundreds are needed for a lightly
damped one. A gated network holds it within T21's bound, and reaches the filter's error on noisy
pulses in single and in double precision.
""",
    assumptions=(
        "white driving and white noise of known ratio; a heart drives with beats, see ID",
        "the steady filter: the start-up of the first second or two is left out",
    ),
    clauses=(
        Clause(
            text="the filter in innovations form, its numerator of degree one, and $r/S$",
            label="proved",
            check=_rational,
        ),
        Clause(
            text="the package's rational filter is the Kalman filter",
            label="sampled",
            check=_kernels,
            where=f"{len(CASES)} cases, 200 taps, to {ROUNDING:g}",
        ),
        Clause(
            text="the least taps with 1 % of the kernel's l1 norm beyond",
            label="certified",
            check=_lengths,
            where="6 cases of damping and noise: so many taps do, one fewer do not",
        ),
        Clause(
            text="the errors of filter and cut add",
            label="sampled",
            check=_costs,
            where="6 cuts, against the error of the cut filter itself, to 1e-9",
        ),
        Clause(
            text="what the network misses is $CF^M\\hat x_{t-M}$",
            label="sampled",
            check=_missed,
            where=f"{len(CASES)} cases, 400 samples, to 1e-14",
        ),
        Clause(
            text="a real gated network comes within 1 % of the filter's error",
            label="sampled",
            check=_networks,
            where=f"{len(CASES)} cases, {SAMPLES} noisy samples, float64 and float32",
        ),
    ),
    claim=TRUTH,
    mutants={
        "a numerator of degree two": replace(TRUTH, numerator_degree=2),
        "r/S twice as large": replace(TRUTH, share=sp.Integer(2)),
        "one tap fewer": replace(TRUTH, taps={ONE: TRUTH.taps[ONE] - 1}),
        "one tap more": replace(TRUTH, taps={ONE: TRUTH.taps[ONE] + 1}),
        "a cut costs nothing": replace(TRUTH, excess=0.0),
        "a cut costs twice as much": replace(TRUTH, excess=2.0),
        "a remainder one step late": replace(TRUTH, remainder=1),
        "half the layers do": replace(TRUTH, fewer_layers=3),
    },
    requires=("flint",),
    paper="The derivation ends with a kernel from forcing to pulse; the network maps noisy "
    "frames to "
    "pulse. This is that map, with its length and its error.",
    numbers=numbers,
    references=(
        "T. Kailath, A. H. Sayed, B. Hassibi, Linear Estimation (2000), ch. 9 (innovations); "
        "B. D. O. Anderson, J. B. Moore, Optimal Filtering (1979), ch. 4 and 9.",
    ),
)
