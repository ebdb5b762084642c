"""The figures of the report, each drawn with the package's functions that its theorem is about.

From light and Navier-Stokes to the line, the ends of a vessel, the sampled oscillator, its length.
"""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pulsephase.pages.svg import ACCENT, FAINT, INK, SECOND, THIRD, Drawing
from pulsephase.physics import friction, population, vessel
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.friction import Friction
from pulsephase.physics.kernels import kernel
from pulsephase.physics.line import Line, closed_end_transfer
from pulsephase.physics.modal import (
    PADE_RADIUS,
    matched_kernel,
    modal_error_bound,
    modal_transfer,
    modal_transfer_without_direct_path,
    pade_error_bound,
    wake_asymptote,
)
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import SCHEMES, Scheme, coefficients
from pulsephase.physics.truncation import minimal_taps, receptive_field, tails
from pulsephase.physics.vessel import PULSE_BAND_HZ, VESSELS

HEART = vessel.HEART_TO_FACE.line(Friction(rate_per_s=3.0))


def _vacuity(left: Axes, right: Axes) -> None:
    t = np.linspace(0, 3, 400)
    root = complex(-0.5, np.sqrt(35) / 2)  # alpha = 1, c k = 3
    record = np.exp(root * t).real
    left.plot(t, record, color=INK)
    left.set(xlabel="time (s)", ylabel="pressure at one point", title="one record")
    for hertz, colour in ((1.0, ACCENT), (3.0, SECOND)):
        forcing = ((2 * np.pi * hertz) ** 2 - 9.0) * record
        right.plot(t, forcing / 100, color=colour, label=f"of a {hertz:g} Hz oscillator")
    right.set(xlabel="time (s)", ylabel="forcing (100/s²)", title="both explain it exactly")
    right.legend()


def _modes(left: Axes, right: Axes) -> None:
    hertz = np.linspace(0.2, 12, 500)
    s = 2j * np.pi * hertz
    end = HEART.length_m
    exact = closed_end_transfer(HEART, s, position_m=end)
    one = modal_transfer(HEART, s, position_m=end, modes=1)
    bare = modal_transfer_without_direct_path(HEART, s, position_m=end, modes=1)
    left.plot(hertz, np.abs(exact), color=INK, label="exact")
    left.plot(hertz, np.abs(one), color=ACCENT, linestyle="--", label="one mode and the 1")
    left.plot(hertz, np.abs(bare), color=SECOND, linestyle=":", label="the plain series, one mode")
    left.axvspan(*vessel.PULSE_BAND_HZ, color=FAINT, alpha=0.25, linewidth=0)
    left.set(xlabel="frequency (Hz)", ylabel="gain, heart to face", ylim=(0, 6))
    left.legend()
    at = 2j * np.pi * np.array([2.0])
    counts = np.arange(1, 41)
    places = np.linspace(0, end, 60)
    worst = []
    for count in counts:
        errors = [
            abs(
                closed_end_transfer(HEART, at, position_m=float(x))
                - modal_transfer(HEART, at, position_m=float(x), modes=int(count))
            )[0]
            for x in places
        ]
        worst.append(max(errors))
    bounds = [modal_error_bound(HEART, at, modes=int(count))[0] for count in counts]
    right.loglog(counts, bounds, color=SECOND, label="bound")
    right.loglog(counts, worst, color=ACCENT, label="worst error at 2 Hz")
    right.set(xlabel="modes kept", ylabel="error")
    right.legend()


def _lumped(left: Axes) -> None:
    radius = np.linspace(0.05, PADE_RADIUS, 60)
    turn = np.exp(1j * np.linspace(0, np.pi, 181))
    y = radius[:, None] * turn
    errors = np.abs(1 / np.cosh(y) - 1 / (1 + y**2 / 2))
    left.fill_between(radius, errors.min(axis=1), errors.max(axis=1), color=ACCENT, alpha=0.35)
    left.plot(radius, errors.max(axis=1), color=ACCENT, label="largest error over all phases")
    bounds = [pade_error_bound(float(r)) for r in radius]
    left.plot(radius, bounds, color=SECOND, linestyle="--", label="bound")
    left.set(yscale="log", xlabel="|y|", ylabel="error of the reduction")
    left.legend()


