r"""Numbers of one kernel: Bode, group delay, its two-pole model with zeros, and how sure they are.

The poles that are read are those of the network's own loop. A network that estimates is a filter:
the vessel's poles, if it knows them, are zeros of its whitening (`probe`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Complex128, Float, Float64

from pulsephase.errors import ParameterError
from pulsephase.physics.discretisation import oscillator_from_poles
from pulsephase.physics.identify import bootstrap, cramer_rao, numbers_of
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.pencil import hankel_spectrum, pencil_poles, pole_fit, select_order

SKIP = 1
"""Newest taps that no pole explains: the direct path."""
FREQUENCIES = 96
LOWEST_HZ = 0.1
MOST_POLES = 12
WIDE = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPoles:
    """The best two-pole model of a kernel, without its direct path.

    Attributes:
        poles: Discrete poles, larger first.
        zeros: Zeros of the model, direct path included.
        oscillator: The damped oscillator with these poles, or none.
        residual_sd: Root mean square of what the model leaves, with four numbers fitted.
    """

    poles: Complex128[np.ndarray, " 2"]
    zeros: Complex128[np.ndarray, " _"]
    oscillator: Oscillator | None
    residual_sd: float


def two_poles(kernel: Float[np.ndarray, " tap"], *, sample_hz: float) -> TwoPoles:
    """Fit two poles to a kernel by the matrix pencil.

    Example:
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.2)
        >>> found = two_poles(mode.impulse_response(np.arange(40) / 30), sample_hz=30.0)
        >>> round(found.oscillator.natural_hz, 6)
        1.2
    """
    rest = kernel[SKIP:]
    poles = pencil_poles(rest, order=2)
    fitted, weights = pole_fit(rest, poles)
    left = rest - fitted
    try:
        mode = oscillator_from_poles(
            complex(poles[0]), complex(poles[1]), scheme="zero_order", step_s=1 / sample_hz
        )
    except ParameterError:
        mode = None
    return TwoPoles(
        poles=poles,
        zeros=_zeros(float(kernel[0]), weights, poles),
        oscillator=mode,
        residual_sd=float(np.sqrt(left @ left / max(len(rest) - 4, 1))),
    )


def _zeros(
    direct: float, weights: Complex128[np.ndarray, " 2"], poles: Complex128[np.ndarray, " 2"]
) -> Complex128[np.ndarray, " _"]:
    r"""Return the roots of :math:`g_0 + \sum_i a_i q/(1-z_iq)`, times its denominator, in z."""
    bottom = np.poly(poles)
    top = (direct * bottom).astype(np.complex128)
    top[1:] += weights[0] * np.array([1, -poles[1]]) + weights[1] * np.array([1, -poles[0]])
    return np.asarray(np.roots(top.real), dtype=np.complex128)


def bode(kernel: Float[np.ndarray, " tap"], *, sample_hz: float) -> dict[str, list[float]]:
    r"""Return gain, phase and group delay of a kernel.

    .. math:: \tau(f) = \operatorname{Re}\frac{\sum_m m\,g[m]\,e^{-2\pi ifm/f_s}}
              {\sum_m g[m]\,e^{-2\pi ifm/f_s}}

    Example:
        >>> delay = bode(np.eye(1, 9, 3)[0], sample_hz=30.0)["group_delay_frames"]
        >>> round(min(delay), 9), round(max(delay), 9)
        (3.0, 3.0)
    """
    hz = np.geomspace(LOWEST_HZ, sample_hz / 2, FREQUENCIES)
    lags = np.arange(len(kernel))
    waves = np.exp(-2j * np.pi * np.outer(hz, lags) / sample_hz)
    response = waves @ kernel
    size = np.maximum(np.abs(response), 1e-12 * np.abs(response).max())
    delay = ((waves @ (lags * kernel)) * response.conj()).real / size**2
    return {
        "hz": hz.tolist(),
        "gain_db": (20 * np.log10(size)).tolist(),
        "phase_rad": np.unwrap(np.angle(response)).tolist(),
        "group_delay_frames": delay.tolist(),
    }


def hankel(kernel: Float[np.ndarray, " tap"], *, noise_sd: float) -> dict[str, Any]:
    """Return singular values, how many hold 99 % of the energy or rise above noise, and the order.

    White noise of standard deviation s on the taps has singular values up to about
    s (sqrt(rows) + sqrt(columns)).
    """
    rest = kernel[SKIP:]
    values = hankel_spectrum(rest)
    energy = np.cumsum(values**2) / float((values**2).sum())
    width = len(rest) // 2 + 1
    edge = noise_sd * (np.sqrt(width) + np.sqrt(len(rest) + 1 - width))
    return {
        "values": values.tolist(),
        "hold_99_percent": int(np.searchsorted(energy, 0.99) + 1),
        "noise_edge": float(edge),
        "above_noise": int((values > edge).sum()),
        "order_by_bic": select_order(rest, most=min(MOST_POLES, len(rest) // 4)),
    }


def intervals(
    kernels: Float[np.ndarray, "clip tap"],
    model: TwoPoles,
    *,
    sample_hz: float,
    seed: int,
    resamples: int,
) -> dict[str, Any]:
    """Return the oscillator's two numbers with their intervals of 95 %.

    Two things make them uncertain: operating points differ (bootstrap over clips), and two poles
    do not explain every tap (Cramer-Rao, with what the fit leaves as the noise). The wider end
    counts.
    """
    mode = model.oscillator
    if mode is None:
        return {"withheld": "no damped oscillator has these two poles"}
    values = numbers_of(mode)
    mean = kernels.mean(axis=0)
    crb = _cramer_rao(mode, mean[SKIP:], sample_hz=sample_hz, noise_sd=model.residual_sd)
    boot = _bootstrap(kernels, sample_hz=sample_hz, seed=seed, resamples=resamples)
    found: dict[str, Any] = {"kind": "rings" if mode.rings else "creeps", "numbers": {}}
    for index, (name, value) in enumerate(values.items()):
        low, high = [], []
        if boot is not None and boot.names == tuple(values):
            low.append(boot.low[index])
            high.append(boot.high[index])
        if crb is not None:
            low.append(value - WIDE * crb[name])
            high.append(value + WIDE * crb[name])
        found["numbers"][name] = {
            "value": value,
            "low": min(low) if low else None,
            "high": max(high) if high else None,
            "cramer_rao_sd": None if crb is None else crb[name],
            "bootstrap": None if boot is None else [boot.low[index], boot.high[index]],
        }
    found["bootstrap_failed"] = None if boot is None else boot.failed
    return found


def _cramer_rao(
    mode: Oscillator, rest: Float64[np.ndarray, " tap"], *, sample_hz: float, noise_sd: float
) -> dict[str, float] | None:
    floor = 1e-12 * float(np.abs(rest).max())
    try:
        return cramer_rao(mode, rest, sample_hz=sample_hz, noise_sd=max(noise_sd, floor))
    except ParameterError:
        return None


def _bootstrap(
    kernels: Float[np.ndarray, "clip tap"], *, sample_hz: float, seed: int, resamples: int
) -> Any:
    if len(kernels) < 2 or resamples < 20:
        return None
    try:
        return bootstrap(
            kernels, scheme="zero_order", sample_hz=sample_hz, seed=seed, draws=resamples
        )
    except ParameterError:
        return None
