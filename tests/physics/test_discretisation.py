"""Each scheme against scipy.signal, its own definition, and matrix exponentials of each segment."""

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.signal import cont2discrete

from pulsephase.errors import ParameterError, ShapeError, StabilityError
from pulsephase.physics.discretisation import (
    Discretisation,
    largest_stable_step_s,
    oscillator_from_poles,
)
from pulsephase.physics.holds import holds
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import SCHEMES, Scheme, coefficients

LAWS = settings(deadline=None, max_examples=60)
SCIPY: dict[Scheme, str] = {
    "forward": "euler",
    "backward": "backward_diff",
    "tustin": "bilinear",
    "zero_order": "zoh",
    "first_order": "foh",
}


@st.composite
def oscillators(draw: Any) -> Oscillator:
    """Under-, over- and critically damped, the last to within rounding and a little beside."""
    omega = draw(st.floats(0.5, 60.0))
    kind = draw(st.sampled_from(["any", "critical", "nearly"]))
    if kind == "any":
        damping = draw(st.floats(0.0, 12.0))
    else:
        damping = 1.0 if kind == "critical" else 1 + draw(st.sampled_from([-1, 1])) * 1e-9
    return Oscillator(alpha_per_s=2 * damping * omega, omega_rad_s=omega)


steps = st.floats(1 / 240, 1 / 15)


def stepped(oscillator: Oscillator, scheme: Scheme, step_s: float) -> Discretisation:
    return Discretisation(oscillator=oscillator, scheme=scheme, step_s=step_s)


def continuous(oscillator: Oscillator) -> np.ndarray:
    return np.array([[0.0, 1.0], [-(oscillator.omega_rad_s**2), -oscillator.alpha_per_s]])


@pytest.mark.parametrize("scheme", SCIPY)
@LAWS
@given(oscillator=oscillators(), step_s=steps)
def test_transfer_function_is_that_of_scipy(
    scheme: Scheme, oscillator: Oscillator, step_s: float
) -> None:
    system = ([1.0], [1.0, oscillator.alpha_per_s, oscillator.omega_rad_s**2])
    top, below, _ = cont2discrete(system, step_s, method=SCIPY[scheme])
    found = stepped(oscillator, scheme, step_s)
    scale = max(1.0, float(np.abs(below).max()))
    np.testing.assert_allclose([1.0, -found.trace, found.det], below, atol=1e-11 * scale)
    padded = np.concatenate([np.zeros(3 - top.size), top.ravel()])
    # scipy forms the numerator as a difference of polynomials with coefficients of order 1
    np.testing.assert_allclose(found.numerator, padded, rtol=1e-10, atol=1e-14 * scale)


@LAWS
@given(oscillator=oscillators(), step_s=steps)
def test_holds_are_the_matrix_exponential_of_a_segment(
    oscillator: Oscillator, step_s: float
) -> None:
    augmented = np.zeros((4, 4))
    augmented[:2, :2] = continuous(oscillator)
    augmented[1, 2] = 1.0
    augmented[2, 3] = 1 / step_s
    exact = expm(augmented * step_s)
    scale = np.array([step_s**2, step_s])
    state, now, ahead = stepped(oscillator, "zero_order", step_s).state_matrices()
    size = 1 + step_s * np.abs(augmented).max()
    np.testing.assert_allclose(state, exact[:2, :2], atol=1e-12 * size)
    np.testing.assert_allclose(now / scale, exact[:2, 2] / scale, atol=1e-12 * size)
    assert not ahead.any()
    _, now, ahead = stepped(oscillator, "first_order", step_s).state_matrices()
    np.testing.assert_allclose(ahead / scale, exact[:2, 3] / scale, atol=1e-12 * size)
    np.testing.assert_allclose(
        now / scale, (exact[:2, 2] - exact[:2, 3]) / scale, atol=1e-12 * size
    )


