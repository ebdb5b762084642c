"""The head: an ellipsoid, and maps on it (albedo, perfusion, delay, gloss, hair and features).

Glasses and a strand of hair may hide skin.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.config import FaceRanges
from pulsephase.synthetic.streams import Stream

RESOLUTION = 64
CHANNELS = ("red", "green", "blue", "perfusion", "delay_s", "gloss", "other", "lids", "lips")


class Face(NamedTuple):
    """One identity.

    Attributes:
        maps: The channels of ``CHANNELS`` over the face, left to right and top to bottom: log
            albedo offsets, perfusion (mean 1 over skin), transit delay in s, gloss, share of what
            is no skin (hair, eyes, brows), eyelids, lips.
        axes: Half axes of the ellipsoid, in units of half the crop at fill 1.
        fill: Size of the head in the crop.
        hair_rgb: Linear colour of hair and features.
        glasses: Whether glasses are worn.
        strand: Whether a strand of hair hangs across.
    """

    maps: Float[Tensor, "9 rows columns"]
    axes: Float[Tensor, " 3"]
    fill: float
    hair_rgb: Float[Tensor, " 3"]
    glasses: bool = False
    strand: bool = False


def texture(
    draw: Stream, channels: int, height: int, width: int
) -> Float[Tensor, "channels height width"]:
    """Return smooth noise over several octaves, about unit standard deviation."""
    total = torch.zeros(channels, height, width)
    for octave, grid in enumerate((3, 6, 12, 24, 48)):
        coarse = draw.normal(channels, grid, grid).float() / (1.6 * (1 + octave))
        total += _stretch(grid, height) @ coarse @ _stretch(grid, width).T
    return total


@lru_cache(maxsize=64)
def _stretch(coarse: int, fine: int) -> Float[Tensor, "fine coarse"]:
    """Return the matrix that interpolates between points, the ends kept."""
    place = torch.linspace(0, coarse - 1, fine, dtype=torch.float64)
    return (1 - (place[:, None] - torch.arange(coarse)).abs()).clamp(min=0).float()


def sample_face(seed: int, ranges: FaceRanges) -> Face:
    """Draw an identity."""
    draw = Stream(seed, "face")
    line = torch.linspace(-1.0, 1.0, RESOLUTION)
    y = line[:, None]

    def blob(cx: float, cy: float, sx: float, sy: float, jitter: float = 0.04) -> Tensor:
        aside, along = draw.uniform(-jitter, jitter, 2).tolist()
        wide, high = draw.uniform(0.7, 1.3, 2).tolist()
        across = ((line - (aside + cx)) / (wide * sx)).square()
        down = ((line - (along + cy)) / (high * sy)).square()
        return torch.sigmoid(6 - 6 * (across + down[:, None]))

    eye_x, eye_y = float(draw.uniform(0.20, 0.27)), float(draw.uniform(-0.22, -0.08))
    eyes = blob(-eye_x, eye_y, 0.11, 0.06, 0.01) + blob(eye_x, eye_y, 0.11, 0.06, 0.01)
    sockets = blob(-eye_x, eye_y - 0.05, 0.18, 0.14, 0.01)
    sockets = sockets + blob(eye_x, eye_y - 0.05, 0.18, 0.14, 0.01)
    brow_y = eye_y - 0.17
    brows = blob(-eye_x, brow_y, 0.16, 0.045, 0.02) + blob(eye_x, brow_y, 0.16, 0.045, 0.02)
    lips = blob(0.0, 0.45, 0.18, 0.06)
    nose, cheeks = blob(0.0, 0.0, 0.06, 0.3), blob(-0.33, 0.22, 0.22, 0.25)
    cheeks = cheeks + blob(0.33, 0.22, 0.22, 0.25)
    forehead = blob(0.0, -0.45, 0.4, 0.2)
    hairline = draw.uniform(0.45, 0.75) - 0.12 * texture(draw, 1, RESOLUTION, RESOLUTION)[0]
    hair = torch.sigmoid(14 * (-y - hairline))
    bearded = draw.chance(ranges.beard_probability)
    beard = blob(0.0, 0.65, 0.35, 0.3) * float(draw.uniform(0.3, 1.0)) * bearded * (1 - lips)
    other = (eyes + brows + hair + beard).clamp(0, 1)
    mottle = texture(draw, 3, RESOLUTION, RESOLUTION)
    pigment, redness = mottle[:2] * draw.uniform(0.02, 0.12)
    redness = redness + 0.25 * draw.uniform(0.0, 1.0) * (cheeks + 1.5 * lips)
    nostrils = blob(0.0, 0.24, 0.09, 0.03, 0.01)
    shadow = draw.uniform(0.1, 0.4) * sockets + 0.25 * lips + draw.uniform(0.2, 0.5) * nostrils
    albedo = torch.stack(
        [
            -0.4 * pigment - 0.12 * redness,
            -0.8 * pigment - 0.5 * redness,
            -1.2 * pigment - 0.4 * redness,
        ]
    )
    albedo = albedo - shadow
    more = ranges.perfusion_spread * draw.uniform(0.0, 1.0, 2)
    perfusion = (0.45 + more[0] * cheeks + more[1] * forehead + 0.2 * mottle[2]).clamp(min=0.02)
    perfusion = perfusion * (1 - other)
    perfusion = perfusion / perfusion.sum() * (1 - other).sum()
    delay = y * draw.uniform(-0.5, 0.5) + 0.3 * texture(draw, 1, RESOLUTION, RESOLUTION)[0]
    delay = delay * draw.uniform(*ranges.delay_s)
    gloss = 0.3 + 0.4 * nose + 0.3 * forehead
    gloss = (gloss + 0.1 * texture(draw, 1, RESOLUTION, RESOLUTION)[0]).clamp(min=0)
    axes = torch.stack([draw.uniform(0.68, 0.85), draw.uniform(0.9, 1.05), draw.uniform(0.7, 0.95)])
    brightness = draw.log_uniform(0.01, 0.15)
    tint = torch.tensor([1.15, 1.0, 0.85], dtype=torch.float64) * (1 + 0.12 * draw.normal(3))
    maps = torch.stack([*albedo, perfusion, delay, gloss, other, eyes.clamp(max=1), lips])
    return Face(
        maps=maps.float(),
        axes=axes,
        fill=float(draw.uniform(*ranges.fill)),
        hair_rgb=(brightness * tint.clamp(min=0.2)),
    )


def grid_lines(height: int, width: int) -> tuple[Float[Tensor, " width"], Float[Tensor, " height"]]:
    """Return the pixel centres across and down, in half heights from the middle."""
    across = ((torch.arange(width) + 0.5) * 2 - width) / height
    down = ((torch.arange(height) + 0.5) * 2 - height) / height
    return across, down


COVERED, EYES = 6, 7  # channels of the maps


def with_worn(seed: int, ranges: FaceRanges, face: Face) -> Face:
    """Return a face with glasses or a strand of hair, where the seed's draw has them."""
    glasses = Stream(seed, "glasses")
    if ranges.glasses_probability > 0 and glasses.chance(ranges.glasses_probability):
        face = _covered(face, _rims(glasses, face.maps[EYES]))._replace(glasses=True)
    strand = Stream(seed, "strand")
    if ranges.strand_probability > 0 and strand.chance(ranges.strand_probability):
        face = _covered(face, _strand(strand, len(face.maps[COVERED])))._replace(strand=True)
    return face


