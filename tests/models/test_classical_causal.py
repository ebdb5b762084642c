"""POS and CHROM as streams: causal to the bit, the same in pieces, the published sum at the end."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import butter, filtfilt

from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.models.causality import assert_causal
from pulsephase.models.classical import chrom, pos
from pulsephase.models.classical.causal import CausalCHROM, CausalMethod, CausalPOS, ColourStream

METHODS: dict[str, type[CausalMethod]] = {"pos": CausalPOS, "chrom": CausalCHROM}
DELAYS = [0, 5, 23, None]
TURN = 2 * np.pi


def skin(time: int = 240, *, rate: float = 30.0, seed: int = 0, batch: int = 1) -> torch.Tensor:
    draw = np.random.default_rng(seed)
    t = np.arange(time) / rate
    blood = 0.005 * np.sin(TURN * 1.2 * t)[:, None] * [0.33, 0.77, 0.53]
    light = 1 + 0.03 * np.sin(TURN * 0.3 * t + draw.uniform(0, TURN, (batch, 1)))
    noise = 1e-4 * draw.normal(size=(batch, time, 3))
    return torch.from_numpy(np.array([0.6, 0.4, 0.3]) * light[..., None] * (1 - blood) + noise)


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("name", METHODS)
def test_no_later_frame_changes_a_sample(name: str, delay: int | None) -> None:
    method = METHODS[name](sample_hz=30.0, delay=delay)
    assert_causal(method, skin(batch=2).float())
    assert_causal(method, skin(batch=2))


@pytest.mark.parametrize("published", [pos, chrom])
def test_as_published_neither_is_causal(published: Callable[..., torch.Tensor]) -> None:
    with pytest.raises(AssertionError, match="not causal"):
        assert_causal(lambda colour: published(colour, sample_hz=30.0), skin())


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("name", METHODS)
def test_a_stream_is_its_clip(name: str, delay: int | None) -> None:
    method, colour = METHODS[name](sample_hz=30.0, delay=delay), skin(120)[0]
    stream = ColourStream(method)
    found = torch.tensor([stream.step(frame) for frame in colour], dtype=torch.float64)
    torch.testing.assert_close(found, method(colour), rtol=0, atol=1e-13)


@given(st.sampled_from(sorted(METHODS)), st.sets(st.integers(1, 99)), st.integers(0, 30))
def test_pieces_give_the_whole(name: str, cuts: set[int], delay: int) -> None:
    method, colour = METHODS[name](sample_hz=20.0, delay=delay), skin(100, rate=20.0, batch=2)
    state, parts = method.initial_state(colour), []
    for piece in torch.tensor_split(colour, sorted(cuts), -2):
        wave, state = method.advance(piece, state)
        parts.append(wave)
    torch.testing.assert_close(torch.cat(parts, -1), method(colour), rtol=0, atol=1e-13)


def test_waited_for_pos_is_the_published_sum() -> None:
    method, colour = CausalPOS(sample_hz=30.0), skin(batch=2)
    late = method(colour)[..., method.delay :]
    whole = pos(colour, sample_hz=30.0)[..., : late.shape[-1]]
    torch.testing.assert_close(late, whole, rtol=0, atol=1e-12)


def literal_chrom(colour: np.ndarray, rate: float, delay: int) -> np.ndarray:
    length = round(1.6 * rate) // 2 * 2
    b, a = butter(2, [40 / 60, 4.0], "bandpass", fs=rate)
    hann = 0.5 - 0.5 * np.cos(TURN * np.arange(length) / length)
    out = np.zeros(len(colour))
    for end in range(length - 1, len(colour)):
        window = colour[end - length + 1 : end + 1]
        r, g, bl = (window / (window.mean(0) + 1e-9)).T
        x = filtfilt(b, a, 3 * r - 2 * g, padlen=15)
        y = filtfilt(b, a, 1.5 * r + g - 1.5 * bl, padlen=15)
        wave = (x - x.std() / (y.std() + 1e-9) * y) * hann
        for back in range(delay + 1):
            if end - back + delay < len(colour):
                out[end - back + delay] += wave[length - 1 - back]
    return out


@pytest.mark.parametrize("delay", [0, 12, 47])
def test_chrom_is_the_sum_over_windows_that_have_ended(delay: int) -> None:
    colour = skin()[0]
    found = CausalCHROM(sample_hz=30.0, delay=delay)(colour)
    expected = literal_chrom(colour.numpy(), 30.0, delay)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "delay"), [("pos", 0), ("pos", 15), ("pos", 47), ("chrom", 47)])
def test_the_pulse_comes_as_late_as_is_said(name: str, delay: int) -> None:
    method, colour = METHODS[name](sample_hz=30.0, delay=delay), skin(600)[0]
    wave = method(colour)[120:]
    t = torch.arange(120, 600, dtype=torch.float64) / 30 - method.latency_s
    pulse = torch.sin(TURN * 1.2 * t)
    assert torch.corrcoef(torch.stack([wave, pulse]))[0, 1] > 0.9


def test_bad_input_is_named() -> None:
    with pytest.raises(ParameterError, match="delay is 48 frames"):
        CausalPOS(sample_hz=30.0, delay=48)
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        CausalPOS(sample_hz=0.0)
    with pytest.raises(SamplingError, match="CHROM needs"):
        CausalCHROM(sample_hz=1.0)


def test_a_refused_colour_leaves_the_stream_as_it_was() -> None:
    colour = skin(80)[0]
    one, other = (ColourStream(CausalPOS(sample_hz=30.0, delay=3)) for _ in range(2))
    for frame in colour:
        with pytest.raises(ShapeError, match="nan"):
            one.step(torch.tensor([0.5, float("nan"), 0.5]))
        assert one.step(frame) == other.step(frame)


def agreement(name: str, delay: int) -> float:
    """Return the correlation with the pulse under moving light and noise, the mean of 16 clips."""
    draw = np.random.default_rng(0)
    t = np.arange(900) / 30
    blood = 0.005 * np.sin(TURN * 1.2 * t)[:, None] * [0.33, 0.77, 0.53]
    turns = TURN * draw.uniform(0.3, 2.5, (16, 1)) * t + draw.uniform(0, TURN, (16, 1))
    lit = np.array([0.6, 0.4, 0.3]) * (1 + 0.05 * np.sin(turns))[..., None] * (1 - blood)
    colour = torch.from_numpy(lit + 1e-3 * draw.normal(size=lit.shape))
    method = METHODS[name](sample_hz=30.0, delay=delay)
    wave = method(colour)[:, 150:]
    wave = wave - wave.mean(-1, keepdim=True)
    pulse = torch.from_numpy(np.sin(TURN * 1.2 * (t[150:] - method.latency_s)))
    return float(((wave @ pulse) / (wave.norm(dim=-1) * pulse.norm())).mean())


def test_pos_loses_nothing_without_latency_and_chrom_all() -> None:
    assert agreement("pos", 0) > agreement("pos", 47) - 0.02
    assert agreement("chrom", 24) > agreement("chrom", 47) - 0.02
    assert agreement("chrom", 0) < 0.5 * agreement("chrom", 47)
