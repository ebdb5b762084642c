"""Constants, units, friction, wall: against closed forms, mpmath, and changes of unit."""

import math
from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.physics import friction, population, vessel, wall
from pulsephase.physics.friction import Friction
from pulsephase.physics.vessel import VESSELS, Dimension, Quantity, Vessel

sizes = st.floats(1e-5, 5e-3)
viscosities = st.floats(1e-6, 1e-5)
scales = st.floats(0.2, 5.0)


def test_units_multiply_exactly() -> None:
    assert Dimension.parse("Pa s") == Dimension.parse("kg m^-1 s^-1")
    assert Dimension.parse("m^2") ** Fraction(1, 2) == Dimension.parse("m")
    assert Dimension.parse("Pa") / Dimension.parse("kg m^-3") == Dimension.parse("m^2 s^-2")
    assert Dimension.parse("1") == Dimension.parse("Hz") * Dimension.parse("s")
    with pytest.raises(ParameterError, match="furlong"):
        Dimension.parse("furlong s^-1")


def test_a_quantity_checks_itself() -> None:
    good = {"name": "x", "unit": "m", "low": 1.0, "high": 2.0, "source": "assumption"}
    assert Quantity(value=1.5, **good).dimension == Dimension.parse("m")
    with pytest.raises(ParameterError, match="1 to 2"):
        Quantity(value=3.0, **good)
    with pytest.raises(ParameterError, match="plausible"):
        Quantity(value=math.nan, **good)
    with pytest.raises(ParameterError, match="no source"):
        Quantity(value=1.5, **{**good, "source": ""})
    with pytest.raises(ParameterError, match="league"):
        Quantity(value=1.5, **{**good, "unit": "league"})


# The declared unit of each argument and of the result: a formula that mixes units is found by
# running the function itself in other base units.
SI = {
    "radius_m": "m",
    "wall_m": "m",
    "length_m": "m",
    "young_pa": "Pa",
    "density_kg_m3": "kg m^-3",
    "viscosity_m2_s": "m^2 s^-1",
    "friction_per_s": "s^-1",
    "leakage_per_s": "s^-1",
    "natural_rad_s": "s^-1",
    "frequency_hz": "s^-1",
    "sample_hz": "s^-1",
    "relaxation_s": "s",
    "poisson": "1",
    "profile_exponent": "1",
}
VALUES = {
    "radius_m": 1.1e-3,
    "wall_m": 2e-4,
    "length_m": 0.1,
    "young_pa": 6e5,
    "density_kg_m3": 1060.0,
    "viscosity_m2_s": 3.3e-6,
    "friction_per_s": 20.0,
    "leakage_per_s": 2.0,
    "natural_rad_s": 9.0,
    "frequency_hz": 1.2,
    "sample_hz": 30.0,
    "relaxation_s": 0.01,
    "poisson": 0.45,
    "profile_exponent": 3.0,
}
FORMULAS: list[tuple[Callable[..., float], str, str]] = [
    (wall.compliance_per_length, "radius_m wall_m young_pa poisson", "m^2 Pa^-1"),
    (wall.moens_korteweg_speed, "radius_m wall_m young_pa density_kg_m3 poisson", "m s^-1"),
    (wall.kelvin_voigt_damping, "friction_per_s natural_rad_s relaxation_s", "1"),
    (friction.womersley_number, "radius_m viscosity_m2_s frequency_hz", "1"),
    (vessel.smallest_stable_radius_m, "sample_hz profile_exponent viscosity_m2_s", "m"),
    (vessel.critical_radius_m, "frequency_hz viscosity_m2_s", "m"),
    (
        lambda **k: wall.leaky_mode(**k)[1],
        "friction_per_s leakage_per_s",
        "s^-2",
    ),
    (
        lambda **k: friction.hughes_lubliner(**k).rate_per_s,
        "radius_m viscosity_m2_s profile_exponent",
        "s^-1",
    ),
    (lambda **k: friction.low_womersley(**k).rate_per_s, "radius_m viscosity_m2_s", "s^-1"),
    (
        lambda **k: abs(friction.womersley_modal_pole(**k)),
        "radius_m viscosity_m2_s natural_rad_s",
        "s^-1",
    ),
]


@pytest.mark.parametrize(("formula", "names", "unit"), FORMULAS)
@given(kg=scales, m=scales, s=scales)
def test_every_formula_is_the_same_in_other_units(
    formula: Callable[..., float], names: str, unit: str, kg: float, m: float, s: float
) -> None:
    def rescaled(name: str) -> float:
        return VALUES[name] * Dimension.parse(SI[name]).factor(kg=kg, m=m, s=s)

    plain = formula(**{name: VALUES[name] for name in names.split()})
    other = formula(**{name: rescaled(name) for name in names.split()})
    assert other == pytest.approx(plain * Dimension.parse(unit).factor(kg=kg, m=m, s=s), rel=1e-9)


