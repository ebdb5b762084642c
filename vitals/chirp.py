r"""Does the rate of a window run away, faster than a heart's can?

A tone whose rate moves by :math:`c` a second is a chirp, and a chirp explains it better than any
steady tone does:

.. math:: Q(c, f) = \Bigl|\sum_t w_t x_t\, e^{-2\pi i (f t + c t^2/2)}\Bigr|^2,

with :math:`t` from the middle of the window and :math:`w` its taper. Between a steady tone and one
of 10 bpm/s the two are equal near 5 bpm/s, beyond what the mean of a heart's rate does.
"""

import numpy as np
from jaxtyping import Bool, Float

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
