"""Section system: the main kernel as a linear system.

Bode plot, group delay, and a model of two poles with zeros and intervals.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Complex128, Float, Float64

from pulsephase.errors import ParameterError
from pulsephase.interpret.context import Context
from pulsephase.interpret.probe import probe
from pulsephase.interpret.response import Response, headline
from pulsephase.physics.consistency import oscillator_consistency, overdamped_consistency
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


LEAST_TAPS = 8
"""Below which nothing of a system can be fitted: six taps for one mode beside the direct path."""


def scores_of(kernel: np.ndarray, *, sample_hz: float) -> dict[str, float]:
    """Return both statistics of one mode and the larger: does it ring, does it creep, either.

    The larger one is what is compared with nulls, whose larger one is taken likewise.
    """
    rings = oscillator_consistency(kernel, modes=1, sample_hz=sample_hz, skip=SKIP)
    creeps = overdamped_consistency(kernel, modes=1, skip=SKIP)
    return {"rings": rings, "creeps": creeps, "either": max(rings, creeps)}


def system_of(response: Response, *, sample_hz: float, seed: int, resamples: int) -> dict[str, Any]:
    """Return the system view of a response's kernel.

    Args:
        response: Whose kernel.
        sample_hz: Frames per second.
        seed: Of the bootstrap.
        resamples: Draws of the bootstrap.
    """
    kernels = response.kernels
    kernel = kernels.mean
    if len(kernel) < LEAST_TAPS or not np.any(kernel[SKIP:]):
        return {
            "taps": len(kernel),
            "withheld": f"the kernel has {len(kernel)} taps; {LEAST_TAPS} are needed to fit poles",
            "claim": "The kernel is too short to be read as a system.",
        }
    model = two_poles(kernel, sample_hz=sample_hz)
    spread = kernels.by_clip.std(axis=0, ddof=1) if len(kernels.by_clip) > 1 else np.zeros(1)
    noise_sd = float(np.sqrt((spread**2).mean() / len(kernels.by_clip)))
    gains = [bode(each, sample_hz=sample_hz)["gain_db"] for each in kernels.by_clip]
    found = {
        "sample_hz": sample_hz,
        "taps": len(kernel),
        "bode": bode(kernel, sample_hz=sample_hz)
        | {
            "gain_db_low": np.quantile(gains, 0.1, axis=0).tolist(),
            "gain_db_high": np.quantile(gains, 0.9, axis=0).tolist(),
        },
        "two_poles": {
            "poles": _pairs(model.poles),
            "zeros": _pairs(model.zeros),
            "residual_sd": model.residual_sd,
        },
        "oscillator": intervals(
            kernels.by_clip, model, sample_hz=sample_hz, seed=seed, resamples=resamples
        ),
        "hankel": hankel(kernel, noise_sd=noise_sd),
        "scores": scores_of(kernel, sample_hz=sample_hz),
        "score_by_clip": [
            scores_of(each, sample_hz=sample_hz)["either"] if np.any(each[SKIP:]) else 0.0
            for each in kernels.by_clip
        ],
    }
    return found | {"claim": _claim(found)}


def section(context: Context) -> dict[str, Any]:
    """Return the system view of the headline kernel, and the probe of what the network predicts."""
    found = system_of(
        headline(context),
        sample_hz=context.subject.sample_hz,
        seed=context.seed,
        resamples=context.budget.resamples,
    )
    return found | {"whitening": probe(context)}


def _pairs(values: np.ndarray) -> list[list[float]]:
    return [[float(each.real), float(each.imag)] for each in values]


def _claim(found: dict[str, Any]) -> str:
    share = found["scores"]["either"]
    count = found["hankel"]["hold_99_percent"]
    read = found["oscillator"]
    if "withheld" in read:
        poles = read["withheld"]
    else:
        units = {"natural_hz": "Hz", "damping": "", "fast_per_s": "/s", "slow_per_s": "/s"}
        poles = ", ".join(
            f"{name.split('_')[0]} {each['value']:.3g} {units[name]}".strip()
            for name, each in read["numbers"].items()
        )
    return (
        f"The best two poles ({poles}) score {share:.2f} of 1; {count} poles are needed for 99 % "
        "of the kernel's Hankel energy."
    )
