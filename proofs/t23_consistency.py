"""T23: a corrected score tells an oscillator's kernel from nulls; the plain one does not."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

from pulsephase.physics.consistency import Null, consistency, null_kernels, oscillator_consistency
from pulsephase.physics.oscillator import Oscillator
from pulsephase.proofs.exact import all_true, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

FPS = 30.0
TAPS = 31
KERNELS = 100
NETWORKS = 60
WIDTH, LAYERS, CLIP, AT = 16, 4, 128, 80
NULLS: tuple[Null, ...] = ("permuted", "reversed", "white", "red", "gabor")
CONFUSED = 0.01
"""Largest chance that a null's score exceeds an oscillator's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A claim: which score tells oscillators from nulls."""

    corrected: bool = True
    modes: int = 1
    noise_db: float = 20.0
    band_pass: tuple[float, float] = (0.9, 1.0)
    """Range of a two-pole band-pass's score."""


def _confusion(claim: Score) -> Evidence:
    """Compare the scores of oscillators at 20 dB with those of nulls, pair by pair."""
    confusion = {name: 1 - auc for name, auc in separation(claim).items()}
    worst = max(confusion, key=lambda name: confusion[name])
    return within(confusion[worst], CONFUSED, f"chance that a null beats an oscillator: {worst}")


def _passes(claim: Score) -> Evidence:
    """Score a two-pole band-pass: it must pass."""
    found = _score(_band_pass(), claim)
    low, high = claim.band_pass
    return all_true({f"band-pass {found:.3f}": low <= found <= high})


def separation(claim: Score) -> dict[str, float]:
    """Return, for each null, the chance that an oscillator's score exceeds it (AUC)."""
    true = [_score(kernel, claim) for kernel in _oscillators(claim.noise_db)]
    rows = {}
    for name, kernels in _nulls(claim.noise_db).items():
        scores = np.array([_score(kernel, claim) for kernel in kernels])
        above = np.array(true)[:, None] - scores[None]
        rows[name] = float(np.mean((above > 0) + (above == 0) / 2))
    return rows


def _score(kernel: np.ndarray, claim: Score) -> float:
    if claim.corrected:
        return oscillator_consistency(kernel, modes=claim.modes, sample_hz=FPS)
    return consistency(kernel, modes=claim.modes)


@cache
def _oscillators(noise_db: float) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(1)
    kernels = []
    for _ in range(KERNELS):
        mode = Oscillator.from_natural_hz(rng.uniform(0.8, 3.0), damping=rng.uniform(0.05, 0.5))
        kernel = mode.impulse_response(np.arange(1, TAPS + 1) / FPS)
        kernel = kernel / np.linalg.norm(kernel)
        noise = 10 ** (-noise_db / 20) / np.sqrt(TAPS) * rng.standard_normal(TAPS)
        kernels.append(kernel + noise)
    return tuple(kernels)


@cache
def _nulls(noise_db: float) -> dict[str, np.ndarray]:
    """Return nulls made of the oscillators' own kernels, and networks with random weights."""
    found: dict[str, np.ndarray] = {}
    for null in NULLS:
        found[null] = np.concatenate(
            [
                null_kernels(kernel, null=null, count=1, sample_hz=FPS, seed=seed)
                for seed, kernel in enumerate(_oscillators(noise_db))
            ]
        )
    found["random weights"] = np.stack([random_network_kernel(seed) for seed in range(NETWORKS)])
    rates = np.linspace(0.5, 0.95, 20)
    found["smoothers"] = np.power.outer(rates, np.arange(TAPS))
    return found


