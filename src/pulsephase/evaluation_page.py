"""One page of an evaluation: the table, and for each result agreement, groups and worst clips."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pulsephase.agreement_figures import (
    bland_altman_svg,
    both_spectra_svg,
    both_waves_svg,
    scatter_svg,
)
from pulsephase.experiments.evaluation.verdict import Scored, Verdict, worst
from pulsephase.files import whole_file
from pulsephase.report import PAGE, check_writable, facts_of, figure_of, page_of

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
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


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
