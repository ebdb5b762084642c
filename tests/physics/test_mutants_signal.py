"""What flipped signs and operators showed the other tests of the physics to leave open."""

import itertools
import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import torch
from scipy.special import iv

from pulsephase.errors import ParameterError, StabilityError
from pulsephase.physics import certify, friction, population
from pulsephase.physics.certify import (
    CertifiedScheme,
    RationalMode,
    certified_minimal_taps,
    certified_tail,
)
from pulsephase.physics.consistency import null_kernels, oscillator_consistency
from pulsephase.physics.discretisation import Discretisation, oscillator_from_poles
from pulsephase.physics.forcing import ImpulseTrain, SampledInput
from pulsephase.physics.friction import Friction
from pulsephase.physics.holds import holds
from pulsephase.physics.identify import bootstrap, cramer_rao, identify
from pulsephase.physics.kernels import kernel
from pulsephase.physics.line import Line, propagation_squared
from pulsephase.physics.modal import modal_error_bound
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.pencil import select_order
from pulsephase.physics.population import Population
from pulsephase.physics.schemes import SCHEMES, Scheme
from pulsephase.physics.simulate import METHODS, Method, simulate
from pulsephase.physics.truncation import envelope_tail, relative_tail, tails
from pulsephase.physics.vessel import Dimension
from pulsephase.physics.whitening import whitening_zeros

STEP_S = 1 / 30
ALPHA = torch.tensor([[3.0, 18.0, 40.0], [1.0, 60.0, 0.5]], dtype=torch.float64)
OMEGA = torch.tensor([[9.0, 9.0, 9.0], [7.0, 8.0, 20.0]], dtype=torch.float64)


def plain(mode: RationalMode) -> Discretisation:
    oscillator = Oscillator(
        alpha_per_s=float(mode.alpha_per_s), omega_rad_s=float(mode.omega_rad_s)
    )
    return Discretisation(oscillator=oscillator, scheme=mode.scheme, step_s=STEP_S)


