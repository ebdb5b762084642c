"""T22: a network that estimates has the poles of its closed loop; the vessel's are zeros."""

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import sympy as sp

from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.pencil import pencil_poles
from pulsephase.physics.whitening import (
    NoisyOscillator,
    SteadyKalman,
    best_fir_error,
    noisy_oscillator,
    steady_kalman,
    whitening_zeros,
)
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

FPS = 30.0
HZ = 1.2
DAMPINGS = (0.02, 0.05, 0.2, 1.5)
SNRS_DB = (20.0, 0.0, -10.0, -20.0)
TAPS = 60
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """A claim: where the vessel's poles stand, and in what the filter is a convolution."""

    zeros: bool = True
    """The poles are the zeros of the whitening filter; otherwise the filter's own poles."""
    memory: dict[float, tuple[int, int]] = field(
        default_factory=lambda: {20.0: (918, 12), 0.0: (918, 66), -20.0: (918, 529)}
    )
    """Taps of oscillator and of filter that hold 99 %, by signal to noise, at damping 0.02."""
    whitening: float = 1.0
    """Share of the predictor that is taken from the samples to whiten them."""
    price: float = 1.71
    """Error of 31 causal taps over that of 31 centred ones, at 0 dB."""
    late: int = 0
    misread: float = 0.2
    """By how much a wave that beats drive is misread, at least."""


def _identity(claim: Estimator) -> Evidence:
    """Verify the whitening filter as a ratio of determinants, for a generic system and gain."""
    q = sp.Symbol("q")
    state = sp.Matrix(2, 2, sp.symbols("a b c d"))
    gain = sp.Matrix(sp.symbols("k1 k2"))
    see = sp.Matrix([[1, 0]])
    closed = (sp.eye(2) - gain * see) * state
    predictor = (see * state * (sp.eye(2) - closed * q).inv() * gain)[0]
    whitening = 1 - q * predictor
    top, bottom = (sp.eye(2) - state * q).det(), (sp.eye(2) - closed * q).det()
    stated = top / bottom if claim.zeros else bottom / top
    return all_vanish({"whitening": whitening - stated})


def _poles(claim: Estimator) -> Evidence:
    """Solve sixteen filters and look for the oscillator's poles in the predictor's taps."""
    cases = ((damping, snr_db) for damping in DAMPINGS for snr_db in SNRS_DB)
    return within(max(_pole_error(_kalman(*case), claim) for case in cases), TOLERANCE)


def _white(claim: Estimator) -> Evidence:
    cases = ((damping, snr_db) for damping in DAMPINGS for snr_db in SNRS_DB)
    return within(max(_colour(_kalman(*case), claim) for case in cases), TOLERANCE)


def _best(claim: Estimator) -> Evidence:
    """Compare the recursion with the convolution, and its error with that of a long window."""
    kalman = _kalman(0.05, 0.0)
    error = max(_convolution_error(kalman, claim), _variance_error(kalman.model))
    return within(error, TOLERANCE)


def _memory_and_future(claim: Estimator) -> Evidence:
    """Compare the taps of oscillator and filter, and the errors of windows, with the claimed."""
    facts = {}
    for snr_db, taps in claim.memory.items():
        facts[f"{snr_db:+.0f} dB"] = memory(0.02, snr_db) == taps
    model = _kalman(0.03, 0.0).model
    causal = best_fir_error(model, length=31)
    centred = best_fir_error(model, length=31, lookahead=15)
    facts[f"price of causality {causal / centred:.2f}"] = abs(causal / centred - claim.price) < 0.05
    return all_true(facts)


def _quasi_periodic(claim: Estimator) -> Evidence:
    """Read the poles off the best predictor of a wave that beats drive, and not white noise."""
    found = beaten_reading()
    error = abs(found - 3.0) / 3.0
    return all_true({f"misread by {100 * error:.0f} %": error > claim.misread})


