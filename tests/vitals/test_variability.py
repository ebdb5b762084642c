"""Figures of variability: against a reference library, against the truth, and refused in time."""

import math

import neurokit2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.synthetic.config import PulseRanges
from pulsephase.synthetic.pulse import Pulse, sample_pulse
from pulsephase.vitals.beats import Beats
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.result import HeartRate
from pulsephase.vitals.variability import Variability, of_beats, variability

Array = NDArray[np.float64]
RATES_HZ = [15.0, 24.0, 29.97, 60.0, 120.0]
LIVELY = PulseRanges(
    heart_rate_bpm=(55.0, 90.0),
    respiratory_depth=(0.03, 0.06),
    mayer_depth=(0.02, 0.04),
    jitter=0.01,
    drift=0.0,
    reflection=(0.1, 0.3),
)


def drawn(seed: int, sample_hz: float, seconds: float = 180.0) -> Pulse:
    """A contact-like pulse of the generator: its oscillator, its beats."""
    times = torch.arange(round(seconds * sample_hz), dtype=torch.float64) / sample_hz
    return sample_pulse(seed, LIVELY, times)


def beats_of(times_s: Array) -> Beats:
    return Beats(times_s=times_s, stretch=np.zeros(len(times_s), dtype=np.intp))


def true_beats(pulse: Pulse, seconds: float = 180.0) -> Array:
    times = pulse.beat_times_s.numpy()
    return times[(times > 0) & (times < seconds)]


def found_in(wave: Array, sample_hz: float) -> Variability:
    rate = heart_rate(wave, sample_hz=sample_hz, min_quality=0.0)
    return variability(wave, sample_hz=sample_hz, rate=rate)


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_of_given_beats_are_those_of_a_reference_library(seed: int) -> None:
    fine = 10_000  # the library counts beats in samples
    peaks = np.round(true_beats(drawn(seed, 30.0)) * fine).astype(int)
    ours = of_beats(beats_of(peaks / fine))
    time = neurokit2.hrv_time(peaks, sampling_rate=fine).iloc[0]
    shape = neurokit2.hrv_nonlinear(peaks, sampling_rate=fine).iloc[0]
    assert ours.mean_ms == pytest.approx(time["HRV_MeanNN"], rel=1e-6)
    assert ours.sdnn_ms == pytest.approx(time["HRV_SDNN"], rel=1e-6)
    assert ours.rmssd_ms == pytest.approx(time["HRV_RMSSD"], rel=1e-6)
    count = ours.beats - 1  # the library's share is of intervals, ours of their differences
    assert ours.pnn50 == pytest.approx(time["HRV_pNN50"] / 100 * count / (count - 1), rel=1e-6)
    assert ours.sd1_ms == pytest.approx(shape["HRV_SD1"], rel=0.001)
    assert ours.sd2_ms == pytest.approx(shape["HRV_SD2"], rel=0.03)  # its ends are counted apart


