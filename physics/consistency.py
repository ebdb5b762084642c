r"""How much of a kernel an oscillator explains, against what explains as much by chance.

.. math:: \mathrm{PCS}_N = 1 - \frac{\lVert g-\hat g_{2N}\rVert^2}{\lVert g\rVert^2}

is the share of a kernel's energy in the best :math:`2N` poles. By itself it says little: a network
with random weights reaches 0.84, an identity and a smoother 1. `oscillator_consistency` leaves out
the direct path, asks for a pair that rings in a band, and corrects for the numbers fitted. Even so
it tests *low order*, never *hemodynamics*: a two-pole filter is the same object as an oscillator.
Report it as a percentile among nulls, the decisive one being random weights in the same network.
"""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from jaxtyping import Complex128, Float, Float64

from pulsephase.checks import at_least, finite, positive
from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.pencil import pencil_poles, pole_fit

Null = Literal["permuted", "reversed", "phase", "white", "red", "gabor"]
NULLS: tuple[Null, ...] = get_args(Null)
INSIDE = 0.999  # poles are drawn to this radius: a kernel that grows is no oscillator
LEAST_RADIUS = 0.5  # a pair smaller than this has died after three samples: it does not ring
DIRECT_SHARE = 1e-4  # of the energy; a kernel with less outside its direct path is that path
RED = 0.8  # regression of the red null on its last sample


def consistency(kernel: Float[np.ndarray, " tap"], *, modes: int) -> float:
    r"""Return the share of a kernel's energy that :math:`2N` poles explain, uncorrected.

    Args:
        kernel: Taps, newest first.
        modes: Oscillators :math:`N`.

    Raises:
        ShapeError: If there are fewer than ``4 * modes`` taps.
        ParameterError: If a tap is not finite, all are zero, or ``modes`` is below 1.

    Example:
        >>> round(consistency(0.8 ** np.arange(31.0), modes=1), 9)
        1.0
    """
    at_least("modes", modes, 1)
    return _share(kernel, _poles(kernel, modes))


def oscillator_consistency(
    kernel: Float[np.ndarray, " tap"],
    *,
    modes: int,
    sample_hz: float,
    band_hz: tuple[float, float] = (0.5, 8.0),
    skip: int = 1,
) -> float:
    r"""Return the corrected share for poles among which a pair rings in the band; 0 without one.

    .. math:: \mathrm{PCS}^+_N = 1 - (1-\mathrm{PCS}_N)\frac{M-1}{M-1-4N}

    Args:
        kernel: Taps, newest first.
        modes: Oscillators :math:`N`; 1 is the headline, 2 does not tell a Gabor kernel apart.
        sample_hz: Frames per second.
        band_hz: Where the pair must turn, in Hz.
        skip: Newest taps left out: the direct path.

    Returns:
        At most 1; may be negative for a poor fit.

    Raises:
        ShapeError: If there are fewer than ``4 * modes + 2`` taps after those left out.
        ParameterError: If an argument is out of range.
    """
    positive(sample_hz=sample_hz)
    low, high = band_hz
    if not 0 < low < high:
        raise ParameterError(f"band_hz is {band_hz}; it must rise from above 0")

    def rings(poles: Complex128[np.ndarray, " order"]) -> bool:
        turns_hz = np.abs(np.angle(poles)) * sample_hz / (2 * np.pi)
        inside = (turns_hz >= low) & (turns_hz <= high) & (poles.imag != 0)
        return bool((inside & (np.abs(poles) > LEAST_RADIUS)).any())

    return _corrected(kernel, modes=modes, skip=skip, admitted=rings)


def overdamped_consistency(
    kernel: Float[np.ndarray, " tap"], *, modes: int, skip: int = 1
) -> float:
    """Return the corrected share for poles that all creep (real, between 0 and 1); else 0.

    The statistic for vessels that do not ring, which in the skin is all of them. Every smoother
    passes it: it says that a kernel decays, no more.

    Raises:
        ShapeError: If there are fewer than ``4 * modes + 2`` taps after those left out.
        ParameterError: If an argument is out of range.
    """

    def creeps(poles: Complex128[np.ndarray, " order"]) -> bool:
        return bool(((poles.imag == 0) & (poles.real > 0) & (poles.real < 1)).all())

    return _corrected(kernel, modes=modes, skip=skip, admitted=creeps)


