"""How fast the generator is: each figure in a process of its own, medians of wall time.

One clip is rendered after the other, as training does; ``batch`` clips of ``frames`` frames make a
repeat. A process renders on one thread, whatever number it is given, so that clips do not depend on
it. The processes keep freed memory (``ALLOCATOR``), as the renderers of a training do. Peak memory
is what the process grew by, imports apart.

Memory is watched over a batch of its own, before the timed ones: the most that was in memory at
once beyond what the loaded program holds; of a GPU, that of the process beside it.

Half of a clip's time on a GPU is spent drawing it on the CPU, so one process leaves a GPU idle:
with ``workers``, so many processes render at once, begin together, and the clock runs until the
last has ended.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from pulsephase.bench.memory import growth
from pulsephase.machine import ONE_THREAD

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess
    from multiprocessing.synchronize import Barrier

SIZES = (36, 72, 128)
FRAMES, BATCH = 160, 4
REPEATS, QUICK_REPEATS = 12, 5
TRAIN_STEPS = 6
WAIT_S = 120  # for workers to load


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One figure.

    Attributes:
        size: Height and width of the crops in pixels.
        device: Torch device of the pixels.
        repeats: Times that a batch is rendered; the median counts, of many workers the mean.
        workers: Processes that render at once.
        training: Whether a training step of `tiny` is timed beside it.
    """

    size: int
    device: str
    repeats: int
    workers: int = 1
    training: bool = False


def tasks(*, quick: bool, device: str = "cpu", workers: int = 1) -> list[Task]:
    """List what is measured.

    Args:
        quick: Few repeats.
        device: Torch device.
        workers: Processes that render at once.
    """
    repeats = QUICK_REPEATS if quick else REPEATS
    found = [Task(size=size, device=device, repeats=repeats, workers=workers) for size in SIZES]
    share = Task(size=36, device=device, repeats=repeats, training=True)
    return [*found, share] if device == "cpu" and workers == 1 else found


def measure(asked: list[Task]) -> Iterator[dict[str, Any]]:
    """Run each task in a fresh process, and yield its row.

    Raises:
        RuntimeError: If a process fails; says what it said.
    """
    from pulsephase.training.sources import ALLOCATOR

    for task in asked:
        environment = {**os.environ, **ALLOCATOR, **ONE_THREAD}
        call = [sys.executable, "-m", "pulsephase.bench.synthetic"]
        done = subprocess.run(
            [*call, json.dumps(asdict(task))], env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{task} failed: {done.stderr.strip()[-2000:]}")
        yield json.loads(done.stdout)


def row(task: Task) -> dict[str, Any]:
    """Measure one task in this process, or in as many as it asks for."""
    if task.workers > 1:
        return _row(task, frames_per_s=_rate_of_workers(task), peak_mb=None)
    _made_ready(task)
    with growth() as grown:
        _batch_s(task, 0)
    seconds = [_batch_s(task, repeat) for repeat in range(task.repeats)]
    median = sorted(seconds)[len(seconds) // 2]
    found = _row(task, frames_per_s=BATCH * FRAMES / median, peak_mb=round(grown.mb, 1))
    if task.training:
        step = training_step_s(repeats=TRAIN_STEPS)
        found["share_of_training"] = round(median / (median + step), 3)
    return found


def _row(task: Task, *, frames_per_s: float, peak_mb: float | None) -> dict[str, Any]:
    return {
        "size": task.size,
        "threads": 1,
        "workers": task.workers,
        "device": task.device,
        "batch": BATCH,
        "frames_per_s": round(frames_per_s),
        "peak_memory_mb": peak_mb,
    }


def _made_ready(task: Task) -> None:
    """Load what rendering needs."""
    import torch

    torch.set_num_threads(1)
    _batch_s(task, 0, frames=8)


def _batch_s(task: Task, number: int, *, frames: int = FRAMES) -> float:
    """Return how long the clips of a batch take, in seconds."""
    import torch

    from pulsephase.synthetic.presets import preset
    from pulsephase.synthetic.render import render

    config = replace(preset("full"), size=task.size, frames=frames)
    start = time.perf_counter()
    seeds = range(BATCH * number, BATCH * (number + 1))
    batch = torch.stack([render(seed, config, device=task.device).frames for seed in seeds])
    float(batch[-1, -1, -1, -1, -1])  # waits for the device
    return time.perf_counter() - start


def _rate_of_workers(task: Task) -> float:
    """Return the frames a second of processes that begin together."""
    context = get_context("spawn")  # a GPU does not outlive a fork
    begin = context.Barrier(task.workers + 1)
    started = [
        context.Process(target=_work, args=(task, worker, begin), daemon=True)
        for worker in range(task.workers)
    ]
    try:
        for process in started:
            process.start()
        begin.wait(timeout=WAIT_S)
        start = time.perf_counter()
        for process in started:
            process.join()
        seconds = time.perf_counter() - start
    finally:
        _ended(started)
    if any(process.exitcode for process in started):
        raise RuntimeError(f"a worker ended with an error: {task}")
    return task.workers * task.repeats * BATCH * FRAMES / seconds


def _ended(started: list["SpawnProcess"]) -> None:
    """Stop what still runs; a process that has ended stays in the system's table until joined."""
    for process in started:
        if process.pid is not None:
            process.terminate()
            process.join()


def _work(task: Task, worker: int, begin: "Barrier") -> None:
    """Render every batch of one worker, once all are ready."""
    try:
        _made_ready(task)
        _batch_s(task, 0)
    except Exception:
        begin.abort()  # or the others would wait for this one
        raise
    begin.wait(timeout=WAIT_S)
    for repeat in range(task.repeats):
        _batch_s(task, worker * task.repeats + repeat)


def training_step_s(*, repeats: int) -> float:
    """Return the median time of a step of `tiny` on one batch, rendering apart."""
    import torch

    from pulsephase.training.config import Machine
    from pulsephase.training.fit import prepare
    from pulsephase.training.module import batch_losses
    from pulsephase.training.network import build, of_recipe
    from pulsephase.training.recipes import recipe
    from pulsephase.training.sources import collate

    config = of_recipe(recipe("tiny"), seed=0, machine=Machine())
    net = build(config.network, seed=0).train()
    optimiser = torch.optim.AdamW(net.parameters(), config.optimiser.learning_rate)
    mixture = prepare(config).mixture
    batch = collate([mixture.training(index) for index in range(config.data.batch)])
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        loss = batch_losses(net, batch, weights=config.loss, device="cpu")[0].sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds[1:])[repeats // 2]


if __name__ == "__main__":
    print(json.dumps(row(Task(**json.loads(sys.argv[1])))))
