"""GREEN, CHROM, POS against slow transcriptions of their papers, and against a planted pulse."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import butter, filtfilt

from pulsephase.errors import SamplingError, ShapeError
from pulsephase.models.classical import METHODS, chrom, green, mean_colour, pos

PBV = torch.tensor([0.33, 0.77, 0.53], dtype=torch.float64)  # de Haan & van Leest 2014
RATES = [15.0, 24.0, 29.97, 60.0]


def skin(rate: float, *, seconds: float = 10.0, bpm: float = 72.0, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    t = torch.arange(round(rate * seconds), dtype=torch.float64) / rate
    pulse = torch.sin(2 * math.pi * bpm / 60 * t)
    drift = 1 + 0.02 * torch.sin(2 * math.pi * 0.2 * t)
    noise = 1e-4 * torch.randn(len(t), 3, generator=generator, dtype=torch.float64)
    colour = torch.tensor([0.6, 0.4, 0.3], dtype=torch.float64)
    return colour * drift[:, None] * (1 - 0.005 * pulse[:, None] * PBV) + noise


def peak(wave: torch.Tensor, rate: float) -> float:
    wave = (wave - wave.mean()) * torch.hann_window(len(wave), dtype=wave.dtype)
    power = torch.fft.rfft(wave, 16384).abs() ** 2
    frequency = torch.fft.rfftfreq(16384, 1 / rate) * 60
    band = (frequency > 40) & (frequency < 200)
    return float(frequency[band][power[band].argmax()])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("method", METHODS)
def test_finds_the_planted_rate_with_the_right_sign(method: str, rate: float) -> None:
    colour = skin(rate)
    wave = METHODS[method](colour, sample_hz=rate)
    assert peak(wave, rate) == pytest.approx(72, abs=1.5)
    pulse = torch.sin(2 * math.pi * 1.2 * torch.arange(len(wave), dtype=torch.float64) / rate)
    middle = slice(round(2 * rate), -round(2 * rate))
    together = torch.corrcoef(torch.stack([wave[middle], pulse[middle]]))[0, 1]
    assert together > (0.9 if method != "green" else 0.2)  # green keeps the drift


def literal_pos(colour: np.ndarray, rate: float) -> np.ndarray:
    length = round(1.6 * rate)
    out = np.zeros(len(colour))
    for n in range(length, len(colour) + 1):
        window = colour[n - length : n]
        normal = window / (window.mean(0) + 1e-9)
        first = normal[:, 1] - normal[:, 2]
        second = normal[:, 1] + normal[:, 2] - 2 * normal[:, 0]
        h = first + first.std() / (second.std() + 1e-9) * second
        out[n - length : n] += h - h.mean()
    return -out


def literal_chrom(colour: np.ndarray, rate: float) -> np.ndarray:
    length = round(1.6 * rate) // 2 * 2
    b, a = butter(2, [40 / 60, min(4.0, 0.45 * rate)], "bandpass", fs=rate)
    out = np.zeros(len(colour))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    for start in [*range(0, len(colour) - length, length // 2), len(colour) - length]:
        window = colour[start : start + length]
        r, g, bl = (window / (window.mean(0) + 1e-9)).T
        pad = min(15, length - 1)
        x = filtfilt(b, a, 3 * r - 2 * g, padlen=pad)
        y = filtfilt(b, a, 1.5 * r + g - 1.5 * bl, padlen=pad)
        out[start : start + length] += (x - x.std() / (y.std() + 1e-9) * y) * hann
    return out


@pytest.mark.parametrize("rate", RATES)
def test_pos_is_algorithm_1(rate: float) -> None:
    colour = skin(rate, seed=3)
    found = pos(colour, sample_hz=rate)
    expected = torch.from_numpy(literal_pos(colour.numpy(), rate))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rate", RATES)
def test_chrom_is_the_paper(rate: float) -> None:
    colour = skin(rate, seed=4)
    found = chrom(colour, sample_hz=rate)
    expected = torch.from_numpy(literal_chrom(colour.numpy(), rate))
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-11)


def test_a_batch_is_its_clips() -> None:
    batch = torch.stack([skin(30.0, bpm=bpm, seed=5) for bpm in (55.0, 90.0)])
    for method in METHODS.values():
        together = method(batch, sample_hz=30.0)
        alone = torch.stack([method(clip, sample_hz=30.0) for clip in batch])
        torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("method", ["pos", "chrom"])
def test_a_change_of_light_alone_leaves_no_wave(method: str) -> None:
    t = torch.arange(300, dtype=torch.float64) / 30
    light = 1 + 0.05 * torch.sin(2 * math.pi * 1.5 * t)
    colour = light[:, None] * torch.tensor([0.6, 0.4, 0.3], dtype=torch.float64)
    wave = METHODS[method](colour, sample_hz=30.0)
    assert wave.abs().max() < 1e-5


def test_mean_colour_over_weights_and_crop() -> None:
    frames = torch.zeros(2, 3, 10, 10)
    frames[:, :, 3:8, 2:7] = 0.5
    torch.testing.assert_close(mean_colour(frames), torch.full((2, 3), 0.5))
    weights = torch.zeros(2, 10, 10)
    weights[:, 0] = 1.0
    assert (mean_colour(frames, weights=weights) == 0).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        green(skin(30.0), sample_hz=0.0)
    with pytest.raises(ShapeError, match="at least 48"):
        pos(skin(30.0, seconds=1.0), sample_hz=30.0)