def null_kernels(
    kernel: Float[np.ndarray, " tap"], *, null: Null, count: int, sample_hz: float, seed: int
) -> Float64[np.ndarray, "count tap"]:
    """Return kernels that no oscillator made, as long as a given one.

    ========  =====================================================================
    permuted  its taps in random order
    reversed  its taps backwards, which no causal system has
    phase     its spectrum with random phases (a weak null: energy stays in place)
    white     independent normal taps
    red       a first-order autoregression
    gabor     a wave under a Gaussian, 0.8 to 3 Hz: a matched filter
    ========  =====================================================================

    Args:
        kernel: Taps, newest first.
        null: Which of `NULLS`.
        count: How many; ``reversed`` gives the same one each time.
        sample_hz: Frames per second.
        seed: The same seed gives the same kernels.

    Raises:
        ParameterError: If there is no such null or an argument is out of range.
        ShapeError: If the kernel is empty.
    """
    finite("kernel", kernel)
    positive(sample_hz=sample_hz)
    at_least("count", count, 1)
    if null not in _MAKERS:
        raise ParameterError(f"null is {null!r}; choose from {', '.join(NULLS)}")
    rng = np.random.default_rng(seed)
    taps = np.asarray(kernel, dtype=np.float64)
    return np.stack([_MAKERS[null](taps, sample_hz, rng) for _ in range(count)])


def percentile(score: float, nulls: Float[np.ndarray, " null"]) -> float:
    """Return the share of nulls that a score exceeds, ties counting half, in per cent.

    Raises:
        ShapeError: If there is no null.
        ParameterError: If a score is not finite.

    Example:
        >>> percentile(0.9, np.array([0.1, 0.5, 0.9, 0.95]))
        62.5
    """
    finite("nulls", nulls)
    finite("score", score)
    return float(100 * np.mean((nulls < score) + (nulls == score) / 2))


def _corrected(
    kernel: Float[np.ndarray, " tap"],
    *,
    modes: int,
    skip: int,
    admitted: Callable[[Complex128[np.ndarray, " order"]], bool],
) -> float:
    at_least("modes", modes, 1)
    at_least("skip", skip, 0)
    finite("kernel", kernel)
    rest = kernel[skip:]
    count = len(rest)
    if count < 4 * modes + 2:
        raise ShapeError(f"{count} taps are left; {modes} mode(s) need {4 * modes + 2}")
    if float(rest @ rest) <= DIRECT_SHARE * float(kernel @ kernel):
        return 0.0
    poles = _poles(rest, modes)
    if not admitted(poles):
        return 0.0
    return 1 - (1 - _share(rest, poles)) * (count - 1) / (count - 1 - 4 * modes)


def _poles(kernel: Float[np.ndarray, " tap"], modes: int) -> Complex128[np.ndarray, " order"]:
    found = pencil_poles(kernel, order=2 * modes)
    size = np.abs(found)
    return np.where(size > INSIDE, found / np.maximum(size, INSIDE) * INSIDE, found)


def _share(kernel: Float[np.ndarray, " tap"], poles: Complex128[np.ndarray, " order"]) -> float:
    left = kernel - pole_fit(kernel, poles)[0]
    return float(1 - left @ left / (kernel @ kernel))


def _phase(
    taps: Float64[np.ndarray, " tap"], sample_hz: float, rng: np.random.Generator
) -> Float64[np.ndarray, " tap"]:
    spectrum = np.fft.rfft(taps)
    turn = np.exp(2j * np.pi * rng.random(len(spectrum)))
    turn[0] = 1
    if len(taps) % 2 == 0:
        turn[-1] = 1
    return np.fft.irfft(spectrum * turn, len(taps))


def _red(
    taps: Float64[np.ndarray, " tap"], sample_hz: float, rng: np.random.Generator
) -> Float64[np.ndarray, " tap"]:
    values = rng.standard_normal(len(taps))
    values[0] /= np.sqrt(1 - RED**2)  # stationary from the first tap
    for i in range(1, len(values)):
        values[i] += RED * values[i - 1]
    return values


def _gabor(
    taps: Float64[np.ndarray, " tap"], sample_hz: float, rng: np.random.Generator
) -> Float64[np.ndarray, " tap"]:
    lags = np.arange(len(taps))
    centre, width = rng.uniform(0.3, 0.7) * len(taps), rng.uniform(0.08, 0.25) * len(taps)
    wave = 2 * np.pi * rng.uniform(0.8, 3.0) * lags / sample_hz + rng.uniform(0, 2 * np.pi)
    return np.asarray(np.exp(-(((lags - centre) / width) ** 2) / 2) * np.cos(wave))


_MAKERS: dict[
    str,
    Callable[
        [Float64[np.ndarray, " tap"], float, np.random.Generator], Float64[np.ndarray, " tap"]
    ],
] = {
    "permuted": lambda taps, sample_hz, rng: rng.permutation(taps),
    "reversed": lambda taps, sample_hz, rng: taps[::-1].copy(),
    "phase": _phase,
    "white": lambda taps, sample_hz, rng: rng.standard_normal(len(taps)),
    "red": _red,
    "gabor": _gabor,
}
