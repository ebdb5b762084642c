"""Section response: what moves the pulse, how early, and whether it is always the same.

Three levels: the head's inputs (position and velocity as separate channels), the position that the
ASF reads (its velocity following from it), and the colour of the skin in the video itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from pulsephase.interpret.context import Context, has_pulse, skin_of
from pulsephase.interpret.derivatives import gate_linearity, linear_share, signal_rows, video_rows
from pulsephase.interpret.scores import (
    Kernels,
    by_lag,
    causality,
    energy_of,
    kernels_of,
    look_ahead,
    memory,
    snr_db,
    time_invariance,
)
from pulsephase.interpret.subject import Network
from pulsephase.interpret.thresholds import thresholds
from pulsephase.models.tcn import DilatedStack

AHEAD = 72
"""Frames after each output time: more than half the receptive field of the widest named network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response at one level.

    Attributes:
        rows: Derivative of the pulse, by lag and channel.
        lags: Lag of each, in frames; negative is a later frame.
        energy: Mean energy at each lag, of all the level has (for video: of every pixel).
        taps: Length of the kernels.
        kernels: Along the main direction of the channels.
    """

    rows: Float64[np.ndarray, "clip row lag channel"]
    lags: Int[np.ndarray, " lag"]
    energy: Float64[np.ndarray, " lag"]
    taps: int
    kernels: Kernels

    @property
    def causality(self) -> float:
        """Share of energy at or before the present."""
        return causality(self.energy, self.lags)


def output_times(frames: int, *, count: int) -> list[int]:
    """Return output times late enough for the memory and early enough for the look-ahead.

    Of a short clip the last third is kept for the look-ahead.

    Example:
        >>> output_times(288, count=3)
        [172, 193, 215]
        >>> output_times(64, count=1)
        [38]
    """
    last = max(frames - 1 - min(AHEAD, (frames - 1) // 3), 1)
    first = max(1, min(last, int(0.6 * frames)))
    return sorted({int(at) for at in np.linspace(first, last, count)})


def response_of(
    rows: Float[np.ndarray, "clip row time channel"],
    times: list[int],
    *,
    energy: Float[np.ndarray, "clip row time 1"] | None = None,
) -> Response:
    """Bring rows to lags and find their kernels."""
    floor = thresholds().look_ahead_floor
    found, lags = by_lag(rows, times=times)
    total = energy_of(found)
    if energy is not None:
        total = by_lag(energy, times=times)[0].mean(axis=(0, 1))[:, 0]
    taps = max(1, memory(energy_of(found), lags, floor=floor))
    return Response(
        rows=found,
        lags=lags,
        energy=total,
        taps=taps,
        kernels=kernels_of(found, lags, taps=taps),
    )


def motions(context: Context) -> Float[Tensor, "clip time channel"]:
    """Return what the head reads in each clip; made once.

    The subject must be a `Network`.
    """
    subject = context.subject
    assert isinstance(subject, Network)
    return torch.cat([subject.motion(context.frames(clip)) for clip in context.clips])


def head_response(context: Context) -> Response:
    """Return the response to the head's own inputs; the subject must be a `Network`."""
    subject = context.subject
    assert isinstance(subject, Network)
    signals = context.once("motions", motions)
    times = output_times(signals.shape[1], count=context.budget.times)
    return response_of(signal_rows(subject.head, signals, times=times), times)


def position_response(context: Context) -> Response:
    r"""Return the response to the ASF's position, its velocity moving with it.

    .. math:: \frac{d\hat y_t}{dx_s} = \frac{\partial\hat y_t}{\partial x_s}
              + \frac{\partial\hat y_t}{\partial v_s}-\frac{\partial\hat y_t}{\partial v_{s+1}}
    """
    head = context.once("head", head_response)
    position, velocity = np.split(head.rows, 2, axis=3)
    later = np.zeros_like(velocity)
    later[:, :, 1:] = velocity[:, :, :-1]  # one lag less is one frame later
    total = position + velocity - later
    kept = slice(1, -1)  # at the ends of the clip a neighbour is missing
    floor = thresholds().look_ahead_floor
    rows, lags = total[:, :, kept], head.lags[kept]
    energy = energy_of(rows)
    taps = max(1, memory(energy, lags, floor=floor))
    return Response(
        rows=rows, lags=lags, energy=energy, taps=taps, kernels=kernels_of(rows, lags, taps=taps)
    )