def _matched(left: Axes, right: Axes) -> None:
    end = HEART.length_m
    t = np.linspace(0, 1.2, 600)
    kernel = matched_kernel(HEART, t, position_m=end)
    left.plot(t, kernel.wake_per_s, color=ACCENT)
    left.fill_between(t, 0, kernel.wake_per_s, color=ACCENT, alpha=0.2, linewidth=0)
    left.annotate(
        f"impulse of weight {kernel.impulse:.2f}",
        (kernel.arrival_s, kernel.wake_per_s.max()),
        xytext=(0.3, 0.85 * kernel.wake_per_s.max()),
        arrowprops={"arrowstyle": "->", "color": INK},
        color=INK,
    )
    left.set(xlabel="time (s)", ylabel="wake (1/s)")
    late = np.geomspace(0.2, 60, 300)
    plain = matched_kernel(HEART, late, position_m=end).wake_per_s
    leaky_line = Line(
        speed_m_s=HEART.speed_m_s, length_m=end, friction=HEART.friction, leakage_per_s=0.5
    )
    leaky = matched_kernel(leaky_line, late, position_m=end).wake_per_s
    right.loglog(late, plain, color=ACCENT, label="matched end")
    limit = wake_asymptote(HEART, position_m=end)
    right.loglog(late, limit * late**-1.5, color=INK, linestyle=":", label="t to the -3/2")
    right.loglog(late, leaky, color=SECOND, linestyle="--", label="with leakage")
    right.loglog(
        late, plain[0] * np.exp(-1.5 * (late - late[0])), color=THIRD, label="an oscillator's"
    )
    right.set(xlabel="time (s)", ylabel="wake (1/s)", ylim=(1e-7, 1))
    right.legend(loc="lower left")


def _skin(left: Axes) -> None:
    edges = np.geomspace(0.05, 60, 90)
    bed = population.BED_TIMES[1]
    rng = np.random.default_rng(0)
    direct = population.draw_at_artery_end(rng, draws=20_000, bed=bed)
    behind = population.draw_behind_arterioles(rng, draws=20_000, bed=bed)
    left.hist(direct.damping, list(edges), color=SECOND, alpha=0.6, label="bed at the artery's end")
    left.hist(behind.damping, list(edges), color=ACCENT, alpha=0.6, label="skin behind arterioles")
    left.axvline(1, color=INK, linewidth=1)
    for word, shift, side in (("rings", -6, "right"), ("never rings", 6, "left")):
        left.annotate(
            word,
            (1, 1),
            (shift, -10),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=side,
            color=INK,
        )
    left.set(xscale="log", xlabel="damping ratio ζ", ylabel="draws of 20 000")
    left.legend(loc="upper left")


ENDS: dict[str, Drawing] = {
    "T7": Drawing(
        caption="The same record is that of a 1 Hz and of a 3 Hz oscillator: only the forcing that "
        "one must assume differs.",
        paint=_vacuity,
        panels=2,
    ),
    "T8": Drawing(
        caption="Left: the line from heart to face, with the pulse band shaded. Right: the error "
        "anywhere on it stays under its bound.",
        paint=_modes,
        panels=2,
    ),
    "T9": Drawing(caption="The error of the reduction and its bound.", paint=_lumped),
    "T10": Drawing(
        caption="Left: what arrives after the impulse. Right: its tail is a straight line in "
        "logarithms, which no oscillator's is.",
        paint=_matched,
        panels=2,
    ),
    "SK": Drawing(
        caption="Damping ratios of drawn segments (middling bed, nominal ranges).", paint=_skin
    ),
}


ALPHA, NU = "\N{GREEK SMALL LETTER ALPHA}", "\N{GREEK SMALL LETTER NU}"


def _light(left: Axes) -> None:
    depth = np.linspace(-0.6, 0.6, 200)
    left.plot(depth, np.expm1(-depth), color=ACCENT, label="exact")
    left.plot(depth, -depth, color=SECOND, linestyle="--", label="first order")
    left.set(xlabel="change of absorption, κ δV", ylabel="change of light, δI / I")
    left.legend()


def _profiles(left: Axes) -> None:
    r = np.linspace(-1, 1, 301)
    for exponent, colour in ((2.0, ACCENT), (4.0, THIRD), (9.0, SECOND)):
        law = friction.hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0, profile_exponent=exponent)
        speed = (exponent + 2) / exponent * (1 - np.abs(r) ** exponent)
        label = f"ζ = {exponent:g}: friction {law.rate_per_s:g} {NU}/R²"
        left.plot(speed, r, color=colour, label=label)
    left.set(xlabel="velocity over its mean", ylabel="r / R", xlim=(0, 2.9))
    left.legend(loc="center left")


def _leak(left: Axes) -> None:
    leak = np.linspace(0, 6, 200)
    for elastic, colour, label in ((0.0, ACCENT, "leakage alone"), (4.0, SECOND, "ck = 4 per s")):
        square = 3.0 * leak + elastic**2
        discriminant = (3.0 + leak) ** 2 - 4 * square
        left.plot(leak, discriminant, color=colour, label=label)
    left.axhline(0, color=INK, linewidth=0.8)
    left.annotate("below: it rings", (4.1, -9), color=INK)
    left.set(xlabel=f"leakage β (1/s), friction {ALPHA} = 3/s", ylabel="discriminant (1/s²)")
    left.legend()


