"""How hard the presets are: what the page says is what was measured, and is what was meant."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pulsephase.evaluation.compare import classical_waves, fixed_clips, protocol
from pulsephase.experiments import difficulty
from pulsephase.experiments.difficulty import (
    METHODS,
    RESULTS,
    UNMEASURED,
    cells_of,
    completed,
    main,
    measure,
    oracle,
    twin,
)
from pulsephase.models.config import TINY
from pulsephase.synthetic.config import CodecRanges
from pulsephase.synthetic.presets import PRESETS
from pulsephase.synthetic.render import render
from pulsephase.vitals.heart_rate import peak_bpm

CLASSICAL = ("pos", "chrom", "green")


@pytest.fixture(scope="module")
def held() -> dict[str, dict[str, dict[str, float]]]:
    presets = json.loads(RESULTS.read_text(encoding="utf-8"))["presets"]
    return {name: table["methods"] for name, table in presets.items()}


def test_every_preset_is_measured(held: dict[str, dict[str, dict[str, float]]]) -> None:
    assert set(held) == set(PRESETS)


def test_easy_is_easy_and_hard_is_hard_but_the_oracle_reads_it(
    held: dict[str, dict[str, dict[str, float]]],
) -> None:
    assert held["easy"]["pos"]["within_3_bpm"] >= 0.85
    assert 0.15 <= held["hard"]["pos"]["within_3_bpm"] <= 0.40
    assert held["hard"]["oracle"]["within_3_bpm"] >= 0.80
    assert held["hard"]["twin"]["within_3_bpm"] >= 0.80


def test_without_a_pulse_every_method_is_silent_on_nine_clips_of_ten(
    held: dict[str, dict[str, dict[str, float]]],
) -> None:
    for method in CLASSICAL:
        assert held["null"][method]["answered"] <= 0.1, method


@pytest.mark.parametrize("read", [oracle, twin])
def test_both_read_a_planted_pulse_the_right_way_up(read: object) -> None:
    config, kept = protocol("easy", TINY)
    (batch,) = fixed_clips(config, kept, clips=2, batch=2)
    for seed, wave in zip(batch.seeds, read(batch, config), strict=True):
        pulse = render(seed, config).pulse
        assert pulse is not None
        inside = torch.stack([wave[kept], pulse[kept].double()])
        assert float(torch.corrcoef(inside)[0, 1]) > 0.8


def test_the_twin_finds_nothing_where_there_is_no_pulse() -> None:
    config, kept = protocol("null", TINY)
    (batch,) = fixed_clips(config, kept, clips=2, batch=2)
    assert float(twin(batch, config).abs().max()) < 0.01


def test_the_oracle_is_not_deceived_by_a_lamp_of_one_colour_and_pos_is() -> None:
    """Heads still, a pulse of 0.3 %, and a green flicker of up to 5 % beside it."""
    config, kept = protocol("static", TINY)
    light = replace(
        config.light,
        flicker_probability=1.0,
        flicker_hz=(1.0, 3.0),
        flicker=(0.05, 0.05),
        flicker_tint=(0.4, 0.4),
    )
    pulse = replace(config.pulse, amplitude=(3e-3, 3e-3))
    camera = replace(config.camera, noise=(5e-4, 5e-4))
    config = replace(
        config, light=light, pulse=pulse, camera=camera, codec=CodecRanges(probability=0.0)
    )
    (batch,) = fixed_clips(config, kept, clips=6, batch=6)
    found = {
        "oracle": peak_bpm(oracle(batch, config)[:, kept].numpy(), sample_hz=30.0),
        "pos": peak_bpm(
            classical_waves(batch, sample_hz=30.0)["pos", "mask"][:, kept].double().numpy(),
            sample_hz=30.0,
        ),
    }
    hits = {name: (abs(bpm - batch.truth_bpm) < 3).sum() for name, bpm in found.items()}
    assert hits["oracle"] >= 5 and hits["pos"] <= 2


def test_the_oracle_sees_movement_and_light_and_the_twin_does_not() -> None:
    config, kept = protocol("hard", TINY)
    (batch,) = fixed_clips(config, kept, clips=4, batch=4)
    seen = {"oracle": [], "twin": []}
    for seed, *waves in zip(batch.seeds, oracle(batch, config), twin(batch, config), strict=True):
        pulse = render(seed, config).pulse
        assert pulse is not None
        for method, wave in zip(seen, waves, strict=True):
            pair = torch.stack([wave[kept], pulse[kept].double()])
            seen[method].append(float(torch.corrcoef(pair)[0, 1]))
    assert sum(seen["oracle"]) < sum(seen["twin"])


def test_a_preset_is_measured_by_every_method() -> None:
    table = measure("easy", clips=2)
    methods = table["methods"]
    assert isinstance(methods, dict) and set(methods) == set(METHODS)
    assert "phasenet_minus_pos_points" not in table


def test_a_row_is_completed_by_the_columns_it_lacks_alone() -> None:
    whole = completed("easy", None, clips=2)
    assert tuple(whole["methods"]) == METHODS and "added" not in whole
    without = {name: row for name, row in whole["methods"].items() if name != "oracle"}
    held = {**whole, "methods": without, "revision": "before"}
    again = completed("easy", held, clips=2)
    assert again["methods"] == whole["methods"]
    assert again["revision"] == "before" and set(again["added"]) == {"oracle"}
    assert completed("easy", again, clips=2) is again


def test_a_call_goes_on_where_one_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def measured(name: str, *, clips: int, methods: tuple[str, ...]) -> dict[str, object]:
        asked.append(name)
        row = {"within_3_bpm": 0.5, "answered": 0.25}
        return {"preset": name, "methods": dict.fromkeys(methods, row)}

    monkeypatch.setattr(difficulty, "RESULTS", tmp_path / "difficulty.json")
    monkeypatch.setattr(difficulty, "measure", measured)
    main(["hard"])
    main(["easy", "hard"])
    assert asked == ["hard", "easy"]
    assert capsys.readouterr().out.splitlines()[-1].startswith("hard 50 50 ")
    with pytest.raises(SystemExit, match="no preset lunch"):
        main(["lunch"])


def test_a_column_that_is_not_measured_is_told_as_such() -> None:
    row = {"within_3_bpm": 0.5, "answered": 0.25}
    methods = dict.fromkeys((*CLASSICAL, "twin"), row)
    shown = ["50", "50", "50", UNMEASURED, "50", "25", "25", "25"]
    assert cells_of("easy", methods) == shown
    assert cells_of("null", methods) == ["-"] * 5 + shown[5:]
