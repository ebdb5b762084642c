"""Skin colour and the direction of the pulse in it, from absorption and scattering.

Kubelka-Munk reflectance of a blood-filled dermis under a melanin filter, seen by a camera with
three Gaussian sensitivities. The model over-states blue (blood is taken as uniform in an infinite
layer), so the direction is anchored to the published signature (0.33, 0.77, 0.53) of de Haan and
van Leest (Physiol. Meas. 35, 1913, 2014). The sources of the spectra stand beside them; the ratio
of scattering to Kubelka-Munk's coefficient, the sensitivities and the anchor are assumptions.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.synthetic.config import LightRanges, SkinRanges
from pulsephase.synthetic.streams import Stream


def _numbers(text: str) -> Float[Tensor, " wavelengths"]:
    return torch.tensor([float(word) for word in text.split()], dtype=torch.float64)


NM = torch.linspace(400.0, 700.0, 31, dtype=torch.float64)
# Molar extinction of oxy- and deoxyhaemoglobin, 1/(cm M), 400 to 700 nm by 10 nm: the compilation
# of S. Prahl from data of Gratzer and Kollias (OMLC), rounded to integers.
OXY = _numbers(
    """
    266232 466840 480360 246072 102580 62816 44480 33209 26629 23684 20933 20035 24202
    39957 53236 43016 32613 44496 50104 14401 3200 1506 942 610 442 368 320 294 278 276
    290
    """
)
DEOXY = _numbers(
    """
    223296 303956 407560 528600 413280 103292 23389 16156 14550 16684 20862 25774 31590
    39036 46592 53412 53788 45072 37020 28324 14677 9444 6510 5149 4345 3750 3227 2795
    2408 2052 1794
    """
)
BLOOD_PER_CM = 2.303 * 150 / 64_500  # 150 g/l of haemoglobin (typical), 64 500 g/mol (Prahl)
MELANIN = 1.70e12 * NM**-3.48  # 1/cm, melanosomes of skin (Jacques, OMLC 1998)
TISSUE = 7.84e8 * NM**-3.255  # 1/cm, bloodless skin (Saidi 1994, in Jacques, OMLC 1998)
SCATTERING = 46 * (NM / 500) ** -1.421  # 1/cm, assumed: mean of skin, Jacques 2013, PMB 58 R37
EPIDERMIS_CM = 0.006  # 60 um, for which Jacques 2013 states melanosome fractions
ANCHOR = torch.tensor([1.25, 1.0, 0.75], dtype=torch.float64)


class Skin(NamedTuple):
    """Colour of one skin under one light.

    Attributes:
        base: Linear RGB of the skin, white balanced.
        direction: Change of the logarithm of RGB per unit of blood volume, green = -1.
        melanin: Volume fraction.
        blood: Volume fraction.
        oxygenation: Saturation.
    """

    base: Float[Tensor, " 3"]
    direction: Float[Tensor, " 3"]
    melanin: float
    blood: float
    oxygenation: float


def reflectance(*, melanin: float, blood: float, oxygenation: float) -> Float[Tensor, " 31"]:
    """Return the diffuse reflectance of skin over 400-700 nm."""
    haemoglobin = BLOOD_PER_CM * (oxygenation * OXY + (1 - oxygenation) * DEOXY)
    absorption = blood * haemoglobin + (1 - blood) * TISSUE
    ratio = 2 * absorption / (0.75 * SCATTERING)
    dermis = 1 + ratio - (ratio.square() + 2 * ratio).sqrt()
    epidermis = torch.exp(-2 * EPIDERMIS_CM * (melanin * MELANIN + (1 - melanin) * TISSUE))
    return dermis * epidermis


def sample_skin(seed: int, ranges: SkinRanges, light: LightRanges) -> Skin:
    """Draw a skin, a camera's sensitivities and a lamp, and return what the camera sees."""
    draw = Stream(seed, "skin")
    melanin = float(draw.log_uniform(*ranges.melanin))
    blood = float(draw.log_uniform(*ranges.blood))
    oxygenation = float(draw.uniform(*ranges.oxygenation))
    spread = torch.exp(ranges.direction_spread * draw.normal(3) * torch.tensor([1.0, 0.0, 1.0]))
    sensor = Stream(seed, "sensor")
    peaks = torch.tensor([600.0, 540.0, 460.0], dtype=torch.float64) + 8 * sensor.normal(3)
    widths = sensor.uniform(28.0, 45.0, 3)
    kelvin = float(sensor.uniform(*light.temperature_k))
    lamp = (NM / 560) ** -5 / (torch.exp(1.4388e7 / (NM * kelvin)) - 1)
    seen = torch.exp(-0.5 * ((NM - peaks[:, None]) / widths[:, None]) ** 2) * lamp
    seen = seen / seen.sum(1, keepdim=True)
    base = seen @ reflectance(melanin=melanin, blood=blood, oxygenation=oxygenation)
    more = seen @ reflectance(melanin=melanin, blood=1.01 * blood, oxygenation=oxygenation)
    change = torch.log(more / base)
    direction = change / change[1].abs() * ANCHOR * spread
    return Skin(base, direction, melanin, blood, oxygenation)
