"""What drives an oscillator: impulses at any time, or samples held between sample times."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import ParameterError, ShapeError

Hold = Literal["zero", "first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpulseTrain:
    r"""Impulses :math:`u(t) = \sum_k w_k\,\delta(t-t_k)`, such as heart beats.

    Attributes:
        times_s: :math:`t_k` in s, at least 0, in any order.
        weights: :math:`w_k`, the jump of the velocity; of the same length.

    Raises:
        ShapeError: If there is no impulse, or times and weights differ in length.
        ParameterError: If a time is negative, or a value not finite.
    """

    times_s: Float[Tensor, " impulse"]
    weights: Float[Tensor, " impulse"]

    def __post_init__(self) -> None:
        if self.times_s.shape != self.weights.shape:
            raise ShapeError(
                f"times_s has {self.times_s.numel()} values, weights {self.weights.numel()}; "
                "give one weight an impulse"
            )
        finite_tensor("times_s", self.times_s)
        finite_tensor("weights", self.weights)
        if bool((self.times_s < 0).any()):
            first = float(self.times_s.min())
            raise ParameterError(f"times_s holds {first}; impulses start at 0 or later")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledInput:
    """Samples at the steps of the simulation, and what the input does between them.

    Attributes:
        values: The input at times 0, h, 2h, ...; leading axes are those of the oscillators (or 1).
        hold: ``zero``: constant from each sample to the next; ``first``: linear between them.

    Raises:
        ShapeError: If there is no sample.
        ParameterError: If a value is not finite, or there is no such hold.
    """

    values: Float[Tensor, "*batch time"]
    hold: Hold = "zero"

    def __post_init__(self) -> None:
        finite_tensor("values", self.values)
        if self.hold not in get_args(Hold):
            raise ParameterError(f"hold is {self.hold!r}; choose from {', '.join(get_args(Hold))}")


def finite_tensor(name: str, values: Float[Tensor, "*shape"]) -> None:
    """Raise unless a tensor is non-empty and finite."""
    if values.numel() == 0:
        raise ShapeError(f"{name} is empty; give at least one value")
    if not bool(torch.isfinite(values.detach()).all()):
        raise ParameterError(f"{name} holds a value that is not finite; remove it")
