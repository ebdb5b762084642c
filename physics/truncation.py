r"""How much of a kernel a finite convolution keeps, and how long it must be.

Cutting a kernel after :math:`M` taps errs, over all inputs :math:`|u|\leq1`, by exactly

.. math:: \sup_{|u|\leq1}\|z-z_M\|_\infty = \sum_{m\geq M}|g[m]|,

attained by :math:`u_t = \mathrm{sign}\,g`. The closed forms are for the Lucas sequence
:math:`U_m`, with poles :math:`z_1, z_2` of size at most :math:`\varrho < 1`.
"""

import math

import numpy as np
from jaxtyping import Float64

from pulsephase.checks import at_least, within
from pulsephase.errors import StabilityError
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel

CHUNK = 4096
NEGLIGIBLE = 1e-15


def real_tail(large: float, small: float, *, taps: int) -> float:
    r"""Return :math:`\sum_{m\geq M}U_m` for two real poles in [0, 1), exactly.

    .. math:: \frac{f(r_1)-f(r_2)}{r_1-r_2},\quad f(r)=\frac{r^M}{1-r}; \qquad
              f'(r) = \frac{r^{M-1}(M-(M-1)r)}{(1-r)^2}\ \text{at a double pole,}

    summed as a divided difference that needs no case for nearly equal poles:
    :math:`\bigl[U_M - r_1r_2U_{M-1}\bigr]/[(1-r_1)(1-r_2)]`.

    Args:
        large: :math:`r_1`.
        small: :math:`r_2`.
        taps: :math:`M`, at least 1.

    Raises:
        ParameterError: If a pole is not in [0, 1) or ``taps`` below 1.

    Example:
        >>> real_tail(0.5, 0.5, taps=1)
        4.0
    """
    for name, value in (("large", large), ("small", small)):
        within(name, value, 0.0, math.nextafter(1.0, 0.0))
    at_least("taps", taps, 1)
    high, low = max(large, small), min(large, small)
    before, now = (_complete(high, low, taps - 1), _complete(high, low, taps))
    return (now - high * low * before) / ((1 - high) * (1 - low))


def _complete(high: float, low: float, index: int) -> float:
    """Return sum_j high^j low^(index-1-j): positive terms, so nothing cancels."""
    ratio = low / high if high > 0 else 0.0
    return float(high ** (index - 1) * np.sum(ratio ** np.arange(index))) if index > 0 else 0.0


def envelope_tail(radius: float, *, taps: int, angle_rad: float = 0.0) -> float:
    r"""Return a bound on :math:`\sum_{m\geq M}|U_m|` for any two poles of size at most a radius.

    .. math:: |U_m|\leq m\varrho^{m-1} \Rightarrow \frac{\varrho^{M-1}(M-(M-1)\varrho)}
              {(1-\varrho)^2};\qquad
              |U_m|\leq\frac{\varrho^{m-1}}{|\sin\theta|} \Rightarrow
              \frac{\varrho^{M-1}}{(1-\varrho)|\sin\theta|}

    the smaller of the two, the second only for a complex pair of angle :math:`\theta`.

    Args:
        radius: :math:`\varrho` in [0, 1).
        taps: :math:`M`, at least 1.
        angle_rad: :math:`\theta` of a complex pair; 0 if there is none.

    Raises:
        ParameterError: If the radius is not in [0, 1) or ``taps`` below 1.
    """
    within("radius", radius, 0.0, math.nextafter(1.0, 0.0))
    at_least("taps", taps, 1)
    any_pair = radius ** (taps - 1) * (taps - (taps - 1) * radius) / (1 - radius) ** 2
    sine = abs(math.sin(angle_rad))
    return min(any_pair, radius ** (taps - 1) / ((1 - radius) * sine)) if sine > 0 else any_pair


def squared_tail(radius: float, *, angle_rad: float, taps: int) -> float:
    r"""Return :math:`\sum_{m\geq M}U_m^2` of a complex pair, exactly.

    .. math:: \frac{\varrho^{2M-2}}{2\sin^2\theta}\left[\frac1{1-\varrho^2} -
              \mathrm{Re}\,\frac{e^{2i\theta M}}{1-\varrho^2e^{2i\theta}}\right]

    Raises:
        ParameterError: If the radius is not in [0, 1), the angle not in (0, pi), or ``taps``
            below 1.
    """
    within("radius", radius, 0.0, math.nextafter(1.0, 0.0))
    within("angle_rad", angle_rad, 1e-300, math.nextafter(math.pi, 0.0))
    at_least("taps", taps, 1)
    square, turn = radius * radius, np.exp(2j * angle_rad)
    wave = (turn**taps / (1 - square * turn)).real
    return float(square ** (taps - 1) / (2 * math.sin(angle_rad) ** 2) * (1 / (1 - square) - wave))


