r"""Can a network learn the kernel at all? Where the truth is a closed form, on plain signals.

Three tasks, without any video:

- ``linear``: an `UngatedTCN` learns sampled :math:`u\to z` of an oscillator; its kernel must be the
  analytic one to under 1 %.
- ``gated``: the same for a `GatedTCN`; how far it is from linear, against the certificate of
  `gate_certificate`, and the constructed weights against theirs (`models.constructive`).
- ``kalman``: on a noisy oscillator :math:`y=z+n`, an `UngatedTCN` learns :math:`y\to z` and another
  the next sample. The kernels must be those of the steady Kalman filter, its poles those of the
  closed loop, and the vessel's poles the zeros of the whitening filter (`physics.whitening`).

``python -m pulsephase.experiments.signal_level`` writes
``experiments/results/signal_level.json`` in about five minutes on one core.
"""

import platform
import time
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.linalg import toeplitz
from scipy.signal import lfilter
from torch import Tensor

from pulsephase.experiments.signal_training import (
    fit_moments,
    fit_sequences,
    kernel_of,
    moments_of,
    without_offsets,
)
from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.models.constructive import (
    bound_for,
    bound_for_all,
    gate_scale,
    gated_bound,
    linear_twin,
    load_gated,
    oscillator_system,
)
from pulsephase.models.tcn import GatedTCN, UngatedTCN
from pulsephase.physics.doubling import StateSpace, doubling_stack, side_by_side
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.pencil import pencil_poles
from pulsephase.physics.whitening import (
    NoisyOscillator,
    noisy_oscillator,
    steady_kalman,
    whitening_zeros,
)

Head = TypeVar("Head", UngatedTCN, GatedTCN)

RESULTS = Path(__file__).parent / "results" / "signal_level.json"
SAMPLE_HZ = 30.0
LAYERS, KERNEL, WIDTH = 6, 3, 8
TAPS = 1 + (KERNEL - 1) * (2**LAYERS - 1)
"""Of the networks: the dilations and taps of `tiny` and `base`, 127 samples."""
SAMPLES = 20_000
NOISY_SAMPLES = 1_000_000
SEQUENCES, LENGTH = 8, 384
LINEAR_ITERATIONS, GATED_ITERATIONS = 1000, 600
SEEDS, GATED_SEEDS = 5, 3
CONSTRUCTED_SHARE = 0.01  # certified error of the constructed gated weights, of the kernel's norm
SYSTEMS = {
    "rings, 1.2 Hz at damping 0.3": [Oscillator.from_natural_hz(1.2, damping=0.3)],
    "creeps, 5/s and 40/s": [Oscillator.from_rates(fast_per_s=40.0, slow_per_s=5.0)],
    "two modes, 1.2 Hz and 4 Hz": [
        Oscillator.from_natural_hz(1.2, damping=0.3),
        Oscillator.from_natural_hz(4.0, damping=0.2),
    ],
}
NOISY = {
    "1.2 Hz at damping 0.05, 0 dB": (Oscillator.from_natural_hz(1.2, damping=0.05), 0.0),
    "1.2 Hz at damping 0.3, 10 dB": (Oscillator.from_natural_hz(1.2, damping=0.3), 10.0),
}


def system_of(modes: list[Oscillator]) -> StateSpace:
    """Return the modes beside each other, sampled exactly."""
    return side_by_side([oscillator_system(mode, step_s=1 / SAMPLE_HZ) for mode in modes])


def linear_run(system: StateSpace, *, seed: int, iterations: int) -> Float64[np.ndarray, " tap"]:
    """Return the kernel that a linear network learns from sampled input and output."""
    drive = np.random.default_rng(seed).standard_normal(SAMPLES)
    target = np.convolve(drive, system.kernel(SAMPLES))[:SAMPLES]
    head = _fresh(UngatedTCN, seed)
    fit_moments(head, moments_of(drive, target, taps=TAPS), iterations=iterations)
    return _numbers(kernel_of(head, taps=TAPS))


def gated_run(system: StateSpace, *, seed: int, iterations: int) -> dict[str, float]:
    """Return what a gated network learns from bounded input, its errors and its certificates."""
    drive, target = _bounded(system, seed=seed, count=SEQUENCES, length=LENGTH)
    head = _fresh(GatedTCN, seed)
    fit_sequences(head, drive, target, iterations=iterations)
    twin = linear_twin(head)
    unseen, wanted = _bounded(system, seed=10_000 + seed, count=SEQUENCES, length=2 * LENGTH)
    with torch.no_grad():
        wave = head(unseen[..., None], head.initial_state(len(unseen), unseen))[0]
        linear = twin(unseen[..., None], twin.initial_state(len(unseen), unseen))[0]
    norm = float(np.abs(system.kernel(TAPS)).sum())
    return {
        "kernel_error": _relative(_numbers(kernel_of(twin, taps=TAPS)), system.kernel(TAPS)),
        "held_out_error": float((wave - wanted).norm() / wanted.norm()),
        "from_linear": float((wave - linear).abs().max()) / norm,
        "from_linear_bound": bound_for(head, unseen) / norm,
        "from_linear_bound_any_input": bound_for_all(head, peak=1.0) / norm,
    }


