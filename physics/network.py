r"""An artery, its arterioles and a skin bed, with the artery kept distributed.

The artery is a line with Poiseuille friction; at its end stand the arterioles, a resistance
:math:`R_a = fR_t`, and behind them the bed, :math:`R_p = (1-f)R_t` beside :math:`C_t`, with
:math:`t = R_pC_t`. With :math:`y^2 = T^2s(s+\alpha)`, :math:`T = L/c` and
:math:`\lambda = L_i/R_t`,

.. math:: H_\mathrm{bed} = \frac{1-f}{N},\qquad
          N = (1+fst)\cosh y + \lambda\,(s+\alpha)(1+st)\,\frac{\sinh y}{y} .

The zeros of :math:`N` are all the natural frequencies of the path. Nothing is lumped but the
arterioles and the bed themselves.
"""

import cmath
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Complex128, Float64

from pulsephase.checks import finite, positive, within
from pulsephase.physics.modal import TerminatedLine
from pulsephase.physics.population import (
    ARTERIOLE_SHARE,
    BED_TIMES,
    FLOW,
    LENGTH,
    RADIUS,
    SPEED,
)
from pulsephase.physics.vessel import BLOOD_DENSITY, BLOOD_VISCOSITY, MEAN_PRESSURE

STEPS = 80
SETTLED = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class SkinNetwork:
    """Artery, arterioles and bed.

    Attributes:
        radius_m: Inner radius of the artery, in m.
        length_m: Its length, in m.
        speed_m_s: Its wave speed without friction, in m/s.
        flow_m3_s: Mean flow into the bed, in m^3/s; with the mean pressure it sets the resistance.
        arteriole_share: Share :math:`f` of the resistance that lies before the bed.
        bed_time_s: Time constant :math:`t = R_pC_t` of the bed, in s.

    Raises:
        ParameterError: If a number is not positive or the share not between 0 and 1.
    """

    radius_m: float
    length_m: float
    speed_m_s: float
    flow_m3_s: float
    arteriole_share: float
    bed_time_s: float

    def __post_init__(self) -> None:
        positive(
            radius_m=self.radius_m,
            length_m=self.length_m,
            speed_m_s=self.speed_m_s,
            flow_m3_s=self.flow_m3_s,
            bed_time_s=self.bed_time_s,
        )
        within("arteriole_share", self.arteriole_share, 0.0, 1.0)

    @property
    def friction_per_s(self) -> float:
        r"""Poiseuille friction :math:`\alpha = 8\nu/R^2` of the artery, in 1/s."""
        return 8 * BLOOD_VISCOSITY.value / (BLOOD_DENSITY.value * self.radius_m**2)

    @property
    def transit_s(self) -> float:
        """Transit time :math:`T` of the artery, in s."""
        return self.length_m / self.speed_m_s

    @property
    def resistance(self) -> float:
        """Resistance :math:`R_t` of arterioles and bed, in Pa s/m^3."""
        return MEAN_PRESSURE.value / self.flow_m3_s

    @property
    def inertance_s(self) -> float:
        r"""The artery's inertance over the resistance, :math:`\lambda`, in s."""
        area = math.pi * self.radius_m**2
        return BLOOD_DENSITY.value * self.length_m / area / self.resistance

    def denominator(self, s: Complex[np.ndarray, " point"]) -> Complex128[np.ndarray, " point"]:
        """Return :math:`N` at complex frequencies in 1/s."""
        y = self.transit_s * np.sqrt(s * (s + self.friction_per_s) + 0j)
        ratio = np.where(y == 0, 1.0, np.sinh(y) / np.where(y == 0, 1.0, y))
        f, t = self.arteriole_share, self.bed_time_s
        line = self.inertance_s * (s + self.friction_per_s) * (1 + s * t) * ratio
        return np.asarray((1 + f * s * t) * np.cosh(y) + line, dtype=np.complex128)

    def transfer(self, s: Complex[np.ndarray, " point"]) -> Complex128[np.ndarray, " point"]:
        r"""Return the pressure in the bed over that at the artery's inlet.

        Args:
            s: Complex frequencies in 1/s, off the poles.

        Raises:
            ParameterError: If a frequency is not finite.
            ShapeError: If ``s`` is empty.
        """
        finite("s", s)
        return np.asarray((1 - self.arteriole_share) / self.denominator(np.asarray(s)))

    def lumped(self) -> TerminatedLine:
        """Return the reduction of T9: arterioles put into the line, its compliance at the end."""
        area = math.pi * self.radius_m**2
        wall = area * self.length_m / (BLOOD_DENSITY.value * self.speed_m_s**2)
        bed = self.resistance * (1 - self.arteriole_share)
        poiseuille = 8 * BLOOD_VISCOSITY.value * self.length_m / (math.pi * self.radius_m**4)
        return TerminatedLine(
            resistance=poiseuille + self.resistance * self.arteriole_share,
            inertance=BLOOD_DENSITY.value * self.length_m / area,
            compliance=wall,
            bed_resistance=bed,
            bed_compliance=self.bed_time_s / bed,
        )

    def first_ringing_pole(self) -> complex | None:
        """Return the slowest complex pole in 1/s found by Newton's method, or none.

        Starts stand every 10 rad/s up to 500 rad/s, at two dampings; a pole that they all miss
        is not found.
        """
        starts = (
            complex(-share * rate, rate)
            for rate in np.linspace(10, 500, 50)
            for share in (0.1, 0.5)
        )
        found: list[complex] = []
        for start in starts:
            if found and abs(start) > 2 * min(map(abs, found)):
                break
            pole = self._newton(start)
            if pole is not None and pole.imag > 1e-3 * abs(pole) and pole.real < 0:
                found.append(pole)
        return min(found, key=abs, default=None)

    def _value_and_slope(self, s: complex) -> tuple[complex, complex]:
        """Return N and dN/ds at one point off s = 0, in closed form."""
        alpha, f, t = self.friction_per_s, self.arteriole_share, self.bed_time_s
        scale = self.transit_s**2
        y = self.transit_s * cmath.sqrt(s * (s + alpha))
        even, odd = cmath.cosh(y), cmath.sinh(y) / y
        turn = scale * (2 * s + alpha) / 2  # y dy/ds
        even_slope, odd_slope = odd * turn, (even - odd) / y**2 * turn
        line = self.inertance_s * (s + alpha) * (1 + s * t)
        line_slope = self.inertance_s * ((1 + s * t) + (s + alpha) * t)
        value = (1 + f * s * t) * even + line * odd
        slope = f * t * even + (1 + f * s * t) * even_slope + line_slope * odd + line * odd_slope
        return value, slope

    def _newton(self, s: complex) -> complex | None:
        for _ in range(STEPS):
            value, slope = self._value_and_slope(s)
            step = value / slope
            if abs(step) > abs(s) / 2:
                step *= abs(s) / 2 / abs(step)
            s -= step
            if abs(step) < SETTLED * abs(s):
                return s
        return None


def draw_networks(rng: np.random.Generator, *, draws: int) -> list[SkinNetwork]:
    """Draw networks over the nominal ranges, log-uniformly (the share uniformly).

    Args:
        rng: Source of randomness.
        draws: How many.
    """
    low, high = BED_TIMES[0].low, BED_TIMES[-1].high
    times = np.exp(rng.uniform(math.log(low), math.log(high), draws))
    columns: list[Float64[np.ndarray, " draw"]] = [
        item.draw(rng, draws) for item in (RADIUS, LENGTH, SPEED, FLOW)
    ]
    shares = rng.uniform(*ARTERIOLE_SHARE, draws)
    return [
        SkinNetwork(
            radius_m=float(radius),
            length_m=float(length),
            speed_m_s=float(speed),
            flow_m3_s=float(flow),
            arteriole_share=float(share),
            bed_time_s=float(time),
        )
        for radius, length, speed, flow, share, time in zip(*columns, shares, times, strict=True)
    ]
