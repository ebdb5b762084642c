"""Figures of section layers: what each layer adds, and what has built up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pulsephase.experiments.interpret.drawn import Shown, frequency_axis, shown
from pulsephase.proofs.drawing import ACCENT, FAINT, INK, SECOND


def figures(section: Mapping[str, Any]) -> list[Shown]:
    """Return the figures of the section."""
    found = [_before(section)] if "before_the_head" in section else []
    if "layers" in section:
        found += [_depth(section), _taps(section)]
    if section.get("pencils", {}).get("applies"):
        found.append(_pencils(section["pencils"]))
    return found


def _before(section: Mapping[str, Any]) -> Shown:
    hertz, blocks = section["frequencies_hz"], section["before_the_head"]

    def paint(*panels: Axes) -> None:
        for axes, block in zip(panels, blocks, strict=True):
            low, middle, high = np.array(block["gain"]).T
            axes.fill_between(hertz, low, high, color=ACCENT, alpha=0.2, linewidth=0)
            axes.plot(hertz, middle, color=ACCENT)
            axes.set(
                title=f"EST block {block['block']}, {block['channels']} filters", ylim=(0, None)
            )
            frequency_axis(axes, hertz)
        panels[0].set_ylabel("gain")

    return shown(
        "before",
        paint,
        panels=len(blocks),
        title="Temporal filters before the head",
        read="Each EST block filters every channel with three taps; the band is the middle 80 % "
        "of its channels. Three frames are too few to single out a pulse: these smooth, or "
        "sharpen.",
        refuted="A sharp peak: then the blocks, not the TCN, would choose the frequencies.",
    )


def _depth(section: Mapping[str, Any]) -> Shown:
    hertz, layers = section["frequencies_hz"], section["layers"]
    fade = np.linspace(0.25, 1.0, len(layers))

    def paint(added: Axes, built: Axes) -> None:
        built.semilogy(
            hertz, section["without_layers_gain"], color=INK, linestyle=":", label="no layer"
        )
        for alpha, layer in zip(fade, layers, strict=True):
            label = f"d = {layer['dilation']}"
            added.plot(hertz, layer["added_gain"], color=ACCENT, alpha=alpha, label=label)
            built.semilogy(
                hertz, layer["through_depth_gain"], color=SECOND, alpha=alpha, label=label
            )
        added.set(ylabel="largest gain of what it adds", title="each layer by itself")
        built.set(ylabel="gain to the wave", title="read out behind it")
        for axes in (added, built):
            frequency_axis(axes, hertz)
            axes.legend(fontsize=7, ncols=2)

    return shown(
        "depth",
        paint,
        panels=2,
        title="Through depth",
        read="Left: the largest gain of what a layer adds to its residual, its gates at their mean "
        "over the operating points. Right: the response if the read-out stood behind that layer "
        "already; from faint to strong as the layers come.",
        refuted="If the curves on the right did not change from layer to layer, depth would do "
        "nothing; if the last were flat, the head would be no filter.",
    )


def _taps(section: Mapping[str, Any]) -> Shown:
    layers = section["layers"]

    def paint(taps: Axes, gates: Axes) -> None:
        for at, layer in enumerate(layers):
            norms = np.array(layer["tap_norms"])
            lags = layer["dilation"] * np.arange(len(norms))
            taps.plot(
                lags,
                norms,
                color=ACCENT,
                alpha=0.3 + 0.7 * at / len(layers),
                marker="o",
                markersize=3.5,
                linewidth=1,
            )
        taps.set(xlabel="lag (frames)", ylabel="norm of the tap", title="taps of every layer")
        taps.set_xscale("symlog", linthresh=1)
        taps.set_xticks([0, 1, 4, 16, 64], ["0", "1", "4", "16", "64"])
        places = np.arange(len(layers))
        for shift, name, label, colour in (
            (-0.2, "gate_open", "how open", ACCENT),
            (0.2, "gate_moves", "how much it moves", SECOND),
        ):
            heights = [layer[name] for layer in layers]
            gates.bar(places + shift, heights, 0.4, color=colour, label=label)
        gates.axhline(0.5, color=FAINT, linewidth=1)
        gates.set_xticks(places, [str(layer["dilation"]) for layer in layers])
        gates.set(xlabel="dilation", title="gates", ylim=(0, 1))
        gates.legend(fontsize=8)

    return shown(
        "taps",
        paint,
        panels=2,
        title="Taps and gates",
        read="Left: the size of each tap of each layer (faint to strong with depth), at its lag. "
        "Right: the gates' mean opening, and their standard deviation in time. A gate that stands "
        "still is a constant factor and the layer is linear.",
        refuted="Gates that move as much as they are open refute a description by any one kernel.",
    )


def _pencils(pencils: Mapping[str, Any]) -> Shown:
    def paint(axes: Axes) -> None:
        for at, row in enumerate(pencils["layers"]):
            points = np.array(row["poles_per_s"])
            axes.scatter(
                points[:, 0],
                points[:, 1],
                s=60 - 12 * at,
                label=f"d = {row['dilation']}",
                facecolors="none",
                edgecolors=(ACCENT, SECOND, INK)[at % 3],
            )
        axes.set(xlabel="real part (1/s)", ylabel="imaginary part (1/s)")
        axes.legend(fontsize=8)

    return shown(
        "pencils",
        paint,
        title="Poles read off the weights",
        read="The eigenvalues of each interior layer's tap pencil, brought back to poles: all "
        "layers must name the same ones.",
        refuted="Layers that name different poles: then the stack is no kernel of so few poles.",
    )