def constructed_run(system: StateSpace, *, seed: int) -> dict[str, float]:
    """Return how far the constructed gated weights are from the kernel, and the bound on it."""
    stack = doubling_stack(system, layers=LAYERS)
    scale = gate_scale(stack, share=CONSTRUCTED_SHARE)
    head = GatedTCN(1, system.size, layers=LAYERS, kernel=2).double()
    load_gated(head, stack, scale=scale)
    drive, _ = _bounded(system, seed=10_000 + seed, count=SEQUENCES, length=2 * LENGTH)
    with torch.no_grad():
        wave = head(drive[..., None], head.initial_state(len(drive), drive))[0].numpy()
    exact = np.stack([stack(row) for row in drive.numpy()])
    norm = float(np.abs(stack.kernel()).sum())
    bound = gated_bound(stack, peak=1.0, scale=scale)
    return {"error": float(np.abs(wave - exact).max()) / norm, "bound": bound / norm}


def kalman_run(model: NoisyOscillator, *, seed: int, iterations: int) -> dict[str, Any]:
    """Return the filter and the predictor that linear networks learn from noisy samples."""
    rng = np.random.default_rng(seed)
    clean = sampled(model, NOISY_SAMPLES + 1, rng)
    noisy = clean + np.sqrt(model.noise) * rng.standard_normal(len(clean))
    kernels = {}
    for name, target in (("filter", clean[:-1]), ("predictor", noisy[1:])):
        head = _fresh(UngatedTCN, seed)
        fit_moments(head, moments_of(noisy[:-1], target, taps=TAPS), iterations=iterations)
        kernels[name] = _numbers(kernel_of(head, taps=TAPS))
    kalman, predictor = steady_kalman(model), kernels["predictor"]
    return {
        "filter_error": _relative(kernels["filter"], kalman.filter_system.kernel(TAPS)),
        "predictor_error": _relative(predictor, kalman.predictor_system.kernel(TAPS)),
        "naive": _mode(pencil_poles(kernels["filter"], order=2)),
        "whitened": _mode(whitening_zeros(predictor)),
    }


def sampled(
    model: NoisyOscillator, count: int, rng: np.random.Generator
) -> Float64[np.ndarray, " time"]:
    """Return a stationary run of the oscillator, sampled exactly, mode by mode of its matrix."""
    poles, basis = np.linalg.eig(model.transition)
    pushes = np.linalg.cholesky(model.process) @ rng.standard_normal((2, count))
    start = np.linalg.cholesky(model.stationary) @ rng.standard_normal(2)
    pushes[:, 0] = start
    drives = np.linalg.solve(basis, pushes.astype(complex))
    modes = np.stack([lfilter([1.0], [1.0, -p], d) for p, d in zip(poles, drives, strict=True)])
    return np.asarray((basis[0] @ modes).real)


def sampling_error(model: NoisyOscillator) -> dict[str, float]:
    r"""Return the relative error that as many samples leave in a free FIR filter of as many taps.

    The covariance of least squares, :math:`\sigma^2R^{-1}/N`: a network of fewer numbers may do
    better, none can be expected to be exact.
    """
    kalman = steady_kalman(model)
    gram = toeplitz(model.autocovariance(TAPS)) + model.noise * np.eye(TAPS)
    trace = float(np.trace(np.linalg.inv(gram))) / NOISY_SAMPLES
    kernels = {
        "filter": (kalman.filter_system.kernel(TAPS), kalman.error),
        "predictor": (kalman.predictor_system.kernel(TAPS), kalman.innovation),
    }
    return {
        name: float(np.sqrt(left * trace) / np.linalg.norm(kernel))
        for name, (kernel, left) in kernels.items()
    }


def pole_error(kernel: Float[np.ndarray, " tap"], modes: list[Oscillator]) -> float:
    """Return the largest relative error of the poles read from a kernel, each in 1/s."""
    planted = np.array([pole for mode in modes for pole in mode.poles_per_s])
    found = SAMPLE_HZ * np.log(pencil_poles(kernel, order=len(planted)))
    return float((np.abs(found[:, None] - planted).min(0) / np.abs(planted)).max())


def spread(values: list[float]) -> dict[str, float]:
    """Return mean, least and largest of what the seeds gave."""
    return {"mean": float(np.mean(values)), "least": min(values), "most": max(values)}


