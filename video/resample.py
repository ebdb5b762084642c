r"""Frames at their own times become samples on an even grid: by time, never by index.

The grid is :math:`t_0 + n / f` with :math:`t_0` the time of the first frame. A sample between two
frames is the straight line between them, so it is known once the second has come: the latency is at
most one frame of the source, and a sample never depends on a frame later than that one.
"""

import math

import numpy as np
from jaxtyping import Float

from pulsephase.checks import FURTHEST_S
from pulsephase.errors import SamplingError
from pulsephase.video.times import GAP_S

SNAP_S = 0.5e-3
"""A frame this near to a grid time is taken as it is: Matroska rounds its times to whole ms."""


Samples = Float[np.ndarray, "..."]


class Resampler:
    r"""Bring a series of arrays to an even rate, one frame at a time.

    With the newest two frames :math:`(t_a, x_a)` and :math:`(t_b, x_b)`, each grid time
    :math:`t_a < \tau \le t_b` gives

    .. math:: y(\tau) = x_a + w\,(x_b - x_a), \qquad w = (\tau - t_a) / (t_b - t_a),

    save that a frame within 0.5 ms of :math:`\tau` is passed on exactly. So footage at the grid's
    own rate passes unchanged, with no latency; footage at 29.97 Hz on a 30 Hz grid slides slowly
    through all weights; and linear signals are exact at any rate. Frames more than ``gap_s`` apart
    are not joined: the samples between them are left out, and the next one is the first grid time
    at or after the later frame. The grid itself never moves.

    *Causality.* Changing the frames from index k on changes no sample at or before
    ``times[k - 1]``.

    Args:
        sample_hz: Rate of the grid.
        gap_s: Longest step over which frames are joined.

    Raises:
        SamplingError: If the rate or the gap is not positive and finite.

    >>> grid = Resampler(10.0)
    >>> [grid.push(np.array([float(t)]), t / 4) for t in range(2)][1]
    [(array([0.4]), 0.1), (array([0.8]), 0.2)]
    """

    def __init__(self, sample_hz: float, *, gap_s: float = GAP_S) -> None:
        for name, value in (("sample_hz", sample_hz), ("gap_s", gap_s)):
            if not (math.isfinite(value) and value > 0):
                raise SamplingError(f"{name} is {value}; it must be positive and finite")
        self.sample_hz = float(sample_hz)
        self.gap_s = float(gap_s)
        self.origin_s = math.nan
        self.next_index = 0
        self.previous: tuple[Samples, float] | None = None

    def push(self, frame: Samples, time_s: float) -> list[tuple[Samples, float]]:
        """Take the next frame; return the samples that it completes, with their grid times in s.

        Raises:
            SamplingError: If the time does not rise; the state is then unchanged.
        """
        self.check(time_s)
        if self.previous is None:
            self.origin_s = time_s
        elif time_s - self.previous[1] > self.gap_s:
            self.next_index = self._first_at(time_s)
        samples = []
        while (grid_s := self._grid_s(self.next_index)) <= time_s + SNAP_S:
            samples.append((self._at(grid_s, frame, time_s), grid_s))
            self.next_index += 1
        self.previous = (frame, time_s)
        return samples

    def check(self, time_s: float) -> None:
        """Refuse a time that :meth:`push` would not take.

        Raises:
            SamplingError: If it does not rise, or is too far away.
        """
        if self.previous is None and not abs(time_s) < FURTHEST_S:
            raise SamplingError(
                f"the first frame is at {time_s} s; times must be within {FURTHEST_S:g} s of 0"
            )
        last_s = -FURTHEST_S if self.previous is None else self.previous[1]
        if not last_s < time_s < FURTHEST_S:
            raise SamplingError(
                f"frame at {time_s} s after one at {last_s} s; times must rise, and stay below "
                f"{FURTHEST_S:g} s"
            )

    def _grid_s(self, index: int) -> float:
        return self.origin_s + index / self.sample_hz

    def _first_at(self, time_s: float) -> int:
        index = math.floor((time_s - self.origin_s) * self.sample_hz) - 1
        while self._grid_s(index) < time_s - SNAP_S:
            index += 1
        return max(index, self.next_index)

    def _at(self, grid_s: float, frame: Samples, time_s: float) -> Samples:
        if self.previous is None or abs(grid_s - time_s) <= SNAP_S:
            return frame
        before, before_s = self.previous
        weight = (grid_s - before_s) / (time_s - before_s)
        sample: Samples = before + weight * (frame - before)  # what stands still stays, bit for bit
        return sample
