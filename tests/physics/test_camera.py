"""The camera's closed forms against oversampling, and their limits."""

from itertools import pairwise

import numpy as np
import pytest

from pulsephase.errors import ParameterError
from pulsephase.physics.camera import (
    CameraTiming,
    camera_kernel,
    camera_response,
    repeated_integrals,
)
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel
from pulsephase.physics.oscillator import Oscillator

MODES = [(1.6, 0.3), (1.2, 3.0), (4.0, 0.05), (0.7, 1.0)]


@pytest.mark.parametrize(("hertz", "damping"), MODES)
def test_uneven_frames_are_the_mean_of_64_by_64_snapshots(hertz: float, damping: float) -> None:
    mode = Oscillator.from_natural_hz(hertz, damping=damping)
    camera = CameraTiming(exposure_s=0.02, readout_s=0.013)
    times = np.sort(np.random.default_rng(1).uniform(0, 2, 40))
    part = (np.arange(64) + 0.5) / 64
    lags = times[:, None, None] - 0.02 * part[:, None] - 0.013 * part
    mean = mode.impulse_response(lags.ravel()).reshape(lags.shape).mean(axis=(1, 2))
    found = camera_response(mode, camera, times)
    assert np.abs(found - mean).max() < 1e-5 * np.abs(mean).max()  # midpoints: second order


@pytest.mark.parametrize(("hertz", "damping"), MODES)
def test_a_snapshot_is_the_zero_order_hold(hertz: float, damping: float) -> None:
    mode = Oscillator.from_natural_hz(hertz, damping=damping)
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / 30)
    found = camera_kernel(mode, CameraTiming(), sample_hz=30.0, taps=50)
    np.testing.assert_allclose(found, kernel(law, taps=51)[1:], rtol=1e-10, atol=1e-15)


def test_the_integrals_are_integrals() -> None:
    mode = Oscillator.from_natural_hz(1.6, damping=0.3)
    fine = np.linspace(0, 1, 20001)
    rows = repeated_integrals(mode, fine, order=3)
    step = fine[1]
    bend = (mode.alpha_per_s + mode.omega_rad_s) ** 2  # bounds a second derivative over its value
    for below, above in pairwise(rows):
        trapezoid = np.concatenate([[0], np.cumsum((below[1:] + below[:-1]) / 2) * step])
        assert np.abs(trapezoid - above).max() < step**2 / 12 * bend * np.abs(below).max()


def test_before_time_zero_nothing_is_seen() -> None:
    mode = Oscillator.from_natural_hz(1.6, damping=0.3)
    camera = CameraTiming(exposure_s=0.02, readout_s=0.01)
    assert not camera_response(mode, camera, np.array([-0.5, -1e-9])).any()


def test_the_kernel_has_the_spectrum_of_the_boxes() -> None:
    mode = Oscillator.from_natural_hz(1.6, damping=0.5)
    camera = CameraTiming(exposure_s=1 / 30, readout_s=0.01)
    times = np.arange(24000) / 2400
    for hertz in (1.2, 4.0):
        wave = np.exp(-2j * np.pi * hertz * times)
        ratio = (camera_response(mode, camera, times) @ wave) / (
            camera_response(mode, CameraTiming(), times) @ wave
        )
        assert abs(ratio - camera.transfer(np.array([hertz]))[0]) < 1e-4


def test_a_negative_exposure_is_refused() -> None:
    with pytest.raises(ParameterError, match="exposure_s"):
        CameraTiming(exposure_s=-0.01)
