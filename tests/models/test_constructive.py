"""The theory's kernels loaded into the networks that are trained: equal, or within the bound."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.models.config import BASE
from pulsephase.models.constructive import (
    gate_scale,
    gated_bound,
    impulse_response,
    load_gated,
    load_linear,
    oscillator_system,
)
from pulsephase.models.tcn import GatedTCN, UngatedTCN
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.doubling import doubling_stack, side_by_side, three_tap_stack
from pulsephase.physics.kernels import kernel
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.stack import Stack
from pulsephase.physics.truncation import minimal_taps
from pulsephase.physics.width_theorem import sylvester_stack, sylvester_width

STEP_S = 1 / 30
MODES = {
    "rings": Oscillator.from_natural_hz(2.0, damping=0.5),
    "critical": Oscillator.from_natural_hz(1.2, damping=1.0),
    "creeps": Oscillator.from_natural_hz(4.0, damping=2.0),
}


def analytic(mode: Oscillator, *, taps: int) -> np.ndarray:
    """The kernel from its closed form: omega^2 times the hold's, read after the update."""
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)
    return mode.omega_rad_s**2 * kernel(law, taps=taps + 1)[1:]


def layers_for(mode: Oscillator, *, tolerance: float) -> int:
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)
    return int(np.ceil(np.log2(minimal_taps(law, tolerance=tolerance))))


def relative(found: torch.Tensor, wanted: np.ndarray) -> float:
    """Error in the l1 norm: the largest error of the output, over its largest value."""
    return float(np.abs(found.numpy() - wanted).sum() / np.abs(wanted).sum())


@pytest.mark.parametrize("name", MODES)
def test_the_linear_network_is_the_oscillator(name: str) -> None:
    mode = MODES[name]
    layers = layers_for(mode, tolerance=1e-7)
    head = UngatedTCN(3, 5, layers=layers, kernel=2).double()
    load_linear(head, doubling_stack(oscillator_system(mode, step_s=STEP_S), layers=layers))
    found = impulse_response(head, length=400)
    assert relative(found, analytic(mode, taps=400)) <= 1e-6
    within = 2**layers
    assert relative(found[:within], analytic(mode, taps=within)) <= 1e-13
    assert (found[within:] == 0).all()


def test_one_layer_less_is_not_enough() -> None:
    mode = MODES["rings"]
    layers = layers_for(mode, tolerance=1e-7) - 2
    head = UngatedTCN(1, 2, layers=layers, kernel=2).double()
    load_linear(head, doubling_stack(oscillator_system(mode, step_s=STEP_S), layers=layers))
    assert relative(impulse_response(head, length=400), analytic(mode, taps=400)) > 1e-3


def test_two_modes_in_the_head_of_base() -> None:
    modes = [MODES["rings"], Oscillator.from_natural_hz(5.0, damping=0.3)]
    system = side_by_side([oscillator_system(mode, step_s=STEP_S) for mode in modes])
    head = UngatedTCN(256, BASE.width, layers=BASE.layers, kernel=BASE.kernel).double()
    load_linear(head, three_tap_stack(system, layers=BASE.layers))
    wanted = sum(analytic(mode, taps=300) for mode in modes)
    assert relative(impulse_response(head, length=300), wanted) <= 1e-6


def test_any_kernel_of_the_field_fits_by_the_width_theorem() -> None:
    numbers = np.random.default_rng(0).integers(-9, 10, 31)
    stack = sylvester_stack([Fraction(int(number)) for number in numbers])
    head = UngatedTCN(1, sylvester_width(4), layers=4, kernel=3).double()
    load_linear(head, stack.in_floating_point())
    found = impulse_response(head, length=40)
    wanted = np.concatenate([numbers, np.zeros(9)])
    assert relative(found, wanted) <= 1e-9


def rings_in(head_type: type[GatedTCN] | type[UngatedTCN]) -> tuple[GatedTCN | UngatedTCN, Stack]:
    layers = layers_for(MODES["rings"], tolerance=1e-7)
    stack = doubling_stack(oscillator_system(MODES["rings"], step_s=STEP_S), layers=layers)
    return head_type(1, 4, layers=layers, kernel=2).double(), stack


def answer(head: GatedTCN | UngatedTCN, drive: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return head(drive[None, :, None], head.initial_state(1, drive))[0][0]


@pytest.mark.parametrize("gate_bias", [0.0, 2.0])
def test_the_gated_network_stays_within_its_bound(gate_bias: float) -> None:
    gated, stack = rings_in(GatedTCN)
    norm = float(np.abs(stack.kernel()).sum())
    scale = gate_scale(stack, share=0.0099)
    bound = gated_bound(stack, peak=1.0, scale=scale)
    assert 0.009 * norm < bound < 0.01 * norm
    load_gated(gated, stack, scale=scale, gate_bias=gate_bias)
    worst = torch.from_numpy(np.sign(stack.kernel())[::-1].copy())
    generator = torch.Generator().manual_seed(0)
    noise = 2 * torch.rand(500, generator=generator, dtype=torch.float64) - 1
    for drive in (worst, noise, torch.ones(300, dtype=torch.float64)):
        error = np.abs(answer(gated, drive).numpy() - stack(drive.numpy())).max()
        assert 0 < error <= bound


def test_the_gated_error_falls_as_the_square_of_the_scale() -> None:
    gated, stack = rings_in(GatedTCN)
    drive = torch.sin(torch.arange(200, dtype=torch.float64))
    errors = []
    for scale in (0.04, 0.02, 0.01):
        load_gated(gated, stack, scale=scale)
        errors.append(float(np.abs(answer(gated, drive).numpy() - stack(drive.numpy())).max()))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.05)


def test_the_bound_is_not_idle() -> None:
    gated, stack = rings_in(GatedTCN)
    load_gated(gated, stack, scale=1.0)  # twelve times what the bound allows
    drive = torch.ones(300, dtype=torch.float64)
    error = np.abs(answer(gated, drive).numpy() - stack(drive.numpy())).max()
    assert error > 0.01 * np.abs(stack.kernel()).sum()


def test_what_does_not_fit_is_named() -> None:
    system = oscillator_system(MODES["rings"], step_s=STEP_S)
    with pytest.raises(ShapeError, match="dilations"):
        load_linear(UngatedTCN(1, 2, layers=3, kernel=2), doubling_stack(system, layers=4))
    with pytest.raises(ShapeError, match="width 2 and 2 taps"):
        load_linear(UngatedTCN(1, 1, layers=4, kernel=2), doubling_stack(system, layers=4))
    with pytest.raises(ShapeError, match="width 2 and 3 taps"):
        load_gated(GatedTCN(1, 2, layers=4, kernel=2), three_tap_stack(system, layers=4), scale=0.1)
    with pytest.raises(ParameterError, match="scale"):
        load_gated(GatedTCN(1, 2, layers=4, kernel=2), doubling_stack(system, layers=4), scale=0.0)
