"""The training step: sums of losses, one normaliser for all of a step, averaged weights.

A step is the clips of all processes in all parts. Each part gives the *sum* of its clips' losses;
before the optimiser steps, the gradient is divided by the count of pulse-bearing clips over all of
them, so that neither the number of processes nor of parts changes it.
"""

from collections.abc import Callable
from typing import Any, cast, final

import torch
from jaxtyping import Bool, Float
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pulsephase.errors import TrainingError
from pulsephase.models.causality import frozen_statistics
from pulsephase.models.losses import LossWeights, clip_losses, normaliser, tally
from pulsephase.models.phasenet import PhaseNet
from pulsephase.training.config import TrainConfig
from pulsephase.training.distributed import all_sum, over_all_processes
from pulsephase.training.sources import Batch, Feed, Relabel, as_it_is, relabelled


def as_colour(frames: Tensor, dtype: torch.dtype) -> Float[Tensor, "batch time 3 height width"]:
    """Bring frames to 0..1; caches hold bytes."""
    return frames.to(dtype) if frames.is_floating_point() else frames.to(dtype) / 255


def aligned(
    pulse: Float[Tensor, "batch time"],
    counts: Bool[Tensor, "batch time"],
    *,
    warmup: int,
    delay: int,
) -> tuple[Float[Tensor, "batch kept"], Bool[Tensor, "batch kept"]]:
    r"""Return what the network should say, :math:`z(t - d)`, from the warm-up on, and where it can.

    A sample counts if the one it speaks of does, and the one it is spoken at: the face was seen at
    both.
    """
    time = pulse.shape[1]
    told = slice(warmup - delay, time - delay)
    return pulse[:, told], counts[:, told] & counts[:, warmup:]


def batch_losses(
    net: PhaseNet, batch: Batch, *, weights: LossWeights, device: torch.device | str
) -> tuple[Float[Tensor, " batch"], Float[Tensor, "2"]]:
    """Return the loss of each clip, and the tally that their sum is divided by.

    The output's warm-up is cut off, the target delayed as the network's config says. What
    mixed precision there is ends with the network.
    """
    config = net.config
    dtype = net.stem.weight.dtype
    wave = net(as_colour(batch["frames"].to(device), dtype))[:, config.warmup :].to(dtype)
    target, counts = aligned(
        batch["pulse"].to(device, wave.dtype),
        batch["counts"].to(device),
        warmup=config.warmup,
        delay=config.delay,
    )
    has_pulse = batch["has_pulse"].to(device)
    losses = clip_losses(
        wave,
        target,
        has_pulse,
        batch["heart_rate_bpm"].to(device, wave.dtype),
        sample_hz=config.sample_hz,
        weights=weights,
        counts=counts,
    )
    return losses, tally(has_pulse, counts)


@final
class Meter:
    """The mean loss of a stretch of steps, over all processes."""

    def __init__(self) -> None:
        self._total = torch.zeros(3)

    def add(self, losses: Tensor, tally: Tensor) -> None:
        """Add the sum of some losses, and the tally of their clips."""
        self._total = self._total.to(tally) + torch.cat([losses[None], tally])

    def take(self) -> float:
        """Return the mean, and begin anew."""
        total, self._total = self.held(), torch.zeros(3)
        return float(total[0] / normaliser(total[1:]))

    def held(self) -> Tensor:
        """Return sum and tally over all processes."""
        return all_sum(self._total)

    def hold(self, total: Tensor) -> None:
        """Go on from a sum and tally."""
        self._total = total


