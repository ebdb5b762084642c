"""Each convention against a slow transcription of its definition; uncertainty against theory."""

import math

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from pulsephase.errors import ParameterError, SamplingError, ShapeError
from pulsephase.vitals.agreement import BOOTSTRAPS
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.metrics import Metrics, metrics
from pulsephase.vitals.planted import planted_waves

Array = NDArray[np.float64]
NAMES = ("mae", "rmse", "mape", "pearson", "snr", "macc")
TOOLBOXES = {  # band, what of the density is summed, which lags
    "toolbox-2025": (0.6, 3.3, lambda density: density, -1),
    "toolbox-2023": (0.75, 2.5, lambda density: density, -1),
    "phasenet-release": (0.75, 2.5, lambda density: density * density, None),
}


def pairs(
    count: int, length: int, sample_hz: float, seed: int = 0, snr_db: float = 0.0
) -> tuple[list[Array], list[Array]]:
    """Predictions and labels that share their pulse, the label being cleaner."""
    predictions, _ = planted_waves(
        np.random.default_rng(seed), count=count, length=length, sample_hz=sample_hz, snr_db=snr_db,
        harmonic=0.3, range_bpm=(50.0, 140.0),
    )  # fmt: skip
    labels, _ = planted_waves(
        np.random.default_rng(seed), count=count, length=length, sample_hz=sample_hz, snr_db=25.0,
        harmonic=0.3, range_bpm=(50.0, 140.0),
    )  # fmt: skip
    return list(predictions), list(labels)


def slow_clean(wave: Array, rate: float, low: float, high: float, difference: bool) -> Array:
    if difference:
        total, summed = 0.0, []
        for value in wave:
            total += value
            summed.append(total)
        wave = np.array(summed)
    n = len(wave)
    second = np.zeros((n - 2, n))
    for row in range(n - 2):
        second[row, row : row + 3] = 1, -2, 1
    flat = wave - np.linalg.solve(np.eye(n) + 100**2 * second.T @ second, wave)
    b, a = scipy.signal.butter(1, [2 * low / rate, 2 * high / rate], "bandpass")
    return np.asarray(scipy.signal.filtfilt(b, a, flat))


