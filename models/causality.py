"""Ask any model whether it sees the future.

Change the frames from one on, and demand that no output before it moves.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn


def look_ahead(
    model: Callable[[Float[Tensor, "batch time *rest"]], Float[Tensor, "batch out"]],
    frames: Float[Tensor, "batch time *rest"],
    *,
    start: int,
    seed: int = 0,
) -> float:
    """Return the largest change before ``start`` when the frames from ``start`` on are replaced.

    Args:
        model: Maps frames to one output a frame.
        frames: Any input that the model takes.
        start: First frame that is changed.
        seed: Of the replacement, drawn uniformly over the range of the frames.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(frames.shape, generator=generator).to(frames)
    low, high = frames.min(), frames.max()
    changed = frames.clone()
    changed[:, start:] = low + (high - low) * noise[:, start:]
    with torch.no_grad():
        before, after = model(frames), model(changed)
    if torch.equal(before[:, start:], after[:, start:]):
        raise AssertionError("the model ignores its input: nothing changed at all")
    return float((before[:, :start] - after[:, :start]).abs().max())


def assert_causal(
    model: Callable[[Float[Tensor, "batch time *rest"]], Float[Tensor, "batch out"]],
    frames: Float[Tensor, "batch time *rest"],
    *,
    starts: tuple[int, ...] | None = None,
) -> None:
    """Demand exactly zero change before each start (by default at 1/4, 1/2 and 3/4).

    Raises:
        AssertionError: If a later frame changes an earlier output; says by how much.
    """
    time = frames.shape[1]
    for start in starts or (time // 4, time // 2, 3 * time // 4):
        change = look_ahead(model, frames, start=start)
        if change != 0:
            raise AssertionError(
                f"not causal: frames from {start} on change an output before them by {change:.3g}"
            )


def frozen_statistics(module: nn.Module) -> nn.Module:
    """Put batch normalisation alone into inference: its statistics stay, gradients flow.

    Batch statistics are the one thing that may couple frames while training.
    """
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()
    return module
