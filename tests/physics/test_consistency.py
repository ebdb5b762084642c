"""The consistency scores: what they admit, what they refuse, and their nulls."""

import numpy as np
import pytest

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.consistency import (
    NULLS,
    consistency,
    null_kernels,
    oscillator_consistency,
    overdamped_consistency,
    percentile,
)

FPS = 30.0
LAGS = np.arange(32.0)
RINGING = (0.93 * np.exp(2j * np.pi * 1.5 / FPS)) ** LAGS


def test_modes_explain_themselves() -> None:
    two = RINGING.imag + ((0.9 * np.exp(1j)) ** LAGS).imag
    assert consistency(RINGING.imag, modes=1) == pytest.approx(1)
    assert consistency(two, modes=1) < 0.9
    assert consistency(two, modes=2) == pytest.approx(1)


def test_share_and_correction_by_hand() -> None:
    noisy = RINGING.imag + 0.1 * np.random.default_rng(0).standard_normal(32)
    plain = consistency(noisy[1:], modes=1)
    corrected = oscillator_consistency(noisy, modes=1, sample_hz=FPS)
    assert 0.8 < plain < 0.99
    assert corrected == pytest.approx(1 - (1 - plain) * 30 / 26)
    plain = consistency(noisy[3:], modes=2)
    corrected = oscillator_consistency(noisy, modes=2, sample_hz=FPS, skip=3)
    assert corrected == pytest.approx(1 - (1 - plain) * 28 / 20)


def test_a_growing_kernel_is_not_explained() -> None:
    assert consistency(1.2**LAGS, modes=1) < 0.7
    assert consistency(0.998**LAGS, modes=1) == pytest.approx(1)


def test_a_pair_must_ring_in_the_band() -> None:
    kernel = RINGING.imag
    score = dict(modes=1, sample_hz=FPS)
    assert oscillator_consistency(kernel, **score) == pytest.approx(1)
    assert oscillator_consistency(kernel, band_hz=(1.4, 1.6), **score) == pytest.approx(1)
    assert oscillator_consistency(kernel, band_hz=(1.6, 8.0), **score) == 0
    assert oscillator_consistency(kernel, band_hz=(0.5, 1.4), **score) == 0
    assert oscillator_consistency(kernel, modes=1, sample_hz=4 * FPS) == pytest.approx(1)
    assert oscillator_consistency(kernel, modes=1, sample_hz=6 * FPS) == 0
    fast = ((0.4 * np.exp(0.5j)) ** LAGS).imag
    assert oscillator_consistency(fast, **score) == 0
    slower = ((0.6 * np.exp(0.5j)) ** LAGS).imag
    assert oscillator_consistency(slower, **score) == pytest.approx(1)


def test_smoothers_and_identity_do_not_ring() -> None:
    assert oscillator_consistency(0.8**LAGS + 0.5**LAGS, modes=1, sample_hz=FPS) == 0
    identity = np.eye(1, 32)[0] + 1e-3 * RINGING.imag
    assert oscillator_consistency(identity, modes=1, sample_hz=FPS) == 0
    louder = np.eye(1, 32)[0] + 1e-1 * RINGING.imag
    assert oscillator_consistency(louder, modes=1, sample_hz=FPS) == pytest.approx(1)


def test_creeping_is_its_own_score() -> None:
    assert overdamped_consistency(0.8**LAGS + 0.5**LAGS, modes=1) == pytest.approx(1)
    assert overdamped_consistency(RINGING.imag, modes=1) == 0
    assert overdamped_consistency(0.8**LAGS + (-0.5) ** LAGS, modes=1) == 0


