r"""Section forcing: do the poles that a network shows follow the vessel, or the heart?

On the ``vessel`` preset the oscillator that makes the pulse, :math:`(\alpha,\omega)`, is drawn
independently of the heart rate. The effective response in each clip gives two poles, and from them
:math:`\hat\omega^2 = |p_1p_2|` and :math:`\hat\alpha = -(p_1+p_2)`. Then, over clips,

.. math:: \ln\hat\omega = a + b_\mathrm{heart}\ln f_\mathrm{heart} + b_\mathrm{vessel}\ln\omega,

and likewise for :math:`\hat\alpha` and the frequency at which the response is largest. A slope of 1
follows, 0 does not. What follows the heart rate is forcing, not vessel; what follows neither is the
network's own filter, the same for everybody. Where two poles do not explain the kernels, to the
share that a positive verdict needs, their numbers follow nothing and the claim is withheld.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Float64
from scipy.stats import t as student

from pulsephase.interpret.context import Context, clip_seed, skin_of
from pulsephase.interpret.derivatives import signal_rows, video_rows
from pulsephase.interpret.scores import by_lag, kernels_of
from pulsephase.interpret.subject import Network, fixed_length
from pulsephase.interpret.thresholds import thresholds
from pulsephase.physics.consistency import consistency
from pulsephase.physics.pencil import pencil_poles
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render_with_maps

CLIPS, QUICK_CLIPS = 32, 12
FRAMES = 200
TIMES = (0.75, 0.825, 0.9)  # of the frames
TAPS = 127
SEEDS_AFTER = 1_000_000  # beyond the seeds of the operating points
FINE_HZ = 0.02  # step of the grid on which the largest response is sought
RANGE_HZ = (0.3, 8.0)
NOT_KNOWN = "What the poles follow is not known."


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What is true of each clip.

    Attributes:
        heart_rate_bpm: Mean heart rate.
        alpha_per_s: Damping of the oscillator that makes the pulse.
        omega_rad_s: Its natural frequency.
    """

    heart_rate_bpm: Float64[np.ndarray, " clip"]
    alpha_per_s: Float64[np.ndarray, " clip"]
    omega_rad_s: Float64[np.ndarray, " clip"]


def section(context: Context) -> dict[str, Any]:
    """Return what the poles follow on fresh clips of the ``vessel`` preset."""
    count = QUICK_CLIPS if context.budget.quick else CLIPS
    frames, taps = fixed_length(context.subject) or FRAMES, thresholds().least_taps
    if output_times(frames)[0] < context.subject.warmup + taps:
        return {
            "claim": NOT_KNOWN,
            "withheld": f"clips of {frames} frames leave no kernel of {taps} taps after a warm-up "
            f"of {context.subject.warmup}",
        }
    kernels, planted = responses(context, count=count)
    return follow(kernels, planted, sample_hz=context.subject.sample_hz)


def output_times(frames: int) -> list[int]:
    """Return the frames of a clip at which the response is taken.

    >>> output_times(200)
    [150, 165, 180]
    """
    return [round(share * frames) for share in TIMES]


def responses(context: Context, *, count: int) -> tuple[Float64[np.ndarray, "clip tap"], Planted]:
    """Return the effective response in each of ``count`` vessel clips, and what is true there.

    For a PHASE-Net that of its head, along the main direction of position and velocity; for a
    foreign network that to the colour of the skin.
    """
    subject = context.subject
    length = fixed_length(subject) or FRAMES
    times = output_times(length)
    config = replace(
        preset("vessel"),
        size=subject.size,
        sample_hz=subject.sample_hz,
        frames=length,
        no_pulse_probability=0.0,
    )
    rows, truths = [], []
    for index in range(count):
        clip = render_with_maps(SEEDS_AFTER + clip_seed(context.seed, index), config)
        frames = context.frames(clip)
        if isinstance(subject, Network):
            rows.append(signal_rows(subject.head, subject.motion(frames), times=times))
        else:
            colour = video_rows(subject, frames, skin_of(clip), times=times[-1:]).colour
            rows.append(colour[None])
        assert clip.truth is not None
        truths.append(
            (
                float(clip.truth.heart_rate_bpm.mean()),
                clip.truth.parameters["alpha_per_s"],
                clip.truth.parameters["omega_rad_per_s"],
            )
        )
        context.progress("forcing", (index + 1) / count)
    found = np.concatenate(rows)
    lagged, lags = by_lag(found, times=times[-found.shape[1] :])
    heart, alpha, omega = np.array(truths).T
    planted = Planted(heart_rate_bpm=heart, alpha_per_s=alpha, omega_rad_s=omega)
    return kernels_of(lagged, lags, taps=TAPS).by_clip, planted


