"""Classical pulse methods on the mean colour of skin, each after its paper, vectorised over clips.

Each returns a wave of arbitrary scale, its sign turned where needed so that it rises with blood
volume.
GREEN apart, none is causal as published: the windows overlap-add backwards.
"""

import torch
from jaxtyping import Float
from scipy.signal import butter, filtfilt
from torch import Tensor

from pulsephase.errors import SamplingError, ShapeError

WINDOW_S = 1.6  # POS and CHROM, both papers
CHROM_BAND_HZ = (40 / 60, 4.0)
EPSILON = 1e-9


def mean_colour(
    frames: Float[Tensor, "*batch time 3 height width"],
    *,
    weights: Float[Tensor, "*batch time height width"] | None = None,
) -> Float[Tensor, "*batch time 3"]:
    """Average each frame over its central crop, or over given weights (a skin mask).

    The central crop is the rows from 0.3 to 0.8 and the columns from 0.25 to 0.75 of the frame:
    cheeks and nose of a face that fills the crop.
    """
    if weights is not None:
        total = weights.sum((-2, -1)).clamp(min=EPSILON)
        return (frames * weights[..., None, :, :]).sum((-2, -1)) / total[..., None]
    height, width = frames.shape[-2:]
    rows = slice(int(0.3 * height), max(int(0.8 * height), int(0.3 * height) + 1))
    columns = slice(int(0.25 * width), max(int(0.75 * width), int(0.25 * width) + 1))
    return frames[..., rows, columns].mean((-2, -1))


def green(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    """Return the inverted, centred green channel (Verkruysse, Opt. Express 16:21434, 2008)."""
    _check(colour, sample_hz, at_least_s=0.0)
    trace = colour[..., 1]
    return trace.mean(-1, keepdim=True) - trace


def pos(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    r"""Project on the plane orthogonal to skin tone (Wang et al., IEEE TBME 64:1479, 2017, Alg. 1).

    In each window of 1.6 s, with :math:`C_n` the colours over their mean,

    .. math:: S = \begin{pmatrix}0&1&-1\\-2&1&1\end{pmatrix} C_n, \qquad
              h = S_1 + \frac{\sigma(S_1)}{\sigma(S_2)} S_2,

    and the centred windows, one starting at each frame, are added up. The sign is turned.
    """
    length = round(WINDOW_S * sample_hz)
    _check(colour, sample_hz, at_least_s=WINDOW_S)
    windows = colour.unfold(-2, length, 1)  # batch, window, 3, length
    r, g, b = (windows / (windows.mean(-1, keepdim=True) + EPSILON)).unbind(-2)
    first, second = g - b, g + b - 2 * r
    alpha = first.std(-1, correction=0) / (second.std(-1, correction=0) + EPSILON)
    wave = first + alpha[..., None] * second
    return _overlap_add(wave.mean(-1, keepdim=True) - wave, colour.shape[-2], hop=1)


def chrom(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    r"""Combine chrominance signals (de Haan & Jeanne, IEEE TBME 60:2878, 2013).

    In each Hann-weighted window of 1.6 s, half overlapping,

    .. math:: X = 3R_n - 2G_n, \quad Y = 1.5R_n + G_n - 1.5B_n, \quad
              S = X_f - \frac{\sigma(X_f)}{\sigma(Y_f)} Y_f,

    with both band-passed to 40-240 bpm. A last window at the end covers a rest.
    """
    length = round(WINDOW_S * sample_hz) // 2 * 2
    _check(colour, sample_hz, at_least_s=WINDOW_S)
    if not sample_hz > 2 * CHROM_BAND_HZ[0]:
        raise SamplingError(f"sample_hz is {sample_hz}; CHROM needs more than 1.34 Hz")
    time = colour.shape[-2]
    starts = [*range(0, time - length, length // 2), time - length]
    windows = torch.stack([colour[..., s : s + length, :] for s in starts], -3).transpose(-2, -1)
    r, g, b = (windows / (windows.mean(-1, keepdim=True) + EPSILON)).unbind(-2)
    x = _band_pass(3 * r - 2 * g, sample_hz)
    y = _band_pass(1.5 * r + g - 1.5 * b, sample_hz)
    alpha = x.std(-1, correction=0) / (y.std(-1, correction=0) + EPSILON)
    wave = (x - alpha[..., None] * y) * torch.hann_window(length, dtype=x.dtype)
    out = colour.new_zeros(colour.shape[:-1])
    for index, start in enumerate(starts):
        out[..., start : start + length] += wave[..., index, :]
    return out


def _band_pass(x: Tensor, sample_hz: float) -> Tensor:
    low, high = CHROM_BAND_HZ[0], min(CHROM_BAND_HZ[1], 0.45 * sample_hz)
    taps = butter(2, [low, high], "bandpass", fs=sample_hz)
    pad = min(3 * len(taps[0]), x.shape[-1] - 1)
    filtered = filtfilt(*taps, x.detach().cpu().double().numpy(), axis=-1, padlen=pad)
    return torch.as_tensor(filtered.copy()).to(x)


def _overlap_add(windows: Tensor, time: int, *, hop: int) -> Tensor:
    """Add windows ``[..., window, length]`` up, one starting every ``hop`` samples."""
    length = windows.shape[-1]
    flat = windows.reshape(-1, *windows.shape[-2:]).transpose(1, 2)
    total = torch.nn.functional.fold(flat, (1, time), (1, length), stride=(1, hop))
    return total.reshape(*windows.shape[:-2], time)


def _check(colour: Tensor, sample_hz: float, *, at_least_s: float) -> None:
    if not sample_hz > 0:
        raise SamplingError(f"sample_hz is {sample_hz}; it must be above 0 Hz")
    frames = colour.shape[-2]
    if frames < 2 or frames < round(at_least_s * sample_hz):
        raise ShapeError(
            f"{frames} frames at {sample_hz:g} Hz; this method needs at least "
            f"{max(2, round(at_least_s * sample_hz))}"
        )


METHODS = {"pos": pos, "chrom": chrom, "green": green}
