r"""Fit small temporal networks to sampled signals until nothing is left to learn, on one core.

A linear network meets its samples through their second moments alone:

.. math:: \frac1N\sum_t \Bigl(z_t - \sum_m k_m u_{t-m}\Bigr)^2
          = k^\top R\,k - 2\,c^\top k + \tfrac1N\sum_t z_t^2,

with :math:`R` and :math:`c` the moments of the very same samples. So the loss over a million of
them costs as much as one impulse response, and L-BFGS reaches its bottom in seconds. A gated
network has no such short cut: it is run over its sequences.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from pulsephase.models.tcn import DilatedStack, UngatedTCN

CHUNK = 65_536  # windows whose moments are summed at once


class Moments(NamedTuple):
    """Second moments of an input and what is wanted of it, over all whole windows.

    Attributes:
        gram: Mean product of the input at two lags, R.
        cross: Mean product of target and input at a lag, c.
        power: Mean square of the target.
        samples: How many windows N were summed.
    """

    gram: Float64[np.ndarray, "tap tap"]
    cross: Float64[np.ndarray, " tap"]
    power: float
    samples: int


def moments_of(
    drive: Float[np.ndarray, " time"], target: Float[np.ndarray, " time"], *, taps: int
) -> Moments:
    """Return the second moments of an input, newest lag first, with its target.

    Example:
        >>> moments_of(np.array([1.0, 2.0]), np.array([0.0, 3.0]), taps=2).cross.tolist()
        [6.0, 3.0]
    """
    windows = np.lib.stride_tricks.sliding_window_view(drive, taps)[:, ::-1]
    wanted = target[taps - 1 :]
    gram, cross = np.zeros((taps, taps)), np.zeros(taps)
    for start in range(0, len(wanted), CHUNK):
        part = np.ascontiguousarray(windows[start : start + CHUNK])
        gram += part.T @ part
        cross += part.T @ wanted[start : start + CHUNK]
    count = len(wanted)
    return Moments(gram / count, cross / count, float(wanted @ wanted) / count, count)


def without_offsets(head: DilatedStack) -> None:
    """Set every bias to zero and leave it there: the theorems are about gates without offsets."""
    for part in head.modules():
        if isinstance(part, nn.Conv1d) and part.bias is not None:
            nn.init.zeros_(part.bias)
            part.bias.requires_grad_(False)


def kernel_of(head: DilatedStack, *, taps: int) -> Float[Tensor, " tap"]:
    """Return a linear network's kernel, with its gradient to the weights."""
    impulse = head.inward.weight.new_zeros(1, taps, 1)
    impulse[0, 0, 0] = 1.0
    wave: Tensor = head(impulse, head.initial_state(1, impulse))[0]
    return wave[0]


def fit_moments(head: UngatedTCN, moments: Moments, *, iterations: int) -> float:
    """Fit a linear network to all samples behind the moments; return the relative loss.

    Args:
        head: One channel in, no offsets; its weights are fitted in place.
        moments: Of the samples, with as many taps as are to be fitted.
        iterations: Of L-BFGS, at most.
    """
    gram, cross = torch.from_numpy(moments.gram), torch.from_numpy(moments.cross)

    def loss() -> Tensor:
        kernel = kernel_of(head, taps=len(cross))
        found: Tensor = (kernel @ gram @ kernel - 2 * kernel @ cross) / moments.power + 1
        return found

    return descend(head, loss, iterations=iterations)


def fit_sequences(
    head: DilatedStack,
    drive: Float[Tensor, "batch time"],
    target: Float[Tensor, "batch time"],
    *,
    iterations: int,
) -> float:
    """Fit any network to sequences that begin at rest; return the relative loss."""
    power = target.square().mean()

    def loss() -> Tensor:
        wave = head(drive[..., None], head.initial_state(len(drive), drive))[0]
        found: Tensor = (wave - target).square().mean() / power
        return found

    return descend(head, loss, iterations=iterations)


def descend(head: nn.Module, loss: Callable[[], Tensor], *, iterations: int) -> float:
    """Run L-BFGS with a strong Wolfe line search over all the data, and return the last loss."""
    free = [weight for weight in head.parameters() if weight.requires_grad]
    search = torch.optim.LBFGS(
        free,
        max_iter=iterations,
        history_size=30,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-10,
        tolerance_change=1e-14,
    )

    def closure() -> Tensor:
        search.zero_grad()
        found = loss()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    search.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return float(loss())
