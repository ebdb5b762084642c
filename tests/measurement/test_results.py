"""How results show themselves: a line, a figure, a table, a file; each says the same numbers."""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pulsephase import Clip, WholeFrame, heart_rate, measure, metrics, preset, render
from pulsephase.errors import InputError, MissingExtraError
from pulsephase.evaluation.results import Verdict
from pulsephase.measurement.measure import Measurement, sample_columns, write_samples
from pulsephase.vitals.result import HeartRate

HZ = 30.0


@pytest.fixture(scope="module")
def found() -> Measurement:
    clip = render(2, preset("naive", seconds=14.0))
    return measure(clip, method="pos", faces=WholeFrame())


@pytest.fixture(scope="module")
def refused() -> HeartRate:
    noise = np.random.default_rng(0).standard_normal(420)
    rate = heart_rate(noise, sample_hz=HZ)
    assert rate.bpm is None and rate.estimate_bpm is not None
    return rate


def test_one_line_says_the_rate_or_the_reason(found: Measurement, refused: HeartRate) -> None:
    bpm = found.rate.bpm
    assert bpm is not None
    for text in (repr(found), repr(found.rate), repr(found.rate.windows[0]), repr(refused)):
        assert "\n" not in text and len(text) < 200
    assert f"{bpm:.1f} bpm" in repr(found) and f"{bpm:.1f} bpm" in repr(found.rate)
    assert "pos" in repr(found) and "14.0 s" in repr(found)
    assert refused.reason in repr(refused) and "no heart rate" in repr(refused)
    assert f"best guess {refused.estimate_bpm:.1f} bpm" in repr(refused)
    assert repr(found.rate.windows[0]).startswith("Window(0.0 to 10.0 s: ")
    flat = heart_rate(np.zeros(600), sample_hz=HZ)
    assert repr(flat) == "HeartRate(no heart rate: the pulse is flat, 0 windows)"


def test_a_notebook_shows_the_same_and_no_markup_of_others(found: Measurement) -> None:
    page = found._repr_html_()
    assert f"{found.rate.bpm:.1f} bpm" in page and page.count("<img") == 1
    assert page.startswith("<div>") and page.endswith("</div>")
    named = replace(found, observation=replace(found.observation, source="<b>&.mp4"))
    assert "<b>" not in named._repr_html_() and "&lt;b&gt;&amp;.mp4" in named._repr_html_()
    nothing = heart_rate(np.zeros(600), sample_hz=HZ)
    assert "<img" not in nothing._repr_html_() and "the pulse is flat" in nothing._repr_html_()


def test_the_windows_are_one_row_each(found: Measurement, refused: HeartRate) -> None:
    for rate in (found.rate, refused):
        table = rate.to_dataframe()
        assert list(table) == [
            "start_s",
            "end_s",
            "heart_rate_bpm",
            "estimate_bpm",
            "quality",
            "reason",
        ]
        assert len(table) == len(rate.windows) > 0
        for (_, row), window in zip(table.iterrows(), rate.windows, strict=True):
            assert row.start_s == window.start_s and row.end_s == window.end_s
            assert np.isnan(row.heart_rate_bpm) == (window.bpm is None)
            assert row.estimate_bpm == window.estimate_bpm and row.reason == window.reason


def test_the_samples_are_one_row_each(found: Measurement) -> None:
    table, seen = found.to_dataframe(), found.observation
    assert list(table) == list(sample_columns(found))
    np.testing.assert_array_equal(table.time_s, seen.times_s)
    np.testing.assert_array_equal(table.pulse, found.pulse)
    np.testing.assert_array_equal(table[["box_x", "box_y", "box_width", "box_height"]], seen.boxes)