def _covered(face: Face, cover: Float[Tensor, "rows columns"]) -> Face:
    maps = face.maps.clone()
    maps[COVERED] = torch.maximum(maps[COVERED], cover.to(maps))
    return face._replace(maps=maps)


def _rims(draw: Stream, eyes: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Return two rims about the eyes, a bridge and two temples."""
    line = torch.linspace(-1.0, 1.0, len(eyes), dtype=torch.float64)
    x, y = line[None, :], line[:, None]
    right = eyes.double() * (x > 0)
    eye_x, eye_y = (float((right * place).sum() / right.sum()) for place in (x, y))
    wide, high = float(draw.uniform(0.17, 0.21)), float(draw.uniform(0.11, 0.16))
    thick = float(draw.uniform(0.10, 0.2))
    radius = (((x.abs() - eye_x) / wide).square() + ((y - eye_y) / high).square()).sqrt()
    rims = torch.sigmoid(30 * (thick - (radius - 1).abs()))
    bar = torch.sigmoid(150 * (0.025 - (y - eye_y).abs()))
    return torch.maximum(rims, bar * (radius > 1))


def _strand(draw: Stream, points: int) -> Float[Tensor, "rows columns"]:
    """Return a strand that falls from the hair to the height of eyes or mouth."""
    line = torch.linspace(-1.0, 1.0, points, dtype=torch.float64)
    x, y = line[None, :], line[:, None]
    start, slant = draw.uniform(-0.5, 0.5), draw.uniform(-0.4, 0.4)
    wide, low = draw.uniform(0.05, 0.12), draw.uniform(-0.2, 0.4)
    aside = (x - start - slant * (y + 0.6)).abs()
    return torch.sigmoid(60 * (wide - aside)) * torch.sigmoid(30 * (low - y))
