"""A camera that sees noise and nothing else: the network may hum, but no rate is given."""

import numpy as np
import pytest
import torch
from networks import crops

from pulsephase.models.folded import Folded
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import shipped
from pulsephase.vitals.heart_rate import heart_rate

CLIPS, FRAMES = 24, 405


def waves(net: PhaseNet, level: float) -> np.ndarray:
    """Return the waves of still images of random pixels under noise, 12 s each."""
    folded = Folded(net)
    state, samples = folded.initial_state(CLIPS), []
    still = crops(1, size=net.config.size, batch=CLIPS)[:, 0]
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for _ in range(FRAMES):
            noise = level * torch.randn(still.shape, generator=generator)
            sample, state = folded.step((still + noise).clamp(0, 1), 1.0, state)
            samples.append(sample)
    return torch.stack(samples, 1)[:, net.config.warmup :].numpy()


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("level", [0.01, 0.2])
def test_pure_pixel_noise_has_no_heart_rate(name: str, level: float) -> None:
    net = PhaseNet.from_pretrained(name)
    found = [heart_rate(wave, sample_hz=30.0, method="phasenet") for wave in waves(net, level)]
    assert np.mean([each.bpm is None for each in found]) >= 0.95
