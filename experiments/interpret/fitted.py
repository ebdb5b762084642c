r"""A plain filter fitted to the same clips: what the data alone make of a kernel.

Ridge regression of the pulse, as late as the network gives it, on the last M samples of the one
signal that the headline kernel reads. Clips are drawn with replacement, so that there are as many
filters as draws of a null.
"""

import numpy as np
from jaxtyping import Float, Float64

from pulsephase.experiments.interpret.adapter import Network
from pulsephase.experiments.interpret.context import Context, skin_of
from pulsephase.experiments.interpret.response import Response, motions
from pulsephase.models.classical.colour import mean_colour

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
