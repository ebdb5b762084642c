"""What flipped signs and operators showed the other tests of the network theory to leave open."""

from itertools import pairwise

import numpy as np
import pytest

from pulsephase.errors import ShapeError
from pulsephase.physics.consistency import null_kernels, overdamped_consistency
from pulsephase.physics.pencil import pencil_poles, select_order
from pulsephase.physics.stack import Layer, Stack


def test_widths_of_a_stack_of_four() -> None:
    sizes = [1, 2, 3, 4, 1]
    layers = [Layer(taps=np.ones((out, into, 1))) for into, out in pairwise(sizes)]
    assert Stack(layers=tuple(layers)).widths == (2, 3, 4)


def test_the_message_names_what_each_layer_takes() -> None:
    layers = tuple(Layer(taps=np.ones((2, size, 1))) for size in (1, 3, 4))
    with pytest.raises(ShapeError, match=r"give \[2, 2, 2\] channels and take \[1, 3, 4\]"):
        Stack(layers=layers)


def test_random_phases_turn_all_the_way_round() -> None:
    kernel = 0.9 ** np.arange(64.0) * np.cos(0.4 * np.arange(64.0))
    made = null_kernels(kernel, null="phase", count=400, sample_hz=30.0, seed=0)
    turned = (np.fft.rfft(made) / np.fft.rfft(kernel))[:, 1:-1]
    assert np.abs(turned.mean(axis=0)).max() < 0.2  # 400 draws: 4 standard errors
    assert np.abs((turned**2).mean(axis=0)).max() < 0.2
    made_ends = (np.fft.rfft(made) / np.fft.rfft(kernel))[:, [0, -1]]
    np.testing.assert_allclose(made_ends, 1, atol=1e-9)


def test_two_modes_need_ten_taps() -> None:
    kernel = 0.9 ** np.arange(11.0)
    with pytest.raises(ShapeError, match="9 taps are left; 2 mode"):
        overdamped_consistency(kernel[:10], modes=2)
    assert overdamped_consistency(kernel + 0.5 ** np.arange(11.0), modes=2) <= 1


def test_gabor_phases_turn_all_the_way_round() -> None:
    made = null_kernels(np.ones(300), null="gabor", count=400, sample_hz=30.0, seed=0)
    peak = made[np.arange(400), np.abs(made).argmax(axis=1)]
    assert abs(np.mean(peak > 0) - 0.5) < 0.1  # 400 draws: 4 standard errors
    assert np.mean(np.abs(made[:, 0])) < 0.05


def test_two_taps_a_pole_are_enough_without_noise() -> None:
    lags = np.arange(4.0)
    found = pencil_poles(0.9**lags + 0.5**lags, order=2)
    np.testing.assert_allclose(found, [0.9, 0.5], atol=1e-9)


def test_the_order_does_not_depend_on_the_unit() -> None:
    lags = np.arange(32.0)
    kernel = 0.9**lags + 0.5**lags
    assert [select_order(gain * kernel, most=6) for gain in (1e-6, 1.0, 1e6)] == [2, 2, 2]
