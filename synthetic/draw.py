"""Everything that is drawn for a clip, before any pixel: one stream of randomness a layer."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pulsephase.errors import ParameterError
from pulsephase.machine import one_thread
from pulsephase.synthetic.camera import Camera, sample_camera
from pulsephase.synthetic.config import BackgroundRanges, SynthConfig
from pulsephase.synthetic.face import Face, sample_face, texture, with_worn
from pulsephase.synthetic.light import Light, sample_light
from pulsephase.synthetic.motion import (
    Motion,
    Mover,
    sample_motion,
    sample_mover,
    sample_shake,
    shifted,
)
from pulsephase.synthetic.pulse import Pulse, sample_pulse
from pulsephase.synthetic.skin import Skin, sample_skin
from pulsephase.synthetic.streams import Stream


class Drawn(NamedTuple):
    """Everything that was drawn for a clip, before any pixel.

    ``missing`` counts the frames that are missing before each; ``shake`` is the shift of the whole
    frame, right and down, in pixels, or none. Pose and mover are shifted already.
    """

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
    missing: Int[Tensor, " time"]
    shake: Float[Tensor, "2 time"] | None


def usable(device: torch.device | str) -> torch.device:
    """Return a device on which tensors can be made.

    Raises:
        ParameterError: If there is none of that name here.
    """
    try:
        one = torch.ones(1, device=device)
        one.item()  # what cannot be read back, such as 'meta', holds no pixels
        return one.device
    except (RuntimeError, AssertionError) as error:
        raise ParameterError(
            f"device is {str(device)!r}, which cannot be used here "
            f"({str(error).splitlines()[0]}); use 'cpu'"
        ) from None


@one_thread()
def draw_clip(seed: int, config: SynthConfig, *, height: int, width: int) -> Drawn:
    """Draw every layer of a clip.

    Raises:
        ParameterError: If the seed is negative.
    """
    if seed < 0:
        raise ParameterError(f"seed is {seed}; it must be at least 0")
    missing = sample_missing(seed, config)
    times_s = sample_times(seed, config, missing)
    pulse = sample_pulse(seed, config.pulse, times_s)
    skin = sample_skin(seed, config.skin, config.light)
    shake = sample_shake(seed, config.camera, times_s)
    motion = sample_motion(seed, config.motion, times_s, pulse)
    mover = sample_mover(seed, config.background, skin, times_s)
    if shake is not None:
        motion, mover = shifted(motion, mover, shake / (height / 2))
    return Drawn(
        seed=seed,
        times_s=times_s,
        pulse=pulse,
        alive=not Stream(seed, "alive").chance(config.no_pulse_probability),
        skin=skin,
        face=with_worn(seed, config.face, sample_face(seed, config.face)),
        motion=motion,
        light=sample_light(seed, config.light, times_s),
        background=sample_background(seed, config.background, skin, height, width),
        mover=mover,
        camera=sample_camera(seed, config.camera, config.codec, times_s),
        missing=missing,
        shake=shake,
    )


def sample_missing(seed: int, config: SynthConfig) -> Int[Tensor, " time"]:
    """Draw how many frames are missing before each: every one that is due, independently."""
    draw, none = Stream(seed, "drops"), torch.zeros(config.frames, dtype=torch.int64)
    if not draw.chance(config.camera.drop_probability):
        return none
    rate = draw.uniform(0.005, 0.05)
    gaps = torch.log(1 - draw.uniform(0.0, 1.0, config.frames)) / torch.log(rate)
    return torch.cat([none[:1], gaps[1:].floor().long()])


def sample_times(
    seed: int, config: SynthConfig, missing: Int[Tensor, " time"]
) -> Float[Tensor, " time"]:
    """Return the frame times in s: an even grid with gaps, displaced where the clock jitters."""
    due = torch.arange(config.frames) + missing.cumsum(0)
    even = due.double() / config.sample_hz
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
