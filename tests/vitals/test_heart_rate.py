"""Planted waves are found, noise is refused; the trials are seeded."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.vitals.heart_rate import HeartRate, heart_rate, mean_spectrum, peak_bpm
from pulsephase.vitals.planted import coloured_noise, planted_waves, swept_tones
from pulsephase.vitals.result import MIN_QUALITY

RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]


def tone(bpm: float, seconds: float, sample_hz: float = 30.0) -> NDArray[np.float64]:
    time = np.arange(round(seconds * sample_hz)) / sample_hz
    return np.cos(2 * np.pi * bpm / 60 * time + 0.7)


@pytest.mark.parametrize("sample_hz", RATES_HZ)
@pytest.mark.parametrize("harmonic", [0.0, 0.3])
def test_at_0_db_in_10_s_windows_nothing_is_halved_or_doubled(
    sample_hz: float, harmonic: float
) -> None:
    rng = np.random.default_rng(2)
    waves, truth = planted_waves(
        rng,
        count=2000,
        length=round(10 * sample_hz),
        sample_hz=sample_hz,
        snr_db=0.0,
        harmonic=harmonic,
    )
    found = peak_bpm(waves, sample_hz=sample_hz)
    error = np.abs(found - truth)
    assert (np.abs(found - truth / 2) < 6).mean() < 0.005
    assert (np.abs(found - 2 * truth) < 6).mean() < 0.005
    assert (error < 3).mean() > 0.99
    # The Cramer-Rao bound of a tone's frequency here is 0.4 bpm, so 1 bpm is under 2.5 deviations.
    assert (error < 1).mean() > 0.9


@pytest.mark.parametrize("noise_power", [1.0, 2.0], ids=["pink", "brown"])
def test_in_noise_that_hides_the_fundamental_few_are_doubled(noise_power: float) -> None:
    """Slow noise leaves the second harmonic clearer than the rate: at 0 dB 1 % may be doubled."""
    waves, truth = planted_waves(
        np.random.default_rng(14),
        count=2000,
        length=300,
        sample_hz=30.0,
        snr_db=0.0,
        harmonic=0.3,
        noise_power=noise_power,
    )
    found = peak_bpm(waves, sample_hz=30.0)
    assert (np.abs(found - truth / 2) < 6).mean() < 0.005
    assert (np.abs(found - 2 * truth) < 6).mean() < 0.01
    assert (np.abs(found - truth) < 3).mean() > 0.98


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_frequency_is_as_exact_as_the_cramer_rao_bound_allows(sample_hz: float) -> None:
    """var f >= 12 / (4 pi^2 snr T^2 n) for a tone of power snr over white noise a sample.

    The taper costs part of the window: 1.4 times the bound at most.
    """
    rng = np.random.default_rng(3)
    length = round(10 * sample_hz)
    waves, truth = planted_waves(rng, count=2000, length=length, sample_hz=sample_hz, snr_db=6.0)
    per_sample = 10**0.6 * 3.4 / (sample_hz / 2)  # the noise in 0.6 to 4 Hz, over all of it
    bound = np.sqrt(12 / (4 * np.pi**2 * per_sample * length)) / 10 * 60
    error = np.sqrt(np.mean((peak_bpm(waves, sample_hz=sample_hz) - truth) ** 2))
    assert bound < error < 1.4 * bound


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_a_clean_tone_is_found_between_the_bins(sample_hz: float) -> None:
    rates = np.linspace(40, 200, 161)
    waves = np.stack([tone(rate, 10.0, sample_hz) for rate in rates])
    assert np.abs(peak_bpm(waves, sample_hz=sample_hz) - rates).max() < 0.1


def test_a_second_harmonic_stronger_than_the_fundamental_does_not_double() -> None:
    rng = np.random.default_rng(4)
    harmonic = rng.uniform(0.0, 2.0, 2000)
    waves, truth = planted_waves(
        rng, count=2000, length=300, sample_hz=30.0, snr_db=20.0, harmonic=harmonic
    )
    assert (np.abs(peak_bpm(waves, sample_hz=30.0) - truth) < 1).mean() > 0.995


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0], ids=["white", "pink", "brown"])
@pytest.mark.parametrize("seconds", [5.0, 10.0, 12.0, 30.0, 60.0])
def test_noise_is_refused(power: float, seconds: float) -> None:
    rng = np.random.default_rng(5)
    waves = coloured_noise(rng, count=400, length=round(seconds * 30), sample_hz=30.0, power=power)
    refused = [heart_rate(wave, sample_hz=30.0).bpm is None for wave in waves]
    assert np.mean(refused) >= 0.95


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_noise_is_refused_at_every_rate(sample_hz: float) -> None:
    rng = np.random.default_rng(6)
    waves = coloured_noise(
        rng, count=400, length=round(10 * sample_hz), sample_hz=sample_hz, power=0.0
    )
    assert np.mean([heart_rate(w, sample_hz=sample_hz).bpm is None for w in waves]) >= 0.95


@pytest.mark.parametrize("seconds", [5.0, 10.0, 19.0, 60.0])
def test_a_tone_that_sweeps_faster_than_10_bpm_a_second_is_refused(seconds: float) -> None:
    waves = swept_tones(
        np.random.default_rng(7),
        count=400,
        length=round(30 * seconds),
        sample_hz=30.0,
        speed_bpm_s=(10.0, 40.0),
    )
    refused = [heart_rate(wave, sample_hz=30.0).bpm is None for wave in waves]
    assert np.mean(refused) >= 0.95


@pytest.mark.parametrize(
    ("seconds", "noise"), [(5.0, 0.1), (10.0, 0.0), (10.0, 0.1), (20.0, 0.0), (20.0, 0.1)]
)
def test_a_tone_outside_the_band_is_refused(seconds: float, noise: float) -> None:
    """In a recording, too, whose windows are chosen together: a slope is no rhythm."""
    rng = np.random.default_rng(8)
    outside = np.concatenate([rng.uniform(5, 35.5, 200), rng.uniform(241, 500, 200)])
    found = []
    for rate in outside:
        wave = tone(rate, seconds)
        found.append(heart_rate(wave + noise * rng.normal(size=len(wave)), sample_hz=30.0))
    assert np.mean([each.bpm is None for each in found]) >= 0.95
    windows = [window.bpm is None for each in found for window in each.windows]
    assert np.mean(windows) >= 0.95


@pytest.mark.parametrize("end_bpm", [15.0, 300.0])
def test_a_tone_that_leaves_the_band_is_not_followed(end_bpm: float) -> None:
    """Right while it is inside, silent once it is not."""
    time = np.arange(40 * 30) / 30
    start = 60.0 if end_bpm < 60 else 200.0
    rate = start + (end_bpm - start) * time / 40
    wave = np.cos(2 * np.pi * np.cumsum(rate) / 60 / 30)
    for window in heart_rate(wave, sample_hz=30.0).windows:
        middle = start + (end_bpm - start) * (window.start_s + window.end_s) / 80
        if not 36 - 2 < middle < 240 + 2:
            assert window.bpm is None
        elif 36 + 12 < middle < 240 - 12:
            assert window.estimate_bpm == pytest.approx(middle, abs=2)


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_a_pulse_at_the_edge_of_the_band_is_one(sample_hz: float) -> None:
    for bpm in (36.6, 38.0, 236.0, 239.0):
        found = heart_rate(tone(bpm, 20, sample_hz), sample_hz=sample_hz)
        assert found.bpm == pytest.approx(bpm, abs=0.3)


@pytest.mark.parametrize(
    ("snr_db", "seconds", "given"),
    [(0.0, 10.0, 0.3), (0.0, 30.0, 0.25), (5.0, 10.0, 0.97), (5.0, 30.0, 0.97)],
)
def test_a_pulse_in_noise_is_seldom_refused_and_then_right(
    snr_db: float, seconds: float, given: float
) -> None:
    """Where one in two would do: noise of video holds more than this, so quality is low here.

    At 0 dB a third is given: the floor of fixed slope takes white noise for less than it is.
    """
    rng = np.random.default_rng(9)
    waves, truth = planted_waves(
        rng, count=400, length=round(30 * seconds), sample_hz=30.0, snr_db=snr_db, harmonic=0.2
    )
    results = [heart_rate(wave, sample_hz=30.0, min_quality=0.5) for wave in waves]
    error = np.array([np.nan if r.bpm is None else r.bpm for r in results]) - truth
    assert np.isfinite(error).mean() > given
    assert np.nanquantile(np.abs(error), 0.97) < 1
    assert np.nanmax(np.abs(error)) < 3


def test_windows_follow_a_rate_that_changes() -> None:
    time = np.arange(60 * 30) / 30
    rate = 60 + 0.5 * time  # 60 to 90 bpm
    result = heart_rate(np.cos(2 * np.pi * np.cumsum(rate) / 30 / 60), sample_hz=30.0)
    assert result.bpm == pytest.approx(75, abs=0.5)
    for window in result.windows:
        assert window.bpm == pytest.approx(60 + 0.25 * (window.start_s + window.end_s), abs=0.5)


@given(
    bpm=st.floats(45, 180),
    sample_hz=st.sampled_from(RATES_HZ),
    seconds=st.floats(6, 25),
    gain=st.sampled_from([1e-200, 1e-6, -1.0, 1e9]),
    offset=st.floats(-100, 100),
    slope=st.floats(-10, 10),
)
@settings(max_examples=60, deadline=None)
def test_gain_offset_and_line_change_nothing(
    bpm: float, sample_hz: float, seconds: float, gain: float, offset: float, slope: float
) -> None:
    wave = tone(bpm, seconds, sample_hz)
    plain = heart_rate(wave, sample_hz=sample_hz)
    moved = wave + offset + slope * np.arange(len(wave)) / sample_hz
    changed = heart_rate(gain * moved, sample_hz=sample_hz)
    assert plain.bpm == pytest.approx(bpm, abs=1.0)
    assert changed.bpm == pytest.approx(plain.bpm, abs=1e-3)


@given(factor=st.floats(0.8, 2.0), bpm=st.floats(60, 110))
@settings(max_examples=30, deadline=None)
def test_retiming_the_same_samples_scales_the_rate(factor: float, bpm: float) -> None:
    found = heart_rate(tone(bpm, 20.0), sample_hz=30.0 * factor)
    assert found.bpm == pytest.approx(bpm * factor, abs=1.0)


def test_one_window_and_the_batch_agree() -> None:
    waves, _ = planted_waves(
        np.random.default_rng(10), count=50, length=300, sample_hz=30.0, snr_db=0.0
    )
    batch = peak_bpm(waves, sample_hz=30.0)
    for wave, bpm in zip(waves, batch, strict=True):
        assert heart_rate(wave, sample_hz=30.0).estimate_bpm == pytest.approx(bpm, abs=1e-9)


def test_short_gaps_are_left_out_and_reported() -> None:
    rng = np.random.default_rng(11)
    waves, truth = planted_waves(rng, count=200, length=600, sample_hz=30.0, snr_db=6.0)
    waves[:, 130:155] = waves[:, 400:418] = np.nan
    for wave, bpm in zip(waves, truth, strict=True):
        result = heart_rate(wave, sample_hz=30.0)
        assert result.estimate_bpm == pytest.approx(bpm, abs=1.0)
        assert result.missing_s == pytest.approx(43 / 30)


def test_windows_without_a_pulse_say_so() -> None:
    wave = tone(80, 40)
    wave[600:900] = np.nan
    result = heart_rate(wave, sample_hz=30.0)
    assert result.bpm == pytest.approx(80, abs=0.2)
    assert result.missing_s == pytest.approx(10)
    lost = [w for w in result.windows if w.bpm is None]
    assert lost and all("of the window has no pulse" in str(w.reason) for w in lost)
    assert all(w.quality == 0 and w.estimate_bpm is None for w in lost)


def test_stretches_shorter_than_a_window_are_used() -> None:
    wave = tone(80, 24)
    wave[200:400] = np.nan
    wave[610:] = np.nan
    result = heart_rate(wave, sample_hz=30.0)
    assert result.bpm == pytest.approx(80, abs=0.5)
    assert [round(w.end_s - w.start_s, 1) for w in result.windows] == [6.7, 7.0]


def test_warm_up_is_skipped() -> None:
    wave = tone(80, 14)
    wave[:90] = 50 * np.random.default_rng(12).normal(size=90)
    result = heart_rate(wave, sample_hz=30.0, valid_from_s=3.0)
    assert result.bpm == pytest.approx(80, abs=0.2)
    assert result.windows[0].start_s == pytest.approx(3.0)


def test_a_slow_source_limits_the_band() -> None:
    """At 8 frames a second, what lies above 3.6 Hz is not to be trusted."""
    assert heart_rate(tone(200, 10, 8.0), sample_hz=8.0).bpm == pytest.approx(200, abs=0.5)
    fast = heart_rate(tone(230, 10), sample_hz=30.0, source_hz=8.0)
    assert fast.bpm is None
    assert heart_rate(tone(230, 10), sample_hz=30.0).bpm == pytest.approx(230, abs=0.5)


@pytest.mark.parametrize(
    ("wave", "reason"),
    [
        (np.zeros(600), "the pulse is flat"),
        (np.full(600, 0.1), "the pulse is flat"),
        (np.linspace(-3, 8, 600), "the pulse is flat"),
        (np.full(600, np.nan), "0.0 s of the wave hold a pulse"),
        (tone(80, 3), "3.0 s of the wave hold a pulse; at least 5 s are needed"),
        (np.where(np.arange(900) % 3 == 0, tone(80, 30), np.nan), "no window holds enough"),
    ],
    ids=["zero", "constant", "line", "nan", "short", "scattered"],
)
def test_where_there_is_nothing_to_measure_the_reason_is_given(
    wave: NDArray[np.float64], reason: str
) -> None:
    result = heart_rate(wave, sample_hz=30.0)
    assert result.bpm is None
    assert result.estimate_bpm is None
    assert result.quality == 0
    assert reason in str(result.reason)


def test_quality_rises_with_the_signal_and_is_the_threshold() -> None:
    rng = np.random.default_rng(13)
    medians = []
    for snr_db in (-10.0, -5.0, 0.0, 5.0, 10.0, 20.0):
        waves, _ = planted_waves(rng, count=100, length=300, sample_hz=30.0, snr_db=snr_db)
        results = [heart_rate(wave, sample_hz=30.0) for wave in waves]
        assert all((r.bpm is not None) == (r.quality >= MIN_QUALITY) for r in results)
        assert all(0 <= r.quality <= 1 for r in results)
        medians.append(np.median([r.quality for r in results]))
    assert np.all(np.diff(medians) > 0)
    assert medians[-1] > 0.9


def test_torch_and_single_precision_are_welcome() -> None:
    wave = tone(80, 12)
    found = heart_rate(torch.from_numpy(wave).float().requires_grad_(), sample_hz=30.0)
    assert found.bpm == pytest.approx(80, abs=0.1)
    batch = peak_bpm(torch.from_numpy(wave)[None].float(), sample_hz=30.0)
    assert batch[0] == pytest.approx(80, abs=0.1)


def test_a_flat_clip_in_a_batch_has_no_rate() -> None:
    found = peak_bpm(np.stack([tone(80, 10), np.full(300, 4.0)]), sample_hz=30.0)
    assert found[0] == pytest.approx(80, abs=0.1)
    assert np.isnan(found[1])


def test_wrong_arguments_are_named() -> None:
    wave = tone(80, 12)
    with pytest.raises(ParameterError, match="infinity"):
        heart_rate(np.append(wave, np.inf), sample_hz=30.0)
    for rate in (0.0, -30.0, float("nan")):
        with pytest.raises(SamplingError, match="sample_hz is"):
            heart_rate(wave, sample_hz=rate)
    with pytest.raises(SamplingError, match="source_hz is 0"):
        heart_rate(wave, sample_hz=30.0, source_hz=0.0)
    with pytest.raises(SamplingError, match="two rising"):
        heart_rate(wave, sample_hz=30.0, band_hz=(4.0, 0.6))
    with pytest.raises(SamplingError, match=r"carries up to 0.9 Hz"):
        heart_rate(wave, sample_hz=2.0)
    with pytest.raises(ParameterError, match="window_s is 2"):
        heart_rate(wave, sample_hz=30.0, window_s=2.0)
    with pytest.raises(ParameterError, match="step_s is 0"):
        heart_rate(wave, sample_hz=30.0, step_s=0.0)
    with pytest.raises(ParameterError, match="valid_from_s is -1"):
        heart_rate(wave, sample_hz=30.0, valid_from_s=-1.0)
    with pytest.raises(ShapeError, match="shape"):
        heart_rate(np.zeros(0), sample_hz=30.0)
    with pytest.raises(ParameterError, match="NaN"):
        peak_bpm(np.full((1, 300), np.nan), sample_hz=30.0)
    with pytest.raises(SamplingError, match=r"2.00 s"):
        peak_bpm(np.zeros((1, 60)), sample_hz=30.0)
    with pytest.raises(ParameterError, match="exactly one"):
        HeartRate(bpm=None, estimate_bpm=None, quality=0.0, reason=None)


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_the_mean_spectrum_peaks_at_the_rate(sample_hz: float) -> None:
    wave = tone(83.0, 25.0, sample_hz)
    wave[round(4 * sample_hz) : round(5 * sample_hz)] = np.nan
    bpm, power = mean_spectrum(wave, sample_hz=sample_hz)
    assert bpm[power.argmax()] == pytest.approx(83, abs=0.5)
    assert power.max() == 1
    assert bpm[0] >= 36
    assert bpm[-1] <= 240


@pytest.mark.parametrize("wave", [np.zeros(600), np.full(600, np.nan), tone(80, 2)])
def test_where_there_is_no_pulse_there_is_no_spectrum(wave: NDArray[np.float64]) -> None:
    bpm, power = mean_spectrum(wave, sample_hz=30.0)
    assert len(bpm) == len(power) == 0
