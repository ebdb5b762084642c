"""Killed at any step, a run loses what came after its checkpoint, and ends in the same bytes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from recordings import made_cache
from trainings import small, split_file, synthetic

from pulsephase.errors import InputError, TrainingError
from pulsephase.training.config import CachedSource, TrainConfig
from pulsephase.training.fit import fit
from pulsephase.training.progress import WholeCheckpoints, read, rows
from pulsephase.training.run_folder import RunFolder, read_config
from pulsephase.training.settings import from_plain, to_plain

KILL = """
import json, os, signal, sys
from pathlib import Path
from pulsephase.training.fit import fit
from pulsephase.training.settings import from_plain

def report(step, loss):
    if step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

fit(from_plain(json.loads(sys.argv[1])), folder=Path(sys.argv[2]), report=report)
"""


def killed_at(step: int, config: TrainConfig, folder: Path) -> None:
    """Train in a process that is killed in the middle of a step, before it is recorded."""
    call = [sys.executable, "-c", KILL, json.dumps(to_plain(config)), str(folder), str(step)]
    package = str(Path(sys.modules["pulsephase"].__file__ or "").parents[1])
    done = subprocess.run(call, env={**os.environ, "PYTHONPATH": package}, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Recordings and synthetic clips, two parts a step, validated in the middle and at the end."""
    folder = tmp_path_factory.mktemp("data")
    cache = made_cache(folder, subjects=3, seconds=7.0, size=12)
    split = split_file(folder / "s.json", train=["subject1", "subject2"], validation=["subject3"])
    source = CachedSource(cache=str(cache), split=split, share=2.0)
    return small(cached=(source,), sources=(synthetic(),), steps=5, batch=4, accumulate=2)


def test_a_killed_run_ends_in_the_same_bytes(mixed: TrainConfig, tmp_path: Path) -> None:
    whole, torn = RunFolder(path=tmp_path / "whole"), RunFolder(path=tmp_path / "torn")
    fit(mixed, folder=whole.path)
    killed_at(4, mixed, torn.path)
    assert read(torn.checkpoint)["global_step"] == 3
    assert not torn.weights.exists()
    assert json.loads(torn.record.read_text())["finished"] is False
    steps: list[int] = []
    result = fit(mixed, folder=torn.path, report=lambda step, loss: steps.append(step))
    assert steps == [4, 5]
    assert torn.weights.read_bytes() == whole.weights.read_bytes()
    assert [row["step"] for row in result.history] == [2, 4, 5]
    same = ("step", "loss", "validation_loss", "learning_rate", "gradient_norm")
    first, second = ([{k: row[k] for k in same} for row in rows(r.metrics)] for r in (whole, torn))
    assert first == second and len(first) == 5


def test_a_finished_run_is_only_read(mixed: TrainConfig, tmp_path: Path) -> None:
    run = RunFolder(path=tmp_path)
    short = replace(mixed, optimiser=replace(mixed.optimiser, steps=1))
    first = fit(short, folder=run.path)
    before = run.weights.read_bytes()
    steps: list[int] = []
    again = fit(short, folder=run.path, report=lambda step, loss: steps.append(step))
    assert not steps and run.weights.read_bytes() == before
    assert again.history == first.history
    assert read_config(run.path) == short


def test_another_config_is_refused_by_its_keys(tmp_path: Path) -> None:
    config = small(steps=1)
    fit(config, folder=tmp_path)
    other = replace(config, seed=1, loss=replace(config.loss, rate=0.5))
    with pytest.raises(TrainingError, match=r"loss.rate 0.3, not 0.5; seed 0, not 1"):
        fit(other, folder=tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(TrainingError, match="seed 0, not 1"):
        fit(other, folder=tmp_path)
    moved = replace(config, machine=replace(config.machine, threads=2))
    assert fit(moved, folder=tmp_path).best_step == 1


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    config = small(steps=1)
    fit(config, folder=tmp_path)
    path = RunFolder(path=tmp_path).checkpoint
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match="remove it to start again"):
        fit(config, folder=tmp_path)


def test_a_full_disk_leaves_the_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"
    WholeCheckpoints().save_checkpoint({"pulsephase": {"step": 1}}, path)
    older = path.read_bytes()

    def full(self: Path, data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        WholeCheckpoints().save_checkpoint({"pulsephase": {"step": 2}}, path)
    assert path.read_bytes() == older
    assert [entry.name for entry in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_the_clock_says_when_a_checkpoint_is_due(tmp_path: Path) -> None:
    config = small(steps=2)
    rare = replace(config, record=replace(config.record, checkpoint_s=1e6))
    seen: list[bool] = []
    run = RunFolder(path=tmp_path)
    fit(rare, folder=tmp_path, report=lambda step, loss: seen.append(run.checkpoint.exists()))
    assert seen == [False, False]
    assert read(run.checkpoint)["global_step"] == 2  # the end is always kept


def test_two_runs_of_one_config_write_the_same_bytes(tmp_path: Path) -> None:
    """Checkpoint and table held the time that was taken."""
    runs = [RunFolder(path=tmp_path / name) for name in ("a", "b")]
    for run in runs:
        fit(small(steps=3), folder=run.path)
    first, second = runs
    assert first.metrics.read_bytes() == second.metrics.read_bytes()
    assert first.checkpoint.read_bytes() == second.checkpoint.read_bytes()
    assert first.weights.read_bytes() == second.weights.read_bytes()
    assert rows(first.speed)[-1]["clips_per_s"]


def test_a_log_is_taken_up_where_the_run_is(tmp_path: Path) -> None:
    from pulsephase.training.progress import CsvLog

    path = tmp_path / "metrics.csv"
    log = CsvLog(path, step=0)
    for step in (1, 2, 3):
        log.log_metrics({"loss": float(step)}, step=step)
    with path.open("a") as file:
        file.write("4,0.")  # torn
    CsvLog(path, step=2).log_metrics({"loss": 9.0}, step=3)
    assert [(row["step"], row["loss"]) for row in rows(path)] == [
        ("1", "1.0"),
        ("2", "2.0"),
        ("3", "9.0"),
    ]


def test_the_config_of_a_run_is_read_back(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no config"):
        read_config(tmp_path)
    config = small(steps=1)
    fit(config, folder=tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["finished"] and {"revision", "versions", "machine", "history"} <= set(record)
    assert from_plain(json.loads((tmp_path / "config.json").read_text())) == config
    assert list((tmp_path / "tensorboard").glob("events*"))
