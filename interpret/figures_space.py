"""Figures of the sections space (masks, mixing, occlusion) and layers (what each layer adds)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes

from pulsephase.pages.svg import (
    ACCENT,
    FAINT,
    INK,
    SECOND,
    THIRD,
    Shown,
    cells,
    frequency_axis,
    shown,
)

Frame = UInt8[np.ndarray, "height width 3"]
MOST_OVERLAYS = 4


def space_figures(section: Mapping[str, Any], frames: Mapping[str, Frame]) -> list[Shown]:
    """Return the figures of the section.

    Args:
        section: Its data.
        frames: A frame of each clip by source, where it may be shown; none is asked for.
    """
    found = []
    clips = section["masks"].get("clips", [])
    if clips:
        found.append(_masks(clips[0]))
        overlaid = [clip for clip in clips if clip["source"] in frames]
        if overlaid:
            found.append(_overlays(overlaid[:MOST_OVERLAYS], frames))
    if isinstance(section["mixing"], list):
        found.append(_mixing(section["mixing"]))
    if "clips" in section["attributions"]:
        found.append(_attributions(section["attributions"]["clips"][0]))
    return found


def _masks(clip: Mapping[str, Any]) -> Shown:
    masks = [np.array(mask) for mask in clip["mask"]]
    truth = [(name, np.array(clip[name])) for name in ("skin", "perfusion") if name in clip]

    def paint(*panels: Axes) -> None:
        for at, mask in enumerate(masks):
            cells(panels[at], mask)
            panels[at].set_title(f"mask {at}")
        for axes, (name, values) in zip(panels[len(masks) :], truth, strict=True):
            cells(axes, values, colour=SECOND if name == "skin" else THIRD)
            axes.set_title({"skin": "skin (truth)", "perfusion": "pulse strength (truth)"}[name])

    return shown(
        "masks",
        paint,
        panels=len(masks) + len(truth),
        height_in=_height(len(masks) + len(truth)),
        title="Where the ASF looks",
        read="Blue: the weight of each cell of the map in the pooled signal, mean over the frames "
        "of one clip. Beside it, where the generator put skin, and how strongly each place pulses.",
        refuted="A mask heaviest off the skin, or no better at telling skin than random weights, "
        "refutes that it selects skin. A cell holds what its neighbours and the swapped channels "
        "brought there: compare with the attributions.",
    )


def _height(maps: int) -> float:
    """Return the height of a row of square maps with titles, in inches."""
    return min(7.2 / maps + 0.3, 3.2)


def _overlays(clips: list[Mapping[str, Any]], frames: Mapping[str, Frame]) -> Shown:
    def paint(*panels: Axes) -> None:
        for axes, clip in zip(panels, clips, strict=True):
            weight = np.array(clip["mask"]).sum(0)
            rows, columns = weight.shape
            axes.imshow(frames[clip["source"]], extent=(0, columns, 0, rows))
            cells(axes, weight, opacity=0.7)

    return shown(
        "overlays",
        paint,
        panels=len(clips),
        height_in=_height(len(clips)),
        title="Masks on the clips",
        read="The sum of the masks over a frame of each clip; the more blue, the more weight.",
        refuted="Weight on background, hair or clothes.",
    )


def _mixing(blocks: list[Mapping[str, Any]]) -> Shown:
    def paint(*panels: Axes) -> None:
        for axes, block in zip(panels, blocks, strict=True):
            side = block["side"]
            cells(axes, np.array(block["distance"]), most=0.5)
            row, column = np.indices((side, side))
            down = np.array(block["source_row"]) - row
            across = np.array(block["source_column"]) - column
            moved = (down != 0) | (across != 0)
            axes.quiver(
                (column + 0.5 + across)[moved],
                (side - row - 0.5 - down)[moved],
                -across[moved],
                down[moved],
                color=INK,
                alpha=0.5,
                angles="xy",
                scale_units="xy",
                scale=1,
                width=0.005,
            )
            axes.set_title(f"block {block['block']}: {block['channels_mixed']} channels", color=INK)

    names = {block["mixer"] for block in blocks}
    return shown(
        "mixing",
        paint,
        panels=len(blocks),
        title=f"What the mixer moves where ({', '.join(sorted(names))})",
        read="Each arrow takes a pixel of the map to where the swapped channels read it; colour is "
        "the distance, as a share of the face. The other channels stay, so that each place sees "
        "itself and its partner.",
        refuted="No arrows: then nothing is brought together and the block is a plain convolution.",
    )


def _attributions(clip: Mapping[str, Any]) -> Shown:
    maps = (("occlusion", SECOND), ("integrated_gradients", ACCENT))

    def paint(*panels: Axes) -> None:
        for axes, (name, colour) in zip(panels[:2], maps, strict=True):
            cells(axes, np.maximum(np.array(clip[name]), 0), colour=colour)
            axes.set_title(name.replace("_", " "))
        panels[2].scatter(
            np.ravel(clip["occlusion"]),
            np.ravel(clip["integrated_gradients"]),
            s=14,
            color=ACCENT,
            alpha=0.8,
            linewidths=0,
        )
        panels[2].axhline(0, color=FAINT, linewidth=0.8)
        panels[2].axvline(0, color=FAINT, linewidth=0.8)
        panels[2].set(xlabel="occlusion", ylabel="integrated gradients", title="one dot a tile")

    return shown(
        "attributions",
        paint,
        panels=3,
        title="Where in the video the wave comes from",
        read="Two methods that know nothing of the mask. Occlusion: what the wave loses when a "
        "tile stands still. Integrated gradients: each tile's part of the whole wave; the parts "
        "add up.",
        refuted="Tiles that matter off the face; two methods that disagree; or both far from the "
        "mask, which then shows where features lie and not where the pulse comes from.",
    )


def layer_figures(section: Mapping[str, Any]) -> list[Shown]:
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
