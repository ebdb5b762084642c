r"""From draws to light: the head lit, its skin coloured by the blood in it, before the camera.

Each pixel's wave is late by its transit delay :math:`\tau`: by a Taylor series, or exactly where
that is too coarse.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.draw import Drawn
from pulsephase.synthetic.ejection import impulse_response, respond
from pulsephase.synthetic.face import grid_lines
from pulsephase.synthetic.motion import cover, framed
from pulsephase.synthetic.pulse import Pulse, impulses_of
from pulsephase.synthetic.surface import Rays, Surface, cast, project, seen

# Where the series is left. No preset but `vessel` has poles beyond 27.2 /s (2.6 Hz at 200 bpm), and
# none of the others reaches 2 with slower ones (1.2 at the greatest delay of 2,500 faces). Error of
# what is left to the series, against the deviation of the wave, over the pixels of a face as they
# pulse, 200 clips each: `full` 0.8 % at the median, 17 % at worst; fast poles below 0.5 in `vessel`
# 0.8 % and 8 %. It lies at the beats, where the slope of the wave jumps. Above 3 it would be 31 %
# and 260 %, with spikes of many times the wave.
FAST_PER_S = 28.0
FAST_REACH, REACH = 0.5, 2.0
DELAYS = 17


class Waves(NamedTuple):
    """The wave at evenly spaced delays.

    Attributes:
        table: Blood volume at the frames.
        first_s: The smallest delay.
        step_s: From one to the next.
    """

    table: Float[Tensor, "time delays"]
    first_s: float
    step_s: float


def fastest_pole(pulse: Pulse) -> float:
    """Return the modulus of the oscillator's fastest pole, in 1/s."""
    square = pulse.alpha**2 / 4 - pulse.omega**2
    return pulse.omega if square < 0 else pulse.alpha / 2 + math.sqrt(square)


def delayed(
    pulse: Pulse, times_s: Float[Tensor, " time"], delay_s: Float[Tensor, "rows columns"]
) -> Waves | None:
    """Return the wave at the delays of a face, or nothing where the series will do.

    Args:
        pulse: Of the clip.
        times_s: Its frame times.
        delay_s: Map of the delay over the face; positive where the pulse comes late.
    """
    rate, reach_s = fastest_pole(pulse), float(delay_s.abs().max())
    if rate * reach_s <= (FAST_REACH if rate > FAST_PER_S else REACH):
        return None
    low, high = float(delay_s.min()), float(delay_s.max())
    delays = torch.linspace(low, high, DELAYS, dtype=torch.float64)
    table = volume_at(pulse, (times_s[:, None] - delays).flatten()).view(len(times_s), DELAYS)
    return Waves(table, low, max((high - low) / (DELAYS - 1), 1e-9))


def volume_at(pulse: Pulse, times_s: Float[Tensor, " other"]) -> Float[Tensor, " other"]:
    """Return z at any times within a clip, exactly: each from the state at the impulse before it.

    The same as :func:`pulsephase.synthetic.pulse.wave_at` but for rounding, in a time that does not
    grow with the number of beats.
    """
    alpha, omega = pulse.alpha, pulse.omega
    if pulse.held is not None:
        return respond(pulse.held, times_s, alpha=alpha, omega=omega)[0] - pulse.mean
    kicks, weights = impulses_of(pulse)
    kicks, order = kicks.sort()
    gaps = kicks.diff()
    h, dh = impulse_response(gaps, alpha=alpha, omega=omega)
    dh = torch.where(gaps > 0, dh, 1.0)  # two impulses at once: nothing happens in between
    z, dz = 0.0, float(weights[order[0]])
    states = [(0.0, 0.0), (z, dz)]  # at rest before the first
    for push, *step in zip(weights[order[1:]].tolist(), h.tolist(), dh.tolist(), strict=True):
        respond_h, respond_dh = step
        z, dz = (
            z * (respond_dh + alpha * respond_h) + dz * respond_h,
            dz * respond_dh - omega**2 * respond_h * z + push,
        )
        states.append((z, dz))
    count = torch.searchsorted(kicks, times_s)  # impulses before each time
    late = (times_s - kicks[(count - 1).clamp(min=0)]).clamp(min=0.0)
    before = torch.tensor(states, dtype=torch.float64)[count]
    h, dh = impulse_response(late, alpha=alpha, omega=omega)
    return before[:, 0] * (dh + alpha * h) + before[:, 1] * h - pulse.mean


def seen_at(
    waves: Waves, part: slice, delay_s: Float[Tensor, "time height width"]
) -> Float[Tensor, "time height width"]:
    """Return the blood volume of each pixel in some frames: between two delays, a line."""
    place = (delay_s.flatten(1) - waves.first_s) / waves.step_s
    low = place.floor().clamp_(0, waves.table.shape[1] - 2)
    share, index = place.sub_(low).clamp_(0, 1), low.long()
    table = waves.table[part]
    between = torch.lerp(table.gather(1, index), table.gather(1, index + 1), share)
    return between.view_as(delay_s)


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
