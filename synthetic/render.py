"""One clip from one seed: draw each layer, then render, without a loop over frames."""

from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Num
from torch import Tensor

from pulsephase.errors import ParameterError
from pulsephase.synthetic.camera import (
    Camera,
    compress,
    gain_of,
    levels_of,
    rounded,
    sample_camera,
)
from pulsephase.synthetic.config import BackgroundRanges, SynthConfig
from pulsephase.synthetic.face import Face, grid_lines, sample_face, texture
from pulsephase.synthetic.light import Light, sample_light
from pulsephase.synthetic.motion import Motion, sample_motion
from pulsephase.synthetic.mover import Mover, cover, sample_mover
from pulsephase.synthetic.pulse import Pulse, sample_pulse
from pulsephase.synthetic.skin import Skin, sample_skin
from pulsephase.synthetic.streams import Stream
from pulsephase.synthetic.surface import Rays, Surface, cast, project, seen
from pulsephase.synthetic.worn import with_worn
from pulsephase.video.clip import Clip, Truth

PIXELS_AT_ONCE = 40_000  # a few such maps stay in the cache of one core
MOUTH_DARKNESS = 0.8
SHEEN = 0.025  # what skin throws back in every direction
# The face box against the ellipsoid's half axes, and the depth at which features lie: fitted to
# what a frontal detector boxes in scenes.
BOX_WIDTH, BOX_HEIGHT, BOX_DOWN, FEATURES_DEEP = 1.75, 1.36, 0.05, 0.9


class Drawn(NamedTuple):
    """Everything that was drawn for a clip, before any pixel."""

    seed: int
    times_s: Float[Tensor, " time"]
    pulse: Pulse
    alive: bool
    skin: Skin
    face: Face
    motion: Motion
    light: Light
    background: Float[Tensor, "3 height width"]
    mover: Mover | None
    camera: Camera


def draw_clip(seed: int, config: SynthConfig, *, height: int, width: int) -> Drawn:
    """Draw every layer of a clip.

    Raises:
        ParameterError: If the seed is negative.
    """
    if seed < 0:
        raise ParameterError(f"seed is {seed}; it must be at least 0")
    times_s = sample_times(seed, config)
    pulse = sample_pulse(seed, config.pulse, times_s)
    skin = sample_skin(seed, config.skin, config.light)
    return Drawn(
        seed=seed,
        times_s=times_s,
        pulse=pulse,
        alive=not Stream(seed, "alive").chance(config.no_pulse_probability),
        skin=skin,
        face=with_worn(seed, config.face, sample_face(seed, config.face)),
        motion=sample_motion(seed, config.motion, times_s, pulse),
        light=sample_light(seed, config.light, times_s),
        background=sample_background(seed, config.background, skin, height, width),
        mover=sample_mover(seed, config.background, skin, times_s),
        camera=sample_camera(seed, config.camera, config.codec, times_s),
    )


def sample_times(seed: int, config: SynthConfig) -> Float[Tensor, " time"]:
    """Return the frame times in s: an even grid, displaced where the camera's clock jitters."""
    even = torch.arange(config.frames, dtype=torch.float64) / config.sample_hz
    jitter = config.camera.time_jitter
    if jitter == 0:
        return even
    moved = Stream(seed, "times").uniform(-jitter, jitter, config.frames) / config.sample_hz
    moved[0] = 0.0
    return even + moved


def sample_background(
    seed: int, ranges: BackgroundRanges, skin: Skin, height: int, width: int
) -> Float[Tensor, "3 height width"]:
    """Draw what is behind the head: a coloured texture, at times of the colour of skin."""
    draw = Stream(seed, "background")
    grey = 0.35 + 0.2 * texture(draw, 1, height, width) + 0.1 * draw.normal(3, 1, 1)
    plain = (grey + 0.1 * texture(draw, 3, height, width)).clamp(0.02, 1)
    plain = plain * draw.uniform(*ranges.brightness)
    mottle = (1 + 0.2 * texture(draw, 3, height, width)).clamp(min=0.1)
    fleshy = skin.base[:, None, None] * mottle
    return (fleshy if draw.chance(ranges.skin_probability) else plain).float()


def render(seed: int, config: SynthConfig, *, device: torch.device | str = "cpu") -> Clip:
    """Render a clip: the same seed and config give the same clip, to the bit, on one CPU.

    Args:
        seed: Of the clip, at least 0.
        config: What may vary.
        device: Where the pixels are worked out and the frames end up. All but the noise of the
            pixels is drawn on the CPU; on another device that noise is another of the same law.

    Returns:
        Frames in 0..1, times, pulse (zero mean, unit standard deviation, rising with blood volume;
        zeros where the clip has none), face boxes in pixels of the crop, and the truth.
    """
    return _render(seed, config, device)[0]


def render_with_maps(seed: int, config: SynthConfig, *, device: torch.device | str = "cpu") -> Clip:
    """Render a clip whose truth also holds the skin mask of each frame, the share in 0..1."""
    clip, masks = _render(seed, config, device)
    assert clip.truth is not None
    return replace(clip, truth=replace(clip.truth, skin_mask=masks))