def follow(
    kernels: Float[np.ndarray, "clip tap"], planted: Planted, *, sample_hz: float
) -> dict[str, Any]:
    """Return what is read from each clip's kernel, its slopes, and the verdict.

    Args:
        kernels: Response in each clip, newest tap first.
        planted: What is true of each.
        sample_hz: Frames per second.
    """
    read = np.array([two_numbers(kernel, sample_hz=sample_hz) for kernel in kernels])
    peaks = np.array([peak_hz(kernel, sample_hz=sample_hz) for kernel in kernels])
    stable = np.isfinite(read).all(1)
    shown: dict[str, Any] = {
        "heart_rate_bpm": planted.heart_rate_bpm.tolist(),
        "planted_natural_hz": (planted.omega_rad_s / (2 * math.pi)).tolist(),
        "planted_alpha_per_s": planted.alpha_per_s.tolist(),
        "natural_hz": _or_none(read[:, 1] / (2 * math.pi)),
        "alpha_per_s": _or_none(read[:, 0]),
        "peak_hz": peaks.tolist(),
        "explained_by_two_poles": [explained(kernel) for kernel in kernels],
        "clips": len(kernels),
        "clips_with_stable_poles": int(stable.sum()),
    }
    needed = thresholds().least_clips
    if stable.sum() < needed:
        shown["withheld"] = (
            f"two stable poles were found in {int(stable.sum())} of {len(kernels)} clips; "
            f"{needed} are needed"
        )
        return {"claim": NOT_KNOWN, **shown}
    heart = np.log(planted.heart_rate_bpm)
    omega, alpha = np.log(planted.omega_rad_s), np.log(planted.alpha_per_s)
    shown["slopes"] = {
        "natural_hz": slopes(np.log(read[stable, 1]), heart[stable], omega[stable]),
        "alpha_per_s": slopes(np.log(read[stable, 0]), heart[stable], alpha[stable]),
        "peak_hz": slopes(np.log(peaks), heart, omega),
    }
    shown["recovery_error"] = {
        "natural_hz": _typical(read[stable, 1] / planted.omega_rad_s[stable]),
        "alpha_per_s": _typical(read[stable, 0] / planted.alpha_per_s[stable]),
    }
    typical, least = float(np.median(shown["explained_by_two_poles"])), thresholds().consistency
    if typical < least:  # numbers of two poles that are not the kernel's: flat slopes say nothing
        shown["withheld"] = (
            f"two poles explain {typical:.2f} of a clip's kernel in the median, {least:g} is needed"
        )
        return {"claim": NOT_KNOWN, **shown}
    return {**verdict(shown["slopes"]["natural_hz"], count=int(stable.sum())), **shown}


def two_numbers(kernel: Float[np.ndarray, " tap"], *, sample_hz: float) -> tuple[float, float]:
    """Return damping in 1/s and natural frequency in rad/s of a kernel's two poles; NaN if none.

    The newest tap is left out: a direct path is no part of the poles.
    """
    if not np.any(kernel[1:]):
        return math.nan, math.nan
    found = pencil_poles(kernel[1:], order=2)
    radius = np.abs(found)
    if not ((radius > 1e-6) & (radius < 1)).all():
        return math.nan, math.nan
    poles = sample_hz * np.log(found)
    alpha = -float(poles.real.sum())
    return alpha, float(np.sqrt(np.abs(poles).prod()))


def explained(kernel: Float[np.ndarray, " tap"]) -> float:
    """Return the share of a kernel's energy, its direct path apart, that two poles explain."""
    return consistency(kernel[1:], modes=1) if np.any(kernel[1:]) else 0.0