@pytest.mark.parametrize("scheme", ["semi_implicit", "semi_implicit_damping", "zero_order"])
@pytest.mark.parametrize("alpha", [9, 24])
def test_a_certificate_cut_short_is_wide_by_the_envelope_of_the_rest(
    scheme: CertifiedScheme, alpha: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few taps summed the bound on the others counts: it is neither too small nor too big."""
    rate = Fraction(30)
    mode = RationalMode(
        alpha_per_s=Fraction(alpha), omega_rad_s=Fraction(11), sample_hz=rate, scheme=scheme
    )
    law, taps = plain(mode), 9
    summed = math.ceil(math.log(1e-6) / math.log(law.radius))
    monkeypatch.setattr(certify, "_length", lambda mode, taps: summed)
    certain = certified_tail(mode, taps=taps)
    assert certain.lower <= relative_tail(law, taps=taps) <= certain.upper

    sizes = np.abs(kernel(law, taps=summed + 1))
    c1, c2 = (abs(weight) for weight in law.numerator[1:])
    later = np.arange(summed + 1, 9000.0)
    rest = c1 * (later * law.radius ** (later - 1)).sum()
    rest += c2 * ((later - 1) * law.radius ** (later - 2)).sum()
    whole, tail = sizes.sum(), sizes[taps:].sum()
    assert 1e-7 < rest / whole < 2e-3
    slack = 8 * (rest / whole) ** 2
    assert certain.upper == pytest.approx((tail + rest) / whole, abs=slack)
    assert certain.lower == pytest.approx(tail / (whole + rest), abs=slack)


def test_a_barely_unstable_scheme_has_no_certificate() -> None:
    mode = RationalMode(
        alpha_per_s=Fraction(70),
        omega_rad_s=Fraction(9),
        sample_hz=Fraction(30),
        scheme="semi_implicit",
    )
    assert 1 < plain(mode).radius < 2
    with pytest.raises(ParameterError, match="not certainly inside"):
        certified_tail(mode, taps=3)


def test_the_tolerance_of_a_certificate_is_open_at_both_ends() -> None:
    mode = RationalMode(alpha_per_s=Fraction(60), omega_rad_s=Fraction(25), sample_hz=Fraction(30))
    for tolerance in (Fraction(1), Fraction(1, 10**9)):
        with pytest.raises(ParameterError, match="above 1e-9 and below 1"):
            certified_minimal_taps(mode, tolerance=tolerance)


def test_womersley_in_numbers() -> None:
    radius, viscosity = 2e-3, 3.3e-6
    sizes = {"radius_m": radius, "viscosity_m2_s": viscosity}
    number = friction.womersley_number(frequency_hz=1.2, **sizes)
    assert number == pytest.approx(radius * math.sqrt(math.tau * 1.2 / viscosity), rel=1e-14)
    s = np.array([3.0 + 8.0j, 0.5 - 20.0j])
    chi = radius * np.sqrt(s / viscosity)
    found = friction.womersley_impedance(s, **sizes)
    np.testing.assert_allclose(found, s * iv(0, chi) / iv(2, chi), rtol=1e-12)
    weights, rates = friction.womersley_relaxation(4000, **sizes)
    admittance = (weights / (s[:, None] + rates)).sum(1)
    np.testing.assert_allclose(admittance, 1 / found, rtol=1e-9)


def test_womersley_series_to_the_last_digit() -> None:
    x = 0.99 * friction.SERIES_BELOW
    found = friction.womersley_impedance(np.array([x + 0j]), radius_m=1.0, viscosity_m2_s=1.0)
    with mp.workdps(40):
        root = mp.sqrt(mp.mpf(x))
        exact = float(mp.mpf(x) * mp.besseli(0, root) / mp.besseli(2, root))
    assert found[0].real == pytest.approx(exact, rel=1e-15, abs=0.0)


@pytest.mark.parametrize(("a", "w"), [(2000.0, 0.9), (1.0, 30.0), (40.0, 1e-3)])
def test_hold_integrals_far_from_the_middle(a: float, w: float) -> None:
    found = holds(np.array([a]), np.array([w]))
    with mp.workdps(60):
        half, square = mp.mpf(a) / 2, mp.mpf(w) ** 2
        root = mp.sqrt(half**2 - square)
        cosine = mp.exp(-half) * mp.cosh(root)
        sine = mp.exp(-half) * mp.sinh(root) / root
        integral = mp.re((1 - cosine - a * sine / 2) / square)
    assert found.integral[0] == pytest.approx(float(integral), rel=1e-12)


def test_the_form_that_is_not_chosen_divides_by_nothing() -> None:
    found = holds(np.array([1e-170]), np.array([1e-170]))  # a warning is an error
    assert found.integral[0] == found.reversed_integral[0] == 0.5


@pytest.mark.parametrize("method", METHODS)
def test_a_grid_of_oscillators_is_each_of_them(method: Method) -> None:
    values = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    train = ImpulseTrain(
        times_s=torch.tensor([0.0, 0.05, 0.11], dtype=torch.float64),
        weights=torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64),
    )
    inputs = [train, *(SampledInput(values=values, hold=hold) for hold in ("zero", "first"))]
    for forcing in inputs:
        grid = simulate(
            ALPHA, OMEGA, forcing, step_s=STEP_S, samples=7, method=method, position=ALPHA / 40
        )
        for row, column in itertools.product(range(2), range(3)):
            at = (slice(row, row + 1), slice(column, column + 1))
            mine = forcing
            if isinstance(forcing, SampledInput):
                mine = SampledInput(values=forcing.values[at], hold=forcing.hold)
            alone = simulate(
                ALPHA[at],
                OMEGA[at],
                mine,
                step_s=STEP_S,
                samples=7,
                method=method,
                position=ALPHA[at] / 40,
            )
            scale = float(alone.abs().max())
            torch.testing.assert_close(grid[at], alone, rtol=0.0, atol=1e-8 * scale)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("step_s", [1.0, 0.25])
def test_the_first_samples_of_every_length(scheme: Scheme, step_s: float) -> None:
    """A short simulation is the beginning of a long one, also where weights are one or zero."""
    alpha, omega = ALPHA.new_tensor([0.75]), ALPHA.new_tensor([0.5])
    values = torch.arange(1.0, 7.0, dtype=torch.float64)[None]
    law = Discretisation(
        oscillator=Oscillator(alpha_per_s=0.75, omega_rad_s=0.5), scheme=scheme, step_s=step_s
    )
    matrix, now, ahead = law.state_matrices()
    state, expected = np.zeros(2), [0.0]
    for step in range(1, 6):
        state = matrix @ state + now * float(values[0, step - 1]) + ahead * float(values[0, step])
        expected.append(state[0])
    for samples in range(1, 7):
        found = simulate(
            alpha,
            omega,
            SampledInput(values=values[:, :samples]),
            step_s=step_s,
            samples=samples,
            scheme=scheme,
        )
        np.testing.assert_allclose(found[0], expected[:samples], rtol=1e-12, atol=1e-15)
        grid = simulate(
            alpha.expand(2, 3),
            omega.expand(2, 3),
            SampledInput(values=values[:, :samples].expand(2, 3, samples)),
            step_s=step_s,
            samples=samples,
            scheme=scheme,
        )
        torch.testing.assert_close(grid, found.expand(2, 3, samples))


def test_direct_convolution_leaves_nothing_before_the_input() -> None:
    """Which the fast one does: its rounding is everywhere."""
    values = torch.zeros(1, 64, dtype=torch.float64)
    values[0, 40:] = 1e3
    quiet = simulate(
        ALPHA[:1, 0],
        OMEGA[:1, 0],
        SampledInput(values=values),
        step_s=STEP_S,
        samples=64,
        method="convolution",
    )
    assert bool((quiet[0, :40] == 0).all())


def test_a_scheme_that_diverges_by_its_determinant_alone_is_refused() -> None:
    alpha, omega = ALPHA.new_tensor([0.1]), ALPHA.new_tensor([0.5])
    with pytest.raises(StabilityError):
        simulate(
            alpha,
            omega,
            SampledInput(values=torch.ones(1, 4, dtype=torch.float64)),
            step_s=1.0,
            samples=4,
            scheme="forward",
        )


def test_tails_stop_where_nothing_is_left() -> None:
    for hz, damping in itertools.product((1.0, 1.3, 2.0, 3.0), (0.05, 0.11, 0.6)):
        mode = Oscillator.from_natural_hz(hz, damping=damping)
        law = Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)
        left = tails(law)
        weight = sum(map(abs, law.numerator))
        assert weight * envelope_tail(law.radius, taps=len(left) - 1) <= 1e-15 * left[0]


def test_the_envelope_of_a_pair_uses_its_angle() -> None:
    found = envelope_tail(0.9, taps=40, angle_rad=1.2)
    assert found == pytest.approx(0.9**39 / (0.1 * math.sin(1.2)), rel=1e-12)


def test_whitening_zeros_come_with_the_upper_one_first() -> None:
    lags = np.arange(16.0)
    zeros = whitening_zeros(0.8**lags * np.cos(0.7 * lags), order=2)
    assert zeros[0].imag > 0 > zeros[1].imag


def test_the_larger_of_two_real_poles_comes_first_on_either_side() -> None:
    for alpha in (70.0, 50.0):
        law = Discretisation(
            oscillator=Oscillator(alpha_per_s=alpha, omega_rad_s=9.0),
            scheme="semi_implicit",
            step_s=STEP_S,
        )
        large, small = law.poles
        assert large.imag == small.imag == 0 and abs(large) > abs(small)
        assert large + small == pytest.approx(law.trace, rel=1e-12)


def test_small_poles_that_are_no_pair_are_refused() -> None:
    with pytest.raises(ParameterError, match="neither conjugate nor both real"):
        oscillator_from_poles(1e-3 + 1e-8j, 1e-3 + 0j, scheme="zero_order", step_s=STEP_S)


def test_four_taps_are_enough_for_four_unknowns() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)
    found = cramer_rao(mode, kernel(law, taps=4), sample_hz=30.0, noise_sd=1e-3)
    assert min(found.values()) > 0


def test_bootstrap_ends_are_the_quantiles_of_its_draws() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)
    rng = np.random.default_rng(4)
    truth = kernel(law, taps=48)
    kernels = truth + 0.02 * np.abs(truth).max() * rng.standard_normal((6, 48))
    found = bootstrap(kernels, scheme="zero_order", sample_hz=30.0, seed=7, draws=40, level=0.6)
    draws = np.random.default_rng(7).integers(0, 6, (40, 6))
    rates = [
        identify(kernels[draw].mean(axis=0), scheme="zero_order", sample_hz=30.0) for draw in draws
    ]
    natural = np.quantile([each.natural_hz for each in rates], [0.2, 0.8])
    assert (found.low[0], found.high[0]) == pytest.approx(tuple(natural), rel=1e-12)


def test_the_red_null_is_stationary_from_its_first_tap() -> None:
    made = null_kernels(np.ones(8), null="red", count=6000, sample_hz=30.0, seed=0)
    variance = made.var(axis=0) * (1 - 0.8**2)
    np.testing.assert_allclose(variance, 1, atol=0.1)  # 5 standard errors


def test_modal_bound_close_to_the_next_mode() -> None:
    line = Line(speed_m_s=6.0, length_m=0.4, friction=Friction(rate_per_s=3.0))
    s = np.array([2j * math.pi * 16.0])
    size = abs(line.speed_m_s**2 * propagation_squared(line, s)[0])
    after = (line.speed_m_s * line.wavenumber_per_m(3)) ** 2
    assert 0.5 < size / after < 1
    bound = 2 / 0.4 * size / 36.0 * (0.4 / math.pi) ** 3 / (2 * 2**2) / (1 - size / after)
    assert modal_error_bound(line, s, modes=2)[0] == pytest.approx(bound, rel=1e-12)


def test_orders_at_the_ends_of_the_search() -> None:
    lags = np.arange(32.0)
    one, two = 0.9**lags, 0.9**lags + 0.5**lags
    assert [select_order(one, most=3), select_order(two, most=2)] == [1, 2]
    assert select_order(two + (-0.7) ** lags, most=2) <= 2


def test_consistency_does_not_depend_on_the_unit() -> None:
    lags = np.arange(60.0) / 30
    wave = np.exp(-1.5 * lags) * np.sin(8.0 * lags)
    for gain in (1e-7, 1.0, 1e7):
        assert oscillator_consistency(gain * wave, modes=1, sample_hz=30.0) > 0.99


def test_the_slow_rate_is_that_of_the_slow_pole() -> None:
    damping = np.array([0.5, 1.0, 1.2, 3.0])
    found = Population(natural_hz=np.full(4, 1.4), damping=damping).slow_rate_per_s
    poles = [Oscillator.from_natural_hz(1.4, damping=z).poles_per_s for z in damping.tolist()]
    np.testing.assert_allclose(found, [-max(p.real for p in pair) for pair in poles], rtol=1e-12)


def test_units_raise_every_exponent_and_flow_is_in_millilitres_a_minute() -> None:
    assert Dimension.parse("kg m^2") ** 3 == Dimension.parse("kg^3 m^6")
    assert Dimension.parse("N") == Dimension.parse("kg m s^-2")
    factor = Dimension.parse("kg m^2 s^-3").factor(kg=2.0, m=3.0, s=5.0)
    assert factor == pytest.approx(2 * 9 / 125)
    per_minute = [1e6 * 60 * value for value in (population.FLOW.low, population.FLOW.high)]
    assert per_minute == pytest.approx([5.0, 40.0])
