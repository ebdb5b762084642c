"""GREEN: the channel that blood absorbs most."""

from jaxtyping import Float
from torch import Tensor

from pulsephase.models.classical.colour import centred, check_colour


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
