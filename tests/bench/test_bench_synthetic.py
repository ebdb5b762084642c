"""The benchmark of the generator: one process or several at once, and what a failure says."""

from multiprocessing import active_children

import pytest
import torch

from pulsephase.bench import synthetic
from pulsephase.bench.synthetic import Task, row, tasks
from pulsephase.commands.bench import synthetic as command
from pulsephase.errors import ParameterError

FIELDS = {"size", "threads", "workers", "device", "batch", "frames_per_s", "peak_memory_mb"}


def test_one_process_and_two_that_begin_together() -> None:
    threads = torch.get_num_threads()
    try:
        alone = row(Task(size=36, device="cpu", repeats=1))
        both = row(Task(size=36, device="cpu", repeats=1, workers=2))
    finally:
        torch.set_num_threads(threads)
    assert set(alone) == set(both) == FIELDS
    assert alone["threads"] == both["threads"] == 1
    assert alone["frames_per_s"] > 0 and both["frames_per_s"] > 0
    frames_mb = 4 * 160 * 3 * 36 * 36 * 4 / 1024**2
    assert alone["peak_memory_mb"] > frames_mb  # the clips alone, in single precision
    assert both["workers"] == 2 and both["peak_memory_mb"] is None  # of all, nobody knows


def test_a_worker_that_fails_stops_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "WAIT_S", 60)
    with pytest.raises(RuntimeError):
        row(Task(size=37, device="cpu", repeats=1, workers=2))
    assert not active_children()


def test_more_threads_than_one_are_refused() -> None:
    with pytest.raises(ParameterError, match="--threads is 2; rendering"):
        command(["--threads", "2", "--quick"], standalone_mode=False)


def test_the_share_of_training_is_of_one_process_on_a_cpu() -> None:
    assert any(task.training for task in tasks(quick=True))
    assert not any(task.training for task in tasks(quick=True, workers=4))
    assert not any(task.training for task in tasks(quick=True, device="cuda"))