@cache
def beaten_reading() -> float:
    """Return the frequency read off a wave of 3 Hz, damping 0.5, driven by ejections at 1.2 Hz."""
    rng = np.random.default_rng(4)
    mode = Oscillator.from_natural_hz(3.0, damping=0.5)
    times = np.arange(3600) / FPS
    beats = np.cumsum(rng.normal(1 / 1.2, 0.03, 160))
    wave = np.zeros(len(times))
    for part in (np.arange(30) + 0.5) / 30:  # of an ejection of 0.3 s, a half sine
        lags = times[:, None] - beats - 0.3 * part
        response = mode.impulse_response(lags.ravel()).reshape(lags.shape)
        wave += np.sin(np.pi * part) * response.sum(axis=1)
    wave = wave - wave.mean()
    seen = wave + 0.1 * wave.std() * rng.standard_normal(len(wave))
    rows = np.lib.stride_tricks.sliding_window_view(seen, TAPS + 1)
    past, ahead = rows[:, -2::-1], rows[:, -1]
    taps, *_ = np.linalg.lstsq(past, ahead, rcond=None)
    zeros = whitening_zeros(np.asarray(taps))
    natural = np.sqrt(np.prod(np.log(zeros.astype(complex)) * FPS).real + 0j)
    return float(np.abs(natural) / (2 * np.pi))


@cache
def _kalman(damping: float, snr_db: float) -> SteadyKalman:
    mode = Oscillator.from_natural_hz(HZ, damping=damping)
    return steady_kalman(noisy_oscillator(mode, sample_hz=FPS, snr_db=snr_db))


def _pole_error(kalman: SteadyKalman, claim: Estimator) -> float:
    """Return how far the read polynomial is from det(I - Aq), in its coefficients."""
    if claim.zeros:
        found = whitening_zeros(kalman.predictor_system.kernel(TAPS))
    else:
        found = pencil_poles(kalman.filter_system.kernel(TAPS), order=2)
    true = np.poly(kalman.model.transition)
    return float(np.abs(np.poly(found) - true).max())


def _colour(kalman: SteadyKalman, claim: Estimator) -> float:
    """Return the spectrum of the whitened samples, over its mean: flat if they are white."""
    turns = np.exp(-1j * np.linspace(0.01, np.pi, 50))
    matrix = kalman.model.transition
    spectrum, filtered = [], []
    system = kalman.predictor_system
    for q in turns:
        resolvent = np.linalg.inv(np.eye(2) - matrix * q)[0]
        spectrum.append((resolvent @ kalman.model.process @ resolvent.conj()).real)
        predicted = np.linalg.solve(np.eye(2) - system.transition * q, system.drive)
        filtered.append(1 - claim.whitening * q * (system.readout @ predicted))
    seen = np.array(spectrum) + kalman.model.noise
    whitened = seen * np.abs(np.array(filtered)) ** 2
    return float(np.abs(whitened / kalman.innovation - 1).max())


def _convolution_error(kalman: SteadyKalman, claim: Estimator) -> float:
    """Return how far the recursion of predict and correct is from the convolution."""
    samples = np.random.default_rng(0).standard_normal(400)
    state, stepped = np.zeros(2), []
    for value in samples:
        state = kalman.model.transition @ state
        state = state + kalman.gain * (value - state[0])
        stepped.append(state[0])
    kernel = np.roll(kalman.filter_system.kernel(400), claim.late)
    return float(np.abs(np.convolve(kernel, samples)[:400] - stepped).max())


def _variance_error(model: NoisyOscillator) -> float:
    """Return how far the filter's error is from that of the best long causal window."""
    return abs(steady_kalman(model).error - best_fir_error(model, length=400))


def _taps(kernel: np.ndarray) -> int:
    tail = np.cumsum(np.abs(kernel[::-1]))[::-1]
    return int(np.argmax(tail <= 1e-2 * tail[0]))


@cache
def memory(damping: float, snr_db: float) -> tuple[int, int]:
    """Return the taps that hold 99 % of the oscillator's kernel, and of the filter's."""
    kalman = _kalman(damping, snr_db)
    mode = Oscillator.from_natural_hz(HZ, damping=damping)
    vessel = mode.impulse_response(np.arange(6000) / FPS)
    return _taps(vessel), _taps(kalman.filter_system.kernel(6000))


