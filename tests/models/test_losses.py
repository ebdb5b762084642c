"""The loss: blind to scale, sharp on rate, silent where there is no pulse."""

import math

import pytest
import torch

from pulsephase.models.losses import (
    LossWeights,
    clip_losses,
    negative_pearson,
    pulse_loss,
    reconstruction_miss,
    spectral_miss,
    tally,
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


def test_a_batch_is_the_sum_of_its_clips_over_those_with_a_pulse() -> None:
    waves, targets = torch.cat([tone(70), tone(90), tone(80)]), torch.cat([tone(72)] * 3)
    has, rates = torch.tensor([True, False, True]), torch.tensor([72.0, 90.0, 72.0])
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
        for i in range(3)
    ]
    torch.testing.assert_close(whole, torch.stack(alone).sum() / 2)


def losses_of(wave: torch.Tensor, target: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    return clip_losses(
        wave,
        target,
        torch.tensor([True]),
        torch.tensor([75.0]),
        sample_hz=RATE,
        weights=LossWeights(reconstruction=0.1),
        counts=counts,
    )


def test_a_mask_of_all_samples_changes_nothing() -> None:
    wave, target = tone(70) + 0.3 * tone(140) + 0.2, tone(75)
    everything = losses_of(wave, target, torch.ones(1, 240, dtype=torch.bool))
    plain = pulse_loss(
        wave,
        target,
        torch.tensor([True]),
        torch.tensor([75.0]),
        sample_hz=RATE,
        weights=LossWeights(reconstruction=0.1),
    )
    torch.testing.assert_close(everything[0], plain)


def test_what_does_not_count_has_no_say_whatever_it_is() -> None:
    wave, target = (tone(70) + 0.1).clone().requires_grad_(), tone(75).clone()
    counts = torch.ones(1, 240, dtype=torch.bool)
    counts[:, 60:100] = False
    target[:, 60:100] = math.nan
    loss = losses_of(wave, target, counts)
    loss.sum().backward()
    assert wave.grad is not None and bool(torch.isfinite(wave.grad).all())
    assert not wave.grad[:, 60:100].any() and bool(wave.grad[:, :60].any())
    other = wave.detach().clone()
    other[:, 60:100] = 9.0
    torch.testing.assert_close(losses_of(other, target, counts), loss.detach())
    cut = (
        torch.cat([wave[:, :60], wave[:, 100:]], 1),
        torch.cat([target[:, :60], target[:, 100:]], 1),
    )
    masked = negative_pearson(wave, target.nan_to_num(), counts=counts)
    torch.testing.assert_close(masked, negative_pearson(*cut))


def test_a_clip_of_which_nothing_counts_is_none() -> None:
    wave = torch.cat([tone(70), tone(80)]).requires_grad_()
    counts = torch.tensor([[True], [False]]).expand(2, 240)
    has = torch.tensor([True, True])
    assert tally(has, counts).tolist() == [1, 1]
    loss = pulse_loss(
        wave,
        torch.cat([tone(72)] * 2),
        has,
        torch.tensor([72.0, 72.0]),
        sample_hz=RATE,
        weights=LossWeights(reconstruction=0.1),
        counts=counts,
    )
    loss.backward()
    alone = pulse_loss(
        tone(70),
        tone(72),
        has[:1],
        torch.tensor([72.0]),
        sample_hz=RATE,
        weights=LossWeights(reconstruction=0.1),
    )
    assert float(loss.detach()) == pytest.approx(float(alone))
    assert wave.grad is not None and bool(wave.grad[0].any()) and not wave.grad[1].any()


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
