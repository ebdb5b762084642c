"""The pipeline from weights to verdict: what is planted is found, and nothing else is."""

import json
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import SMALL, small

from pulsephase.cli import main
from pulsephase.experiments import interpret_shuffled as shuffled_runs
from pulsephase.experiments import interpret_validation as judging
from pulsephase.experiments.interpret_validation import RESULTS, false_positives, power, whitening
from pulsephase.interpret import verdict as ruling
from pulsephase.interpret.analyse import analyse
from pulsephase.interpret.context import Budget, synthetic_context
from pulsephase.interpret.derivatives import signal_rows
from pulsephase.interpret.nulls import (
    DECIDING,
    DECISIVE,
    all_scores,
    head_kernels,
    normal_equations,
    plain_kernels,
)
from pulsephase.interpret.nulls import section as nulls_section
from pulsephase.interpret.planted import blank_head, head_of, noise_sd, signals, system
from pulsephase.interpret.response import headline, output_times
from pulsephase.interpret.scores import by_lag, kernels_of
from pulsephase.interpret.subject import Foreign, network_of, random_head, wave_of
from pulsephase.interpret.system import bode, hankel, intervals, scores_of, two_poles
from pulsephase.interpret.thresholds import Thresholds, reasons, thresholds
from pulsephase.interpret.verdict import Facts, verdict_of
from pulsephase.models.constructive import load_gated, oscillator_system
from pulsephase.models.tcn import GatedTCN
from pulsephase.models.weights import save
from pulsephase.physics.doubling import doubling_stack
from pulsephase.physics.oscillator import Oscillator

FPS = 30.0
MODE = Oscillator.from_natural_hz(1.4, damping=0.3)
KERNEL = MODE.impulse_response(np.arange(64) / FPS)
LITTLE = Budget(clips=6, frames=160, times=1, draws=19, resamples=30, quick=True)
GOOD = Facts(
    clips=6,
    taps=64,
    snr_db=40.0,
    causality=1.0,
    look_ahead=0,
    at_least=False,
    time_invariance=0.99,
    direction=0.9,
    scores={"rings": 0.99, "creeps": 0.0, "either": 0.99},
    oscillator={
        "kind": "rings",
        "numbers": {
            "natural_hz": {"value": 1.4, "low": 1.3, "high": 1.5},
            "damping": {"value": 0.3, "low": -0.5, "high": 1.1},
        },
    },
    nulls={DECISIVE: (99.0, 99), "gabor": (100.0, 99)},
)


def test_every_threshold_has_a_reason() -> None:
    assert set(reasons()) == {entry.name for entry in fields(Thresholds)}
    assert min(len(reason) for reason in reasons().values()) > 60
    assert thresholds().least_taps == 31 and thresholds().percentile == 95


def test_a_positive_verdict_claims_what_is_sure_alone() -> None:
    found = verdict_of(GOOD)
    assert found["outcome"] == "positive" and found["null_percentile"] == 99
    assert [pole["claimed"] for pole in found["poles"]] == [True, False]
    assert "natural frequency 1.4 Hz (1.3 to 1.5)" in found["sentence"]
    assert "damping ratio" not in found["sentence"] and "not of a vessel" in found["sentence"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scores": {"rings": 0.9, "creeps": 0.0, "either": 0.9}}, "0.95 are needed"),
        ({"nulls": {DECISIVE: (94.0, 99)}}, "6 % of networks with random weights"),
        ({"nulls": {DECISIVE: (99.0, 99), "gabor": (90.0, 99)}}, "do too: gabor"),
        ({"direction": 0.4}, "40 % of the response"),
        ({"oscillator": {"withheld": "no damped oscillator"}}, "no damped oscillator"),
    ],
)
def test_a_negative_verdict_says_why(change: dict[str, Any], words: str) -> None:
    found = verdict_of(replace(GOOD, **change))
    assert found["outcome"] == "negative" and words in found["sentence"]
    assert not any(pole["claimed"] for pole in found["poles"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"clips": 5}, "5 clips with a pulse, 6 are needed"),
        ({"clips": 2, "left_out": 7}, "2 clips with a pulse (POS finds none in 7 more), 6 are"),
        ({"taps": 20, "cut": True}, "20 taps, all that these clips show of it, 31 are needed"),
        ({"taps": 30}, "30 taps, 31 are needed"),
        ({"snr_db": 10.0}, "about 66 clips"),
        ({"snr_db": 0.1}, "more clips than can be told"),
        ({"nulls": {"random weights": (100.0, 19)}}, "19 networks with random weights, 99 are"),
        ({"causality": 0.9, "look_ahead": 7}, "looks 7 frames ahead"),
        ({"time_invariance": 0.5}, "50.0 % of the response in one kernel"),
        ({"scores": None}, "taps"),
    ],
)
def test_a_withheld_verdict_says_what_is_needed(change: dict[str, Any], words: str) -> None:
    found = verdict_of(replace(GOOD, **change))
    assert found["outcome"] == "withheld" and not found["poles"]
    assert words in found["sentence"]


