"""Figures of the gap between the line and the oscillator: what each end of a vessel does."""

import numpy as np
from matplotlib.axes import Axes

from pulsephase.physics import population, vessel
from pulsephase.physics.friction import Friction
from pulsephase.physics.line import Line, closed_end_transfer
from pulsephase.physics.lumped import PADE_RADIUS, pade_error_bound
from pulsephase.physics.matched import matched_kernel, wake_asymptote
from pulsephase.physics.modal import (
    modal_error_bound,
    modal_transfer,
    modal_transfer_without_direct_path,
)
from pulsephase.proofs.drawing import ACCENT, FAINT, INK, SECOND, THIRD, Drawing

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
    left.plot(hertz, np.abs(one), color=ACCENT, linestyle="--", label="one mode, direct path")
    left.plot(hertz, np.abs(bare), color=SECOND, linestyle=":", label="one mode alone")
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


FIGURES: dict[str, Drawing] = {
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