def test_a_file_holds_the_table(found: Measurement, refused: HeartRate, tmp_path: Path) -> None:
    for result in (found, found.rate, refused):
        path = result.to_csv(tmp_path / "a.csv")
        read, table = pandas.read_csv(path), result.to_dataframe()
        if "reason" in table:  # none is an empty field
            assert read.pop("reason").fillna("").tolist() == table.pop("reason").fillna("").tolist()
        pandas.testing.assert_frame_equal(read, table, check_dtype=False, rtol=1e-8)
    write_samples(tmp_path / "b.csv", found)
    assert found.to_csv(tmp_path / "c.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["heart_rate_bpm"] == "nan" and rows[0]["reason"] == refused.windows[0].reason


def test_a_file_is_written_whole_or_not_at_all(
    found: Measurement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "a.csv"
    old.write_text("what was there")
    with monkeypatch.context() as patch:
        patch.setattr(
            "pulsephase.vitals.shown._field",
            lambda value: (_ for _ in ()).throw(OSError(28, "full")),
        )
        with pytest.raises(InputError, match=r"cannot write .*a\.csv \(full\)"):
            found.to_csv(old)
    assert old.read_text() == "what was there" and list(tmp_path.iterdir()) == [old]
    with pytest.raises(InputError, match="name a file in a folder that exists"):
        found.to_csv(tmp_path / "none" / "a.csv")


def test_without_pandas_one_error_says_what_to_do(
    found: Measurement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for result in (found, found.rate):
        with pytest.raises(MissingExtraError, match=r"pulsephase\[notebook\].*to_csv"):
            result.to_dataframe()
        assert result.to_csv(tmp_path / "a.csv").stat().st_size > 0


def test_a_plot_draws_on_the_axes_that_it_is_given(found: Measurement, refused: HeartRate) -> None:
    for draw in (found.plot, found.plot_wave, found.rate.plot, refused.plot):
        axes = Figure().add_subplot()
        assert draw(axes) is axes
        assert axes.get_xlabel() == "time (s)" and axes.lines
    assert pyplot.get_fignums() == []


def test_a_plot_holds_the_numbers(found: Measurement, refused: HeartRate) -> None:
    given = found.plot(Figure().add_subplot()).lines[0]
    rates = [np.nan if w.bpm is None else w.bpm for w in found.rate.windows]
    np.testing.assert_array_equal(given.get_ydata(), rates)
    middles = [(w.start_s + w.end_s) / 2 for w in found.rate.windows]
    np.testing.assert_array_equal(given.get_xdata(), middles)
    lines = refused.plot(Figure().add_subplot()).lines
    assert np.isnan(np.asarray(lines[0].get_ydata(), dtype=float)).all()  # nothing is given
    guesses = [w.estimate_bpm for w in refused.windows]
    np.testing.assert_array_equal(lines[1].get_ydata(), guesses)
    wave = found.plot_wave(Figure().add_subplot()).lines[0]
    np.testing.assert_array_equal(wave.get_ydata(), found.pulse)


def test_a_plot_without_axes_makes_a_figure(found: Measurement) -> None:
    try:
        for draw in (found.plot, found.plot_wave):
            assert isinstance(draw(), Axes)
        assert len(pyplot.get_fignums()) == 2
    finally:
        pyplot.close("all")


def test_metrics_are_a_line_and_a_table_of_rates(tmp_path: Path) -> None:
    times = np.arange(600) / HZ
    wave, other = (np.sin(2 * np.pi * rate * times) for rate in (1.2, 1.3))
    scored = metrics([wave, wave], [wave, other], sample_hz=HZ)
    assert repr(scored).startswith(f"Metrics(strict, {scored.rates} rates of 2 waves: MAE 3.00 bpm")
    table = scored.to_dataframe()
    assert len(table) == scored.rates
    error = (table.predicted_bpm - table.label_bpm).abs().mean()
    assert error == pytest.approx(scored.mae.value)
    read = pandas.read_csv(scored.to_csv(tmp_path / "a.csv"))
    pandas.testing.assert_frame_equal(read, table, rtol=1e-8)
    alone = metrics([wave], [wave], sample_hz=HZ, convention="toolbox-2025")
    assert alone.pearson.value is None and "correlation none" in repr(alone)


def test_a_clip_is_a_line() -> None:
    clip = render(2, preset("naive", seconds=2.0))
    words = "Clip(60 frames of synthetic seed 2, 36 x 36 pixels, float32, with its pulse)"
    assert repr(clip) == words
    assert repr(Clip(frames=clip.frames, times_s=clip.times_s)) == (
        "Clip(60 frames, 36 x 36 pixels, float32)"
    )


def test_a_verdict_without_clips_shows_itself() -> None:
    empty = Verdict(row={"method": "pos", "convention": "strict"}, metrics=None, clips=())
    assert repr(empty) == "Verdict(pos, strict: no clip has a rate)"
    assert "strict" in empty._repr_html_() and len(empty.to_dataframe()) == 0
