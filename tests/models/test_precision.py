"""Half precision and torch.compile do not change the pulse beyond what is said here."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render

# Largest difference over the wave's peak. A step of bfloat16 is 2^-8, of float16 2^-11: a few
# such roundings add up; the running mean, the differences and the sums of torch stay in float32.
AUTOCAST = {torch.bfloat16: 0.015, torch.float16: 0.002}
COMPILED = 1e-5


def change(expected: torch.Tensor, found: torch.Tensor) -> float:
    return float((found.float() - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("dtype", AUTOCAST)
def test_autocast_keeps_the_pulse(dtype: torch.dtype) -> None:
    """On faces: on frames of noise the network follows each rounding further."""
    net = PhaseNet.from_pretrained("tiny")
    easy = replace(preset("easy"), size=36, frames=120)
    frames = torch.stack([render(seed, easy).frames for seed in (1, 2)])
    with torch.no_grad():
        expected = net(frames)
        with torch.autocast("cpu", dtype):
            found = net(frames)
    assert found.dtype == dtype  # it was really in half precision
    assert 0 < change(expected, found) < AUTOCAST[dtype]


# On its own: the shape checks that pytest switches on cannot be traced.
COMPILE = """
import torch
from networks import crops, small
graphs = []
def counted(graph, example):
    graphs.append(graph)
    return torch._inductor.compile(graph, example)
net, frames = small("head=gated"), crops(4, seed=2)
with torch.no_grad():
    expected = net(frames)
    found = torch.compile(net.forward, backend=counted)(frames)
print(len(graphs), float((found - expected).abs().max() / expected.abs().max()))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which(os.environ.get("CXX", "g++")) is None, reason="torch.compile needs a C++ compiler"
)
def test_compiling_keeps_the_pulse() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", COMPILE]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    graphs, difference = done.stdout.split()
    assert int(graphs) >= 1  # something was compiled
    assert float(difference) < COMPILED
