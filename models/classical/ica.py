"""ICA: three independent sources, and the one with the sharpest line in the pulse band.

The sources are found by JADE, joint diagonalisation of fourth-order cumulants, batched.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import ShapeError
from pulsephase.models.classical.colour import EPSILON, centred, check_colour
from pulsephase.vitals.signals import detrend, smoothness

SWEEPS = 12  # quadratic convergence: 4 to 6 reach round-off
RANK = 1e-12  # of the largest variance: below it there is no source, only round-off


def whiten(x: Float[Tensor, "*batch source time"]) -> Float[Tensor, "*batch source time"]:
    r"""Return uncorrelated rows of unit variance, :math:`z = \Lambda^{-1/2} E^\top x`.

    Directions without variance become zero.
    """
    value, vector = torch.linalg.eigh(x @ x.transpose(-2, -1) / x.shape[-1])
    there = value > RANK * value[..., -1:]
    scale = torch.where(there, value, torch.inf).rsqrt()
    white: Tensor = scale[..., None] * (vector.transpose(-2, -1) @ x)
    return white


def cumulants(z: Float[Tensor, "*batch source time"]) -> Float[Tensor, "*batch set source source"]:
    r"""Return the fourth-order cumulant matrices of white rows, one for each pair i <= j.

    .. math:: Q_{ij} = \overline{z_i z_j\, z z^\top}
              - \delta_{ij} I - e_i e_j^\top - e_j e_i^\top,

    those of unequal i, j times :math:`\sqrt 2`, as they stand for two.
    """
    count, time = z.shape[-2:]
    # The covariance of white rows is the unit matrix, but for directions without variance.
    unit = z @ z.transpose(-2, -1) / time
    found = []
    for i in range(count):
        for j in range(i, count):
            product = z[..., i : i + 1, :] * z[..., j : j + 1, :]
            fourth = (z * product) @ z.transpose(-2, -1) / time
            pair = unit[..., :, i : i + 1] * unit[..., j : j + 1, :]
            gaussian = unit[..., i : i + 1, j : j + 1] * unit + pair + pair.transpose(-2, -1)
            found.append((fourth - gaussian) * (1.0 if i == j else math.sqrt(2.0)))
    return torch.stack(found, -3)


def joint_rotation(
    matrices: Float[Tensor, "*batch set source source"],
) -> Float[Tensor, "*batch source source"]:
    r"""Return the rotation that makes symmetric matrices as diagonal as it can, by Jacobi sweeps.

    Each pair p < q is turned by the angle that minimises the off-diagonal squares in closed form:
    with :math:`h_m = (Q_{pp}-Q_{qq},\; Q_{pq}+Q_{qp})_m` and :math:`G = \sum_m h_m h_m^\top`,

    .. math:: \theta = \tfrac12 \operatorname{atan2}(t,\, u + \sqrt{u^2+t^2}), \qquad
              u = G_{11}-G_{22},\; t = 2 G_{12}.

    Source: Cardoso & Souloumiac, SIAM J. Matrix Anal. Appl. 17:161 (1996).
    """
    count = matrices.shape[-1]
    rotation = torch.eye(count, dtype=matrices.dtype, device=matrices.device)
    rotation = rotation.expand(*matrices.shape[:-3], count, count)
    for _ in range(SWEEPS):
        for p in range(count):
            for q in range(p + 1, count):
                turn = _turn(matrices, p, q)
                each = turn[..., None, :, :]
                matrices = each.transpose(-2, -1) @ matrices @ each
                rotation = rotation @ turn
    return rotation


def _turn(
    matrices: Float[Tensor, "*batch set source source"], p: int, q: int
) -> Float[Tensor, "*batch source source"]:
    """Return the best rotation in the plane of rows p and q."""
    difference = matrices[..., p, p] - matrices[..., q, q]
    both = matrices[..., p, q] + matrices[..., q, p]
    u = (difference**2).sum(-1) - (both**2).sum(-1)
    t = 2 * (difference * both).sum(-1)
    angle = 0.5 * torch.atan2(t, u + torch.hypot(u, t))
    cosine, sine = angle.cos(), angle.sin()
    turn = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    turn = turn.repeat(*angle.shape, 1, 1)
    turn[..., p, p], turn[..., q, q] = cosine, cosine
    turn[..., p, q], turn[..., q, p] = -sine, sine
    return turn


def jade(x: Float[Tensor, "*batch source time"]) -> Float[Tensor, "*batch source time"]:
    """Separate centred mixtures into independent sources of unit variance, order and sign free.

    Source: Cardoso & Souloumiac, IEE Proc. F 140:362 (1993).

    Args:
        x: As many mixtures as sources, each of zero mean.
    """
    white = whiten(x)
    return joint_rotation(cumulants(white)).transpose(-2, -1) @ white


ICA_BAND_HZ = (0.75, 4.0)
# Half the amplitude of the trend is removed here; Tarvainen's lambda of 100 at 30 Hz.
TREND_HZ = 0.4777
ICA_LEAST_S = 5.0  # our choice: some beats, for fourth-order statistics


def ica(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    r"""Separate sources by JADE (Poh, McDuff & Picard, IEEE TBME 58:7, 2011).

    The channels are detrended by smoothness priors and brought to zero mean and unit variance; the
    sources have unit variance too, so that the one whose power spectrum holds the highest peak in
    0.75-4 Hz is the most periodic:

    .. math:: x = A s, \qquad \hat s = B x, \qquad
              \hat k = \arg\max_k \max_f |\mathcal F \hat s_k|^2 .

    A source has no sign of its own: it is turned against the green channel, which falls as blood
    volume rises. The whole clip is one window (the paper's is 30 s). The trend's cut-off is 0.48 Hz
    at any frame rate: an assumption, as a fixed lambda means another cut-off at each rate.

    Args:
        colour: Mean colour of the skin, RGB.
        sample_hz: Frames per second.

    Raises:
        SamplingError: If ``sample_hz`` is not above twice the trend's cut-off.
        ShapeError: If the clip is shorter than 5 s.
    """
    check_colour(colour, sample_hz, at_least_s=ICA_LEAST_S)
    channels = _standardised(colour, sample_hz)
    sources = jade(channels)
    chosen = _most_periodic(sources, sample_hz)
    wave = sources.gather(-2, chosen[..., None, None].expand(*chosen.shape, 1, sources.shape[-1]))
    wave = wave[..., 0, :]
    falling = (wave * channels[..., 1, :]).sum(-1, keepdim=True) > 0
    return torch.where(falling, -wave, wave).to(colour)


def _standardised(
    colour: Float[Tensor, "*batch time 3"], sample_hz: float
) -> Float[Tensor, "*batch 3 time"]:
    """Return detrended channels of zero mean and unit variance, in float64."""
    lam = smoothness(TREND_HZ, sample_hz=sample_hz)
    channels = colour.detach().cpu().double().transpose(-2, -1).numpy()
    moving = centred(torch.tensor(detrend(channels, lam=lam), device=colour.device))
    spread = moving.std(-1, correction=0, keepdim=True)
    still = spread <= EPSILON * colour.double().abs().amax((-2, -1))[..., None, None]
    return torch.where(still, 0.0, moving / torch.where(still, 1.0, spread))


def _most_periodic(sources: Float[Tensor, "*batch 3 time"], sample_hz: float) -> Tensor:
    """Return the index of the source with the highest spectral peak in the band."""
    time = sources.shape[-1]
    power = torch.fft.rfft(sources, dim=-1).abs() ** 2
    frequency = torch.fft.rfftfreq(time, 1 / sample_hz, device=sources.device)
    band = (frequency >= ICA_BAND_HZ[0]) & (frequency <= ICA_BAND_HZ[1])
    if not bool(band.any()):
        raise ShapeError(
            f"{time} frames at {sample_hz:g} Hz resolve nothing in 0.75-4 Hz; "
            "give a longer clip or a higher rate"
        )
    best: Tensor = power[..., band].amax(-1).argmax(-1)
    return best
