"""What a wrong argument is told, where no test of a module says so already."""

import math
from collections.abc import Callable
from inspect import unwrap

import numpy as np
import pytest
import torch

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.consistency import percentile
from pulsephase.physics.discretisation import oscillator_from_poles
from pulsephase.physics.forcing import SampledInput
from pulsephase.physics.friction import damping_ratio
from pulsephase.physics.gates import gated_stack, linear_stack
from pulsephase.physics.kernels import lucas, lucas_closed_form
from pulsephase.physics.population import Range

# `unwrap`: as users have it; the type hook of the tests refuses wrong names by itself.


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: unwrap(oscillator_from_poles)(0.9, 0.5, scheme="leapfrog", step_s=0.1),
            "leapfrog",
        ),
        (
            lambda: unwrap(SampledInput.__init__)(
                object.__new__(SampledInput), values=torch.ones(2), hold="second"
            ),
            "hold is 'second'",
        ),
        (lambda: lucas(math.nan, 0.5, count=3), "trace"),
        (lambda: lucas(1.0, math.inf, count=3), "det"),
        (lambda: lucas_closed_form(math.nan, 0.5, count=3), "trace"),
        (lambda: percentile(math.nan, np.ones(3)), "score"),
        (lambda: damping_ratio(0j), "size_of_pole is 0"),
        (lambda: Range(name="x", low=0.0, high=1.0, unit="m"), "low is 0"),
        (lambda: Range(name="x", low=2.0, high=1.0, unit="m"), "between 0 and 1"),
    ],
)
def test_a_wrong_value_is_named(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        make()


@pytest.mark.parametrize("matrix", [np.eye(3), np.ones((3, 2)), np.ones((2, 3))])
def test_a_matrix_of_another_size_is_named(matrix: np.ndarray) -> None:
    given = [np.eye(2), matrix], np.ones((2, 5))
    with pytest.raises(ShapeError, match="layer 1 is "):
        unwrap(linear_stack)(*given)
    with pytest.raises(ShapeError, match="layer 1 is "):
        unwrap(gated_stack)(*given, scale=0.1)
