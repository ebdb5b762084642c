"""Layers: on the constructive weights all that is shown is known in closed form."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import SMALL, small

from pulsephase.interpret import layers
from pulsephase.interpret.context import QUICK, Context
from pulsephase.interpret.layers import (
    kernels_of_inputs,
    mean_layers,
    pencil_table,
    through_depth,
    view,
)
from pulsephase.interpret.subject import Foreign, network_of
from pulsephase.models.constructive import load_gated, load_linear, oscillator_system
from pulsephase.models.tcn import DilatedStack, GatedTCN, SymmetricTCN, UngatedTCN
from pulsephase.physics.doubling import StateSpace, doubling_stack, side_by_side
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.tensor_train import tensor_train_stack
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render

SAMPLE_HZ = 30.0
MODES = [
    Oscillator.from_natural_hz(1.2, damping=0.3),
    Oscillator.from_rates(fast_per_s=12.0, slow_per_s=3.0),
]
FREQUENCIES = np.geomspace(0.1, 15.0, 20)


def system(modes: list[Oscillator] = MODES) -> StateSpace:
    return side_by_side([oscillator_system(mode, step_s=1 / SAMPLE_HZ) for mode in modes])


def planted(*, width: int = 4, depth: int = 6) -> UngatedTCN:
    """Return the doubling identity in a basis of no meaning: the law is about no basis."""
    head = UngatedTCN(1, width, layers=depth, kernel=2).double()
    load_linear(head, doubling_stack(system(), layers=depth))
    rng = np.random.default_rng(0)
    turned = torch.from_numpy(np.linalg.qr(rng.standard_normal((width, width)))[0] + 0.2)
    back = torch.linalg.inv(turned)
    with torch.no_grad():
        head.inward.weight.copy_(torch.einsum("oj,jik->oik", turned, head.inward.weight))
        head.outward.weight.copy_(torch.einsum("ojk,ji->oik", head.outward.weight, back))
        for layer in head.residual_layers():
            layer.gates.weight.copy_(torch.einsum("ojk,ji->oik", layer.gates.weight, back))
            layer.out.weight.copy_(torch.einsum("oj,jik->oik", turned, layer.out.weight))
    return head


def signals(channels: int = 1, *, size: float = 1.0) -> torch.Tensor:
    return size * torch.from_numpy(np.random.default_rng(1).standard_normal((2, 100, channels)))


def fourier(kernel: np.ndarray) -> np.ndarray:
    turns = 2 * np.pi * FREQUENCIES / SAMPLE_HZ
    return np.exp(-1j * np.outer(turns, np.arange(len(kernel)))) @ kernel


def test_the_pencil_of_an_interior_layer_holds_the_planted_poles() -> None:
    head = planted()
    assert np.abs(kernels_of_inputs(head)[:, 0] - system().kernel(64)).max() < 1e-12
    table = pencil_table(head, sample_hz=SAMPLE_HZ)
    assert table["applies"]
    assert [row["layer"] for row in table["layers"]] == [2, 3]  # 4 channels on either side
    poles = np.array([pole for mode in MODES for pole in mode.poles_per_s])
    for row in table["layers"]:
        found = np.array([complex(*pole) for pole in row["poles_per_s"]])
        assert np.abs(found[:, None] - poles).min(0).max() < 1e-6
        powers = np.exp(poles / SAMPLE_HZ) ** row["dilation"]
        eigenvalues = np.array([complex(*value) for value in row["eigenvalues"]])
        assert np.abs(eigenvalues[:, None] - powers).min(0).max() < 1e-9


def test_permuted_taps_are_no_stack_of_least_width() -> None:
    kernel = np.random.default_rng(0).permutation(system().kernel(64))
    stack = tensor_train_stack(kernel)
    head = UngatedTCN(1, max(stack.widths), layers=6, kernel=2).double()
    load_linear(head, stack)
    assert np.abs(kernels_of_inputs(head)[:, 0] - kernel).max() < 1e-9
    table = pencil_table(head, sample_hz=SAMPLE_HZ)
    assert not table["applies"] and "needs 8" in table["reason"]


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (GatedTCN(1, 4, layers=5, kernel=2), "gates"),
        (UngatedTCN(1, 4, layers=5, kernel=3), "3 taps"),
    ],
)
def test_where_the_law_does_not_apply_no_numbers_are_given(head: DilatedStack, reason: str) -> None:
    table = pencil_table(head.double(), sample_hz=SAMPLE_HZ)
    assert table["applies"] is False
    assert reason in table["reason"]
    assert set(table) == {"applies", "reason"}


def test_a_stack_wider_than_its_kernel_needs_is_told_so() -> None:
    head = UngatedTCN(1, 6, layers=6, kernel=2).double()
    load_linear(head, doubling_stack(system(), layers=6))
    table = pencil_table(head, sample_hz=SAMPLE_HZ)
    assert not table["applies"]
    assert "6 channels" in table["reason"] and "needs 4" in table["reason"]


def test_the_response_through_depth_is_that_of_the_doubled_kernel() -> None:
    """Behind l layers the doubling identity has the first 2^l taps of the kernel."""
    head = planted()
    means, _ = mean_layers(head, signals())
    turns = 2 * np.pi * FREQUENCIES / SAMPLE_HZ
    depth = through_depth(head, means, turns)
    for level, found in enumerate(depth):
        np.testing.assert_allclose(found[:, 0], fourier(system().kernel(2**level)), atol=1e-10)


def test_small_signals_see_the_gated_network_as_the_linear_one() -> None:
    stack = doubling_stack(system(), layers=5)
    gated = GatedTCN(1, 4, layers=5, kernel=2).double()
    load_gated(gated, stack, scale=1e-3)
    shown = view(gated, signals(), FREQUENCIES, SAMPLE_HZ)
    final = np.array(shown["layers"][-1]["through_depth_gain"])
    np.testing.assert_allclose(final, np.abs(fourier(system().kernel(32))), rtol=1e-4)
    assert all(row["gate_open"] == pytest.approx(0.5) for row in shown["layers"])
    assert all(row["gate_moves"] < 1e-9 for row in shown["layers"])


def test_a_mean_layer_is_the_mean_derivative_of_the_layer() -> None:
    head = small("head=gated", dtype=torch.float64).head
    assert isinstance(head, GatedTCN)
    read = signals(head.inward.in_channels, size=2.0)
    means, gates = mean_layers(head, read)
    first = head.residual_layers()[0]
    with torch.no_grad():
        h = head.inward(read.transpose(1, 2))
    push = torch.from_numpy(np.random.default_rng(2).standard_normal(h.shape[1]))[None, :, None]
    push = 1e-5 * push.expand(len(h), -1, first.past)
    with torch.no_grad():
        ahead, _ = first(h + push[..., :1], push)
        behind, _ = first(h - push[..., :1], -push)
    change = ((ahead - behind) / 2e-5).mean((0, 2)).numpy()
    expected = means[0].taps.sum(2) @ push[0, :, 0].numpy() / 1e-5
    np.testing.assert_allclose(expected, change, rtol=1e-6, atol=1e-7)
    assert 0 < gates[0]["tanh_slope"] < 1


def test_a_symmetric_stack_has_its_residual_beside_the_middle_tap() -> None:
    """At rest the built-up response is that of the exact impulse response, both sides of it."""
    head = small("head=symmetric", dtype=torch.float64).head
    assert isinstance(head, SymmetricTCN)
    channels, frames, at = head.inward.in_channels, 201, 100
    with torch.no_grad():
        for layer in head.residual_layers():  # constant operating points: the mean is the layer
            layer.gates.bias.zero_()
            layer.out.bias.zero_()
        head.inward.bias.zero_()
    still = torch.zeros(1, frames, channels, dtype=torch.float64)
    means, _ = mean_layers(head, still)
    turns = 2 * np.pi * FREQUENCIES / SAMPLE_HZ
    shown = np.abs(through_depth(head, means, turns)[-1])
    impulses = torch.zeros(channels, frames, channels, dtype=torch.float64)
    impulses[range(channels), at, range(channels)] = 1e-6
    with torch.no_grad():
        kernels = (head(impulses, ())[0] - head(still, ())[0]).numpy() / 1e-6
    exact = np.abs(np.exp(-1j * np.outer(turns, np.arange(frames))) @ kernels.T)
    np.testing.assert_allclose(shown, exact, rtol=1e-4, atol=1e-7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_layers_are_read_off_a_network_on_a_gpu() -> None:
    clip = render(1, replace(preset("easy"), size=SMALL.size, frames=40))
    for name in ("head=gated", "head=ungated"):
        found = [
            layers.section(
                Context(
                    subject=network_of(small(name), name=name, device=device),
                    clips=(clip,),
                    budget=QUICK,
                )
            )
            for device in ("cpu", "cuda")
        ]
        shown = [np.array(each["layers"][-1]["through_depth_gain"]) for each in found]
        np.testing.assert_allclose(*shown, rtol=1e-6)


def test_the_section_is_plain_data_and_withheld_where_there_are_no_layers() -> None:
    clip = render(1, replace(preset("easy"), size=SMALL.size, frames=40))
    for name in ("head=gated", "head=symmetric", "head=gru"):
        subject = network_of(small(name), name=name)
        found = layers.section(Context(subject=subject, clips=(clip,), budget=QUICK))
        json.dumps(found, allow_nan=False)
        assert ("withheld" in found) == (name == "head=gru")
        assert len(found["before_the_head"]) == len(SMALL.est_channels)
    foreign = Foreign(function=lambda x: x.mean((2, 3, 4)), name="mean", size=12, sample_hz=30.0)
    assert "withheld" in layers.section(Context(subject=foreign, clips=(clip,)))
