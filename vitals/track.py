r"""The heart rate over time: the path through all windows that a heart could have taken.

A window alone takes its strongest rhythm, and a burst of movement or a lamp can be stronger than
the pulse for a while. Here the rates of all windows are chosen together (Viterbi, 1967): with
:math:`S_n(f)` the score of frequency :math:`f` in window :math:`n` (``spectrum.py``) and windows
that overlap :math:`o`-fold, the path maximises

.. math:: \frac{1}{o} \sum_n \frac{S_n(f_n)}{1 + \max_f S_n(f)/S_0} - c \sum_n |f_n - f_{n-1}|,
          \qquad |f_n - f_{n-1}| \le v .

The cap :math:`S_0` keeps a strong burst from outweighing many windows; the slope limit :math:`v`
lies beyond what the mean of a window does, and below what a jump needs. Cap, cost and limit were
chosen on planted waves (docs/reference/vitals.md). The path looks at the whole wave: it is for
recordings, not for streams.

A window whose rate changes faster than a heart's can is told too.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

CAP = 5.0
COST_PER_BPM = 0.06
FASTEST_BPM_S = 4.0


def follow(
    score: Float[np.ndarray, "windows bins"],
    *,
    frequency_hz: Float[np.ndarray, " bins"],
    usable: Bool[np.ndarray, " windows"],
    step_s: float,
    window_s: float,
) -> NDArray[np.intp]:
    """Return the bin of each window on the best path.

    Args:
        score: How well each frequency explains each window.
        frequency_hz: Evenly spaced.
        usable: Windows that count; the others are passed through at the slope limit.
        step_s: From one window to the next.
        window_s: Length of a window.

    Example:
        >>> score = np.zeros((9, 40)) + 0.1
        >>> score[:, 10] = 4.0
        >>> score[4, 35] = 100.0  # a burst
        >>> bins = np.arange(40) * 0.0125 + 1.0
        >>> every = np.ones(9, dtype=bool)
        >>> follow(score, frequency_hz=bins, usable=every, step_s=1.0, window_s=10.0).tolist()
        [10, 10, 10, 10, 10, 10, 10, 10, 10]
    """
    gain = score / (1 + score.max(1, keepdims=True) / CAP) * min(1.0, step_s / window_s)
    gain[~usable] = 0.0
    width_bpm = 60 * float(frequency_hz[1] - frequency_hz[0])
    bins = len(frequency_hz)
    reach = min(int(FASTEST_BPM_S * step_s / width_bpm + 1e-9), bins - 1)
    cost = COST_PER_BPM * width_bpm * np.abs(np.arange(-reach, reach + 1))
    total, came_from = gain[0], np.empty(score.shape, dtype=np.intp)
    for n in range(1, len(score)):
        padded = np.pad(total, reach, constant_values=-np.inf)
        offers = sliding_window_view(padded, 2 * reach + 1) - cost
        best = offers.argmax(1)
        came_from[n] = np.arange(bins) + best - reach
        total = offers[np.arange(bins), best] + gain[n]
    path = np.empty(len(score), dtype=np.intp)
    path[-1] = total.argmax()
    for n in range(len(score) - 1, 0, -1):
        path[n - 1] = came_from[n, path[n]]
    return path


SPEEDS_BPM_S = (-40.0, -20.0, -10.0, 10.0, 20.0, 40.0)
REACH_HZ = 0.25  # by which the rate in the middle may differ from the steady tone's
STEP = 0.5  # of 1/T, between rates that are tried


def runs_away(
    windows: Float[np.ndarray, "windows time"],
    frequency_hz: Float[np.ndarray, " windows"],
    *,
    sample_hz: float,
) -> Bool[np.ndarray, " windows"]:
    """Tell in which windows a chirp of at least 10 bpm/s is stronger than the steady tone.

    Args:
        windows: Detrended waves, zero where samples are missing.
        frequency_hz: The steady tone of each.
        sample_hz: Samples per second.

    Example:
        >>> t = np.arange(150) / 30.0
        >>> rates = [1.2 * t, 1.2 * t + 15 / 60 * t**2 / 2]
        >>> waves = np.cos(2 * np.pi * np.array(rates))
        >>> runs_away(waves, np.array([1.2, 1.8]), sample_hz=30.0).tolist()
        [False, True]
    """
    length = windows.shape[1]
    time = (np.arange(length) - (length - 1) / 2) / sample_hz
    taper = np.sin(np.pi * (np.arange(length) + 0.5) / length)
    steady = taper * windows * np.exp(-2j * np.pi * frequency_hz[:, None] * time)
    step_hz = STEP * sample_hz / length
    offsets = np.arange(-REACH_HZ, REACH_HZ + step_hz / 2, step_hz)
    best = np.zeros(len(windows))
    for speed in SPEEDS_BPM_S:
        bend = np.exp(-1j * np.pi * speed / 60 * time**2)
        basis = bend[:, None] * np.exp(-2j * np.pi * time[:, None] * offsets)
        best = np.maximum(best, np.abs(steady @ basis).max(1))
    return np.asarray(best > np.abs(steady.sum(1)), dtype=np.bool_)
