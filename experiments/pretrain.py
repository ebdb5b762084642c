"""Pretrain PHASE-Net on synthetic clips that are made on the fly.

Reads from top to bottom: data, network, schedule, loop, validation, weights. The averaged weights
with the lowest loss on held-out synthetic clips are kept; no real video is looked at.
"""

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from pulsephase import __version__
from pulsephase.experiments.recipes import SEED_STRIDE, TRAINING_SEED, VALIDATION_SEED, Recipe
from pulsephase.models.config import CONFIGS
from pulsephase.models.losses import pulse_loss
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import save
from pulsephase.synthetic.dataset import SyntheticClips
from pulsephase.synthetic.presets import preset

# glibc returns big tensors to the system on every free; a renderer started with these keeps them.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """The outcome of a pretraining.

    Attributes:
        net: The network with the averaged weights, in inference mode.
        recipe: What was asked.
        seed: Of initialisation and clips.
        clips: Training clips seen.
        seconds: Wall time of the loop, validations included.
        history: Step, training loss (mean since the last row) and validation loss.
        best_step: Step of the weights kept.
    """

    net: PhaseNet
    recipe: Recipe
    seed: int
    clips: int
    seconds: float
    history: tuple[dict[str, int | float], ...]
    best_step: int


def batches(recipe: Recipe, seed: int, *, workers: int) -> DataLoader[dict[str, Tensor]]:
    """Return the endless stream of training batches, the same whatever the workers."""
    network = CONFIGS[recipe.network]
    config = replace(
        preset(recipe.preset),
        size=network.size,
        frames=recipe.frames,
        sample_hz=network.sample_hz,
        no_pulse_probability=recipe.no_pulse,
    )
    clips = SyntheticClips(config, base_seed=TRAINING_SEED + seed * SEED_STRIDE, batch=recipe.batch)
    return DataLoader(
        clips,
        batch_size=recipe.batch,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        multiprocessing_context="spawn" if workers else None,
    )


def validation_batches(recipe: Recipe) -> list[dict[str, Tensor]]:
    """Render the held-out clips once."""
    network = CONFIGS[recipe.network]
    config = replace(
        preset(recipe.preset),
        size=network.size,
        frames=recipe.frames,
        sample_hz=network.sample_hz,
    )
    loader = DataLoader(SyntheticClips(config, base_seed=VALIDATION_SEED), batch_size=recipe.batch)
    source = iter(loader)
    return [next(source) for _ in range(-(-recipe.validation_clips // recipe.batch))]


def loss_of(net: PhaseNet, batch: dict[str, Tensor], recipe: Recipe, device: str) -> Tensor:
    """Return the loss of a batch, warm-up cut off and the target delayed as the config says."""
    config = net.config
    wave = net(batch["frames"].to(device))[:, config.warmup :]
    pulse = batch["pulse"].to(device, wave.dtype)
    target = pulse[:, config.warmup - config.delay : pulse.shape[1] - config.delay]
    return pulse_loss(
        wave,
        target,
        batch["has_pulse"].to(device),
        batch["heart_rate_bpm"].to(device, wave.dtype),
        sample_hz=config.sample_hz,
        weights=recipe.loss,
    )


def validate(
    net: PhaseNet, held_out: list[dict[str, Tensor]], recipe: Recipe, device: str
) -> float:
    """Return the mean loss over the held-out clips."""
    net.eval()
    with torch.inference_mode():
        losses = [loss_of(net, batch, recipe, device).item() for batch in held_out]
    return sum(losses) / len(losses)


def pretrain(
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "cpu",
    workers: int = 1,
    report: Callable[[int, float], None] = lambda step, loss: None,
    relabel: Callable[[dict[str, Tensor]], dict[str, Tensor]] = lambda batch: batch,
) -> Pretrained:
    """Train a network by a recipe.

    Args:
        recipe: What to train on, and for how long.
        seed: Of initialisation and clips.
        device: Torch device of the network.
        workers: Processes that render clips; 0 renders in this one.
        report: Called after each step with the step's number and loss.
        relabel: What is done to each batch, held-out ones too: the control of shuffled labels.

    Raises:
        RuntimeError: If the loss is not finite; names step and clips.
    """
    os.environ.update(ALLOCATOR)  # inherited by the renderers
    torch.manual_seed(seed)
    start = time.perf_counter()
    net = PhaseNet(CONFIGS[recipe.network]).to(device)
    decay = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
    averaged = AveragedModel(net, multi_avg_fn=decay, use_buffers=True)
    smooth = cast(PhaseNet, averaged.module)
    optimiser = AdamW(net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps + 1, pct_start=0.05
    )
    held_out = [relabel(batch) for batch in validation_batches(recipe)]
    best, best_step, kept = float("inf"), 0, {}
    history: list[dict[str, int | float]] = []
    recent: list[float] = []
    for step, batch in _numbered(batches(recipe, seed, workers=workers), recipe.steps):
        net.train()
        loss = loss_of(net, relabel(batch), recipe, device)
        if not bool(torch.isfinite(loss)):
            first = TRAINING_SEED + seed * SEED_STRIDE + (step - 1) * recipe.batch
            raise RuntimeError(f"loss is {loss.item()} at step {step}, clip seeds from {first}")
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), recipe.clip_norm)
        optimiser.step()
        schedule.step()
        averaged.update_parameters(net)
        recent.append(loss.item())
        report(step, recent[-1])
        if step % recipe.validate_every == 0 or step == recipe.steps:
            measured = validate(smooth, held_out, recipe, device)
            history.append(
                {"step": step, "loss": sum(recent) / len(recent), "validation_loss": measured}
            )
            recent.clear()
            if measured < best:
                best, best_step = measured, step
                kept = {k: v.detach().clone() for k, v in smooth.state_dict().items()}
    net.load_state_dict(kept)
    return Pretrained(
        net=net.eval(),
        recipe=recipe,
        seed=seed,
        clips=recipe.steps * recipe.batch,
        seconds=time.perf_counter() - start,
        history=tuple(history),
        best_step=best_step,
    )


def _numbered(
    source: DataLoader[dict[str, Tensor]], steps: int
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    yield from zip(range(1, steps + 1), source, strict=False)


def revision() -> str:
    """Return the revision of the checkout, or the version where there is none."""
    folder = Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return found.stdout.strip()


def card_of(result: Pretrained) -> dict[str, object]:
    """Return what a reader of the weights must know of how they came to be."""
    return {
        "data": "synthetic video only",
        "recipe": asdict(result.recipe),
        "seed": result.seed,
        "clips": result.clips,
        "seconds": round(result.seconds, 1),
        "best_step": result.best_step,
        "history": list(result.history),
        "revision": revision(),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def store(result: Pretrained, path: Path, *, extra: dict[str, object]) -> None:
    """Write the weights, with the card and ``extra`` results in their metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save(
        path,
        config=result.net.config,
        tensors=result.net.state_dict(),
        card={**card_of(result), **extra},
    )
