"""Section nulls: what scores as high by chance, and how many of it the network exceeds.

The decisive null is the same architecture with random weights at the same operating points.
Others are made of the kernel itself (permuted taps) or are what scores without physics (Gabor
kernels, noise, a plain filter of the same length). A two-pole Butterworth filter is the same object
as an oscillator: it is shown as an impostor, expected to pass, and decides nothing; so is a plain
filter fitted to the same clips, which tells whether the data alone give such a kernel.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float64
from scipy.signal import butter, lfilter
from torch import Tensor

from pulsephase.interpret.context import Context, skin_of
from pulsephase.interpret.derivatives import signal_rows, video_rows
from pulsephase.interpret.response import Response, headline, motions, output_times
from pulsephase.interpret.scores import by_lag, kernels_of
from pulsephase.interpret.subject import Foreign, Network, wave_of
from pulsephase.interpret.system import LEAST_TAPS, scores_of
from pulsephase.models.classical.colour import mean_colour
from pulsephase.models.config import CONFIGS
from pulsephase.models.tcn import DilatedStack, TemporalHead
from pulsephase.physics.consistency import Null, null_kernels, percentile

RIDGE = 1e-2
"""As a share of the mean power of a lagged sample."""


def fitted_filters(
    context: Context, response: Response, *, draws: int
) -> Float64[np.ndarray, "draw tap"] | None:
    """Return filters as long as the response's kernel, or none where no pulse is known.

    Args:
        context: Whose clips and truth.
        response: The headline response; its direction makes one signal of the channels.
        draws: How many resamples of the clips.
    """
    known = [clip.pulse for clip in context.clips if clip.pulse is not None]
    if len(known) < max(2, len(context.clips)):
        return None
    delay = context.subject.config.delay if isinstance(context.subject, Network) else 0
    signals = _signals(context, response)
    grams, sides = [], []
    for signal, pulse in zip(signals, known, strict=True):
        gram, side = normal_equations(
            signal, pulse.double().numpy(), taps=response.taps, delay=delay
        )
        grams.append(gram)
        sides.append(side)
    rng = np.random.default_rng(context.seed)
    found = []
    for _ in range(draws):
        drawn = rng.integers(0, len(grams), len(grams))
        gram = np.sum([grams[index] for index in drawn], axis=0)
        side = np.sum([sides[index] for index in drawn], axis=0)
        ridge = RIDGE * np.trace(gram) / len(gram)
        found.append(np.linalg.solve(gram + ridge * np.eye(len(gram)), side))
    return np.stack(found)


def _signals(context: Context, response: Response) -> list[Float64[np.ndarray, " time"]]:
    """Return the one signal of each clip: of the head's inputs, or of the skin's colour."""
    direction = response.kernels.direction
    if isinstance(context.subject, Network):
        moving = context.once("motions", motions).cpu().numpy()
        return [each @ direction for each in moving]
    found = []
    for clip in context.clips:
        colour = mean_colour(clip.frames.double(), weights=skin_of(clip).double()).numpy()
        found.append((colour / colour.mean(axis=0) - 1) @ direction)
    return found


def normal_equations(
    signal: Float[np.ndarray, " time"],
    pulse: Float[np.ndarray, " time"],
    *,
    taps: int,
    delay: int,
) -> tuple[Float64[np.ndarray, "tap tap"], Float64[np.ndarray, " tap"]]:
    """Return the normal equations of a causal filter from a signal to the pulse ``delay`` ago.

    Both have their means taken out; taps are newest first.
    """
    windows = np.lib.stride_tricks.sliding_window_view(signal - signal.mean(), taps)[:, ::-1]
    wanted = pulse[max(0, taps - 1 - delay) : len(pulse) - delay]
    windows = windows[len(windows) - len(wanted) :]  # a late pulse begins after the signal
    wanted = wanted - wanted.mean()
    return np.asarray(windows.T @ windows), np.asarray(windows.T @ wanted)


DECISIVE = "random weights"
DECIDING = (DECISIVE, "shuffled labels", "permuted taps", "gabor", "noise", "plain filter")
"""Nulls that a positive verdict must exceed, as many as could be built."""
SHUFFLED = Path(__file__).parent / "shuffled_labels.json"
FOREIGN_QUICK_DRAWS = 19
"""Of a whole foreign network each draw is a pass through every pixel; so few carry no verdict."""

Kernels = Float64[np.ndarray, "draw tap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Scores of one kind of null.

    Attributes:
        scores: The larger statistic of each draw.
        percentile: Share of them below the network's, in per cent, ties counting half.
        decides: Whether a positive verdict must exceed it.
    """

    scores: list[float]
    percentile: float
    decides: bool


