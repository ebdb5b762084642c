"""How fast the networks are: each figure in a process of its own, medians of wall time.

A stream is one face, one frame a call; a clip is 128 frames; a training step has 4 clips of 160
frames. The processes keep freed memory (``ALLOCATOR``): glibc otherwise returns every big tensor to
the system, and a clip takes about twice as long.

Parameters, multiply-adds and the memory of a stream are counted, not timed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from pulsephase.bench.memory import peak_memory_mb
from pulsephase.models.folded import Folded
from pulsephase.models.phasenet import PhaseNet

FRAMES = 8  # of the clip that is counted: every layer's cost is proportional to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of a network.

    Attributes:
        parameters: Trained numbers.
        macs_per_frame: Multiply-adds of convolutions and matrix products, a frame; permutations
            count nothing, and elementwise work (normalisation, the three temporal taps of a block,
            activations) is not counted either.
        state_bytes: What a stream of one face holds; 0 for the control that cannot stream.
    """

    parameters: int
    macs_per_frame: float
    state_bytes: int


def cost(net: PhaseNet) -> Cost:
    """Count what a network costs.

    Args:
        net: A network; it is run once on black frames, and left as it was.

    Example:
        >>> from pulsephase.models.config import TINY
        >>> cost(PhaseNet(TINY)).parameters
        83481
    """
    size, training = net.config.size, net.training
    like = net.stem.weight
    net.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(like.new_zeros(1, FRAMES, 3, size, size))
    net.train(training)
    state_bytes = Folded(net).initial_state(1).nbytes if net.config.causal else 0
    return Cost(
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        macs_per_frame=counter.get_total_flops() / (2 * FRAMES),
        state_bytes=state_bytes,
    )


