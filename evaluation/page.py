"""One page of an evaluation: the table, and for each result agreement, groups and worst clips.

Agreement with the contact wave is drawn as inline SVG.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from pulsephase.evaluation.results import Scored, Verdict, worst
from pulsephase.files import write_page
from pulsephase.pages.figures import (
    ACCENT,
    INK,
    LONGEST_S,
    RANGE_BPM,
    SECOND,
    axes_of,
    legend,
    svg_of,
)
from pulsephase.pages.measurement import PAGE, check_writable, facts_of, figure_of, page_of
from pulsephase.vitals.heart_rate import mean_spectrum
from pulsephase.vitals.metrics import Metrics

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


WORST = 3
MOST_SUBJECTS = 60  # in a table
SHOWN_PX = 180  # side of a picture
COLUMNS = (
    ("method", "method"),
    ("dataset", "data"),
    ("convention", "convention"),
    ("clips", "clips"),
    ("mae_bpm", "MAE (bpm)"),
    ("rmse_bpm", "RMSE (bpm)"),
    ("mape_percent", "MAPE (%)"),
    ("pearson", "r"),
    ("snr_db", "SNR (dB)"),
    ("within_3_bpm", "within 3 bpm"),
    ("coverage", "coverage"),
)


def page_path(asked: Path) -> Path:
    """Return the file of a page: itself if it ends in .html, else ``index.html`` in the folder.

    Raises:
        InputError: If it cannot be written.
    """
    path = asked if asked.suffix == ".html" else asked / PAGE
    check_writable(path.parent)
    return path


def write_evaluation(
    path: Path,
    verdicts: Sequence[Verdict],
    *,
    title: str = "Evaluation",
    parameters: Mapping[str, str],
) -> None:
    """Write the page, whole or not at all; it needs no network and no script.

    Args:
        path: As `page_path` gave it.
        verdicts: In the order of the table.
        title: Of the page.
        parameters: Of the run, listed at its end.
    """
    body = f"<section><h2>Results</h2>{table_of([each.row for each in verdicts])}</section>"
    body += "".join(_section(each) for each in verdicts)
    text = page_of(body, title=title, parameters=parameters)
    write_page(path, text)


def table_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one table of all results."""
    head = [name for _, name in COLUMNS]
    return _table(head, [[cell(row, key) for key, _ in COLUMNS] for row in rows])


def cell(row: Mapping[str, Any], key: str) -> str:
    """Return a number of a row as text; the mean error with its interval or standard error."""
    value = row[key]
    if key == "dataset" and row.get("part", "all") != "all":
        return f"{value}, {row['part']}"
    if value is None:
        return "-"
    if isinstance(value, str | int):
        return str(value)
    if key in {"within_3_bpm", "coverage"}:
        return f"{100 * value:.1f} %"
    spread = row["uncertainty"].get(key) if key == "mae_bpm" else None
    if spread and spread["interval_95"] is not None:
        low, high = spread["interval_95"]
        return f"{value:.2f} ({low:.2f} to {high:.2f})"
    if spread and spread["standard_error"] is not None:
        return f"{value:.2f} ± {spread['standard_error']:.2f}"
    return f"{value:.2f}"


def _section(verdict: Verdict) -> str:
    row = verdict.row
    title = f"{row['method']} on {cell(row, 'dataset')}, {row['convention']}"
    figures = ""
    if verdict.metrics is not None:
        figures = figure_of("Bland-Altman", bland_altman_svg(verdict.metrics), "")
        figures += figure_of("Rates", scatter_svg(verdict.metrics), "the line is equality")
    notes = "".join(f"<p class='reason'>{escape(text)}</p>" for text in row["warnings"])
    return f"""<section>
<h2>{escape(title)}</h2>
{notes}
<div class="figures">{figures}</div>
{_errors("By attribute", row["by_group"])}
{_subjects(verdict)}
{_worst(verdict)}
{_unscored(row)}
{facts_of(_facts(row))}
</section>
"""


