"""Figures of section response: energy by lag, and the kernels with their spread."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pulsephase.experiments.interpret.drawn import Shown, shown, zero_line
from pulsephase.proofs.drawing import ACCENT, INK, SECOND, THIRD

LEVELS = {
    "head": ("the head's inputs", ACCENT),
    "position": ("position, velocity with it", THIRD),
    "video": ("pixels of the video", SECOND),
}
FLOOR = 1e-16  # energy below this share of the largest is rounding


def figures(section: Mapping[str, Any]) -> list[Shown]:
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