def head_kernels(
    make: Callable[[int], TemporalHead],
    signals: Float[Tensor, "clip time channel"],
    *,
    taps: int,
    draws: int,
    seed: int,
) -> Kernels:
    """Return kernels of heads with random weights at given operating points.

    One time a clip, the same for all, in single precision: a null need not be exact to rounding. Of
    a stack, whose memory ends, only the frames it sees are computed.

    Args:
        make: Returns a head of a seed.
        signals: What the heads read.
        taps: Length of the kernels.
        draws: How many.
        seed: Of the first.
    """
    at = output_times(signals.shape[1], count=1)[0]
    cut = signals.float()
    found = np.zeros((draws, taps))
    for index in range(draws):
        head = make(seed + index).float()
        start = max(0, at - _reach(head)) if isinstance(head, DilatedStack) else 0
        stop = min(signals.shape[1], at + _reach(head)) if not head.causal else at + 1
        window, times = cut[:, start:stop], [at - start]
        rows = signal_rows(partial(wave_of, head), window, times=times)
        lagged, lags = by_lag(rows, times=times)
        kernel = kernels_of(lagged, lags, taps=taps).mean
        found[index, : len(kernel)] = kernel
    return found


def _reach(head: TemporalHead) -> int:
    assert isinstance(head, DilatedStack)
    return sum(layer.past for layer in head.residual_layers())


def _foreign_kernels(context: Context, subject: Foreign, *, taps: int, draws: int) -> Kernels:
    clip = context.clips[0]
    times = output_times(clip.frames.shape[0], count=1)
    found = np.zeros((draws, taps))
    for index in range(draws):
        drawn = subject.redrawn(context.first_draw + index)
        rows = video_rows(drawn, context.frames(clip), skin_of(clip), times=times)
        lagged, lags = by_lag(rows.colour[None], times=times)
        kernel = kernels_of(lagged, lags, taps=taps).mean
        found[index, : len(kernel)] = kernel
        context.progress("nulls", (index + 1) / draws)
    return found


def plain_kernels(
    kernel: Float[np.ndarray, " tap"], *, count: int, sample_hz: float, seed: int
) -> dict[str, Kernels]:
    """Return kernels that need no network: each as long as the given one.

    ``plain filter`` is a dense one as training would start from; the two Butterworth filters have
    two poles and are expected to pass.
    """
    rng = np.random.default_rng(seed)
    length = len(kernel)
    sources: dict[str, Null] = {"permuted taps": "permuted", "gabor": "gabor", "noise": "red"}
    made = {
        name: null_kernels(kernel, null=null, count=count, sample_hz=sample_hz, seed=seed + offset)
        for offset, (name, null) in enumerate(sources.items())
    }
    made["plain filter"] = rng.uniform(-1, 1, (count, length)) / np.sqrt(length)
    made["butterworth"] = np.stack(
        [_butterworth(rng, length=length, sample_hz=sample_hz) for _ in range(count)]
    )
    return made


def _butterworth(
    rng: np.random.Generator, *, length: int, sample_hz: float
) -> Float64[np.ndarray, " tap"]:
    """Return a band-pass of two poles around a heart rate, or a low-pass of two poles."""
    if rng.random() < 0.5:
        band = [rng.uniform(0.5, 1.0), rng.uniform(2.0, 4.0)]
        top, bottom = butter(1, band, btype="bandpass", fs=sample_hz)
    else:
        top, bottom = butter(2, rng.uniform(1.0, 3.0), btype="lowpass", fs=sample_hz)
    return np.asarray(lfilter(top, bottom, np.eye(1, length)[0]))