def defined_step(
    scheme: Scheme, oscillator: Oscillator, h: float, state: np.ndarray, now: float, ahead: float
) -> np.ndarray:
    """Step as the scheme is defined, without any of its five numbers."""
    alpha, square = oscillator.alpha_per_s, oscillator.omega_rad_s**2
    z, v = state
    matrix, one, push = continuous(oscillator), np.eye(2), np.array([0.0, 1.0])
    if scheme == "semi_implicit":
        v = v + h * (now - alpha * v - square * z)
        return np.array([z + h * v, v])
    if scheme == "semi_implicit_damping":
        v = (v + h * (now - square * z)) / (1 + h * alpha)
        return np.array([z + h * v, v])
    if scheme == "forward":
        return state + h * (matrix @ state + push * now)
    if scheme == "backward":
        return np.asarray(np.linalg.solve(one - h * matrix, state + h * push * ahead))
    right = (one + h / 2 * matrix) @ state + h / 2 * push * (now + ahead)
    return np.asarray(np.linalg.solve(one - h / 2 * matrix, right))


@pytest.mark.parametrize("scheme", SCHEMES[:5])
@LAWS
@given(
    oscillator=oscillators(),
    step_s=steps,
    state=st.tuples(st.floats(-1, 1), st.floats(-9, 9)),
    inputs=st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
)
def test_state_matrices_are_the_definition(
    scheme: Scheme,
    oscillator: Oscillator,
    step_s: float,
    state: tuple[float, float],
    inputs: tuple[float, float],
) -> None:
    found = stepped(oscillator, scheme, step_s)
    matrix, now, ahead = found.state_matrices()
    moved = matrix @ state + now * inputs[0] + ahead * inputs[1]
    expected = defined_step(scheme, oscillator, step_s, np.array(state), *inputs)
    size = (1 + np.abs(matrix).max()) * 20
    np.testing.assert_allclose(moved, expected, atol=1e-13 * size)
    assert math.isclose(np.trace(matrix), found.trace, abs_tol=1e-13 * size)
    assert math.isclose(np.linalg.det(matrix), found.det, abs_tol=1e-13 * size**2)


@pytest.mark.parametrize("scheme", SCHEMES)
@LAWS
@given(oscillator=oscillators(), step_s=steps, hertz=st.floats(0.1, 7.0))
def test_transfer_function_is_that_of_the_state_matrices(
    scheme: Scheme, oscillator: Oscillator, step_s: float, hertz: float
) -> None:
    found = stepped(oscillator, scheme, step_s)
    matrix, now, ahead = found.state_matrices()
    z = np.exp(2j * np.pi * hertz * step_s)
    expected = np.linalg.solve(z * np.eye(2) - matrix, now + z * ahead)[0]
    value = found.transfer(np.array([hertz]))[0]
    near = abs(z * z - z * found.trace + found.det)
    assume(near > 1e-6)
    rounding = 1e-15 * (1 + np.abs(matrix).max()) ** 2 / near  # of the two denominators
    assert abs(value - expected) <= 4 * rounding * abs(expected) + 1e-15 * step_s**2


@pytest.mark.parametrize("scheme", SCHEMES)
@LAWS
@given(oscillator=oscillators(), step_s=steps, nudge=st.floats(1e-6, 0.5))
def test_largest_stable_step_is_where_the_poles_leave_the_disc(
    scheme: Scheme, oscillator: Oscillator, step_s: float, nudge: float
) -> None:
    assume(oscillator.alpha_per_s > 0.1)
    limit = largest_stable_step_s(oscillator, scheme=scheme)
    if math.isinf(limit):
        assert stepped(oscillator, scheme, step_s).is_stable
        return
    inside = stepped(oscillator, scheme, limit * (1 - nudge))
    outside = stepped(oscillator, scheme, limit * (1 + nudge))
    assert inside.is_stable and inside.radius < 1
    assert outside.radius > 1 - 1e-12 and not outside.is_stable
    inside.require_stable()
    with pytest.raises(StabilityError, match=f"largest stable step is {limit:g}"):
        outside.require_stable()


@pytest.mark.parametrize("scheme", SCHEMES)
@LAWS
@given(oscillator=oscillators(), step_s=steps)
def test_inverse_map_gives_the_oscillator_back(
    scheme: Scheme, oscillator: Oscillator, step_s: float
) -> None:
    found = stepped(oscillator, scheme, step_s)
    exact = scheme in ("zero_order", "first_order")
    assume(not exact or oscillator.omega_rad_s * step_s < 3)  # beyond pi the logarithm aliases
    assume(not exact or oscillator.alpha_per_s * step_s < 20)  # the fast pole is rounded away
    assume(oscillator.alpha_per_s > 0.01)  # else rounding may make it negative
    back = oscillator_from_poles(*found.poles, scheme=scheme, step_s=step_s)
    size = max(oscillator.alpha_per_s, oscillator.omega_rad_s)
    decay = abs(found.det) * min(1.0, oscillator.omega_rad_s * step_s) ** 2
    tolerance = 1e-13 / max(decay, 1e-12)
    assert abs(back.alpha_per_s - oscillator.alpha_per_s) <= tolerance * size
    assert abs(back.omega_rad_s**2 - oscillator.omega_rad_s**2) <= tolerance * size**2


