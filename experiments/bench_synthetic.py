"""How fast the generator is: each figure in a process of its own, medians of wall time.

One clip is rendered after the other, as training does; ``batch`` clips of ``frames`` frames make a
repeat. The processes keep freed memory (``ALLOCATOR``), as the renderers of a training do. Peak
memory is what the process grew by, imports apart.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from pulsephase.experiments.peak_memory import peak_memory_mb

SIZES = (36, 72, 128)
FRAMES, BATCH = 160, 4
REPEATS, QUICK_REPEATS = 12, 5
TRAIN_STEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One figure.

    Attributes:
        size: Height and width of the crops in pixels.
        threads: Threads of torch.
        device: Torch device of the pixels.
        repeats: Times that a batch is rendered; the median counts.
        training: Whether a training step of `tiny` is timed beside it.
    """

    size: int
    threads: int
    device: str
    repeats: int
    training: bool = False


def tasks(*, quick: bool, threads: int | None = None, device: str = "cpu") -> list[Task]:
    """List what is measured.

    Args:
        quick: Few repeats, one thread.
        threads: Of every figure; none means one, and two too if there is time.
        device: Torch device.
    """
    repeats = QUICK_REPEATS if quick else REPEATS
    counts = (threads,) if threads else (1,) if quick else (1, 2)
    found = [
        Task(size=size, threads=count, device=device, repeats=repeats)
        for size in SIZES
        for count in counts
    ]
    share = Task(size=36, threads=1, device=device, repeats=repeats, training=True)
    return [*found, share] if device == "cpu" else found


def measure(asked: list[Task]) -> Iterator[dict[str, Any]]:
    """Run each task in a fresh process, and yield its row.

    Raises:
        RuntimeError: If a process fails; says what it said.
    """
    from pulsephase.experiments.training.batches import ALLOCATOR

    for task in asked:
        environment = {**os.environ, **ALLOCATOR, "OMP_NUM_THREADS": str(task.threads)}
        call = [sys.executable, "-m", "pulsephase.experiments.bench_synthetic"]
        done = subprocess.run(
            [*call, json.dumps(asdict(task))], env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{task} failed: {done.stderr.strip()[-2000:]}")
        yield json.loads(done.stdout)


def row(task: Task) -> dict[str, Any]:
    """Measure one task in this process."""
    import torch

    from pulsephase.synthetic.presets import preset
    from pulsephase.synthetic.render import render

    torch.set_num_threads(task.threads)
    config = replace(preset("full"), size=task.size, frames=FRAMES)
    render(0, replace(config, frames=8), device=task.device)
    before = peak_memory_mb()
    seconds = []
    for repeat in range(task.repeats):
        start = time.perf_counter()
        seeds = range(BATCH * repeat, BATCH * (repeat + 1))
        batch = torch.stack([render(seed, config, device=task.device).frames for seed in seeds])
        float(batch[-1, -1, -1, -1, -1])  # waits for the device
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[len(seconds) // 2]
    found: dict[str, Any] = {
        "size": task.size,
        "threads": task.threads,
        "device": task.device,
        "batch": BATCH,
        "frames_per_s": round(BATCH * FRAMES / median),
        "peak_memory_mb": round(peak_memory_mb() - before, 1),
    }
    if task.training:
        step = training_step_s(repeats=TRAIN_STEPS)
        found["share_of_training"] = round(median / (median + step), 3)
    return found


def training_step_s(*, repeats: int) -> float:
    """Return the median time of a step of `tiny` on one batch, rendering apart."""
    import torch

    from pulsephase.experiments.recipes import recipe
    from pulsephase.experiments.training.config import Machine
    from pulsephase.experiments.training.network import build, of_recipe
    from pulsephase.experiments.training.objective import batch_losses
    from pulsephase.experiments.training.prepare import prepare
    from pulsephase.experiments.training.sources import collate

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
