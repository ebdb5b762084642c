"""How many processes train together, and where: by the config, or by whoever launched us."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from pulsephase.errors import MissingExtraError, ParameterError
from pulsephase.experiments.training.config import Machine


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
