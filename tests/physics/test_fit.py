"""`fit_oscillator`: planted poles in their intervals, beats in closed form, refusals."""

import numpy as np
import pytest
import torch

from pulsephase.errors import ParameterError
from pulsephase.experiments.fit_coverage import planted, trial_row
from pulsephase.physics.beats import beat_shape, find_beats
from pulsephase.physics.fit import fit_oscillator
from pulsephase.physics.holds import impulse_response
from pulsephase.physics.oscillator import Oscillator


def test_eight_of_nine_planted_oscillators_lie_in_their_intervals() -> None:
    """The whole hundred is in experiments/results/fit_coverage.json."""
    held = sum(bool(trial_row(trial, "impulse")["holds"]) for trial in range(9))
    assert held >= 8


def test_a_half_sine_is_the_sum_of_its_impulses() -> None:
    omega, alpha, duration = 2 * np.pi * 1.6, 5.0, 0.25
    times = np.linspace(-0.1, 2, 50)
    part = (np.arange(4000) + 0.5) / 4000
    lags = times[:, None] - duration * part
    mode = Oscillator(alpha_per_s=alpha, omega_rad_s=omega)
    dense = mode.impulse_response(lags.ravel()).reshape(lags.shape) * np.sin(np.pi * part)
    found = beat_shape("half_sine", times, alpha_per_s=alpha, omega_rad_s=omega, extra=(duration,))
    expected = omega**2 * duration * dense.mean(axis=1)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_reflection_is_the_same_later() -> None:
    times = np.linspace(0, 2, 60)
    numbers = {"alpha_per_s": 5.0, "omega_rad_s": 12.0}
    plain = beat_shape("half_sine", times, **numbers, extra=(0.2,))
    later = beat_shape("half_sine", times - 0.3, **numbers, extra=(0.2,))
    both = beat_shape("reflected", times, **numbers, extra=(0.2, 0.4, 0.3))
    np.testing.assert_allclose(both, plain + 0.4 * later, atol=1e-12)


def test_the_closed_form_is_differentiable() -> None:
    """Central differences of the fit agree with the gradient that torch takes."""
    times = torch.linspace(0.1, 2, 20, dtype=torch.float64)
    alpha = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    response = impulse_response(alpha, torch.full_like(times, 12.0), times).sum()
    (slope,) = torch.autograd.grad(response, alpha)
    width = 1e-5
    shapes = [
        beat_shape("impulse", times.numpy(), alpha_per_s=5.0 + sign * width, omega_rad_s=12.0)
        for sign in (1, -1)
    ]
    numeric = (shapes[0] - shapes[1]).sum() / (2 * width) / 144
    assert abs(numeric - float(slope)) < 1e-6 * abs(float(slope))


def test_beats_are_found_once_each() -> None:
    wave, _, _ = planted(0, "half_sine")
    beats = find_beats(wave, sample_hz=30.0)
    assert 33 <= len(beats) <= 36 and (np.diff(beats) > 0.6).all()


@pytest.mark.parametrize(
    ("wave", "said"),
    [
        (np.full(600, 2.0), "constant"),
        (np.sin(np.arange(90) / 3), "lasts 3.0 s"),
        (np.where(np.arange(600) == 300, np.nan, 1.0), "gaps"),
        (np.arange(600.0), "constant|beats found"),
    ],
)
def test_what_is_no_pulse_wave_is_refused_in_one_sentence(wave: np.ndarray, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        fit_oscillator(wave, sample_hz=30.0)


def test_noise_is_refused_with_a_reason() -> None:
    noise = np.random.default_rng(0).standard_normal(900)
    try:
        found = fit_oscillator(noise, sample_hz=30.0, forcings=("impulse",))
    except ParameterError as error:
        assert "beats" in str(error)
    else:
        assert found.refused
