"""How the head moves: slow, rhythmic, swaying, bobbing with the heart; and eyelids and mouth."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.config import MotionRanges
from pulsephase.synthetic.pulse import Pulse
from pulsephase.synthetic.streams import Stream

# Standard deviations at scale 1: yaw, pitch, roll in rad, shifts in half crops, log scale.
SPREAD = torch.tensor([0.25, 0.15, 0.10, 0.08, 0.06, 0.04], dtype=torch.float64)
RHYTHM = torch.tensor([0.10, 0.10, 0.04, 0.03, 0.03, 0.01], dtype=torch.float64)
SWAY = torch.tensor([0.05, 0.04, 0.03, 0.10, 0.10, 0.03], dtype=torch.float64)


class Motion(NamedTuple):
    """Pose and features over time.

    Attributes:
        pose: Yaw, pitch, roll in rad, shift right and down in half crops, log scale.
        blink: Share by which the lids are shut.
        talk: Share by which the mouth is open.
        scale: Overall amount of motion.
        rhythmic_hz: Frequency of the periodic motion, 0 where there is none.
        rhythm: Its strength, of ``RHYTHM``.
        sway: Strength of the slow sway of the head, of ``SWAY``.
        bob: Ballistic bob, half crops a standard deviation of the pulse.
    """

    pose: Float[Tensor, "6 time"]
    blink: Float[Tensor, " time"]
    talk: Float[Tensor, " time"]
    scale: float
    rhythmic_hz: float
    rhythm: float
    sway: float
    bob: float


def sample_motion(
    seed: int, ranges: MotionRanges, times_s: Float[Tensor, " time"], pulse: Pulse
) -> Motion:
    """Draw the motion of a clip."""
    draw = Stream(seed, "motion")
    scale = float(draw.log_uniform(*ranges.scale))
    pose = scale * SPREAD[:, None] * draw.drift(6, times_s, low_hz=0.05, high_hz=0.6)
    rhythmic = draw.chance(ranges.rhythmic_probability)
    frequency = float(draw.uniform(*ranges.rhythmic_hz))
    strength = float(draw.uniform(0.2, 1.0)) * scale * rhythmic
    phase = draw.uniform(0.0, 2 * math.pi, 6, 1)
    share = draw.uniform(0.0, 1.0, 6, 1)
    wave = torch.sin(2 * math.pi * frequency * times_s + phase)
    pose = pose + strength * RHYTHM[:, None] * share * wave
    swaying = draw.chance(ranges.drift_probability)
    sway = SWAY[:, None] * draw.drift(6, times_s, low_hz=0.1, high_hz=0.7)
    swayed = float(draw.uniform(0.3, 1.0)) * swaying
    pose = pose + swayed * sway
    bobbing = draw.chance(ranges.bob_probability)
    bob = float(draw.log_uniform(2e-4, 2e-3)) * bobbing
    pose[4] += bob * pulse.z
    rest = torch.stack(
        [
            draw.uniform(*ranges.yaw_rest_rad),
            draw.uniform(*ranges.pitch_rest_rad),
            *draw.uniform(-1.0, 1.0, 4),
        ]
    )
    rest[2:] *= torch.tensor([0.15, 0.1, 0.1, 0.15])
    features = draw.drift(2, times_s, low_hz=0.2, high_hz=3.0)
    blink = (1.5 * (features[0] - 2)).clamp(0, 1)
    talking = draw.chance(ranges.talking_probability)
    talk = (features[1] - 0.5).clamp(0, 1) * talking
    return Motion(
        pose=pose + rest[:, None],
        blink=blink,
        talk=talk,
        scale=scale,
        rhythmic_hz=frequency * rhythmic,
        rhythm=strength,
        sway=swayed,
        bob=bob,
    )