def test_reading_one_scheme_with_the_map_of_another_is_biased() -> None:
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    poles = stepped(mode, "semi_implicit", 1 / 30).poles
    wrong = oscillator_from_poles(*poles, scheme="zero_order", step_s=1 / 30)
    assert (round(wrong.natural_hz, 4), round(wrong.damping, 4)) == (1.2529, 0.3114)


@pytest.mark.parametrize(
    ("scheme", "order"),
    [
        ("semi_implicit", 1),
        ("semi_implicit_damping", 1),
        ("forward", 1),
        ("backward", 1),
        ("tustin", 2),
    ],
)
def test_order_of_convergence_of_the_poles(scheme: Scheme, order: int) -> None:
    mode = Oscillator(alpha_per_s=3.0, omega_rad_s=9.0)
    sizes = np.array([1 / 120, 1 / 240, 1 / 480, 1 / 960])
    errors = [
        abs(np.log(stepped(mode, scheme, h).poles[0]) / h - mode.poles_per_s[0]) for h in sizes
    ]
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert abs(slope - order) < 0.06


def test_symplectic_without_damping_is_of_second_order() -> None:
    mode = Oscillator(alpha_per_s=0.0, omega_rad_s=9.0)
    warps = [stepped(mode, "semi_implicit", h).warped_hz - mode.natural_hz for h in (0.02, 0.01)]
    assert abs(math.log2(warps[0] / warps[1]) - 2) < 0.01


@LAWS
@given(omega=st.floats(0.5, 40.0), step_s=steps)
def test_frequency_warp_without_damping(omega: float, step_s: float) -> None:
    w = omega * step_s
    assume(w < 1.9)
    mode = Oscillator(alpha_per_s=0.0, omega_rad_s=omega)
    warp = {
        "semi_implicit": 2 * math.asin(w / 2),
        "semi_implicit_damping": 2 * math.asin(w / 2),
        "backward": math.atan(w),
        "tustin": 2 * math.atan(w / 2),
        "zero_order": w,
    }
    for scheme, angle in warp.items():
        found = stepped(mode, scheme, step_s).warped_hz  # type: ignore[arg-type] # literal keys
        assert math.isclose(found, angle / (2 * math.pi * step_s), rel_tol=1e-9)


@LAWS
@given(
    decades=st.tuples(st.floats(-6, 2.5), st.floats(-5, 0.4)),
    nudge=st.sampled_from([None, 0.0, 1e-9, -1e-12, 1e-3]),
)
def test_entire_functions_against_60_digits(
    decades: tuple[float, float], nudge: float | None
) -> None:
    """The textbook b1 loses 3 digits at omega h = 3e-5 already; ours keeps 13 everywhere."""
    w = 10 ** decades[1]
    a = 10 ** decades[0] if nudge is None else 2 * w * (1 + nudge)
    found = holds(np.float64(a), np.float64(w))
    with mp.workdps(90):
        forward, backward = exact_integrals(a, w), exact_integrals(-a, w)
        decay = mp.exp(-mp.mpf(a))
        pairs = (
            (found.integral, forward[0]),
            (found.ramp, forward[1]),
            (found.reversed_integral, decay * backward[0]),
            (found.reversed_ramp, decay * backward[1]),
        )
        for value, exact in pairs:
            assert abs(float(value) - exact) <= mp.mpf("2e-13") * abs(exact)


def exact_integrals(a: float, w: float) -> tuple[Any, Any]:
    rate, square = mp.mpf(a), mp.mpf(w) ** 2
    root = mp.sqrt(rate * rate / 4 - square) or mp.mpf(10) ** -40
    sine = mp.exp(-rate / 2) * mp.sinh(root) / root
    integral = (1 - mp.exp(-rate / 2) * mp.cosh(root) - rate * sine / 2) / square
    return mp.re(integral), mp.re((1 - sine - rate * integral) / square)


