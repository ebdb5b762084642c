"""How the head, what is behind it, and the camera move.

The head moves slowly, rhythmically, sways, or bobs with the heart; eyelids and mouth move too.
Something without a pulse may move behind it. A camera in the hand moves the whole frame.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pulsephase.synthetic.config import BackgroundRanges, CameraRanges, MotionRanges
from pulsephase.synthetic.pulse import Pulse
from pulsephase.synthetic.skin import Skin
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


SOFTNESS = 12.0  # steepness of its outline


class Mover(NamedTuple):
    """A soft ellipse and its path.

    Attributes:
        path: Its middle, right and down, in half heights of the frame from the frame's middle.
        half: Half width and half height, likewise.
        colour: Linear RGB.
    """

    path: Float[Tensor, "2 time"]
    half: Float[Tensor, " 2"]
    colour: Float[Tensor, " 3"]


def sample_mover(
    seed: int, ranges: BackgroundRanges, skin: Skin, times_s: Float[Tensor, " time"]
) -> Mover | None:
    """Draw what moves, of the colour of skin or of another, or nothing; a stream of its own."""
    draw = Stream(seed, "mover")
    if not draw.chance(ranges.mover_probability):
        return None
    start = draw.uniform(-1.1, 1.1, 2)
    sway = draw.log_uniform(0.05, 0.5) * draw.drift(2, times_s, low_hz=0.1, high_hz=3.0)
    other = draw.uniform(0.05, 0.6, 3)
    fleshy = draw.chance(ranges.skin_probability)
    return Mover(
        path=start[:, None] + sway,
        half=draw.uniform(0.15, 0.6, 2),
        colour=skin.base if fleshy else other,
    )


def cover(
    behind: Float[Tensor, "3 time height width"],
    mover: Mover,
    part: slice,
    light: Float[Tensor, "3 time 1 1"],
    *,
    across: Float[Tensor, " width"],
    down: Float[Tensor, " height"],
) -> Float[Tensor, "3 time height width"]:
    """Paint it over the background, in place.

    Args:
        behind: The lit background of some frames.
        mover: What moves.
        part: Which frames.
        light: What falls on it.
        across: Pixel centres, in half heights from the middle of the frame.
        down: Likewise.
    """
    device = behind.device
    right, drop = mover.path[:, part].float().to(device)
    wide, high = mover.half.tolist()
    aside = ((across.to(device) - right[:, None]) / wide).square()
    along = ((down.to(device) - drop[:, None]) / high).square()
    mask = torch.sigmoid(SOFTNESS * (1 - along[:, :, None] - aside[:, None, :]))
    return behind.lerp_(mover.colour.float().to(device)[:, None, None, None] * light, mask)


TREMBLE_HZ = (0.3, 6.0)  # assumed: sway of an arm to tremor of a hand


def sample_shake(
    seed: int, ranges: CameraRanges, times_s: Float[Tensor, " time"]
) -> Float[Tensor, "2 time"] | None:
    """Draw the shift of the frame, right and down in pixels, without a mean; or none.

    A stream of its own.
    """
    if ranges.shake_px[1] == 0:
        return None
    draw = Stream(seed, "shake")
    size = draw.uniform(*ranges.shake_px)
    track = size * draw.drift(2, times_s, low_hz=TREMBLE_HZ[0], high_hz=TREMBLE_HZ[1])
    return track - track.mean(1, keepdim=True)


def shifted(
    motion: Motion, mover: Mover | None, shift: Float[Tensor, "2 time"]
) -> tuple[Motion, Mover | None]:
    """Move the head, and what moves behind it, by ``shift`` in half heights of the frame."""
    pose = torch.cat([motion.pose[:3], motion.pose[3:5] + shift, motion.pose[5:]])
    moved = mover and mover._replace(path=mover.path + shift)
    return motion._replace(pose=pose), moved


def framed(
    behind: Float[Tensor, "3 1 height width"], shake: Float[Tensor, "2 time"] | None, part: slice
) -> Float[Tensor, "3 frames height width"]:
    """Return what is behind the head as the moved camera sees it, between pixels linearly.

    Beyond the edges of what was painted its last pixels go on.

    Args:
        behind: What is behind the head, still.
        shake: Shift of the frame in pixels, or none: then it comes back as it is.
        part: Which frames.
    """
    if shake is None:
        return behind
    height, width = behind.shape[2:]
    right, down = shake[:, part].float().to(behind.device)
    across = (torch.arange(width, device=behind.device) + 0.5 - right[:, None]) * (2 / width) - 1
    along = (torch.arange(height, device=behind.device) + 0.5 - down[:, None]) * (2 / height) - 1
    shape = (len(right), height, width)
    grid = torch.stack([across[:, None].expand(shape), along[:, :, None].expand(shape)], -1)
    still = behind[:, 0].expand(len(right), -1, -1, -1)
    moved = functional.grid_sample(still, grid, padding_mode="border", align_corners=False)
    return moved.transpose(0, 1)
