"""The compliant line and its four ends: against mpmath, quadrature, and a brute-force grid."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics.friction import Friction, low_womersley
from pulsephase.physics.line import Line, closed_end_transfer, propagation_squared
from pulsephase.physics.modal import (
    PADE_RADIUS,
    TerminatedLine,
    lumped_transfer,
    matched_kernel,
    matched_transfer,
    modal_error_bound,
    modal_transfer,
    modal_transfer_without_direct_path,
    mode_weights,
    pade_error_bound,
    terminated_transfer,
    wake_asymptote,
)

HEART = Line(speed_m_s=6.0, length_m=0.4, friction=Friction(rate_per_s=3.0))
FACE = Line(speed_m_s=8.0, length_m=0.1, friction=Friction(rate_per_s=26.0))
lines = st.builds(
    Line,
    speed_m_s=st.floats(1.0, 15.0),
    length_m=st.floats(0.01, 0.5),
    friction=st.builds(Friction, rate_per_s=st.floats(0.0, 200.0), inertance=st.floats(1.0, 4 / 3)),
    leakage_per_s=st.floats(0.0, 20.0),
)
frequencies = st.complex_numbers(min_magnitude=0.1, max_magnitude=60.0).map(
    lambda s: complex(abs(s.real), s.imag)
)


def test_propagation_of_the_telegraph_line() -> None:
    s = np.array([2j, 1 + 3j])
    np.testing.assert_allclose(propagation_squared(HEART, s), s * (s + 3) / 36, rtol=1e-14)


@given(line=lines, s=frequencies, share=st.floats(0.0, 1.0))
def test_closed_end_against_mpmath(line: Line, s: complex, share: float) -> None:
    x = share * line.length_m
    found = closed_end_transfer(line, np.array([s]), position_m=x)[0]
    law = line.friction
    with mp.workdps(40):
        square = (law.inertance * mp.mpc(s) + law.rate_per_s) * (mp.mpc(s) + line.leakage_per_s)
        gamma = mp.sqrt(square) / line.speed_m_s
        exact = mp.cosh(gamma * (mp.mpf(line.length_m) - x)) / mp.cosh(gamma * line.length_m)
    assert abs(found - complex(exact)) <= 1e-10 * (1 + abs(found)) ** 2


def test_a_long_lossy_line_does_not_overflow() -> None:
    line = Line(speed_m_s=1.0, length_m=1.0, friction=Friction(rate_per_s=1e7))
    found = closed_end_transfer(line, np.array([1e4j]), position_m=1.0)
    assert np.isfinite(found).all() and abs(found[0]) < 1e-300


@given(line=lines, s=frequencies, share=st.floats(0.0, 1.0), modes=st.integers(1, 30))
def test_modal_error_is_within_its_bound(line: Line, s: complex, share: float, modes: int) -> None:
    x, at = share * line.length_m, np.array([s])
    try:
        bound = modal_error_bound(line, at, modes=modes)
    except ParameterError:
        return  # beyond the next mode: no bound is claimed
    exact = closed_end_transfer(line, at, position_m=x)
    error = np.abs(exact - modal_transfer(line, at, position_m=x, modes=modes))
    assert error <= bound + 1e-12 * (1 + np.abs(exact)) ** 2


def test_modal_errors_are_the_published_ones() -> None:
    s = np.array([8j * np.pi])
    exact = closed_end_transfer(FACE, s, position_m=0.1)
    one = abs(exact - modal_transfer(FACE, s, position_m=0.1, modes=1))[0]
    bare = abs(exact - modal_transfer_without_direct_path(FACE, s, position_m=0.1, modes=1))[0]
    assert one == pytest.approx(2.3e-3, rel=0.02)
    assert modal_error_bound(FACE, s, modes=1)[0] == pytest.approx(4.6e-3, rel=0.02)
    assert bare == pytest.approx(0.27, rel=0.03)
    s = 2j * np.pi * np.array([1.2, 4.0, 8.0])
    exact = closed_end_transfer(HEART, s, position_m=0.4)
    first = np.abs(modal_transfer(HEART, s, position_m=0.4, modes=1) / exact - 1)
    np.testing.assert_allclose(first, [0.004, 0.008, 0.38], rtol=0.15)


def test_the_direct_path_alone_is_the_pressure_of_a_short_line() -> None:
    found = modal_transfer(FACE, np.array([1j, 2j]), position_m=0.05, modes=0)
    np.testing.assert_array_equal(found, [1, 1])


def test_modes_converge_like_their_square() -> None:
    """The worst error over the line falls like N^-2, with and without the bound."""
    s = np.array([10j])
    counts = np.array([4, 8, 16, 32])
    worst, bounds = [], []
    for count in counts:
        errors = [
            abs(
                closed_end_transfer(HEART, s, position_m=x)
                - modal_transfer(HEART, s, position_m=x, modes=int(count))
            )[0]
            for x in np.linspace(0, HEART.length_m, 400)
        ]
        worst.append(max(errors))
        bounds.append(modal_error_bound(HEART, s, modes=int(count))[0])
    for sizes in (worst, bounds):
        assert np.polyfit(np.log(counts), np.log(sizes), 1)[0] == pytest.approx(-2, abs=0.1)


def test_weights_are_residues() -> None:
    """Integrate the exact transfer around each pole of an undamped line."""
    line = Line(speed_m_s=6.0, length_m=0.4)
    weights = mode_weights(line, 3, position_m=0.3)
    angle = np.linspace(0, 2 * np.pi, 65)[:-1]
    for mode in (1, 2, 3):
        natural = line.natural_rad_s(mode)
        ring = np.exp(1j * angle) * 1.0
        values = closed_end_transfer(line, 1j * natural + ring, position_m=0.3)
        residue = (values * ring).mean()  # H ~ weight / (2 i w (s - i w))
        assert residue * 2j * natural == pytest.approx(weights[mode - 1], rel=1e-8)


def test_modes_against_a_brute_force_grid() -> None:
    """A staggered grid of the telegraph line against three modes and the direct path."""
    cells, stop = 100, 1.0
    width = HEART.length_m / cells
    omega = 2 * math.pi * 1.2

    def inlet(t: float) -> float:
        return math.sin(omega * t) ** 4

    def grid(t: float, y: np.ndarray) -> np.ndarray:
        p, q = np.concatenate([[inlet(t)], y[:cells]]), y[cells:]
        dp = np.empty(cells)
        dp[:-1] = -(q[1:] - q[:-1]) / width * HEART.speed_m_s**2
        dp[-1] = 2 * q[-1] / width * HEART.speed_m_s**2  # closed: half a cell, nothing leaves
        return np.concatenate([dp, -(p[1:] - p[:-1]) / width - HEART.damping_per_s * q])

    times = np.linspace(0, stop, 41)
    full = solve_ivp(grid, (0, stop), np.zeros(2 * cells), rtol=1e-7, atol=1e-9, t_eval=times)
    modes = 3
    k = np.array([HEART.wavenumber_per_m(n) for n in range(1, modes + 1)])
    squares = (HEART.speed_m_s * k) ** 2
    weights = mode_weights(HEART, modes, position_m=HEART.length_m)

    def modal(t: float, y: np.ndarray) -> np.ndarray:
        """Integrate the static-corrected modes: each is driven by q(d/dt) of the inlet."""
        value, rate = y[:modes], y[modes:]
        sine, cosine = math.sin(omega * t), math.cos(omega * t)
        first = 4 * omega * sine**3 * cosine
        second = 4 * omega**2 * (3 * sine**2 * cosine**2 - sine**4)
        drive = second + HEART.damping_per_s * first
        return np.concatenate([rate, -HEART.damping_per_s * rate - squares * value + drive])

    some = solve_ivp(modal, (0, stop), np.zeros(2 * modes), rtol=1e-9, atol=1e-11, t_eval=times)
    direct = np.array([inlet(t) for t in times])
    found = direct - (weights / squares) @ some.y[:modes]
    assert np.abs(found - full.y[cells - 1]).max() < 5e-3 * np.ptp(full.y[cells - 1])


segments = st.builds(
    TerminatedLine,
    resistance=st.floats(0.0, 5.0),
    inertance=st.floats(0.01, 5.0),
    compliance=st.floats(0.01, 2.0),
    bed_resistance=st.floats(0.1, 50.0),
    bed_compliance=st.floats(0.0, 2.0),
)


@given(segment=segments, s=st.complex_numbers(max_magnitude=3.0))
def test_terminated_line_is_its_two_port(segment: TerminatedLine, s: complex) -> None:
    """Chain the line's matrix with the bed in mpmath: p_in = A p + B Q, Q = p Y."""
    s = complex(abs(s.real), s.imag)
    found = terminated_transfer(segment, np.array([s]))[0]
    with mp.workdps(30):
        z = segment.resistance + mp.mpc(s) * segment.inertance
        y = mp.sqrt(z * mp.mpc(s) * segment.compliance)
        characteristic = mp.mpf(1) if y == 0 else mp.sinh(y) / y
        load = 1 / mp.mpf(segment.bed_resistance) + mp.mpc(s) * segment.bed_compliance
        exact = complex(1 / (mp.cosh(y) + z * characteristic * load))
    assert found == pytest.approx(exact, rel=1e-10)


