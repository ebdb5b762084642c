r"""The transit delay: each pixel's wave :math:`z(t - \tau)`, where a Taylor series is too coarse.

To second order, :math:`z - \tau\dot z + \tau^2\ddot z/2`, the delay costs two products a pixel, and
nothing but the smallness of :math:`r|\tau|` speaks for it, r the rate of the fastest pole: beyond,
the series overshoots the wave by any factor. There z itself is worked out at a few delays, exactly,
and a pixel takes the line between the two beside its own, which cannot overshoot.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.ejection import impulse_response, respond
from pulsephase.synthetic.pulse import Pulse, impulses_of

# Where the series is left. No preset but `vessel` has poles beyond 27.2 /s (2.6 Hz at 200 bpm), and
# none of the others reaches 2 with slower ones (1.2 at the greatest delay of 2,500 faces). Error of
# what is left to the series, against the deviation of the wave, over the pixels of a face as they
# pulse, 200 clips each: `full` 0.8 % at the median, 17 % at worst; fast poles below 0.5 in `vessel`
# 0.8 % and 8 %. It lies at the beats, where the slope of the wave jumps. Above 3 it would be 31 %
# and 260 %, with spikes of many times the wave.
FAST_PER_S = 28.0
FAST_REACH, REACH = 0.5, 2.0
DELAYS = 17


class Waves(NamedTuple):
    """The wave at evenly spaced delays.

    Attributes:
        table: Blood volume at the frames.
        first_s: The smallest delay.
        step_s: From one to the next.
    """

    table: Float[Tensor, "time delays"]
    first_s: float
    step_s: float


def fastest_pole(pulse: Pulse) -> float:
    """Return the modulus of the oscillator's fastest pole, in 1/s."""
    square = pulse.alpha**2 / 4 - pulse.omega**2
    return pulse.omega if square < 0 else pulse.alpha / 2 + math.sqrt(square)


def delayed(
    pulse: Pulse, times_s: Float[Tensor, " time"], delay_s: Float[Tensor, "rows columns"]
) -> Waves | None:
    """Return the wave at the delays of a face, or nothing where the series will do.

    Args:
        pulse: Of the clip.
        times_s: Its frame times.
        delay_s: Map of the delay over the face; positive where the pulse comes late.
    """
    rate, reach_s = fastest_pole(pulse), float(delay_s.abs().max())
    if rate * reach_s <= (FAST_REACH if rate > FAST_PER_S else REACH):
        return None
    low, high = float(delay_s.min()), float(delay_s.max())
    delays = torch.linspace(low, high, DELAYS, dtype=torch.float64)
    table = volume_at(pulse, (times_s[:, None] - delays).flatten()).view(len(times_s), DELAYS)
    return Waves(table, low, max((high - low) / (DELAYS - 1), 1e-9))


def volume_at(pulse: Pulse, times_s: Float[Tensor, " other"]) -> Float[Tensor, " other"]:
    """Return z at any times within a clip, exactly: each from the state at the impulse before it.

    The same as :func:`pulsephase.synthetic.pulse.wave_at` but for rounding, in a time that does not
    grow with the number of beats.
    """
    alpha, omega = pulse.alpha, pulse.omega
    if pulse.held is not None:
        return respond(pulse.held, times_s, alpha=alpha, omega=omega)[0] - pulse.mean
    kicks, weights = impulses_of(pulse)
    kicks, order = kicks.sort()
    gaps = kicks.diff()
    h, dh = impulse_response(gaps, alpha=alpha, omega=omega)
    dh = torch.where(gaps > 0, dh, 1.0)  # two impulses at once: nothing happens in between
    z, dz = 0.0, float(weights[order[0]])
    states = [(0.0, 0.0), (z, dz)]  # at rest before the first
    for push, *step in zip(weights[order[1:]].tolist(), h.tolist(), dh.tolist(), strict=True):
        respond_h, respond_dh = step
        z, dz = (
            z * (respond_dh + alpha * respond_h) + dz * respond_h,
            dz * respond_dh - omega**2 * respond_h * z + push,
        )
        states.append((z, dz))
    count = torch.searchsorted(kicks, times_s)  # impulses before each time
    late = (times_s - kicks[(count - 1).clamp(min=0)]).clamp(min=0.0)
    before = torch.tensor(states, dtype=torch.float64)[count]
    h, dh = impulse_response(late, alpha=alpha, omega=omega)
    return before[:, 0] * (dh + alpha * h) + before[:, 1] * h - pulse.mean


def seen_at(
    waves: Waves, part: slice, delay_s: Float[Tensor, "time height width"]
) -> Float[Tensor, "time height width"]:
    """Return the blood volume of each pixel in some frames: between two delays, a line."""
    place = (delay_s.flatten(1) - waves.first_s) / waves.step_s
    low = place.floor().clamp_(0, waves.table.shape[1] - 2)
    share, index = place.sub_(low).clamp_(0, 1), low.long()
    table = waves.table[part]
    between = torch.lerp(table.gather(1, index), table.gather(1, index + 1), share)
    return between.view_as(delay_s)
