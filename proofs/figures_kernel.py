"""Figures of the sampled oscillator: its kernel, its poles, where a scheme diverges."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import SCHEMES, Scheme, coefficients
from pulsephase.physics.vessel import VESSELS
from pulsephase.proofs.drawing import ACCENT, FAINT, INK, SECOND, THIRD, Drawing

ALPHA = "\N{GREEK SMALL LETTER ALPHA}"
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
    for index, vessel in enumerate(VESSELS):
        mode = vessel.line().mode(1)
        at = (mode.alpha_per_s * STEP_S, mode.omega_rad_s * STEP_S)
        left.plot(*at, "o", color=INK, markersize=4)
        shift, side = LABELS.get(index, ((6, -3), "left"))
        left.annotate(
            vessel.name, at, shift, textcoords="offset points", ha=side, color=INK, fontsize=7
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


FIGURES: dict[str, Drawing] = {
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
