r"""The whitening probe: what does the network know of the next sample of its own input?

A network that estimates has the poles of its own loop. Of a one-step predictor with taps p, the
zeros of :math:`1-\sum_m p[m]q^{m+1}` are the poles of the process that is predicted. The network
stays as it is; a linear read-out of its last hidden layer is fitted to the next input sample, and
the kernel of that predictor is taken by the same Jacobian. Whether it knows more than the past of
the signal itself is told by an autoregression of the same data, and by a network with random
weights.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from pulsephase.errors import ParameterError
from pulsephase.interpret.context import Context
from pulsephase.interpret.derivatives import signal_rows
from pulsephase.interpret.response import head_response, motions
from pulsephase.interpret.scores import by_lag
from pulsephase.interpret.subject import Network
from pulsephase.models.tcn import DilatedStack, SymmetricTCN
from pulsephase.physics.discretisation import oscillator_from_poles
from pulsephase.physics.identify import numbers_of
from pulsephase.physics.whitening import whitening_zeros

RIDGE = 1e-6
"""Of the read-out, as a share of the mean variance of a hidden channel."""
AR_ORDER = 16


def hidden(
    head: DilatedStack, signals: Float[Tensor, "clip time channel"]
) -> Float[Tensor, "clip time width"]:
    """Return what the last layer of a causal stack hands to its read-out."""
    h = head.inward(signals.transpose(1, 2))
    states = head.initial_state(len(signals), signals)
    for layer, state in zip(head.residual_layers(), states, strict=True):
        h, _ = layer(h, state)
    found: Tensor = h.transpose(1, 2)
    return found


def probe_head(
    head: DilatedStack,
    signals: Float[Tensor, "clip time channel"],
    *,
    direction: Float64[np.ndarray, " channel"],
    times: list[int],
    sample_hz: float,
) -> dict[str, Any]:
    """Fit the read-out; return its kernel, its zeros as an oscillator, and how well it predicts.

    Args:
        head: A causal stack.
        signals: What it reads; half of the clips fit the read-out that is scored on the others.
        direction: Along which the input is one signal.
        times: Where the predictor's kernel is taken.
        sample_hz: Frames per second.
    """
    along = torch.from_numpy(direction).to(signals)
    start = min(times) // 2
    scalar = signals @ along
    scalar = scalar - scalar[:, start:].mean(1, keepdim=True)
    with torch.no_grad():
        states = hidden(head, signals)[:, start:-1]
    states = states - states.mean(1, keepdim=True)
    ahead = scalar[:, start + 1 :]
    weights = _ridge(states.flatten(0, 1), ahead.flatten())
    moved = _loading(signals[:, start:], scalar[:, start:])

    def predict(x: Float[Tensor, "clip time channel"]) -> Float[Tensor, "clip time"]:
        return hidden(head, x) @ weights

    rows, lags = by_lag(signal_rows(predict, signals, times=times), times=times)
    kernel = rows.mean(axis=(0, 1))[lags >= 0] @ moved.cpu().numpy()
    return {
        "kernel": kernel.tolist(),
        "explained": _held_out(states, ahead),
        "explained_by_autoregression": _held_out(_lagged(scalar, start), ahead),
        "process": _process(kernel, sample_hz=sample_hz),
    }


def probe(context: Context) -> dict[str, Any]:
    """Run the probe on the subject's head and on one with random weights."""
    subject = context.subject
    if not isinstance(subject, Network):
        return {"withheld": "a foreign network shows no hidden layer to probe"}
    head = subject.net.head
    if not isinstance(head, DilatedStack) or isinstance(head, SymmetricTCN):
        return {"withheld": f"the probe reads causal dilated stacks; this is {type(head).__name__}"}
    signals = context.once("motions", motions)
    if len(signals) < 2:
        return {"withheld": f"there are {len(signals)} clips; the probe needs at least 2"}
    response = context.once("head", head_response)
    times = sorted({int(response.lags.max()), signals.shape[1] - 2})

    def of(stack: DilatedStack) -> dict[str, Any]:
        return probe_head(
            stack,
            signals,
            direction=response.kernels.direction,
            times=times,
            sample_hz=subject.sample_hz,
        )

    random = subject.redrawn_head(context.first_draw)
    assert isinstance(random, DilatedStack)
    return of(head) | {"explained_by_random_weights": of(random)["explained"]}


def _ridge(
    states: Float[Tensor, "sample width"], wanted: Float[Tensor, " sample"]
) -> Float[Tensor, " width"]:
    gram = states.T @ states
    eye = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    found: Tensor = torch.linalg.solve(
        gram + RIDGE * gram.diagonal().mean().clamp(min=1e-30) * eye, states.T @ wanted
    )
    return found


def _loading(
    signals: Float[Tensor, "clip time channel"], scalar: Float[Tensor, "clip time"]
) -> Float[Tensor, " channel"]:
    """Return how the channels move when the one signal moves by one."""
    centred = signals - signals.mean(1, keepdim=True)
    moved: Tensor = (centred * scalar[..., None]).sum((0, 1)) / (scalar**2).sum().clamp(min=1e-30)
    return moved


def _lagged(scalar: Float[Tensor, "clip time"], start: int) -> Float[Tensor, "clip frame lag"]:
    """Return the last samples of the signal beside each other, for each frame from ``start`` on."""
    windows = scalar.unfold(1, AR_ORDER, 1)  # window i ends at frame i + order - 1
    return windows[:, start - AR_ORDER + 1 : -1]


def _held_out(
    states: Float[Tensor, "clip time width"], wanted: Float[Tensor, "clip time"]
) -> float:
    """Return the share of variance of the next sample that a read-out explains on other clips."""
    left, power = 0.0, 0.0
    for first in (0, 1):
        weights = _ridge(states[first::2].flatten(0, 1), wanted[first::2].flatten())
        other = wanted[1 - first :: 2]
        left += float(((other - states[1 - first :: 2] @ weights) ** 2).sum())
        power += float((other**2).sum())
    return 1 - left / power if power > 0 else 0.0


def _process(kernel: Float64[np.ndarray, " tap"], *, sample_hz: float) -> dict[str, Any]:
    """Return the oscillator whose samples this predictor makes white."""
    try:
        zeros = whitening_zeros(kernel, order=2)
        mode = oscillator_from_poles(
            complex(zeros[0]), complex(zeros[1]), scheme="zero_order", step_s=1 / sample_hz
        )
    except ParameterError as error:
        return {"withheld": str(error)}
    return {"kind": "rings" if mode.rings else "creeps", **numbers_of(mode)}
