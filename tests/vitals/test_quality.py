"""Quality is a probability: tables that rise, a fit that recovers a known law, the shipped ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.quality import TABLE, Calibration, calibration, fit
from pulsephase.vitals.result import MIN_QUALITY

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "quality.json"
METHODS = ("phasenet", "pos", "chrom", "green", None)


@given(
    rise=st.floats(1e-3, 1e6),
    more=st.floats(1.0, 100.0),
    level=st.floats(1e-9, 1e9),
    method=st.sampled_from(METHODS),
)
def test_more_rise_is_never_less_probable(
    rise: float, more: float, level: float, method: str | None
) -> None:
    table = calibration(method)
    low, high = (table.of(rise=each, level=level) for each in (rise, rise * more))
    assert 0 <= low <= high <= 1


def test_only_a_network_is_judged_by_its_level() -> None:
    for method in METHODS:
        quiet, loud = (calibration(method).of(rise=40.0, level=each) for each in (0.1, 1.0))
        assert (quiet < loud) == (method == "phasenet")


def test_a_method_without_a_table_has_that_of_unknown_waves() -> None:
    assert calibration("omit") == calibration(None)
    assert calibration("pos") != calibration(None)


def test_a_fit_recovers_a_known_law() -> None:
    rng = np.random.default_rng(0)
    rise = np.exp(rng.uniform(0, 6, 20_000))
    right = rng.random(20_000) < 1 / (1 + np.exp(-2 * (np.log(rise) - 3)))
    table = fit(rise, np.ones_like(rise), right, level_weight=0.0)
    for log_rise in (1.0, 2.5, 3.0, 3.5, 5.0):
        stated = table.of(rise=float(np.exp(log_rise)), level=1.0)
        assert stated == pytest.approx(1 / (1 + np.exp(-2 * (log_rise - 3))), abs=0.04)


def test_a_fit_to_few_windows_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least 140"):
        fit(np.ones(50), np.ones(50), np.ones(50, dtype=bool), level_weight=0.0)


@pytest.mark.parametrize(
    ("evidence", "probability"),
    [
        ((1.0, 1.0), (0.0, 1.0)),
        ((0.0,), (0.5,)),
        ((0.0, 1.0), (0.6, 0.5)),
        ((0.0, 1.0), (0.0, 2.0)),
    ],
)
def test_a_table_that_does_not_rise_is_refused(
    evidence: tuple[float, ...], probability: tuple[float, ...]
) -> None:
    with pytest.raises(ParameterError, match=r"rising|rise within"):
        Calibration(level_weight=0.0, evidence=evidence, probability=probability)


def test_the_threshold_is_the_callers() -> None:
    rng = np.random.default_rng(1)
    wave = np.sin(2 * np.pi * 1.2 * np.arange(600) / 30) + 1.0 * rng.normal(size=600)
    found = heart_rate(wave, sample_hz=30.0)
    assert heart_rate(wave, sample_hz=30.0, min_quality=0.0).bpm == found.estimate_bpm
    assert heart_rate(wave, sample_hz=30.0, min_quality=found.quality).bpm is not None
    assert heart_rate(wave, sample_hz=30.0, min_quality=1.0).bpm is None
    with pytest.raises(ParameterError, match=r"min_quality is 1\.5"):
        heart_rate(wave, sample_hz=30.0, min_quality=1.5)


def test_what_is_stated_is_what_was_found_on_people_and_presets_held_out() -> None:
    """The network's holds on planted clips of other people; on synthetic video none overstates."""
    held = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert held["threshold"] == MIN_QUALITY
    assert set(held["judged_on"]) - set(held["fitted_on"]) >= {"vessel", "static", "jitter"}
    for method, row in held["methods"].items():
        for point in row["reliability"]:
            assert point["stated"] - point["found"] < 0.12, method
        assert row["presets"]["null"]["answered"] <= 0.15, method
        if method.startswith("phasenet"):
            for point in row["reliability_planted"]:
                assert abs(point["stated"] - point["found"]) < 0.12, method


def test_the_shipped_table_is_that_of_the_results() -> None:
    held = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert json.loads(TABLE.read_text(encoding="utf-8"))["fitted_on"] == held["fitted_on"]
