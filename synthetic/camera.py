"""From light to numbers: exposure, white balance, colour matrix, noise, gamma, grid, codec."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from pulsephase.synthetic.config import CameraRanges, CodecRanges
from pulsephase.synthetic.streams import Stream

CROSSTALK = torch.tensor([[0.0, 0.85, 0.15], [0.35, 0.0, 0.65], [0.05, 0.95, 0.0]])


class Camera(NamedTuple):
    """One camera over one clip.

    Attributes:
        fixed_gain: Gain of the light, or 0 where the first frame is metered.
        exposure: Linear green of the first frame, half weighted on the face.
        balance: Gain of each channel over time, drift of the exposure included.
        matrix: Colour matrix.
        noise: Noise at unit level, fraction of full scale.
        gamma: Inverse exponent of the transfer curve.
        quantised: Whether the frames lie on the 8-bit grid.
        repeated: Where a frame is shown again instead of the one due.
        step: Quantiser step of the codec in levels, 0 for none.
        balance_drift: Relative standard deviation of each channel's own gain.
        exposure_drift: Relative standard deviation of the gain that channels share.
        crosstalk: Strength of the colour matrix.
    """

    fixed_gain: float
    exposure: float
    balance: Float[Tensor, "3 time"]
    matrix: Float[Tensor, "3 3"]
    noise: float
    gamma: float
    quantised: bool
    repeated: Bool[Tensor, " time"]
    step: float
    balance_drift: float
    exposure_drift: float
    crosstalk: float


def sample_camera(
    seed: int, ranges: CameraRanges, codec: CodecRanges, times_s: Float[Tensor, " time"]
) -> Camera:
    """Draw a camera and its codec."""
    draw = Stream(seed, "camera")
    drift = ranges.white_balance_drift * draw.uniform(0.0, 1.0)
    balance = 1 + drift * draw.drift(3, times_s, low_hz=0.05, high_hz=0.3)
    depth, course = _exposure_course(seed, ranges.exposure_drift, times_s)
    strength = draw.uniform(*ranges.crosstalk).float()
    repeats = draw.chance(ranges.repeat_probability)
    rate = draw.uniform(0.005, 0.05)
    repeated = (draw.uniform(0.0, 1.0, len(times_s)) < rate) & repeats
    repeated[0] = False
    compress = Stream(seed, "codec")
    compressed = compress.chance(codec.probability)
    return Camera(
        fixed_gain=ranges.fixed_gain,
        exposure=float(draw.uniform(*ranges.exposure)),
        balance=(balance if course is None else balance * course).float(),
        matrix=torch.eye(3) * (1 + strength) - strength * CROSSTALK,
        noise=float(draw.log_uniform(*ranges.noise)),
        gamma=float(draw.uniform(*ranges.gamma)),
        quantised=not draw.chance(ranges.unquantised_probability),
        repeated=repeated,
        step=float(compress.uniform(*codec.step)) * compressed,
        balance_drift=float(drift),
        exposure_drift=depth,
        crosstalk=float(strength),
    )


def _exposure_course(
    seed: int, at_most: float, times_s: Float[Tensor, " time"]
) -> tuple[float, Float[Tensor, " time"] | None]:
    """Return depth and course of a gain that all channels share, or none; its own stream."""
    if at_most == 0:
        return 0.0, None
    draw = Stream(seed, "exposure")
    depth = at_most * float(draw.uniform(0.0, 1.0))
    course = 1 + depth * draw.drift(1, times_s, low_hz=0.05, high_hz=0.5)[0]
    return depth, course.clamp(min=0.05)  # a shutter never shuts


def add_noise(
    linear: Float[Tensor, "*shape"], *, noise: float, stream: Stream, full: float = 1.0
) -> Float[Tensor, "*shape"]:
    r"""Add shot and read noise, :math:`\sigma^2(x) = s^2 (0.3 + x)`, in place.

    Args:
        linear: Light, of which ``full`` is the full scale.
        noise: :math:`s`, at unit level.
        stream: Where the grain comes from.
        full: Full scale.
    """
    grain = stream.grain(linear.shape)
    return linear.add_(grain.mul_((linear + 0.3 * full).sqrt_()), alpha=noise * full**0.5)


def block_means(
    levels: Float[Tensor, "time 3 height width"],
) -> Float[Tensor, "time 3 rows columns"]:
    """Return the mean of each 4 x 4 block."""
    return functional.avg_pool2d(levels, 4)


def compress(
    levels: Float[Tensor, "time 3 height width"],
    first: Float[Tensor, "1 3 rows columns"],
    *,
    step: float,
) -> Float[Tensor, "time 3 height width"]:
    """Code the mean of each 4 x 4 block as the quantised change from the one before, in place.

    Quantised changes add up to whole steps from the first frame, so that each frame is known at
    once. A stand-in for what a video codec does to a slow, faint change; not a codec.

    Args:
        levels: Some frames.
        first: Block means of the clip's first frame, which is sent whole.
        step: Quantiser step in levels.
    """
    time, _, height, width = levels.shape
    change = (block_means(levels) - first) / step
    error = (change.round() - change).mul_(step)
    tiles = levels.view(time, 3, height // 4, 4, width // 4, 4)
    tiles.add_(error[:, :, :, None, :, None])
    return levels


def gain_of(
    first: Float[Tensor, "3 height width"], face: Float[Tensor, "height width"], camera: Camera
) -> float:
    """Return the gain that exposes the first frame, half weighted on the face; it then stays."""
    weight = 0.5 / face.numel() + 0.5 * face / face.sum().clamp(min=1.0)
    return camera.exposure / float((first[1] * weight).sum())


def levels_of(
    linear: Float[Tensor, "3 time height width"],
    camera: Camera,
    part: slice,
    *,
    gain: float,
    noise: Stream,
    out: Float[Tensor, "time 3 height width"],
) -> Float[Tensor, "time 3 height width"]:
    """Turn the linear light of some frames into 8-bit levels, not yet rounded.

    Args:
        linear: Light.
        camera: What it falls on.
        part: Which frames these are.
        gain: Of the light.
        noise: Where the noise comes from.
        out: Where the levels are put.
    """
    full = 255.0**camera.gamma  # light is scaled so that its power is a level at once
    mixing = camera.matrix * (gain * full * camera.balance[:, part].T)[:, None]
    levels = out.flatten(2)
    torch.matmul(mixing.to(linear.device), linear.flatten(2).transpose(0, 1), out=levels)
    levels.clamp_(1e-4 * full, 1.2 * full)
    add_noise(levels, noise=camera.noise, stream=noise, full=full)
    levels.clamp_(1e-4 * full, full).pow_(1 / camera.gamma)
    return out


def rounded(levels: Float[Tensor, "*shape"], dither: Stream) -> Float[Tensor, "*shape"]:
    """Round levels to the 8-bit grid, dithered by half a level, in place."""
    return levels.add_(dither.dust(levels.shape)).floor_()
