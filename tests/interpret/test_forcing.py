"""What the poles follow is found out on estimators whose answer is known, the negative included."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from pulsephase.interpret import forcing
from pulsephase.interpret.context import QUICK, Context
from pulsephase.interpret.forcing import Planted, decide, follow, peak_hz, slopes, two_numbers
from pulsephase.interpret.subject import Foreign
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.whitening import noisy_oscillator, steady_kalman

SAMPLE_HZ = 30.0
TIMES_S = np.arange(forcing.TAPS) / SAMPLE_HZ


def clips(count: int = 20, *, seed: int = 0) -> Planted:
    """Draw heart, frequency and damping independently, as the vessel preset does."""
    rng = np.random.default_rng(seed)
    omega = 2 * math.pi * np.exp(rng.uniform(np.log(0.7), np.log(8.0), count))
    damping = np.exp(rng.uniform(np.log(0.1), np.log(2.0), count))
    return Planted(
        heart_rate_bpm=np.exp(rng.uniform(np.log(42), np.log(170), count)),
        alpha_per_s=2 * damping * omega,
        omega_rad_s=omega,
    )


def found(kernels: Any, planted: Planted, *, noise: float = 0.0) -> dict[str, Any]:
    kernels = np.stack(list(kernels))
    rms = np.sqrt((kernels**2).mean(1, keepdims=True))
    kernels = kernels + noise * rms * np.random.default_rng(5).standard_normal(kernels.shape)
    table = follow(kernels, planted, sample_hz=SAMPLE_HZ)
    json.dumps(table, allow_nan=False)
    return table


@pytest.mark.parametrize("damping", [0.2, 1.5])
def test_two_numbers_are_those_of_the_oscillator_ringing_or_not(damping: float) -> None:
    mode = Oscillator.from_natural_hz(1.5, damping=damping)
    alpha, omega = two_numbers(mode.impulse_response(TIMES_S), sample_hz=SAMPLE_HZ)
    assert alpha == pytest.approx(mode.alpha_per_s, rel=1e-6)
    assert omega == pytest.approx(mode.omega_rad_s, rel=1e-6)


def test_a_kernel_that_grows_has_no_two_numbers() -> None:
    assert math.isnan(two_numbers(1.05 ** np.arange(60.0), sample_hz=SAMPLE_HZ)[0])


def test_the_peak_is_where_the_response_is_largest() -> None:
    mode = Oscillator.from_natural_hz(2.0, damping=0.1)
    expected = 2.0 * math.sqrt(1 - 2 * 0.1**2)
    found_hz = peak_hz(mode.impulse_response(np.arange(300) / SAMPLE_HZ), sample_hz=SAMPLE_HZ)
    assert found_hz == pytest.approx(expected, abs=0.03)


def test_an_oscillator_matched_to_the_planted_one_is_the_vessel() -> None:
    planted = clips()
    rates = zip(planted.alpha_per_s, planted.omega_rad_s, strict=True)
    matched = [Oscillator(alpha_per_s=a, omega_rad_s=w).impulse_response(TIMES_S) for a, w in rates]
    table = found(matched, planted)
    assert table["follows"] == "vessel"
    assert table["slopes"]["natural_hz"]["vessel"]["slope"] == pytest.approx(1, abs=1e-3)
    assert table["slopes"]["alpha_per_s"]["vessel"]["slope"] == pytest.approx(1, abs=1e-3)
    assert max(table["recovery_error"].values()) < 1e-3


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_filter_that_adapts_to_the_heart_rate_is_forcing(noise: float) -> None:
    planted = clips()
    tuned = [
        Oscillator.from_natural_hz(bpm / 60, damping=0.2).impulse_response(TIMES_S)
        for bpm in planted.heart_rate_bpm
    ]
    table = found(tuned, planted, noise=noise)
    assert table["follows"] == "heart"
    assert "forcing, not the vessel" in table["claim"]
    assert table["slopes"]["natural_hz"]["heart"]["slope"] == pytest.approx(1, abs=0.1)
    assert table["slopes"]["peak_hz"]["heart"]["slope"] == pytest.approx(1, abs=0.1)
    assert table["recovery_error"]["natural_hz"] > 0.3


def test_one_filter_for_all_clips_follows_neither() -> None:
    planted = clips()
    mode = Oscillator.from_natural_hz(1.6, damping=0.4)
    same = [mode.impulse_response(TIMES_S)] * len(planted.heart_rate_bpm)
    table = found(same, planted, noise=0.03)
    assert table["follows"] == "neither"
    assert "the network's own" in table["claim"]


def test_the_kalman_filter_of_each_vessel_follows_the_vessel_but_is_not_it() -> None:
    """An estimator's poles are those of its closed loop: they move with the vessel, and miss it."""
    planted = clips()
    kernels = []
    for alpha, omega in zip(planted.alpha_per_s, planted.omega_rad_s, strict=True):
        mode = Oscillator(alpha_per_s=float(alpha), omega_rad_s=float(omega))
        model = noisy_oscillator(mode, sample_hz=SAMPLE_HZ, snr_db=0.0)
        kernels.append(steady_kalman(model).filter_system.kernel(forcing.TAPS))
    table = found(kernels, planted)
    assert table["follows"] == "vessel"
    assert table["recovery_error"]["alpha_per_s"] > 0.5


def test_noise_alone_decides_nothing_and_says_how_many_clips_would() -> None:
    rng = np.random.default_rng(7)
    planted = clips(8)
    wild = [
        Oscillator.from_natural_hz(
            float(np.exp(rng.uniform(np.log(0.7), np.log(8)))), damping=0.3
        ).impulse_response(TIMES_S)
        for _ in planted.heart_rate_bpm
    ]
    table = found(wild, planted)
    assert table["follows"] == "undecided"
    assert "needed" in table["withheld"]


def test_a_kernel_that_is_a_direct_path_alone_has_no_poles_and_is_no_error() -> None:
    direct = np.zeros(forcing.TAPS)
    direct[0] = 1.0
    table = found([direct] * 8, clips(8))
    assert table["clips_with_stable_poles"] == 0
    assert table["explained_by_two_poles"] == [0.0] * 8
    assert "0 of 8 clips" in table["withheld"]


def test_poles_that_do_not_explain_the_kernels_follow_nothing() -> None:
    """A plain low-pass of many taps beside a weak resonance: stable poles, but not the kernel's."""
    planted, rng = clips(), np.random.default_rng(3)
    mode = Oscillator.from_natural_hz(1.6, damping=0.3).impulse_response(TIMES_S)
    kernels = [mode / np.abs(mode).max() + 0.8 * rng.standard_normal(len(mode)) for _ in range(20)]
    table = found(kernels, planted)
    assert table["clips_with_stable_poles"] >= 6 and "slopes" in table
    assert "0.95 is needed" in table["withheld"] and "follows" not in table
    assert table["claim"] == forcing.NOT_KNOWN


def test_a_network_of_short_clips_is_met_on_clips_of_its_own_length() -> None:
    def green(frames: torch.Tensor) -> torch.Tensor:
        assert frames.shape[1] == 96
        return frames[:, :, 1].mean((2, 3))

    subject = Foreign(function=green, name="short", size=8, sample_hz=SAMPLE_HZ, frames=96)
    kernels, _ = forcing.responses(Context(subject=subject, clips=(), budget=QUICK), count=1)
    assert kernels.shape[1] <= 96
    table = forcing.section(Context(subject=replace(subject, frames=24), clips=(), budget=QUICK))
    assert "clips of 24 frames leave no kernel of 31 taps" in table["withheld"]


def test_too_few_readable_clips_withhold_the_claim() -> None:
    planted = clips(7)
    growing = [1.02 ** np.arange(forcing.TAPS)] * 7
    table = found(growing, planted)
    assert "6 are needed" in table["withheld"]
    assert "follows" not in table


@pytest.mark.parametrize("count", [8, 20])
def test_the_interval_holds_the_slope_as_often_as_it_says(count: int) -> None:
    """On scatter that grows with the heart rate; 95 % within four standard errors of 600 runs."""
    rng, held = np.random.default_rng(0), 0
    for seed in range(600):
        planted = clips(count, seed=seed)
        heart, omega = np.log(planted.heart_rate_bpm), np.log(planted.omega_rad_s)
        read = 0.5 * heart + np.exp(heart - heart.mean()) * rng.standard_normal(count)
        low, high = slopes(read, heart, omega)["heart"]["interval_95"]
        held += low <= 0.5 <= high
    assert abs(held / 600 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 600)


@pytest.mark.parametrize(
    ("slope", "interval", "expected"),
    [
        (1.0, [0.8, 1.2], True),
        (0.0, [-0.1, 0.1], False),
        (0.3, [-0.1, 0.6], None),
        (0.1, [0.05, 0.2], False),
        (-0.9, [-1.0, -0.8], None),
    ],
)
def test_a_slope_follows_does_not_or_is_undecided(
    slope: float, interval: list[float], expected: bool | None
) -> None:
    assert decide({"slope": slope, "interval_95": interval}) is expected


def test_from_video_to_verdict_on_a_network_that_tunes_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The whole section, on a foreign network that tunes its resonator to the spectrum."""
    monkeypatch.setattr(forcing, "QUICK_CLIPS", 8)

    def tuned(frames: torch.Tensor) -> torch.Tensor:
        green = frames[:, :, 1].mean((2, 3))
        still = (green - green.mean(1, keepdim=True)).detach()
        spectrum = torch.fft.rfft(still, 4096).abs()
        grid = torch.fft.rfftfreq(4096, 1 / SAMPLE_HZ)
        spectrum[:, (grid < 0.6) | (grid > 3.2)] = 0
        waves = []
        for row, at in zip(green, spectrum.argmax(1), strict=True):
            mode = Oscillator.from_natural_hz(float(grid[at]), damping=0.2)
            kernel = torch.from_numpy(mode.impulse_response(TIMES_S)).to(row)
            padded = torch.nn.functional.pad(row, (len(kernel) - 1, 0))
            wave = torch.nn.functional.conv1d(padded[None, None], kernel.flip(0)[None, None])
            waves.append(wave[0, 0])
        return torch.stack(waves)

    subject = Foreign(function=tuned, name="tuned", size=16, sample_hz=SAMPLE_HZ)
    kernels, planted = forcing.responses(Context(subject=subject, clips=(), budget=QUICK), count=8)
    assert kernels.shape == (8, forcing.TAPS)
    natural = [two_numbers(kernel, sample_hz=SAMPLE_HZ)[1] / (2 * math.pi) for kernel in kernels]
    peaks = [peak_hz(kernel, sample_hz=SAMPLE_HZ) for kernel in kernels]
    np.testing.assert_allclose(natural, np.array(peaks), rtol=0.08)
    table = forcing.section(Context(subject=subject, clips=(), budget=QUICK))
    assert table["clips_with_stable_poles"] == 8
    assert min(planted.heart_rate_bpm) < 70 < max(planted.heart_rate_bpm)
