"""Six methods give one answer, that of matrix exponentials; gradients are checked."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from torch import Tensor
from torchdiffeq import odeint

from pulsephase.errors import ParameterError, ShapeError, StabilityError
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.forcing import ImpulseTrain, SampledInput
from pulsephase.physics.kernels import (
    kernel,
    kernel_tensor,
    lucas,
    lucas_closed_form,
    lucas_tensor,
    zero_input_response,
)
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import SCHEMES, Scheme, coefficients
from pulsephase.physics.simulate import METHODS, Method, simulate

LAWS = settings(deadline=None, max_examples=25)
ALPHA = torch.tensor([3.0, 18.0, 18.0 * (1 + 1e-12), 0.0, 300.0], dtype=torch.float64)
OMEGA = torch.tensor([9.0, 9.0, 9.0, 9.0, 30.0], dtype=torch.float64)
STEP_S = 1 / 30
SAMPLES = 12
# the solvers' tolerances; what is exact differs by rounding
AGREE: dict[Method, float] = {
    "recursion": 1e-12,
    "convolution": 1e-12,
    "fft": 1e-12,
    "exponential": 1e-12,
    "torchdiffeq": 1e-9,
    "scipy": 1e-10,
}


def noise(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def train() -> ImpulseTrain:
    """Impulses at a start, at a sample, twice at one time, out of order, and after the end."""
    times = torch.tensor([0.0, 0.1, 0.31, 0.21, 0.21, 5 * STEP_S, 9.0], dtype=torch.float64)
    return ImpulseTrain(times_s=times, weights=noise(7))


def exact_by_expm(forcing: SampledInput | ImpulseTrain, start: np.ndarray) -> np.ndarray:
    """Step each oscillator segment by segment with scipy's matrix exponential."""
    rows = []
    for index, (alpha, omega) in enumerate(zip(ALPHA.tolist(), OMEGA.tolist(), strict=True)):
        law = np.zeros((4, 4))
        law[:2, :2] = [[0, 1], [-(omega**2), -alpha]]
        law[1, 2] = law[2, 3] = 1.0
        state, row = start[:, index].copy(), [start[0, index]]
        for step in range(1, SAMPLES):
            if isinstance(forcing, SampledInput):
                values = forcing.values.expand(5, SAMPLES)[index]
                level = float(values[step - 1])
                slope = float(values[step]) - level if forcing.hold == "first" else 0.0
                whole = np.concatenate([state, [level, slope / STEP_S]])
                state = (expm(law * STEP_S) @ whole)[:2]
            else:
                begin, end = (step - 1) * STEP_S, step * STEP_S
                moved = expm(law[:2, :2] * STEP_S) @ state
                for time, weight in zip(forcing.times_s, forcing.weights, strict=True):
                    if begin <= float(time) < end:
                        kick = np.array([0.0, float(weight)])
                        moved = moved + expm(law[:2, :2] * (end - float(time))) @ kick
                state = moved
            row.append(state[0])
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["zero", "first", "shared", "impulses"])
def test_every_method_is_the_exact_solution(method: Method, kind: str) -> None:
    forcings = {
        "zero": SampledInput(values=noise(5, SAMPLES)),
        "first": SampledInput(values=noise(5, SAMPLES), hold="first"),
        "shared": SampledInput(values=noise(SAMPLES)),
        "impulses": train(),
    }
    start = noise(2, 5, seed=1)
    found = simulate(
        ALPHA,
        OMEGA,
        forcings[kind],
        step_s=STEP_S,
        samples=SAMPLES,
        method=method,
        position=start[0],
        velocity=start[1],
    )
    exact = exact_by_expm(forcings[kind], start.numpy())
    scale = np.abs(exact).max(axis=1, keepdims=True)
    assert (np.abs(found.numpy() - exact) / scale).max() < AGREE[method]


