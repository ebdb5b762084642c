"""Least widths and the tensor train construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.stack import Layer
from pulsephase.physics.tensor_train import (
    arbitrary_width,
    tap_spectrum,
    tensor_train_stack,
    unfolding_ranks,
)


@given(seed=st.integers(0, 2**32 - 1), layers=st.integers(1, 8))
def test_any_kernel_is_its_stack_at_the_least_width(seed: int, layers: int) -> None:
    kernel = np.random.default_rng(seed).standard_normal(2**layers)
    stack = tensor_train_stack(kernel)
    np.testing.assert_allclose(stack.kernel(), kernel, atol=1e-12 * np.linalg.norm(kernel))
    assert stack.widths == unfolding_ranks(kernel) == arbitrary_width(layers)
    assert [layer.dilation for layer in stack.layers] == [2**level for level in range(layers)]


@given(rates=st.lists(st.sampled_from([0.5, 0.7, 0.9, -0.8]), min_size=1, unique=True))
def test_as_many_channels_as_poles(rates: list[float]) -> None:
    kernel = np.power.outer(np.array(rates), np.arange(16.0)).sum(axis=0)
    ranks = unfolding_ranks(kernel)
    assert ranks == tuple(min(len(rates), most) for most in arbitrary_width(4))


def test_opposite_poles_are_one_from_the_second_layer_on() -> None:
    lags = np.arange(32.0)
    kernel = 0.9**lags + 0.5 * (-0.9) ** lags
    assert unfolding_ranks(kernel) == (1, 1, 1, 1)
    assert np.linalg.matrix_rank(kernel[:30].reshape(10, 3)) == 2


def test_the_tolerance_cuts_the_small_part() -> None:
    lags = np.arange(32.0)
    kernel = 0.9**lags + 1e-6 * (-0.4) ** lags
    assert max(unfolding_ranks(kernel)) == 2
    assert unfolding_ranks(kernel, tolerance=1e-4) == (1, 1, 1, 1)
    assert tensor_train_stack(kernel, tolerance=1e-4).widths == (1, 1, 1, 1)


def test_a_kernel_of_zeros_has_a_stack() -> None:
    assert unfolding_ranks(np.zeros(8)) == (0, 0)
    np.testing.assert_array_equal(tensor_train_stack(np.zeros(8)).kernel(), np.zeros(8))


def test_spectrum_does_not_depend_on_the_basis() -> None:
    rng = np.random.default_rng(0)
    diagonal = np.stack([np.eye(3), np.diag([0.9, -0.5, 0.2])], axis=-1)
    left, right = rng.standard_normal((2, 3, 3))
    mixed = np.einsum("ab,bcj,cd->adj", left, diagonal, right)
    found = tap_spectrum(Layer(taps=mixed, dilation=4))
    np.testing.assert_allclose(found, [0.2, -0.5, 0.9], atol=1e-12)


def test_bad_kernels_are_refused() -> None:
    for build in (unfolding_ranks, tensor_train_stack):
        for count in (1, 3, 6):
            with pytest.raises(ShapeError, match=f"kernel has {count} taps"):
                build(np.ones(count))
        with pytest.raises(ParameterError, match="not finite"):
            build(np.array([1.0, np.nan]))
        for tolerance in (0.0, 1.0, -1.0, float("nan")):
            with pytest.raises(ParameterError, match="tolerance"):
                build(np.ones(4), tolerance=tolerance)
    with pytest.raises(ShapeError, match="interior"):
        tap_spectrum(Layer(taps=np.ones((2, 2, 3))))
    with pytest.raises(ShapeError, match="interior"):
        tap_spectrum(Layer(taps=np.ones((2, 1, 2))))
    with pytest.raises(ParameterError, match="layers is 0"):
        arbitrary_width(0)
