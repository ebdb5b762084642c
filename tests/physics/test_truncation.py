"""Tails against brute sums, lengths at 30 frames per second, certificates."""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsephase.errors import MissingExtraError, ParameterError, StabilityError
from pulsephase.physics import certify
from pulsephase.physics.certify import (
    CertifiedScheme,
    RationalMode,
    certified_minimal_taps,
    certified_tail,
)
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel, lucas
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.truncation import (
    envelope_tail,
    layers_needed,
    minimal_taps,
    needed_rate_per_s,
    real_tail,
    receptive_field,
    relative_tail,
    squared_tail,
    tails,
)

LAWS = settings(deadline=None, max_examples=60)
radii = st.floats(0.05, 0.985)


def law(natural_hz: float, damping: float) -> Discretisation:
    mode = Oscillator.from_natural_hz(natural_hz, damping=damping)
    return Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / 30)


@LAWS
@given(
    large=radii, ratio=st.one_of(st.floats(0.0, 1.0), st.just(1 - 1e-9)), taps=st.integers(1, 90)
)
def test_tail_of_two_real_poles(large: float, ratio: float, taps: int) -> None:
    small = large * ratio
    numbers = lucas(large + small, large * small, count=6000)
    whole, tail = float(numbers.sum()), float(numbers[taps:].sum())
    assert abs(real_tail(large, small, taps=taps) - tail) <= 1e-11 * whole
    assert math.isclose(real_tail(small, large, taps=taps), real_tail(large, small, taps=taps))


@LAWS
@given(radius=radii, angle=st.floats(0.02, 3.1), taps=st.integers(1, 90))
def test_squared_tail_and_envelope_of_a_complex_pair(
    radius: float, angle: float, taps: int
) -> None:
    numbers = lucas(2 * radius * math.cos(angle), radius**2, count=6000)
    squares = float((numbers[taps:] ** 2).sum())
    whole = float((numbers**2).sum())
    found = squared_tail(radius, angle_rad=angle, taps=taps)
    assert abs(found - squares) <= 1e-10 * whole / math.sin(angle) ** 2
    tail = float(np.abs(numbers[taps:]).sum())
    for given_angle in (0.0, angle):
        bound = envelope_tail(radius, taps=taps, angle_rad=given_angle)
        assert tail <= bound * (1 + 1e-9)
    assert envelope_tail(radius, taps=taps, angle_rad=angle) <= envelope_tail(radius, taps=taps)


def test_envelope_is_attained_at_a_double_pole() -> None:
    assert math.isclose(envelope_tail(0.9, taps=20), real_tail(0.9, 0.9, taps=20), rel_tol=1e-12)


@LAWS
@given(natural_hz=st.floats(0.5, 8.0), damping=st.floats(0.05, 6.0), taps=st.integers(0, 300))
def test_tails_are_the_brute_sums(natural_hz: float, damping: float, taps: int) -> None:
    found = tails(law(natural_hz, damping))
    sizes = np.abs(kernel(law(natural_hz, damping), taps=60_000))
    left = float(found[taps]) if taps < found.size else 0.0
    assert abs(left - sizes[taps:].sum()) <= 1e-12 * sizes.sum()


# M(1e-2), M(1e-3) of the exact hold at 30 frames per second
LENGTHS = {
    (0.7, 0.05): (631, 942),
    (0.7, 1.0): (47, 64),
    (1.2, 0.1): (184, 275),
    (1.2, 0.5): (38, 55),
    (1.2, 2.0): (71, 105),
    (2.0, 0.7): (18, 26),
    (4.0, 5.0): (56, 83),
    (8.0, 0.2): (15, 22),
}


@pytest.mark.parametrize("mode", LENGTHS)
def test_minimal_lengths(mode: tuple[float, float]) -> None:
    """By value and by definition: M taps fit the tolerance and M - 1 do not."""
    for tolerance, taps in zip((1e-2, 1e-3), LENGTHS[mode], strict=True):
        assert minimal_taps(law(*mode), tolerance=tolerance) == taps
        assert relative_tail(law(*mode), taps=taps) <= tolerance
        assert relative_tail(law(*mode), taps=taps - 1) > tolerance
    assert minimal_taps(law(*mode), tolerance=1.0) == 0
    assert relative_tail(law(*mode), taps=10**6) == 0.0


