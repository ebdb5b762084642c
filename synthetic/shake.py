"""A camera held in the hand: the whole frame moves, the head and what is behind it together."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pulsephase.synthetic.config import CameraRanges
from pulsephase.synthetic.motion import Motion
from pulsephase.synthetic.mover import Mover
from pulsephase.synthetic.streams import Stream

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
