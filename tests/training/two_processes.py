"""Write the gradient of the first step, as a process of several: run by torchrun in a test."""

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pulsephase.training.config import TrainConfig
from pulsephase.training.fit import fit
from pulsephase.training.module import Training
from pulsephase.training.settings import from_plain


def gradient(config: TrainConfig) -> dict[str, Tensor]:
    """Return the gradient of the first step as it is before it is bounded."""
    found: dict[str, Tensor] = {}
    bound = Training.configure_gradient_clipping

    def spy(self: Training, *args: object, **options: object) -> None:
        if not found:
            for name, parameter in self.net.named_parameters():
                if parameter.grad is not None:
                    found[name] = parameter.grad.clone()
        bound(self, *args, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "configure_gradient_clipping", spy)
        trained = fit(config)
    return {**found, "loss": torch.tensor(trained.history[-1]["loss"])}


if __name__ == "__main__":
    results = [gradient(from_plain(plain)) for plain in json.loads(sys.argv[1])]
    if torch.distributed.get_rank() == 0:
        torch.save(results, Path(sys.argv[2]))
