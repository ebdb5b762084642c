from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.vitals.signals import CausalBandPass, band_pass, detrend, smoothness

RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]


def test_detrending_solves_the_published_normal_equations() -> None:
    """Tarvainen's eq. 20: (I - (I + lambda^2 D'D)^-1) x, with a dense inverse."""
    wave = np.random.default_rng(0).normal(size=(3, 200)).cumsum(1)
    difference = np.diff(np.eye(200), 2, axis=0)
    dense = np.eye(200) - np.linalg.inv(np.eye(200) + 100.0**2 * difference.T @ difference)
    np.testing.assert_allclose(detrend(wave, lam=100.0), wave @ dense.T, rtol=0, atol=1e-9)


def test_a_gap_drops_its_rows_from_the_least_squares() -> None:
    rng = np.random.default_rng(1)
    wave = rng.normal(size=150)
    wave[rng.permutation(150)[:40]] = np.nan
    known = np.flatnonzero(~np.isnan(wave))
    difference = np.diff(np.eye(150), 2, axis=0)
    stacked = np.vstack([np.eye(150)[known], 30.0 * difference])
    target = np.concatenate([wave[known], np.zeros(148)])
    trend = np.linalg.lstsq(stacked, target)[0]
    clean = detrend(wave, lam=30.0)
    np.testing.assert_allclose(clean[known], (wave - trend)[known], atol=1e-9)
    assert np.isnan(clean).sum() == 40


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_a_line_goes_and_the_cutoff_is_halved(sample_hz: float) -> None:
    time = np.arange(round(60 * sample_hz)) / sample_hz
    lam = smoothness(0.3, sample_hz=sample_hz)
    assert np.abs(detrend(3 - 2 * time, lam=lam)).max() < 1e-6
    tone = np.cos(2 * np.pi * 0.3 * time)
    middle = slice(len(time) // 4, 3 * len(time) // 4)
    np.testing.assert_allclose(detrend(tone, lam=lam)[middle], tone[middle] / 2, atol=2e-3)


@given(lam=st.floats(1.0, 1e5), scale=st.floats(1e-6, 1e6), seed=st.integers(0, 99))
def test_detrending_is_linear_and_leaves_no_mean(lam: float, scale: float, seed: int) -> None:
    first, second = np.random.default_rng(seed).normal(size=(2, 60))
    together = detrend(scale * first + second, lam=lam)
    apart = scale * detrend(first, lam=lam) + detrend(second, lam=lam)
    # the normal equations have condition 16 lambda^2; ones are in the null space of D
    exactness = (1e-12 + 16 * lam**2 * 2.2e-16) * max(scale, 1)
    np.testing.assert_allclose(together, apart, atol=10 * exactness)
    assert abs(together.sum()) < 60 * exactness


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_the_band_pass_does_not_shift_and_halves_at_its_edges(sample_hz: float) -> None:
    time = np.arange(round(60 * sample_hz)) / sample_hz
    middle = slice(len(time) // 3, 2 * len(time) // 3)
    for frequency, gain in [(0.6, 0.5), (1.5, 1.0), (4.0, 0.5)]:
        tone = np.cos(2 * np.pi * frequency * time)
        kept = band_pass(tone, sample_hz=sample_hz, band_hz=(0.6, 4.0))
        np.testing.assert_allclose(kept[middle], gain * tone[middle], atol=0.02)


def test_wrong_arguments_are_named() -> None:
    wave = np.zeros(100)
    with pytest.raises(ParameterError, match="lam is -1"):
        detrend(wave, lam=-1.0)
    with pytest.raises(ShapeError, match="fewer than 3"):
        detrend(np.array([1.0, np.nan, np.nan, 2.0]), lam=1.0)
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        smoothness(1.0, sample_hz=0.0)
    with pytest.raises(SamplingError, match="cutoff_hz is 20"):
        smoothness(20.0, sample_hz=30.0)
    with pytest.raises(SamplingError, match="first edge"):
        band_pass(wave, sample_hz=30.0, band_hz=(2.0, 1.0))
    with pytest.raises(ParameterError, match="NaN"):
        band_pass(np.full(100, np.nan), sample_hz=30.0, band_hz=(0.6, 4.0))
    with pytest.raises(ShapeError, match="10 samples"):
        band_pass(np.zeros(10), sample_hz=30.0, band_hz=(0.6, 4.0))


@given(cuts=st.lists(st.integers(0, 200), max_size=6), rate=st.sampled_from(RATES_HZ))
def test_the_causal_filter_is_the_same_in_pieces(cuts: list[int], rate: float) -> None:
    wave = 5.0 + np.random.default_rng(3).normal(size=200)
    whole = CausalBandPass(sample_hz=rate, band_hz=(0.6, 4.0)).push(wave)
    pieces = CausalBandPass(sample_hz=rate, band_hz=(0.6, 4.0))
    edges = [0, *sorted(cuts), 200]
    parts = [pieces.push(wave[a:b]) for a, b in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_the_causal_filter_passes_its_band_and_no_constant(sample_hz: float) -> None:
    time = np.arange(round(60 * sample_hz)) / sample_hz
    late = time > 20
    for tone_hz, gain in ((0.6, 0.5**0.5), (1.5, 1.0), (4.0, 0.5**0.5), (0.06, 0.02)):
        wave = 7.0 + np.sin(2 * np.pi * tone_hz * time)
        found = CausalBandPass(sample_hz=sample_hz, band_hz=(0.6, 4.0)).push(wave)
        assert np.sqrt(2 * np.mean(found[late] ** 2)) == pytest.approx(gain, abs=0.03)
    start = CausalBandPass(sample_hz=sample_hz, band_hz=(0.6, 4.0)).push(np.full(50, 7.0))
    assert np.abs(start).max() < 1e-9


def test_the_causal_filter_sees_no_future_and_survives_a_bad_sample() -> None:
    wave = np.random.default_rng(4).normal(size=100)
    other = np.where(np.arange(100) < 60, wave, -3.0)
    first, second = (CausalBandPass(sample_hz=30.0, band_hz=(0.6, 4.0)) for _ in range(2))
    np.testing.assert_array_equal(first.push(wave)[:60], second.push(other)[:60])
    third = CausalBandPass(sample_hz=30.0, band_hz=(0.6, 4.0))
    third.push(wave[:60])
    with pytest.raises(ParameterError, match="start a new filter"):
        third.push(np.array([np.nan]))
    assert len(third.push(np.empty(0))) == 0
    whole = CausalBandPass(sample_hz=30.0, band_hz=(0.6, 4.0)).push(wave)
    np.testing.assert_array_equal(third.push(wave[60:]), whole[60:])
    with pytest.raises(SamplingError, match="below the second"):
        CausalBandPass(sample_hz=30.0, band_hz=(4.0, 0.6))