def _friction_laws(left: Axes, right: Axes) -> None:
    number = np.geomspace(0.3, 12, 200)
    s = 1j * number**2
    exact = friction.womersley_impedance(s, radius_m=1.0, viscosity_m2_s=1.0)
    laws = (
        ("4/3 law", friction.low_womersley(radius_m=1.0, viscosity_m2_s=1.0), ACCENT),
        ("Hughes-Lubliner", friction.hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0), SECOND),
    )
    for name, law, colour in laws:
        error = np.abs(law.inertance * s + law.rate_per_s - exact) / np.abs(exact)
        left.loglog(number, 100 * error, color=colour, label=name)
    left.set(xlabel="Womersley number", ylabel="error of the impedance (%)")
    left.legend()
    width = np.geomspace(1, 60, 120)
    damping = [
        friction.damping_ratio(
            friction.womersley_modal_pole(radius_m=1.0, viscosity_m2_s=1.0, natural_rad_s=float(w))
        )
        for w in width
    ]
    right.semilogx(width, damping, color=INK, label="exact")
    for _, law, colour in laws:
        ratios = [
            friction.damping_ratio(friction.modal_pole(law, natural_rad_s=float(w))) for w in width
        ]
        right.semilogx(width, ratios, color=colour, linestyle="--")
    right.axvline(4, color=FAINT, linewidth=1)
    right.set(xlabel=f"W = c k R² / {NU} of a mode", ylabel="damping ratio")
    right.legend()


FLOW: dict[str, Drawing] = {
    "BL": Drawing(caption="The exact attenuation and the linear law.", paint=_light),
    "T3": Drawing(caption="A blunter profile has more friction at the wall.", paint=_profiles),
    "T5": Drawing(
        caption="With leakage alone the discriminant touches zero and never crosses it.",
        paint=_leak,
    ),
    "T6": Drawing(
        caption="Left: error of two low-order laws. Right: damping of a mode; at W = 4 (line) the "
        "common law says critical, the exact friction rings.",
        paint=_friction_laws,
        panels=2,
    ),
}


STEP_S = 1 / 30
DAMPINGS = ((0.1, ACCENT), (0.3, THIRD), (1.0, SECOND), (3.0, INK))
LABELS = {0: ((0, 5), "center"), 1: ((-6, -3), "right"), 2: ((0, 5), "center")}
NAMES: dict[Scheme, str] = {
    "semi_implicit": "semi-implicit (published)",
    "semi_implicit_damping": "damping implicit",
}


def _exact(damping: float) -> Discretisation:
    mode = Oscillator.from_natural_hz(1.2, damping=damping)
    return Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)


def _kernels(left: Axes, right: Axes) -> None:
    for damping, colour in DAMPINGS:
        taps = kernel(_exact(damping), taps=60)
        times = np.arange(60) * STEP_S
        left.plot(times, taps / taps.max(), ".-", color=colour, linewidth=1, markersize=3.5)
        poles = np.array(_exact(damping).poles)
        right.plot(poles.real, poles.imag, "o", color=colour, label=f"ζ = {damping:g}")
    turn = np.linspace(0, 2 * np.pi, 200)
    right.plot(np.cos(turn), np.sin(turn), color=FAINT, linewidth=1)
    left.set(xlabel="time (s)", ylabel="kernel over its peak")
    right.set(xlabel="real part", ylabel="imaginary part", xlim=(0.3, 1.05), ylim=(-0.4, 0.4))
    right.legend(loc="center left")


def _radius(
    friction: NDArray[np.float64], natural: NDArray[np.float64], scheme: Scheme
) -> NDArray[np.float64]:
    """Return the size of the largest pole of a unit step, for arrays of parameters."""
    found = coefficients(scheme, friction, natural, step_s=1.0)
    half = np.asarray(found.trace, dtype=np.complex128) / 2
    root = np.sqrt(half**2 - found.det)
    larger: NDArray[np.float64] = np.maximum(np.abs(half + root), np.abs(half - root))
    return larger


