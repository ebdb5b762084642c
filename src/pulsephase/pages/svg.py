"""Figures as inline SVG in the colours of the page: drawn with stand-ins, given CSS variables.

A figure of an interpretation also says how to read it, and what would refute what it says.
"""

import html
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

INK, FAINT, ACCENT, SECOND, THIRD = ("#010203", "#010204", "#010205", "#010206", "#010207")
VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
    THIRD: "var(--third)",
}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pulsephase",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "axes.grid": True,
}


def draw(
    name: str, paint: Callable[..., None], *, panels: int = 1, height_in: float | None = None
) -> str:
    """Return an SVG element of one row of panels.

    Args:
        name: Of the figure, unique on its page: its ids begin with it.
        paint: Takes one `Axes` a panel and draws on them.
        panels: How many.
        height_in: Height in inches, at a width of 7.2; by default 2.7, and 3 for one panel.

    Returns:
        ``<svg ...>...</svg>``, without XML header, script or outside reference.
    """
    with matplotlib.rc_context(STYLE):
        height = height_in or (2.7 if panels > 1 else 3.0)
        figure = Figure(figsize=(7.2, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes: list[Axes] = list(figure.subplots(1, panels, squeeze=False)[0])
        for item in axes:
            item.patch.set_alpha(0)
        paint(*axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(buffer.getvalue(), name)


def _inline(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", svg)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r' id="', f' id="{name}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: (\d+px)[^;\"]*", r"font: \1 var(--sans)", svg)
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', _opening, svg, count=1)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg.strip()


def _opening(match: re.Match[str]) -> str:
    return f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {match.group(1)} role="img">'


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure of a theorem.

    Attributes:
        caption: What is seen, in a sentence.
        paint: Draws on as many axes as there are panels.
        panels: How many.
    """

    caption: str
    paint: Callable[..., None]
    panels: int = 1

    def svg(self, theorem_id: str) -> str:
        """Return the figure as an SVG element."""
        return draw(theorem_id.lower(), self.paint, panels=self.panels)


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
