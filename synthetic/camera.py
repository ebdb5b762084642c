"""From linear light to numbers: exposure, white balance, colour matrix, noise, gamma, grid, codec."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from pulsephase.synthetic.config import CameraRanges, CodecRanges
from pulsephase.synthetic.streams import Stream

CROSSTALK = torch.tensor([[0.0, 0.85, 0.15], [0.35, 0.0, 0.65], [0.05, 0.95, 0.0]])


class Camera(NamedTuple):
    """One camera over one clip.

    Attributes:
        exposure: Mean of linear green in the first frame.
        balance: Gain of each channel over time.
        matrix: Colour matrix.
        noise: Noise at unit level, fraction of full scale.
        gamma: Inverse exponent of the transfer curve.
        quantised: Whether the frames lie on the 8-bit grid.
        order: Which frame is shown at each time: repeats show the one before.
        step: Quantiser step of the codec in levels, 0 for none.
        seed: Of the pixel noise.
    """

    exposure: float
    balance: Float[Tensor, "3 time"]
    matrix: Float[Tensor, "3 3"]
    noise: float
    gamma: float
    quantised: bool
    order: Int[Tensor, " time"]
    step: float
    seed: int


def sample_camera(
    seed: int, ranges: CameraRanges, codec: CodecRanges, times_s: Float[Tensor, " time"]
) -> Camera:
    """Draw a camera and its codec."""
    draw = Stream(seed, "camera")
    drift = ranges.white_balance_drift * draw.uniform(0.0, 1.0)
    balance = 1 + drift * draw.drift(3, times_s, low_hz=0.05, high_hz=0.3)
    strength = draw.uniform(*ranges.crosstalk).float()
    repeats = draw.chance(ranges.repeat_probability)
    rate = draw.uniform(0.005, 0.05)
    order = torch.arange(len(times_s))
    held = (draw.uniform(0.0, 1.0, len(times_s)) < rate) & repeats & (order > 0)
    order = torch.where(held, 0, order).cummax(0).values
    compress = Stream(seed, "codec")
    compressed = compress.chance(codec.probability)
    return Camera(
        exposure=float(draw.uniform(*ranges.exposure)),
        balance=balance.float(),
        matrix=torch.eye(3) * (1 + strength) - strength * CROSSTALK,
        noise=float(draw.log_uniform(*ranges.noise)),
        gamma=float(draw.uniform(*ranges.gamma)),
        quantised=not draw.chance(ranges.unquantised_probability),
        order=order,
        step=float(compress.uniform(*codec.step)) * compressed,
        seed=seed,
    )


def add_noise(
    linear: Float[Tensor, "3 time height width"], *, noise: float, stream: Stream
) -> Float[Tensor, "3 time height width"]:
    r"""Add shot and read noise, :math:`\sigma^2(x) = s^2 (0.3 + x)`, in place."""
    grain = torch.randn(linear.shape, generator=stream.generator)
    return linear.add_(grain.mul_((linear + 0.3).sqrt_()), alpha=noise)


def compress(
    levels: Float[Tensor, "3 time height width"], *, step: float
) -> Float[Tensor, "3 time height width"]:
    """Code the mean of each 4 x 4 block as the quantised change from the decoded one before.

    A stand-in for what a video codec does to a slow, faint change; not a codec.
    """
    time, height, width = levels.shape[1:]
    blocks = functional.avg_pool2d(levels.reshape(-1, 1, height, width), 4)
    wanted = blocks.view(3, time, -1)
    decoded = wanted.clone()
    for index in range(1, time):
        change = ((wanted[:, index] - decoded[:, index - 1]) / step).round_()
        decoded[:, index] = decoded[:, index - 1] + step * change
    error = (decoded - wanted).view_as(blocks)
    return levels + functional.interpolate(error, scale_factor=4.0).view_as(levels)


def develop(
    linear: Float[Tensor, "3 time height width"], camera: Camera
) -> Float[Tensor, "time 3 height width"]:
    """Turn linear light into frames in 0..1."""
    gain = camera.exposure / float(linear[1, 0].mean())
    exposed = linear * (gain * camera.balance)[..., None, None]
    mixed = torch.einsum("ij,jthw->ithw", camera.matrix, exposed).clamp_(1e-4, 1.2)
    stream = Stream(camera.seed, "noise")
    levels = add_noise(mixed, noise=camera.noise, stream=stream).clamp_(1e-4, 1)
    levels = levels.pow_(1 / camera.gamma).mul_(255)
    if camera.step > 0:
        levels = compress(levels, step=camera.step)
    if camera.quantised:
        dither = torch.rand(levels.shape, generator=stream.generator)
        levels = levels.add_(dither).sub_(0.5).round_()
    frames = levels.clamp_(0, 255).div_(255).transpose(0, 1)
    return frames[camera.order].contiguous()
