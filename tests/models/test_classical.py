"""Classical methods against slow transcriptions of their papers, and against a planted pulse."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.signal import butter, filtfilt
from scipy.spatial.transform import Rotation

import pulsephase.commands.measure as measure_command
from pulsephase.errors import SamplingError, ShapeError
from pulsephase.models.classical import LEAST_S, METHODS, chrom, green, ica, mean_colour, pbv, pos
from pulsephase.models.classical.ica import jade

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


def literal_lgi(colour: np.ndarray) -> np.ndarray:
    u, _, _ = np.linalg.svd(colour.T, full_matrices=False)
    left = (np.eye(3) - np.outer(u[:, 0], u[:, 0])) @ colour.T
    return left[1].mean() - left[1]


def literal_omit(colour: np.ndarray) -> np.ndarray:
    q, _ = np.linalg.qr(colour.T)
    left = (np.eye(3) - np.outer(q[:, 0], q[:, 0])) @ colour.T
    return left[1].mean() - left[1]


def literal_pbv(colour: np.ndarray, rate: float) -> np.ndarray:
    length = round(1.6 * rate) // 2 * 2
    signature = np.array([0.33, 0.77, 0.53])
    signature /= np.sqrt((signature**2).sum())
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    out = np.zeros(len(colour))
    for start in [*range(0, len(colour) - length, length // 2), len(colour) - length]:
        window = colour[start : start + length]
        normal = (window / window.mean(0) - 1).T
        weights = signature @ np.linalg.inv(normal @ normal.T)
        weights /= weights @ signature
        out[start : start + length] -= weights @ normal * hann
    return out


def literal_jade(x: np.ndarray) -> np.ndarray:
    """Sources by brute force: no rotation on a fine grid of three angles leaves less over."""
    value, vector = np.linalg.eigh(np.cov(x, bias=True))
    z = vector.T @ x / np.sqrt(value)[:, None]
    moment = np.einsum("it,jt,kt,lt->ijkl", z, z, z, z) / z.shape[1]
    unit = np.eye(3)
    cumulant = moment - (
        np.einsum("ij,kl->ijkl", unit, unit)
        + np.einsum("ik,jl->ijkl", unit, unit)
        + np.einsum("il,jk->ijkl", unit, unit)
    )

    def left_over(angles: np.ndarray) -> float:
        turn = Rotation.from_euler("xyz", angles).as_matrix()
        turned = np.einsum("ijkl,ka,lb->ijab", cumulant, turn, turn)
        return float((turned**2).sum() - (np.diagonal(turned, axis1=2, axis2=3) ** 2).sum())

    grid = np.linspace(0, np.pi / 2, 6, endpoint=False)
    start = min(itertools.product(grid, grid, grid), key=left_over)
    best = minimize(left_over, start, method="BFGS", options={"gtol": 1e-10})
    return Rotation.from_euler("xyz", best.x).as_matrix().T @ z


@pytest.mark.parametrize(("method", "literal"), [("lgi", literal_lgi), ("omit", literal_omit)])
def test_a_projection_is_the_paper(
    method: str, literal: Callable[[np.ndarray], np.ndarray]
) -> None:
    colour = skin(29.97, seed=6)
    found = METHODS[method](colour, sample_hz=29.97)
    expected = torch.from_numpy(literal(colour.numpy()))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rate", RATES)
def test_pbv_is_the_paper(rate: float) -> None:
    colour = skin(rate, seed=7)
    found = pbv(colour, sample_hz=rate)
    expected = torch.from_numpy(literal_pbv(colour.numpy(), rate))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)  # the ridge, 1e-9


def test_pbv_nulls_every_distortion_that_two_channels_can() -> None:
    t = torch.arange(300, dtype=torch.float64) / 30
    pulse = 0.005 * torch.sin(2 * math.pi * 1.2 * t)
    first, second = 0.04 * torch.sin(2 * math.pi * 1.9 * t), 0.03 * torch.cos(2 * math.pi * 1.0 * t)
    directions = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.1, -0.3]], dtype=torch.float64)
    relative = -pulse[:, None] * PBV + first[:, None] * directions[0]
    relative = relative + second[:, None] * directions[1]
    colour = torch.tensor([0.6, 0.4, 0.3], dtype=torch.float64) * (1 + relative)
    assert peak(pbv(colour, sample_hz=30.0), 30.0) == pytest.approx(72, abs=1.0)
    wrong = pbv(colour, sample_hz=30.0, signature=(1.0, 0.1, -0.3))
    assert abs(peak(wrong, 30.0) - 72) > 5


def mixtures(seed: int = 0, time: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    t = np.arange(time) / 30
    sources = np.stack([np.sin(2 * np.pi * 1.2 * t), draw.laplace(size=time), draw.random(time)])
    sources -= sources.mean(1, keepdims=True)
    return sources, draw.normal(size=(3, 3)) @ sources


def aligned(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return sources in the order and with the signs of others."""
    together = np.corrcoef(found, expected)[:3, 3:]
    order = np.abs(together).argmax(0)
    assert sorted(order) == [0, 1, 2]
    return found[order] * np.sign(together[order, range(3)])[:, None]