def _stability(left: Axes) -> None:
    friction, natural = np.meshgrid(np.geomspace(3e-2, 3e5, 300), np.geomspace(0.3, 2e3, 200))
    drawn: tuple[tuple[Scheme, str], ...] = (
        ("semi_implicit", ACCENT),
        ("semi_implicit_damping", SECOND),
    )
    for scheme, colour in drawn:
        size = _radius(friction, natural, scheme)
        left.contour(friction, natural, size, levels=[1.0], colors=[colour])
        left.plot([], [], color=colour, label=NAMES[scheme])
    for index, example in enumerate(VESSELS):
        mode = example.line().mode(1)
        at = (mode.alpha_per_s * STEP_S, mode.omega_rad_s * STEP_S)
        left.plot(*at, "o", color=INK, markersize=4)
        shift, side = LABELS.get(index, ((6, -3), "left"))
        left.annotate(
            example.name, at, shift, textcoords="offset points", ha=side, color=INK, fontsize=7
        )
    left.set(xscale="log", yscale="log", xlim=(2e-2, 3e5), ylim=(0.3, 2e3))
    left.set(xlabel=f"friction times step, {ALPHA} h", ylabel="frequency times step, ω h")
    left.legend(loc="upper left", title="stable below its line")


def _orders(left: Axes) -> None:
    """Draw how the poles of each scheme approach the oscillator's as the step shrinks."""
    mode = Oscillator.from_natural_hz(1.2, damping=0.3)
    steps = np.geomspace(1 / 1000, 1 / 15, 30)
    colours = (ACCENT, THIRD, SECOND, INK, FAINT)
    for scheme, colour in zip(SCHEMES[:5], colours, strict=True):
        errors = []
        for step in steps:
            found = Discretisation(oscillator=mode, scheme=scheme, step_s=float(step)).poles[0]
            errors.append(abs(np.log(found) / step - mode.poles_per_s[0]))
        left.loglog(1e3 * steps, errors, color=colour, label=scheme.replace("_", " "))
    left.axvline(1e3 * STEP_S, color=FAINT, linewidth=1)
    left.set(xlabel="step (ms); the line is 30 fps", ylabel="error of the pole (1/s)")
    left.legend()


KERNEL: dict[str, Drawing] = {
    "T11": Drawing(
        caption="How far the poles of each scheme are from those of a 1.2 Hz oscillator; the two "
        "holds are exact and have no error to draw.",
        paint=_orders,
    ),
    "T12": Drawing(
        caption="Left: kernels of a 1.2 Hz oscillator at 30 fps, from ringing to creeping, through "
        "critical damping without a seam. Right: their poles in the unit disc.",
        paint=_kernels,
        panels=2,
    ),
    "T13": Drawing(
        caption="Where two schemes stop being stable at 30 fps, and where the first mode of each "
        "vessel lies (nominal sizes). Only the path from heart to face is inside; the exact "
        "hold is stable everywhere.",
        paint=_stability,
    ),
}


LAYERS = (3, 4, 5, 6)  # of kernel size 3, dilations 1, 2, 4, ...
COLOURS = (ACCENT, THIRD, SECOND, INK)
FREQUENCIES_HZ = (PULSE_BAND_HZ[0], 1.2, 2.0, PULSE_BAND_HZ[1])


def _step(natural_hz: float, damping: float) -> Discretisation:
    mode = Oscillator.from_natural_hz(natural_hz, damping=damping)
    return Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)


def _lengths(left: Axes, right: Axes) -> None:
    for damping, colour in zip((0.1, 0.3, 0.7, 3.0), COLOURS, strict=True):
        lost = tails(_step(1.2, damping))
        left.semilogy(lost[:260] / lost[0], color=colour, label=f"ζ = {damping:g}")
    left.set(xlabel="taps kept (1.2 Hz, 30 fps)", ylabel="share of the kernel lost")
    left.set(xlim=(0, 260), ylim=(1e-4, 1.2))
    left.legend()
    dampings = np.geomspace(0.05, 5, 60)
    for hertz, colour in zip(FREQUENCIES_HZ, COLOURS, strict=True):
        needed = [minimal_taps(_step(hertz, float(z)), tolerance=1e-2) for z in dampings]
        right.loglog(dampings, needed, color=colour, label=f"{hertz:g} Hz")
    for layers in LAYERS:
        field = receptive_field(layers=layers, kernel_size=3)
        left.axvline(field, color=FAINT, linewidth=1)
        right.axhline(field, color=FAINT, linewidth=1)
        right.annotate(f"{layers} layers: {field}", (0.0505, field * 1.04), color=INK, fontsize=7)
    right.set(xlabel="damping ratio ζ", ylabel="taps that lose 1 %")
    right.legend(loc="upper center")


LENGTH: dict[str, Drawing] = {
    "T17": Drawing(
        caption="Left: what is lost by cutting the kernel. Right: taps needed to lose 1 %, against "
        "damping; grey lines are what 3 to 6 layers of kernel size 3 see. At 1.2 Hz four "
        "layers suffice only near critical damping, three nowhere.",
        paint=_lengths,
        panels=2,
    ),
}


FIGURES: dict[str, Drawing] = {
    **FLOW,
    **ENDS,
    **KERNEL,
    **LENGTH,
}
