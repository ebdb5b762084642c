r"""Where in the face the pulse comes from, by two methods of a library that knows nothing of ASF.

What is explained is one number a clip, how much of its own wave the network still gives,

.. math:: F(x) = \frac{\sum_t \hat y_t(x)\,r_t}{\sum_t \hat y_t(x_0)\,r_t},\qquad
          r_t = \hat y_t(x_0) - \overline{\hat y(x_0)},

1 for the clip :math:`x_0` as it is. *Occlusion* stills one tile of the face at a time (each pixel
at its mean over time, so that no edge is made) and says what F loses. *Integrated gradients*
(Sundararajan et al. 2017) goes on a straight line from the still face to the clip; its parts add up
to :math:`F(x_0)-F(\text{still})`, and how far they do not is reported. Both come from captum, in
the extra ``interpret``.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from pulsephase.errors import MissingExtraError
from pulsephase.interpret.subject import Foreign, Network, Subject

AT_ONCE = 3  # occluded copies of a clip that are run together

Map = Float64[np.ndarray, "row column"]


def require_captum() -> None:
    """Raise where the library is not installed.

    Raises:
        MissingExtraError: If captum cannot be imported.
    """
    try:
        import captum  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "occlusion and integrated gradients need captum: pip install 'pulsephase[interpret]'"
        ) from None


def light(subject: Subject) -> Subject:
    """Return a PHASE-Net in single precision, half the work; anything else as it is."""
    if not isinstance(subject, Network):
        return subject
    return Foreign(
        function=copy.deepcopy(subject.net).float(),
        name=subject.name,
        size=subject.size,
        sample_hz=subject.sample_hz,
        warmup=subject.warmup,
        dtype=torch.float32,
        device=subject.device,
    )


def kept_share(
    subject: Subject, frames: Float[Tensor, "1 time 3 height width"]
) -> Callable[[Float[Tensor, "batch time 3 height width"]], Float[Tensor, " batch"]]:
    """Return F: how much of its wave on ``frames`` a subject gives on other frames."""
    with torch.no_grad():
        own = subject(frames)[:, subject.warmup :]
    reference = own - own.mean(1, keepdim=True)
    whole = (own * reference).sum()

    def kept(other: Float[Tensor, "batch time 3 height width"]) -> Float[Tensor, " batch"]:
        wave = subject(other)[:, subject.warmup :]
        found: Tensor = (wave * reference).sum(1) / whole
        return found

    return kept


def stilled(
    frames: Float[Tensor, "1 time 3 height width"],
) -> Float[Tensor, "1 time 3 height width"]:
    """Return the clip with each pixel at its mean over time."""
    return frames.mean(1, keepdim=True).expand_as(frames).clone()


def occlusion_map(
    subject: Subject, frames: Float[Tensor, "1 time 3 height width"], *, tiles: int
) -> Map:
    """Return what F loses when a tile is still; tiles of ``size / tiles`` pixels, rounded up.

    Raises:
        MissingExtraError: If captum is not installed.
    """
    require_captum()
    from captum.attr import Occlusion

    time, side = frames.shape[1], -(-frames.shape[3] // tiles)
    with torch.no_grad():
        found = Occlusion(kept_share(subject, frames)).attribute(
            frames,
            sliding_window_shapes=(time, 3, side, side),
            strides=(time, 3, side, side),
            baselines=stilled(frames),
            perturbations_per_eval=AT_ONCE,
        )
    return np.asarray(found[0, 0, 0, ::side, ::side].double().cpu().numpy())


def integrated_map(
    subject: Subject, frames: Float[Tensor, "1 time 3 height width"], *, tiles: int, steps: int
) -> tuple[Map, float]:
    """Return integrated gradients summed over each tile, and how far they are from F(x) - F(still).

    Raises:
        MissingExtraError: If captum is not installed.
    """
    require_captum()
    from captum.attr import IntegratedGradients

    parts, missing = IntegratedGradients(kept_share(subject, frames)).attribute(
        frames,
        baselines=stilled(frames),
        n_steps=steps,
        internal_batch_size=1,
        return_convergence_delta=True,
    )
    pixels = parts[0].detach().double().sum((0, 1)).cpu().numpy()
    return tiled(pixels, side=-(-frames.shape[3] // tiles)), float(missing.abs().max())


def tiled(pixels: Float[np.ndarray, "height width"], *, side: int) -> Map:
    """Sum a map over tiles; those at the edge may be cut.

    Example:
        >>> tiled(np.ones((3, 3)), side=2).tolist()
        [[4.0, 2.0], [2.0, 1.0]]
    """
    starts = np.arange(0, len(pixels), side)
    return np.asarray(np.add.reduceat(np.add.reduceat(pixels, starts, 0), starts, 1), dtype=float)


def attributions(
    subject: Subject, frames: Float[Tensor, "1 time 3 height width"], *, tiles: int, steps: int
) -> dict[str, Any]:
    """Return both maps of one clip, or why there are none.

    Raises:
        MissingExtraError: If captum is not installed.
    """
    ready = light(subject)
    frames = frames.to(ready.dtype)
    with torch.no_grad():
        moves = float(ready(frames)[:, ready.warmup :].std())
    if not moves > 0:
        return {"withheld": "the wave of this clip does not move: there is nothing to attribute"}
    still = kept_share(ready, frames)
    with torch.no_grad():
        kept = float(still(stilled(frames))[0])
    integrated, missing = integrated_map(ready, frames, tiles=tiles, steps=steps)
    return {
        "occlusion": occlusion_map(ready, frames, tiles=tiles).tolist(),
        "integrated_gradients": integrated.tolist(),
        "kept_when_all_is_still": kept,
        "not_accounted_for": missing,
    }