def test_impulse_response_solves_the_law() -> None:
    times = np.linspace(0.0, 2.0, 41)
    for alpha in (0.5, 18.0, 18.0 * (1 + 1e-12), 60.0):
        mode = Oscillator(alpha_per_s=alpha, omega_rad_s=9.0)
        matrix = continuous(mode)
        solved = solve_ivp(
            lambda t, y, matrix=matrix: matrix @ y,
            (0, 2),
            [0.0, 1.0],
            method="DOP853",
            rtol=1e-12,
            atol=1e-14,
            t_eval=times,
        )
        np.testing.assert_allclose(mode.impulse_response(times), solved.y[0], atol=1e-11)
    assert not mode.impulse_response(np.array([-1.0, -1e-9])).any()


def test_transfer_of_the_continuous_law_is_that_of_its_impulse_response() -> None:
    mode = Oscillator(alpha_per_s=6.0, omega_rad_s=9.0)
    times = np.linspace(0.0, 12.0, 240_001)  # the trapezoid errs by h^2/12, 1e-8 of it
    wave = mode.impulse_response(times) * np.exp(-2j * np.pi * 1.3 * times)
    found = mode.transfer(np.array([1.3]))[0]
    assert abs(np.trapezoid(wave, times) - found) < 2e-8 * abs(found)


@LAWS
@given(oscillator=oscillators())
def test_poles_solve_the_characteristic_equation(oscillator: Oscillator) -> None:
    alpha, square = oscillator.alpha_per_s, oscillator.omega_rad_s**2
    for pole in oscillator.poles_per_s:
        terms = (pole * pole, alpha * pole, complex(square))
        assert abs(sum(terms)) <= 1e-14 * max(map(abs, terms)) * 4
    assert oscillator.slow_rate_per_s >= 0
    assert oscillator.rings == (oscillator.poles_per_s[0].imag > 0)


def test_two_real_rates() -> None:
    mode = Oscillator.from_rates(fast_per_s=300.0, slow_per_s=2.0)
    assert [round(-pole.real, 9) for pole in mode.poles_per_s] == [2.0, 300.0]
    assert not mode.rings and math.isclose(mode.slow_rate_per_s, 2.0)


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_wrong_parameters_are_named(wrong: float) -> None:
    with pytest.raises(ParameterError, match="alpha_per_s"):
        Oscillator(alpha_per_s=wrong, omega_rad_s=1.0)
    with pytest.raises(ParameterError, match="omega_rad_s"):
        Oscillator(alpha_per_s=1.0, omega_rad_s=wrong)
    mode = Oscillator(alpha_per_s=1.0, omega_rad_s=1.0)
    with pytest.raises(ParameterError, match="step_s"):
        stepped(mode, "tustin", wrong)
    with pytest.raises(ParameterError, match="natural_hz"):
        Oscillator.from_natural_hz(wrong, damping=1.0)
    with pytest.raises(ParameterError, match="slow_per_s"):
        Oscillator.from_rates(fast_per_s=1.0, slow_per_s=wrong)


def test_wrong_names_and_shapes() -> None:
    mode = Oscillator(alpha_per_s=1.0, omega_rad_s=1.0)
    with pytest.raises(ParameterError, match="choose from"):
        coefficients("leapfrog", 1.0, 1.0, step_s=0.1)
    with pytest.raises(ShapeError, match="times_s is empty"):
        mode.impulse_response(np.array([]))
    with pytest.raises(ParameterError, match="frequencies_hz"):
        mode.transfer(np.array([np.nan]))
    with pytest.raises(ParameterError, match="frequencies_hz"):
        stepped(mode, "tustin", 0.1).transfer(np.array([np.inf]))
    with pytest.raises(ParameterError, match="neither conjugate nor both real"):
        oscillator_from_poles(0.5 + 0.1j, 0.5 + 0.2j, scheme="tustin", step_s=0.1)
    with pytest.raises(ParameterError, match="no damped oscillator"):
        oscillator_from_poles(1.1 + 0j, 1.2 + 0j, scheme="zero_order", step_s=0.1)
    with pytest.raises(ParameterError, match="no damped oscillator"):
        oscillator_from_poles(-0.5 + 0j, -0.2 + 0j, scheme="zero_order", step_s=0.1)


def test_the_oscillator_is_exported_at_the_top() -> None:
    import pulsephase

    assert pulsephase.Oscillator.__module__ == "pulsephase.physics.oscillator"