@st.composite
def stable(draw: Any) -> Discretisation:
    """Any scheme on an oscillator of any damping, where it does not diverge."""
    omega = draw(st.floats(0.5, 40.0))
    damping = draw(st.one_of(st.floats(0.05, 6.0), st.just(1.0)))
    oscillator = Oscillator(alpha_per_s=2 * damping * omega, omega_rad_s=omega)
    scheme: Scheme = draw(st.sampled_from(SCHEMES))
    for step_s in (1 / 30, 1 / 120, 1 / 480, 1 / 1920, 1 / 7680, 1 / 30720):
        found = Discretisation(oscillator=oscillator, scheme=scheme, step_s=step_s)
        if found.radius < 1 and found.is_stable:
            return found
    raise AssertionError("a step of 1/30720 s is small enough for all of these")


@LAWS
@given(law=stable(), seed=st.integers(0, 99), state=st.tuples(st.floats(-1, 1), st.floats(-9, 9)))
def test_convolution_and_initial_state_equal_the_recursion(
    law: Discretisation, seed: int, state: tuple[float, float]
) -> None:
    """One silent sample first: a scheme that looks ahead has no use for it."""
    values = torch.cat([torch.zeros(1, dtype=torch.float64), noise(79, seed=seed)])
    found = simulate(
        torch.tensor(law.oscillator.alpha_per_s, dtype=torch.float64),
        torch.tensor(law.oscillator.omega_rad_s, dtype=torch.float64),
        SampledInput(values=values),
        step_s=law.step_s,
        samples=80,
        scheme=law.scheme,
        position=torch.tensor(state[0], dtype=torch.float64),
        velocity=torch.tensor(state[1], dtype=torch.float64),
    ).numpy()
    free = zero_input_response(law, samples=80, position=state[0], velocity=state[1])
    forced = np.convolve(kernel(law, taps=80), values.numpy())[:80]
    scale = max(np.abs(free).max(), np.abs(forced).max())
    # what the initial state does without input is left out by a convolution alone
    assert np.abs(found - forced - free).max() <= 1e-12 * scale


@LAWS
@given(law=stable(), seed=st.integers(0, 99))
def test_recursion_equals_both_convolutions(law: Discretisation, seed: int) -> None:
    alpha = torch.tensor([law.oscillator.alpha_per_s], dtype=torch.float64)
    omega = torch.tensor([law.oscillator.omega_rad_s], dtype=torch.float64)
    forcing = SampledInput(values=noise(1, 200, seed=seed))
    runs = {
        method: simulate(
            alpha, omega, forcing, step_s=law.step_s, samples=200, method=method, scheme=law.scheme
        )
        for method in METHODS[:3]
    }
    scale = runs["recursion"].abs().max()
    for other in METHODS[1:3]:
        assert (runs[other] - runs["recursion"]).abs().max() <= 1e-12 * scale


@LAWS
@given(law=stable(), count=st.integers(1, 300))
def test_lucas_numbers_by_recursion_closed_form_and_doubling(
    law: Discretisation, count: int
) -> None:
    plain = lucas(law.trace, law.det, count=count)
    scale = np.abs(plain).max() + 1e-300
    pair = [torch.tensor(value, dtype=torch.float64) for value in (law.trace, law.det)]
    doubled = lucas_tensor(pair[0], pair[1], count=count).numpy()
    assert np.abs(doubled - plain).max() <= 1e-11 * scale
    if law.det > 0:
        closed = lucas_closed_form(law.trace, law.det, count=count)
        # the recursion itself errs by a few roundings a step
        assert np.abs(closed - plain).max() <= 1e-10 * scale


@pytest.mark.parametrize("split", [1e-3, 1e-6, 1e-9, 0.0])
def test_closed_form_passes_through_critical_damping(split: float) -> None:
    trace, det = 1.6 * math.cos(split), 0.64
    index = np.arange(60)
    expected = (
        0.8 ** (index - 1.0) * index * np.sinc(index * split / np.pi) / np.sinc(split / np.pi)
    )
    found = lucas_closed_form(trace, det, count=60)
    np.testing.assert_allclose(found, expected, rtol=2e-12)


