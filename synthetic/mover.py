"""Something that moves behind the head: a hand, another head, a curtain; without a pulse."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.config import BackgroundRanges
from pulsephase.synthetic.skin import Skin
from pulsephase.synthetic.streams import Stream

SOFTNESS = 12.0  # steepness of its outline


class Mover(NamedTuple):
    """A soft ellipse and its path.

    Attributes:
        path: Its middle, right and down, in half heights of the frame from the frame's middle.
        half: Half width and half height, likewise.
        colour: Linear RGB.
    """

    path: Float[Tensor, "2 time"]
    half: Float[Tensor, " 2"]
    colour: Float[Tensor, " 3"]


def sample_mover(
    seed: int, ranges: BackgroundRanges, skin: Skin, times_s: Float[Tensor, " time"]
) -> Mover | None:
    """Draw what moves, of the colour of skin or of another, or nothing; a stream of its own."""
    draw = Stream(seed, "mover")
    if not draw.chance(ranges.mover_probability):
        return None
    start = draw.uniform(-1.1, 1.1, 2)
    sway = draw.log_uniform(0.05, 0.5) * draw.drift(2, times_s, low_hz=0.1, high_hz=3.0)
    other = draw.uniform(0.05, 0.6, 3)
    fleshy = draw.chance(ranges.skin_probability)
    return Mover(
        path=start[:, None] + sway,
        half=draw.uniform(0.15, 0.6, 2),
        colour=skin.base if fleshy else other,
    )


def cover(
    behind: Float[Tensor, "3 time height width"],
    mover: Mover,
    part: slice,
    light: Float[Tensor, "3 time 1 1"],
    *,
    across: Float[Tensor, " width"],
    down: Float[Tensor, " height"],
) -> Float[Tensor, "3 time height width"]:
    """Paint it over the background, in place.

    Args:
        behind: The lit background of some frames.
        mover: What moves.
        part: Which frames.
        light: What falls on it.
        across: Pixel centres, in half heights from the middle of the frame.
        down: Likewise.
    """
    device = behind.device
    right, drop = mover.path[:, part].float().to(device)
    wide, high = mover.half.tolist()
    aside = ((across.to(device) - right[:, None]) / wide).square()
    along = ((down.to(device) - drop[:, None]) / high).square()
    mask = torch.sigmoid(SOFTNESS * (1 - along[:, :, None] - aside[:, None, :]))
    return behind.lerp_(mover.colour.float().to(device)[:, None, None, None] * light, mask)
