"""From kernels to poles: exact without noise, near the Cramer-Rao bound with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.identify import bootstrap, cramer_rao, identify, numbers_of
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.pencil import hankel_spectrum, pencil_poles, pole_fit, select_order
from pulsephase.physics.schemes import SCHEMES, Scheme

FPS = 30.0
POINTS = np.arange(64.0)


def stepped_kernel(mode: Oscillator, scheme: Scheme, length: int) -> np.ndarray:
    """Step the state matrices through an impulse."""
    step = Discretisation(oscillator=mode, scheme=scheme, step_s=1 / FPS)
    matrix, now, ahead = step.state_matrices()
    state, kernel = ahead.copy(), [ahead[0]]
    state = matrix @ state + now
    for _ in range(length - 1):
        kernel.append(state[0])
        state = matrix @ state
    return np.array(kernel)


def test_poles_largest_first_and_positive_angle_first() -> None:
    ringing = 0.9 * np.exp(0.4j)
    kernel = (ringing**POINTS).real + 0.5**POINTS
    np.testing.assert_allclose(
        pencil_poles(kernel, order=3), [ringing, ringing.conjugate(), 0.5], atol=1e-9
    )


@given(
    rates=st.lists(st.sampled_from([0.2, -0.4, 0.6, 0.95, -0.8]), min_size=1, unique=True),
    seed=st.integers(0, 2**32 - 1),
)
def test_fit_returns_the_amplitudes(rates: list[float], seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0.5, 2, len(rates))
    kernel = weights @ np.power.outer(np.array(rates), np.arange(40.0))
    fitted, found = pole_fit(kernel, np.array(rates, dtype=complex))
    np.testing.assert_allclose(found, weights, atol=1e-10)
    np.testing.assert_allclose(fitted, kernel, atol=1e-12)
    poles = pencil_poles(kernel, order=len(rates)).real
    np.testing.assert_allclose(np.sort(poles), np.sort(rates), atol=1e-6)


def test_order_of_a_sum_of_modes() -> None:
    modes = [(0.95 * np.exp(0.3j)) ** POINTS, (0.9 * np.exp(1.1j)) ** POINTS]
    kernel = modes[0].real + 0.5 * modes[1].imag
    spectrum = hankel_spectrum(kernel)
    assert len(spectrum) == 32
    assert spectrum[3] > 1e-3 and spectrum[4] < 1e-12 * spectrum[0]
    assert select_order(kernel, most=8) == 4
    noise = 1e-3 * np.random.default_rng(0).standard_normal(64)
    assert select_order(kernel + noise, most=8) == 4
    assert select_order(modes[0].real + noise, most=8) == 2
    assert select_order(np.random.default_rng(1).standard_normal(64), most=8) == 0


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("hz", "damping"), [(1.2, 0.2), (2.0, 0.1), (1.2, 1.8)])
def test_identification_is_exact_in_every_scheme(scheme: Scheme, hz: float, damping: float) -> None:
    mode = Oscillator.from_natural_hz(hz, damping=damping)
    kernel = stepped_kernel(mode, scheme, 48)
    found = identify(kernel, scheme=scheme, sample_hz=FPS)
    assert found.natural_hz == pytest.approx(hz, rel=1e-7)
    assert found.damping == pytest.approx(damping, rel=1e-7)


def test_another_schemes_map_is_biased_by_the_published_amount() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    kernel = stepped_kernel(mode, "semi_implicit", 64)
    found = identify(kernel, scheme="zero_order", sample_hz=FPS)
    assert found.natural_hz == pytest.approx(1.2529, abs=5e-5)
    assert found.damping == pytest.approx(0.3114, abs=5e-5)


def test_the_direct_path_is_skipped() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    kernel = mode.impulse_response(np.arange(40) / FPS)
    kernel[0] = 5.0
    assert identify(kernel, scheme="zero_order", sample_hz=FPS).damping == pytest.approx(0.3)
    without = identify(kernel[1:], scheme="zero_order", sample_hz=FPS, skip=0)
    assert without.damping == pytest.approx(0.3)
    taken_in = pencil_poles(kernel, order=2)
    assert np.abs(taken_in - pencil_poles(kernel[1:], order=2)).max() > 0.1


@pytest.mark.parametrize("damping", [0.1, 0.3, 2.5])
def test_cramer_rao_against_finite_differences(damping: float) -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=damping)
    times = np.arange(1, 64) / FPS
    kernel = mode.impulse_response(times)
    bound = cramer_rao(mode, kernel, sample_hz=FPS, noise_sd=0.01)
    truth = numbers_of(mode)
    poles = np.exp(np.array(mode.poles_per_s) / FPS)
    amplitude = pole_fit(kernel, poles)[1]

    def model(theta: np.ndarray) -> np.ndarray:
        if mode.rings:
            turned = Oscillator.from_natural_hz(theta[0], damping=theta[1])
            weights = np.array([theta[2] - 1j * theta[3], theta[2] + 1j * theta[3]]) / 2
        else:
            turned = Oscillator.from_rates(fast_per_s=theta[0], slow_per_s=theta[1])
            weights = theta[2:]
        powers = np.exp(np.outer(times - times[0], turned.poles_per_s))
        return np.asarray((powers @ weights).real)

    last = [2 * amplitude[0].real, -2 * amplitude[0].imag] if mode.rings else amplitude.real
    theta = np.array([*truth.values(), *last])
    np.testing.assert_allclose(model(theta), kernel, atol=1e-12)
    steps = 1e-6 * np.maximum(np.abs(theta), 1e-3)
    columns = [
        (model(theta + step * unit) - model(theta - step * unit)) / (2 * step)
        for step, unit in zip(steps, np.eye(4), strict=True)
    ]
    jacobian = np.stack(columns, axis=1)
    expected = 0.01 * np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))[:2]
    np.testing.assert_allclose(list(bound.values()), expected, rtol=1e-4)
    assert tuple(bound) == tuple(truth)


def test_the_pencil_is_near_the_bound() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    kernel = mode.impulse_response(np.arange(1, 64) / FPS)
    noise_sd = float(np.sqrt(np.mean(kernel**2) / 100))  # 20 dB
    bound = cramer_rao(mode, kernel, sample_hz=FPS, noise_sd=noise_sd)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        noisy = kernel + noise_sd * rng.standard_normal(63)
        mode_found = identify(noisy, scheme="zero_order", sample_hz=FPS, skip=0)
        found.append([mode_found.natural_hz, mode_found.damping])
    ratio = np.std(found, axis=0) / list(bound.values())
    assert (ratio > 0.85).all() and (ratio < 1.6).all()  # 200 draws: 5 % on a deviation


def test_bootstrap_holds_the_truth_and_depends_on_its_seed_alone() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    kernel = mode.impulse_response(np.arange(64) / FPS)
    rng = np.random.default_rng(0)
    kernels = kernel + 0.05 * kernel.max() * rng.standard_normal((20, 64))
    wide = bootstrap(kernels, scheme="zero_order", sample_hz=FPS, seed=1, draws=200)
    again = bootstrap(kernels, scheme="zero_order", sample_hz=FPS, seed=1, draws=200)
    narrow = bootstrap(kernels, scheme="zero_order", sample_hz=FPS, seed=1, draws=200, level=0.5)
    assert wide == again and wide.names == ("natural_hz", "damping") and wide.failed == 0
    for i, truth in enumerate((1.2, 0.3)):
        assert wide.low[i] < truth < wide.high[i]
        assert wide.low[i] < narrow.low[i] < narrow.high[i] < wide.high[i]
        assert wide.high[i] - wide.low[i] < 0.1


def test_overdamped_is_two_rates() -> None:
    mode = Oscillator.from_rates(fast_per_s=40.0, slow_per_s=5.0)
    found = identify(mode.impulse_response(np.arange(40) / FPS), scheme="zero_order", sample_hz=FPS)
    assert numbers_of(found) == pytest.approx({"fast_per_s": 40.0, "slow_per_s": 5.0}, rel=1e-6)


def test_bad_input_is_refused() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    kernel = mode.impulse_response(np.arange(40) / FPS)
    with pytest.raises(ShapeError, match="kernel has 3 taps"):
        identify(kernel[:4], scheme="zero_order", sample_hz=FPS)
    with pytest.raises(ParameterError, match="kernel is zero"):
        identify(np.zeros(20), scheme="zero_order", sample_hz=FPS)
    with pytest.raises(ParameterError, match="not finite"):
        identify(np.full(20, np.nan), scheme="zero_order", sample_hz=FPS)
    with pytest.raises(ParameterError, match="skip is -1"):
        identify(kernel, scheme="zero_order", sample_hz=FPS, skip=-1)
    with pytest.raises(ParameterError, match="order is 0"):
        pencil_poles(kernel, order=0)
    with pytest.raises(ParameterError, match="most is 0"):
        select_order(kernel, most=0)
    with pytest.raises(ShapeError, match="at least 44"):
        select_order(kernel, most=11)
    with pytest.raises(ShapeError, match="at least 4"):
        hankel_spectrum(kernel[:3])
    with pytest.raises(ShapeError, match="at least 4"):
        cramer_rao(mode, kernel[:3], sample_hz=FPS, noise_sd=0.1)
    with pytest.raises(ParameterError, match="noise_sd is 0"):
        cramer_rao(mode, kernel, sample_hz=FPS, noise_sd=0.0)
    with pytest.raises(ParameterError, match="coincide"):
        critical = Oscillator.from_natural_hz(1.2, damping=1.0)
        taps = critical.impulse_response(np.arange(1, 40) / FPS)
        cramer_rao(critical, taps, sample_hz=FPS, noise_sd=0.1)
    with pytest.raises(ShapeError, match="at least 2 clips"):
        bootstrap(kernel[None], scheme="zero_order", sample_hz=FPS, seed=0)
    two = np.stack([kernel, kernel])
    with pytest.raises(ParameterError, match="draws is 19"):
        bootstrap(two, scheme="zero_order", sample_hz=FPS, seed=0, draws=19)
    for level in (0.0, 1.0):
        with pytest.raises(ParameterError, match="level is"):
            bootstrap(two, scheme="zero_order", sample_hz=FPS, seed=0, level=level)
