"""Processes that train together: how many, where, and batch normalisation over all of them."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, final

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import Function, FunctionCtx

from pulsephase.errors import MissingExtraError, ParameterError
from pulsephase.training.config import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The processes of a training.

    Attributes:
        processes: On each node.
        nodes: How many.
    """

    processes: int
    nodes: int

    @property
    def ranks(self) -> int:
        """All processes."""
        return self.processes * self.nodes


def require_lightning() -> None:
    """See that the extra is there.

    Raises:
        MissingExtraError: If it is not.
    """
    for name in ("lightning", "tensorboard"):
        if find_spec(name) is None:
            raise MissingExtraError(
                f"training needs {name}, which is not installed; "
                "pip install 'pulsephase[train]' brings it"
            )


def world(machine: Machine) -> World:
    """Return the processes: those that torchrun started, or else those of the config."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        local = int(os.environ["LOCAL_WORLD_SIZE"])
        return World(processes=local, nodes=int(os.environ["WORLD_SIZE"]) // local)
    return World(processes=machine.processes, nodes=machine.nodes)


def hardware(machine: Machine, *, precision: str) -> dict[str, Any]:
    """Return what Lightning's trainer is told of the hardware.

    Raises:
        ParameterError: If the device cannot be shared so, or not at this precision.
    """
    from lightning.pytorch.strategies import DDPStrategy

    kind, _, number = machine.device.partition(":")
    if kind == "cpu" and precision == "16-mixed":
        raise ParameterError("optimiser.precision is 16-mixed, for GPUs; on a CPU use bf16-mixed")
    there = world(machine)
    told: dict[str, Any] = {
        "accelerator": {"cpu": "cpu", "cuda": "gpu"}.get(kind, kind),
        "devices": there.processes,
        "num_nodes": there.nodes,
    }
    if number:
        if there.ranks > 1:
            raise ParameterError(
                f"machine.device is {machine.device!r}, for one process; name {kind!r} for several"
            )
        told["devices"] = [int(number)]
    if there.ranks > 1:
        backend = "nccl" if kind == "cuda" else "gloo"
        told["strategy"] = DDPStrategy(process_group_backend=backend, broadcast_buffers=False)
    return told


class AllReduceSum(Function):
    r"""Sum a tensor over all processes.

    .. math:: y = \sum_r x_r, \qquad
              \frac{\partial \sum_s L_s}{\partial x_r} = \sum_s \frac{\partial L_s}{\partial y}

    The loss is that of all processes together, so the gradient is a sum over them, too.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        """Return the sum."""
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Any) -> Tensor:
        """Return the sum of the gradients."""
        total: Tensor = grads[0].clone()
        dist.all_reduce(total)
        return total


def all_sum(x: Tensor) -> Tensor:
    """Sum a tensor over all processes, differentiably; alone, return it."""
    if not (dist.is_available() and dist.is_initialized()):
        return x
    total: Tensor = AllReduceSum.apply(x)  # type: ignore[no-untyped-call]
    return total


@final
class AllBatchNorm2d(nn.BatchNorm2d):
    r"""Batch normalisation with the statistics of all processes' frames together.

    .. math:: m = \frac{\sum_r \sum x_r}{\sum_r n_r}, \qquad
              v = \frac{\sum_r \sum (x_r - m)^2}{\sum_r n_r}, \qquad
              y = \gamma\,\frac{x - m}{\sqrt{v + \epsilon}} + \beta

    In two passes, since the difference of mean square and squared mean loses digits. Names of
    parameters and buffers are those of ``BatchNorm2d``; in inference it is that.
    """

    def forward(
        self, input: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel height width"]:
        """Normalise, and move the running statistics along."""
        if not self.training:
            return super().forward(input)
        x = input.to(self.weight.dtype)
        count = all_sum(x.new_tensor(x.numel() / x.shape[1]))
        mean = all_sum(x.sum((0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = all_sum(centred.square().sum((0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.momentum is not None
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


def over_all_processes(module: nn.Module) -> nn.Module:
    """Replace every ``BatchNorm2d`` by one over all processes, of the same names and values."""
    for name, part in module.named_children():
        if type(part) is nn.BatchNorm2d:
            whole = AllBatchNorm2d(part.num_features, eps=part.eps, momentum=part.momentum)
            whole.load_state_dict(part.state_dict())
            whole.train(part.training)
            setattr(module, name, whole)
        else:
            over_all_processes(part)
    return module
