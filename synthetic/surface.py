r"""What each pixel sees of the posed head: rays at an ellipsoid, by one matrix product.

In weak perspective the foot of a ray is affine in the pixel's place :math:`(X, Y)`, so that the
discriminant of its intersection with the ellipsoid and the squared length of the normal are
quadratic, and every coordinate of the point that is hit is :math:`p_0+p_1X+p_2Y+s\,p_3` with
:math:`s` the root of the discriminant. Few numbers a frame then say everything about its pixels.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pulsephase.synthetic.face import Face

EDGE = 60.0  # steepness of the outline
ROUND = 1e-6  # added to the squared length of the normal


class Surface(NamedTuple):
    """What each pixel sees of the head, for a stretch of frames.

    Attributes:
        mask: Share of the pixel that is head.
        where: Place on the face's maps, across and down, from -1 to 1.
        facing: Cosine of the angle between the normal and each direction, at least 0.
    """

    mask: Float[Tensor, "time height width"]
    where: Float[Tensor, "time height width 2"]
    facing: Float[Tensor, "direction time height width"]


class Rays(NamedTuple):
    """All that the pixels of a clip need to know of each frame's pose.

    Attributes:
        numbers: For each function of the place, its coefficients of 1, X, Y, X^2, XY, Y^2.
        slopes: Of the last ones, how they grow with the root of the discriminant.
        ahead: How the squared length of the normal grows with the discriminant.
    """

    numbers: Float[Tensor, "function time 6"]
    slopes: Float[Tensor, "axis_or_direction time 1"]
    ahead: Float[Tensor, "time 1"]


def cast(face: Face, pose: Float[Tensor, "6 time"], towards: Float[Tensor, "direction 3"]) -> Rays:
    """Aim the rays of every frame at the posed ellipsoid (weak perspective).

    Args:
        face: The identity.
        pose: Yaw, pitch, roll in rad, shift right and down in half heights, log scale.
        towards: Unit vectors (right, down, to the camera) that the normal is compared with.
    """
    inverse = 1 / face.axes.square()
    discriminant, point, slope, turn = _hit(face, pose, inverse)
    steep = inverse.square()
    lean = towards @ (turn * inverse)  # time, direction, 3
    rows = [
        discriminant,
        _square(point, steep) + torch.tensor([ROUND, 0, 0, 0, 0, 0]).to(steep),
        functional.pad(2 * torch.einsum("k,tki,tk->ti", steep, point, slope), (0, 3)),
        *functional.pad((point / face.axes[:, None]).transpose(0, 1), (0, 3)),
        *functional.pad(torch.einsum("tdk,tki->dti", lean, point), (0, 3)),
    ]
    slopes = [*(slope / face.axes).T, *torch.einsum("tdk,tk->dt", lean, slope)]
    ahead = torch.einsum("k,tk,tk->t", steep, slope, slope)
    return Rays(
        torch.stack(rows).float(), torch.stack(slopes).float()[..., None], ahead.float()[:, None]
    )


def project(
    rays: Rays,
    part: slice,
    *,
    across: Float[Tensor, " width"],
    down: Float[Tensor, " height"],
) -> Surface:
    """Follow the ray through each pixel of some frames.

    Args:
        rays: Of the clip.
        part: Which frames.
        across: Pixel centres, in half heights of the frame from its middle.
        down: Likewise.
    """
    numbers = rays.numbers[:, part]
    device = numbers.device
    across, down = across.to(device), down.to(device)
    shape = (numbers.shape[1], len(down), len(across))
    pixels = (numbers.flatten(0, 1) @ _basis(across, down)).view(*numbers.shape[:2], -1)
    inside = pixels[0]
    square = inside.clamp(min=0)
    root = square.sqrt()
    pixels[3:].addcmul_(root, rays.slopes[:, part])
    length = pixels[1].addcmul_(root, pixels[2]).addcmul_(square, rays.ahead[part])
    facing = pixels[6:].mul_(length.rsqrt_()).clamp_(min=0)
    where = torch.empty(*inside.shape, 2, device=device)
    torch.mul(torch.atan2(pixels[3], pixels[5].clamp_(min=0.05)), 2 / math.pi, out=where[..., 0])
    where[..., 1] = pixels[4]
    mask = torch.sigmoid(inside.mul_(EDGE))
    return Surface(mask.view(shape), where.view(*shape, 2), facing.view(-1, *shape))


def seen(
    maps: Float[Tensor, "channel rows columns"], surface: Surface
) -> Float[Tensor, "channel time height width"]:
    """Return maps of the face as the pixels see them."""
    time, height, width = surface.mask.shape
    found: Tensor = functional.grid_sample(
        maps[None],
        surface.where.view(1, time * height, width, 2),
        align_corners=True,
        padding_mode="border",
    )
    return found.view(-1, time, height, width)


def _hit(
    face: Face, pose: Float[Tensor, "6 time"], inverse: Float[Tensor, " 3"]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return discriminant and point as functions of 1, X, Y; its slope; and the head's pose."""
    yaw, pitch, roll, right, drop, zoom = pose.double()
    scale = torch.exp(-zoom) / face.fill
    zero = torch.zeros_like(yaw)
    cr, sr = roll.cos(), roll.sin()
    x = torch.stack([-right * cr - drop * sr, cr, sr], -1) * scale[:, None]
    y = torch.stack([-drop * cr + right * sr, -sr, cr], -1) * scale[:, None]
    cy, sy, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    entries = [cy, -sy * sp, sy * cp, zero, cp, sp, -sy, -cy * sp, cy * cp]
    turn = torch.stack(entries, -1).view(-1, 3, 3)
    foot = turn[:, 0, :, None] * x[:, None] + turn[:, 1, :, None] * y[:, None]
    ray = turn[:, 2]
    a = (ray.square() * inverse).sum(1)
    b = torch.einsum("tki,tk->ti", foot, ray * inverse)
    c = _square(foot, inverse)
    c[:, 0] -= 1
    discriminant = _square(b[:, None], torch.ones_like(inverse[:1])) - a[:, None] * c
    slope = ray / a[:, None]
    rolled = torch.stack([cr, -sr, zero, sr, cr, zero, zero, zero, zero + 1], -1).view(-1, 3, 3)
    return discriminant, foot - slope[..., None] * b[:, None], slope, rolled @ turn


def _square(
    affine: Float[Tensor, "time axis 3"], weights: Float[Tensor, " axis"]
) -> Float[Tensor, "time 6"]:
    """Return the weighted sum of squares of affine functions, as 1, X, Y, X^2, XY, Y^2."""
    both = torch.einsum("tki,tkj,k->tij", affine, affine, weights)
    return torch.stack(
        [
            both[:, 0, 0],
            2 * both[:, 0, 1],
            2 * both[:, 0, 2],
            both[:, 1, 1],
            2 * both[:, 1, 2],
            both[:, 2, 2],
        ],
        1,
    )


def _basis(
    across: Float[Tensor, " width"], down: Float[Tensor, " height"]
) -> Float[Tensor, "6 pixels"]:
    x = across.expand(len(down), len(across)).flatten()
    y = down[:, None].expand(len(down), len(across)).flatten()
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y])
