"""What a network can learn where the truth is a closed form, and the certificate of its gates."""

import json

import numpy as np
import pytest
import torch

from pulsephase.experiments import signal_level
from pulsephase.experiments.signal_training import (
    fit_moments,
    fit_sequences,
    kernel_of,
    moments_of,
    without_offsets,
)
from pulsephase.models.constructive import bound_for, bound_for_all, linear_twin, reach_of
from pulsephase.models.tcn import GatedTCN, UngatedTCN
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.whitening import noisy_oscillator

STORED = json.loads(signal_level.RESULTS.read_text(encoding="utf-8"))


def gated(seed: int = 0, *, layers: int = 3) -> GatedTCN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = GatedTCN(1, 4, layers=layers, kernel=3).double()
    without_offsets(head)
    return head


def run(head: GatedTCN | UngatedTCN, drive: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        wave: torch.Tensor = head(drive[..., None], head.initial_state(len(drive), drive))[0]
        return wave


def uniform(seed: int, *, count: int = 3, time: int = 80) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (count, time)))


def test_the_moments_are_the_loss_over_all_samples() -> None:
    rng = np.random.default_rng(0)
    drive, target, kernel = rng.standard_normal((3, 90))
    kernel = kernel[:7]
    moments = moments_of(drive, target, taps=7)
    missed = target[6:] - np.convolve(drive, kernel)[6:90]
    quadratic = kernel @ moments.gram @ kernel - 2 * kernel @ moments.cross + moments.power
    assert quadratic == pytest.approx((missed**2).mean(), rel=1e-12)
    assert moments.samples == 84


def test_the_twin_is_the_derivative_of_the_network_at_rest() -> None:
    head = gated()
    impulse = torch.zeros(1, 15, dtype=torch.float64)
    small = impulse.clone()
    small[0, 0] = 1e-6
    found = run(head, small)[0] / 1e-6
    torch.testing.assert_close(found, kernel_of(linear_twin(head), taps=15), atol=1e-6, rtol=1e-5)
    assert reach_of(head) == 14


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("peak", [0.1, 1.0, 3.0])
def test_no_gated_network_leaves_its_certificate(seed: int, peak: float) -> None:
    head, drive = gated(seed), peak * uniform(seed)
    apart = float((run(head, drive) - run(linear_twin(head), drive)).abs().max())
    certified = bound_for(head, drive)
    assert 0 < apart <= certified <= bound_for_all(head, peak=peak)


def test_the_certificate_falls_with_the_square_of_a_small_signal() -> None:
    """Without offsets a and b are of first order, so the first remainder ab/4 is of second."""
    head, drive = gated(), uniform(1)
    small, smaller = bound_for(head, 1e-3 * drive), bound_for(head, 1e-4 * drive)
    assert np.log10(small / smaller) == pytest.approx(2, abs=0.01)


def test_a_linear_network_learns_the_kernel_and_its_poles() -> None:
    mode = Oscillator.from_natural_hz(2.0, damping=0.5)
    system = signal_level.system_of([mode])
    drive = np.random.default_rng(0).standard_normal(2000)
    target = np.convolve(drive, system.kernel(2000))[:2000]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = UngatedTCN(1, 4, layers=5, kernel=2).double()
    without_offsets(head)
    before = kernel_of(head, taps=32).detach().numpy()
    loss = fit_moments(head, moments_of(drive, target, taps=32), iterations=150)
    kernel = kernel_of(head, taps=32).detach().numpy()
    true = system.kernel(32)
    assert np.linalg.norm(before - true) > 0.5 * np.linalg.norm(true)
    assert np.linalg.norm(kernel - true) < 0.01 * np.linalg.norm(true)
    assert loss < 1e-4
    assert signal_level.pole_error(kernel, [mode]) < 0.01


def test_a_gated_network_learns_from_sequences() -> None:
    system = signal_level.system_of([Oscillator.from_rates(fast_per_s=40.0, slow_per_s=15.0)])
    drive = uniform(0, count=4, time=120)
    target = torch.from_numpy(
        np.stack([np.convolve(row, system.kernel(120))[:120] for row in drive.numpy()])
    )
    head = gated()
    start = float((run(head, drive) - target).square().mean() / target.square().mean())
    loss = fit_sequences(head, drive, target, iterations=60)
    assert loss < 1e-3 < 0.1 < start


def test_a_sampled_oscillator_has_its_covariance() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    model = noisy_oscillator(mode, sample_hz=30.0, snr_db=0.0)
    wave = signal_level.sampled(model, 200_000, np.random.default_rng(0))
    lags = [float(wave[lag:] @ wave[: len(wave) - lag]) / len(wave) for lag in range(20)]
    np.testing.assert_allclose(lags, model.autocovariance(20), atol=0.03)


def test_the_stored_linear_networks_have_the_analytic_kernel_to_one_per_cent() -> None:
    assert set(STORED["linear"]) == set(signal_level.SYSTEMS)
    for name, row in STORED["linear"].items():
        assert row["kernel_error"]["most"] < 0.01, name
        assert row["pole_error"]["most"] < 0.01, name
        true = signal_level.system_of(signal_level.SYSTEMS[name]).kernel(signal_level.TAPS)
        learnt = np.array(row["learnt"])
        np.testing.assert_allclose(row["planted"], true[: len(learnt)], atol=1e-6)
        assert np.linalg.norm(learnt - true[: len(learnt)]) < 0.01 * np.linalg.norm(true)


def test_the_stored_gated_networks_stay_within_their_certificates() -> None:
    for row in STORED["gated"].values():
        trained, built = row["trained"], row["constructed"]
        assert trained["from_linear"]["most"] <= trained["from_linear_bound"]["least"]
        assert (
            trained["from_linear_bound"]["most"] <= trained["from_linear_bound_any_input"]["least"]
        )
        assert trained["kernel_error"]["most"] < 0.02
        assert built["error"]["most"] <= built["bound"]["least"]


def test_the_stored_estimators_have_the_kalman_kernel_and_show_the_vessel_only_whitened() -> None:
    for row in STORED["kalman"].values():
        floor = row["sampling_error"]
        assert row["filter_error"]["most"] < max(0.01, 2 * floor["filter"])
        assert row["predictor_error"]["most"] < max(0.01, 2 * floor["predictor"])
        planted, naive, whitened = row["planted"], row["naive"], row["whitened"]
        for name, value in planted.items():
            missed = abs(whitened[name]["mean"] - value)
            assert missed < 0.1 * value
            assert missed < 0.2 * abs(naive[name]["mean"] - value)
            closed = row["closed_loop"][name]
            assert naive[name]["mean"] == pytest.approx(closed, rel=0.02)


@pytest.mark.slow
def test_one_stored_number_again() -> None:
    name, modes = next(iter(signal_level.SYSTEMS.items()))
    system = signal_level.system_of(modes)
    kernel = signal_level.linear_run(system, seed=0, iterations=signal_level.LINEAR_ITERATIONS)
    true = system.kernel(signal_level.TAPS)
    found = float(np.linalg.norm(kernel - true) / np.linalg.norm(true))
    stored = STORED["linear"][name]["kernel_error"]
    assert 0.3 * stored["least"] < found < 3 * stored["most"]
