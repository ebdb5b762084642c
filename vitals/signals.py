"""Clean a pulse wave: remove slow drift in linear time, keep a band without shifting it in time.

Rates and cut-offs are in Hz, and a wave keeps its gaps: missing samples are NaN in and NaN out.
"""

import math

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.signal import butter, sosfilt, sosfilt_zi, sosfiltfilt

from pulsephase.checks import LARGEST
from pulsephase.errors import ParameterError, SamplingError, ShapeError

STENCIL = (1.0, -2.0, 1.0)  # second difference


def smoothness(cutoff_hz: float, *, sample_hz: float) -> float:
    r"""Return Tarvainen's :math:`\lambda` whose detrending halves the amplitude at ``cutoff_hz``.

    The trend of a long wave is the wave filtered by
    :math:`1/(1 + 16\lambda^2\sin^4(\pi f/f_s))`, which is one half where
    :math:`4\lambda\sin^2(\pi f/f_s) = 1`. A fixed :math:`\lambda` means another cut-off at each
    sampling rate.

    >>> round(smoothness(0.4777, sample_hz=30.0))
    100
    """
    _check_frequency("cutoff_hz", cutoff_hz, sample_hz)
    return 0.25 / math.sin(math.pi * cutoff_hz / sample_hz) ** 2


def detrend(wave: Float[np.ndarray, "*batch time"], *, lam: float) -> NDArray[np.float64]:
    r"""Subtract the smooth trend of each wave (smoothness priors), in time linear in its length.

    The trend :math:`z` minimises, over the samples that are not NaN,

    .. math:: \sum_t (x_t - z_t)^2 + \lambda^2 \sum_t (z_{t-1} - 2 z_t + z_{t+1})^2 .

    The normal equations have five diagonals, so one banded Cholesky factorisation solves them; a
    straight line is removed exactly, whatever :math:`\lambda`.

    Args:
        wave: Waves along the last axis; NaN where missing.
        lam: Smoothness :math:`\lambda`; 100 is usual at 30 Hz (see :func:`smoothness`).

    Returns:
        The waves less their trends, float64, NaN where ``wave`` is.

    Raises:
        ParameterError: If ``lam`` is not positive and finite.
        ShapeError: If a wave has fewer than three samples that are not NaN.

    Source:
        Tarvainen, Ranta-aho, Karjalainen, IEEE Trans. Biomed. Eng. 49:172 (2002).
    """
    if not (math.isfinite(lam) and lam > 0):
        raise ParameterError(f"lam is {lam}; it must be positive and finite")
    x = np.asarray(wave, dtype=np.float64)
    flat = x.reshape(-1, x.shape[-1])
    known = np.isfinite(flat)
    if x.shape[-1] < 3 or (known.sum(1) < 3).any():
        raise ShapeError(
            f"a wave of shape {x.shape} has fewer than 3 samples to detrend; give a longer one"
        )
    penalty = _second_difference_bands(x.shape[-1], lam)
    if known.all():
        return x - _solve(penalty, np.ones(x.shape[-1]), flat.T).T.reshape(x.shape)
    filled = np.where(known, flat, 0.0)
    trends = [_solve(penalty, w.astype(float), row) for w, row in zip(known, filled, strict=True)]
    return x - np.stack(trends).reshape(x.shape)


def _second_difference_bands(length: int, lam: float) -> NDArray[np.float64]:
    r"""Return the upper bands of :math:`\lambda^2 D^T D`, D the second difference."""
    bands = np.zeros((3, length))
    for first in range(3):
        for second in range(first, 3):
            product = STENCIL[first] * STENCIL[second]
            bands[2 - second + first, second : length - 2 + second] += product
    return lam**2 * bands


