"""Figures of sections system and nulls: Bode plot, poles, how many there are, and chance."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pulsephase.experiments.interpret.drawn import Shown, frequency_axis, shown
from pulsephase.experiments.interpret.nulls import titled
from pulsephase.proofs.drawing import ACCENT, FAINT, INK, SECOND


def figures(system: Mapping[str, Any], nulls: Mapping[str, Any]) -> list[Shown]:
    """Return the figures of both sections; those whose numbers are withheld are left out."""
    found = []
    if "bode" in system:
        found.append(_bode(system["bode"]))
    if "values" in system.get("hankel", {}):
        found.append(_poles(system))
    if "nulls" in nulls:
        found.append(_nulls(nulls))
    return found


def _bode(bode: Mapping[str, Any]) -> Shown:
    hertz = bode["hz"]

    def paint(gain: Axes, delay: Axes) -> None:
        gain.fill_between(
            hertz, bode["gain_db_low"], bode["gain_db_high"], color=ACCENT, alpha=0.2, linewidth=0
        )
        gain.plot(hertz, bode["gain_db"], color=ACCENT)
        gain.set(ylabel="gain (dB)", title="gain")
        delay.plot(hertz, bode["group_delay_frames"], color=ACCENT)
        low, high = np.quantile(bode["group_delay_frames"], [0.05, 0.95])
        room = max(high - low, 10.0)
        delay.set(ylabel="frames", title="group delay", ylim=(low - room / 2, high + room / 2))
        for axes in (gain, delay):
            frequency_axis(axes, hertz)

    return shown(
        "bode",
        paint,
        panels=2,
        title="The mean kernel as a filter",
        read="Left: how much it passes of each frequency; the band is the middle 80 % of clips, "
        "the grey stripe where hearts beat. Right: by how many frames it delays them.",
        refuted="A gain that is flat through the stripe, or largest outside it, refutes that the "
        "network singles out the pulse's frequencies.",
    )


def _poles(system: Mapping[str, Any]) -> Shown:
    hankel, fit = system["hankel"], system.get("two_poles", {})

    def paint(plane: Axes, values: Axes) -> None:
        turn = np.linspace(0, np.pi, 200)
        plane.plot(np.cos(turn), np.sin(turn), color=FAINT, linewidth=1)
        plane.axhline(0, color=FAINT, linewidth=0.8)
        for name, marker, colour in (("zeros", "o", SECOND), ("poles", "x", ACCENT)):
            points = np.array(fit.get(name, [])).reshape(-1, 2)
            x, y = points[points[:, 1] >= -1e-12].T
            plane.plot(
                x,
                y,
                linestyle="none",
                marker=marker,
                color=colour,
                markerfacecolor="none",
                label=name,
                zorder=3,
            )
        plane.set(xlim=(-1.15, 1.15), ylim=(-0.1, 1.15), title="two poles, upper half plane")
        plane.set_aspect("equal")
        plane.legend(loc="upper left", fontsize=8)
        share = np.array(hankel["values"][:40])
        values.semilogy(
            np.arange(1, len(share) + 1), share / share[0], color=ACCENT, marker="o", markersize=3
        )
        edge = hankel.get("noise_edge")
        if edge:
            values.axhline(edge / share[0], color=SECOND, linestyle="--", linewidth=1)
        values.axvline(2.5, color=INK, linestyle=":", linewidth=1)
        values.set(xlabel="number", title="Hankel singular values", ylim=(1e-4, 1.5))

    return shown(
        "poles",
        paint,
        panels=2,
        title="Poles, and how many there really are",
        read="Left: the best two poles of the mean kernel (and zeros) inside the unit circle; the "
        "angle is the frequency, the distance to the circle the damping. Right: one singular value "
        "a pole; an oscillator has two and then nothing. Dashed: where the spread over clips "
        "begins.",
        refuted="Singular values that fall slowly past the dotted line refute 'two poles': the "
        "kernel is longer a sum than any one oscillator.",
    )


def _nulls(section: Mapping[str, Any]) -> Shown:
    nulls = section["nulls"]
    names = [name for name, null in nulls.items() if null.get("scores")]

    def paint(axes: Axes) -> None:
        rng = np.random.default_rng(0)
        for at, name in enumerate(names):
            values = np.array(nulls[name]["scores"])
            height = at + 0.5 * (rng.random(len(values)) - 0.5)
            colour = INK if nulls[name].get("decides") else FAINT
            axes.scatter(values, height, s=5, color=colour, alpha=0.5, linewidths=0)
            text = f"{nulls[name]['percentile']:.0f} %"
            axes.annotate(text, (1.02, at), xycoords=("axes fraction", "data"), va="center")
        axes.axvline(section["score"], color=ACCENT, linewidth=2)
        axes.set(xlim=(-0.05, 1.05), xlabel="physics consistency (PCS+, one mode)")
        axes.set_yticks(range(len(names)), [titled(name, nulls[name]) for name in names])
        axes.invert_yaxis()

    return shown(
        "nulls",
        paint,
        title="Is that more than chance?",
        read="The line is this network; each dot is a kernel that knows no physics; on the right, "
        "how many per cent of them the network exceeds. Random weights in the same architecture "
        "are the decisive row. Faint rows do not decide: a Butterworth filter is an oscillator.",
        refuted="A line that random weights reach refutes that training put an oscillator there. A "
        "line above all rows would still say 'few poles', never 'haemodynamics'.",
    )
