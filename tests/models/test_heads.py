"""Each temporal head is what it says: its law in numbers, its memory, its stream."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from pulsephase.models.config import HEADS, HeadName
from pulsephase.models.heads import (
    CausalFIR,
    OscillatorBank,
    RecurrentHead,
    advance_matrix,
    drive_vector,
    temporal_head,
)
from pulsephase.models.tcn import TemporalHead
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel
from pulsephase.physics.oscillator import Oscillator

CHANNELS = 3
LINEAR: tuple[HeadName, ...] = ("ungated", "fir", "oscillator")
STATEFUL = [name for name in HEADS if name != "symmetric"]
DAMPINGS = [0.01, 0.3, 1.0, 5.0]


def head(name: HeadName, *, seed: int = 0) -> TemporalHead:
    torch.manual_seed(seed)
    made = temporal_head(name, channels=CHANNELS, width=8, layers=4, kernel=3, sample_hz=30.0)
    return made.double().eval()


def signal(time: int, *, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, time, CHANNELS, generator=generator, dtype=torch.float64)


def wave(made: TemporalHead, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return made(x, made.initial_state(len(x), x))[0]


def bank(*dampings: float, natural_hz: float = 1.2) -> OscillatorBank:
    """Return a bank of modes with the input passed straight in and their displacements added."""
    made = OscillatorBank(1, len(dampings), sample_hz=30.0).double()
    w = 2 * math.pi * natural_hz / 30.0
    with torch.no_grad():
        made.log_w.fill_(math.log(w))
        made.log_a.copy_(torch.tensor([2 * z * w for z in dampings], dtype=torch.float64).log())
        made.inward.weight.fill_(1.0)
        made.outward.weight.zero_()
        made.outward.weight[0, : len(dampings)] = 1.0
        made.outward.bias.zero_()
        made.direct.weight.zero_()
    return made


@pytest.mark.parametrize("name", LINEAR)
def test_the_linear_heads_are_linear(name: HeadName) -> None:
    made, x, y = head(name), signal(40), signal(40, seed=1)
    rest = wave(made, torch.zeros_like(x))
    found = wave(made, 2 * x - 3 * y) - rest
    wanted = 2 * (wave(made, x) - rest) - 3 * (wave(made, y) - rest)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["gated", "gru"])
def test_the_others_are_not(name: HeadName) -> None:
    made, x = head(name), signal(40)
    rest = wave(made, torch.zeros_like(x))
    assert (wave(made, 2 * x) - 2 * wave(made, x) + rest).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["gated", *LINEAR])
def test_from_rest_time_does_not_matter(name: HeadName) -> None:
    """Silence first, the same wave later: what the zero states were is all that differs."""
    made, x = head(name), signal(30)
    with torch.no_grad():
        rest = made.initial_state(2, x)
        _, waited = made(torch.zeros(2, 200, CHANNELS, dtype=torch.float64), rest)
        late = made(x, waited)[0]
    field = 31
    if name in LINEAR:  # at rest, silence stays silence
        early = wave(made, x)
        silence = wave(made, torch.zeros(2, 230, CHANNELS, dtype=torch.float64))
        torch.testing.assert_close(
            late - silence[:, 200:], early - silence[:, :30], rtol=0, atol=1e-12
        )
    if name in ("gated", "ungated", "fir"):  # and after the field nothing is remembered
        with torch.no_grad():
            _, other = made(torch.zeros(2, field + 40, CHANNELS, dtype=torch.float64), rest)
        torch.testing.assert_close(waited, other, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", STATEFUL)
@given(cuts=st.sets(st.integers(1, 59), max_size=8), seed=st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_a_head_streams_exactly(name: HeadName, cuts: set[int], seed: int) -> None:
    made, x = head(name, seed=seed), signal(60, seed=seed)
    states, parts = made.initial_state(2, x), []
    edges = [0, *sorted(cuts), 60]
    with torch.no_grad():
        for start, stop in pairwise(edges):
            part, states = made(x[:, start:stop], states)
            parts.append(part)
    whole = wave(made, x)
    assert (torch.cat(parts, 1) - whole).abs().max() <= 1e-12 * whole.abs().max()


@pytest.mark.parametrize("name", STATEFUL)
def test_a_head_does_not_write_into_its_states(name: HeadName) -> None:
    made, x = head(name), signal(5)
    with torch.no_grad():
        _, states = made(x, made.initial_state(2, x))
        before = [state.clone() for state in states]
        made(x, states)
    assert all(torch.equal(a, b) for a, b in zip(states, before, strict=True))


# --- the plain filter ---


def test_the_filter_is_a_convolution() -> None:
    torch.manual_seed(0)
    fir, x = CausalFIR(CHANNELS, taps=31).double(), signal(80)
    taps = fir.filter.weight.detach().numpy()[0, :, ::-1]
    wanted = sum(lfilter(taps[c], [1.0], x[:, :, c].numpy()) for c in range(CHANNELS))
    found = wave(fir, x).numpy() - fir.filter.bias.item()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13)


def test_the_filter_has_the_gated_network_s_memory() -> None:
    made = temporal_head("fir", channels=1, width=1, layers=6, kernel=3, sample_hz=30.0)
    assert isinstance(made, CausalFIR)
    assert made.filter.kernel_size == (127,)


# --- the recurrent unit ---


def test_the_recurrent_unit_follows_its_equations() -> None:
    torch.manual_seed(0)
    unit, x = RecurrentHead(CHANNELS, 4).double(), signal(12)
    cell, h = unit.cell, torch.zeros(2, 4, dtype=torch.float64)
    found = []
    with torch.no_grad():
        for frame in x.unbind(1):
            into = (frame @ cell.weight_ih_l0.T + cell.bias_ih_l0).chunk(3, 1)
            back = (h @ cell.weight_hh_l0.T + cell.bias_hh_l0).chunk(3, 1)
            reset, update = torch.sigmoid(into[0] + back[0]), torch.sigmoid(into[1] + back[1])
            h = (1 - update) * torch.tanh(into[2] + reset * back[2]) + update * h
            found.append(unit.outward(h)[:, 0])
    torch.testing.assert_close(torch.stack(found, 1), wave(unit, x), rtol=0, atol=1e-14)


# --- the oscillators ---


@pytest.mark.parametrize("damping", DAMPINGS)
def test_one_mode_is_the_hold_of_the_physics(damping: float) -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=damping)
    law = Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / 30)
    wanted = mode.omega_rad_s**2 * kernel(law, taps=301)[1:]
    impulse = torch.zeros(1, 300, 1, dtype=torch.float64)
    impulse[0, 0, 0] = 1.0
    found = wave(bank(damping), impulse)[0].numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


@pytest.mark.parametrize("damping", DAMPINGS)
@pytest.mark.parametrize("steps", [2, 16, 128])
def test_a_power_is_so_many_steps(damping: float, steps: int) -> None:
    w = torch.tensor([0.25], dtype=torch.float64)
    a = 2 * damping * w
    one = advance_matrix(a, w, steps=1)[:, :, 0]
    found = advance_matrix(a, w, steps=steps)[:, :, 0]
    torch.testing.assert_close(found, torch.linalg.matrix_power(one, steps), rtol=1e-11, atol=1e-14)


@given(seed=st.integers(0, 50), time=st.integers(1, 90))
@settings(max_examples=20, deadline=None)
def test_the_doublings_are_the_recurrence(seed: int, time: int) -> None:
    made = head("oscillator", seed=seed)
    assert isinstance(made, OscillatorBank)
    x = signal(time, seed=seed)
    found = []
    with torch.no_grad():
        a, w = made.log_a.exp(), made.log_w.exp()
        step, drive = advance_matrix(a, w, steps=1), drive_vector(a, w)
        state = torch.randn(2, 2, 8, dtype=torch.float64)
        whole, (last,) = made(x, (state,))
        for frame in x.unbind(1):
            state = torch.einsum("ijm,bjm->bim", step, state) + drive * made.inward(frame)[:, None]
            found.append(made.outward(state.flatten(1))[:, 0] + made.direct(frame)[:, 0])
    torch.testing.assert_close(torch.stack(found, 1), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-12)


def test_the_bank_starts_with_ringing_and_creeping_modes() -> None:
    made = OscillatorBank(CHANNELS, 16, sample_hz=30.0)
    damping = (made.log_a - made.log_w).exp().detach() / 2
    assert 4 <= int((damping > 1).sum()) <= 12
    hz = made.log_w.exp().detach() * 30 / (2 * math.pi)
    assert hz.min() == pytest.approx(0.5)
    assert hz.max() == pytest.approx(8.0)


def test_the_bank_can_be_trained_by_its_poles() -> None:
    made = bank(*DAMPINGS)
    x = signal(12)[:, :, :1]

    def through(log_a: torch.Tensor, log_w: torch.Tensor) -> torch.Tensor:
        found = torch.func.functional_call(
            made, {"log_a": log_a, "log_w": log_w}, (x, made.initial_state(2, x))
        )
        return found[0]

    poles = (made.log_a.detach().clone(), made.log_w.detach().clone())
    assert torch.autograd.gradcheck(through, tuple(pole.requires_grad_() for pole in poles))


@given(cuts=st.sets(st.integers(1, 399), max_size=20))
@settings(max_examples=10, deadline=None)
def test_lightly_damped_modes_stream_in_single_precision(cuts: set[int]) -> None:
    made = bank(0.002, 0.01, 0.049).float()
    x = signal(400)[:, :, :1].float()
    with torch.no_grad():
        whole = wave(made, x)
        states, parts, edges = made.initial_state(2, x), [], [0, *sorted(cuts), 400]
        for start, stop in pairwise(edges):
            part, states = made(x[:, start:stop], states)
            parts.append(part)
    assert (torch.cat(parts, 1) - whole).abs().max() <= 1e-4 * whole.abs().max()