def spreads(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return the spread of every number."""
    return {name: spread([row[name] for row in rows]) for name in rows[0]}


def linear_table() -> dict[str, Any]:
    """Return errors of the kernels and poles that linear networks learn."""
    table = {}
    for name, modes in SYSTEMS.items():
        system = system_of(modes)
        kernels = [linear_run(system, seed=s, iterations=LINEAR_ITERATIONS) for s in range(SEEDS)]
        table[name] = {
            "kernel_error": spread([_relative(k, system.kernel(TAPS)) for k in kernels]),
            "pole_error": spread([pole_error(k, modes) for k in kernels]),
            "tail": _tail(system),
            "planted": _short(system.kernel(TAPS)),
            "learnt": _short(kernels[0]),
        }
    return table


def gated_table() -> dict[str, Any]:
    """Return errors and certificates of trained and constructed gated networks."""
    table = {}
    for name, modes in SYSTEMS.items():
        system = system_of(modes)
        runs = [gated_run(system, seed=s, iterations=GATED_ITERATIONS) for s in range(GATED_SEEDS)]
        built = [constructed_run(system, seed=s) for s in range(GATED_SEEDS)]
        table[name] = {"trained": spreads(runs), "constructed": spreads(built)}
    return table


def kalman_table() -> dict[str, Any]:
    """Return how close learnt estimators come to the Kalman filter, and what their poles say."""
    table = {}
    for name, (mode, snr_db) in NOISY.items():
        model = noisy_oscillator(mode, sample_hz=SAMPLE_HZ, snr_db=snr_db)
        runs = [kalman_run(model, seed=s, iterations=LINEAR_ITERATIONS) for s in range(SEEDS)]
        table[name] = {
            "filter_error": spread([run["filter_error"] for run in runs]),
            "predictor_error": spread([run["predictor_error"] for run in runs]),
            "sampling_error": sampling_error(model),
            "planted": {"natural_hz": mode.natural_hz, "damping": mode.damping},
            "closed_loop": _mode(
                pencil_poles(steady_kalman(model).filter_system.kernel(TAPS), order=2)
            ),
            **{kind: spreads([run[kind] for run in runs]) for kind in ("naive", "whitened")},
        }
    return table


def main() -> None:
    """Run all three tasks and write their table."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    result = {
        "sample_hz": SAMPLE_HZ,
        "network": {"layers": LAYERS, "kernel": KERNEL, "width": WIDTH, "taps": TAPS},
        "seeds": {"linear": SEEDS, "gated": GATED_SEEDS, "kalman": SEEDS},
        "samples": {"linear": SAMPLES, "gated": SEQUENCES * LENGTH, "kalman": NOISY_SAMPLES},
        "linear": linear_table(),
        "gated": gated_table(),
        "kalman": kalman_table(),
        "revision": revision(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
    write_json(RESULTS, {**result, "seconds": round(time.perf_counter() - started)})


def _fresh(kind: type[Head], seed: int) -> Head:
    """Return a network in double precision with random weights of a seed and no offsets."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = kind(1, WIDTH, layers=LAYERS, kernel=KERNEL).double()
    without_offsets(head)
    return head


def _bounded(
    system: StateSpace, *, seed: int, count: int, length: int
) -> tuple[Float[Tensor, "sequence time"], Float[Tensor, "sequence time"]]:
    """Return white inputs in -1..1 and the oscillator's exact output, from rest."""
    drive = np.random.default_rng(seed).uniform(-1, 1, (count, length))
    kernel = system.kernel(length)
    target = np.stack([np.convolve(row, kernel)[:length] for row in drive])
    return torch.from_numpy(drive), torch.from_numpy(target)


def _numbers(kernel: Tensor) -> Float64[np.ndarray, " tap"]:
    return np.asarray(kernel.detach().numpy(), dtype=np.float64)


def _relative(found: Float[np.ndarray, " tap"], true: Float[np.ndarray, " tap"]) -> float:
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


def _tail(system: StateSpace) -> float:
    """Return the share of the kernel's norm that lies beyond the network's reach."""
    long = system.kernel(20 * TAPS)
    return float(np.linalg.norm(long[TAPS:]) / np.linalg.norm(long))


def _mode(poles: Any) -> dict[str, float]:
    """Return natural frequency in Hz and damping of a pair of discrete poles."""
    pole = complex(SAMPLE_HZ * np.log(poles[0]))
    return {"natural_hz": abs(pole) / (2 * np.pi), "damping": -pole.real / abs(pole)}


def _short(kernel: Float[np.ndarray, " tap"]) -> list[float]:
    return [round(float(tap), 6) for tap in kernel[:64]]


if __name__ == "__main__":
    main()