def test_missing_nulls_are_named() -> None:
    found = verdict_of(replace(GOOD, nulls={"gabor": (99.0, 99)}, missing=(DECISIVE,)))
    assert found["null_percentile"] is None
    assert found["outcome"] == "withheld"  # nothing is claimed without the decisive null
    assert "0 networks with random weights, 99 are needed: give the adapter" in found["sentence"]
    assert found["sentence"].endswith("Not compared with: random weights.")
    found = verdict_of(replace(GOOD, missing=("shuffled labels",)))
    assert found["outcome"] == "positive"
    assert found["sentence"].endswith("Not compared with: shuffled labels.")


def test_two_poles_and_zeros_are_those_of_the_transfer_function() -> None:
    poles, zeros, gain = np.array([0.9 * np.exp(0.3j), 0.9 * np.exp(-0.3j)]), [0.5, -0.4], 0.7
    top, bottom = gain * np.poly(zeros), np.poly(poles).real
    impulse = np.eye(1, 80)[0]
    kernel = np.zeros(80)
    for lag in range(80):
        past = sum(-bottom[i] * kernel[lag - i] for i in (1, 2) if lag >= i)
        kernel[lag] = past + sum(top[i] * impulse[lag - i] for i in range(3) if lag >= i)
    found = two_poles(kernel, sample_hz=FPS)
    np.testing.assert_allclose(np.sort_complex(found.poles), np.sort_complex(poles), atol=1e-9)
    np.testing.assert_allclose(np.sort(found.zeros.real), [-0.4, 0.5], atol=1e-9)
    assert found.residual_sd < 1e-9


def test_bode_of_a_first_order_lag() -> None:
    pole, kernel = 0.9, 0.9 ** np.arange(400.0)
    found = bode(kernel, sample_hz=FPS)
    z = np.exp(2j * np.pi * np.array(found["hz"]) / FPS)
    response = 1 / (1 - pole / z)
    np.testing.assert_allclose(found["gain_db"], 20 * np.log10(np.abs(response)), atol=1e-9)
    np.testing.assert_allclose(found["phase_rad"], np.angle(response), atol=1e-9)
    delay = (pole / (z - pole)).real  # of sum m g[m] q^m over sum g[m] q^m
    np.testing.assert_allclose(found["group_delay_frames"], delay, atol=1e-9)


def test_hankel_counts_the_poles_above_the_noise() -> None:
    other = Oscillator.from_natural_hz(5.0, damping=0.05).impulse_response(np.arange(64) / FPS)
    two = KERNEL + 4 * other
    assert hankel(two, noise_sd=0.0)["order_by_bic"] == 4
    sd = 1e-3 * np.abs(two).max()
    noisy = two + sd * np.random.default_rng(0).standard_normal(64)
    assert hankel(noisy, noise_sd=sd)["above_noise"] == 4


