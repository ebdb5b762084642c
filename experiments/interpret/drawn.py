"""One figure of the report: what it is, how to read it, and what would refute what it says."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from pulsephase.proofs.drawing import ACCENT, FAINT, INK, draw

ALONE = {
    "var(--ink)": "#7d8590",
    "var(--faint)": "#9aa2ab",
    "var(--accent)": "#1391b5",
    "var(--second)": "#d9693f",
    "var(--third)": "#8a9a3a",
    "var(--sans)": "system-ui, sans-serif",
}
"""Colours of a figure outside the page, that can be read on white and on black."""
FAINTEST = 0.004  # of a square's opacity: below it nothing can be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A figure with its caption.

    Attributes:
        name: Unique on the page; of the file, where it stands alone.
        title: What it is, in a few words.
        read: How to read it.
        refuted: What it would look like if what is said of the network were wrong.
        svg: The drawing, in the colours of the page.
    """

    name: str
    title: str
    read: str
    refuted: str
    svg: str

    def html(self) -> str:
        """Return it for the page."""
        label = html.escape(f"{self.title}. {self.read}", quote=True)
        svg = self.svg.replace('role="img"', f'role="img" aria-label="{label}"', 1)
        return (
            f'<figure id="figure-{self.name}"><h3>{html.escape(self.title)}</h3>{svg}<figcaption>'
            f"<p><b>How to read it.</b> {html.escape(self.read)}</p>"
            f"<p><b>What would refute it.</b> {html.escape(self.refuted)}</p>"
            "</figcaption></figure>"
        )

    def alone(self) -> str:
        """Return it as a file of its own."""
        svg = self.svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        for variable, colour in ALONE.items():
            svg = svg.replace(variable, colour)
        return svg + "\n"


def shown(
    name: str,
    paint: Callable[..., None],
    *,
    title: str,
    read: str,
    refuted: str,
    panels: int = 1,
    height_in: float | None = None,
) -> Shown:
    """Draw a figure on one row of panels."""
    svg = draw(name, paint, panels=panels, height_in=height_in)
    return Shown(name=name, title=title, read=read, refuted=refuted, svg=svg)


def cells(
    axes: Axes,
    values: Float[np.ndarray, "row column"],
    *,
    colour: str = ACCENT,
    most: float = 0.0,
    opacity: float = 1.0,
) -> None:
    """Draw a map as squares whose opacity is the value, from 0 to its largest, the top row first.

    Squares take the colour of the page; an image would not.
    """
    top = max(most, float(values.max()), 1e-12)
    rows, columns = values.shape
    squares, colours = [], []
    for row, column in np.ndindex(rows, columns):
        strength = max(float(values[row, column]) / top, 0.0)
        if strength > FAINTEST:
            x, y = column, rows - 1 - row
            squares.append([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)])
            colours.append(to_rgba(colour, strength * opacity))
    axes.add_collection(PolyCollection(squares, facecolors=colours, linewidths=0), autolim=False)
    outline(axes, rows, columns)


def outline(axes: Axes, rows: int, columns: int) -> None:
    """Make an axes the frame of a map."""
    edge = Rectangle((0, 0), columns, rows, fill=False, edgecolor=FAINT, linewidth=0.8)
    axes.add_patch(edge)
    axes.set(xlim=(-0.1, columns + 0.1), ylim=(-0.1, rows + 0.1), xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def frequency_axis(axes: Axes, hertz: Sequence[float]) -> None:
    """Give an axes a logarithmic frequency axis with the pulse's band marked."""
    axes.set(xscale="log", xlim=(hertz[0], hertz[-1]), xlabel="frequency (Hz)")
    ticks = [tick for tick in (0.1, 0.3, 1, 3, 10) if hertz[0] <= tick <= hertz[-1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.axvspan(0.7, 4.0, color=FAINT, alpha=0.18, linewidth=0)


def zero_line(axes: Axes) -> None:
    """Draw where a wave is zero."""
    axes.axhline(0, color=INK, linewidth=0.6, alpha=0.5)
