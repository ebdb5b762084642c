"""Ask any model whether it sees the future.

Change the frames from one on, and demand that no output before it moves.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pulsephase.errors import ShapeError


def look_ahead(
    model: Callable[[Float[Tensor, "batch time *rest"]], Float[Tensor, "batch time"]],
    frames: Float[Tensor, "batch time *rest"],
    *,
    start: int,
    seed: int = 0,
) -> float:
    """Return the largest change before ``start`` when the frames from ``start`` on are replaced.

    Args:
        model: Maps frames to one output a frame, the same each time it is asked.
        frames: Any input that the model takes, not all of one value.
        start: First frame that is changed.
        seed: Of the replacement, drawn uniformly over the range of the frames.

    Raises:
        ShapeError: If no frame lies before or after the start, the frames are all alike, or the
            outputs are not one a frame.
        AssertionError: If nothing changes at all: the model ignores its input.
    """
    time = frames.shape[1]
    if not 0 < start < time:
        raise ShapeError(f"start is {start}; of {time} frames it must be 1 to {time - 1}")
    low, high = frames.min(), frames.max()
    if not low < high:
        raise ShapeError(f"every value of the frames is {float(low):g}; give frames that differ")
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(frames.shape, generator=generator).to(frames)
    changed = frames.clone()
    changed[:, start:] = low + (high - low) * noise[:, start:]
    with torch.no_grad():
        before, after = model(frames), model(changed)
    if before.shape != frames.shape[:2]:
        raise ShapeError(
            f"the model gives {tuple(before.shape)} for {tuple(frames.shape)}; wrap it so that "
            "it gives one number a frame, (batch, time)"
        )
    if torch.equal(before, after):
        raise AssertionError("the model ignores its input: nothing changed at all")
    return float((before[:, :start] - after[:, :start]).abs().max())


def assert_causal(
    model: Callable[[Float[Tensor, "batch time *rest"]], Float[Tensor, "batch time"]],
    frames: Float[Tensor, "batch time *rest"],
    *,
    starts: tuple[int, ...] | None = None,
) -> None:
    """Demand exactly zero change before each start (by default at 1/4, 1/2 and 3/4).

    A look-ahead that these frames do not stir stays unseen: give frames like those you measure.

    Args:
        model: Maps frames to one output a frame; batch statistics frozen, dropout off.
        frames: Any input that the model takes, not all of one value.
        starts: First frames that are changed, one test each.

    Raises:
        ShapeError: If the frames or the outputs do not allow the test.
        AssertionError: If a later frame changes an earlier output; says by how much.

    Example:
        >>> frames = torch.rand(1, 16, 3, 2, 2)
        >>> assert_causal(lambda x: x.mean((2, 3, 4)).cumsum(1), frames)
        >>> assert_causal(lambda x: x.mean((2, 3, 4)).flip(1), frames, starts=(8,))
        Traceback (most recent call last):
            ...
        AssertionError: not causal: frames from 8 on change an output before them by ...
    """
    time = frames.shape[1]
    for start in starts or sorted({max(1, time * quarter // 4) for quarter in (1, 2, 3)}):
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
