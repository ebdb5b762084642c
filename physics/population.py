"""Terminal segments drawn over plausible ranges: does what a camera sees ring?

Two places for the compliance of the skin: at the end of the feeding artery, or behind most of the
arterioles' resistance, where the blood is that a camera sees. Ranges are nominal assumptions.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from pulsephase.checks import at_least, positive, within
from pulsephase.physics.vessel import (
    BLOOD_DENSITY,
    BLOOD_VISCOSITY,
    MEAN_PRESSURE,
    NOMINAL,
    Quantity,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An interval in which a parameter is drawn, uniformly in its logarithm.

    Raises:
        ParameterError: If an end is not positive, or the low one above the high one.
    """

    name: str
    low: float
    high: float
    unit: str
    source: str = NOMINAL

    def __post_init__(self) -> None:
        positive(low=self.low, high=self.high)
        within("low", self.low, 0.0, self.high)

    def draw(self, rng: np.random.Generator, count: int) -> Float64[np.ndarray, " count"]:
        """Return draws in ``unit``."""
        logs = rng.uniform(math.log(self.low), math.log(self.high), count)
        return np.asarray(np.exp(logs), dtype=np.float64)

    def quantity(self) -> Quantity:
        """Return its geometric middle with its bounds."""
        middle = math.sqrt(self.low * self.high)
        return Quantity(
            name=self.name,
            value=middle,
            unit=self.unit,
            low=self.low,
            high=self.high,
            source=self.source,
        )


RADIUS = Range(name="radius of the feeding artery", low=0.6e-3, high=1.5e-3, unit="m")
LENGTH = Range(name="length of the feeding artery", low=0.05, high=0.15, unit="m")
SPEED = Range(name="wave speed in it", low=5.0, high=12.0, unit="m s^-1")
FLOW = Range(name="flow into the bed", low=5e-6 / 60, high=40e-6 / 60, unit="m^3 s^-1")
BED_TIMES = (
    Range(name="time constant of a fast bed", low=0.05, high=0.2, unit="s"),
    Range(name="time constant of a middling bed", low=0.2, high=0.6, unit="s"),
    Range(name="time constant of a slow bed", low=0.6, high=2.0, unit="s"),
)
ARTERIOLE_SHARE = (0.4, 0.8)  # of the total resistance, before the skin bed: nominal


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Oscillators of many drawn segments.

    Attributes:
        natural_hz: Undamped frequencies in Hz.
        damping: Damping ratios.
    """

    natural_hz: Float64[np.ndarray, " draw"]
    damping: Float64[np.ndarray, " draw"]

    @property
    def overdamped(self) -> Bool[np.ndarray, " draw"]:
        """Which of them cannot ring."""
        return self.damping > 1

    @property
    def slow_rate_per_s(self) -> Float64[np.ndarray, " draw"]:
        """How fast each forgets: minus the real part of its slow pole, in 1/s."""
        natural = 2 * np.pi * self.natural_hz
        over = np.maximum(self.damping**2 - 1, 0.0)
        slow = natural / (self.damping + np.sqrt(over))
        return np.where(self.damping <= 1, self.damping * natural, slow)


def draw_at_artery_end(rng: np.random.Generator, *, draws: int, bed: Range) -> Population:
    """Draw segments whose bed hangs directly at the end of the artery.

    Args:
        rng: Source of randomness.
        draws: How many.
        bed: Range of the bed's time constant (its resistance times its compliance).

    Raises:
        ParameterError: If ``draws`` is below 1.
    """
    at_least("draws", draws, 1)
    return _reduce(rng, bed, np.zeros(draws))


def draw_behind_arterioles(rng: np.random.Generator, *, draws: int, bed: Range) -> Population:
    """Draw segments whose bed lies behind 40 to 80 % of the resistance: what a camera sees.

    Args:
        rng: Source of randomness.
        draws: How many.
        bed: Range of the bed's time constant (its own resistance times its compliance).

    Raises:
        ParameterError: If ``draws`` is below 1.
    """
    at_least("draws", draws, 1)
    return _reduce(rng, bed, rng.uniform(*ARTERIOLE_SHARE, draws))


def _reduce(
    rng: np.random.Generator, bed: Range, share: Float64[np.ndarray, " draw"]
) -> Population:
    """Apply the formulas of `TerminatedLine.oscillator` to arrays of draws."""
    count = len(share)
    radius, length = RADIUS.draw(rng, count), LENGTH.draw(rng, count)
    speed, flow, time = SPEED.draw(rng, count), FLOW.draw(rng, count), bed.draw(rng, count)
    total = MEAN_PRESSURE.value / flow
    bed_resistance = total * (1 - share)
    area = np.pi * radius**2
    inertance = BLOOD_DENSITY.value * length / area
    wall = area * length / (BLOOD_DENSITY.value * speed**2)
    compliance = time / bed_resistance + wall / 2
    poiseuille = 8 * BLOOD_VISCOSITY.value * length / (np.pi * radius**4)
    resistance = poiseuille + total * share
    natural = np.sqrt((1 + resistance / bed_resistance) / (inertance * compliance))
    rate = resistance / inertance + 1 / (bed_resistance * compliance)
    return Population(natural_hz=natural / (2 * np.pi), damping=rate / (2 * natural))
