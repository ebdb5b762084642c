"""The steady Kalman filter: against quadrature, iteration of the Riccati equation, and windows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad_vec
from scipy.linalg import expm

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.whitening import (
    best_fir_error,
    noisy_oscillator,
    steady_kalman,
    whitening_zeros,
)

FPS = 30.0
MODE = Oscillator.from_natural_hz(1.2, damping=0.1)


def test_process_covariance_against_quadrature() -> None:
    model = noisy_oscillator(MODE, sample_hz=FPS, snr_db=3.0)
    flow = np.array([[0.0, 1.0], [-(MODE.omega_rad_s**2), -MODE.alpha_per_s]])
    np.testing.assert_allclose(model.transition, expm(flow / FPS), rtol=1e-12)

    def added(s: float) -> np.ndarray:
        kick = expm(flow * s)[:, 1]
        return np.outer(kick, kick)

    # stationary variance of a white-driven oscillator is 1 / (2 alpha omega^2)
    scale = 2 * MODE.alpha_per_s * MODE.omega_rad_s**2
    np.testing.assert_allclose(model.process, scale * quad_vec(added, 0, 1 / FPS)[0], rtol=1e-8)
    np.testing.assert_allclose(
        model.stationary, np.diag([1.0, MODE.omega_rad_s**2]), atol=1e-9 * MODE.omega_rad_s**2
    )
    assert model.noise == pytest.approx(10**-0.3)


def test_autocovariance_is_the_closed_form() -> None:
    model = noisy_oscillator(MODE, sample_hz=FPS, snr_db=0.0)
    times = np.arange(50) / FPS
    half, ring = MODE.alpha_per_s / 2, MODE.poles_per_s[0].imag
    expected = np.exp(-half * times) * (np.cos(ring * times) + half / ring * np.sin(ring * times))
    np.testing.assert_allclose(model.autocovariance(50), expected, atol=1e-10)


@settings(max_examples=8)
@given(damping=st.floats(0.02, 2.0), hz=st.floats(0.7, 4.0), snr_db=st.floats(-20, 20))
def test_the_filter_is_the_limit_of_its_recursion(damping: float, hz: float, snr_db: float) -> None:
    mode = Oscillator.from_natural_hz(hz, damping=damping)
    model = noisy_oscillator(mode, sample_hz=FPS, snr_db=snr_db)
    kalman = steady_kalman(model)
    covariance = model.stationary
    for _ in range(3000):
        gain = covariance[:, 0] / (covariance[0, 0] + model.noise)
        kept = covariance - np.outer(gain, covariance[0])
        error, innovation = kept[0, 0], covariance[0, 0] + model.noise
        covariance = model.transition @ kept @ model.transition.T + model.process
    np.testing.assert_allclose(kalman.gain, gain, rtol=1e-5, atol=1e-8)
    assert kalman.error == pytest.approx(error, rel=1e-5)
    assert kalman.innovation == pytest.approx(innovation, rel=1e-5)
    zeros = whitening_zeros(kalman.predictor_system.kernel(80))
    np.testing.assert_allclose(np.poly(zeros), np.poly(model.transition), atol=1e-5)


def test_whitening_kernel_is_one_minus_the_predictor() -> None:
    kalman = steady_kalman(noisy_oscillator(MODE, sample_hz=FPS, snr_db=0.0))
    taps = kalman.whitening_kernel(8)
    assert len(taps) == 8 and taps[0] == 1
    np.testing.assert_array_equal(taps[1:], -kalman.predictor_system.kernel(7))
    seen = kalman.model.autocovariance(800)
    seen[0] += kalman.model.noise
    whitening = kalman.whitening_kernel(400)
    square = np.convolve(whitening, whitening[::-1])  # of lags -399 ... 399
    lags = np.arange(-399, 400)
    whitened = [float(square @ seen[np.abs(lags + k)]) for k in range(5)]
    np.testing.assert_allclose(whitened, [kalman.innovation, 0, 0, 0, 0], atol=1e-9)


def test_zeros_come_largest_first() -> None:
    mode = Oscillator.from_rates(fast_per_s=40.0, slow_per_s=4.0)
    kalman = steady_kalman(noisy_oscillator(mode, sample_hz=FPS, snr_db=10.0))
    zeros = whitening_zeros(kalman.predictor_system.kernel(60))
    np.testing.assert_allclose(zeros, np.exp([-4 / FPS, -40 / FPS]), rtol=1e-6)


def test_errors_of_windows_are_the_published_ones() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.03)
    model = noisy_oscillator(mode, sample_hz=FPS, snr_db=0.0)
    assert best_fir_error(model, length=31) == pytest.approx(0.1415, abs=5e-5)
    assert best_fir_error(model, length=127) == pytest.approx(0.1398, abs=5e-5)
    assert best_fir_error(model, length=31, lookahead=15) == pytest.approx(0.0826, abs=5e-5)
    assert best_fir_error(model, length=1) == pytest.approx(0.5)
    quiet = noisy_oscillator(mode, sample_hz=FPS, snr_db=-10.0)
    assert best_fir_error(quiet, length=127, lookahead=63) == pytest.approx(0.2681, abs=5e-5)


def test_bad_input_is_refused() -> None:
    undamped = Oscillator.from_natural_hz(1.2, damping=0.0)
    with pytest.raises(ParameterError, match="alpha_per_s is 0"):
        noisy_oscillator(undamped, sample_hz=FPS, snr_db=0.0)
    with pytest.raises(ParameterError, match="sample_hz is 0"):
        noisy_oscillator(MODE, sample_hz=0.0, snr_db=0.0)
    with pytest.raises(ParameterError, match="not finite"):
        noisy_oscillator(MODE, sample_hz=FPS, snr_db=float("inf"))
    model = noisy_oscillator(MODE, sample_hz=FPS, snr_db=0.0)
    for lookahead in (-1, 5):
        with pytest.raises(ParameterError, match=f"lookahead is {lookahead}"):
            best_fir_error(model, length=5, lookahead=lookahead)
    assert best_fir_error(model, length=5, lookahead=4) > 0
    with pytest.raises(ParameterError, match="length is 0"):
        best_fir_error(model, length=0)
    with pytest.raises(ParameterError, match="length is 1"):
        steady_kalman(model).whitening_kernel(1)
    with pytest.raises(ShapeError, match="3 taps"):
        whitening_zeros(np.ones(3))