def test_jade_separates_a_sine_a_laplace_and_a_uniform_source() -> None:
    sources, mixed = mixtures()
    found = aligned(jade(torch.from_numpy(mixed)).numpy(), sources)
    for one, other in zip(found, sources, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.99


def test_jade_is_the_best_joint_diagonaliser() -> None:
    _, mixed = mixtures(seed=1)
    found = jade(torch.from_numpy(mixed)).numpy()
    expected = literal_jade(mixed)
    np.testing.assert_allclose(aligned(found, expected), expected, atol=1e-6)


def test_jade_does_not_ask_how_the_sources_were_mixed() -> None:
    sources, mixed = mixtures(seed=2)
    other = np.random.default_rng(3).normal(size=(3, 3)) @ sources
    first = jade(torch.from_numpy(mixed)).numpy()
    second = jade(torch.from_numpy(other)).numpy()
    np.testing.assert_allclose(aligned(second, first), first, atol=1e-8)


def test_jade_of_two_sources_in_three_channels_leaves_the_third_empty() -> None:
    sources, _ = mixtures(seed=4)
    mixed = np.array([[1.0, 0.2], [0.3, 1.0], [0.5, 0.6]]) @ sources[:2]
    found = jade(torch.from_numpy(mixed)).numpy()
    power = np.sort((found**2).mean(1))
    np.testing.assert_allclose(power, [0, 1, 1], atol=1e-9)
    kept = found[(found**2).mean(1) > 0.5]
    assert np.abs(np.corrcoef(kept, sources[:2])[:2, 2:]).max(0).min() > 0.99


MOTIONS = ("still", "light", "shine", "tint", "unrest")
SURVIVES = {
    "pos": {"still", "light", "shine", "tint", "unrest"},
    "chrom": {"still", "light", "shine", "tint", "unrest"},
    "green": {"still"},
    "ica": {"still", "unrest"},  # a periodic motion is the sharper line
    "lgi": {"still", "light", "unrest"},
    "omit": {"still", "light", "unrest"},
    "pbv": {"still", "light", "shine", "tint", "unrest"},
}
"""What each method promises: light scales the skin, shine adds white, tint moves red, and unrest
is light without a period."""


def moved(motion: str) -> torch.Tensor:
    """Return skin whose pulse of 72 bpm stands beside a motion ten times as strong."""
    generator = torch.Generator().manual_seed(8)
    t = torch.arange(900, dtype=torch.float64) / 30
    sway = torch.sin(2 * math.pi * 1.9 * t + 0.3)
    light, shine, tint = torch.zeros(3, len(t), dtype=torch.float64)
    match motion:
        case "light":
            light = 0.05 * sway
        case "shine":
            shine = 0.01 * sway
        case "tint":
            tint = 0.02 * sway
        case "unrest":
            light = 0.03 * torch.randn(len(t), generator=generator, dtype=torch.float64)
    base = torch.tensor([0.6, 0.4, 0.3], dtype=torch.float64)
    reds = torch.tensor([1.0, 0.1, -0.3], dtype=torch.float64)
    pulse = torch.sin(2 * math.pi * 1.2 * t)
    noise = 1e-4 * torch.randn(len(t), 3, generator=generator, dtype=torch.float64)
    blood = 1 - 0.005 * pulse[:, None] * PBV
    lit = base * (1 + light)[:, None] * blood
    return lit + shine[:, None] + base * reds * tint[:, None] + noise


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("method", METHODS)
def test_survives_the_motion_that_its_paper_assumes_and_no_other(method: str, motion: str) -> None:
    wave = METHODS[method](moved(motion), sample_hz=30.0)
    pulse = torch.sin(2 * math.pi * 1.2 * torch.arange(len(wave), dtype=torch.float64) / 30)
    together = float(torch.corrcoef(torch.stack([wave[60:-60], pulse[60:-60]]))[0, 1])
    if motion in SURVIVES[method]:
        assert peak(wave, 30.0) == pytest.approx(72, abs=1.0)
        assert together > 0.9
    else:
        assert together < 0.9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_batch_is_its_clips(method: str, dtype: torch.dtype) -> None:
    batch = torch.stack([skin(30.0, bpm=bpm, seed=5) for bpm in (55.0, 70.0, 90.0, 110.0)])
    batch = batch.reshape(2, 2, -1, 3).to(dtype)
    together = METHODS[method](batch, sample_hz=30.0)
    assert together.dtype == dtype
    clips = [METHODS[method](clip, sample_hz=30.0) for clip in batch.flatten(0, 1)]
    alone = torch.stack(clips).view_as(together)
    scale = float(alone.abs().max())
    close = 1e-10 if dtype == torch.float64 else 1e-4
    torch.testing.assert_close(together, alone, rtol=0, atol=close * scale)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_clip_gives_the_same_bits(method: str) -> None:
    colour = skin(30.0, seed=9)
    first = METHODS[method](colour, sample_hz=30.0)
    assert torch.equal(first, METHODS[method](colour.clone(), sample_hz=30.0))


@pytest.mark.parametrize("method", METHODS)
def test_the_camera_gain_changes_the_scale_alone(method: str) -> None:
    colour = skin(30.0, seed=10)
    wave = METHODS[method](colour, sample_hz=30.0)
    brighter = METHODS[method](1.5 * colour, sample_hz=30.0)
    wave, brighter = wave / wave.std(), brighter / brighter.std()
    torch.testing.assert_close(wave, brighter, rtol=0, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_colour_that_stands_still_has_no_pulse(method: str) -> None:
    wave = METHODS[method](torch.full((300, 3), 0.4, dtype=torch.float64), sample_hz=30.0)
    assert wave.isfinite().all()
    assert wave.abs().max() < 1e-5


@pytest.mark.parametrize("method", ["pos", "chrom", "lgi", "omit", "pbv"])
def test_a_change_of_light_alone_leaves_no_wave(method: str) -> None:
    t = torch.arange(300, dtype=torch.float64) / 30
    light = 1 + 0.05 * torch.sin(2 * math.pi * 1.5 * t)
    colour = light[:, None] * torch.tensor([0.6, 0.4, 0.3], dtype=torch.float64)
    wave = METHODS[method](colour, sample_hz=30.0)
    assert wave.abs().max() < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_answers_from_the_shortest_stretch_that_is_promised(method: str) -> None:
    shortest = skin(30.0)[: round(LEAST_S[method] * 30)]
    assert METHODS[method](shortest, sample_hz=30.0).isfinite().all()


def test_the_command_line_offers_every_method() -> None:
    assert measure_command.METHODS == ("phasenet", *METHODS)


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
    with pytest.raises(ShapeError, match="at least 150"):
        ica(skin(30.0, seconds=4.0), sample_hz=30.0)
    with pytest.raises(SamplingError, match="more than"):
        chrom(skin(1.0, seconds=60.0), sample_hz=1.0)
