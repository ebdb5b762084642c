"""Figures of the sections response, system, nulls and forcing.

Energy by lag and kernels with their spread; Bode plot, poles and their number; what scores by
chance; what is read from each clip against its heart rate and its vessel.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pulsephase.interpret.nulls import titled
from pulsephase.pages.svg import (
    ACCENT,
    FAINT,
    INK,
    SECOND,
    THIRD,
    Shown,
    frequency_axis,
    shown,
    zero_line,
)


def system_figures(system: Mapping[str, Any], nulls: Mapping[str, Any]) -> list[Shown]:
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


TICKS = (0.25, 0.5, 1, 2, 4, 8, 16)


def forcing_figures(section: Mapping[str, Any]) -> list[Shown]:
    """Return the figure of the section."""
    heart_hz = [bpm / 60 for bpm in section["heart_rate_bpm"]]
    read, peak = section["natural_hz"], section["peak_hz"]

    def paint(heart: Axes, vessel: Axes) -> None:
        for axes, true, name in (
            (heart, heart_hz, "heart rate of the clip (Hz)"),
            (vessel, section["planted_natural_hz"], "planted natural frequency (Hz)"),
        ):
            _points(axes, true, peak, SECOND, "largest response")
            _points(axes, true, read, ACCENT, "two poles")
            ends = np.array([min(true), max(true)])
            axes.plot(ends, ends, color=FAINT, linewidth=1)
            axes.set(xscale="log", yscale="log", xlabel=name)
            for axis, low, high in ((axes.xaxis, *ends), (axes.yaxis, *axes.get_ylim())):
                ticks = [tick for tick in TICKS if low <= tick <= high]
                axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
                axis.set_ticks([], minor=True)
        heart.set_ylabel("read from the kernel (Hz)")
        heart.legend(fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))

    return [
        shown(
            "forcing",
            paint,
            panels=2,
            title="Forcing or vessel?",
            read="One dot a clip: natural frequency of the two poles, and where the response is "
            "largest. Left against the heart rate, right against the planted vessel, which know "
            "nothing of each other. On the line it follows; a level cloud follows nothing.",
            refuted="Dots along the left line refute 'vessel': the network tunes itself to the "
            "heart. Dots along the right line refute 'one filter for all'.",
        )
    ]


def _points(
    axes: Axes,
    true: Sequence[float],
    read: Sequence[float | None],
    colour: str,
    label: str,
) -> None:
    pairs = [(x, y) for x, y in zip(true, read, strict=True) if y is not None]
    x, y = np.array(pairs).reshape(-1, 2).T
    axes.scatter(x, y, s=16, color=colour, alpha=0.75, linewidths=0, label=label)


LEVELS = {
    "head": ("the head's inputs", ACCENT),
    "position": ("position, velocity with it", THIRD),
    "video": ("pixels of the video", SECOND),
}
FLOOR = 1e-16  # energy below this share of the largest is rounding


def response_figures(section: Mapping[str, Any]) -> list[Shown]:
    """Return the figures of the section."""
    levels, rate = section["levels"], section["sample_hz"]
    return [_lags(levels), _kernels(levels, rate), _colours(levels["video"], rate)]


def _lags(levels: Mapping[str, Any]) -> Shown:
    def paint(axes: Axes) -> None:
        for name, (label, colour) in LEVELS.items():
            if name in levels:
                energy = np.array(levels[name]["energy"])
                share = np.maximum(energy / energy.max(), FLOOR)
                axes.semilogy(levels[name]["lags"], share, color=colour, label=label, linewidth=1.2)
        axes.axvline(0, color=INK, linewidth=0.8, linestyle="--")
        axes.set(xlabel="lag (frames; negative is the future)", ylabel="energy over the largest")
        axes.legend(loc="upper right", fontsize=8)

    return shown(
        "lags",
        paint,
        title="What the pulse depends on, by lag",
        read="Energy of the derivative of the pulse at t by what came in m frames before. Left of "
        "the dashed line are frames that come later; a causal network is at the floor there.",
        refuted="Anything above the floor at a negative lag refutes causality; how far left it "
        "goes is the look-ahead.",
    )


def _kernels(levels: Mapping[str, Any], rate: float) -> Shown:
    names = [name for name in ("head", "video") if name in levels]

    def paint(*panels: Axes) -> None:
        for axes, name in zip(panels, names, strict=True):
            level, (label, colour) = levels[name], LEVELS[name]
            scale = float(np.abs(level["kernel"]).max()) or 1.0
            time = np.arange(level["taps"]) / rate
            for kernel in level["kernel_by_clip"]:
                axes.plot(time, np.array(kernel) / scale, color=colour, linewidth=0.6, alpha=0.35)
            axes.plot(time, np.array(level["kernel"]) / scale, color=colour)
            zero_line(axes)
            axes.set(xlabel="lag (s)", title=f"from {label}")
        panels[0].set_ylabel("response (largest mean tap is 1)")

    return shown(
        "kernels",
        paint,
        panels=len(names),
        title="The effective impulse response",
        read="Bold: mean over all operating points, along the direction in which the response is "
        "largest. Thin: one line a clip. If the lines lie on each other, one kernel stands for the "
        "network; if they fan out, its response depends on what it is shown.",
        refuted="Thin lines of many shapes refute any statement about 'the' kernel: then poles, "
        "Bode plot and score describe a mean that no clip has.",
    )


def _colours(level: Mapping[str, Any], rate: float) -> Shown:
    colours = {"red": SECOND, "green": THIRD, "blue": ACCENT}

    def paint(axes: Axes) -> None:
        for name, colour in colours.items():
            kernel = level["colours"][name]
            axes.plot(np.arange(len(kernel)) / rate, kernel, color=colour, label=name)
        alike = np.sum([level["colours"][name] for name in colours], axis=0)
        label = "all alike (a lamp)"
        axes.plot(np.arange(len(alike)) / rate, alike, color=INK, linestyle=":", label=label)
        zero_line(axes)
        axes.set(xlabel="lag (s)", ylabel="pulse over relative change")
        axes.legend(loc="upper right", fontsize=8)

    return shown(
        "colours",
        paint,
        title="The response to the skin's red, green and blue",
        read="What a relative change of one colour of all the skin does to the pulse, by lag. "
        "Blood absorbs green most. Dotted: all three by the same share, as a lamp changes them; a "
        "network that tells blood from light weighs the colours against each other, so that little "
        "is left.",
        refuted="A dotted curve as large as the green one: then a flicker of the lamp is as good a "
        "pulse as a heart beat, as far as this response goes.",
    )
