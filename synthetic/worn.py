"""What may hide skin beside the hair: glasses, and a strand of hair across the face.

Each has a stream of its own, so that no other draw depends on it, and covers the map of what is no
skin; it has the colour of the hair. Lenses are clear: a rim hides skin, a lens does not.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.config import FaceRanges
from pulsephase.synthetic.face import Face
from pulsephase.synthetic.streams import Stream

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