def test_receptive_fields() -> None:
    fields = [receptive_field(layers=layers, kernel_size=3) for layers in range(3, 8)]
    assert fields == [15, 31, 63, 127, 255]
    for layers, field in zip(range(3, 8), fields, strict=True):
        assert layers_needed(field, kernel_size=3) == layers
        assert layers_needed(field + 1, kernel_size=3) == layers + 1
    assert receptive_field(layers=5, kernel_size=2) == 32
    assert math.isclose(
        needed_rate_per_s(taps=31, tolerance=1e-2, step_s=1 / 30), 4.4566, rel_tol=1e-4
    )


@pytest.mark.parametrize("scheme", ["semi_implicit", "semi_implicit_damping", "zero_order"])
@pytest.mark.parametrize("alpha", [3, 18, 40])
def test_certificates_hold_the_float_value(scheme: CertifiedScheme, alpha: int) -> None:
    mode = RationalMode(
        alpha_per_s=Fraction(alpha),
        omega_rad_s=Fraction(9),
        sample_hz=Fraction(30),
        scheme=scheme,
    )
    oscillator = Oscillator(alpha_per_s=float(alpha), omega_rad_s=9.0)
    plain = Discretisation(oscillator=oscillator, scheme=scheme, step_s=1 / 30)
    for taps in (0, 1, 40):
        certain = certified_tail(mode, taps=taps)
        assert certain.lower <= certain.upper < certain.lower + 1e-11
        assert abs(relative_tail(plain, taps=taps) - certain.upper) < 1e-12
    found = certified_minimal_taps(mode, tolerance=Fraction(1, 100))
    assert found == minimal_taps(plain, tolerance=0.01)


def test_certificate_of_an_exactly_double_pole() -> None:
    """a = 9/25, w = 1/5: both poles are 4/5, and the tail has a closed form in rationals."""
    mode = RationalMode(
        alpha_per_s=Fraction(9, 25),
        omega_rad_s=Fraction(1, 5),
        sample_hz=Fraction(1),
        scheme="semi_implicit",
    )
    certain = certified_tail(mode, taps=30)
    with mp.workdps(40):
        pole = mp.mpf(4) / 5
        exact = pole**29 * (30 - 29 * pole)  # times 1/(1-r)^2 over 1/(1-r)^2
        assert certain.lower <= exact <= certain.upper


def test_without_flint_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certify, "find_spec", lambda name: None)
    mode = RationalMode(alpha_per_s=Fraction(3), omega_rad_s=Fraction(9), sample_hz=Fraction(30))
    with pytest.raises(MissingExtraError, match="proofs"):
        certified_tail(mode, taps=3)


def test_bad_input_is_named() -> None:
    ringing = law(1.2, 0.0)
    with pytest.raises(StabilityError, match="undamped"):
        tails(ringing)
    skin = Discretisation(
        oscillator=Oscillator(alpha_per_s=300.0, omega_rad_s=30.0),
        scheme="semi_implicit",
        step_s=1 / 30,
    )
    with pytest.raises(StabilityError, match="largest stable step"):
        minimal_taps(skin, tolerance=0.01)
    with pytest.raises(ParameterError, match="tolerance"):
        minimal_taps(law(1.2, 1.0), tolerance=0.0)
    with pytest.raises(ParameterError, match="taps is -1"):
        relative_tail(law(1.2, 1.0), taps=-1)
    with pytest.raises(ParameterError, match="large"):
        real_tail(1.0, 0.5, taps=3)
    with pytest.raises(ParameterError, match="radius"):
        envelope_tail(math.nan, taps=3)
    with pytest.raises(ParameterError, match="angle_rad"):
        squared_tail(0.5, angle_rad=0.0, taps=3)
    with pytest.raises(ParameterError, match="layers"):
        receptive_field(layers=0, kernel_size=3)
    with pytest.raises(ParameterError, match="kernel_size"):
        layers_needed(3, kernel_size=1)
    with pytest.raises(ParameterError, match="alpha_per_s is 0"):
        RationalMode(alpha_per_s=Fraction(0), omega_rad_s=Fraction(9), sample_hz=Fraction(30))
    unstable = RationalMode(
        alpha_per_s=Fraction(300),
        omega_rad_s=Fraction(30),
        sample_hz=Fraction(30),
        scheme="semi_implicit",
    )
    with pytest.raises(ParameterError, match="not certainly inside"):
        certified_tail(unstable, taps=3)
    with pytest.raises(ParameterError, match="tolerance is 2"):
        certified_minimal_taps(unstable, tolerance=Fraction(2))