@final
class Training(LightningModule):
    """A network in training, beside its average.

    Args:
        net: The network before the first step.
        config: Of the training.
        relabel: What is done to each batch.

    Attributes:
        feed: Makes the feed of clips, from the step that is reached on.
        averaged: The average of the weights over the steps, which is what is kept.
        meters: Mean losses since the last row of the log, and since the last validation.
        last_loss: Of the last part of a step.
        gradient_norm: Of the last step, before it was bounded.
    """

    def __init__(self, net: PhaseNet, config: TrainConfig, *, relabel: Relabel = as_it_is) -> None:
        super().__init__()
        self._relabel = relabel
        self.config = config
        decay = get_ema_multi_avg_fn(config.optimiser.ema)  # type: ignore[no-untyped-call]
        self.averaged = AveragedModel(net, multi_avg_fn=decay, use_buffers=True)
        self.averaged.requires_grad_(False)
        self.net = net
        self.feed: Callable[[], Feed] | None = None
        self.fed: Feed | None = None
        self.meters = (Meter(), Meter())
        self.last_loss = float("nan")
        self.gradient_norm = float("nan")
        self._step_tally: Tensor = torch.zeros(2)
        self._names: list[str] = []
        self.train()  # Lightning trains in whatever mode it finds

    @property
    def average(self) -> PhaseNet:
        """The averaged network."""
        return cast(PhaseNet, self.averaged.module)

    def train_dataloader(self) -> Feed:
        """Return the clips that are still to come."""
        assert self.feed is not None
        self.fed = self.feed()
        return self.fed

    def setup(self, stage: str) -> None:
        """Take batch statistics over all processes, where there are several."""
        if self.trainer.world_size > 1:
            over_all_processes(self.net)

    def train(self, mode: bool = True) -> "Training":
        """Set the mode; the average is only ever read, and frozen statistics stay."""
        super().train(mode)
        self.averaged.eval()
        if self.config.optimiser.statistics == "frozen":
            frozen_statistics(self.net)
        return self

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the sum of the losses of a part of a step.

        Raises:
            TrainingError: If one is not finite; names the clips.
        """
        batch = relabelled(batch, self._relabel)
        losses, tally = batch_losses(self.net, batch, weights=self.config.loss, device=self.device)
        self._names += batch["names"]
        bad = ~torch.isfinite(losses.detach())
        if bool(bad.any()):
            names = [
                name for name, wrong in zip(batch["names"], bad.tolist(), strict=True) if wrong
            ]
            raise TrainingError(
                f"the loss is {losses[bad][0].item()} at step {self.global_step + 1}, on "
                f"{', '.join(names)}"
            )
        self._step_tally = self._step_tally.to(tally) + tally
        total = losses.detach().sum()
        for meter in self.meters:
            meter.add(total, tally)
        self.last_loss = float(total / normaliser(tally))
        return losses.sum()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Divide the gradient by the count over all processes and parts.

        Until now it is that of the sums, divided by the parts (Lightning) and by the processes
        (its average over them).
        """
        counted = normaliser(all_sum(self._step_tally))
        factor = self.trainer.world_size * self.config.data.accumulate / counted
        for parameter in self.net.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(factor)
        self._step_tally = torch.zeros_like(self._step_tally)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Bound the gradient's norm.

        Raises:
            TrainingError: If it is not finite; names the clips. At 16-bit floats the scaler skips
                such a step instead.
        """
        norm = torch.nn.utils.clip_grad_norm_(
            self.net.parameters(), self.config.optimiser.clip_norm
        )
        self.gradient_norm = float(norm)
        if self.config.optimiser.precision != "16-mixed" and not bool(torch.isfinite(norm)):
            raise TrainingError(
                f"the gradient is {self.gradient_norm} at step {self.global_step + 1}, on "
                f"{', '.join(self._names)}"
            )
        self._names.clear()

    def configure_optimizers(self) -> Any:
        """Return AdamW on one cycle."""
        options = self.config.optimiser
        optimiser = AdamW(
            self.net.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        schedule = OneCycleLR(
            optimiser,
            options.learning_rate,
            total_steps=options.steps + 1,
            pct_start=options.rise,
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def average_in(self) -> None:
        """Take the weights of this step into the average."""
        self.averaged.update_parameters(self.net)