def _facts(row: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "clips with a rate": f"{row['clips']} of {row['clips_asked']}",
        "rates": str(row["rates"]),
        "labelled": f"{row['labelled_s']:.1f} s",
        "of it without a face": f"{row['without_face_s']:.1f} s",
    }
    if row["device"] is not None:
        device = row["device"]
        facts["against the device's own reading"] = f"{device['mae_bpm']:.2f} bpm"
        facts["device against its own wave"] = f"{device['own_wave_mae_bpm']:.2f} bpm"
    if row["no_pulse"] is not None:
        silent = row["no_pulse"]
        facts["clips without a pulse"] = (
            f"{silent['clips']}, a rate given in {100 * silent['answered']:.1f} %"
        )
    return facts


def _errors(title: str, errors: Mapping[str, float]) -> str:
    if not errors:
        return ""
    rows = [[name, f"{error:.2f}"] for name, error in errors.items()]
    return f"<h3>{escape(title)}</h3>{_table(['', 'MAE (bpm)'], rows)}"


def _subjects(verdict: Verdict) -> str:
    """Return the errors by subject, where subjects are not the clips themselves or too many."""
    errors = verdict.row["by_subject"]
    if len(errors) > MOST_SUBJECTS:
        largest = sorted(errors.items(), key=lambda item: -item[1])[:MOST_SUBJECTS]
        return _errors(f"The {MOST_SUBJECTS} subjects of largest error", dict(largest))
    return _errors("By subject", errors)


def _worst(verdict: Verdict) -> str:
    clips = worst(verdict, WORST)
    if not clips:
        return ""
    parts = "".join(_clip(each, verdict.row) for each in clips)
    return f"<h3>Worst clips</h3>{parts}"


def _clip(each: Scored, row: Mapping[str, Any]) -> str:
    part = max(each.stretches, key=lambda stretch: len(stretch.label))
    times = each.tried.times_s[part.start : part.start + len(part.label)]
    wave = part.waves[row["method"]]
    figures = [
        figure_of("Waves", both_waves_svg(times, wave, part.label), ""),
        figure_of(
            "Spectra", both_spectra_svg(wave, part.label, sample_hz=row["sample_hz"]), "mean"
        ),
    ]
    if each.tried.picture is not None:
        figures.append(figure_of("A crop", _image(each.tried.picture), ""))
    about = ", ".join(f"{name} {value}" for name, value in each.tried.attributes.items())
    return f"""<p><strong>{escape(each.tried.name)}</strong> error {each.mae_bpm:.1f} bpm:
{each.predicted_bpm:.1f} where the contact wave has {each.label_bpm:.1f} bpm. {escape(about)}</p>
<div class="figures">{"".join(figures)}</div>"""


def _image(picture: np.ndarray) -> str:
    """Return a crop as it is, its pixels enlarged."""
    scale = max(1, SHOWN_PX // len(picture))
    large = picture.repeat(scale, 0).repeat(scale, 1)
    _, png = cv2.imencode(".png", cv2.cvtColor(large, cv2.COLOR_RGB2BGR))
    data = base64.b64encode(png.tobytes()).decode()
    style = f"max-width:{SHOWN_PX}px"
    return f'<img alt="a crop of the clip" style="{style}" src="data:image/png;base64,{data}">'


def _unscored(row: Mapping[str, Any]) -> str:
    said = ""
    for key, title in (("unscored", "Clips without a result"), ("lost", "Clips not in the cache")):
        rows = [[each["clip"], each["reason"]] for each in row[key]]
        said += f"<h3>{title}</h3>{_table(['clip', 'reason'], rows)}" if rows else ""
    return said


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr><th scope='row'>{escape(row[0])}</th>"
        + "".join(f"<td>{escape(value)}</td>" for value in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{cells}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )
