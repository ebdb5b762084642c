"""The loss: blind to scale, sharp on rate, silent where there is no pulse."""

import math

import pytest
import torch

from pulsephase.models.losses import (
    LossWeights,
    negative_pearson,
    pulse_loss,
    reconstruction_miss,
    spectral_miss,
)

RATE = 30.0
TIMES = torch.arange(240) / RATE


def tone(bpm: float, *, phase: float = 0.0) -> torch.Tensor:
    return torch.sin(2 * math.pi * bpm / 60 * TIMES + phase)[None]


def test_pearson_knows_neither_scale_nor_offset() -> None:
    wave = tone(70)
    assert float(negative_pearson(3 * wave + 5, wave)) == pytest.approx(0, abs=1e-5)
    assert float(negative_pearson(-wave, wave)) == pytest.approx(2, abs=1e-5)
    quarter = negative_pearson(tone(60, phase=math.pi / 2), tone(60))
    assert float(quarter) == pytest.approx(1, abs=1e-5)


def test_the_spectral_miss_is_least_at_the_true_rate() -> None:
    misses = {
        bpm: float(spectral_miss(tone(bpm), torch.tensor([80.0]), sample_hz=RATE))
        for bpm in (50, 70, 80, 90, 160)
    }
    assert min(misses, key=misses.get) == 80
    assert misses[80] < 0.5
    assert misses[160] > 3


def test_without_a_pulse_only_energy_counts() -> None:
    wave, weights = 2 * tone(70), LossWeights(silence=0.5)
    none = torch.tensor([False])
    loss = pulse_loss(wave, wave, none, torch.tensor([70.0]), sample_hz=RATE, weights=weights)
    assert float(loss) == pytest.approx(0.5 * float(wave.square().mean()))


def test_a_batch_is_the_mean_of_its_clips() -> None:
    waves, targets = torch.cat([tone(70), tone(90)]), torch.cat([tone(72), tone(90)])
    has, rates = torch.tensor([True, False]), torch.tensor([72.0, 90.0])
    whole = pulse_loss(waves, targets, has, rates, sample_hz=RATE, weights=LossWeights())
    alone = [
        pulse_loss(
            waves[i : i + 1],
            targets[i : i + 1],
            has[i : i + 1],
            rates[i : i + 1],
            sample_hz=RATE,
            weights=LossWeights(),
        )
        for i in range(2)
    ]
    torch.testing.assert_close(whole, torch.stack(alone).mean())


def test_reconstruction_is_what_correlation_is_blind_to() -> None:
    generator = torch.Generator().manual_seed(0)
    wave = torch.randn(3, 240, generator=generator) + tone(70) + 0.4
    target = 3 * tone(70).expand(3, -1) - 2
    spread, offset = wave.std(1, correction=0), wave.mean(1)
    r = 1 - negative_pearson(wave, target)
    wanted = (spread - r) ** 2 + (1 - r**2) + offset**2
    torch.testing.assert_close(reconstruction_miss(wave, target), wanted, rtol=1e-4, atol=0)


def test_the_correlation_can_be_left_out() -> None:
    wave, target = tone(70) + 0.3 * tone(140), 2 * tone(70)
    only = LossWeights(pearson=0.0, rate=0.0, scale=0.0, silence=0.0, reconstruction=1.0)
    given = (wave, target, torch.tensor([True]), torch.tensor([70.0]))
    found = pulse_loss(*given, sample_hz=RATE, weights=only)
    torch.testing.assert_close(found, reconstruction_miss(wave, target)[0])
    more = LossWeights(pearson=2.0, rate=0.0, scale=0.0)
    found = pulse_loss(*given, sample_hz=RATE, weights=more)
    torch.testing.assert_close(found, 2 * negative_pearson(wave, target)[0])


def test_the_regulariser_is_left_out_by_default_and_adds_its_weight() -> None:
    wave, target = tone(70) + 0.3 * tone(140), 2 * tone(70)
    rate = torch.tensor([70.0])

    def loss(weights: LossWeights, *, has_pulse: bool = True) -> torch.Tensor:
        has = torch.tensor([has_pulse])
        return pulse_loss(wave, target, has, rate, sample_hz=RATE, weights=weights)

    plain = loss(LossWeights())
    more = loss(LossWeights(reconstruction=0.1)) - plain
    torch.testing.assert_close(more, 0.1 * reconstruction_miss(wave, target)[0])
    silent = loss(LossWeights(reconstruction=0.1), has_pulse=False)
    torch.testing.assert_close(silent, loss(LossWeights(), has_pulse=False))
