r"""From a kernel to an oscillator, in the scheme that made it, with how sure one can be.

What rings is reported as :math:`(f_0,\zeta)`; what creeps as two rates, fast and slow, because
:math:`f_0` and :math:`\zeta` of two real poles say nothing that can be seen. A kernel of an
*estimator* has the poles of its closed loop: use `pulsephase.physics.whitening` for those. A peak
at heart rate is evidence about the forcing, not about the vessel.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from pulsephase.checks import at_least, finite, positive
from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.discretisation import oscillator_from_poles
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.pencil import pencil_poles, pole_fit
from pulsephase.physics.schemes import Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A bootstrap interval of an oscillator's two numbers.

    Attributes:
        names: What the columns are: ``natural_hz, damping`` or ``fast_per_s, slow_per_s``.
        low: Lower ends.
        high: Upper ends.
        failed: Share of draws with no oscillator of the same kind; above a few per cent the
            interval is not to be trusted.
    """

    names: tuple[str, str]
    low: tuple[float, float]
    high: tuple[float, float]
    failed: float


def identify(
    kernel: Float[np.ndarray, " tap"], *, scheme: Scheme, sample_hz: float, skip: int = 1
) -> Oscillator:
    """Return the oscillator whose stepped kernel this is, by its two poles.

    Args:
        kernel: Taps, newest first.
        scheme: How the oscillator was stepped; another scheme's map biases both numbers.
        sample_hz: Frames per second.
        skip: Newest taps left out: the direct path is no part of the poles.

    Raises:
        ShapeError: If fewer than 4 taps are left.
        ParameterError: If no damped oscillator has these poles, or an argument is out of range.

    Example:
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.2)
        >>> kernel = mode.impulse_response(np.arange(31) / 30)
        >>> found = identify(kernel, scheme="zero_order", sample_hz=30.0)
        >>> round(found.natural_hz, 9), round(found.damping, 9)
        (1.2, 0.2)
    """
    positive(sample_hz=sample_hz)
    at_least("skip", skip, 0)
    first, second = (complex(pole) for pole in pencil_poles(kernel[skip:], order=2))
    return oscillator_from_poles(first, second, scheme=scheme, step_s=1 / sample_hz)


def numbers_of(oscillator: Oscillator) -> dict[str, float]:
    """Return the two numbers that a kernel shows of an oscillator, by name.

    Example:
        >>> creeping = numbers_of(Oscillator.from_rates(fast_per_s=40.0, slow_per_s=5.0))
        >>> {name: round(rate, 9) for name, rate in creeping.items()}
        {'fast_per_s': 40.0, 'slow_per_s': 5.0}
    """
    if oscillator.rings:
        return {"natural_hz": oscillator.natural_hz, "damping": oscillator.damping}
    slow, fast = oscillator.poles_per_s
    return {"fast_per_s": -fast.real, "slow_per_s": -slow.real}


def cramer_rao(
    oscillator: Oscillator,
    kernel: Float[np.ndarray, " tap"],
    *,
    sample_hz: float,
    noise_sd: float,
) -> dict[str, float]:
    r"""Return the least standard deviations with which a noisy kernel tells the two numbers.

    .. math:: \mathrm{sd}(\theta_i) \geq \sigma\sqrt{\left[(J^\top J)^{-1}\right]_{ii}},
              \qquad J = \partial g/\partial\theta,

    with two further unknowns, the amplitudes of the two exponentials.

    Args:
        oscillator: The oscillator; not critically damped.
        kernel: Its sampled kernel without the direct tap: sets amplitude and phase.
        sample_hz: Frames per second.
        noise_sd: Standard deviation of white noise on each tap, in units of the kernel.

    Returns:
        Standard deviations under the names of `numbers_of`.

    Raises:
        ShapeError: If there are fewer than 4 taps.
        ParameterError: If the noise or rate is not positive, or the poles coincide.
    """
    positive(sample_hz=sample_hz, noise_sd=noise_sd)
    finite("kernel", kernel)
    if len(kernel) < 4:
        raise ShapeError(f"kernel has {len(kernel)} taps; four unknowns need at least 4")
    jacobian = _jacobian(oscillator, kernel, np.arange(len(kernel)) / sample_hz)
    scale = np.linalg.norm(jacobian, axis=0)
    spectrum = np.linalg.svd(jacobian / scale, compute_uv=False)
    if not spectrum[-1] > 1e-7 * spectrum[0]:
        raise ParameterError("the two poles coincide: their numbers cannot be told apart")
    upper = np.linalg.inv(np.linalg.qr(jacobian / scale)[1])
    spread = noise_sd * np.sqrt((upper**2).sum(axis=1)) / scale
    first, second = numbers_of(oscillator)
    return {first: float(spread[0]), second: float(spread[1])}


def bootstrap(
    kernels: Float[np.ndarray, "clip tap"],
    *,
    scheme: Scheme,
    sample_hz: float,
    seed: int,
    draws: int = 500,
    level: float = 0.95,
) -> Interval:
    """Return percentile intervals of the two numbers by drawing clips with replacement.

    Args:
        kernels: One kernel a clip, newest tap first; what is drawn is the mean of as many.
        scheme: The scheme in which poles are read.
        sample_hz: Frames per second.
        seed: Of the draws: the same seed gives the same interval.
        draws: Number of resamples.
        level: Share of draws within the interval.

    Raises:
        ShapeError: If there are fewer than 2 clips.
        ParameterError: If the mean kernel has no oscillator, or an argument is out of range.
    """
    if len(kernels) < 2:
        raise ShapeError(f"there are {len(kernels)} kernels; a bootstrap needs at least 2 clips")
    at_least("draws", draws, 20)
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}; it must be between 0 and 1")
    names = tuple(numbers_of(identify(kernels.mean(axis=0), scheme=scheme, sample_hz=sample_hz)))
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = kernels[rng.integers(0, len(kernels), len(kernels))].mean(axis=0)
        try:
            values = numbers_of(identify(drawn, scheme=scheme, sample_hz=sample_hz))
        except ParameterError:
            continue
        if tuple(values) == names:
            found.append(list(values.values()))
    if not found:
        raise ParameterError("no draw has an oscillator of the mean's kind; give longer kernels")
    low, high = np.quantile(np.array(found), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Interval(
        names=(names[0], names[1]),
        low=(float(low[0]), float(low[1])),
        high=(float(high[0]), float(high[1])),
        failed=1 - len(found) / draws,
    )


def _jacobian(
    oscillator: Oscillator, kernel: Float[np.ndarray, " tap"], times: Float64[np.ndarray, " tap"]
) -> Float64[np.ndarray, "tap 4"]:
    """Return the derivatives of the kernel by the two numbers and the two amplitudes."""
    poles = np.array(oscillator.poles_per_s)
    discrete = np.exp(poles * times[1])
    weights = pole_fit(kernel, discrete)[1]
    waves = np.exp(np.outer(times, poles))
    if not oscillator.rings:
        slow, fast = (times * (weights * waves)[:, i].real for i in (0, 1))
        return np.stack([-fast, -slow, waves[:, 0].real, waves[:, 1].real], axis=1)
    omega, damping = oscillator.omega_rad_s, oscillator.damping
    turning = 2 * weights[0] * waves[:, 0] * times  # the conjugate adds its real part
    by_hz = turning * poles[0] / oscillator.natural_hz
    by_damping = turning * omega * (-1 - 1j * damping / math.sqrt(1 - damping**2))
    return np.stack([by_hz.real, by_damping.real, waves[:, 0].real, waves[:, 0].imag], axis=1)
