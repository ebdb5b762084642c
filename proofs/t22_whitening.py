"""T22: a network that estimates has the poles of its closed loop; the vessel's are zeros."""

from dataclasses import dataclass, replace

import numpy as np

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
from pulsephase.proofs.theorem import Evidence, Theorem

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
    memory_of_the_vessel: bool = False
    """The filter remembers as long as the oscillator rings."""
    whitening: bool = True
    causal_is_best: bool = False


def check(claim: Estimator) -> Evidence:
    """Solve sixteen filters, run them, and look for the oscillator's poles."""
    parts: dict[str, float] = {"poles": 0.0, "convolution": 0.0, "innovations": 0.0}
    for damping in DAMPINGS:
        for snr_db in SNRS_DB:
            kalman = _kalman(damping, snr_db)
            parts["poles"] = max(parts["poles"], _pole_error(kalman, claim))
            parts["innovations"] = max(parts["innovations"], _colour(kalman, claim))
    kalman = _kalman(0.05, 0.0)
    parts["convolution"] = _convolution_error(kalman)
    parts["variance"] = _variance_error(kalman.model)
    parts["memory"] = _memory(claim)
    parts["future"] = _future(claim)
    worst = max(parts, key=lambda name: parts[name])
    return Evidence(residual=parts[worst], tolerance=TOLERANCE, detail=f"largest: {worst}")


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
        filtered.append(1 - q * (system.readout @ predicted) if claim.whitening else 1.0)
    seen = np.array(spectrum) + kalman.model.noise
    whitened = seen * np.abs(np.array(filtered)) ** 2
    return float(np.abs(whitened / kalman.innovation - 1).max())


def _convolution_error(kalman: SteadyKalman) -> float:
    """Return how far the recursion of predict and correct is from the convolution."""
    samples = np.random.default_rng(0).standard_normal(400)
    state, stepped = np.zeros(2), []
    for value in samples:
        state = kalman.model.transition @ state
        state = state + kalman.gain * (value - state[0])
        stepped.append(state[0])
    kernel = kalman.filter_system.kernel(400)
    return float(np.abs(np.convolve(kernel, samples)[:400] - stepped).max())


def _variance_error(model: NoisyOscillator) -> float:
    """Return how far the filter's error is from that of the best long causal window."""
    return abs(steady_kalman(model).error - best_fir_error(model, length=400))


def _taps(kernel: np.ndarray) -> int:
    tail = np.cumsum(np.abs(kernel[::-1]))[::-1]
    return int(np.argmax(tail <= 1e-2 * tail[0]))


def memory(damping: float, snr_db: float) -> tuple[int, int]:
    """Return the taps that hold 99 % of the oscillator's kernel, and of the filter's."""
    kalman = _kalman(damping, snr_db)
    mode = Oscillator.from_natural_hz(HZ, damping=damping)
    vessel = mode.impulse_response(np.arange(6000) / FPS)
    return _taps(vessel), _taps(kalman.filter_system.kernel(6000))


def _memory(claim: Estimator) -> float:
    vessel, kalman = memory(0.02, 20.0)
    same = abs(vessel - kalman) / vessel < 0.1
    return 0.0 if same == claim.memory_of_the_vessel else 1.0


def _future(claim: Estimator) -> float:
    model = _kalman(0.03, 0.0).model
    causal = best_fir_error(model, length=31)
    centred = best_fir_error(model, length=31, lookahead=15)
    return 0.0 if (causal <= centred) == claim.causal_is_best else 1.0


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
    kind="numeric",
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
        "white driving and white noise, of known ratio",
        "the position is seen, so that the state is observable",
    ),
    check=check,
    claim=TRUTH,
    mutants={
        "the filter's own poles are the vessel's": replace(TRUTH, zeros=False),
        "the filter remembers as long as the vessel rings": replace(
            TRUTH, memory_of_the_vessel=True
        ),
        "the samples themselves are white": replace(TRUTH, whitening=False),
        "the causal window is the best": replace(TRUTH, causal_is_best=True),
    },
    paper="The kernel of the network is compared with that of the oscillator. A network trained to "
    "estimate has another one: its poles are those of a filter, and a causal one is not the best.",
    precision=f"coefficients of the polynomials, spectra and outputs to {TOLERANCE:g}",
    numbers=numbers,
)
