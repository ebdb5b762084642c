r"""What a set of Jacobian rows says: causality, look-ahead, time invariance, and its one kernel.

Rows stand by lag, :math:`m = t - s`; a negative lag is a later frame.

.. math:: \text{causality} = \frac{\sum_{m\geq0}\lVert J_m\rVert^2}{\sum_m\lVert J_m\rVert^2},
   \qquad \text{time invariance} = \frac{\lVert\overline J\rVert^2}{\overline{\lVert J\rVert^2}},

the mean over operating points being the Toeplitz part. With n operating points whose responses have
nothing in common, the second is about 1/n.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

Rows = Float[np.ndarray, "clip row lag channel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """The response along the one direction of the channels that holds most of the mean response.

    Attributes:
        by_clip: Kernel of each clip, mean over its times, newest tap first.
        by_row: Kernel of each clip at each time.
        direction: Unit vector over the channels.
        share: Share of the mean response's energy in that direction.
    """

    by_clip: Float64[np.ndarray, "clip tap"]
    by_row: Float64[np.ndarray, "clip row tap"]
    direction: Float64[np.ndarray, " channel"]
    share: float

    @property
    def mean(self) -> Float64[np.ndarray, " tap"]:
        """The kernel of all clips."""
        found: Float64[np.ndarray, " tap"] = self.by_clip.mean(axis=0)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAhead:
    """How far a response reaches into later frames.

    Attributes:
        frames: Largest lead with a response above the floor; 0 is causal.
        at_least: Whether the clip ended before the response did.
    """

    frames: int
    at_least: bool


def by_lag(
    rows: Float[np.ndarray, "clip row time channel"], *, times: Sequence[int]
) -> tuple[Rows, Int[np.ndarray, " lag"]]:
    """Turn rows over frames into rows over lags that all of them have, future first."""
    past, ahead = min(times), rows.shape[2] - 1 - max(times)
    lags = np.arange(-ahead, past + 1)
    found = np.stack([rows[:, index, at - lags] for index, at in enumerate(times)], axis=1)
    return found, lags


def causality(energy: Float[np.ndarray, " lag"], lags: Int[np.ndarray, " lag"]) -> float:
    """Return the share of energy at or before the present.

    Example:
        >>> causality(np.array([1.0, 2.0, 1.0]), np.array([-1, 0, 1]))
        0.75
    """
    total = float(energy.sum())
    return 1.0 - float(energy[lags < 0].sum()) / total if total > 0 else 1.0


def look_ahead(
    energy: Float[np.ndarray, " lag"], lags: Int[np.ndarray, " lag"], *, floor: float
) -> LookAhead:
    """Return the largest lead whose response, the root of its energy, is above a share of the peak.

    Example:
        >>> look_ahead(np.array([0.0, 1e-4, 1.0, 1.0]), np.arange(-2, 2), floor=1e-9)
        LookAhead(frames=1, at_least=False)
    """
    reached = np.sqrt(energy) > floor * np.sqrt(energy.max())
    leads = -lags[reached & (lags < 0)]
    frames = int(leads.max()) if len(leads) else 0
    return LookAhead(frames=frames, at_least=frames > 0 and frames == -int(lags.min()))


def time_invariance(rows: Rows) -> dict[str, float]:
    """Return the share of energy in the mean over all rows; within clips; and between clips.

    ``of_shape`` is the share when every row counts with the same energy: a response that only gets
    stronger and weaker has 1 there.
    """
    each_row = _energy(rows)
    energy = each_row.mean()
    if energy == 0:
        return {"all": 1.0, "within_clips": 1.0, "between_clips": 1.0, "of_shape": 1.0}
    of_clip = rows.mean(axis=1)
    each = float((of_clip**2).sum(axis=(1, 2)).mean())
    both = float((of_clip.mean(axis=0) ** 2).sum())
    shapes = rows / np.sqrt(np.maximum(each_row, 1e-300))[:, :, None, None]
    return {
        "all": both / float(energy),
        "within_clips": each / float(energy),
        "between_clips": both / each if each > 0 else 1.0,
        "of_shape": float((shapes.mean(axis=(0, 1)) ** 2).sum()),
    }


def _energy(rows: Rows) -> Float64[np.ndarray, "clip row"]:
    return np.asarray((rows**2).sum(axis=(2, 3)))


def energy_of(rows: Rows) -> Float64[np.ndarray, " lag"]:
    """Return the mean energy at each lag, over all rows."""
    return np.asarray((rows**2).sum(axis=3).mean(axis=(0, 1)))


def kernels_of(rows: Rows, lags: Int[np.ndarray, " lag"], *, taps: int) -> Kernels:
    """Return the causal kernels along the main direction; their largest mean tap is positive."""
    causal = rows[:, :, lags >= 0][:, :, :taps]
    mean = causal.mean(axis=(0, 1))
    _, values, right = np.linalg.svd(mean, full_matrices=False)
    direction = right[0]
    profile = mean @ direction
    direction = direction * np.sign(profile[np.abs(profile).argmax()] or 1.0)
    along = causal @ direction
    total = float((values**2).sum())
    return Kernels(
        by_clip=along.mean(axis=1),
        by_row=along,
        direction=direction,
        share=float(values[0] ** 2) / total if total > 0 else 1.0,
    )


def memory(
    energy: Float[np.ndarray, " lag"], lags: Int[np.ndarray, " lag"], *, floor: float
) -> int:
    """Return how many taps from the present on reach above a share of the peak."""
    reached = np.sqrt(energy) > floor * np.sqrt(energy.max())
    past = lags[reached & (lags >= 0)]
    return int(past.max()) + 1 if len(past) else 0


def snr_db(kernels: Float[np.ndarray, "clip tap"]) -> float:
    """Return the mean kernel's tap power over the variance of its taps between clips, in dB.

    The variance is that of the mean over clips; kernels that are all alike give infinity.
    """
    spread = kernels.var(axis=0, ddof=1).mean() / len(kernels)
    power = float((kernels.mean(axis=0) ** 2).mean())
    if spread <= 1e-30 * power or spread == 0:
        return float("inf")
    return float(10 * np.log10(power / spread))