def numbers() -> dict[str, str]:
    """Return what a naive reading of a filter says, its memory, and the price of causality."""
    kalman = _kalman(0.05, 0.0)
    poles = np.log(pencil_poles(kalman.filter_system.kernel(TAPS), order=2)) * FPS
    natural = float(np.sqrt(np.prod(poles).real))
    rows = {
        "1.2 Hz, damping 0.05 at 0 dB: the filter's own poles read": (
            f"{natural / (2 * np.pi):.3f} Hz, damping {-poles.sum().real / (2 * natural):.3f}"
        )
    }
    for snr_db in SNRS_DB:
        vessel, taps = memory(0.02, snr_db)
        rows[f"damping 0.02 at {snr_db:+.0f} dB: taps of the oscillator, of the filter"] = (
            f"{vessel}, {taps}"
        )
    model = _kalman(0.03, 0.0).model
    for length in (31, 127):
        rows[f"error of {length} taps at 0 dB: causal, centred"] = (
            f"{best_fir_error(model, length=length):.4f}, "
            f"{best_fir_error(model, length=length, lookahead=length // 2):.4f}"
        )
    return rows


TRUTH = Estimator()

THEOREM = Theorem(
    id="T22",
    title="An estimator is a causal convolution; the vessel's poles are zeros of its whitening",
    statement=r"""
Let an oscillator be driven by white noise and seen with noise, $y=z+n$. With the steady Kalman gain
$K$ and $F=(I-KC)A$,

$$\hat z_{t|t} = \sum_{m\geq0} C F^m K\, y_{t-m}$$

is the best causal linear estimate: a causal convolution, whose length is set by the poles of $F$
and so by the noise. Reading poles off this kernel gives those of $F$. With the one-step predictor
$p[m] = CAF^mK$,

$$1 - \sum_{m\geq0} p[m]\,q^{m+1} = \frac{\det(I-Aq)}{\det(I-Fq)} ,$$

so the oscillator's poles are the **zeros** of the whitening filter. At high signal to noise the
memory is short however long the oscillator rings; at low it is long. For estimation a window that
sees the future is better: causality is what streaming costs, not what the physics asks of it.
""",
    assumptions=(
        "**white** driving and white noise, of known ratio: driven by beats the reading fails (ID)",
        "the position is seen, so that the state is observable",
    ),
    clauses=(
        Clause(
            text=r"the whitening filter is $\\det(I-Aq)/\\det(I-Fq)$, for every system and gain",
            label="proved",
            check=_identity,
        ),
        Clause(
            text="the oscillator's poles are read off the predictor",
            label="sampled",
            check=_poles,
            where="16 cases of damping and noise, to 1e-9",
        ),
        Clause(
            text="whitened samples have a flat spectrum",
            label="sampled",
            check=_white,
            where="16 cases, 50 frequencies, to 1e-9",
        ),
        Clause(
            text="the filter is its convolution, and as good as any long causal window",
            label="sampled",
            check=_best,
            where="1 case, 400 samples, to 1e-9",
        ),
        Clause(
            text="memory follows the noise; a window that sees the future does better",
            label="sampled",
            check=_memory_and_future,
            where="3 noises; 31 taps at 0 dB",
        ),
        Clause(
            text="driven by ejections of 0.3 s, the reading is wrong by more than a fifth",
            label="sampled",
            check=_quasi_periodic,
            where="1 wave of 2 min",
        ),
    ),
    claim=TRUTH,
    mutants={
        "the filter's own poles are the vessel's": replace(TRUTH, zeros=False),
        "the filter remembers as long as the vessel rings": replace(
            TRUTH, memory={20.0: (918, 918)}
        ),
        "half of the prediction whitens": replace(TRUTH, whitening=0.5),
        "the causal window is as good": replace(TRUTH, price=1.0),
        "a filter late by one frame": replace(TRUTH, late=1),
        "beats that drive it are read wrong by half": replace(TRUTH, misread=0.5),
    },
    paper="The kernel of the network is compared with that of the oscillator. A network trained to "
    "estimate has another one: its poles are those of a filter, and a causal one is not the best.",
    references=("T. Kailath, A. H. Sayed, B. Hassibi, Linear Estimation (2000), ch. 9.",),
    numbers=numbers,
)
