"""Small figures of a pulse as inline SVG that takes its colours from the page around it.

Matplotlib draws with stand-in colours, which become CSS variables, so one figure suits a light page
and a dark one; metadata, namespaces and ids that would clash on a page are taken out.
"""

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from pulsephase.files import whole_file
from pulsephase.vitals.heart_rate import HeartRate, mean_spectrum
from pulsephase.vitals.metrics import Metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, ACCENT, SECOND = "#010203", "#010204", "#010205", "#010206"
VARIABLES = {INK: "--ink", FAINT: "--faint", ACCENT: "--accent", SECOND: "--second"}
SIZE_IN = (4.6, 2.3)  # drawn at the width of a phone, where 9 pt can be read
LONGEST_S = 15.0  # of a wave in one figure
RANGE_BPM = (36.0, 240.0)


def wave_svg(
    times_s: Float[np.ndarray, " time"],
    pulse: Float[np.ndarray, " time"],
    rate: HeartRate,
) -> str:
    """Draw the wave; of a long one, the 15 s around its best window. Gaps are shaded."""
    start, stop = wave_span(times_s, rate)
    inside = (times_s >= start) & (times_s <= stop)
    time, wave = times_s[inside], pulse[inside]
    figure, axes = axes_of("time (s)", "pulse (a.u.)")
    known = np.isfinite(wave)
    if known.any():
        centre = np.nanmean(wave)
        spread = np.nanmax(np.abs(wave - centre))
        wave = (wave - centre) / (spread if spread > 0 else 1.0)
        axes.plot(time, wave, color=ACCENT, linewidth=1.3)
    axes.fill_between(time, -1.15, 1.15, where=~known, color=FAINT, alpha=0.5, linewidth=0)
    axes.set(xlim=(start, stop), ylim=(-1.15, 1.15), yticks=[])
    return svg_of(figure, "the pulse wave over time")


def wave_span(times_s: Float[np.ndarray, " time"], rate: HeartRate) -> tuple[float, float]:
    """Return the part of the time axis that :func:`wave_svg` shows."""
    first, last = float(times_s[0]), float(times_s[-1])
    if last - first <= LONGEST_S or not rate.windows:
        return first, min(last, first + LONGEST_S)
    best = max(rate.windows, key=lambda window: window.quality)
    start = first + (best.start_s + best.end_s) / 2 - LONGEST_S / 2
    start = min(max(start, first), last - LONGEST_S)
    return start, start + LONGEST_S


def spectrum_svg(
    pulse: Float[np.ndarray, " time"],
    rate: HeartRate,
    *,
    sample_hz: float,
    reference_bpm: float | None,
) -> str:
    """Draw the mean spectrum of the windows, with the rate and the reference if known."""
    bpm, power = mean_spectrum(pulse, sample_hz=sample_hz)
    figure, axes = axes_of("frequency (beats a minute)", "power")
    if len(bpm):
        axes.fill_between(bpm, 0, power, color=ACCENT, alpha=0.25, linewidth=0)
        axes.plot(bpm, power, color=ACCENT, linewidth=1.3)
    if rate.bpm is not None:
        axes.axvline(rate.bpm, color=INK, linewidth=1.0, label=f"rate {rate.bpm:.1f}")
    elif rate.estimate_bpm is not None:
        guess = rate.estimate_bpm
        axes.axvline(guess, color=INK, linewidth=1.0, linestyle=":", label="guess, not given")
    _reference(axes, reference_bpm, vertical=True)
    axes.set(xlim=RANGE_BPM, ylim=(0, 1.25), yticks=[])
    legend(axes)
    return svg_of(figure, "the power spectrum of the pulse")