def test_two_negative_poles_alternate() -> None:
    found = lucas_closed_form(-0.9, 0.2, count=6)  # poles -0.4 and -0.5
    np.testing.assert_allclose(found, lucas(-0.9, 0.2, count=6), rtol=1e-13)
    assert found[2] < 0 < found[3]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_kernels_in_torch_are_those_in_numpy(scheme: Scheme) -> None:
    alpha, omega = ALPHA[:3], OMEGA[:3]
    found = kernel_tensor(coefficients(scheme, alpha, omega, step_s=0.01), taps=50)
    for row, a, w in zip(found, alpha, omega, strict=True):
        oscillator = Oscillator(alpha_per_s=float(a), omega_rad_s=float(w))
        law = Discretisation(oscillator=oscillator, scheme=scheme, step_s=0.01)
        plain = kernel(law, taps=50)
        assert np.abs(row.numpy() - plain).max() <= 1e-12 * np.abs(plain).max()


@pytest.mark.parametrize("method", ["recursion", "convolution", "fft", "exponential"])
@pytest.mark.parametrize("kind", ["zero", "first", "impulses"])
def test_gradients_are_those_of_differences(method: Method, kind: str) -> None:
    """Under-, over-, near and exactly critical: the branches must not leak a NaN."""
    alpha = torch.tensor([3.0, 18.0, 90.0], dtype=torch.float64, requires_grad=True)
    omega = torch.tensor([9.0, 9.0, 12.0], dtype=torch.float64, requires_grad=True)
    values = noise(3, 6) if kind != "impulses" else noise(2)
    values.requires_grad_(True)

    def run(alpha: Tensor, omega: Tensor, values: Tensor) -> Tensor:
        times = torch.tensor([0.013, 0.12], dtype=torch.float64)
        forcing: ImpulseTrain | SampledInput
        if kind == "impulses":
            forcing = ImpulseTrain(times_s=times, weights=values)
        elif kind == "zero":
            forcing = SampledInput(values=values)
        else:
            forcing = SampledInput(values=values, hold="first")
        return simulate(alpha, omega, forcing, step_s=0.05, samples=6, method=method)

    assert torch.autograd.gradcheck(run, (alpha, omega, values), eps=1e-6, atol=1e-8, rtol=1e-5)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_coefficients_have_finite_gradients_everywhere(scheme: Scheme) -> None:
    alpha = torch.tensor([0.0, 1e-9, 2.0, 2.0, 80.0, 9000.0], dtype=torch.float64)
    omega = torch.tensor([1e-9, 2.0, 1.0, 40.0, 0.1, 700.0], dtype=torch.float64)
    alpha.requires_grad_(True)
    omega.requires_grad_(True)
    found = coefficients(scheme, alpha, omega, step_s=1.0)
    parts = (found.trace, found.det, found.c0, found.c1, found.c2)
    grads = torch.autograd.grad(torch.stack(parts).sum(), (alpha, omega))
    assert all(bool(torch.isfinite(grad).all()) for grad in grads)


def test_torchdiffeq_carries_gradients() -> None:
    alpha = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    omega = torch.tensor(9.0, dtype=torch.float64, requires_grad=True)
    forcing = SampledInput(values=noise(4))
    grads = []
    for method in ("torchdiffeq", "recursion"):
        last = simulate(alpha, omega, forcing, step_s=STEP_S, samples=4, method=method)[-1]
        grads.append(torch.stack(torch.autograd.grad(last, (alpha, omega))))
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-7, atol=1e-12)


def test_a_solver_across_the_jumps_is_worse_than_segments() -> None:
    """The pitfall that the segments avoid: the same solver and tolerance, jumps unseen."""
    values, alpha, omega = noise(20), ALPHA[0], OMEGA[0]
    times = torch.arange(20, dtype=torch.float64) * STEP_S

    def rate(time: Tensor, both: Tensor) -> Tensor:
        index = int(torch.searchsorted(times, time.reshape(1), right=True)) - 1
        push = values[min(max(index, 0), 19)]
        return torch.stack([both[1], push - alpha * both[1] - omega**2 * both[0]])

    naive = odeint(
        rate, torch.zeros(2, dtype=torch.float64), times, rtol=1e-6, atol=1e-9, method="dopri5"
    )[:, 0]
    exact = simulate(alpha, omega, SampledInput(values=values), step_s=STEP_S, samples=20)
    error = (naive - exact).abs().max() / exact.abs().max()
    assert error > 1e-5  # ten times its tolerance and more