CLIP_FRAMES, TRAIN_CLIPS, TRAIN_FRAMES = 128, 4, 160
REPEATS, QUICK_REPEATS = 15, 3
STREAM_FRAMES = 100  # a repeat of a stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One figure.

    Attributes:
        model: Name of the configuration.
        threads: Threads of torch or onnxruntime.
        engine: ``eager``, ``folded``, ``compiled`` or ``onnx``.
        mode: ``stream``, ``clip`` or ``train``.
        repeats: Times that it is measured; the median counts.
    """

    model: str
    threads: int
    engine: str
    mode: str
    repeats: int


def tasks(*, quick: bool, threads: int | None = None) -> list[Task]:
    """List what is measured here: without an engine's extra or a compiler, not that engine.

    Args:
        quick: Few repeats, only the forms that are meant for inference, and `paper` not by ONNX,
            whose export alone takes ten seconds.
        threads: Of everything; none means one, and two for training.
    """
    repeats = QUICK_REPEATS if quick else REPEATS
    asked = [("stream", "folded"), ("clip", "folded")]
    if find_spec("onnxruntime") and find_spec("onnxscript"):
        asked.append(("stream", "onnx"))
    if not quick:
        asked += [("stream", "eager"), ("clip", "eager")]
        if which("g++") or which("clang++"):
            asked.append(("clip", "compiled"))
    found = []
    for model in ("tiny", "base", "paper"):
        for mode, engine in asked:
            if quick and (model, engine) == ("paper", "onnx"):
                continue
            found.append(
                Task(model=model, threads=threads or 1, engine=engine, mode=mode, repeats=repeats)
            )
        if model != "paper":
            found.append(
                Task(
                    model=model,
                    threads=threads or 2,
                    engine="eager",
                    mode="train",
                    repeats=min(repeats, 5),
                )
            )
    return found


def measure(asked: list[Task]) -> Iterator[dict[str, Any]]:
    """Run each task in a fresh process, and yield its row.

    Raises:
        RuntimeError: If a process fails; says what it said.
    """
    from pulsephase.training.sources import ALLOCATOR

    for task in asked:
        count = str(task.threads)
        environment = {**os.environ, **ALLOCATOR, "OMP_NUM_THREADS": count}
        call = [sys.executable, "-m", "pulsephase.bench.models"]
        done = subprocess.run(
            [*call, json.dumps(asdict(task))], env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{task} failed: {done.stderr.strip()[-2000:]}")
        yield json.loads(done.stdout)


def row(task: Task) -> dict[str, Any]:
    """Measure one task in this process."""
    import torch

    from pulsephase.models.config import CONFIGS
    from pulsephase.models.phasenet import PhaseNet

    torch.set_num_threads(task.threads)
    torch.manual_seed(0)
    net = PhaseNet(CONFIGS[task.model]).eval()
    counted = cost(net)
    before = peak_memory_mb()
    run, frames = RUNS[task.mode](net, task)
    run()  # warm up
    seconds = []
    for _ in range(task.repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[len(seconds) // 2]
    grown = peak_memory_mb() - before
    found: dict[str, Any] = {
        "model": task.model,
        "size": net.config.size,
        "threads": task.threads,
        "engine": task.engine,
        "mode": task.mode,
        "ms_per_frame": round(1e3 * median / frames, 4),
        "parameters": counted.parameters,
        "macs_per_frame": round(counted.macs_per_frame),
        "state_bytes": counted.state_bytes,
        "peak_memory_mb": round(grown, 1),
    }
    if task.mode == "train":
        found["ms_per_step"] = round(1e3 * median, 1)
    return found


def _stream(net: Any, task: Task) -> tuple[Callable[[], None], int]:
    import torch

    from pulsephase.models.folded import Folded

    size = net.config.size
    frames = torch.rand(STREAM_FRAMES, 1, 3, size, size)

    def eager() -> None:
        state, one = net.initial_state(1), torch.ones(1, 1)
        with torch.inference_mode():
            for frame in frames:
                _, state = net.advance(frame[None], one, state)

    def folded() -> None:
        state = fold.initial_state(1)
        with torch.inference_mode():
            for frame in frames:
                _, state = fold.step(frame, 1.0, state)

    fold = Folded(net)
    if task.engine == "onnx":
        return _onnx(net, frames.numpy(), task.threads), STREAM_FRAMES
    return {"eager": eager, "folded": folded}[task.engine], STREAM_FRAMES


def _onnx(net: Any, frames: Any, threads: int) -> Callable[[], None]:
    import numpy as np

    from pulsephase.models.export import export_step
    from pulsephase.models.onnx_run import AFTER, BEFORE, initial_feed, session

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.onnx"
        export_step(net, path)
        running, start = session(path, threads=threads), initial_feed(path)
    names = ["pulse", *(name.replace(BEFORE, AFTER, 1) for name in start)]

    def run() -> None:
        state, one = start, np.ones(1, dtype=np.float32)
        for frame in frames:
            found = running.run(names, {"frame": frame, "frame_step": one, **state})
            state = dict(zip(start, found[1:], strict=True))

    return run


def _clip(net: Any, task: Task) -> tuple[Callable[[], None], int]:
    import torch

    from pulsephase.models.batchnorm_fold import fold

    size = net.config.size
    frames = torch.rand(1, CLIP_FRAMES, 3, size, size)
    used = net if task.engine == "eager" else fold(net)
    if task.engine == "compiled":
        used = torch.compile(used)

    def run() -> None:
        with torch.inference_mode():
            used(frames)

    return run, CLIP_FRAMES


def _train(net: Any, task: Task) -> tuple[Callable[[], None], int]:
    import torch

    from pulsephase.models.losses import LossWeights
    from pulsephase.training.module import batch_losses

    size = net.config.size
    batch = {
        "frames": torch.rand(TRAIN_CLIPS, TRAIN_FRAMES, 3, size, size),
        "pulse": torch.randn(TRAIN_CLIPS, TRAIN_FRAMES),
        "counts": torch.ones(TRAIN_CLIPS, TRAIN_FRAMES, dtype=torch.bool),
        "has_pulse": torch.ones(TRAIN_CLIPS, dtype=torch.bool),
        "heart_rate_bpm": torch.full((TRAIN_CLIPS,), 72.0),
    }
    optimiser = torch.optim.AdamW(net.parameters(), 1e-4)

    def run() -> None:
        net.train()
        loss = batch_losses(net, batch, weights=LossWeights(), device="cpu")[0].sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return run, TRAIN_CLIPS * TRAIN_FRAMES


RUNS = {"stream": _stream, "clip": _clip, "train": _train}


if __name__ == "__main__":
    print(json.dumps(row(Task(**json.loads(sys.argv[1])))))