def rate_svg(rate: HeartRate, *, start_s: float, reference_bpm: float | None) -> str:
    """Draw the rate of each window at its middle; a window that abstains is a gap, marked below."""
    figure, axes = axes_of("time (s)", "beats a minute")
    middles = start_s + np.array([(w.start_s + w.end_s) / 2 for w in rate.windows])
    bpm = np.array([np.nan if w.bpm is None else w.bpm for w in rate.windows])
    axes.plot(middles, bpm, color=ACCENT, linewidth=1.3, marker="o", markersize=3.5)
    if len(rate.windows) == 1 and rate.bpm is not None:
        ends = [start_s + rate.windows[0].start_s, start_s + rate.windows[0].end_s]
        axes.plot(ends, [rate.bpm, rate.bpm], color=ACCENT, linewidth=1.3)
    _reference(axes, reference_bpm, vertical=False)
    low, high = _limits(bpm, reference_bpm)
    silent = middles[np.isnan(bpm)]
    if len(silent):
        height = low + 0.04 * (high - low)
        axes.plot(
            silent,
            np.full(len(silent), height),
            linestyle="none",
            marker="x",
            markersize=4,
            color=SECOND,
            label="abstained",
        )
    axes.locator_params(axis="y", nbins=6, integer=True)
    if rate.windows:
        axes.set_xlim(start_s + rate.windows[0].start_s, start_s + rate.windows[-1].end_s)
    axes.set_ylim(low, high)
    legend(axes)
    return svg_of(figure, "the heart rate of each window over time")


def _limits(bpm: NDArray[np.float64], reference_bpm: float | None) -> tuple[float, float]:
    """Return limits that hold all rates, at least 20 bpm apart, so that calm looks calm."""
    values = [*bpm[np.isfinite(bpm)], *([] if reference_bpm is None else [reference_bpm])]
    if not values:
        return RANGE_BPM
    middle = (min(values) + max(values)) / 2
    half = max((max(values) - min(values)) * 0.7, 10.0)
    return middle - half, middle + half


def _reference(axes: "Axes", reference_bpm: float | None, *, vertical: bool) -> None:
    if reference_bpm is not None:
        line = axes.axvline if vertical else axes.axhline
        line(
            reference_bpm,
            color=SECOND,
            linewidth=1.2,
            linestyle="--",
            label=f"contact {reference_bpm:.1f}",
        )


def axes_of(x: str, y: str) -> tuple["Figure", "Axes"]:
    """Return an empty figure with axes in the colours of the page."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x, color=INK, fontsize=9)
    axes.set_ylabel(y, color=INK, fontsize=9)
    axes.tick_params(colors=INK, labelsize=8, length=3)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name in {"left", "bottom"})
        spine.set_color(FAINT)
    return figure, axes


def legend(axes: "Axes") -> None:
    """Add a legend where something is labelled."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper right")


def svg_of(figure: "Figure", label: str) -> str:
    """Return the figure as SVG for the inside of an HTML page, with words for those who hear it."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    # ids of clip paths and markers are then hashes of what they hold: equal ids, equal things
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "pulsephase"}):
        figure.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    box = re.search(r'viewBox="[^"]*"', text)
    assert box is not None
    return re.sub(r"^<svg[^>]*>", f'<svg role="img" aria-label="{label}" {box[0]}>', text)


def bland_altman_plot(found: Metrics, path: Path) -> None:
    """Draw differences of prediction and label over their means, with bias and limits, to a file.

    Source: Bland, Altman, The Lancet 327:307 (1986).

    Args:
        found: Metrics of many waves.
        path: A ``.svg`` or ``.png``; it appears whole or not at all.
    """
    from matplotlib.figure import Figure

    predicted, label = found.scores.predicted_bpm, found.scores.label_bpm
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.scatter((predicted + label) / 2, predicted - label, s=9, alpha=0.5, linewidths=0)
    limits = found.bland_altman
    for value, style in ((limits.bias, "-"), (limits.lower, "--"), (limits.upper, "--")):
        if value is not None:
            axes.axhline(value, color="0.3", linewidth=1, linestyle=style)
            axes.annotate(f"{value:.1f}", (1.0, value), xycoords=("axes fraction", "data"))
    axes.set(xlabel="mean of prediction and label (bpm)", ylabel="prediction - label (bpm)")
    with whole_file(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=150)