@given(segment=segments)
def test_the_reduction_is_its_oscillator_and_is_stable(segment: TerminatedLine) -> None:
    found = segment.oscillator()
    s = np.array([0.3 + 2j])
    gain = 1 + segment.resistance / segment.bed_resistance
    square = found.omega_rad_s**2
    other = square / (s**2 + 2 * found.damping * found.omega_rad_s * s + square) / gain
    np.testing.assert_allclose(lumped_transfer(segment, s), other, rtol=1e-10)
    assert found.slow_rate_per_s > 0
    poles = np.roots([1, 2 * found.damping * found.omega_rad_s, square])
    assert found.slow_rate_per_s == pytest.approx(-poles.real.max(), rel=1e-4)


@given(segment=segments)
def test_it_rings_just_when_the_two_rates_are_close(segment: TerminatedLine) -> None:
    total = segment.lumped_compliance
    gap = segment.resistance / segment.inertance - 1 / (segment.bed_resistance * total)
    rings = gap**2 < 4 / (segment.inertance * total)
    damping = segment.oscillator().damping
    assert (damping < 1) == rings or damping == pytest.approx(1, abs=1e-9)


def test_the_reduction_is_of_second_order_where_resistance_is_small() -> None:
    """Without resistance, D - D2 starts with s^3: halving s divides the error by eight."""
    segment = TerminatedLine(
        resistance=0.0, inertance=1.0, compliance=1.0, bed_resistance=2.0, bed_compliance=0.5
    )
    s = np.array([0.02 + 0.01j, 0.01 + 0.005j])
    error = np.abs(1 / terminated_transfer(segment, s) - 1 / lumped_transfer(segment, s))
    assert error[0] / error[1] == pytest.approx(8, rel=0.05)


