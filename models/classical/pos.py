"""Projections of the mean colour of skin: POS, CHROM, GREEN, PBV, LGI and OMIT.

POS takes a plane on which a change of light has no component; CHROM two chrominance signals,
weighed so that a common distortion cancels; GREEN the channel that blood absorbs most; PBV the
mixture that answers to one colour of the pulse; LGI and OMIT what is left of green when the
direction of the skin's colour is projected out.
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.signal import butter, filtfilt
from torch import Tensor

from pulsephase.errors import SamplingError
from pulsephase.models.classical.colour import (
    EPSILON,
    WINDOW_S,
    centred,
    check_colour,
    over_mean,
    overlap_add,
    spread_ratio,
)


def pos_windows(windows: Float[Tensor, "*batch 3 time"]) -> Float[Tensor, "*batch time"]:
    r"""Return the centred wave of windows, lines 6 to 9 of Algorithm 1, its sign turned."""
    r, g, b = over_mean(windows).unbind(-2)
    first, second = g - b, g + b - 2 * r
    return -centred(first + spread_ratio(first, second) * second)


def pos(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    r"""Project on the plane orthogonal to skin tone (Wang et al., IEEE TBME 64:1479, 2017, Alg. 1).

    In each window of 1.6 s, with :math:`C_n` the colours over their mean,

    .. math:: S = \begin{pmatrix}0&1&-1\\-2&1&1\end{pmatrix} C_n, \qquad
              h = S_1 + \frac{\sigma(S_1)}{\sigma(S_2)} S_2,

    and the centred windows, one starting at each frame, are added up. The sign is turned.

    Args:
        colour: Mean colour of the skin, RGB.
        sample_hz: Frames per second.

    Raises:
        SamplingError: If ``sample_hz`` is not above 0.
        ShapeError: If there are fewer frames than a window.
    """
    check_colour(colour, sample_hz, at_least_s=WINDOW_S)
    windows = colour.unfold(-2, round(WINDOW_S * sample_hz), 1)  # batch, window, 3, length
    starts = range(windows.shape[-3])
    return overlap_add(pos_windows(windows), starts=starts, time=colour.shape[-2])


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


def green(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    """Return the inverted, centred green channel (Verkruysse, Opt. Express 16:21434, 2008).

    Args:
        colour: Mean colour of the skin, RGB.
        sample_hz: Frames per second.

    Raises:
        SamplingError: If ``sample_hz`` is not above 0.
        ShapeError: If there are fewer than two frames.
    """
    check_colour(colour, sample_hz, at_least_s=0.0)
    return -centred(colour[..., 1])


SIGNATURE = (0.33, 0.77, 0.53)  # the paper's: its camera, its halogen light
RIDGE = 1e-9  # of the mean variance: three channels that move as one still give weights


def pbv_weights(
    relative: Float[Tensor, "*batch 3 time"], signature: Float[Tensor, " 3"]
) -> Float[Tensor, "*batch 3"]:
    r"""Return :math:`W = Q^{-1} p / (p^\top Q^{-1} p)` with :math:`Q = C_n C_n^\top`.

    The paper scales :math:`W` to unit length; unit response to the signature, :math:`W p = 1`,
    gives neighbouring windows one scale.
    """
    power = relative @ relative.transpose(-2, -1)
    floor = RIDGE * power.diagonal(dim1=-2, dim2=-1).mean(-1) + EPSILON**2
    eye = torch.eye(3, dtype=relative.dtype, device=relative.device)
    solved = torch.linalg.solve(power + floor[..., None, None] * eye, signature[:, None])[..., 0]
    weights: Tensor = solved / (solved @ signature)[..., None]
    return weights


def pbv(
    colour: Float[Tensor, "*batch time 3"],
    *,
    sample_hz: float,
    signature: tuple[float, float, float] = SIGNATURE,
) -> Float[Tensor, "*batch time"]:
    r"""Weigh channels by the pulse's signature (de Haan & van Leest, Physiol. Meas. 35:1913, 2014).

    The pulse :math:`S = W C_n` must correlate with the colours as the known signature does,

    .. math:: S\, C_n^\top = k\, p \quad\Longrightarrow\quad W = k\, p\, (C_n C_n^\top)^{-1},

    with :math:`C_n` the colours over their mean, centred: a distortion of another colour is nulled
    as far as two spare channels can. The sign is turned. The signature is the paper's fixed vector,
    not the spread of the channels that some public codes put there, which follows the distortion.
    Assumed here, since nothing else sets them: Hann windows of 1.6 s, half overlapping, as CHROM's.

    Args:
        colour: Mean colour of the skin, RGB.
        sample_hz: Frames per second.
        signature: Relative amplitude :math:`p` of the pulse in red, green and blue.

    Raises:
        SamplingError: If ``sample_hz`` is not above 0.
        ShapeError: If there are fewer frames than a window.
    """
    check_colour(colour, sample_hz, at_least_s=WINDOW_S)
    length, time = window_frames(sample_hz), colour.shape[-2]
    starts = [*range(0, time - length, length // 2), time - length]
    exact = colour.double()  # the 3 x 3 system is ill-conditioned where one distortion rules
    windows = torch.stack([exact[..., s : s + length, :] for s in starts], -3).transpose(-2, -1)
    relative = centred(over_mean(windows))
    p = torch.tensor(signature, dtype=torch.float64, device=colour.device)
    weights = pbv_weights(relative, p / p.norm())
    hann = torch.hann_window(length, dtype=torch.float64, device=colour.device)
    wave = -(weights[..., None] * relative).sum(-2) * hann
    return overlap_add(wave, starts=starts, time=time).to(colour)


def lgi(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    r"""Project out the strongest colour (Pilz et al., CVPR Workshops 1254, 2018: local invariance).

    With the colours :math:`C` (3 x time, neither centred nor normalised) and :math:`s` the first
    left singular vector,

    .. math:: C = U\Sigma V^\top, \qquad Y = (I - s s^\top)\, C,

    the green row of :math:`Y` is centred, its sign turned. :math:`s` is found as the first
    eigenvector of :math:`CC^\top`, which is 3 x 3 whatever the length.

    Args:
        colour: Mean colour of the skin, RGB.
        sample_hz: Frames per second: only checked, the method has no time scale.

    Raises:
        SamplingError: If ``sample_hz`` is not above 0.
        ShapeError: If there are fewer than two frames.
    """
    check_colour(colour, sample_hz, at_least_s=0.0)
    exact = colour.double()
    strongest = torch.linalg.eigh(exact.transpose(-2, -1) @ exact).eigenvectors[..., -1]
    return _without(exact, strongest).to(colour)


def omit(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    r"""Project out the first colour (Alvarez Casado & Bordallo Lopez, IEEE JBHI 27:5530, 2023).

    With :math:`C = QR` the orthogonal-triangular factors of the colours (3 x time) and
    :math:`q` the first column of :math:`Q`,

    .. math:: Y = (I - q q^\top)\, C, \qquad q = \pm c_1/\lVert c_1\rVert :

    Gram-Schmidt starts from the first column, so that :math:`q` is the colour of the *first frame*
    alone, and no factorisation is needed. The green row of :math:`Y` is centred, its sign turned.

    Args:
        colour: Mean colour of the skin, RGB.
        sample_hz: Frames per second: only checked, the method has no time scale.

    Raises:
        SamplingError: If ``sample_hz`` is not above 0.
        ShapeError: If there are fewer than two frames.
    """
    check_colour(colour, sample_hz, at_least_s=0.0)
    exact = colour.double()
    first = exact[..., 0, :]
    return _without(exact, first / first.norm(dim=-1, keepdim=True).clamp(min=EPSILON)).to(colour)


def _without(
    colour: Float[Tensor, "*batch time 3"], direction: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch time"]:
    """Return the inverted, centred green of colours less their part along a unit direction."""
    along = (colour * direction[..., None, :]).sum(-1)
    return -centred(colour[..., 1] - along * direction[..., None, 1])
