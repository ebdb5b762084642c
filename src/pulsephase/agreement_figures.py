"""Figures of how far a method and the contact wave agree, as inline SVG (see `figures`)."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from pulsephase.figures import ACCENT, INK, LONGEST_S, RANGE_BPM, SECOND, axes_of, legend, svg_of
from pulsephase.vitals.heart_rate import mean_spectrum
from pulsephase.vitals.protocols import Metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 1500  # of one figure: a page of many methods must still open on a phone


def bland_altman_svg(found: Metrics) -> str:
    """Draw differences over means, with bias and limits (Bland, Altman, The Lancet 327:307)."""
    predicted, label = _thinned(found)
    figure, axes = axes_of("mean of method and contact (bpm)", "method - contact (bpm)")
    _dots(axes, (predicted + label) / 2, predicted - label)
    limits = found.bland_altman
    for value, style, word in (
        (limits.bias, "-", "bias"),
        (limits.lower, "--", "limits"),
        (limits.upper, "--", ""),
    ):
        if value is not None:
            text = f"{word} {value:.1f}" if word else f"and {value:.1f}"
            axes.axhline(value, color=INK, linewidth=1.0, linestyle=style, label=text)
    legend(axes)
    return svg_of(figure, "differences of method and contact over their means, with limits")


def scatter_svg(found: Metrics) -> str:
    """Draw the method's rates over those of the contact wave, with the line of equality."""
    predicted, label = _thinned(found)
    figure, axes = axes_of("contact (bpm)", "method (bpm)")
    low = float(min(predicted.min(), label.min())) - 5
    high = float(max(predicted.max(), label.max())) + 5
    axes.plot([low, high], [low, high], color=INK, linewidth=1.0)
    _dots(axes, label, predicted)
    axes.set(xlim=(low, high), ylim=(low, high))
    return svg_of(figure, "the method's rates over those of the contact wave")


def both_waves_svg(
    times_s: Float[np.ndarray, " time"],
    wave: Float[np.ndarray, " time"],
    label: Float[np.ndarray, " time"],
) -> str:
    """Draw the middle 15 s of a method's wave, and the contact wave beside it."""
    middle = (times_s[0] + times_s[-1]) / 2
    inside = np.abs(times_s - middle) <= LONGEST_S / 2
    figure, axes = axes_of("time (s)", "pulse (a.u.)")
    for values, colour, name, style in (
        (label, SECOND, "contact", "--"),
        (wave, ACCENT, "method", "-"),
    ):
        shown = values[inside] - values[inside].mean()
        shown = shown / max(float(np.abs(shown).max()), np.finfo(float).tiny)
        axes.plot(times_s[inside], shown, color=colour, linewidth=1.2, linestyle=style, label=name)
    axes.set(ylim=(-1.15, 1.6), yticks=[])
    legend(axes)
    return svg_of(figure, "the pulse wave of the method and of the contact device over time")


def both_spectra_svg(
    wave: Float[np.ndarray, " time"], label: Float[np.ndarray, " time"], *, sample_hz: float
) -> str:
    """Draw the mean spectra of a method's wave and of the contact wave."""
    figure, axes = axes_of("frequency (beats a minute)", "power")
    for values, colour, name in ((label, SECOND, "contact"), (wave, ACCENT, "method")):
        bpm, power = mean_spectrum(values, sample_hz=sample_hz)
        if len(bpm):
            axes.fill_between(bpm, 0, power, color=colour, alpha=0.2, linewidth=0)
            axes.plot(bpm, power, color=colour, linewidth=1.2, label=name)
    axes.set(xlim=RANGE_BPM, ylim=(0, 1.25), yticks=[])
    legend(axes)
    return svg_of(figure, "the power spectra of the method's wave and of the contact wave")


def _thinned(found: Metrics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rates of method and label; of very many, evenly spaced ones."""
    predicted, label = found.scores.predicted_bpm, found.scores.label_bpm
    step = -(-len(label) // MOST_POINTS)
    return predicted[::step], label[::step]


def _dots(axes: "Axes", x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    axes.plot(
        x,
        y,
        color=ACCENT,
        linestyle="none",
        marker="o",
        markersize=2.5,
        alpha=0.5,
        markeredgewidth=0,
    )
