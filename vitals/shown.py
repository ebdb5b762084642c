"""How a result is shown: a row for each window, a table file, a figure, a line for a notebook.

Matplotlib and pandas are loaded when they are asked for. A result is a table of columns here: a
name with its unit, and one value a row.
"""

import base64
import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulsephase.errors import InputError, MissingExtraError
from pulsephase.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

    from pulsephase.vitals.result import HeartRate, Window

Columns = Mapping[str, Iterable[Any]]
"""A table: values of each column by its name, all of one length; none is a missing value."""

NOTEBOOK_DPI = 80


def dataframe(columns: Columns) -> "DataFrame":
    """Return a table as a pandas data frame.

    Raises:
        MissingExtraError: If pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtraError(
            "to_dataframe() needs pandas, which is not installed; pip install "
            "'pulsephase[notebook]' brings it, and to_csv(path) works without it"
        ) from None
    return pandas.DataFrame(dict(columns))


def write_csv(path: str | Path, columns: Columns) -> Path:
    """Write a table as CSV with a header, whole or not at all.

    Numbers have nine significant digits. A missing number is ``nan``, a missing text is empty.

    Returns:
        The path.

    Raises:
        InputError: If the folder does not exist or cannot be written to.
    """
    path = Path(path)
    try:
        with (
            whole_file(path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            for row in zip(*columns.values(), strict=True):
                writer.writerow([_field(value) for value in row])
    except OSError as error:
        raise InputError(
            f"cannot write {path} ({error.strerror}); name a file in a folder that exists and that "
            "you may write to"
        ) from None
    return path


def _field(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def window_columns(windows: Sequence["Window"]) -> dict[str, list[Any]]:
    """Return the table of windows: one row for each, in order of time."""
    return {
        "start_s": [window.start_s for window in windows],
        "end_s": [window.end_s for window in windows],
        "heart_rate_bpm": [_number(window.bpm) for window in windows],
        "estimate_bpm": [_number(window.estimate_bpm) for window in windows],
        "quality": [window.quality for window in windows],
        "reason": [window.reason for window in windows],
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def rate_words(
    bpm: float | None, estimate_bpm: float | None, quality: float, reason: str | None
) -> str:
    """Say a rate and its quality, or why there is none.

    >>> rate_words(72.04, 72.04, 0.951, None)
    '72.0 bpm, quality 0.95'
    >>> rate_words(None, 71.2, 0.43, "no rhythm stands out of the noise")
    'no heart rate: no rhythm stands out of the noise; best guess 71.2 bpm, quality 0.43'
    >>> rate_words(None, None, 0.0, "the pulse is flat")
    'no heart rate: the pulse is flat'
    """
    if bpm is not None:
        return f"{bpm:.1f} bpm, quality {quality:.2f}"
    if estimate_bpm is None:
        return f"no heart rate: {reason}"
    return f"no heart rate: {reason}; best guess {estimate_bpm:.1f} bpm, quality {quality:.2f}"


def plot_rate(rate: "HeartRate", axes: "Axes | None") -> "Axes":
    """Draw the rate of each window at the middle of the window.

    A window that abstains has a cross at its best guess, and none where it has no guess. A line
    marks the rate of the whole.

    Args:
        rate: What is drawn.
        axes: Where it is drawn; none makes a new figure of pyplot.

    Returns:
        The axes.
    """
    if axes is None:
        from matplotlib import pyplot

        axes = pyplot.subplots(layout="constrained")[1]
    middle = [(window.start_s + window.end_s) / 2 for window in rate.windows]
    given = [_number(window.bpm) for window in rate.windows]
    guessed = [
        _number(window.estimate_bpm if window.bpm is None else None) for window in rate.windows
    ]
    axes.plot(middle, given, marker="o", markersize=3.5, label="rate of a window")
    if any(not math.isnan(value) for value in guessed):
        axes.plot(
            middle, guessed, linestyle="none", marker="x", color="0.5", label="guess, not given"
        )
    if rate.bpm is not None:
        axes.axhline(rate.bpm, color="0.5", linewidth=1, label=f"whole: {rate.bpm:.1f} bpm")
    axes.set(xlabel="time (s)", ylabel="heart rate (beats a minute)")
    low, high = axes.get_ylim()
    if high - low < 20:  # a calm rate looks calm
        axes.set_ylim((low + high) / 2 - 10, (low + high) / 2 + 10)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize="small")
    return axes


def rate_image(rate: "HeartRate") -> str:
    """Return the figure of a rate as an HTML image; empty where there is no window."""
    if not rate.windows:
        return ""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 2.4), layout="constrained")
    plot_rate(rate, figure.add_subplot())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=NOTEBOOK_DPI)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="heart rate of each window over time" src="data:image/png;base64,{data}">'


def html_of(headline: str, facts: Mapping[str, str], image: str = "") -> str:
    """Return a result as HTML for a notebook: a headline, names with what they are, an image."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    table = f"<table>{rows}</table>" if rows else ""
    return f"<div><p><strong>{escape(headline)}</strong></p>{table}{image}</div>"
