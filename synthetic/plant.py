r"""A known pulse in the skin of footage: what is drawn for it, and the law by which it is planted.

For a frame x (display values) with a soft skin mask s in 0..1 that follows the face,

.. math:: x'_c(p, t) = x_c(p, t)\,(1 - A\,d_c\,w(p)\,s(p, t)\,z(t - \tau(p))),

with z of unit deviation from the project's own oscillator, sampled at the true times of the
frames; A the relative deviation of green; d the colour of the pulse, green 1; w a smooth map of
mean 1 over the face, stronger on forehead and cheeks; and :math:`\tau` a smooth map of transit
times whose mean over the face is 0: the label is the wave of the whole face.

The delays are taken from a few levels with straight lines between them, so that the law is a
product of two small matrices; within a level of 10 ms the error is below 1 % of a wave at 4 Hz.
"""

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32

from pulsephase.errors import ParameterError
from pulsephase.synthetic.config import PulseRanges
from pulsephase.synthetic.limits import Range
from pulsephase.synthetic.pulse import Pulse, sample_pulse, wave_at
from pulsephase.synthetic.streams import Stream

DIRECTION = (0.43, 1.0, 0.62)
"""Relative change of red, green and blue after the camera's curve, green 1 (median of real faces,
see docs/planted.md)."""
LEVELS = 5
FACE_AXES = (0.9, 1.15)
"""Half axes of the face in half sides of its box: where the maps have their means."""
SPOTS = ((0.0, -0.75, 0.5, 0.3), (-0.45, 0.2, 0.3, 0.35), (0.45, 0.2, 0.3, 0.35))
"""Forehead and cheeks: centre, width and height, in half sides of the box."""
TRIES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantRanges:
    """What may vary in a planted pulse.

    Attributes:
        amplitude: Standard deviation of the relative change of green display values (log).
        direction: Relative change of red, green and blue, green 1.
        direction_spread: Log-normal spread of red and blue against green.
        perfusion: Extra amplitude of forehead and cheeks.
        delay_s: Spread of the map of the pulse's transit time.
        away_bpm: How far a planted rate keeps from the footage's own pulse, its half and its
            double, where that is known.
        no_pulse_probability: Share of clips in which nothing is planted.
        pulse: The heart and the vessel; its amplitude is not used.
    """

    amplitude: Range = (6e-4, 4e-3)
    direction: tuple[float, float, float] = DIRECTION
    direction_spread: float = 0.25
    perfusion: Range = (0.0, 0.8)
    delay_s: Range = (0.0, 0.04)
    away_bpm: float = 8.0
    no_pulse_probability: float = 0.0
    pulse: PulseRanges = field(default_factory=PulseRanges)

    def __post_init__(self) -> None:
        for name, (low, high), most in (
            ("amplitude", self.amplitude, 0.1),
            ("perfusion", self.perfusion, 3.0),
            ("delay_s", self.delay_s, 0.2),
        ):
            least = 1e-6 if name == "amplitude" else 0.0
            if not least <= low <= high <= most:
                raise ParameterError(
                    f"{name} is {(low, high)}; give low and high within {least:g} to {most:g}"
                )
        if not all(math.isfinite(part) and abs(part) <= 3 for part in self.direction):
            raise ParameterError(f"direction is {self.direction}; give three numbers up to 3")
        if not 0 <= self.direction_spread <= 1:
            raise ParameterError(f"direction_spread is {self.direction_spread}; allowed is 0 to 1")
        if not 0 <= self.no_pulse_probability <= 1:
            raise ParameterError(
                f"no_pulse_probability is {self.no_pulse_probability}; allowed is 0 to 1"
            )
        if not 0 <= self.away_bpm <= 12:
            raise ParameterError(f"away_bpm is {self.away_bpm}; allowed is 0 to 12")


