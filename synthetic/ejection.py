r"""A sampled ejection wave, held between its samples, and the oscillator's exact answer to it.

Between two samples the input is constant (zero-order hold) or a line (first-order hold),
:math:`u = u_n + s\,\tau`, and the equation has the closed solution

.. math:: z(\tau) = p + q\tau + (z_n - p)\,(\dot h + \alpha h) + (\dot z_n - q)\,h, \qquad
          q = s/\omega^2,\; p = (u_n - \alpha q)/\omega^2,

with the impulse response h: exact at the samples and between them, whatever the step.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.physics.forcing import Hold

# Left-ventricular ejection lasts about 0.3 s at rest; the half sine is an assumption.
EJECTION_S = 0.3
CELLS = 2**18  # of a table of times by impulses: 2 MB, and some ten such at once


class Held(NamedTuple):
    """A forcing sampled on an even grid.

    Attributes:
        start_s: Time of the first sample; before it, all is at rest.
        step_s: From one sample to the next.
        values: The forcing at the samples.
        hold: ``zero`` (constant to the next sample) or ``first`` (a line to it).
    """

    start_s: float
    step_s: float
    values: Float[Tensor, " samples"]
    hold: Hold


def impulse_response(
    lag_s: Float[Tensor, "*shape"], *, alpha: float, omega: float, longest_s: float | None = None
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    r"""Return :math:`h(t)` and :math:`h'(t)`, the response to one impulse.

    .. math:: \ddot h + \alpha\,\dot h + \omega^2 h = \delta(t)

    Two real poles where :math:`\alpha > 2\omega`; zero before the impulse.

    Args:
        lag_s: Time since the impulse.
        alpha: Damping in 1/s.
        omega: Natural frequency in rad/s.
        longest_s: The longest of the lags; of all, where these are but a part of them.
    """
    late = lag_s.clamp(min=0.0)
    on = (lag_s > 0).to(lag_s)
    half, square = alpha / 2, omega**2 - alpha**2 / 4
    decay = (-half * late).exp()
    root = math.sqrt(abs(square))
    longest_s = float(late.max()) if longest_s is None else longest_s
    if root * longest_s < 1e-4:  # critical damping, to second order in the root
        growth = late * (1 - square * late**2 / 6)
        swing = 1 - square * late**2 / 2
    elif square > 0:
        growth, swing = (root * late).sin() / root, (root * late).cos()
    else:  # two real poles; the decay is taken in first, lest the growth overflow
        rise, fall = ((root - half) * late).exp(), ((-root - half) * late).exp()
        growth, swing, decay = (rise - fall) / (2 * root), (rise + fall) / 2, torch.ones_like(late)
    h, slope = decay * growth, decay * (swing - half * growth)
    return on * h, on * slope


def ejections(
    kicks_s: Float[Tensor, " kicks"],
    weights: Float[Tensor, " kicks"],
    *,
    grid_s: Float[Tensor, " samples"],
    hold: Hold,
) -> Held:
    """Sample half sines of unit area, one after each kick, on an even grid."""
    values = torch.empty_like(grid_s)
    for part in stretches(len(grid_s), len(kicks_s)):
        along = (grid_s[part, None] - kicks_s) / EJECTION_S
        inside = (along > 0) & (along < 1)
        wave = math.pi / (2 * EJECTION_S) * torch.sin(math.pi * along) * inside
        values[part] = wave @ weights
    step_s = float(grid_s[1] - grid_s[0])
    return Held(start_s=float(grid_s[0]), step_s=step_s, values=values, hold=hold)


def stretches(times: int, impulses: int) -> list[slice]:
    """Return stretches of times, each few enough for a table of times by impulses.

    Their length is a multiple of 64, so that rows are added up as they would be in one table.
    """
    length = max(64, CELLS // max(impulses, 1) // 64 * 64)
    return [slice(at, min(at + length, times)) for at in range(0, times, length)]


def respond(
    held: Held, times_s: Float[Tensor, " time"], *, alpha: float, omega: float
) -> tuple[Float[Tensor, " time"], Float[Tensor, " time"], Float[Tensor, " time"]]:
    """Return z, z' and z'' at any times from the first sample to the last, from rest.

    Exact to rounding. At a jump of a zero-order hold, z'' is that after the jump.
    """
    u = held.values
    slope = u.diff(append=u[-1:]) / held.step_s if held.hold == "first" else torch.zeros_like(u)
    rise = slope / omega**2
    level = (u - alpha * rise) / omega**2
    step = torch.tensor(held.step_s, dtype=torch.float64)
    h, dh = (float(value) for value in impulse_response(step, alpha=alpha, omega=omega))
    states, z, dz = [], 0.0, 0.0
    for p, q in zip(level.tolist(), rise.tolist(), strict=True):
        states.append((z, dz))
        y, dy = z - p, dz - q
        z = p + q * held.step_s + y * (dh + alpha * h) + dy * h
        dz = q - omega**2 * h * y + dh * dy
    position = (times_s - held.start_s) / held.step_s
    at = (position + 1e-9).floor().long().clamp(0, len(u) - 1)  # a sample time begins its step
    late = ((position - at) * held.step_s).clamp(min=0.0)
    before = torch.tensor(states, dtype=torch.float64)[at]
    y, dy = before[:, 0] - level[at], before[:, 1] - rise[at]
    lag, dlag = impulse_response(late, alpha=alpha, omega=omega)
    dlag = torch.where(late > 0, dlag, 1.0)  # the impulse response counts from after its impulse
    z_at = level[at] + rise[at] * late + y * (dlag + alpha * lag) + dy * lag
    dz_at = rise[at] - omega**2 * lag * y + dlag * dy
    return z_at, dz_at, u[at] + slope[at] * late - alpha * dz_at - omega**2 * z_at