@given(radius=st.floats(1e-3, PADE_RADIUS), angle=st.floats(0.0, 2 * math.pi))
def test_pade_bound_holds_at_sixty_digits(radius: float, angle: float) -> None:
    with mp.workdps(60):
        y = mp.mpf(radius) * mp.expjpi(mp.mpf(angle) / mp.pi)
        error = abs(1 / mp.cosh(y) - 1 / (1 + y**2 / 2))
        assert error <= mp.mpf(pade_error_bound(radius)) * (1 + mp.mpf(10) ** -12)


@pytest.mark.parametrize("leakage", [0.0, 0.5, 3.0, 7.0])
@pytest.mark.parametrize("s", [0.5 + 0j, 2.0 + 0j, 1 + 5j])
def test_matched_kernel_has_its_transform(leakage: float, s: complex) -> None:
    line = Line(
        speed_m_s=6.0, length_m=0.4, friction=Friction(rate_per_s=3.0), leakage_per_s=leakage
    )
    arrival = 0.4 / 6.0

    def wake(t: float) -> float:
        return float(matched_kernel(line, np.array([t]), position_m=0.4).wake_per_s[0])

    options = {"limit": 400, "epsabs": 1e-12, "epsrel": 1e-10}
    real = quad(lambda t: wake(t) * np.exp(-s * t).real, arrival, 60, **options)[0]
    imag = quad(lambda t: wake(t) * np.exp(-s * t).imag, arrival, 60, **options)[0]
    impulse = matched_kernel(line, np.array([1.0]), position_m=0.4).impulse
    found = impulse * np.exp(-s * arrival) + real + 1j * imag
    exact = matched_transfer(line, np.array([s]), position_m=0.4)[0]
    assert abs(found - exact) < 1e-9


def test_matched_wake_falls_like_a_power_and_leakage_cures_it() -> None:
    times = np.array([1e2, 1e3, 1e4])
    wake = matched_kernel(HEART, times, position_m=0.4).wake_per_s
    limit = wake_asymptote(HEART, position_m=0.4)
    assert limit == pytest.approx(0.4 / 6 / 2 * math.sqrt(3 / math.pi))
    np.testing.assert_allclose(wake * times**1.5, limit, rtol=5e-3)
    leaky = Line(speed_m_s=6.0, length_m=0.4, friction=Friction(rate_per_s=3.0), leakage_per_s=0.5)
    later = matched_kernel(leaky, np.array([20.0, 40.0]), position_m=0.4).wake_per_s
    assert math.log(later[0] / later[1]) / 20 == pytest.approx(0.5, rel=0.15)