def test_moens_korteweg_is_the_slope_of_the_tube_law() -> None:
    radius, thick, young, poisson, density = 2e-3, 2e-4, 4e5, 0.4, 1060.0
    area = math.pi * radius**2

    def pressure(a: float) -> float:
        stiffness = math.sqrt(math.pi) * young * thick / ((1 - poisson**2) * area)
        return stiffness * (math.sqrt(a) - math.sqrt(area))

    step = 1e-5 * area
    slope = (pressure(area + step) - pressure(area - step)) / (2 * step)
    sizes_of = {"radius_m": radius, "wall_m": thick, "young_pa": young, "poisson": poisson}
    assert wall.compliance_per_length(**sizes_of) == pytest.approx(1 / slope, rel=1e-8)
    speed = wall.moens_korteweg_speed(**sizes_of, density_kg_m3=density)
    assert speed**2 == pytest.approx(area / density * slope, rel=1e-8)


@given(exponent=st.floats(0.5, 20.0))
def test_profile_gives_its_friction_and_momentum(exponent: float) -> None:
    """Integrate v and v^2 over the disc, and differentiate at the wall, by quadrature."""
    r, weight = np.polynomial.legendre.leggauss(400)
    r, weight = (r + 1) / 2, weight / 2
    v = (exponent + 2) / exponent * (1 - r**exponent)
    assert 2 * np.sum(weight * r * v) == pytest.approx(1.0, rel=1e-5)
    momentum = 2 * np.sum(weight * r * v**2)
    assert friction.momentum_correction(exponent) == pytest.approx(momentum, rel=1e-5)
    slope = -(exponent + 2)  # dv/dr at r = 1
    law = friction.hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0, profile_exponent=exponent)
    assert law.rate_per_s == pytest.approx(-2 * slope, rel=1e-12)
    assert law.inertance == 1.0


@given(size=st.floats(1e-9, 1e6), angle=st.floats(-3.0, 3.0))
def test_womersley_impedance_against_mpmath(size: float, angle: float) -> None:
    x = complex(size * math.cos(angle), size * math.sin(angle))
    found = friction.womersley_impedance(np.array([x]), radius_m=1.0, viscosity_m2_s=1.0)[0]
    with mp.workdps(40):
        chi = mp.sqrt(mp.mpc(x))
        exact = complex(mp.mpc(x) * mp.besseli(0, chi) / mp.besseli(2, chi))
    assert abs(found - exact) <= 1e-10 * abs(exact)


def test_womersley_impedance_at_rest_is_poiseuille() -> None:
    z = friction.womersley_impedance(np.zeros(1, complex), radius_m=2.0, viscosity_m2_s=0.5)
    assert z[0] == 8 * 0.5 / 4


def test_womersley_relaxation_sums_to_the_admittance() -> None:
    weights, rates = friction.womersley_relaxation(200_000, radius_m=1.0, viscosity_m2_s=1.0)
    assert weights.sum() == pytest.approx(1.0, abs=3e-6)  # tail 4/(pi^2 N)
    assert (weights / rates).sum() == pytest.approx(1 / 8, abs=1e-12)
    s = np.array([0.7, 3 + 5j, 40j])
    exact = 1 / friction.womersley_impedance(s + 0j, radius_m=1.0, viscosity_m2_s=1.0)
    found = (weights / (s[:, None] + rates)).sum(axis=1)
    assert np.abs(found - exact).max() < 1e-9


def test_errors_of_the_laws_are_the_published_ones() -> None:
    """Relative error of the impedance at Wo = 1, 2, 3 (theory: 4/3 law 0.1, 1.1, 3.7 %)."""
    number = np.array([1.0, 2.0, 3.0])
    s = 1j * number**2
    exact = friction.womersley_impedance(s, radius_m=1.0, viscosity_m2_s=1.0)
    poiseuille = np.abs(s + 8 - exact) / np.abs(exact)
    corrected = np.abs(4 / 3 * s + 8 - exact) / np.abs(exact)
    np.testing.assert_allclose(100 * corrected, [0.1, 1.1, 3.7], atol=0.06)
    np.testing.assert_allclose(100 * poiseuille, [4.0, 14.0, 20.0], atol=0.6)


