"""Remainders of gates and the certified recursion: as inequalities that are tight at zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError
from pulsephase.physics.gates import (
    bilinear_remainder,
    gate,
    gated_error_bound,
    gated_stack,
    linear_remainder,
    linear_stack,
)

reals = st.floats(-50, 50)


@given(a=reals, b=reals)
def test_bounds_hold(a: float, b: float) -> None:
    at, control = np.array([a]), np.array([b])
    found = gate(at, control)
    np.testing.assert_allclose(found, np.tanh(at) / (1 + np.exp(-control)), rtol=1e-13, atol=1e-14)
    slack = 1e-15 * (1 + abs(a) * (1 + abs(b)))
    assert abs(found[0] - a / 2) <= linear_remainder(at, control)[0] + slack
    assert abs(found[0] - a / 2 - a * b / 4) <= bilinear_remainder(at, control)[0] + slack


def test_each_term_of_the_bounds_is_met_near_zero() -> None:
    small, none = np.array([1e-3]), np.array([0.0])
    cube = np.abs(gate(small, none) - small / 2)
    np.testing.assert_allclose(cube, linear_remainder(small, none), rtol=1e-4)
    np.testing.assert_allclose(cube, bilinear_remainder(small, none), rtol=1e-4)
    tiny, control = np.array([1e-6]), np.array([0.05])
    product = np.abs(gate(tiny, control) - tiny / 2)
    np.testing.assert_allclose(product, linear_remainder(tiny, control), rtol=1e-3)
    quartic = np.abs(gate(tiny, control) - tiny / 2 - tiny * control / 4)
    np.testing.assert_allclose(quartic, bilinear_remainder(tiny, control), rtol=1e-3)


def test_values_of_the_bounds() -> None:
    a, b = np.array([-2.0]), np.array([3.0])
    assert linear_remainder(a, b)[0] == pytest.approx(8 / 6 + 6 / 4)
    assert bilinear_remainder(a, b)[0] == pytest.approx(8 / 6 + 2.0 + 54 / 48)


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 5), layers=st.integers(1, 4))
def test_gated_layers_are_within_their_bound(seed: int, scale: float, layers: int) -> None:
    rng = np.random.default_rng(seed)
    mixing = [rng.standard_normal((3, 3)) / 3 for _ in range(layers)]
    channels = rng.uniform(-1, 1, (3, 50))
    gap = gated_stack(mixing, channels, scale=scale) - linear_stack(mixing, channels)
    assert np.abs(gap).max() <= gated_error_bound(mixing, peak=1.0, scale=scale)


def test_one_layer_by_hand() -> None:
    matrix = np.array([[0.0, 2.0], [1.0, 0.0]])
    channels = np.array([[1.0, 0.0, 0.0, 4.0], [0.0, 3.0, 0.0, 0.0]])
    expected = np.array([[1.0, 0.0, 6.0, 4.0], [0.0, 4.0, 0.0, 0.0]])
    np.testing.assert_array_equal(linear_stack([matrix], channels), expected)
    found = gated_stack([matrix], channels, scale=0.5)
    by_hand = channels + np.tanh(0.5 * (expected - channels)) / 0.5
    np.testing.assert_allclose(found, by_hand, rtol=1e-15)
    twice = linear_stack([matrix, matrix], channels)
    np.testing.assert_array_equal(twice[:, 2:] - expected[:, 2:], matrix @ expected[:, :2])


def test_bound_by_hand() -> None:
    mixing = [np.array([[1.0, -1.0], [0.5, 0.0]]), np.array([[3.0, 0.0], [0.0, 1.0]])]
    first = 0.2**2 * (2.0 * 0.5) ** 3 / 3
    second = 4 * first + 0.2**2 * (3.0 * 1.5) ** 3 / 3
    assert gated_error_bound(mixing[:1], peak=0.5, scale=0.2) == pytest.approx(first)
    assert gated_error_bound(mixing, peak=0.5, scale=0.2) == pytest.approx(second)
    assert gated_error_bound(mixing, peak=0.0, scale=0.2) == 0.0


def test_bad_input_is_refused() -> None:
    one = np.ones(1)
    for bound in (gate, linear_remainder, bilinear_remainder):
        with pytest.raises(ParameterError, match="signal holds"):
            bound(np.array([np.nan]), one)
        with pytest.raises(ParameterError, match="control holds"):
            bound(one, np.array([np.inf]))
    with pytest.raises(ParameterError, match="scale is 0"):
        gated_stack([np.eye(1)], np.ones((1, 3)), scale=0.0)
    with pytest.raises(ParameterError, match="scale is -1"):
        gated_error_bound([np.eye(1)], peak=1.0, scale=-1.0)
    with pytest.raises(ParameterError, match="peak is -1"):
        gated_error_bound([np.eye(1)], peak=-1.0, scale=1.0)