def test_nothing_arrives_before_the_front() -> None:
    kernel = matched_kernel(HEART, np.array([-1.0, 0.0, 0.05, 0.4 / 6]), position_m=0.4)
    np.testing.assert_array_equal(kernel.wake_per_s, 0)
    lossless = Line(speed_m_s=6.0, length_m=0.4)
    assert matched_kernel(lossless, np.array([1.0]), position_m=0.4).wake_per_s[0] == 0
    assert matched_kernel(lossless, np.array([1.0]), position_m=0.4).impulse == 1


def test_inertance_slows_the_front() -> None:
    law = low_womersley(radius_m=1e-3, viscosity_m2_s=3.3e-6)
    line = Line(speed_m_s=8.0, length_m=0.1, friction=law)
    assert line.wave_speed_m_s**2 == pytest.approx(0.75 * 64)
    assert line.damping_per_s == pytest.approx(6 * 3.3e-6 / 1e-6)


@given(line=lines, mode=st.integers(1, 5))
def test_damping_and_slow_rate_are_those_of_the_poles(line: Line, mode: int) -> None:
    law = line.friction
    square = (line.speed_m_s * line.wavenumber_per_m(mode)) ** 2
    total = law.rate_per_s + law.inertance * line.leakage_per_s
    poles = np.roots([law.inertance, total, law.rate_per_s * line.leakage_per_s + square])
    assert line.mode(mode).slow_rate_per_s == pytest.approx(-poles.real.max(), rel=1e-5, abs=1e-9)
    rings = abs(poles[0].imag) > 0
    damping = line.mode(mode).damping
    assert (damping < 1) == rings or damping == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("bad", [0.0, -2.0, math.nan, math.inf])
def test_bad_lines_are_refused(bad: float) -> None:
    with pytest.raises(ParameterError, match="speed_m_s"):
        Line(speed_m_s=bad, length_m=0.1)
    with pytest.raises(ParameterError, match="length_m"):
        Line(speed_m_s=1.0, length_m=bad)
    with pytest.raises(ParameterError, match="inertance"):
        TerminatedLine(
            resistance=1.0, inertance=bad, compliance=1.0, bed_resistance=1.0, bed_compliance=1.0
        )


def test_other_bad_input() -> None:
    s = np.array([1j])
    with pytest.raises(ParameterError, match="leakage_per_s"):
        Line(speed_m_s=1.0, length_m=0.1, leakage_per_s=-1.0)
    with pytest.raises(ParameterError, match="position_m"):
        closed_end_transfer(FACE, s, position_m=0.2)
    with pytest.raises(ParameterError, match="position_m"):
        matched_kernel(FACE, np.array([1.0]), position_m=-0.1)
    with pytest.raises(ShapeError, match="empty"):
        matched_kernel(FACE, np.zeros(0), position_m=0.1)
    with pytest.raises(ParameterError, match="finite"):
        lumped_transfer(
            TerminatedLine(
                resistance=0.0,
                inertance=1.0,
                compliance=1.0,
                bed_resistance=1.0,
                bed_compliance=0.0,
            ),
            np.array([complex(math.inf, 0)]),
        )
    with pytest.raises(ParameterError, match="mode"):
        FACE.natural_rad_s(0)
    with pytest.raises(ParameterError, match="modes"):
        modal_transfer(FACE, s, position_m=0.1, modes=-1)
    with pytest.raises(ParameterError, match="radius"):
        pade_error_bound(1.5)
    with pytest.raises(ParameterError, match="leakage_per_s"):
        wake_asymptote(Line(speed_m_s=1.0, length_m=0.1, leakage_per_s=1.0), position_m=0.1)


def test_a_frequency_beyond_the_bound_says_how_many_modes_would_do() -> None:
    s = np.array([2j * np.pi * 100])
    with pytest.raises(ParameterError, match="at least") as caught:
        modal_error_bound(HEART, s, modes=1)
    enough = int(str(caught.value).split()[-1])
    assert modal_error_bound(HEART, s, modes=enough).size == 1
    with pytest.raises(ParameterError):
        modal_error_bound(HEART, s, modes=enough - 1)
