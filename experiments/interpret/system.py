"""Section system: the headline kernel as a linear system, and what it says of two poles."""

from typing import Any

import numpy as np

from pulsephase.experiments.interpret.context import Context
from pulsephase.experiments.interpret.kernels import SKIP, bode, hankel, intervals, two_poles
from pulsephase.experiments.interpret.probe import probe
from pulsephase.experiments.interpret.response import Response, headline
from pulsephase.physics.consistency import oscillator_consistency, overdamped_consistency

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