def _render(
    seed: int, config: SynthConfig, device: torch.device | str
) -> tuple[Clip, Float[Tensor, "time height width"]]:
    size = config.size
    drawn = draw_clip(seed, config, height=size, width=size)
    staged, camera = prepare(drawn, device), drawn.camera
    noise = Stream(seed, "noise", device=device)
    frames = torch.empty(config.frames, 3, size, size, device=device)
    masks = torch.empty(config.frames, size, size, device=device)
    gain = camera.fixed_gain
    for part in parts(config.frames, size**2):
        linear, masks[part] = shade(staged, part)
        gain = gain or gain_of(linear[:, 0], masks[part][0], camera)
        levels_of(linear, camera, part, gain=gain, noise=noise, out=frames[part])
    if camera.step > 0:
        frames = compress(frames, step=camera.step)
    if camera.quantised:
        frames = rounded(frames, Stream(seed, "dither", device=device))
    frames.clamp_(0, 255).mul_(1 / 255)
    if camera.repeated.any():
        shown = torch.where(camera.repeated, 0, torch.arange(config.frames)).cummax(0).values
        frames, masks = frames[shown.to(device)], masks[shown.to(device)]
    return clip_of(drawn, frames, slice(0, config.frames)), masks


def parts(frames: int, pixels: int, *, at_once: int = PIXELS_AT_ONCE) -> list[slice]:
    """Return stretches of frames, each small enough for one core's cache."""
    length = max(1, at_once // pixels)
    return [slice(at, min(at + length, frames)) for at in range(0, frames, length)]


def clip_of(drawn: Drawn, frames: Num[Tensor, "time 3 height width"], part: slice) -> Clip:
    """Put frames together with their truth."""
    return Clip(
        frames=frames,
        times_s=drawn.times_s[part],
        pulse=(drawn.pulse.z[part] * drawn.alive).float(),
        boxes=_boxes(drawn, part, *frames.shape[2:]),
        source=f"synthetic seed {drawn.seed}",
        truth=_truth(drawn, part),
    )


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

    rays = cast(drawn.face, drawn.motion.pose, towards)
    return Staged(
        drawn=drawn,
        maps=placed(maps, trailing=0),
        behind=placed(drawn.background[:, None], trailing=0),
        rays=Rays(*(placed(values, trailing=0) for values in rays)),
        light=placed(drawn.light.tracks, trailing=2),
        volume=placed(volume, trailing=2),
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
    behind, mover = staged.behind[:, :, *window] * light, staged.drawn.mover
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
    """Return skin as Beer-Lambert has it, with each pixel's delay to second order."""
    z, fall, bend = staged.volume[:, part]
    delay = maps[4]
    volume = torch.addcmul(fall, delay, bend).mul_(delay).add_(z).mul_(maps[3])
    return torch.addcmul(maps[:3], staged.strength, volume).exp_()


def _boxes(drawn: Drawn, part: slice, height: int, width: int) -> Float[Tensor, "time 4"]:
    """Return the box from the forehead to below the mouth, cheek to cheek, in pixels.

    Where the head turns, the box goes with the features.
    """
    yaw, pitch, _, right, down, zoom = drawn.motion.pose[:, part]
    half = height / 2
    scale = drawn.face.fill * zoom.exp() * half
    wide, high, deep = (float(axis) for axis in drawn.face.axes)
    box_width, box_height = BOX_WIDTH * wide * scale, BOX_HEIGHT * high * scale
    aside = FEATURES_DEEP * deep * yaw.sin() * scale
    below = (FEATURES_DEEP * deep * pitch.sin() + BOX_DOWN * high) * scale
    left = width / 2 + right * half + aside - box_width / 2
    top = height / 2 + down * half + below - box_height / 2
    return torch.stack([left, top, box_width, box_height], 1).float()


def _truth(drawn: Drawn, part: slice) -> Truth:
    pulse, skin, times_s = drawn.pulse, drawn.skin, drawn.times_s[part]
    inside = (pulse.beat_times_s >= times_s[0]) & (pulse.beat_times_s <= times_s[-1])
    return Truth(
        heart_rate_bpm=pulse.heart_rate_bpm[part],
        beat_times_s=pulse.beat_times_s[inside],
        parameters={
            "has_pulse": float(drawn.alive),
            "amplitude": pulse.amplitude,
            "alpha_per_s": pulse.alpha,
            "omega_rad_per_s": pulse.omega,
            "reflection": pulse.reflection,
            "reflection_delay_s": pulse.reflection_delay_s,
            "breathing_hz": pulse.breathing_hz,
            "ectopic_beats": float(pulse.ectopic),
            "glasses": float(drawn.face.glasses),
            "strand": float(drawn.face.strand),
            "melanin": skin.melanin,
            "blood": skin.blood,
            "oxygenation": skin.oxygenation,
            "motion_scale": drawn.motion.scale,
            "rhythmic_motion_hz": drawn.motion.rhythmic_hz,
            "flicker_hz": drawn.light.flicker_hz,
            "noise": drawn.camera.noise,
            "gamma": drawn.camera.gamma,
            "codec_step_levels": drawn.camera.step,
        },
    )
