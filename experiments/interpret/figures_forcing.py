"""Figure of section forcing: what is read from each clip against its heart rate and its vessel."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pulsephase.experiments.interpret.drawn import Shown, shown
from pulsephase.proofs.drawing import ACCENT, FAINT, SECOND

TICKS = (0.25, 0.5, 1, 2, 4, 8, 16)


def figures(section: Mapping[str, Any]) -> list[Shown]:
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
