"""The Sylvester construction in rational numbers: equality, widths, degenerate kernels."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.width_theorem import (
    PARTNERS,
    resultant,
    split,
    sylvester_stack,
    sylvester_width,
)

fractions = st.fractions(min_value=-5, max_value=5, max_denominator=7)
sparse = st.one_of(st.just(Fraction(0)), fractions)
quadratics = st.tuples(sparse, sparse, sparse)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), layers=st.integers(1, 5))
def test_every_rational_kernel_is_its_stack(data: st.DataObject, layers: int) -> None:
    count = 2 ** (layers + 1) - 1
    kernel = data.draw(st.lists(sparse, min_size=count, max_size=count))
    stack = sylvester_stack(kernel)
    assert list(stack.kernel()) == kernel
    assert len(stack.layers) == layers
    assert max(stack.widths, default=1) <= sylvester_width(layers)
    for level, layer in enumerate(stack.layers):
        assert {len(row) for row in layer} == {1 if level == 0 else stack.widths[level - 1]}


def test_widths_of_the_theorem() -> None:
    assert [sylvester_width(layers) for layers in range(1, 9)] == [1, 2, 3, 4, 7, 8, 15, 16]
    kernel = list(range(1, 128))
    assert sylvester_stack(kernel).widths == (3, 7, 8, 4, 2)
    assert sylvester_stack(kernel[:63]).widths == (3, 7, 4, 2)


def test_floating_point_stack_is_the_kernel() -> None:
    kernel = np.random.default_rng(0).integers(-9, 10, 31)
    stack = sylvester_stack([int(tap) for tap in kernel]).in_floating_point()
    assert [layer.dilation for layer in stack.layers] == [1, 2, 4, 8]
    assert stack.receptive_field == 31
    np.testing.assert_allclose(stack.kernel(), kernel, atol=1e-9)


@given(first=quadratics)
def test_some_partner_is_coprime_to_every_quadratic(
    first: tuple[Fraction, Fraction, Fraction],
) -> None:
    best = max(abs(resultant(first, second)) for second in PARTNERS)
    assert (best > 0) == any(first)


@given(roots=st.lists(fractions, min_size=4, max_size=4))
def test_resultant_is_the_product_of_root_differences(roots: list[Fraction]) -> None:
    a, b, c, d = roots
    first, second = (a * b, -a - b, Fraction(1)), (c * d, -c - d, Fraction(1))
    assert resultant(first, second) == (a - c) * (a - d) * (b - c) * (b - d)


@given(data=st.data(), dilation=st.sampled_from([1, 2, 4]))
def test_split_multiplies_out(data: st.DataObject, dilation: int) -> None:
    first = data.draw(quadratics.filter(any))
    second = max(PARTNERS, key=lambda other: abs(resultant(first, other)))
    count = 4 * dilation - 1
    kernel = data.draw(st.lists(sparse, min_size=count, max_size=count))
    factor = data.draw(fractions)
    for j in range(3):
        kernel[dilation - 1 + j * dilation] = factor * first[j]
    parts = split(tuple(kernel), first, second, dilation=dilation)
    made = [Fraction(0)] * count
    for quadratic, part in zip((first, second), parts, strict=True):
        assert len(part) == 2 * dilation - 1
        for j in range(3):
            for i, value in enumerate(part):
                made[i + j * dilation] += quadratic[j] * value
    assert made == kernel


def test_bad_kernels_are_refused() -> None:
    for count in (0, 1, 2, 4, 8, 14, 16):
        with pytest.raises(ShapeError, match=f"kernel has {count} taps"):
            sylvester_stack([1] * count)
    with pytest.raises(ParameterError, match="layers is 0"):
        sylvester_width(0)
    one = (Fraction(1), Fraction(1), Fraction(0))
    with pytest.raises(ParameterError, match="share a factor"):
        split((Fraction(1),) * 7, one, one, dilation=2)
    with pytest.raises(ShapeError, match="give 7"):
        split((Fraction(1),) * 8, one, PARTNERS[0], dilation=2)