@given(width=st.floats(1e-3, 1e3), radius=sizes, viscosity=viscosities)
def test_womersley_mode_solves_its_equation(width: float, radius: float, viscosity: float) -> None:
    unit = viscosity / radius**2
    pole = friction.womersley_modal_pole(
        radius_m=radius, viscosity_m2_s=viscosity, natural_rad_s=width * unit
    )
    with mp.workdps(30):
        x = mp.mpc(pole / unit)
        chi = mp.sqrt(x)
        left = x * x * mp.besseli(0, chi) / mp.besseli(2, chi) + mp.mpf(width) ** 2
    # near the double pole (W = 3.458) the root itself is only good to the square root of rounding
    assert abs(left) <= 1e-10 * width**2
    assert pole.real < 0 and pole.imag >= -1e-9 * abs(pole)


def test_hughes_lubliner_calls_a_ringing_mode_critical() -> None:
    law = friction.hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0)
    assert friction.damping_ratio(friction.modal_pole(law, natural_rad_s=4.0)) == 1.0
    exact = friction.womersley_modal_pole(radius_m=1.0, viscosity_m2_s=1.0, natural_rad_s=4.0)
    assert friction.damping_ratio(exact) == pytest.approx(0.862, abs=5e-4)
    corrected = friction.low_womersley(radius_m=1.0, viscosity_m2_s=1.0)
    pole = friction.modal_pole(corrected, natural_rad_s=4.0)
    assert friction.damping_ratio(pole) == pytest.approx(0.866, abs=5e-4)


@given(rate=st.floats(0.0, 1e5), inertance=st.floats(0.5, 2.0), natural=st.floats(1e-2, 1e4))
def test_modal_pole_is_a_root(rate: float, inertance: float, natural: float) -> None:
    pole = friction.modal_pole(
        Friction(rate_per_s=rate, inertance=inertance), natural_rad_s=natural
    )
    terms = (inertance * pole**2, rate * pole, natural**2)
    assert abs(sum(terms)) <= 1e-12 * max(map(abs, terms))
    other = rate / inertance + pole.real  # minus the other root, where both are real
    assert pole.imag > 0 or other >= -pole.real * (1 - 1e-6)


def test_wall_damping_adds_to_fluid_damping() -> None:
    plain = wall.kelvin_voigt_damping(friction_per_s=6.0, natural_rad_s=10.0, relaxation_s=0.0)
    viscous = wall.kelvin_voigt_damping(friction_per_s=0.0, natural_rad_s=10.0, relaxation_s=0.02)
    both = wall.kelvin_voigt_damping(friction_per_s=6.0, natural_rad_s=10.0, relaxation_s=0.02)
    assert (plain, viscous) == (pytest.approx(0.3), pytest.approx(0.1))
    assert both == pytest.approx(0.4)


@given(alpha=st.floats(0.0, 1e4), beta=st.floats(0.0, 1e4), elastic=st.floats(0.0, 1e3))
def test_leaky_mode_has_its_poles(alpha: float, beta: float, elastic: float) -> None:
    total, product = wall.leaky_mode(
        friction_per_s=alpha, leakage_per_s=beta, elastic_rad_s=elastic
    )
    matrix = np.array([[-beta, -elastic], [elastic, -alpha]])
    assert total == pytest.approx(-np.trace(matrix), rel=1e-12, abs=1e-300)
    assert product == pytest.approx(np.linalg.det(matrix), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "friction_per_s", "first_hz", "damping"),
    [
        ("aorta and carotid path", 2.9, 3.75, 0.06),
        ("external carotid", 5.5, 17.5, 0.025),
        ("facial artery", 18.0, 20.0, 0.073),
        ("facial artery, small", 41.0, 20.0, 0.16),
        ("small artery", 2.6e3, 150.0, 1.4),
        ("arteriole", 6.6e4, 500.0, 10.5),
        ("precapillary", 4.1e5, 1500.0, 22.0),
    ],
)
def test_table_of_vessels(
    name: str, friction_per_s: float, first_hz: float, damping: float
) -> None:
    line = {item.name: item for item in VESSELS}[name].line()
    assert line.damping_per_s == pytest.approx(friction_per_s, rel=0.03)
    assert line.natural_rad_s(1) / (2 * math.pi) == pytest.approx(first_hz, rel=1e-12)
    assert line.mode(1).damping == pytest.approx(damping, rel=0.04)


def test_radii_where_the_published_step_fails() -> None:
    smallest = vessel.smallest_stable_radius_m
    assert 1e3 * smallest(sample_hz=30.0) == pytest.approx(0.664, abs=5e-4)
    assert 1e3 * smallest(sample_hz=30.0, profile_exponent=9.0) == pytest.approx(1.10, abs=5e-3)
    assert 1e3 * vessel.critical_radius_m(frequency_hz=1.2) == pytest.approx(1.32, abs=5e-3)
    law = friction.hughes_lubliner(
        radius_m=smallest(sample_hz=30.0), viscosity_m2_s=vessel.KINEMATIC_VISCOSITY_M2_S
    )
    assert law.rate_per_s == pytest.approx(60.0, rel=1e-12)


