"""The closing theorem's pieces: the rational filter, the cost of a cut, certified lengths."""

from fractions import Fraction

import numpy as np
import pytest

from pulsephase.errors import ParameterError
from pulsephase.physics.estimator import (
    certified_filter_tail,
    estimator_stack,
    excess_error,
    innovations_filter,
    taps_for_error,
)
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.whitening import SteadyKalman, noisy_oscillator, steady_kalman


def kalman(damping: float, snr_db: float) -> SteadyKalman:
    mode = Oscillator.from_natural_hz(1.2, damping=damping)
    return steady_kalman(noisy_oscillator(mode, sample_hz=30.0, snr_db=snr_db))


@pytest.mark.parametrize("damping", [0.02, 0.5, 2.0])
@pytest.mark.parametrize("snr_db", [20.0, 0.0, -20.0])
def test_the_filter_has_two_poles_and_one_zero(damping: float, snr_db: float) -> None:
    found = kalman(damping, snr_db)
    plain = innovations_filter(found).kernel(300)
    assert np.abs(plain - found.filter_system.kernel(300)).max() < 1e-11


def test_all_taps_cost_nothing_and_none_cost_all() -> None:
    found = kalman(0.3, 0.0)
    assert excess_error(found, taps=2000) < 1e-15
    assert abs(excess_error(found, taps=0) + found.error - 1) < 1e-9  # of unit variance
    least = taps_for_error(found, share=0.01)
    assert excess_error(found, taps=least) <= 0.01 * found.error
    assert excess_error(found, taps=least - 1) > 0.01 * found.error


def test_the_stack_is_the_cut_filter() -> None:
    found = kalman(0.3, 0.0)
    stack = estimator_stack(found, layers=5)
    np.testing.assert_allclose(stack.kernel(), found.filter_system.kernel(32), atol=1e-14)
    assert set(stack.widths) == {2}


@pytest.mark.parametrize(("damping", "snr_db", "taps"), [(0.1, 0, 33), (2.0, -20, 60)])
def test_the_interval_holds_the_float(damping: float, snr_db: int, taps: int) -> None:
    kernel = np.abs(kalman(damping, float(snr_db)).filter_system.kernel(6000))
    share = float(kernel[taps:].sum() / kernel.sum())
    found = certified_filter_tail(
        natural_hz=Fraction(6, 5),
        damping=Fraction(damping).limit_denominator(100),
        sample_hz=Fraction(30),
        snr_db=snr_db,
        taps=taps,
    )
    assert found.lower - 1e-9 < share < found.upper + 1e-9
    assert found.upper - found.lower < 1e-6


def test_a_critical_oscillator_cannot_be_certified() -> None:
    with pytest.raises(ParameterError, match="damping is 1"):
        certified_filter_tail(
            natural_hz=Fraction(1), damping=Fraction(1), sample_hz=Fraction(30), snr_db=0, taps=5
        )
