"""``pulsephase train``: sources, settings, a run again from its folder."""

import json
from pathlib import Path

import pytest
from recordings import made_cache
from trainings import FRAMES, SMALL

from pulsephase.cli import main
from pulsephase.models.weights import card, load
from pulsephase.training.run_folder import read_config

KEYS = ["--frames", str(FRAMES), "--workers", "0", "--set", "data.held_out=1"]
NETWORK = [word for k, v in SMALL.items() for word in ("--set", f"network.{k}={json.dumps(v)}")]


def test_a_mixture_trains_and_its_run_can_be_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = made_cache(tmp_path, subjects=2, seconds=7.0, size=12)
    sources = ["--data", f"{cache}::2", "--synthetic", "easy:0.5"]
    first, again = tmp_path / "run", tmp_path / "again"
    call = ["train", *sources, *KEYS, *NETWORK, "--steps", "2", "--batch", "2", "--json"]
    assert main([*call, "--set", "data.cached.0.lag_frames=1", "--out", str(first)]) == 0
    printed = json.loads(capsys.readouterr().out)
    config = read_config(first)
    assert (config.data.cached[0].share, config.data.cached[0].lag_frames) == (2.0, 1.0)
    assert config.data.synthetic[0].preset == "easy" and config.data.synthetic[0].share == 0.5
    assert printed["weights"] == str(first / "weights.safetensors")
    assert load(first / "weights.safetensors")[0].size == 12
    told = card(first / "weights.safetensors")
    assert told["data"]["recorded"][0]["dataset"] == "made" and told["lag_frames"] == {"cache": 1.0}
    assert str(tmp_path) not in json.dumps(told)  # weights travel, folders do not
    assert main(["train", "--run", str(first), "--out", str(again)]) == 0
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (first, again)]
    assert weights[0] == weights[1]
    assert main(["train", "--run", str(first), "--seed", "1"]) == 2
    assert "seed 0, not 1" in capsys.readouterr().err


def test_epochs_count_steps_and_a_wrong_use_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = made_cache(tmp_path, subjects=2, seconds=7.0, size=12)
    out = ["--out", str(tmp_path / "run")]
    call = ["train", "--data", str(cache), *KEYS, *NETWORK, "--batch", "1", "--epochs", "1", *out]
    assert main(call) == 0
    assert read_config(tmp_path / "run").optimiser.steps == 2
    capsys.readouterr()
    for wrong, message in (
        (["--synthetic", "nothing"], "no preset 'nothing'"),
        (["--synthetic", "full:much"], "a share is a number"),
        (["--data", str(tmp_path / "none")], "no cache"),
        (["--data", f"{cache}:published", *NETWORK, *KEYS], "no split 'published'"),
        (["--data", str(cache)], "36 px"),
        (["--synthetic", "full", "--set", "data.batches=3"], "batches"),
        (["--synthetic", "full", "--precision", "16-mixed"], "bf16-mixed"),
        (["--synthetic", "full", "--frames", "50"], "at least 75"),
        (["--run", str(tmp_path / "run"), "--synthetic", "full"], "without it"),
    ):
        assert main(["train", *wrong, "--steps", "1", "--out", str(tmp_path / "other")]) == 2, wrong
        error = capsys.readouterr().err.strip()
        assert message in error and "\n" not in error, error
