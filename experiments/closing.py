"""The closing theorem in numbers: which poles, which noise, how many taps, how many layers.

For oscillators of 1.2 Hz at 30 frames per second and several dampings and noises: the taps of the
oscillator's own kernel (T17), of the Kalman filter's (T22), and those that cost at most 0.5 % more
error (KF), with the layers of a residual stack of two and of three taps; and the error of a real
gated network with these weights on noisy pulses, beside the filter's. `python -m
pulsephase.experiments.closing` writes ``experiments/results/closing.json`` (some minutes).
"""

from pathlib import Path

import numpy as np
import torch

from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.models.constructive import load_gated
from pulsephase.models.tcn import GatedTCN
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.estimator import estimator_stack, excess_error, taps_for_error
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.truncation import minimal_taps
from pulsephase.physics.whitening import noisy_oscillator, steady_kalman

HZ, FPS = 1.2, 30.0
DAMPINGS = (0.02, 0.05, 0.1, 0.3, 0.5, 1.0, 2.0)
SNRS_DB = (20.0, 10.0, 0.0, -10.0, -20.0)
SHARE = 0.01  # of the l1 norm that a cut may leave out
ADDED = 0.005  # of error that a cut may add
SAMPLES, SETTLED, SEED = 60_000, 1500, 20
SCALE = {torch.float64: 1e-4, torch.float32: 1e-2}
RESULTS = Path(__file__).parent / "results" / "closing.json"


def layers_of(taps: int, *, three: bool = False) -> int:
    """Return the layers whose exact taps, 2^L or 3 * 2^(L-1), are at least as many."""
    layers = 1
    while (3 * 2 ** (layers - 1) if three else 2**layers) < taps:
        layers += 1
    return layers


def l1_taps(kernel: np.ndarray) -> int:
    """Return the least taps beyond which 1 % of the l1 norm lies."""
    tail = np.cumsum(np.abs(kernel[::-1]))[::-1]
    return int(np.argmax(tail <= SHARE * tail[0]))


def noisy(damping: float, snr_db: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a pulse and the same in noise, from a seed of the case."""
    model = noisy_oscillator(
        Oscillator.from_natural_hz(HZ, damping=damping), sample_hz=FPS, snr_db=snr_db
    )
    rng = np.random.default_rng([SEED, round(1000 * damping), round(snr_db) + 100])
    root = np.linalg.cholesky(model.process)
    state = np.linalg.cholesky(model.stationary) @ rng.standard_normal(2)
    pulse = np.empty(SAMPLES)
    for t, push in enumerate(rng.standard_normal((SAMPLES, 2))):
        state = model.transition @ state + root @ push
        pulse[t] = state[0]
    return pulse, pulse + np.sqrt(model.noise) * rng.standard_normal(SAMPLES)


def network(stack: object, samples: np.ndarray, layers: int, dtype: torch.dtype) -> np.ndarray:
    """Return what a gated network with the stack's weights makes of some samples."""
    head = GatedTCN(1, 2, layers=layers, kernel=2).double()
    load_gated(head, stack, scale=SCALE[dtype])  # type: ignore[arg-type]
    head = head.to(dtype)
    signal = torch.as_tensor(samples).to(dtype)[None, :, None]
    with torch.no_grad():
        wave, _ = head(signal, head.initial_state(1, signal))
    return np.asarray(wave[0].double().numpy())


def row(damping: float, snr_db: float) -> dict[str, float]:
    """Return one row of the table."""
    mode = Oscillator.from_natural_hz(HZ, damping=damping)
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / FPS)
    kalman = steady_kalman(noisy_oscillator(mode, sample_hz=FPS, snr_db=snr_db))
    taps = taps_for_error(kalman, share=ADDED)
    layers = layers_of(taps)
    pulse, seen = noisy(damping, snr_db)
    filtered = kalman.filter_system.states(seen) @ kalman.filter_system.readout
    waves = {"filter": filtered}
    for dtype, name in ((torch.float64, "float64"), (torch.float32, "float32")):
        waves[name] = network(estimator_stack(kalman, layers=layers), seen, layers, dtype)
    errors = {name: float(np.mean((wave - pulse)[SETTLED:] ** 2)) for name, wave in waves.items()}
    return {
        "damping": damping,
        "snr_db": snr_db,
        "oscillator_taps": minimal_taps(law, tolerance=SHARE),
        "filter_taps": l1_taps(kalman.filter_system.kernel(8000)),
        "error_taps": taps,
        "layers_of_two_taps": layers,
        "layers_of_three_taps": layers_of(taps, three=True),
        "error": kalman.error,
        "added_by_the_cut": excess_error(kalman, taps=2**layers) / kalman.error,
        "measured_error": errors["filter"],
        "network_float64": errors["float64"] / errors["filter"] - 1,
        "network_float32": errors["float32"] / errors["filter"] - 1,
    }


def main() -> None:
    """Write the table."""
    rows = [row(damping, snr_db) for damping in DAMPINGS for snr_db in SNRS_DB]
    settings = {
        "natural_hz": HZ,
        "sample_hz": FPS,
        "share": SHARE,
        "added": ADDED,
        "samples": SAMPLES,
    }
    write_json(RESULTS, {"revision": revision(), "settings": settings, "rows": rows})


if __name__ == "__main__":
    main()