def all_scores(made: Mapping[str, Kernels], *, sample_hz: float) -> dict[str, list[float]]:
    """Return the larger statistic of every kernel."""
    return {
        name: [scores_of(each, sample_hz=sample_hz)["either"] for each in kernels]
        for name, kernels in made.items()
    }


def nulls_of(
    response: Response, scores: Mapping[str, list[float]], *, sample_hz: float
) -> dict[str, Any]:
    """Compare a response's score with those of nulls.

    Args:
        response: Whose kernel.
        scores: The larger statistic of each draw of each null that could be built.
        sample_hz: Frames per second.
    """
    kernel = response.kernels.mean
    if len(kernel) < LEAST_TAPS or not np.any(kernel[1:]):
        return {"withheld": f"the kernel has {len(kernel)} taps; {LEAST_TAPS} are needed"}
    score = scores_of(kernel, sample_hz=sample_hz)["either"]
    return {
        "score": score,
        "nulls": {
            name: asdict(
                Compared(
                    scores=values,
                    percentile=percentile(score, np.array(values)),
                    decides=name in DECIDING,
                )
            )
            for name, values in scores.items()
        },
    }


def section(context: Context) -> dict[str, Any]:
    """Build every null that the subject allows, and say which are missing."""
    subject, response = context.subject, headline(context)
    kernel, draws, seed = response.kernels.mean, context.budget.draws, context.first_draw
    if len(kernel) < LEAST_TAPS or not np.any(kernel[1:]):
        return nulls_of(response, {}, sample_hz=subject.sample_hz) | {"missing": {}}
    made = plain_kernels(kernel, count=draws, sample_hz=subject.sample_hz, seed=seed)
    missing: dict[str, str] = {}
    if isinstance(subject, Network):
        signals = context.once("motions", motions)
        made[DECISIVE] = head_kernels(
            subject.redrawn_head, signals, taps=len(kernel), draws=draws, seed=1000 + seed
        )
    elif isinstance(subject, Foreign) and subject.redraw is not None:
        made[DECISIVE] = _foreign_kernels(
            context,
            subject,
            taps=len(kernel),
            draws=min(draws, FOREIGN_QUICK_DRAWS) if context.budget.quick else draws,
        )
    else:
        missing[DECISIVE] = "give the adapter `redraw`, which returns it with random weights"
    shuffled = shuffled_scores(context)
    if shuffled is None:
        missing["shuffled labels"] = "trained for the shipped configs alone, at 30 Hz"
    fitted = fitted_filters(context, response, draws=draws)
    if fitted is None:
        missing["fitted filter"] = "needs two clips or more with a known pulse"
    else:
        made["fitted filter"] = fitted
    scores = all_scores(made, sample_hz=subject.sample_hz)
    if shuffled is not None:
        scores["shuffled labels"], steps = shuffled
    found = nulls_of(response, scores, sample_hz=subject.sample_hz)
    if shuffled is not None:
        found["nulls"]["shuffled labels"]["steps"] = steps
    return found | {"missing": missing, "claim": _claim(found)}


def titled(name: str, null: Mapping[str, Any]) -> str:
    """Return what to call a null: of a trained one, for how long it was trained.

    >>> titled("shuffled labels", {"steps": 50})
    'shuffled labels (50 steps)'
    """
    return f"{name} ({null['steps']} steps)" if "steps" in null else name


def shuffled_scores(context: Context) -> tuple[list[float], int] | None:
    """Return the scores of the config trained on shuffled labels, and for how many steps."""
    if not isinstance(context.subject, Network) or not SHUFFLED.is_file():
        return None
    held = json.loads(SHUFFLED.read_text(encoding="utf-8"))["networks"]
    for name, config in CONFIGS.items():
        if config == context.subject.config and name in held:
            runs = held[name]
            return [float(run["score"]) for run in runs], min(run["steps"] for run in runs)
    return None


def _claim(found: dict[str, Any]) -> str:
    parts = [
        f"{null['percentile']:.0f} % of {titled(name, null)}"
        for name, null in found["nulls"].items()
        if null["decides"]
    ]
    return f"The score {found['score']:.2f} exceeds {', '.join(parts)}."
