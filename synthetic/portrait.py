"""A face fine enough to be seen at the size of a scene, and to be found by a face detector.

The maps are those of the crops (see :data:`pulsephase.synthetic.face.CHANNELS`), drawn again at a
higher resolution and alike on both sides. Coordinates: ``x`` is the angle around the head over 90
degrees, left to right; ``y`` runs from crown (-1) to chin (1).
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pulsephase.synthetic.config import FaceRanges
from pulsephase.synthetic.face import Face, sample_face, texture
from pulsephase.synthetic.streams import Stream

FINE = 192
Map = Float[Tensor, "192 192"]

_LINE = torch.linspace(-1.0, 1.0, FINE, dtype=torch.float64)
X, Y = _LINE[None, :].expand(FINE, FINE), _LINE[:, None].expand(FINE, FINE)


def _spot(x: float, y: float, wide: float, high: float, *, bend: float = 0.0) -> Map:
    """Return a soft ellipse; ``bend`` lifts its middle above its ends."""
    across = (X - x) / wide
    along = (Y - y - bend * across.square()) / high
    return torch.sigmoid(8 * (1 - across.square() - along.square()))


def _pair(x: float, y: float, wide: float, high: float, *, bend: float = 0.0) -> Map:
    return _spot(-x, y, wide, high, bend=bend) + _spot(x, y, wide, high, bend=bend)


def portrait(seed: int, ranges: FaceRanges) -> Face:
    """Draw an identity: shape, hair colour and pulse maps of the crop's face, features of its own.

    Args:
        seed: Of the clip.
        ranges: What may vary; a beard and the spread of the perfusion among it.

    Returns:
        A face whose maps have 192 x 192 points.
    """
    face = sample_face(seed, ranges)
    draw = Stream(seed, "portrait")
    eye_x, eye_y = float(draw.uniform(0.24, 0.29)), float(draw.uniform(-0.14, -0.06))
    lip_y, lip_wide = float(draw.uniform(0.44, 0.50)), float(draw.uniform(0.14, 0.19))
    iris = _pair(eye_x, eye_y, 0.045, 0.048)
    lashes = _pair(eye_x, eye_y - 0.045, 0.115, 0.018, bend=0.03)
    white = (_pair(eye_x, eye_y, 0.10, 0.042) - iris).clamp(min=0)
    lift, thick = float(draw.uniform(0.13, 0.17)), float(draw.uniform(0.016, 0.03))
    brows = _pair(eye_x + 0.01, eye_y - lift, 0.15, thick, bend=0.03)
    lips = _spot(0.0, lip_y, lip_wide, 0.05)
    hair = _hair(draw)
    beard = _beard(draw, ranges.beard_probability, lip_y) * (1 - lips)
    other = (iris + 0.8 * lashes + 0.85 * brows + hair + beard).clamp(0, 1)
    shadow = _shadow(draw, eye_x, eye_y, lip_y, lip_wide) - 0.35 * white
    mottle = texture(draw, 3, FINE, FINE)
    pigment, redness = mottle[:2] * draw.uniform(0.02, 0.08)
    cheeks = _pair(0.36, 0.22, 0.2, 0.2)
    redness = redness + 0.25 * draw.uniform(0.0, 1.0) * cheeks + 0.45 * lips
    albedo = [-0.4 * pigment - 0.12 * redness, -0.8 * pigment - 0.5 * redness]
    albedo.append(-1.2 * pigment - 0.4 * redness)
    perfusion, delay, gloss = _stretched(face.maps[3:6].double()) * torch.stack(
        [(1 - other) * (1 - white), torch.ones_like(X), torch.ones_like(X)]
    )
    bare = (1 - other).clamp(min=0)
    perfusion = perfusion / perfusion.sum() * bare.sum()
    lids = _pair(eye_x, eye_y, 0.12, 0.06).clamp(max=1)
    maps = [*(layer - shadow for layer in albedo), perfusion, delay, gloss, other, lids, lips]
    return face._replace(maps=torch.stack(maps).float())


def _stretched(maps: Float[Tensor, "3 64 64"]) -> Float[Tensor, "3 192 192"]:
    fine: Tensor = functional.interpolate(
        maps[None], (FINE, FINE), mode="bilinear", align_corners=True
    )[0]
    return fine


def _hair(draw: Stream) -> Map:
    """Return the hair: a cap with a fringe, short or long at the sides."""
    line = draw.uniform(0.52, 0.68) - 0.04 * texture(draw, 1, FINE, FINE)[0]
    part, fringe = draw.uniform(-0.5, 0.5), draw.uniform(-0.08, 0.05)
    front = -line + fringe * torch.cos(3 * (X - part))
    low = 0.7 if draw.chance(0.4) else float(draw.uniform(-0.15, 0.15))
    sides = (low - front) * torch.sigmoid(30 * (X.abs() - draw.uniform(0.66, 0.76)))
    return torch.sigmoid(30 * (front + sides - Y))


def _beard(draw: Stream, probability: float, lip_y: float) -> Map:
    """Return stubble or beard along the jaw and above the lips."""
    worn = float(draw.uniform(0.15, 0.8)) * draw.chance(probability)
    jaw = torch.sigmoid(25 * (Y - 0.62 + 0.35 * (X.abs() - 0.2))) * torch.sigmoid(
        20 * (0.85 - X.abs())
    )
    return worn * (jaw + _spot(0.0, lip_y - 0.10, 0.2, 0.035)).clamp(max=1)


def _shadow(draw: Stream, eye_x: float, eye_y: float, lip_y: float, lip_wide: float) -> Map:
    """Return how much darker the relief of the face makes it, as a logarithm."""
    sockets = _pair(eye_x, eye_y - 0.03, 0.19, 0.12) + 0.5 * _spot(0.0, eye_y, 0.2, 0.07)
    flanks = _pair(0.085, 0.1, 0.035, 0.17)
    ridge = _spot(0.0, 0.05, 0.035, 0.2)
    nostrils = _pair(0.045, 0.245, 0.03, 0.018)
    under = _spot(0.0, 0.275, 0.11, 0.03)
    mouth = _spot(0.0, lip_y, lip_wide, 0.012)
    chin = _spot(0.0, lip_y + 0.12, 0.12, 0.035)
    jaw = torch.sigmoid(14 * (Y - 0.86))
    return (
        draw.uniform(0.25, 0.5) * sockets
        + draw.uniform(0.08, 0.2) * flanks
        - 0.12 * ridge
        + 0.9 * nostrils
        + 0.2 * under
        + 0.7 * mouth
        + 0.12 * chin
        + 0.35 * jaw
    )