def slow_density(wave: Array, rate: float) -> tuple[Array, Array]:
    """|DFT|^2 / (rate n), doubled but for the first bin and the last, by the definition."""
    size = 1
    while size < len(wave):
        size *= 2
    k = np.arange(size // 2 + 1)
    matrix = np.exp(-2j * np.pi * np.outer(k, np.arange(len(wave))) / size)
    density = np.abs(matrix @ wave) ** 2 / (rate * len(wave))
    density[1:-1] *= 2
    return k * rate / size, density


def slow_rate(wave: Array, rate: float, low: float, high: float) -> float:
    frequency, density = slow_density(wave, rate)
    best, found = -1.0, 0.0
    for f, p in zip(frequency, density, strict=True):
        if low <= f <= high and p > best:
            best, found = p, 60 * f
    return found


def slow_snr(wave: Array, bpm: float, rate: float, low: float, high: float, of: object) -> float:
    frequency, density = slow_density(wave, rate)
    summed = of(density)  # type: ignore[operator]
    signal = noise = 0.0
    for f, p in zip(frequency, summed, strict=True):
        near_first = bpm / 60 - 0.1 <= f <= bpm / 60 + 0.1
        near_second = 2 * bpm / 60 - 0.1 <= f <= 2 * bpm / 60 + 0.1
        signal += p * near_first + p * near_second
        noise += p * (low <= f <= high and not near_first and not near_second)
    return 10 * math.log10(signal / noise)


def slow_macc(p: Array, t: Array, last: int | None) -> float:
    lags = range(len(t))[:last]
    return max(abs(np.corrcoef(p, np.roll(t, lag))[0, 1]) for lag in lags)


def slow_metrics(
    predictions: list[Array], labels: list[Array], rates: list[float], name: str,
    window_s: float | None, difference: bool,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    low, high, of, last = TOOLBOXES[name]
    rows = []
    for prediction, label, rate in zip(predictions, labels, rates, strict=True):
        length = len(label) if window_s is None else min(round(window_s * rate), len(label))
        for start in range(0, len(label), length):
            p, t = prediction[start : start + length], label[start : start + length]
            if len(p) < 10:
                continue
            p, t = (slow_clean(wave, rate, low, high, difference) for wave in (p, t))
            truth = slow_rate(t, rate, low, high)
            rows.append(
                (
                    slow_rate(p, rate, low, high), truth,
                    slow_snr(p, truth, rate, low, high, of), slow_macc(p, t, last),
                )
            )  # fmt: skip
    found, truth, snr, macc = (np.array(column) for column in zip(*rows, strict=True))
    n, e = len(found), found - truth
    r = sum((found - found.mean()) * (truth - truth.mean())) / (n * found.std() * truth.std())
    ape = np.abs(e / truth) * 100
    return {
        "mae": (np.abs(e).mean(), np.abs(e).std() / n**0.5),
        "rmse": ((e**2).mean() ** 0.5, ((e**2).std() / n**0.5) ** 0.5),
        "mape": (ape.mean(), ape.std() / n**0.5),
        "pearson": (r, (max(1 - r**2, 0.0) / (n - 2)) ** 0.5),
        "snr": (snr.mean(), snr.std() / n**0.5),
        "macc": (macc.mean(), macc.std() / n**0.5),
    }


@pytest.mark.parametrize("name", TOOLBOXES)
@pytest.mark.parametrize("difference", [False, True])
@pytest.mark.parametrize(
    ("sample_hz", "length"), [(15.0, 313), (24.0, 300), (29.97, 512), (60.0, 600), (120.0, 610)]
)
def test_whole_videos_agree_with_the_slow_definition(
    name: str, difference: bool, sample_hz: float, length: int
) -> None:
    predictions, labels = pairs(7, length, sample_hz, snr_db=-7.0)
    if difference:
        predictions, labels = ([np.diff(w) for w in waves] for waves in (predictions, labels))
    fast = metrics(
        predictions, labels, sample_hz=sample_hz, convention=name, difference=difference
    )  # fmt: skip
    slow = slow_metrics(predictions, labels, [sample_hz] * 7, name, None, difference)
    agree(fast, slow)


def rate_as_printed(wave: Array, rate: float, low: float, high: float) -> float:
    """The tools' own lines: a periodogram of scipy, the mask of the band, the largest bin."""
    size = 2 ** math.ceil(math.log2(len(wave)))
    frequency, density = scipy.signal.periodogram(wave, fs=rate, nfft=size, detrend=False)
    inside = np.argwhere((frequency >= low) & (frequency <= high)).ravel()
    return float(frequency[inside][np.argmax(density[inside])] * 60)


@pytest.mark.parametrize("name", TOOLBOXES)
@pytest.mark.parametrize("sample_hz", [15.0, 24.0, 29.97, 60.0, 120.0])
def test_heart_rates_agree_to_the_last_bit(name: str, sample_hz: float) -> None:
    predictions, labels = pairs(20, round(5.7 * sample_hz), sample_hz, seed=4, snr_db=-8.0)
    found = metrics(predictions, labels, sample_hz=sample_hz, convention=name).scores
    low, high, _, _ = TOOLBOXES[name]
    for waves, rates in ((predictions, found.predicted_bpm), (labels, found.label_bpm)):
        cleaned = [slow_clean(wave, sample_hz, low, high, False) for wave in waves]
        expected = [rate_as_printed(wave, sample_hz, low, high) for wave in cleaned]
        assert rates.tolist() == expected


@pytest.mark.parametrize("name", ["toolbox-2025", "toolbox-2023"])
@pytest.mark.parametrize("length", [600, 607, 640])
def test_windows_agree_with_the_slow_definition(name: str, length: int) -> None:
    """A rest of 7 samples is dropped, one of 40 is a window."""
    predictions, labels = pairs(4, length, 30.0, seed=1, snr_db=-3.0)
    fast = metrics(predictions, labels, sample_hz=30.0, convention=name, window_s=10.0)
    slow = slow_metrics(predictions, labels, [30.0] * 4, name, 10.0, False)
    assert fast.rates == (12 if length == 640 else 8)
    agree(fast, slow)


def agree(fast: Metrics, slow: dict[str, tuple[float, float]]) -> None:
    for metric, (value, error) in slow.items():
        found = getattr(fast, metric)
        assert found.value == pytest.approx(value, rel=1e-9, abs=1e-9), metric
        # an r of nearly 1 leaves few digits of 1 - r^2
        assert found.standard_error == pytest.approx(error, rel=1e-9, abs=1e-9), metric
        assert found.interval is None


def test_rates_may_differ_by_video() -> None:
    one, one_label = pairs(4, 300, 15.0, snr_db=-3.0)
    two, two_label = pairs(4, 500, 25.0, seed=2, snr_db=-3.0)
    rates = [15.0] * 4 + [25.0] * 4
    fast = metrics(one + two, one_label + two_label, sample_hz=rates, convention="toolbox-2025")
    agree(fast, slow_metrics(one + two, one_label + two_label, rates, "toolbox-2025", None, False))


def test_the_conventions_differ_as_they_are_known_to() -> None:
    """Squaring the density roughly doubles an SNR in dB; a narrow band cannot hold 170 bpm."""
    predictions, labels = pairs(20, 900, 30.0, snr_db=10.0)
    found = {
        name: metrics(predictions, labels, sample_hz=30.0, convention=name) for name in TOOLBOXES
    }
    assert found["phasenet-release"].snr.value > 1.6 * found["toolbox-2023"].snr.value
    fast = [np.sin(2 * np.pi * 170 / 60 * np.arange(900) / 30.0) for _ in range(3)]
    assert metrics(fast, fast, sample_hz=30.0, convention="toolbox-2025").scores.label_bpm[0] > 165
    assert metrics(fast, fast, sample_hz=30.0, convention="toolbox-2023").scores.label_bpm[0] <= 150


def test_strict_reads_the_rates_of_heart_rate() -> None:
    predictions, labels = pairs(3, 700, 30.0)
    found = metrics(predictions, labels, sample_hz=30.0)
    for waves, column in ((predictions, "predicted_bpm"), (labels, "label_bpm")):
        windows = [w for wave in waves for w in heart_rate(wave, sample_hz=30.0).windows]
        expected = [window.estimate_bpm for window in windows]
        np.testing.assert_allclose(getattr(found.scores, column), expected, rtol=1e-12)
    error = found.scores.predicted_bpm - found.scores.label_bpm
    assert found.rates == len(error) == 3 * 14
    assert found.mae.value == pytest.approx(np.abs(error).mean())
    assert found.rmse.value == pytest.approx(np.sqrt((error**2).mean()))
    assert found.mape.value == pytest.approx(100 * np.abs(error / found.scores.label_bpm).mean())
    r = np.corrcoef(found.scores.predicted_bpm, found.scores.label_bpm)[0, 1]
    assert found.pearson.value == pytest.approx(r)


def test_strict_snr_and_macc_follow_their_definition() -> None:
    predictions, labels = pairs(2, 300, 30.0, seed=3)
    found = metrics(predictions, labels, sample_hz=30.0)
    from pulsephase.vitals.signals import band_pass, detrend, smoothness

    for index, (p, t) in enumerate(zip(predictions, labels, strict=True)):
        p, t = (detrend(w, lam=smoothness(0.3, sample_hz=30.0)) for w in (p, t))
        snr = slow_snr(p, found.scores.label_bpm[index], 30.0, 0.6, 4.0, lambda density: density)
        assert found.scores.snr_db[index] == pytest.approx(snr, abs=1e-9)
        p, t = (band_pass(w, sample_hz=30.0, band_hz=(0.6, 4.0)) for w in (p, t))
        best = 0.0
        for lag in range(-30, 31):
            both = [(p[i + lag], t[i]) for i in range(300) if 0 <= i + lag < 300]
            best = max(best, abs(np.corrcoef(np.array(both).T)[0, 1]))
        assert found.scores.macc[index] == pytest.approx(best, abs=1e-9)


def test_perfect_predictions_have_no_error_under_any_convention() -> None:
    _, labels = pairs(5, 450, 30.0)
    for name in ("strict", *TOOLBOXES):
        found = metrics([-3 * label for label in labels], labels, sample_hz=30.0, convention=name)
        for metric in (found.mae, found.rmse, found.mape):
            assert metric.value == pytest.approx(0, abs=1e-9)
        assert found.pearson.value == pytest.approx(1)
        assert found.macc.value == pytest.approx(1)
        assert found.bland_altman.lower == pytest.approx(0, abs=1e-9)


def test_the_bootstrap_of_a_mean_has_the_known_deviation() -> None:
    """With one window each, the bootstrap's error of the MAE is sigma / sqrt(n) (population)."""
    predictions, labels = pairs(60, 300, 30.0, snr_db=-4.0)
    found = metrics(predictions, labels, sample_hz=30.0)
    error = np.abs(found.scores.predicted_bpm - found.scores.label_bpm)
    known = error.std() / np.sqrt(60)
    assert found.mae.standard_error == pytest.approx(known, rel=5 / np.sqrt(2 * BOOTSTRAPS))
    assert found.mae.interval is not None
    low, high = found.mae.interval
    assert low < error.mean() < high
    assert (high - low) / (2 * 1.96) == pytest.approx(known, rel=0.15)


def test_the_bootstrap_draws_people_not_videos() -> None:
    """Ten copies of each person's video add no knowledge: the error stays that of six people."""
    predictions, labels = pairs(6, 300, 30.0, snr_db=-4.0)
    once = metrics(predictions, labels, sample_hz=30.0)
    people = [f"p{i}" for i in range(6)] * 10
    often = metrics(predictions * 10, labels * 10, sample_hz=30.0, subjects=people)
    blind = metrics(predictions * 10, labels * 10, sample_hz=30.0)
    assert often.mae.standard_error == pytest.approx(once.mae.standard_error, rel=1e-9)
    assert blind.mae.standard_error < 0.4 * often.mae.standard_error
    assert list(often.by_subject) == sorted(set(people))


def test_groups_and_subjects_are_reported_apart() -> None:
    predictions, labels = pairs(6, 400, 30.0, snr_db=-3.0)
    groups = ["light", "light", "dark", "dark", "dark", "light"]
    for name in ("strict", "toolbox-2025"):
        whole = metrics(predictions, labels, sample_hz=30.0, convention=name, groups=groups)
        assert list(whole.by_group) == ["dark", "light"]
        dark = metrics(predictions[2:5], labels[2:5], sample_hz=30.0, convention=name)
        for metric in NAMES:
            assert getattr(whole.by_group["dark"], metric) == getattr(dark, metric)
        assert whole.by_group["dark"].waves == 3
        first = metrics(predictions[:1], labels[:1], sample_hz=30.0, convention=name)
        assert whole.by_subject["0"] == pytest.approx(first.mae.value)


def test_bland_altman_limits() -> None:
    predictions, labels = pairs(9, 400, 30.0, snr_db=-3.0)
    found = metrics(predictions, labels, sample_hz=30.0, convention="toolbox-2025")
    difference = found.scores.predicted_bpm - found.scores.label_bpm
    assert found.bland_altman.bias == pytest.approx(difference.mean())
    half = 1.96 * np.sqrt(((difference - difference.mean()) ** 2).sum() / 8)
    assert found.bland_altman.upper == pytest.approx(difference.mean() + half)


def test_what_cannot_be_told_apart_is_said() -> None:
    """At 30 Hz a video of 2,048 samples has bins of 0.88 bpm; over 12 videos a flip moves 0.073."""
    predictions, labels = pairs(12, 2000, 30.0)
    said = metrics(predictions, labels, sample_hz=30.0, convention="toolbox-2025").warnings
    assert any("0.07 bpm" in warning for warning in said)
    alone = metrics(predictions[:1], labels[:1], sample_hz=30.0)
    assert any("one subject" in warning for warning in alone.warnings)
    assert alone.mae.standard_error is None
    assert alone.bland_altman.lower is not None  # of its windows
    few = metrics(*pairs(5, 400, 30.0, snr_db=-3.0), sample_hz=30.0)
    assert any("5 subjects" in warning for warning in few.warnings)


@pytest.mark.parametrize("name", ["strict", *TOOLBOXES])
def test_a_device_stands_beside_its_wave_and_contradictions_are_said(name: str) -> None:
    predictions, labels = pairs(5, 700, 30.0, seed=5, snr_db=3.0)
    plain = metrics(predictions, labels, sample_hz=30.0, convention=name)
    true = [
        float(metrics([wave], [wave], sample_hz=30.0, convention=name).scores.label_bpm.mean())
        for wave in labels
    ]
    shown = [*true[:3], true[3] + 2.5, true[4] - 7.5]
    found = metrics(predictions, labels, sample_hz=30.0, convention=name, readings_bpm=shown)
    assert plain.readings is None
    assert found.mae == plain.mae  # the wave is what counts
    assert found.readings is not None
    assert found.readings.label_mae == pytest.approx(2.0)
    assert found.readings.apart == (4,)
    assert found.warnings[:-1] == plain.warnings
    assert "over 3 bpm from its wave in 1 videos (4)" in found.warnings[-1]
    with pytest.raises(ShapeError, match="readings_bpm has 2"):
        metrics(predictions, labels, sample_hz=30.0, readings_bpm=[70.0, 71.0])
    for wrong in (math.nan, 0.0, math.inf):
        with pytest.raises(ParameterError, match=r"readings_bpm\[1\] is"):
            metrics(predictions, labels, sample_hz=30.0, readings_bpm=[70.0, wrong, *shown[2:]])


def test_one_video_has_no_correlation() -> None:
    predictions, labels = pairs(1, 400, 30.0)
    found = metrics(predictions, labels, sample_hz=30.0, convention="toolbox-2025")
    assert found.pearson.value is None
    assert found.pearson.standard_error is None
    assert found.bland_altman.lower is None


def test_wrong_input_is_named() -> None:
    predictions, labels = pairs(2, 400, 30.0)
    flat = [np.full(400, 2.0), predictions[1]]
    half = [np.concatenate([predictions[0][:100], np.zeros(1100)]), predictions[1]]
    toolbox = {"convention": "toolbox-2025"}
    cases = [
        (ShapeError, "predictions has 1 entries for 2 labels", predictions[:1], {}),
        (ShapeError, "subjects has 1", predictions, {"subjects": ["a"]}),
        (ShapeError, r"predictions\[0\] has 399 samples", [predictions[0][1:], labels[1]], {}),
        (ParameterError, r"predictions\[0\] is flat", flat, {}),
        (ParameterError, r"\[1\] holds NaN", [labels[0], np.full(400, np.nan)], {}),
        (ParameterError, r"\[1\] holds infinity", [labels[0], np.full(400, np.inf)], {}),
        (ParameterError, "no convention 'other'", predictions, {"convention": "other"}),
        (ParameterError, "window_s is 0", predictions, {"window_s": 0.0}),
        (ParameterError, "whole", predictions, {"window_s": 9.0, "convention": "phasenet-release"}),
        (SamplingError, "sample_hz is 0", predictions, {"sample_hz": 0.0}),
        (SamplingError, "at least 5 s", predictions, {"sample_hz": 120.0}),
        (SamplingError, "at least 10", predictions, {**toolbox, "window_s": 0.2}),
        (SamplingError, "ends at 3.3", predictions, {**toolbox, "sample_hz": 6.0}),
        (SamplingError, "no bin", predictions, {**toolbox, "sample_hz": 120.0, "window_s": 0.1}),
    ]  # fmt: skip
    for error, message, given, change in cases:
        with pytest.raises(error, match=message):
            metrics(given, labels, **{"sample_hz": 30.0, **change})
    long_labels = [np.concatenate([labels[0]] * 3), labels[1]]
    with pytest.raises(ParameterError, match="flat for 10 s"):
        metrics(half, long_labels, sample_hz=30.0)


def test_the_room_offers_it_by_name() -> None:
    import pulsephase.vitals

    assert pulsephase.vitals.metrics is metrics