def tails(discretisation: Discretisation) -> Float64[np.ndarray, " taps"]:
    r"""Return :math:`\sum_{m\geq M}|g[m]|` for every :math:`M`, until nothing is left of it.

    The kernel is computed until the envelope of what follows is below 1e-15 of what was summed.

    Raises:
        StabilityError: If the poles are not inside the unit disc: the tail is infinite.

    Example:
        >>> from pulsephase.physics.oscillator import Oscillator
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.5)
        >>> law = Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / 30)
        >>> left = tails(law)
        >>> round(float(left[31] / left[0]), 3)
        0.026
    """
    _require_decay(discretisation)
    radius, weight = discretisation.radius, sum(map(abs, discretisation.numerator))
    length = CHUNK
    while True:
        sizes = np.abs(kernel(discretisation, taps=length))
        total = float(sizes.sum())
        rest = weight * envelope_tail(min(radius, math.nextafter(1.0, 0.0)), taps=length - 1)
        if rest <= NEGLIGIBLE * total:
            return np.cumsum(sizes[::-1])[::-1]
        length *= 2


def minimal_taps(discretisation: Discretisation, *, tolerance: float) -> int:
    r"""Return the smallest :math:`M` with :math:`\sum_{m\geq M}|g|\leq\epsilon\sum_{m\geq0}|g|`.

    Args:
        discretisation: Oscillator, scheme and step.
        tolerance: :math:`\epsilon`, between 1e-12 and 1.

    Raises:
        ParameterError: If the tolerance is out of range.
        StabilityError: If the kernel does not decay.

    Example:
        >>> from pulsephase.physics.oscillator import Oscillator
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.1)
        >>> law = Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / 30)
        >>> minimal_taps(law, tolerance=1e-2)
        184
    """
    within("tolerance", tolerance, 1e-12, 1.0)
    left = tails(discretisation)
    short = left <= tolerance * left[0]
    return int(np.argmax(short)) if bool(short.any()) else len(left)


def relative_tail(discretisation: Discretisation, *, taps: int) -> float:
    """Return which share of a kernel's l1 norm lies beyond its first taps.

    Raises:
        ParameterError: If ``taps`` is negative.
        StabilityError: If the kernel does not decay.
    """
    at_least("taps", taps, 0)
    left = tails(discretisation)
    return float(left[taps] / left[0]) if taps < left.size else 0.0


def receptive_field(*, layers: int, kernel_size: int) -> int:
    r"""Return :math:`1+(k-1)(2^L-1)`, the taps a stack of dilations 1, 2, 4, ... can see.

    Raises:
        ParameterError: If ``layers`` is below 1 or ``kernel_size`` below 2.

    Example:
        >>> [receptive_field(layers=n, kernel_size=3) for n in (3, 4, 6)]
        [15, 31, 127]
    """
    at_least("layers", layers, 1)
    at_least("kernel_size", kernel_size, 2)
    return 1 + (kernel_size - 1) * ((1 << layers) - 1)


def layers_needed(taps: int, *, kernel_size: int) -> int:
    """Return the fewest dilated layers whose receptive field holds a kernel of so many taps.

    Raises:
        ParameterError: If ``taps`` is below 1 or ``kernel_size`` below 2.

    Example:
        >>> layers_needed(31, kernel_size=3), layers_needed(32, kernel_size=3)
        (4, 5)
    """
    at_least("taps", taps, 1)
    layers = 1
    while receptive_field(layers=layers, kernel_size=kernel_size) < taps:
        layers += 1
    return layers


def needed_rate_per_s(*, taps: int, tolerance: float, step_s: float) -> float:
    r"""Return how fast a kernel must decay to fit: :math:`\ln(1/\epsilon)/(Mh)`, in 1/s.

    A rule for one slow pole, :math:`e^{-rMh}=\epsilon`; the exact length is `minimal_taps`.

    Raises:
        ParameterError: If a value is out of range.
    """
    at_least("taps", taps, 1)
    within("tolerance", tolerance, 1e-12, 1.0)
    within("step_s", step_s, 1e-9, 1e9)
    return math.log(1 / tolerance) / (taps * step_s)


def _require_decay(discretisation: Discretisation) -> None:
    discretisation.require_stable()
    if not (discretisation.is_stable and discretisation.radius < 1):
        raise StabilityError(
            f"the poles have size {discretisation.radius:g}: an undamped kernel never decays and "
            "its tail is infinite; give the oscillator alpha above 0"
        )
