"""Dilated stacks and the doubling identity: against plain convolution and state stepping."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.doubling import (
    StateSpace,
    doubling_stack,
    side_by_side,
    three_tap_stack,
    tripling_stack,
    truncation_remainder,
)
from pulsephase.physics.stack import Layer, Stack

seeds = st.integers(0, 2**32 - 1)


def random_system(seed: int, size: int) -> StateSpace:
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((size, size))
    matrix /= 1.1 * np.abs(np.linalg.eigvals(matrix)).max()
    return StateSpace(
        transition=matrix, drive=rng.standard_normal(size), readout=rng.standard_normal(size)
    )


def test_layer_counts_its_delay_in_dilations() -> None:
    layer = Layer(taps=np.array([[[1.0, 2.0, 3.0]]]), dilation=4)
    out = layer.apply(np.eye(1, 10))
    assert layer.reach == 8
    assert out[0].tolist() == [1, 0, 0, 0, 2, 0, 0, 0, 3, 0]
    assert layer.conv1d_weight().tolist() == [[[3.0, 2.0, 1.0]]]


def test_a_signal_shorter_than_the_reach() -> None:
    layer = Layer(taps=np.array([[[1.0, 2.0, 3.0]]]), dilation=4)
    assert layer.apply(np.ones((1, 4)))[0].tolist() == [1, 1, 1, 1]
    assert layer.apply(np.ones((1, 5)))[0].tolist() == [1, 1, 1, 1, 3]


def test_widths_and_receptive_field() -> None:
    first = Layer(taps=np.ones((3, 1, 2)), dilation=1)
    last = Layer(taps=np.ones((1, 3, 3)), dilation=2)
    stack = Stack(layers=(first, last))
    assert stack.widths == (3,) and stack.receptive_field == 6
    np.testing.assert_array_equal(stack.kernel(), [3, 3, 3, 3, 3, 3])


@given(seed=seeds, size=st.integers(1, 5), layers=st.integers(1, 6))
def test_stacks_are_the_cut_kernel(seed: int, size: int, layers: int) -> None:
    system = random_system(seed, size)
    scale = np.abs(system.kernel(64)).max()
    for build, length in (
        (doubling_stack, 2**layers),
        (three_tap_stack, 3 * 2 ** (layers - 1)),
        (tripling_stack, 3 ** min(layers, 4)),
    ):
        stack = build(system, layers=min(layers, 4) if build is tripling_stack else layers)
        kernel = stack.kernel()
        np.testing.assert_allclose(kernel[:length], system.kernel(length), atol=1e-12 * scale)
        np.testing.assert_array_equal(kernel[length:], 0)


def test_kernel_is_readout_times_powers_times_drive() -> None:
    system = random_system(4, 3)
    powers = [np.linalg.matrix_power(system.transition, m) for m in range(9)]
    expected = [system.readout @ power @ system.drive for power in powers]
    np.testing.assert_allclose(system.kernel(9), expected, atol=1e-14)


def test_stack_lengths() -> None:
    system = random_system(0, 2)
    assert doubling_stack(system, layers=1).receptive_field == 2
    assert doubling_stack(system, layers=5).receptive_field == 32
    assert three_tap_stack(system, layers=1).receptive_field == 3
    assert three_tap_stack(system, layers=4).receptive_field == 24
    assert tripling_stack(system, layers=3).receptive_field == 27
    assert set(doubling_stack(system, layers=5).widths) == {2}


@given(seed=seeds, length=st.integers(1, 60))
def test_remainder_is_what_the_cut_misses(seed: int, length: int) -> None:
    system = random_system(seed, 3)
    drive = np.random.default_rng(seed).standard_normal(50)
    whole = system.states(drive) @ system.readout
    cut = np.convolve(system.kernel(length), drive)[:50]
    missed = truncation_remainder(system, drive, length=length)
    np.testing.assert_allclose(whole - cut, missed, atol=1e-12 * (1 + np.abs(whole).max()))


def test_systems_side_by_side_add() -> None:
    one, two = random_system(1, 2), random_system(2, 3)
    both = side_by_side([one, two])
    assert both.size == 5
    np.testing.assert_allclose(both.kernel(20), one.kernel(20) + two.kernel(20), atol=1e-13)


def test_bad_stacks_are_refused() -> None:
    good = Layer(taps=np.ones((2, 1, 2)))
    with pytest.raises(ShapeError, match="what the one before it gives"):
        Stack(layers=(good, good))
    with pytest.raises(ShapeError, match="from one channel to one"):
        Stack(layers=())
    with pytest.raises(ShapeError, match="from one channel to one"):
        Stack(layers=(good,))
    with pytest.raises(ParameterError, match="dilation is 0"):
        Layer(taps=np.ones((1, 1, 1)), dilation=0)
    with pytest.raises(ParameterError, match="not finite"):
        Layer(taps=np.full((1, 1, 1), np.nan))
    with pytest.raises(ParameterError, match="not finite"):
        doubling_stack(random_system(0, 2), layers=2)(np.array([1.0, np.inf]))


def test_bad_systems_are_refused() -> None:
    with pytest.raises(ShapeError, match="do not fit"):
        StateSpace(transition=np.eye(2), drive=np.ones(3), readout=np.ones(2))
    with pytest.raises(ShapeError, match="do not fit"):
        StateSpace(transition=np.eye(2), drive=np.ones(2), readout=np.ones(3))
    with pytest.raises(ParameterError, match="drive holds"):
        StateSpace(transition=np.eye(1), drive=np.array([np.nan]), readout=np.ones(1))
    with pytest.raises(ShapeError, match="at least one"):
        side_by_side([])
    for build in (doubling_stack, three_tap_stack, tripling_stack):
        with pytest.raises(ParameterError, match="layers is 0"):
            build(random_system(0, 2), layers=0)
    with pytest.raises(ParameterError, match="length is 0"):
        random_system(0, 2).kernel(0)
    with pytest.raises(ParameterError, match="length is 0"):
        truncation_remainder(random_system(0, 2), np.ones(3), length=0)
