r"""Systems whose poles are known, as weights of the networks that are interpreted.

Any kernel of :math:`2^L` taps is a linear two-tap stack (tensor train), so a planted kernel goes
the whole way: weights, Jacobian, kernel, poles, nulls, verdict. Noise on the taps stands for what
a training would leave.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.signal import butter, lfilter
from torch import Tensor

from pulsephase.models.constructive import load_linear
from pulsephase.models.tcn import UngatedTCN
from pulsephase.physics.consistency import NULLS, null_kernels
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.tensor_train import tensor_train_stack
from pulsephase.physics.whitening import noisy_oscillator, steady_kalman

SAMPLE_HZ = 30.0
TIGHT = 1e-12
"""Singular values that the stack may leave out: below rounding of the kernel."""
SYSTEMS = ("rings", "creeps", "band-pass", "kalman")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A system with two poles.

    Attributes:
        kind: One of `SYSTEMS`.
        oscillator: The damped oscillator with its poles.
        kernel: Its taps, newest first, without noise.
    """

    kind: str
    oscillator: Oscillator
    kernel: Float64[np.ndarray, " tap"]


def system(kind: str, *, taps: int, rng: np.random.Generator) -> Planted:
    """Draw a system.

    ==========  ==============================================================================
    rings       an oscillator, 0.8 to 3 Hz, damping 0.05 to 0.5
    creeps      two real poles, slow 1.5 to 6 /s, the fast one 2 to 6 times as fast
    band-pass   a Butterworth band of one heart rate, first order: two poles that ring
    kalman      the steady Kalman filter of an oscillator in noise: poles of its closed loop
    ==========  ==============================================================================
    """
    lags = np.arange(taps)
    if kind == "rings":
        mode = Oscillator.from_natural_hz(rng.uniform(0.8, 3.0), damping=rng.uniform(0.05, 0.5))
        return Planted(kind=kind, oscillator=mode, kernel=mode.impulse_response(lags / SAMPLE_HZ))
    if kind == "creeps":
        slow = rng.uniform(1.5, 6.0)
        mode = Oscillator.from_rates(fast_per_s=slow * rng.uniform(2.0, 6.0), slow_per_s=slow)
        return Planted(kind=kind, oscillator=mode, kernel=mode.impulse_response(lags / SAMPLE_HZ))
    if kind == "band-pass":
        low = rng.uniform(0.8, 1.5)
        top, bottom = butter(1, [low, low * rng.uniform(1.5, 2.5)], btype="bandpass", fs=SAMPLE_HZ)
        return _of(kind, np.asarray(lfilter(top, bottom, np.eye(1, taps)[0])), np.roots(bottom))
    vessel = Oscillator.from_natural_hz(rng.uniform(0.8, 2.5), damping=rng.uniform(0.05, 0.5))
    filtered = steady_kalman(noisy_oscillator(vessel, sample_hz=SAMPLE_HZ, snr_db=0.0))
    closed = filtered.filter_system
    return _of(kind, closed.kernel(taps), np.linalg.eigvals(closed.transition))


def _of(kind: str, kernel: Float64[np.ndarray, " tap"], poles: np.ndarray) -> Planted:
    rates = np.log(np.asarray(poles, dtype=np.complex128)) * SAMPLE_HZ
    mode = Oscillator(
        alpha_per_s=float(-rates.sum().real), omega_rad_s=math.sqrt(float(rates.prod().real))
    )
    return Planted(kind=kind, oscillator=mode, kernel=kernel)


def noise_sd(kernel: Float[np.ndarray, " tap"], *, snr_db: float) -> float:
    """Return the deviation of tap noise at a ratio to the mean tap power."""
    return float(np.sqrt((kernel**2).mean()) * 10 ** (-snr_db / 20))


def head_of(kernel: Float[np.ndarray, " tap"]) -> UngatedTCN:
    """Return a network that is a kernel of 2, 4, 8, ... taps."""
    stack = tensor_train_stack(kernel, tolerance=TIGHT)
    head = blank_head(len(kernel))
    load_linear(head, stack)
    return head


def blank_head(taps: int, *, seed: int = 0) -> UngatedTCN:
    """Return the network that kernels of that many taps are planted in, with random weights."""
    layers = taps.bit_length() - 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = UngatedTCN(1, 2 ** (layers // 2), layers=layers, kernel=2)
    return head.double().eval().requires_grad_(False)


def signals(taps: int, *, clips: int, seed: int) -> Float[Tensor, "clip time 1"]:
    """Return white signals long enough for a kernel's response at several times."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(clips, 2 * taps + 96, 1, generator=generator, dtype=torch.float64)


def held_out_nulls(
    taps: int, *, count: int, seed: int
) -> dict[str, Float64[np.ndarray, "draw tap"]]:
    """Return kernels without an oscillator: made of oscillators' kernels, and plain noise."""
    rng = np.random.default_rng(seed)
    sources = [system("rings", taps=taps, rng=rng).kernel for _ in range(count)]
    made = {
        str(null): np.concatenate(
            [
                null_kernels(kernel, null=null, count=1, sample_hz=SAMPLE_HZ, seed=seed + index)
                for index, kernel in enumerate(sources)
            ]
        )
        for null in NULLS
    }
    made["plain filter"] = rng.uniform(-1, 1, (count, taps))
    return made


def seen_process(
    vessel: Oscillator, *, clips: int, snr_db: float, frames: int
) -> Float[Tensor, "clip time 1"]:
    """Return clips of the white-driven oscillator in noise, stationary from the first sample."""
    model = noisy_oscillator(vessel, sample_hz=SAMPLE_HZ, snr_db=snr_db)
    rng = np.random.default_rng(3)
    start = np.linalg.cholesky(model.stationary)
    push = np.linalg.cholesky(model.process + 1e-15 * np.eye(2))
    state = rng.standard_normal((clips, 2)) @ start.T
    seen = np.empty((clips, frames, 1))
    for frame in range(frames):
        seen[:, frame, 0] = state[:, 0] + np.sqrt(model.noise) * rng.standard_normal(clips)
        state = state @ model.transition.T + rng.standard_normal((clips, 2)) @ push.T
    return torch.from_numpy(seen)
