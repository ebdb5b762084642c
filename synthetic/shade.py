"""From draws to light: the head lit, its skin coloured by the blood in it, before the camera."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.draw import Drawn
from pulsephase.synthetic.face import grid_lines
from pulsephase.synthetic.mover import cover
from pulsephase.synthetic.shake import framed
from pulsephase.synthetic.surface import Rays, Surface, cast, project, seen
from pulsephase.synthetic.transit import Waves, delayed, seen_at

MOUTH_DARKNESS = 0.8
SHEEN = 0.025  # what skin throws back in every direction
WHOLE = (slice(None), slice(None))


class Staged(NamedTuple):
    """A clip ready to be shaded: what of its draws concerns pixels, in their precision.

    Attributes:
        drawn: The clip.
        maps: The face, its albedo as the logarithm of the skin's RGB.
        behind: The background.
        rays: Poses as functions of the pixel's place.
        light: Linear RGB of ambient light and lamps.
        volume: Blood volume and its two derivatives.
        waves: The volume at the delays of the face, or none where derivatives will do.
        strength: Change of the logarithm of RGB with the volume.
        dark: RGB of hair and features.
        features: By how much the lids are shut, and the mouth is open.
    """

    drawn: Drawn
    maps: Float[Tensor, "9 rows columns"]
    behind: Float[Tensor, "3 1 height width"]
    rays: Rays
    light: Float[Tensor, "3 3 time 1 1"]
    volume: Float[Tensor, "3 time 1 1"]
    waves: Waves | None
    strength: Float[Tensor, "3 1 1 1"]
    dark: Float[Tensor, "3 1 1 1"]
    features: Float[Tensor, "2 time 1 1"]


def prepare(drawn: Drawn, device: torch.device | str = "cpu") -> Staged:
    """Work out once a clip what all its pixels share, and put it where they are."""
    pulse, skin = drawn.pulse, drawn.skin
    half = drawn.light.towards[:1] + torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    towards = torch.cat([drawn.light.towards, half / half.norm()])
    darker = torch.minimum(drawn.face.hair_rgb, 0.7 * skin.base)  # hair is darker than skin
    strength = pulse.amplitude * drawn.alive * skin.direction
    maps = torch.cat([drawn.face.maps[:3] + skin.base.log()[:, None, None], drawn.face.maps[3:]])
    volume = torch.stack([pulse.z, -pulse.dz, 0.5 * pulse.ddz])
    features = torch.stack([drawn.motion.blink, drawn.motion.talk])

    def placed(values: Tensor, *, trailing: int) -> Tensor:
        return values.float().reshape(*values.shape, *[1] * trailing).to(device)

    waves = delayed(pulse, drawn.times_s, drawn.face.maps[4])
    rays = cast(drawn.face, drawn.motion.pose, towards)
    return Staged(
        drawn=drawn,
        maps=placed(maps, trailing=0),
        behind=placed(drawn.background[:, None], trailing=0),
        rays=Rays(*(placed(values, trailing=0) for values in rays)),
        light=placed(drawn.light.tracks, trailing=2),
        volume=placed(volume, trailing=2),
        waves=waves and waves._replace(table=placed(waves.table, trailing=0)),
        strength=placed(strength, trailing=3),
        dark=placed(darker, trailing=3),
        features=placed(features, trailing=2),
    )


def shade(
    staged: Staged, part: slice, window: tuple[slice, slice] = WHOLE
) -> tuple[Float[Tensor, "3 time height width"], Float[Tensor, "time height width"]]:
    """Return the linear light of some frames, and the share of each pixel that is skin.

    Args:
        staged: The clip.
        part: Which frames.
        window: Which rows and columns; the head must not reach beyond.
    """
    across, down = grid_lines(*staged.drawn.background.shape[1:])
    surface = project(staged.rays, part, across=across[window[1]], down=down[window[0]])
    head, bare = _shade(staged, surface, part)
    return surroundings(staged, part, window).lerp_(head, surface.mask), bare.mul_(surface.mask)


def surroundings(
    staged: Staged, part: slice, window: tuple[slice, slice] = WHOLE
) -> Float[Tensor, "3 time height width"]:
    """Return the linear light of what is behind the head."""
    light = staged.light[0, :, part] + 0.5 * staged.light[1, :, part]
    moved = framed(staged.behind, staged.drawn.shake, part)
    behind, mover = moved[:, :, *window] * light, staged.drawn.mover
    if mover is None:
        return behind
    across, down = grid_lines(*staged.drawn.background.shape[1:])
    return cover(behind, mover, part, light, across=across[window[1]], down=down[window[0]])


def _shade(
    staged: Staged, surface: Surface, part: slice
) -> tuple[Float[Tensor, "3 time height width"], Float[Tensor, "time height width"]]:
    """Light the skin and move the blood in it; return also where the head is bare."""
    drawn, facing, light = staged.drawn, surface.facing, staged.light[:, :, part]
    blink, talk = staged.features[:, part]
    moving = bool(drawn.motion.blink[part].any() or drawn.motion.talk[part].any())
    maps = seen(staged.maps if moving else staged.maps[:7], surface)
    covered = maps[6]
    bare = 1 - covered
    if moving:
        covered = covered * (1 - maps[7] * blink)
    face = _skin_colour(staged, maps, part).lerp_(staged.dark, covered)
    if moving:
        face *= 1 - maps[8] * (MOUTH_DARKNESS * talk)
    shine = facing[2].pow_(drawn.light.shine).mul_(maps[5]).mul_(drawn.light.gloss).add_(SHEEN)
    lit = torch.addcmul(light[0], light[1], facing[0]).addcmul_(light[2], facing[1])
    return face.mul_(lit).addcmul_(shine.mul_(1 - covered), light[1]), bare


def _skin_colour(
    staged: Staged, maps: Float[Tensor, "channel time height width"], part: slice
) -> Float[Tensor, "3 time height width"]:
    """Return skin as Beer-Lambert has it, with each pixel's delay."""
    delay = maps[4]
    if staged.waves is not None:
        volume = seen_at(staged.waves, part, delay)
    else:
        z, fall, bend = staged.volume[:, part]
        volume = torch.addcmul(fall, delay, bend).mul_(delay).add_(z)
    volume = volume.mul_(maps[3])
    return torch.addcmul(maps[:3], staged.strength, volume).exp_()
