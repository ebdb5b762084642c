"""Figures of section space: masks on the face, what is mixed, and where the pulse comes from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes

from pulsephase.experiments.interpret.drawn import Shown, cells, shown
from pulsephase.proofs.drawing import ACCENT, FAINT, INK, SECOND, THIRD

Frame = UInt8[np.ndarray, "height width 3"]
MOST_OVERLAYS = 4


def figures(section: Mapping[str, Any], frames: Mapping[str, Frame]) -> list[Shown]:
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