PLANT_PRESETS = {
    # What is planted for training and validation: as weak and as strong as on real faces.
    "plant-full": PlantRanges(),
    # A pulse that every method should find in still footage.
    "plant-strong": PlantRanges(amplitude=(8e-3, 1.2e-2)),
    # Nothing planted: what the footage itself looks like to a method.
    "plant-null": PlantRanges(no_pulse_probability=1.0),
}


def plant_preset(name: str) -> PlantRanges:
    """Return ranges by name.

    Raises:
        ParameterError: If there are none of that name.
    """
    if name not in PLANT_PRESETS:
        raise ParameterError(f"no preset {name!r}; there are {', '.join(PLANT_PRESETS)}")
    return PLANT_PRESETS[name]


class Planting(NamedTuple):
    """Everything that was drawn for a planted pulse.

    Attributes:
        pulse: The wave, as a function of time.
        alive: Whether anything is planted.
        amplitude: A of the law.
        direction: d of the law.
        perfusion: Extra amplitude of forehead and cheeks, then waves of the map across and down.
        delay_s: Spread of the transit times.
        waves: Turns and phases of the smooth maps: (map, wave, across down phase).
        scales: Mean of the raw strength over the face; least and largest raw lateness; mean of
            the lateness brought to 0..1.
    """

    pulse: Pulse
    alive: bool
    amplitude: float
    direction: Float32[np.ndarray, " 3"]
    perfusion: float
    delay_s: float
    waves: Float[np.ndarray, "2 waves 3"]
    scales: tuple[float, float, float, float]

    @property
    def lags_s(self) -> Float[np.ndarray, " level"]:
        """Delays of the levels in s; their mean over the face is zero."""
        return (np.linspace(0, 1, LEVELS) - self.scales[3]) * self.delay_s


def draw_planting(
    seed: int,
    ranges: PlantRanges,
    times_s: Float[np.ndarray, " time"],
    *,
    own_bpm: float | None = None,
) -> Planting:
    """Draw a pulse for frames at given times.

    Args:
        seed: At least 0.
        ranges: What may vary.
        times_s: Of the frames, from 0, rising.
        own_bpm: Rate of the footage's own pulse, if it has one to keep away from.
    """
    draw = Stream(seed, "plant")
    alive = not draw.chance(ranges.no_pulse_probability)
    amplitude = float(draw.log_uniform(*ranges.amplitude))
    spread = (ranges.direction_spread * draw.normal(2)).exp().tolist()
    red, green, blue = ranges.direction
    turns = draw.uniform(-1.5, 1.5, 2, 3, 2)  # half a period over the face at most: smooth
    phases = draw.uniform(0.0, 2 * math.pi, 2, 3, 1)
    waves = torch.cat([turns, phases], -1).numpy()
    perfusion = float(draw.uniform(*ranges.perfusion))
    delay_s = float(draw.uniform(*ranges.delay_s))
    bpm = _rate_away(draw, ranges, own_bpm)
    fixed = replace(ranges.pulse, heart_rate_bpm=(bpm, bpm))
    return Planting(
        pulse=sample_pulse(seed, fixed, torch.as_tensor(times_s, dtype=torch.float64)),
        alive=alive,
        amplitude=amplitude * alive,
        direction=np.array([red * spread[0], green, blue * spread[1]], np.float32),
        perfusion=perfusion,
        delay_s=delay_s,
        waves=waves,
        scales=_scales(waves, perfusion),
    )


def _rate_away(draw: Stream, ranges: PlantRanges, own_bpm: float | None) -> float:
    """Draw a mean rate, away from the footage's own, its half and its double."""
    for _ in range(TRIES):
        bpm = float(draw.log_uniform(*ranges.pulse.heart_rate_bpm))
        if own_bpm is None or all(
            abs(bpm - own_bpm * ratio) > ranges.away_bpm for ratio in (0.5, 1.0, 2.0)
        ):
            break
    return bpm