def _solve(
    penalty: NDArray[np.float64], weights: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    system = penalty.copy()
    system[2] += weights
    solution: NDArray[np.float64] = solveh_banded(system, right, check_finite=False)
    return solution


def band_pass(
    wave: Float[np.ndarray, "*batch time"],
    *,
    sample_hz: float,
    band_hz: tuple[float, float],
    order: int = 2,
) -> NDArray[np.float64]:
    """Keep a band of each wave without shifting it in time (Butterworth, forward and backward).

    Args:
        wave: Waves along the last axis, without gaps.
        sample_hz: Samples per second.
        band_hz: Edges, where the amplitude is one half (twice filtered).
        order: Order of one pass.

    Raises:
        ParameterError: If a sample is not finite.
        SamplingError: If the edges are not ordered within (0, sample_hz / 2).
        ShapeError: If the wave is too short for the filter's start and end.
    """
    _check_band(band_hz, sample_hz)
    x = np.asarray(wave, dtype=np.float64)
    if not np.isfinite(x).all():
        raise ParameterError("wave holds NaN or infinity; filter the parts between gaps one by one")
    sections = butter(order, band_hz, btype="bandpass", fs=sample_hz, output="sos")
    shortest = 3 * (2 * len(sections) + 1) + 1
    if x.shape[-1] < shortest:
        raise ShapeError(f"wave has {x.shape[-1]} samples; the filter needs at least {shortest}")
    filtered: NDArray[np.float64] = sosfiltfilt(sections, x, axis=-1)
    return filtered


class CausalBandPass:
    """Keep a band of a wave that is still coming in, by past samples alone (Butterworth).

    It starts as if the first sample had always been there. Whatever the chunks, the result is that
    of the whole wave.

    Args:
        sample_hz: Samples per second.
        band_hz: Edges, where the power is one half.
        order: Of the filter's low-pass prototype.

    Raises:
        SamplingError: If the edges are not ordered within (0, sample_hz / 2).

    Example:
        >>> wave = np.random.default_rng(0).normal(size=90)
        >>> pieces, whole = (CausalBandPass(sample_hz=30.0, band_hz=(0.6, 4.0)) for _ in range(2))
        >>> parts = [pieces.push(wave[:7]), pieces.push(wave[7:])]
        >>> bool((np.concatenate(parts) == whole.push(wave)).all())
        True
    """

    def __init__(self, *, sample_hz: float, band_hz: tuple[float, float], order: int = 2) -> None:
        _check_band(band_hz, sample_hz)
        self._sections = butter(order, band_hz, btype="bandpass", fs=sample_hz, output="sos")
        self._state: NDArray[np.float64] | None = None

    def push(self, wave: Float[np.ndarray, " time"]) -> NDArray[np.float64]:
        """Filter the next samples.

        Args:
            wave: What comes next; may be empty.

        Raises:
            ParameterError: If a sample is not finite; the state is then as before.
        """
        x = np.asarray(wave, dtype=np.float64)
        if not (np.abs(x) <= LARGEST).all():
            raise ParameterError("wave holds NaN or infinity; start a new filter after a gap")
        if len(x) == 0:
            return x
        state = sosfilt_zi(self._sections) * x[0] if self._state is None else self._state
        filtered, self._state = sosfilt(self._sections, x, zi=state)
        return np.asarray(filtered, dtype=np.float64)


def _check_band(band_hz: tuple[float, float], sample_hz: float) -> None:
    low, high = band_hz
    _check_frequency("band_hz[0]", low, sample_hz)
    _check_frequency("band_hz[1]", high, sample_hz)
    if low >= high:
        raise SamplingError(f"band_hz is {band_hz}; the first edge must be below the second")


def _check_frequency(name: str, value: float, sample_hz: float) -> None:
    if not (math.isfinite(sample_hz) and sample_hz > 0):
        raise SamplingError(f"sample_hz is {sample_hz}; it must be positive and finite")
    if not 0 < value < sample_hz / 2:
        raise SamplingError(
            f"{name} is {value} Hz; at {sample_hz} Hz it must lie in (0, {sample_hz / 2:g})"
        )
