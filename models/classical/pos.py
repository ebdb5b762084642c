"""POS: a plane on which a change of light has no component."""

from jaxtyping import Float
from torch import Tensor

from pulsephase.models.classical.colour import (
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
