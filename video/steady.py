"""A box that holds still while the face is still, and follows it when it moves.

A box that trembles moves edges and shadows in and out of the crop, in step with nothing: with a
pulse below one grey level, that costs beats per minute.
"""

import math

import numpy as np
from jaxtyping import Float64

Place = Float64[np.ndarray, " 4"]
"""Centre x, centre y, width, height in pixels."""

SMOOTH_S = 0.1
CENTRE_SLACK = 0.015
SIZE_SLACK = 0.03


class Steadier:
    r"""Smooth the measured place of a box, then let it have some play.

    The measured place is low-passed with time constant :math:`\tau` (0.1 s, whatever the frame
    rate),

    .. math:: m \leftarrow m + (1 - e^{-\Delta t / \tau}) (z - m),

    and the box o follows with play s (1.5 % of the size in place, 3 % in size), as a nut follows a
    screw:

    .. math:: o \leftarrow o + e - \operatorname{clip}(e, -s, s), \qquad e = m - o.

    So it is still, bit for bit, while the smoothed measure stays within the play, and lags a
    moving face by no more than the play plus :math:`\tau` times its speed.
    """

    def __init__(self, place: Place, time_s: float) -> None:
        self.smooth = place.copy()
        self.place = place.copy()
        self.time_s = time_s

    def update(self, measured: Place, time_s: float) -> Place:
        """Take a measured place at a time in s; return the steady one."""
        part = 1 - math.exp(-(time_s - self.time_s) / SMOOTH_S)
        self.time_s = time_s
        self.smooth = self.smooth + part * (measured - self.smooth)
        self.place = with_play(self.place, self.smooth, CENTRE_SLACK, SIZE_SLACK)
        return self.place


def with_play(place: Place, target: Place, centre: float, size: float) -> Place:
    """Move a place towards a target until it is within the play, given in parts of its size.

    >>> at = np.array([100.0, 100.0, 50.0, 50.0])
    >>> with_play(at, np.array([104.0, 110.0, 50.0, 60.0]), 0.1, 0.1)
    array([100., 105.,  50.,  55.])
    """
    extent = np.concatenate([place[2:], place[2:]])
    play = extent * (centre, centre, size, size)
    error = target - place
    moved: Place = place + (error - np.clip(error, -play, play))
    return moved
