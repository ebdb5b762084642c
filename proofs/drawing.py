"""Figures as inline SVG in the colours of the page: drawn with stand-ins, given CSS variables."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
