"""Every number that the tutorial says of `base` is that of the committed analysis."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pulsephase.experiments import signal_level
from pulsephase.experiments.interpret_tutorial import DOCS, FIGURES, path_of, rounded, write_figures
from pulsephase.interpret.thresholds import thresholds

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "what-base-has-learnt.md"
STORED: dict[str, Any] = json.loads(path_of("base").read_text(encoding="utf-8"))
SIGNAL: dict[str, Any] = json.loads(signal_level.RESULTS.read_text(encoding="utf-8"))


def words() -> str:
    return " ".join(PAGE.read_text(encoding="utf-8").replace("\n> ", " ").split())


def gain_db(hertz: float) -> float:
    bode = STORED["sections"]["system"]["bode"]
    return float(np.interp(math.log(hertz), np.log(bode["hz"]), bode["gain_db"]))


def of_the_response() -> list[str]:
    response = STORED["sections"]["response"]
    head, video = (response["levels"][name] for name in ("head", "video"))
    last = STORED["sections"]["layers"]["layers"][-1]
    peak = int(np.abs(video["kernel"]).argmax())
    green = np.array(video["colours"]["green"])
    alike = np.sum(list(video["colours"].values()), axis=0)
    left = abs(alike[np.abs(green).argmax()]) / np.abs(green).max()
    return [
        f"pixels is {peak} frames back",
        f"Within a clip, {100 * head['time_invariance']['within_clips']:.0f} % of the energy",
        f"all clips and times {100 * head['time_invariance']['all']:.0f} % is",
        f"open by {last['gate_open']:.2f} on average and move by {last['gate_moves']:.2f}",
        f"explain {100 * response['gates']['gate_linearity']:.0f} % of the variance",
        f"share, as under a flickering lamp, {100 * left:.0f} %",
        f"the causality score is {STORED['verdict']['causality_score']:g}",
    ]


def of_the_system() -> list[str]:
    system, nulls = STORED["sections"]["system"], STORED["sections"]["nulls"]["nulls"]
    numbers = system["oscillator"]["numbers"]
    assert abs(gain_db(1.0) - gain_db(2.0)) < 0.5  # "the same at 1 and at 2 Hz to half a decibel"
    assert nulls["permuted taps"]["percentile"] == 100
    assert np.median(nulls["random weights"]["scores"]) < 0.005  # "half of the draws score 0"
    return [
        f"At 0.3 Hz, where breathing and slow light are, the gain is "
        f"{gain_db(1.0) - gain_db(0.3):.0f} dB below",
        f"{numbers['natural_hz']['value']:.2f} Hz at a damping of "
        f"{numbers['damping']['value']:.2f}",
        f"the score is {system['scores']['rings']:.2f}",
        f"It takes {system['hankel']['hold_99_percent']} poles",
        f"score less in {nulls['random weights']['percentile']:.0f} % of the draws",
        f"does better in {100 - nulls['gabor']['percentile']:.0f} % of the draws",
        f"{100 * STORED['sections']['layers']['band_share']:.0f} % of the energy of the built-up",
    ]


def of_forcing() -> list[str]:
    forcing = STORED["sections"]["forcing"]
    heart, vessel = (forcing["slopes"]["natural_hz"][name] for name in ("heart", "vessel"))
    explained = np.median(forcing["explained_by_two_poles"])
    assert "follows" not in forcing and "two poles explain" in forcing["withheld"]
    return [
        f"On {forcing['clips']} fresh clips",
        f"poles explain {explained:.2f} of a clip's kernel in the middle of the clips, where "
        f"{thresholds().consistency:g} is asked for",
        f"{vessel['slope']:.2f} on the planted vessel, from "
        f"{vessel['interval_95'][0]:.2f} to {vessel['interval_95'][1]:.2f}",
        f"{heart['slope']:.2f} on the heart rate, from {heart['interval_95'][0]:.2f} to "
        f"{heart['interval_95'][1]:.2f}",
        f"by a factor of {1 + forcing['recovery_error']['natural_hz']:.1f}",
    ]


def of_the_probe() -> list[str]:
    small = json.loads(path_of("tiny").read_text(encoding="utf-8"))
    ours, tiny = (held["sections"]["system"]["whitening"] for held in (STORED, small))
    assert "withheld" in ours["process"]  # "no damped oscillator has the poles of that predictor"
    names = ("explained", "explained_by_autoregression", "explained_by_random_weights")
    first, second = ([f"{held[name]:.2f}" for name in names] for held in (ours, tiny))
    share = STORED["sections"]["response"]["gates"]["linear_share_of_wave"]
    return [
        f"predicts {first[0]} of it, an autoregression of the same signals {first[1]}, a network "
        f"with random weights {first[2]}",
        f"(Of `tiny` it is {second[0]}, {second[1]} and {second[2]}:",
        f"its share of the variance is {share:.2f}",
        f"({STORED['seconds']:.0f} s beside two other jobs)",
        f"for {STORED['sections']['nulls']['nulls']['shuffled labels']['steps']} steps only",
    ]


def of_space() -> list[str]:
    masks = STORED["sections"]["space"]["masks"]
    clips = STORED["sections"]["space"]["attributions"]["clips"]
    null = masks["random_weights"]
    better = sum(value >= null["own_auc_skin"] for value in null["random_auc_skin"])
    mean, strength = masks["mean"], masks["mean_perfusion_rank_correlation"]
    best = int(np.argmax(mean["auc_skin"]))
    other = 1 - best
    return [
        f"AUC of {mean['auc_skin'][best]:.2f} and {mean['auc_skin'][other]:.2f}, where 0.5",
        f"{100 * mean['share_on_skin'][best]:.0f} % of the better mask lies on skin, "
        f"{100 * masks['mean']['even_share_on_skin'][0]:.0f} % would",
        f"{better} of {len(null['random_auc_skin'])} does better",
        f"strength of the pulse is {strength[best]:.2f}, that of the other {strength[other]:.2f}",
        f"(rank correlation {clips[0]['agreement']:.2f} and {clips[1]['agreement']:.2f} on two",
        f"(AUC {clips[0]['auc_skin']['occlusion']:.2f} and {clips[1]['auc_skin']['occlusion']:.2f}",
        f"agree with the masks ({clips[0]['agreement_with_masks']:.2f} and "
        f"{clips[1]['agreement_with_masks']:.2f})",
    ]


def of_the_signal_level() -> list[str]:
    def worst(kind: str, *names: str) -> float:
        found = []
        for row in SIGNAL[kind].values():
            for name in names:
                row = row[name]
            found.append(row["most"])
        return max(found)

    noisy = SIGNAL["kalman"]["1.2 Hz at damping 0.05, 0 dB"]
    naive, whitened = noisy["naive"], noisy["whitened"]
    return [
        f"error of at most {100 * worst('linear', 'kernel_error'):.2f} %",
        f"its poles to {math.ceil(1e5 * worst('linear', 'pole_error')) / 1e3:.3f} %",
        f"With gates the error is at most {100 * worst('gated', 'trained', 'kernel_error'):.1f} %",
        f"wave then is at most {100 * worst('gated', 'trained', 'from_linear'):.1f} %",
        f"bound of {100 * worst('gated', 'trained', 'from_linear_bound'):.1f} %",
        f"{worst('gated', 'trained', 'from_linear_bound_any_input') / 1e3:.0f},000 times",
        f"it is {100 * worst('gated', 'constructed', 'bound'):.0f} %, and "
        f"{100 * worst('gated', 'constructed', 'error'):.2f} % is met",
        f"(to {100 * noisy['filter_error']['most']:.1f} % of its kernel)",
        f"{naive['natural_hz']['mean']:.2f} Hz at {naive['damping']['mean']:.2f}",
        f"give {whitened['natural_hz']['mean']:.2f} Hz at {whitened['damping']['mean']:.3f}",
    ]


@pytest.mark.parametrize(
    "numbers",
    [of_the_response, of_the_system, of_the_probe, of_forcing, of_space, of_the_signal_level],
)
def test_the_tutorial_says_what_was_measured(numbers: Any) -> None:
    for expected in numbers():
        assert expected in words(), expected


def test_the_verdict_is_quoted_word_for_word() -> None:
    assert STORED["verdict"]["sentence"] in words()
    assert STORED["verdict"]["outcome"] == "withheld"


def test_the_figures_are_those_of_the_stored_analysis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn again from the JSON they have the same words and ticks; the paths may differ."""
    monkeypatch.setattr("pulsephase.experiments.interpret_tutorial.DOCS", tmp_path)
    for path in write_figures("base", STORED):
        drawn, kept = (
            re.findall(r"<text[^>]*>([^<]*)<", file.read_text(encoding="utf-8"))
            for file in (path, DOCS / path.name)
        )
        assert drawn == kept, path.name
    shown = set(re.findall(r"interpret/base-(\w+)\.svg", PAGE.read_text(encoding="utf-8")))
    assert shown == set(FIGURES) == {file.stem.removeprefix("base-") for file in DOCS.glob("*.svg")}


def test_the_analysis_was_made_with_the_full_budget_on_a_clean_checkout() -> None:
    assert not STORED["budget"]["quick"]
    assert "dirty" not in STORED["revision"]
    assert rounded(STORED) == STORED
