"""The mean colour of skin, and what every classical method asks of it."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import SamplingError, ShapeError

WINDOW_S = 1.6  # POS and CHROM, both papers
EPSILON = 1e-9


def mean_colour(
    frames: Float[Tensor, "*batch time 3 height width"],
    *,
    weights: Float[Tensor, "*batch time height width"] | None = None,
) -> Float[Tensor, "*batch time 3"]:
    """Average each frame over its central crop, or over given weights (a skin mask).

    The central crop is the rows from 0.3 to 0.8 and the columns from 0.25 to 0.75 of the frame:
    cheeks and nose of a face that fills the crop.
    """
    if weights is not None:
        total = weights.sum((-2, -1)).clamp(min=EPSILON)
        return (frames * weights[..., None, :, :]).sum((-2, -1)) / total[..., None]
    height, width = frames.shape[-2:]
    rows = slice(int(0.3 * height), max(int(0.8 * height), int(0.3 * height) + 1))
    columns = slice(int(0.25 * width), max(int(0.75 * width), int(0.25 * width) + 1))
    return frames[..., rows, columns].mean((-2, -1))


def over_mean(
    windows: Float[Tensor, "*batch 3 time"],
) -> Float[Tensor, "*batch 3 time"]:
    """Return each channel over its mean in time (temporal normalisation)."""
    return windows / (windows.mean(-1, keepdim=True) + EPSILON)


def centred(wave: Float[Tensor, "*batch time"]) -> Float[Tensor, "*batch time"]:
    """Subtract the mean in time."""
    return wave - wave.mean(-1, keepdim=True)


def spread_ratio(
    first: Float[Tensor, "*batch time"], second: Float[Tensor, "*batch time"]
) -> Float[Tensor, "*batch 1"]:
    r"""Return :math:`\sigma(x)/\sigma(y)`, which tunes POS and CHROM to the distortion."""
    x = first.std(-1, correction=0, keepdim=True)
    return x / (second.std(-1, correction=0, keepdim=True) + EPSILON)


def overlap_add(
    windows: Float[Tensor, "*batch window length"], *, starts: Sequence[int], time: int
) -> Float[Tensor, "*batch time"]:
    """Add windows up where they start."""
    *batch, count, length = windows.shape
    index = torch.tensor(starts, device=windows.device)[:, None]
    index = index + torch.arange(length, device=windows.device)
    total = windows.new_zeros(*batch, time)
    return total.index_add(-1, index.flatten(), windows.reshape(*batch, count * length))


def check_colour(colour: Tensor, sample_hz: float, *, at_least_s: float) -> None:
    """Refuse a rate that is not positive, and too few frames.

    Raises:
        SamplingError: If ``sample_hz`` is not above 0.
        ShapeError: If there are fewer than two frames, or fewer than ``at_least_s``.
    """
    if not sample_hz > 0:
        raise SamplingError(f"sample_hz is {sample_hz}; it must be above 0 Hz")
    frames = colour.shape[-2]
    least = max(2, round(at_least_s * sample_hz))
    if frames < least:
        raise ShapeError(f"{frames} frames at {sample_hz:g} Hz; this method needs at least {least}")