def test_nulls_keep_what_they_say() -> None:
    kernel = RINGING.imag
    made = {
        null: null_kernels(kernel, null=null, count=200, sample_hz=FPS, seed=3) for null in NULLS
    }
    for null in NULLS:
        again = null_kernels(kernel, null=null, count=200, sample_hz=FPS, seed=3)
        assert made[null].shape == (200, 32) and np.array_equal(made[null], again)
    np.testing.assert_allclose(np.sort(made["permuted"]), np.tile(np.sort(kernel), (200, 1)))
    np.testing.assert_array_equal(made["reversed"][0], kernel[::-1])
    spectrum = np.abs(np.fft.rfft(kernel))
    np.testing.assert_allclose(np.abs(np.fft.rfft(made["phase"])), np.tile(spectrum, (200, 1)))
    np.testing.assert_allclose(made["phase"].sum(axis=1), kernel.sum())
    odd = null_kernels(kernel[:31], null="phase", count=3, sample_hz=FPS, seed=0)
    np.testing.assert_allclose(np.abs(np.fft.rfft(odd))[0], np.abs(np.fft.rfft(kernel[:31])))
    white, red = made["white"], made["red"]
    assert white.std() == pytest.approx(1, abs=0.03)
    assert np.mean(white[:, 1:] * white[:, :-1]) == pytest.approx(0, abs=0.05)
    assert red.var() == pytest.approx(1 / (1 - 0.64), rel=0.15)
    assert red[:, 0].var() == pytest.approx(1 / (1 - 0.64), rel=0.25)
    lagged = np.mean(red[:, 1:] * red[:, :-1]) / red.var()
    assert lagged == pytest.approx(0.8, abs=0.05)


def test_gabor_kernels_turn_in_the_band_under_a_centred_hump() -> None:
    made = null_kernels(np.ones(300), null="gabor", count=100, sample_hz=FPS, seed=0)
    assert np.abs(made).max() <= 1
    peak = np.abs(np.fft.rfft(made, axis=1)).argmax(axis=1) * FPS / 300
    assert 0.6 < peak.min() < 1.1 and 2.7 < peak.max() < 3.2
    centre = (made**2 @ np.arange(300)) / (made**2).sum(axis=1) / 300
    assert 0.25 < centre.min() < 0.4 and 0.6 < centre.max() < 0.75
    spread = made**2 @ np.ones(300)  # about width * sqrt(pi) / 2
    widths = spread / 300 * 2 / np.sqrt(np.pi)
    assert 0.06 < widths.min() < 0.11 and 0.2 < widths.max() < 0.3


def test_percentile_counts_ties_half() -> None:
    nulls = np.array([0.0, 0.0, 0.5, 1.0])
    assert percentile(0.0, nulls) == 25
    assert percentile(0.7, nulls) == 75
    assert percentile(-1.0, nulls) == 0
    assert percentile(2.0, nulls) == 100


def test_bad_input_is_refused() -> None:
    kernel = RINGING.imag
    with pytest.raises(ParameterError, match="modes is 0"):
        consistency(kernel, modes=0)
    with pytest.raises(ParameterError, match="modes is 0"):
        overdamped_consistency(kernel, modes=0)
    with pytest.raises(ParameterError, match="skip is -1"):
        overdamped_consistency(kernel, modes=1, skip=-1)
    with pytest.raises(ShapeError, match="5 taps are left"):
        overdamped_consistency(kernel[:6], modes=1)
    assert overdamped_consistency(0.8 ** np.arange(7) + 0.5 ** np.arange(7), modes=1) > 0.9
    for band in ((0.0, 8.0), (2.0, 2.0), (3.0, 1.0)):
        with pytest.raises(ParameterError, match="band_hz"):
            oscillator_consistency(kernel, modes=1, sample_hz=FPS, band_hz=band)
    with pytest.raises(ParameterError, match="sample_hz is 0"):
        oscillator_consistency(kernel, modes=1, sample_hz=0.0)
    with pytest.raises(ParameterError, match="count is 0"):
        null_kernels(kernel, null="white", count=0, sample_hz=FPS, seed=0)
    with pytest.raises(ShapeError, match="nulls is empty"):
        percentile(0.5, np.array([]))
