"""CHROM: two chrominance signals, weighed so that a common distortion cancels."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.signal import butter, filtfilt
from torch import Tensor

from pulsephase.errors import SamplingError
from pulsephase.models.classical.colour import (
    WINDOW_S,
    check_colour,
    over_mean,
    overlap_add,
    spread_ratio,
)

CHROM_BAND_HZ = (40 / 60, 4.0)


def window_frames(sample_hz: float) -> int:
    """Return the length of CHROM's window: 1.6 s, an even number of frames."""
    return round(WINDOW_S * sample_hz) // 2 * 2


@lru_cache(maxsize=16)
def _band_pass_matrix(length: int, sample_hz: float) -> NDArray[np.float64]:
    """Return the band-pass of a window as a matrix: forward and backward, it is linear."""
    low, high = CHROM_BAND_HZ[0], min(CHROM_BAND_HZ[1], 0.45 * sample_hz)
    taps = butter(2, [low, high], "bandpass", fs=sample_hz)
    pad = min(3 * len(taps[0]), length - 1)
    return np.ascontiguousarray(filtfilt(*taps, np.eye(length), axis=-1, padlen=pad))


def chrom_windows(
    windows: Float[Tensor, "*batch 3 time"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    """Return the Hann-weighted wave of windows, equations 12 to 15."""
    length = windows.shape[-1]
    # In float64: the band-pass takes a level of 1 away from a pulse of 0.005.
    band_pass = torch.tensor(_band_pass_matrix(length, sample_hz), device=windows.device)
    r, g, b = over_mean(windows.double()).unbind(-2)
    x = (3 * r - 2 * g) @ band_pass
    y = (1.5 * r + g - 1.5 * b) @ band_pass
    hann = torch.hann_window(length, dtype=torch.float64, device=windows.device)
    return ((x - spread_ratio(x, y) * y) * hann).to(windows)


def check_chrom_rate(sample_hz: float) -> None:
    """Refuse a rate at which CHROM's band is not there."""
    if not sample_hz > 2 * CHROM_BAND_HZ[0]:
        raise SamplingError(f"sample_hz is {sample_hz}; CHROM needs more than 1.34 Hz")


def chrom(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    r"""Combine chrominance signals (de Haan & Jeanne, IEEE TBME 60:2878, 2013).

    In each Hann-weighted window of 1.6 s, half overlapping,

    .. math:: X = 3R_n - 2G_n, \quad Y = 1.5R_n + G_n - 1.5B_n, \quad
              S = X_f - \frac{\sigma(X_f)}{\sigma(Y_f)} Y_f,

    with both band-passed to 40-240 bpm. A last window at the end covers a rest.

    Args:
        colour: Mean colour of the skin, RGB.
        sample_hz: Frames per second.

    Raises:
        SamplingError: If ``sample_hz`` is too low for the band.
        ShapeError: If there are fewer frames than a window.
    """
    check_colour(colour, sample_hz, at_least_s=WINDOW_S)
    check_chrom_rate(sample_hz)
    length, time = window_frames(sample_hz), colour.shape[-2]
    starts = [*range(0, time - length, length // 2), time - length]
    windows = torch.stack([colour[..., s : s + length, :] for s in starts], -3).transpose(-2, -1)
    return overlap_add(chrom_windows(windows, sample_hz=sample_hz), starts=starts, time=time)
