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
from pulsephase.synthetic.face import Face, Surface, grid_lines, project, sample_face, texture
from pulsephase.synthetic.light import Light, sample_light
from pulsephase.synthetic.motion import Motion, sample_motion
from pulsephase.synthetic.pulse import Pulse, sample_pulse
from pulsephase.synthetic.skin import Skin, sample_skin
from pulsephase.synthetic.streams import Stream
from pulsephase.video.clip import Clip, Truth

PIXELS_AT_ONCE = 80_000  # a few such maps stay in the cache of one core
MOUTH_DARKNESS = 0.8
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
        face=sample_face(seed, config.face),
        motion=sample_motion(seed, config.motion, times_s, pulse),
        light=sample_light(seed, config.light, times_s),
        background=sample_background(seed, config.background, skin, height, width),
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


def render(seed: int, config: SynthConfig) -> Clip:
    """Render a clip: the same seed and config give the same clip, to the bit, on one machine.

    Args:
        seed: Of the clip, at least 0.
        config: What may vary.

    Returns:
        Frames in 0..1, times, pulse (zero mean, unit standard deviation, rising with blood volume;
        zeros where the clip has none), face boxes in pixels of the crop, and the truth.
    """
    return _render(seed, config)[0]


def render_with_maps(seed: int, config: SynthConfig) -> Clip:
    """Render a clip whose truth also holds the skin mask of each frame, the share in 0..1."""
    clip, masks = _render(seed, config)
    assert clip.truth is not None
    return replace(clip, truth=replace(clip.truth, skin_mask=masks))


def _render(seed: int, config: SynthConfig) -> tuple[Clip, Float[Tensor, "time height width"]]:
    drawn = draw_clip(seed, config, height=config.size, width=config.size)
    camera, noise = drawn.camera, Stream(seed, "noise")
    levels = torch.empty(3, config.frames, config.size, config.size)
    masks = torch.empty(config.frames, config.size, config.size)
    gain = camera.fixed_gain
    for part in parts(config.frames, config.size**2):
        linear, masks[part] = shade(drawn, part)
        gain = gain or gain_of(linear[:, 0], masks[part][0], camera)
        levels[:, part] = levels_of(linear, camera, part, gain=gain, noise=noise)
    if camera.step > 0:
        levels = compress(levels, step=camera.step)
    if camera.quantised:
        levels = rounded(levels, Stream(seed, "dither"))
    frames = levels.clamp_(0, 255).div_(255).transpose(0, 1)
    shown = torch.where(camera.repeated, 0, torch.arange(config.frames)).cummax(0).values
    clip = clip_of(drawn, frames[shown].contiguous(), slice(0, config.frames))
    return clip, masks[shown]


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


def shade(
    drawn: Drawn, part: slice, window: tuple[slice, slice] = WHOLE
) -> tuple[Float[Tensor, "3 time height width"], Float[Tensor, "time height width"]]:
    """Return the linear light of some frames, and the share of each pixel that is skin.

    Args:
        drawn: The clip.
        part: Which frames.
        window: Which rows and columns; the head must not reach beyond.
    """
    across, down = grid_lines(*drawn.background.shape[1:])
    surface = project(
        drawn.face, drawn.motion.pose[:, part], across=across[window[1]], down=down[window[0]]
    )
    behind = surroundings(drawn, part, window)
    head = _shade(drawn, surface, part)
    return behind + (head - behind) * surface.mask, surface.mask * (1 - surface.maps[6])


def surroundings(
    drawn: Drawn, part: slice, window: tuple[slice, slice] = WHOLE
) -> Float[Tensor, "3 time height width"]:
    """Return the linear light of what is behind the head."""
    tracks = drawn.light.tracks[:, :, part].float()[..., None, None]
    return drawn.background[:, None, *window] * (tracks[0] + 0.5 * tracks[1])


def _shade(drawn: Drawn, surface: Surface, part: slice) -> Float[Tensor, "3 time height width"]:
    """Light the skin and move the blood in it."""
    light, maps = drawn.light, surface.maps
    tracks = light.tracks[:, :, part].float()[..., None, None]
    lamps = [_lambert(surface.normal, towards) for towards in light.towards.tolist()]
    lit = tracks[0] + tracks[1] * lamps[0] + tracks[2] * lamps[1]
    skin = _skin_colour(drawn, maps, part)
    other, lids, lips = maps[6], maps[7], maps[8]
    darker = torch.minimum(drawn.face.hair_rgb, 0.7 * drawn.skin.base)  # hair is darker than skin
    hair = darker.float()[:, None, None, None]
    shut = lids * drawn.motion.blink[part].float()[:, None, None]
    covered = other * (1 - shut)
    face = skin + (hair - skin) * covered
    open_mouth = lips * drawn.motion.talk[part].float()[:, None, None]
    face = face * (1 - MOUTH_DARKNESS * open_mouth)
    half = torch.tensor(light.towards[0].tolist()) + torch.tensor([0.0, 0.0, 1.0])
    lobe = _lambert(surface.normal, (half / half.norm()).tolist()).pow(light.shine)
    shine = (maps[5] * lobe * light.gloss + 0.025) * (1 - covered)
    return face * lit + shine * tracks[1]


def _skin_colour(
    drawn: Drawn, maps: Float[Tensor, "9 time height width"], part: slice
) -> Float[Tensor, "3 time height width"]:
    """Return skin as Beer-Lambert has it, with each pixel's delay to second order."""
    pulse, skin = drawn.pulse, drawn.skin
    z, dz, ddz = (track[part].float()[:, None, None] for track in (pulse.z, pulse.dz, pulse.ddz))
    delay = maps[4]
    volume = (z - delay * dz + 0.5 * delay.square() * ddz) * maps[3]
    strength = pulse.amplitude * drawn.alive * skin.direction.float()
    change = maps[:3] + strength[:, None, None, None] * volume
    return skin.base.float()[:, None, None, None] * change.exp()


def _lambert(
    normal: Float[Tensor, "3 time height width"], towards: list[float]
) -> Float[Tensor, "time height width"]:
    right, down, near = towards
    return (normal[0] * right + normal[1] * down + normal[2] * near).clamp(min=0)


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
