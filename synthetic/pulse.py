r"""The pulse: a beat train with its variability, driving a damped oscillator in closed form.

The forcing is a sum of impulses at the beats and at their reflections,

.. math:: \ddot z + 2\zeta\omega\,\dot z + \omega^2 z = \sum_k a_k
          [\delta(t - t_k) + \rho\,\delta(t - t_k - D)],

so that z and its derivatives are exact sums of the impulse response: no integrator, no tolerance.
Where the config asks for a sampled forcing, :mod:`pulsephase.synthetic.ejection` answers it.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.machine import one_thread
from pulsephase.physics.forcing import Hold
from pulsephase.synthetic.config import PulseRanges
from pulsephase.synthetic.ejection import (
    Held,
    ejections,
    impulse_response,
    respond,
    stretches,
)
from pulsephase.synthetic.streams import Stream

GRID_HZ = 60.0
EARLY = (0.6, 0.8)  # when an ectopic beat comes, as a share of the interval
WEAK = 0.5  # what it ejects, against a full beat


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
        respiration: Breathing at the frames, in -1..1, in phase with the rate.
        held: The sampled forcing, or none where impulses drive the oscillator.
        ectopic: How many beats came early.
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
    respiration: Float[Tensor, " time"]
    held: Held | None
    ectopic: int


@one_thread()
def sample_pulse(seed: int, ranges: PulseRanges, times_s: Float[Tensor, " time"]) -> Pulse:
    """Draw a pulse and evaluate it at the frame times."""
    draw = Stream(seed, "pulse")
    mean_hz = float(draw.log_uniform(*ranges.heart_rate_bpm)) / 60
    breathing_hz = float(draw.uniform(*ranges.breathing_hz))
    grid, rate_hz, phase = _rate_track(draw, ranges, mean_hz, breathing_hz, float(times_s[-1]))
    beats = _crossings(draw, grid, rate_hz, ranges.jitter / mean_hz)
    breath = draw.uniform(0.0, 0.25) * torch.sin(
        2 * math.pi * breathing_hz * beats + draw.uniform(0.0, 2 * math.pi)
    )
    weights = 1 + breath + 0.05 * draw.normal(len(beats))
    beats, weights, ectopic = _with_ectopic(seed, ranges.ectopic_probability, beats, weights)
    natural_hz = float(draw.log_uniform(*ranges.natural_hz))
    if ranges.follows_heart:
        natural_hz *= math.sqrt(mean_hz / 1.2)
    omega = 2 * math.pi * natural_hz
    alpha = 2 * float(draw.log_uniform(*ranges.damping)) * omega
    reflection = float(draw.uniform(*ranges.reflection))
    delay_s = float(draw.uniform(*ranges.reflection_delay_s))
    amplitude = float(draw.log_uniform(*ranges.amplitude))
    held = None
    if ranges.forcing == "impulses":
        z, dz = _response(times_s, beats, weights, alpha, omega)
        back, dback = _response(times_s, beats + delay_s, weights, alpha, omega)
        z, dz = z + reflection * back, dz + reflection * dback
        ddz = -alpha * dz - omega**2 * z
    else:
        kicks = torch.cat([beats, beats + delay_s]), torch.cat([weights, reflection * weights])
        hold: Hold = "first" if ranges.forcing == "first" else "zero"
        held = ejections(*kicks, grid_s=grid, hold=hold)
        z, dz, ddz = respond(held, times_s, alpha=alpha, omega=omega)
    scale, mean = float(z.std()), float(z.mean())
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
        respiration=torch.sin(2 * math.pi * breathing_hz * times_s + phase),
        held=held and held._replace(values=held.values / scale),
        ectopic=ectopic,
    )


@one_thread()
def wave_at(
    pulse: Pulse, times_s: Float[Tensor, " other"]
) -> tuple[Float[Tensor, " other"], Float[Tensor, " other"], Float[Tensor, " other"]]:
    """Return z, z' and z'' of a pulse at any times within its clip, exactly.

    The units are those of the pulse; as there, the mean is taken from z alone.
    """
    if pulse.held is not None:
        z, dz, ddz = respond(pulse.held, times_s, alpha=pulse.alpha, omega=pulse.omega)
        return z - pulse.mean, dz, ddz
    kicks, weights = impulses_of(pulse)
    z, dz = _response(times_s, kicks, weights, pulse.alpha, pulse.omega)
    return z - pulse.mean, dz, -pulse.alpha * dz - pulse.omega**2 * z


def impulses_of(pulse: Pulse) -> tuple[Float[Tensor, " kicks"], Float[Tensor, " kicks"]]:
    """Return times in s and weights of all impulses: the beats, then their reflections."""
    times_s = torch.cat([pulse.beat_times_s, pulse.beat_times_s + pulse.reflection_delay_s])
    return times_s, torch.cat([pulse.weights, pulse.reflection * pulse.weights])


def _with_ectopic(
    seed: int, probability: float, beats: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor, int]:
    r"""Let some beats come early and weakly; the next comes when it would have, after a pause.

    Never two in a row: the beat before stands where it should. So that the share of early beats is
    the probability p, one that may come early does with :math:`p/(1 - p)`. That it comes after 60
    to 80 % of its interval and ejects half as much is an assumption.
    """
    if probability == 0:
        return beats, weights, 0
    draw = Stream(seed, "ectopic")
    wants = (draw.uniform(0.0, 1.0, len(beats)) < probability / (1 - probability)).tolist()
    share = draw.uniform(*EARLY, len(beats))
    early, before = torch.zeros(len(beats), dtype=torch.bool), True  # before the first is no beat
    for index, wanted in enumerate(wants):
        before = wanted and not before
        early[index] = before
    interval = beats.diff(prepend=beats[:1])
    moved = torch.where(early, beats - (1 - share) * interval, beats)
    return moved, torch.where(early, WEAK * weights, weights), int(early.sum())


def _rate_track(
    draw: Stream, ranges: PulseRanges, mean_hz: float, breathing_hz: float, end_s: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return a time grid, the heart rate on it (breathing, Mayer waves, drift), and a phase.

    The phase is that of the breathing.
    """
    length = int((ranges.warm_up_s + end_s + 1) * GRID_HZ)
    grid = torch.arange(length, dtype=torch.float64) / GRID_HZ - ranges.warm_up_s
    rate = torch.ones_like(grid)
    depths = (ranges.respiratory_depth, ranges.mayer_depth)
    phases = []
    for depth, frequency in zip(depths, (breathing_hz, 0.1), strict=True):
        phases.append(draw.uniform(0.0, 2 * math.pi))
        rate += draw.uniform(*depth) * torch.sin(2 * math.pi * frequency * grid + phases[-1])
    rate += draw.uniform(-ranges.drift, ranges.drift) * (grid / 10).clamp(-1, 1)
    return grid, mean_hz * rate, phases[0]


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
    longest_s = max(float(times_s.max() - beats.min()), 0.0)
    z, dz = (torch.empty(len(times_s), dtype=torch.float64) for _ in range(2))
    for part in stretches(len(times_s), len(beats)):  # what is kept lies outside: no fragments
        lag_s = times_s[part, None] - beats
        h, slope = impulse_response(lag_s, alpha=alpha, omega=omega, longest_s=longest_s)
        z[part], dz[part] = h @ weights, slope @ weights
    return z, dz