@pytest.mark.parametrize("seed", range(4))
def test_spectral_figures_agree_with_a_reference_library(seed: int) -> None:
    """Two estimates of one spectrum: other interpolation, other segments."""
    peaks = np.round(true_beats(drawn(seed, 30.0)) * 10_000).astype(int)
    ours = of_beats(beats_of(peaks / 10_000))
    theirs = neurokit2.hrv_frequency(peaks, sampling_rate=10_000, normalize=False).iloc[0]
    assert ours.lf_ms2 == pytest.approx(theirs["HRV_LF"], rel=0.1)
    assert ours.hf_ms2 == pytest.approx(theirs["HRV_HF"], rel=0.1)
    assert ours.lf_hf == pytest.approx(theirs["HRV_LFHF"], rel=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_from_a_contact_wave_at_250_hz_as_a_reference_library(seed: int) -> None:
    """Each finds its own beats: crests in a band here, systolic peaks there."""
    wave = drawn(seed, 250.0).z.numpy()
    ours = found_in(wave, 250.0)
    peaks = neurokit2.ppg_findpeaks(wave, sampling_rate=250)["PPG_Peaks"]
    theirs = neurokit2.hrv_time(peaks, sampling_rate=250).iloc[0]
    assert ours.mean_ms == pytest.approx(theirs["HRV_MeanNN"], rel=0.005)
    assert ours.sdnn_ms == pytest.approx(theirs["HRV_SDNN"], rel=0.05)
    assert ours.rmssd_ms == pytest.approx(theirs["HRV_RMSSD"], rel=0.06)
    spectral = neurokit2.hrv_frequency(peaks, sampling_rate=250, normalize=False).iloc[0]
    assert ours.lf_ms2 == pytest.approx(spectral["HRV_LF"], rel=0.1)
    assert ours.hf_ms2 == pytest.approx(spectral["HRV_HF"], rel=0.15)


@pytest.mark.parametrize("sample_hz", RATES_HZ)
def test_a_camera_rate_changes_little(sample_hz: float) -> None:
    pulse = drawn(0, sample_hz)
    found, true = found_in(pulse.z.numpy(), sample_hz), of_beats(beats_of(true_beats(pulse)))
    assert found.mean_ms == pytest.approx(true.mean_ms, rel=0.005)
    for name in ("sdnn_ms", "rmssd_ms", "sd1_ms", "sd2_ms"):
        assert getattr(found, name) == pytest.approx(getattr(true, name), rel=0.12), name
    assert found.lf_ms2 == pytest.approx(true.lf_ms2, rel=0.2)


def test_early_beats_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(0.8 + 0.02 * rng.normal(size=150))
    clean = of_beats(beats_of(times))
    early = times.copy()
    early[[30, 70, 110]] -= 0.3
    found = of_beats(beats_of(early))
    assert found.abnormal == pytest.approx(6 / 149)
    assert found.sdnn_ms == pytest.approx(clean.sdnn_ms, rel=0.1)
    assert found.rmssd_ms == pytest.approx(clean.rmssd_ms, rel=0.1)


def test_no_interval_and_no_difference_across_a_gap() -> None:
    times = np.concatenate([np.arange(0, 50, 0.8), np.arange(60.3, 110, 0.8)])
    stretch = (times > 55).astype(np.intp)
    found = of_beats(Beats(times_s=times, stretch=stretch))
    assert found.abnormal == 0
    assert found.mean_ms == pytest.approx(800)
    assert found.rmssd_ms == pytest.approx(0, abs=1e-6)
    assert found.hf_ms2 is None
    assert "without a gap" in found.reasons["hf_ms2"]


def test_pure_tones_of_the_intervals_land_in_their_bands() -> None:
    """A swing of A ms has a power of A^2/2 in its band, and next to nothing in the other."""
    for swing_hz, ours, other in ((0.1, "lf_ms2", "hf_ms2"), (0.25, "hf_ms2", "lf_ms2")):
        times = [0.0]
        while times[-1] < 300:
            times.append(times[-1] + 0.8 + 0.03 * math.sin(2 * math.pi * swing_hz * times[-1]))
        found = of_beats(beats_of(np.array(times)))
        assert getattr(found, ours) == pytest.approx(450, rel=0.12)
        assert getattr(found, other) < 10


def test_what_is_too_short_too_poor_or_too_irregular_is_refused() -> None:
    wave = drawn(1, 30.0).z.numpy()
    short = found_in(wave[: 40 * 30], 30.0)
    assert short.sdnn_ms is None
    assert "s of normal intervals; 60 s are needed" in short.reasons["sdnn_ms"]
    middle = found_in(wave[: 90 * 30], 30.0)
    assert middle.rmssd_ms is not None
    assert middle.hf_ms2 is not None
    assert (middle.lf_ms2, middle.lf_hf) == (None, None)
    assert middle.reasons["lf_hf"] == middle.reasons["lf_ms2"]
    doubt = variability(wave, sample_hz=30.0, rate=HeartRate.none("no rhythm stands out"))
    assert doubt.sdnn_ms is None
    assert doubt.reasons["lf_hf"] == "no heart rate: no rhythm stands out"
    rng = np.random.default_rng(0)
    wild = of_beats(beats_of(np.cumsum(rng.uniform(0.4, 1.4, 200))))
    assert "are not normal" in wild.reasons["rmssd_ms"]
    none = of_beats(beats_of(np.array([1.0])))
    assert none.reasons["mean_ms"] == "there are no two beats in a row"
    for found in (short, middle, doubt, wild, none):
        figures = {k: v for k, v in found.as_json().items() if v is None}
        assert figures.keys() == found.reasons.keys()


def test_wrong_beats_are_named() -> None:
    with pytest.raises(ShapeError, match="do not rise"):
        of_beats(beats_of(np.array([1.0, 1.0, 2.0])))
    with pytest.raises(ParameterError, match="not finite"):
        of_beats(beats_of(np.array([1.0, np.nan])))
