r"""The pulse: a beat train with its variability, driving a damped oscillator in closed form.

The forcing is a sum of impulses at the beats and at their reflections,

.. math:: \ddot z + 2\zeta\omega\,\dot z + \omega^2 z = \sum_k a_k
          [\delta(t - t_k) + \rho\,\delta(t - t_k - D)],

so that z and its derivatives are exact sums of the impulse response: no integrator, no tolerance.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.config import PulseRanges
from pulsephase.synthetic.streams import Stream

GRID_HZ = 60.0


class Pulse(NamedTuple):
    r"""The pulse of one clip, in units of the standard deviation of z over the clip.

    Attributes:
        z: Blood volume at the frames, mean removed.
        dz: Its first derivative in 1/s.
        ddz: Its second derivative in 1/s^2, from the equation itself (forcing apart).
        heart_rate_bpm: Instantaneous rate at the frames.
        beat_times_s: Impulse times, warm-up included.
        weights: Impulse weights :math:`a_k`, in the same units.
        alpha: Damping :math:`2\zeta\omega` in 1/s.
        omega: Natural frequency in rad/s.
        reflection: Weight :math:`\rho` of the reflections.
        reflection_delay_s: Their delay D.
        mean: Mean of z that was removed.
        amplitude: Standard deviation of the relative change of linear green light.
        breathing_hz: Breathing rate.
    """

    z: Float[Tensor, " time"]
    dz: Float[Tensor, " time"]
    ddz: Float[Tensor, " time"]
    heart_rate_bpm: Float[Tensor, " time"]
    beat_times_s: Float[Tensor, " beats"]
    weights: Float[Tensor, " beats"]
    alpha: float
    omega: float
    reflection: float
    reflection_delay_s: float
    mean: float
    amplitude: float
    breathing_hz: float


def impulse_response(
    lag_s: Float[Tensor, "*shape"], *, alpha: float, omega: float
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    r"""Return :math:`h(t)` and :math:`h'(t)`, the response to one impulse.

    .. math:: \ddot h + \alpha\,\dot h + \omega^2 h = \delta(t)

    Two real poles where :math:`\alpha > 2\omega`; zero before the impulse.
    """
    late = lag_s.clamp(min=0.0)
    on = (lag_s > 0).to(lag_s)
    half, square = alpha / 2, omega**2 - alpha**2 / 4
    decay = (-half * late).exp()
    root = math.sqrt(abs(square))
    if root * float(late.max()) < 1e-4:  # critical damping, to second order in the root
        growth = late * (1 - square * late**2 / 6)
        swing = 1 - square * late**2 / 2
    elif square > 0:
        growth, swing = (root * late).sin() / root, (root * late).cos()
    else:  # two real poles; the decay is taken in first, lest the growth overflow
        rise, fall = ((root - half) * late).exp(), ((-root - half) * late).exp()
        growth, swing, decay = (rise - fall) / (2 * root), (rise + fall) / 2, torch.ones_like(late)
    h, slope = decay * growth, decay * (swing - half * growth)
    return on * h, on * slope


def sample_pulse(seed: int, ranges: PulseRanges, times_s: Float[Tensor, " time"]) -> Pulse:
    """Draw a pulse and evaluate it at the frame times."""
    draw = Stream(seed, "pulse")
    mean_hz = float(draw.log_uniform(*ranges.heart_rate_bpm)) / 60
    breathing_hz = float(draw.uniform(*ranges.breathing_hz))
    grid, rate_hz = _rate_track(draw, ranges, mean_hz, breathing_hz, float(times_s[-1]))
    beats = _crossings(draw, grid, rate_hz, ranges.jitter / mean_hz)
    breath = draw.uniform(0.0, 0.25) * torch.sin(
        2 * math.pi * breathing_hz * beats + draw.uniform(0.0, 2 * math.pi)
    )
    weights = 1 + breath + 0.05 * draw.normal(len(beats))
    natural_hz = float(draw.log_uniform(*ranges.natural_hz))
    if ranges.follows_heart:
        natural_hz *= math.sqrt(mean_hz / 1.2)
    omega = 2 * math.pi * natural_hz
    alpha = 2 * float(draw.log_uniform(*ranges.damping)) * omega
    reflection = float(draw.uniform(*ranges.reflection))
    delay_s = float(draw.uniform(*ranges.reflection_delay_s))
    amplitude = float(draw.log_uniform(*ranges.amplitude))
    z, dz = _response(times_s, beats, weights, alpha, omega)
    back, dback = _response(times_s, beats + delay_s, weights, alpha, omega)
    z, dz = z + reflection * back, dz + reflection * dback
    scale, mean = float(z.std()), float(z.mean())
    ddz = -alpha * dz - omega**2 * z
    position = ((times_s - grid[0]) * GRID_HZ).long().clamp(max=len(grid) - 1)
    return Pulse(
        z=(z - mean) / scale,
        dz=dz / scale,
        ddz=ddz / scale,
        heart_rate_bpm=60 * rate_hz[position],
        beat_times_s=beats,
        weights=weights / scale,
        alpha=alpha,
        omega=omega,
        reflection=reflection,
        reflection_delay_s=delay_s,
        mean=mean / scale,
        amplitude=amplitude,
        breathing_hz=breathing_hz,
    )


def _rate_track(
    draw: Stream, ranges: PulseRanges, mean_hz: float, breathing_hz: float, end_s: float
) -> tuple[Tensor, Tensor]:
    """Return a time grid and the heart rate on it: breathing, Mayer waves, drift."""
    length = int((ranges.warm_up_s + end_s + 1) * GRID_HZ)
    grid = torch.arange(length, dtype=torch.float64) / GRID_HZ - ranges.warm_up_s
    rate = torch.ones_like(grid)
    depths = (ranges.respiratory_depth, ranges.mayer_depth)
    for depth, frequency in zip(depths, (breathing_hz, 0.1), strict=True):
        phase = draw.uniform(0.0, 2 * math.pi)
        rate += draw.uniform(*depth) * torch.sin(2 * math.pi * frequency * grid + phase)
    rate += draw.uniform(-ranges.drift, ranges.drift) * (grid / 10).clamp(-1, 1)
    return grid, mean_hz * rate


def _crossings(draw: Stream, grid: Tensor, rate_hz: Tensor, jitter_s: float) -> Tensor:
    """Return the times at which the integral of the rate passes an integer (plus a phase)."""
    phase = torch.cumsum(rate_hz, 0) / GRID_HZ
    wanted = torch.arange(int(phase[-1]) + 1, dtype=torch.float64) + draw.uniform(0.0, 1.0)
    wanted = wanted[wanted < phase[-1]]
    after = torch.searchsorted(phase, wanted).clamp(1, len(grid) - 1)
    low, high = phase[after - 1], phase[after]
    share = ((wanted - low) / (high - low)).clamp(0, 1)
    return grid[after - 1] + share / GRID_HZ + jitter_s * draw.normal(len(wanted))


def _response(
    times_s: Tensor, beats: Tensor, weights: Tensor, alpha: float, omega: float
) -> tuple[Tensor, Tensor]:
    h, slope = impulse_response(times_s[:, None] - beats, alpha=alpha, omega=omega)
    return h @ weights, slope @ weights
