"""What a scene shows besides the head: a wall with things on it, a neck, shoulders."""

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.config import BackgroundRanges
from pulsephase.synthetic.face import grid_lines, texture
from pulsephase.synthetic.skin import Skin
from pulsephase.synthetic.streams import Stream

SHOULDERS = 1.9  # half width of the shoulders over the head's
THINGS = 5  # pictures, shelves and windows on the wall, at most


def wall(
    seed: int, ranges: BackgroundRanges, skin: Skin, *, height: int, width: int
) -> Float[Tensor, "3 height width"]:
    """Paint a wall of one dull colour, or of that of skin, and things of other colours on it."""
    draw = Stream(seed, "background")
    across, down = grid_lines(height, width)
    plain = 0.4 * draw.uniform(*ranges.brightness) * (1 + 0.12 * draw.normal(3))
    fleshy = draw.chance(ranges.skin_probability)
    colour = (skin.base if fleshy else plain.clamp(min=0.02))[:, None, None]
    shade = 1 + draw.uniform(-0.2, 0.2) * across + draw.uniform(-0.2, 0.2) * down[:, None]
    painted = colour * shade * (1 + 0.04 * texture(draw, 3, height, width))
    for _ in range(int(draw.uniform(0.0, THINGS + 1.0))):
        middle, half = draw.uniform(-1.2, 1.2, 2), draw.uniform(0.08, 0.45, 2)
        inside = ((across - middle[0]).abs() < half[0]) & (
            (down[:, None] - middle[1]).abs() < half[1]
        )
        thing = draw.uniform(0.03, 0.7) * (1 + 0.2 * draw.normal(3)).clamp(min=0.2)
        painted = torch.where(inside, thing[:, None, None], painted)
    return painted.clamp(min=0.01).float()


def with_body(
    background: Float[Tensor, "3 height width"],
    seed: int,
    *,
    base: Float[Tensor, " 3"],
    middle: tuple[float, float],
    half: tuple[float, float],
) -> Float[Tensor, "3 height width"]:
    """Paint neck and shoulders, which neither move nor pulse, on the background.

    Args:
        background: What is behind them.
        seed: Of the clip.
        base: Linear colour of the skin.
        middle: Centre of the head, right and down, in half heights.
        half: Half width and half height of the head, in half heights.
    """
    draw = Stream(seed, "body")
    across, down = grid_lines(*background.shape[1:])
    x, y = across[None, :] - middle[0], down[:, None] - middle[1]
    wide, high = half
    neck = torch.sigmoid(60 * (0.58 * wide - x.abs())) * torch.sigmoid(60 * y)
    top = 1.22 * high
    edge = (x / (SHOULDERS * wide)) ** 4 + ((y - top - high) / high) ** 4
    below = torch.sigmoid(60 * (SHOULDERS * wide - x.abs())) * torch.sigmoid(60 * (y - top - high))
    body = torch.sigmoid(20 * (1 - edge)).maximum(below)
    cloth = draw.uniform(0.03, 0.5) * (1 + 0.3 * draw.normal(3)).clamp(min=0.2)
    folds = 1 + 0.08 * texture(draw, 1, *background.shape[1:])
    shaded = 0.75 - 0.35 * torch.sigmoid(20 * (1.15 * high - y))  # under the chin
    bare = background + (base[:, None, None] * shaded - background) * neck
    return (bare + (cloth[:, None, None] * folds - bare) * body).float()
