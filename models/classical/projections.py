"""LGI and OMIT: what is left of green when the direction of the skin's colour is projected out.

Both see brightness as one direction in colour and drop it; they differ in how they find it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.models.classical.colour import EPSILON, centred, check_colour


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