def test_sources_are_named() -> None:
    for quantity in (
        vessel.BLOOD_DENSITY,
        vessel.BLOOD_VISCOSITY,
        vessel.MEAN_PRESSURE,
        vessel.WALL_RELAXATION,
        *(item.quantity() for item in (population.RADIUS, population.FLOW, population.SPEED)),
    ):
        assert quantity.source and quantity.low < quantity.high
    assert all(item.source for item in VESSELS)


@pytest.mark.parametrize(
    ("bed", "natural_hz", "damping"),
    [(0, 13.0, 0.20), (1, 9.1, 0.27), (2, 5.7, 0.42)],
)
def test_population_at_the_artery_end(bed: int, natural_hz: float, damping: float) -> None:
    found = population.draw_at_artery_end(
        np.random.default_rng(1), draws=20_000, bed=population.BED_TIMES[bed]
    )
    assert np.median(found.natural_hz) == pytest.approx(natural_hz, rel=0.04)
    assert np.median(found.damping) == pytest.approx(damping, rel=0.04)
    assert found.overdamped.mean() < 0.2


@pytest.mark.parametrize(
    ("bed", "damping", "slow"), [(0, 4.7, 10.7), (1, 7.6, 4.1), (2, 12.9, 1.4)]
)
def test_skin_is_overdamped_in_every_draw(bed: int, damping: float, slow: float) -> None:
    found = population.draw_behind_arterioles(
        np.random.default_rng(1), draws=20_000, bed=population.BED_TIMES[bed]
    )
    assert found.overdamped.all()
    assert np.median(found.damping) == pytest.approx(damping, rel=0.04)
    assert np.median(found.slow_rate_per_s) == pytest.approx(slow, rel=0.06)


def test_draws_depend_on_the_seed_alone() -> None:
    bed = population.BED_TIMES[0]
    first = population.draw_at_artery_end(np.random.default_rng(3), draws=10, bed=bed)
    again = population.draw_at_artery_end(np.random.default_rng(3), draws=10, bed=bed)
    np.testing.assert_array_equal(first.damping, again.damping)
    assert {field.name for field in fields(first)} == {"natural_hz", "damping"}


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_bad_sizes_are_refused(bad: float) -> None:
    with pytest.raises(ParameterError, match="radius_m"):
        friction.hughes_lubliner(radius_m=bad, viscosity_m2_s=1e-6)
    with pytest.raises(ParameterError, match="viscosity_m2_s"):
        friction.low_womersley(radius_m=1e-3, viscosity_m2_s=bad)
    with pytest.raises(ParameterError, match="radius_m"):
        Vessel(name="x", radius_m=bad, length_m=0.1, speed_m_s=5.0)
    with pytest.raises(ParameterError, match="young_pa"):
        wall.compliance_per_length(radius_m=1e-3, wall_m=1e-4, young_pa=bad)
    with pytest.raises(ParameterError, match="inertance"):
        Friction(rate_per_s=1.0, inertance=bad)
    with pytest.raises(ParameterError, match="sample_hz"):
        vessel.smallest_stable_radius_m(sample_hz=bad)


def test_other_bad_input() -> None:
    with pytest.raises(ParameterError, match="rate_per_s"):
        Friction(rate_per_s=-1.0)
    with pytest.raises(ParameterError, match="poisson"):
        wall.compliance_per_length(radius_m=1e-3, wall_m=1e-4, young_pa=1e5, poisson=0.6)
    with pytest.raises(ParameterError, match="leakage_per_s"):
        wall.leaky_mode(friction_per_s=1.0, leakage_per_s=-1.0)
    with pytest.raises(ShapeError, match="empty"):
        friction.womersley_impedance(np.zeros(0, complex), radius_m=1.0, viscosity_m2_s=1.0)
    with pytest.raises(ParameterError, match="finite"):
        friction.womersley_impedance(
            np.array([complex(math.nan, 0)]), radius_m=1.0, viscosity_m2_s=1.0
        )
    with pytest.raises(ParameterError, match="count"):
        friction.womersley_relaxation(0, radius_m=1.0, viscosity_m2_s=1.0)
    with pytest.raises(ParameterError, match="draws"):
        population.draw_at_artery_end(
            np.random.default_rng(0), draws=0, bed=population.BED_TIMES[0]
        )
