"""Ambient light and two lamps, each with its own colour and its own course in time."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.config import LightRanges
from pulsephase.synthetic.streams import Stream

GREEN_TO_MAGENTA = torch.tensor([-0.5, 1.0, -0.5], dtype=torch.float64)


class Light(NamedTuple):
    """The light of a clip.

    Attributes:
        tracks: Linear RGB of ambient light and lamps over time.
        towards: Unit vector to each lamp (right, down, to the camera).
        gloss: Strength of the specular lobe.
        shine: Its exponent.
        flicker_hz: Frequency of the in-band flicker, 0 where there is none.
        drift: Relative standard deviation of the slow changes of each source.
        flicker: Relative depth of the flicker, at most over the sources; 0 where there is none.
        tint: Excess of that depth in green; half as much is missing in red and blue.
        screen: Relative standard deviation of each colour of a screen; 0 where there is none.
    """

    tracks: Float[Tensor, "3 3 time"]
    towards: Float[Tensor, "2 3"]
    gloss: float
    shine: float
    flicker_hz: float
    drift: float
    flicker: float
    tint: float
    screen: float


def sample_light(seed: int, ranges: LightRanges, times_s: Float[Tensor, " time"]) -> Light:
    """Draw the light of a clip."""
    draw = Stream(seed, "light")
    depth = float(draw.log_uniform(*ranges.drift))
    course = 1 + depth * draw.drift(3, times_s, low_hz=0.05, high_hz=0.6)
    flickers = draw.chance(ranges.flicker_probability)
    frequency = float(draw.uniform(*ranges.flicker_hz))
    flicker = float(draw.log_uniform(*ranges.flicker)) * flickers
    wave = torch.sin(2 * math.pi * frequency * times_s + draw.uniform(0.0, 2 * math.pi))
    flickering = flicker * draw.uniform(0.0, 1.0, 3, 1) * wave
    course = course + flickering
    level = torch.stack([draw.uniform(0.3, 0.8), draw.uniform(0.2, 0.9), draw.uniform(0.0, 0.5)])
    colour = 1 + 0.15 * draw.uniform(0.0, 1.0) * draw.normal(3, 3)
    lamps = (level[:, None] * colour)[..., None]
    tracks = lamps * course[:, None]
    tint = float(Stream(seed, "tint").uniform(*ranges.flicker_tint)) * flickers
    tracks += lamps * (tint * GREEN_TO_MAGENTA[:, None] * flickering[:, None])
    screen = Stream(seed, "screen")
    glow = float(screen.log_uniform(*ranges.screen)) * screen.chance(ranges.screen_probability)
    tracks[2] *= 1 + glow * screen.drift(3, times_s, low_hz=0.1, high_hz=4.0)
    low = torch.tensor([-1.0, -1.0, 0.3], dtype=torch.float64)
    high = torch.tensor([1.0, 0.3, 1.0], dtype=torch.float64)
    towards = low + (high - low) * draw.uniform(0.0, 1.0, 2, 3)
    return Light(
        tracks=tracks.clamp(min=0.0),
        towards=towards / towards.norm(dim=1, keepdim=True),
        gloss=float(draw.uniform(*ranges.gloss)),
        shine=float(draw.log_uniform(8.0, 60.0)),
        flicker_hz=frequency * flickers,
        drift=depth,
        flicker=flicker,
        tint=tint,
        screen=glow,
    )