def test_an_impulse_between_samples_is_not_rounded_to_one() -> None:
    time = torch.tensor([0.0123], dtype=torch.float64)
    beat = ImpulseTrain(times_s=time, weights=torch.ones(1, dtype=torch.float64))
    found = simulate(ALPHA[0], OMEGA[0], beat, step_s=STEP_S, samples=30)
    mode = Oscillator(alpha_per_s=3.0, omega_rad_s=9.0)
    expected = mode.impulse_response(np.arange(30) * STEP_S - 0.0123)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-15)


def test_the_output_is_causal() -> None:
    values = noise(20)
    changed = torch.cat([values[:12], noise(8, seed=5)])
    for scheme in SCHEMES:
        runs = [
            simulate(
                ALPHA[:1],
                OMEGA[:1],
                SampledInput(values=each),
                step_s=0.01,
                samples=20,
                scheme=scheme,
            )
            for each in (values, changed)
        ]
        assert torch.equal(runs[0][..., :12], runs[1][..., :12])
        assert not torch.equal(runs[0], runs[1])


def test_one_and_two_samples() -> None:
    for count in (1, 2):
        found = simulate(
            ALPHA,
            OMEGA,
            SampledInput(values=noise(5, count)),
            step_s=STEP_S,
            samples=count,
            position=torch.ones_like(ALPHA),
        )
        assert found.shape == (5, count) and bool((found[:, 0] == 1).all())


def test_float32_keeps_its_type() -> None:
    found = simulate(
        ALPHA.float(),
        OMEGA.float(),
        SampledInput(values=noise(20).float()),
        step_s=STEP_S,
        samples=20,
    )
    assert found.dtype == torch.float32


def test_the_published_scheme_diverges_for_skin() -> None:
    """alpha = 300/s is a vessel of 0.3 mm radius; the report names which, and the largest step."""
    with pytest.raises(StabilityError, match=r"oscillator 1 of 2.*largest stable step is 0.00"):
        simulate(
            ALPHA[[0, 4]],
            OMEGA[[0, 4]],
            SampledInput(values=noise(9)),
            step_s=STEP_S,
            samples=9,
            scheme="semi_implicit",
        )


def test_bad_input_is_named() -> None:
    good = SampledInput(values=noise(9))
    shape = {"step_s": STEP_S, "samples": 9}

    def wrong(match: str, kind: type[ValueError], *args: Any, **options: Any) -> None:
        with pytest.raises(kind, match=match):
            simulate(*args, **(shape | options))

    one = torch.ones(1, dtype=torch.float64)
    wrong("alpha_per_s holds -1", ParameterError, -one, one, good)
    wrong("omega_rad_s holds 0", ParameterError, one, 0 * one, good)
    wrong("omega_rad_s holds a value", ParameterError, one, one * math.inf, good)
    wrong("must agree", ShapeError, one, torch.ones(1), good)
    wrong("9 samples, samples is 8", ShapeError, one, one, good, samples=8)
    wrong("step_s", ParameterError, one, one, good, step_s=0.0)
    wrong("samples is 0", ParameterError, one, one, good, samples=0)
    wrong("leave out scheme", ParameterError, one, one, good, method="scipy", scheme="tustin")
    wrong("impulse train is exact", ParameterError, one, one, train(), scheme="tustin")
    wrong("position", ParameterError, one, one, good, position=one * math.nan)
    wrong(r"for \(2,\) oscillators", ShapeError, one, one, SampledInput(values=noise(2, 9)))
    with pytest.raises(ShapeError, match="values is empty"):
        SampledInput(values=torch.zeros(0))
    with pytest.raises(ParameterError, match="values holds"):
        SampledInput(values=torch.tensor([math.nan]))
    with pytest.raises(ParameterError, match="start at 0"):
        ImpulseTrain(times_s=-one, weights=one)
    with pytest.raises(ParameterError, match="taps is 0"):
        kernel(
            Discretisation(
                oscillator=Oscillator(alpha_per_s=1.0, omega_rad_s=1.0),
                scheme="tustin",
                step_s=0.1,
            ),
            taps=0,
        )
    with pytest.raises(ParameterError, match="det is -1"):
        lucas_closed_form(1.0, -1.0, count=3)