def random_network_kernel(seed: int) -> np.ndarray:
    """Return a row of the Jacobian of a causal gated residual TCN with random weights."""
    generator = torch.Generator().manual_seed(seed)

    def weight(out: int, channels: int, taps: int) -> torch.Tensor:
        reach = (channels * taps) ** -0.5  # uniform within the usual fan-in bound
        drawn = torch.empty(out, channels, taps, dtype=torch.float64)
        return drawn.uniform_(-reach, reach, generator=generator)

    first, last = weight(WIDTH, 1, 1), weight(1, WIDTH, 1)
    pairs = [(weight(WIDTH, WIDTH, 3), weight(WIDTH, WIDTH, 3)) for _ in range(LAYERS)]
    signal = 0.3 * torch.randn(1, 1, CLIP, generator=generator, dtype=torch.float64)
    signal.requires_grad_(True)
    state = torch.nn.functional.conv1d(signal, first)
    for level, (value, control) in enumerate(pairs):
        seen = torch.nn.functional.pad(state, (2 * 2**level, 0))
        part = torch.tanh(torch.nn.functional.conv1d(seen, value, dilation=2**level))
        gate = torch.sigmoid(torch.nn.functional.conv1d(seen, control, dilation=2**level))
        state = state + part * gate
    out = torch.nn.functional.conv1d(state, last)[0, 0, AT]
    (slope,) = torch.autograd.grad(out, signal)
    return np.asarray(slope[0, 0, : AT + 1].flip(0)[:TAPS].numpy())


def _band_pass() -> np.ndarray:
    """Return the kernel of a first-order Butterworth band-pass (two poles), 0.8 to 2.4 Hz."""
    from scipy.signal import butter, lfilter

    top, bottom = butter(1, [0.8, 2.4], btype="band", fs=FPS)
    return np.asarray(lfilter(top, bottom, np.eye(1, TAPS)[0]))


def numbers() -> dict[str, str]:
    """Return the score of oscillators and nulls, and what the plain score says."""
    true = [_score(kernel, TRUTH) for kernel in _oscillators(20.0)]
    rows = {"oscillators at 20 dB: median corrected score": f"{np.median(true):.2f}"}
    plain = replace(TRUTH, corrected=False)
    networks = _nulls(20.0)["random weights"]
    for claim, name in ((TRUTH, "corrected"), (plain, "plain")):
        scores = [_score(kernel, claim) for kernel in networks]
        rows[f"random weights: {name} score, median and 95 %"] = (
            f"{np.median(scores):.2f}, {np.quantile(scores, 0.95):.2f}"
        )
    rows["two-pole band-pass: corrected score"] = f"{_score(_band_pass(), TRUTH):.2f}"
    two = separation(replace(TRUTH, modes=2))
    rows["two modes against Gabor kernels: chance to be told apart"] = f"{two['gabor']:.2f}"
    return rows


TRUTH = Score()

THEOREM = Theorem(
    id="T23",
    title="What a score of physical consistency can tell, and what it cannot",
    statement=r"""
Let $s_N$ be the share of a kernel's energy that $2N$ poles explain, and, without the direct tap
and for poles among which a pair rings between 0.5 and 8 Hz (otherwise 0),

$$\mathrm{PCS}^+_N = 1 - (1-s_N)\,\frac{M-1}{M-1-4N} .$$

With $N=1$, $M=31$ and noise 20 dB down, an oscillator's kernel scores above kernels of networks
with random weights, and above permuted, reversed, white, red and Gabor kernels and smoothers,
with a chance of confusion of at most 1 %. The plain $s_1$ does not: a smoother has 1, and so nearly
has a network with random weights. With $N=2$ Gabor kernels pass.

The score tests low order, **not hemodynamics**: a two-pole band-pass passes it, as it must.
""",
    assumptions=(
        "kernels of an oscillator between 0.8 and 3 Hz, damping 0.05 to 0.5, noise 20 dB down",
        "31 taps at 30 frames per second",
    ),
    clauses=(
        Clause(
            text="an oscillator's kernel outscores every null but once in a hundred",
            label="sampled",
            check=_confusion,
            where=f"{KERNELS} kernels against each null, {NETWORKS} networks, fixed seeds",
        ),
        Clause(
            text="a two-pole band-pass passes",
            label="sampled",
            check=_passes,
            where="1 filter",
        ),
    ),
    claim=TRUTH,
    mutants={
        "the plain share": replace(TRUTH, corrected=False),
        "two modes": replace(TRUTH, modes=2),
        "noise as strong as the kernel": replace(TRUTH, noise_db=0.0),
        "a band-pass filter is told apart": replace(TRUTH, band_pass=(0.0, 0.9)),
    },
    paper="That a learned kernel looks like an oscillator is offered as evidence of physics. "
    "Untrained networks look like one too; only the comparison with them counts.",
    numbers=numbers,
)