def maps_of(
    planting: Planting, across: Float[np.ndarray, " columns"], down: Float[np.ndarray, " rows"]
) -> Float32[np.ndarray, "level rows columns"]:
    """Return the weight of each delay in each pixel: their sum is w, their mean delay tau.

    Args:
        planting: What was drawn.
        across: Columns in half sides of the face box from its centre, to the right.
        down: Rows alike, down.
    """
    mean, low, high, _ = planting.scales
    strength, late = _smooth(planting.waves, planting.perfusion, across, down)
    level = np.clip((late - low) / (high - low), 0, 1) * (LEVELS - 1)
    hats = np.clip(1 - np.abs(level - np.arange(LEVELS)[:, None, None]), 0, 1)
    return np.asarray(hats * (strength / mean), dtype=np.float32)


def _scales(
    waves: Float[np.ndarray, "2 waves 3"], perfusion: float
) -> tuple[float, float, float, float]:
    """Measure the raw maps over the ellipse of the face."""
    grid = np.linspace(-1, 1, 25)
    inside = np.hypot(grid[None], grid[:, None]) <= 1
    strength, late = _smooth(waves, perfusion, grid * FACE_AXES[0], grid * FACE_AXES[1])
    w, raw = strength[inside], late[inside]
    low, high = float(raw.min()), float(raw.max())
    middle = float((w * (raw - low)).sum() / w.sum() / (high - low))
    return float(w.mean()), low, high, middle


def _smooth(
    waves: Float[np.ndarray, "2 waves 3"],
    perfusion: float,
    across: Float[np.ndarray, " columns"],
    down: Float[np.ndarray, " rows"],
) -> tuple[Float[np.ndarray, "rows columns"], Float[np.ndarray, "rows columns"]]:
    """Return raw strength and lateness."""
    u, v = across[None], down[:, None]
    turns = waves[..., :2] @ np.stack(np.broadcast_arrays(u, v)).reshape(2, -1)
    sums = np.cos(turns + waves[..., 2:]).sum(1).reshape(2, len(down), len(across))
    spots = np.zeros(np.broadcast_shapes(u.shape, v.shape))
    for x, y, wide, high in SPOTS:
        spots += np.exp(-(((u - x) / wide) ** 2 + ((v - y) / high) ** 2))
    return (1 + perfusion * spots) * (1 + 0.08 * sums[0]), sums[1]


def waves_at(
    planting: Planting, times_s: Float[np.ndarray, " time"]
) -> Float32[np.ndarray, "time level"]:
    """Return z at the given times, late by each of the delays."""
    times = torch.as_tensor(times_s, dtype=torch.float64)
    late = (times[:, None] - torch.from_numpy(planting.lags_s)).reshape(-1)
    z, _, _ = wave_at(planting.pulse, late)
    return z.reshape(len(times), LEVELS).float().numpy()


def change(
    planting: Planting,
    times_s: Float[np.ndarray, " time"],
    maps: Float32[np.ndarray, "level rows columns"],
) -> Float32[np.ndarray, "time rows columns"]:
    """Return A w z(t - tau) of every pixel and frame: what green loses where all is skin."""
    found = planting.amplitude * waves_at(planting, times_s) @ maps.reshape(LEVELS, -1)
    return np.asarray(found.reshape(-1, *maps.shape[1:]), dtype=np.float32)


def plant(
    frames: Float32[np.ndarray, "time 3 rows columns"],
    skin: Float32[np.ndarray, "time layer rows columns"],
    planting: Planting,
    times_s: Float[np.ndarray, " time"],
    maps: Float32[np.ndarray, "level rows columns"],
) -> Float32[np.ndarray, "time 3 rows columns"]:
    """Plant a pulse by the law of this module.

    Args:
        frames: Display values.
        skin: Mask, for all colours or for each.
        planting: What was drawn.
        times_s: True times of the frames, as the pulse counts them.
        maps: See :func:`maps_of`.
    """
    lost = change(planting, times_s, maps)[:, None] * skin
    return np.asarray(frames * (1 - planting.direction[:, None, None] * lost), dtype=np.float32)
