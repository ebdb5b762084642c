"""What the network sees of a frame: its colour against a running mean, and its change in time.

Both are causal: the running mean of each pixel is that of past frames and the present one, the
difference is backward. Neither uses a statistic of the clip. Raw colour is the control.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pulsephase.models.config import InputName, MeanForm

MEAN_GAIN = 40.0  # a 1 % change of colour becomes 0.4
DIFFERENCE_GAIN = (
    60.0  # relative change per frame, between 1 and 2 Hz a fifth of that of the colour
)
FLOOR = 0.02  # added to the denominators: black pixels carry noise, no pulse
LIMIT = 4.0


class NormaliseState(NamedTuple):
    """Running mean and last frame of each pixel, and how many frames were seen."""

    mean: Float[Tensor, "batch 3 height width"]
    last: Float[Tensor, "batch 3 height width"]
    seen: Int[Tensor, " batch"]


def initial_state(frame: Float[Tensor, "batch 3 height width"]) -> NormaliseState:
    """Return the state before the first frame, of the shape and type of ``frame``."""
    zeros = torch.zeros_like(frame)
    seen = torch.zeros(len(frame), dtype=torch.int64, device=frame.device)
    return NormaliseState(zeros, zeros, seen)


def running_mean(
    frames: Float[Tensor, "batch time 3 height width"],
    state: NormaliseState,
    *,
    window: int,
) -> Float[Tensor, "batch time 3 height width"]:
    r"""Average each pixel over the past.

    .. math:: m_t = m_{t-1} + a_t (x_t - m_{t-1}), \qquad a_t = \max(1/(n_t+1),\ 1/W)

    so that the first ``window`` frames give a plain mean, later ones an exponential one.
    """
    mean, means = state.mean, []
    for step in range(frames.shape[1]):
        gain = (1.0 / (state.seen + step + 1).to(frames.dtype)).clamp(min=1.0 / window)
        mean = torch.lerp(mean, frames[:, step], gain[:, None, None, None])
        means.append(mean)
    return torch.stack(means, 1)


def normalise(
    frames: Float[Tensor, "batch time 3 height width"],
    frame_steps: Float[Tensor, "batch time"],
    state: NormaliseState,
    *,
    window: int,
    inputs: InputName = "both",
    mean_form: MeanForm = "ratio",
) -> tuple[
    Float[Tensor, "batch time channel height width"],
    Float[Tensor, "batch time 3 height width"],
    NormaliseState,
]:
    r"""Normalise frames by their running mean, and difference them in time.

    .. math:: \frac{x_t}{m_t+\epsilon}-1, \qquad
              \frac{x_t-x_{t-1}}{(x_t+x_{t-1}+\epsilon)\,\Delta_t},

    each times a fixed gain and clipped to +/-4. The first frame has no change.

    Args:
        frames: RGB in 0..1.
        frame_steps: Time since the frame before, in frames at the network's rate (1 = on time).
        state: What was seen before.
        window: Memory of the running mean in frames.
        inputs: Which of the two, ``both``, or the ``raw`` frames less 1/2.
        mean_form: The first as above (``ratio``), or as :math:`(x_t-m_t)/(m_t+\epsilon)`.

    Returns:
        The three or six channels, the running mean, and the state after the last frame.
    """
    means = running_mean(frames, state, window=window)
    after = NormaliseState(means[:, -1], frames[:, -1], state.seen + frames.shape[1])
    match inputs:
        case "mean":
            return against_mean(frames, means, form=mean_form).clamp(-LIMIT, LIMIT), means, after
        case "difference":
            return change(frames, frame_steps, state).clamp(-LIMIT, LIMIT), means, after
        case "raw":
            return frames - 0.5, means, after
        case "both":
            colour = against_mean(frames, means, form=mean_form)
            both = torch.cat([colour, change(frames, frame_steps, state)], 2)
            return both.clamp(-LIMIT, LIMIT), means, after


def against_mean(
    frames: Float[Tensor, "batch time 3 height width"],
    means: Float[Tensor, "batch time 3 height width"],
    *,
    form: MeanForm,
) -> Float[Tensor, "batch time 3 height width"]:
    r"""Return the relative deviation from the running mean, with its gain, not yet clipped.

    The ratio is off by :math:`-\epsilon/(m+\epsilon)`: nothing much for a bright pixel, but from
    :math:`m < 0.18` on the limit itself, so that dark skin loses its colour. The deviation is not.
    """
    if form == "ratio":
        return (frames / (means + FLOOR) - 1) * MEAN_GAIN
    return (frames - means) / (means + FLOOR) * MEAN_GAIN


def change(
    frames: Float[Tensor, "batch time 3 height width"],
    frame_steps: Float[Tensor, "batch time"],
    state: NormaliseState,
) -> Float[Tensor, "batch time 3 height width"]:
    """Return the relative change since the frame before, with its gain, not yet clipped."""
    first = (state.seen == 0)[:, None, None, None]
    before = torch.where(first, frames[:, 0], state.last)
    past = torch.cat([before[:, None], frames[:, :-1]], 1)
    relative = (frames - past) / (frames + past + FLOOR)
    return relative * (DIFFERENCE_GAIN / frame_steps)[:, :, None, None, None]
