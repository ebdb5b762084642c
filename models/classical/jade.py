"""JADE: independent sources by joint diagonalisation of fourth-order cumulants, batched.

Scikit-learn has no JADE, and its FastICA starts from a random matrix and runs clip by clip; for
three channels the Jacobi sweeps below are a few dozen small operations for a whole batch.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

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
