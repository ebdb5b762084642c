"""PBV: the mixture of channels that answers to one colour of the pulse, and to little else."""

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.models.classical.chrom import window_frames
from pulsephase.models.classical.colour import (
    EPSILON,
    WINDOW_S,
    centred,
    check_colour,
    over_mean,
    overlap_add,
)

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