def peak_hz(kernel: Float[np.ndarray, " tap"], *, sample_hz: float) -> float:
    """Return the frequency between 0.3 and 8 Hz at which a kernel's response is largest."""
    frequencies = np.arange(*RANGE_HZ, FINE_HZ)
    turns = 2 * np.pi * np.outer(frequencies, np.arange(len(kernel))) / sample_hz
    return float(frequencies[np.abs(np.exp(-1j * turns) @ kernel).argmax()])


def slopes(
    read: Float[np.ndarray, " clip"],
    heart: Float[np.ndarray, " clip"],
    vessel: Float[np.ndarray, " clip"],
) -> dict[str, dict[str, Any]]:
    r"""Return the two slopes of least squares with 95 % intervals, Student's t on HC3 errors.

    Clips scatter unevenly (a slow heart leaves few beats), so the variance is the robust one,

    .. math:: (X^\top X)^{-1}X^\top\operatorname{diag}\frac{e_i^2}{(1-h_{ii})^2}X(X^\top X)^{-1},

    in the form for few samples (MacKinnon & White 1985).
    """
    design = np.stack([np.ones_like(heart), heart, vessel], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    fitted = inverse @ design.T @ read
    leverage = np.einsum("ni,ij,nj->n", design, inverse, design)
    left = (read - design @ fitted) / np.maximum(1 - leverage, 1e-9)
    spread = np.sqrt(np.diag(inverse @ (design.T * left**2) @ design @ inverse))
    half = float(student.ppf(0.975, len(read) - design.shape[1])) * spread
    return {
        name: {
            "slope": float(fitted[at]),
            "interval_95": [float(fitted[at] - half[at]), float(fitted[at] + half[at])],
        }
        for at, name in ((1, "heart"), (2, "vessel"))
    }


def verdict(found: dict[str, dict[str, Any]], *, count: int) -> dict[str, Any]:
    """Return what a quantity follows, in a word and a sentence, or why that is not known."""
    decided = {name: decide(row) for name, row in found.items()}
    undecided = [name for name, value in decided.items() if value is None]
    numbers = (
        f"slope {_shown(found['heart'])} on the heart rate, "
        f"{_shown(found['vessel'])} on the planted vessel"
    )
    if undecided:
        widest = max(_half_width(found[name]) for name in undecided)
        needed = math.ceil(count * max(2.0, (widest / thresholds().following) ** 2))
        sentence = (
            f"Whether the poles follow the {' or the '.join(undecided)} is not decided by {count} "
            f"clips ({numbers}); about {needed} are needed."
        )
        return {"claim": sentence, "follows": "undecided", "withheld": sentence}
    follows = tuple(name for name in ("heart", "vessel") if decided[name])
    word, text = {
        (): ("neither", "One filter for all: the poles are the network's own"),
        ("heart",): ("heart", "What the poles show is the forcing, not the vessel"),
        ("vessel",): ("vessel", "The poles move with the planted vessel"),
        ("heart", "vessel"): ("both", "The poles move with the vessel and with the forcing"),
    }[follows]
    return {"claim": f"{text} ({numbers}).", "follows": word}


def decide(row: dict[str, Any]) -> bool | None:
    """Return whether a slope's interval says that it follows, that it does not, or neither."""
    low, high = row["interval_95"]
    least = thresholds().following
    if low > 0 and row["slope"] >= least:
        return True
    if -least < low and high < least:
        return False
    return None


def _shown(row: dict[str, Any]) -> str:
    low, high = row["interval_95"]
    return f"{row['slope']:.2f} [{low:.2f}, {high:.2f}]"


def _half_width(row: dict[str, Any]) -> float:
    low, high = row["interval_95"]
    return float(high - low) / 2


def _typical(ratio: Float[np.ndarray, " clip"]) -> float:
    """Return the median factor between read and planted, as a distance from 1."""
    return float(np.expm1(np.median(np.abs(np.log(ratio)))))


def _or_none(values: Float[np.ndarray, " clip"]) -> Sequence[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]