def video_response(context: Context) -> Response:
    """Return the response to the colour of the skin in the video.

    Takes half as many output times as the head, each a pass through every pixel.
    """
    count = max(1, context.budget.times // 2)
    times = output_times(context.clips[0].frames.shape[0], count=count)
    colours, energies, moving = [], [], []
    for index, clip in enumerate(context.clips):
        found = video_rows(context.subject, context.frames(clip), skin_of(clip), times=times)
        colours.append(found.colour)
        energies.append(found.energy[:, :, None])
        if found.motion is not None:
            moving.append(found.motion)
        context.progress("response", (index + 1) / len(context.clips))
    if moving:
        context.made.setdefault("motions", torch.cat(moving))
    return response_of(np.stack(colours), times, energy=np.stack(energies))


def headline(context: Context) -> Response:
    """Return the response whose poles are read: the head's, or the video's where there is none."""
    if isinstance(context.subject, Network):
        return context.once("head", head_response)
    return context.once("video", video_response)


def clips_with_pulse(context: Context) -> list[bool]:
    """Tell for each clip whether it has a pulse."""
    rate = context.subject.sample_hz
    return [context.assume_pulse or has_pulse(clip, sample_hz=rate) for clip in context.clips]


def section(context: Context) -> dict[str, Any]:
    """Return responses, scores and spreads at every level that the subject has."""
    video = context.once("video", video_response)
    levels: dict[str, Any] = {}
    if isinstance(context.subject, Network):
        levels["head"] = _figure(context.once("head", head_response))
        levels["position"] = _figure(context.once("position", position_response))
    levels["video"] = _figure(video) | {"colours": _colours(video)}
    found: dict[str, Any] = {
        "sample_hz": context.subject.sample_hz,
        "clips_with_pulse": context.once("clips_with_pulse", clips_with_pulse),
        "clips_left_out": context.left_out,
        "levels": levels,
        "look_ahead": levels["video"]["look_ahead"],
        "gates": _gates(context),
    }
    return found | {"claim": _claim(found)}


def _figure(response: Response) -> dict[str, Any]:
    """Return one level as plain data."""
    kernels = response.kernels
    spread = kernels.by_row.reshape(-1, response.taps)
    reach = look_ahead(response.energy, response.lags, floor=thresholds().look_ahead_floor)
    return {
        "lags": response.lags.tolist(),
        "energy": response.energy.tolist(),
        "taps": response.taps,
        "taps_at_least": response.taps == int(response.lags.max()) + 1,
        "kernel": kernels.mean.tolist(),
        "kernel_by_clip": kernels.by_clip.tolist(),
        "kernel_low": np.quantile(spread, 0.1, axis=0).tolist(),
        "kernel_high": np.quantile(spread, 0.9, axis=0).tolist(),
        "direction_share": kernels.share,
        "snr_db": _shown(snr_db(kernels.by_clip)) if len(kernels.by_clip) > 1 else None,
        "causality": response.causality,
        "look_ahead": {"frames": reach.frames, "at_least": reach.at_least},
        "time_invariance": time_invariance(response.rows),
        "operating_points": int(np.prod(response.rows.shape[:2])),
    }


def _shown(value: float) -> float | None:
    """Return none for infinity: JSON has no word for it."""
    return value if np.isfinite(value) else None


def _colours(response: Response) -> dict[str, list[float]]:
    """Return the mean kernel of each colour of the skin."""
    causal = response.rows[:, :, response.lags >= 0][:, :, : response.taps].mean(axis=(0, 1))
    return {name: causal[:, index].tolist() for index, name in enumerate(("red", "green", "blue"))}


def _gates(context: Context) -> dict[str, Any]:
    """Return how near to constant the gates are, and how much of the wave one kernel makes."""
    subject = context.subject
    if not isinstance(subject, Network):
        return {"withheld": "a foreign network shows no gates"}
    signals = context.once("motions", motions)
    head, response = subject.net.head, context.once("head", head_response)
    found: dict[str, Any] = {
        "linear_share_of_wave": linear_share(subject.head, signals, response.rows, response.lags)
    }
    if isinstance(head, DilatedStack):
        return found | gate_linearity(head, signals)
    return found | {"withheld": f"the head is {type(head).__name__}, which has no such gates"}


def _claim(found: dict[str, Any]) -> str:
    reach = found["look_ahead"]
    video = found["levels"]["video"]
    same = 100 * found["levels"].get("head", video)["time_invariance"]["all"]
    if reach["frames"] == 0:
        first = "No sample of the pulse depends on a later frame"
    else:
        more = "at least " if reach["at_least"] else ""
        first = (
            f"The pulse looks {more}{reach['frames']} frames ahead "
            f"({100 * (1 - video['causality']):.2g} % of the response's energy)"
        )
    return f"{first}; {same:.1f} % of the response's energy is the same at all operating points."