def test_intervals_hold_both_kinds_of_doubt() -> None:
    rng = np.random.default_rng(0)
    by_clip = np.stack(
        [
            Oscillator.from_natural_hz(hz, damping=0.3).impulse_response(np.arange(64) / FPS)
            for hz in rng.normal(1.4, 0.1, 8)
        ]
    )
    model = two_poles(by_clip.mean(axis=0), sample_hz=FPS)
    found = intervals(by_clip, model, sample_hz=FPS, seed=0, resamples=200)
    number = found["numbers"]["natural_hz"]
    assert 0.05 < number["high"] - number["low"] < 0.3
    assert number["bootstrap"][0] >= number["low"]
    same = np.stack([KERNEL + 1e-2 * np.abs(KERNEL).max() * rng.standard_normal(64)] * 8)
    model = two_poles(same[0], sample_hz=FPS)
    number = intervals(same, model, sample_hz=FPS, seed=0, resamples=50)["numbers"]["natural_hz"]
    assert number["bootstrap"][0] == pytest.approx(number["bootstrap"][1])
    assert number["low"] < 1.4 < number["high"]
    assert number["high"] - number["low"] == pytest.approx(2 * 1.96 * number["cramer_rao_sd"])


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the nulls, and a rule that lets them count: enough for a percentile of 95."""
    monkeypatch.setattr(judging, "DRAWS", 20)
    fewer = replace(thresholds(), least_draws=20)
    monkeypatch.setattr(ruling, "thresholds", lambda: fewer)


@pytest.mark.usefixtures("few_draws")
def test_power_on_planted_oscillators() -> None:
    found = power("rings", 32, cases=12)
    assert found["power"] >= 0.9 and found["within_3_sd"] >= 0.9
    assert 0.6 < found["rms_over_cramer_rao"] < 1.5
    drowned = power("rings", 32, cases=5, snr=0.0)
    assert drowned["power"] == 0
    apart = power("rings", 32, cases=6, snr=26.0, between=True)
    assert apart["power"] >= 0.8 and apart["within_3_sd"] >= 0.9
    assert power("rings", 32, cases=5, snr=14.0, between=True)["power"] == 0  # withheld by the gate


@pytest.mark.usefixtures("few_draws")
def test_nulls_are_not_taken_for_oscillators() -> None:
    rows = false_positives(32, cases=3)
    assert {row["null"] for row in rows} >= {"gabor", "permuted", "random weights, gated"}
    assert sum(row["positive"] for row in rows) <= 1


def test_the_committed_validation_holds() -> None:
    held = json.loads(RESULTS.read_text(encoding="utf-8"))
    for row in held["power"]:
        assert row["cases"] >= 100 and row["taps"] >= 31 and row["snr_db"] == 20
        assert row["power"] >= 0.9, row
        assert row["within_3_sd"] >= 0.95 and row["rms_over_cramer_rao"] < 1.3, row
    for row in held["spread"]:  # at the gate itself chance decides
        assert row["cases"] >= 100 and row["within_3_sd"] >= 0.95, row
        assert row["power"] >= (0.9 if row["snr_db"] > 20 else 0.4), row
    for row in held["nulls"]:
        assert row["cases"] >= 100 and row["positive"] <= 10, row


def test_the_probe_reads_the_process_not_the_loop() -> None:
    found = whitening(0.05, 0.0, seconds=30.0)
    assert found["read_from_kernel"]["natural_hz"] == pytest.approx(found["loop_natural_hz"])
    assert found["loop_natural_hz"] > 1.3  # not the vessel's 1.2 Hz
    assert found["read_from_probe"]["natural_hz"] == pytest.approx(1.2, abs=0.05)
    assert found["explained"] == pytest.approx(found["best_possible"], abs=0.06)


@pytest.mark.usefixtures("few_draws")
def test_a_gated_constructive_network_has_its_poles() -> None:
    head = GatedTCN(1, 2, layers=6, kernel=2).double().requires_grad_(False)
    load_gated(head, doubling_stack(oscillator_system(MODE, step_s=1 / FPS), layers=6), scale=1e-2)
    inputs = signals(64, clips=6, seed=0)
    scores = judging.fixed_scores(lambda seed: blank_head(64, seed=seed), inputs, taps=64)
    found = judging.judge(head, inputs, scores=scores, times=[80, 124], seed=0)
    assert found["outcome"] == "positive"
    values = {pole["number"]: pole["value"] for pole in found["poles"]}
    assert values["natural_hz"] == pytest.approx(1.4, rel=1e-3)
    assert values["damping"] == pytest.approx(0.3, rel=1e-3)


def test_planted_kernels_are_the_network() -> None:
    rng = np.random.default_rng(0)
    for kind in ("rings", "creeps", "band-pass", "kalman"):
        planted = system(kind, taps=64, rng=rng)
        found = two_poles(planted.kernel, sample_hz=FPS).oscillator
        assert found is not None
        assert found.natural_hz == pytest.approx(planted.oscillator.natural_hz, rel=1e-5)
        assert found.damping == pytest.approx(planted.oscillator.damping, rel=1e-5)
    assert noise_sd(np.full(9, 2.0), snr_db=20.0) == pytest.approx(0.2)
    impulse = torch.zeros(1, 64, 1, dtype=torch.float64)
    impulse[0, 0] = 1
    head = head_of(planted.kernel)
    wave = head(impulse, head.initial_state(1, impulse))[0][0]
    np.testing.assert_allclose(wave, planted.kernel, atol=1e-12)


def test_null_heads_are_those_of_the_whole_clip() -> None:
    inputs = torch.randn(2, 200, 24, dtype=torch.float64)
    for head in ("gated", "symmetric", "gru"):
        config = replace(SMALL, head=head)
        short = head_kernels(
            lambda seed, config=config: random_head(config, seed=seed),
            inputs,
            taps=31,
            draws=2,
            seed=5,
        )
        again = head_kernels(
            lambda seed, config=config: random_head(config, seed=seed),
            inputs,
            taps=31,
            draws=2,
            seed=6,
        )
        np.testing.assert_array_equal(short[1], again[0])
        assert np.abs(short).max() > 0 and not np.allclose(short[0], short[1])
        for draw, kernel in enumerate(short):
            times = output_times(inputs.shape[1], count=1)
            drawn = random_head(config, seed=5 + draw)
            rows, lags = by_lag(
                signal_rows(partial(wave_of, drawn), inputs, times=times), times=times
            )
            exact = kernels_of(rows, lags, taps=31).mean
            np.testing.assert_allclose(kernel, exact, atol=1e-5 * np.abs(exact).max())


def test_plain_nulls() -> None:
    made = plain_kernels(KERNEL, count=19, sample_hz=FPS, seed=0)
    assert set(made) - {"butterworth"} <= set(DECIDING)
    np.testing.assert_allclose(np.sort(made["permuted taps"][3]), np.sort(KERNEL))
    scores = all_scores(made, sample_hz=FPS)
    assert np.median(scores["butterworth"]) > 0.95  # impostors pass
    own = scores_of(KERNEL, sample_hz=FPS)["either"]
    assert own > max(max(values) for name, values in scores.items() if name != "butterworth")


def test_a_fitted_filter_finds_a_planted_one() -> None:
    rng = np.random.default_rng(0)
    signal, taps = rng.standard_normal(4000), np.array([0.5, -0.3, 0.2, 0.1])
    pulse = np.convolve(signal, taps)[:4000]
    gram, side = normal_equations(signal, np.roll(pulse, -3), taps=8, delay=3)
    np.testing.assert_allclose(np.linalg.solve(gram, side)[:4], taps, atol=1e-2)
    gram, side = normal_equations(signal, np.roll(pulse, -9), taps=4, delay=9)
    np.testing.assert_allclose(np.linalg.solve(gram, side), taps, atol=1e-2)


def test_a_network_without_a_pulse_in_it_gets_no_positive_verdict() -> None:
    subject = network_of(small("head=gated"), name="small")
    found = analyse(
        synthetic_context(subject, budget=LITTLE), sections=("response", "system", "nulls")
    )
    json.dumps(found, allow_nan=False)
    assert found["verdict"]["outcome"] in ("negative", "withheld")
    assert set(found["sections"]["nulls"]["missing"]) == {"shuffled labels"}
    assert found["config"]["width"] == SMALL.width and found["seconds"] > 0


def test_a_foreign_network_says_which_nulls_are_missing() -> None:
    def mean(frames: torch.Tensor) -> torch.Tensor:
        green = frames[:, :, 1].mean((2, 3))
        kernel = torch.from_numpy(KERNEL[:40].copy()).to(frames)
        padded = torch.nn.functional.pad(green, (39, 0))
        return torch.nn.functional.conv1d(padded[:, None], kernel.flip(0)[None, None])[:, 0]

    subject = Foreign(function=mean, name="mine", size=8, sample_hz=FPS)
    context = synthetic_context(subject, budget=LITTLE)
    found = analyse(context, sections=("response", "system", "nulls"))
    assert found["config"] is None
    assert found["verdict"]["missing_nulls"] == [DECISIVE, "shuffled labels"]
    read = found["sections"]["system"]["oscillator"]["numbers"]
    assert read["natural_hz"]["value"] == pytest.approx(1.4, abs=0.02)

    def redraw(seed: int) -> Any:
        weights = torch.randn(40, generator=torch.Generator().manual_seed(seed)).double()

        def drawn(frames: torch.Tensor) -> torch.Tensor:
            padded = torch.nn.functional.pad(frames[:, :, 1].mean((2, 3)), (39, 0))
            return torch.nn.functional.conv1d(padded[:, None], weights[None, None])[:, 0]

        return drawn

    again = replace(context, subject=replace(subject, redraw=redraw), made={})
    nulls = nulls_section(again)
    assert DECISIVE not in nulls["missing"] and len(nulls["nulls"][DECISIVE]["scores"]) == 19
    assert headline(again).taps == 40


def test_shuffled_labels_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = {"frames": torch.arange(3), "pulse": torch.arange(3), "has_pulse": torch.arange(3)}
    moved = shuffled_runs.neighbours_labels(batch)
    assert moved["frames"].tolist() == [0, 1, 2] and moved["pulse"].tolist() == [2, 0, 1]
    calls: list[int] = []

    def fake(network: str, *, number: int, steps: int, workers: int) -> dict[str, Any]:
        calls.append(number)
        return {"run": number, "score": 0.1, "kernel": [0.0]}

    monkeypatch.setattr(shuffled_runs, "run", fake)
    path = tmp_path / "runs.json"
    asked: dict[str, Any] = {"network": "tiny", "steps": 1, "workers": 0}
    assert shuffled_runs.fill(path, runs=2, **asked) == 2
    assert shuffled_runs.fill(path, runs=3, **asked) == 1 and calls == [0, 1, 2]
    found = shuffled_runs.kernel_of(small("head=gated"))
    assert len(found["kernel"]) == 31 and found["score"] <= 1


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, path = small("head=gated"), tmp_path / "mine.safetensors"
    save(path, config=net.config, tensors=net.state_dict(), card={})
    assert main(["interpret", str(path), "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["verdict"]) >= {
        "sentence",
        "physics_consistency",
        "null_percentile",
        "causality_score",
        "time_invariance_score",
        "poles",
    }
    assert main(["interpret", "nobody"]) == 2
    assert "no weights 'nobody'" in capsys.readouterr().err
    assert main(["interpret", str(path), "--clips", str(tmp_path / "none.mp4")]) == 2
    assert "there is no file or folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["interpret", str(path), "--clips", str(tmp_path / "empty")]) == 2
    assert "holds no video" in capsys.readouterr().err
