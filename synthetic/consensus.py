"""Does footage show a pulse of its own, and at which rate? By agreement of POS and CHROM."""

import numpy as np
import torch
from jaxtyping import Float

from pulsephase.models.classical import chrom, pos

SAMPLE_HZ = 30.0
WINDOW_S, STEP_S = 10.0, 2.5
BAND_HZ = (0.65, 4.0)
NEAR_BPM = 5.0
AGREEING = 0.7
"""Share of the windows' readings, of both methods, that must lie near their median."""


def own_bpm(
    colour: Float[np.ndarray, "time 3"], times_s: Float[np.ndarray, " time"]
) -> float | None:
    """Return the rate of the footage's own pulse, or none where no rate stands out.

    Args:
        colour: Mean colour of the skin of each frame.
        times_s: Times of the frames, rising, without long gaps.
    """
    grid = np.arange(times_s[0], times_s[-1], 1 / SAMPLE_HZ)
    even = np.stack([np.interp(grid, times_s, colour[:, c]) for c in range(3)], 1)
    length = min(round(WINDOW_S * SAMPLE_HZ), len(even))
    found = []
    for start in range(0, len(even) - length + 1, round(STEP_S * SAMPLE_HZ)):
        window = torch.from_numpy(even[start : start + length])
        found += [
            _strongest(method(window, sample_hz=SAMPLE_HZ).numpy()) for method in (pos, chrom)
        ]
    if not found:
        return None
    middle = float(np.median(found))
    near = np.abs(np.array(found) - middle) < NEAR_BPM
    return middle if near.mean() >= AGREEING else None


def _strongest(wave: Float[np.ndarray, " time"]) -> float:
    """Return the frequency in beats a minute of the largest peak of f P(f) in the band."""
    centred = (wave - wave.mean()) * np.hanning(len(wave))
    points = 1 << 13
    power = np.abs(np.fft.rfft(centred, points)) ** 2
    hertz = np.fft.rfftfreq(points, 1 / SAMPLE_HZ)
    here = (hertz >= BAND_HZ[0]) & (hertz <= BAND_HZ[1])
    return float(60 * hertz[here][np.argmax(hertz[here] * power[here])])
