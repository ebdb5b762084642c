"""One self-contained HTML page for what was measured: no script, no request, readable on a phone.

The page is filled from plain data, so that any command can write one.
"""

import base64
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pulsephase import __version__
from pulsephase.errors import InputError, ShapeError
from pulsephase.figures import rate_svg, spectrum_svg, wave_span, wave_svg
from pulsephase.files import whole_file
from pulsephase.report_style import STYLE
from pulsephase.vitals.heart_rate import HeartRate

PAGE = "index.html"
WARNING = (
    "This is research software and no medical device: "
    "do not use it to diagnose, to treat or to watch over anyone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """One line of the table of methods.

    Attributes:
        method: Its name.
        bpm: Its rate, or none.
        quality: 0..1.
        reason: Why there is no rate.
        reference_bpm: Contact heart rate, or none where it is not known.
    """

    method: str
    bpm: float | None
    quality: float
    reason: str | None = None
    reference_bpm: float | None = None

    @property
    def error_bpm(self) -> float | None:
        """Absolute error against the contact reference, where both are known."""
        if self.bpm is None or self.reference_bpm is None:
            return None
        return abs(self.bpm - self.reference_bpm)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSection:
    """What the page says of one video.

    Attributes:
        name: Of the video.
        method: Whose wave and rate are shown.
        rate: The rate, its windows, or the reason for none.
        times_s: Time of each sample.
        pulse: The wave, NaN where there is none.
        sample_hz: Rate of the wave.
        facts: Further lines: a name and what it is.
        rows: The table of methods; none for no table.
        picture_png: A frame with the face box and the mask, or none.
    """

    name: str
    method: str
    rate: HeartRate
    times_s: Float[np.ndarray, " time"]
    pulse: Float[np.ndarray, " time"]
    sample_hz: float
    facts: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[MethodRow, ...] = ()
    picture_png: bytes | None = None

    def __post_init__(self) -> None:
        if self.times_s.ndim != 1 or self.times_s.shape != self.pulse.shape or not self.pulse.size:
            raise ShapeError(
                f"times_s has shape {self.times_s.shape} and pulse {self.pulse.shape}; "
                "they must be one-dimensional, equally long and not empty"
            )

    @property
    def reference_bpm(self) -> float | None:
        """The contact reference of the table's row for this section's method."""
        rows = [row for row in self.rows if row.method == self.method]
        return rows[0].reference_bpm if rows else None


def check_writable(folder: str | Path, *, what: str = "a report") -> None:
    """Make the folder of a report, before any work, and see that a file can be put there.

    Args:
        folder: Made if need be.
        what: Is to be put there.

    Raises:
        InputError: If it cannot.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"cannot write {what} to {folder} ({error.strerror}); name a folder you may write to"
        ) from None


def write_report(
    folder: str | Path,
    sections: Sequence[VideoSection],
    *,
    title: str = "Heart rate from video",
    parameters: Mapping[str, str] | None = None,
) -> Path:
    """Write ``index.html``, whole or not at all.

    Args:
        folder: Made if it is not there.
        sections: One a video, in the order of the page.
        title: Of the page.
        parameters: Of the run, listed at its end.

    Returns:
        The page.

    Raises:
        InputError: If the folder cannot be written to.
    """
    check_writable(folder)
    page = Path(folder) / PAGE
    text = render_page(sections, title=title, parameters=parameters or {})
    with whole_file(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return page


def render_page(
    sections: Sequence[VideoSection], *, title: str, parameters: Mapping[str, str]
) -> str:
    """Return the page as text."""
    body = "".join(_section(section) for section in sections)
    return page_of(body, title=title, parameters=parameters)


def page_of(body: str, *, title: str, parameters: Mapping[str, str]) -> str:
    """Return a page around a body of sections: title, warning, and the run at its end."""
    run = {**parameters, "pulsephase": __version__}
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p class="warning">{WARNING}</p>
</header>
<main>
{body}
</main>
<footer>
<h2>This run</h2>
{facts_of(run)}
</footer>
</body>
</html>
"""


def _section(section: VideoSection) -> str:
    rate, reference = section.rate, section.reference_bpm
    start, stop = wave_span(section.times_s, rate)
    whole = float(section.times_s[-1] - section.times_s[0]) <= stop - start + 1e-9
    wave = "The pulse wave" if whole else f"The pulse wave from {start:.0f} to {stop:.0f} s"
    figures = [
        figure_of(wave, wave_svg(section.times_s, section.pulse, rate), "no pulse where shaded"),
        figure_of(
            "Its spectrum",
            spectrum_svg(section.pulse, rate, sample_hz=section.sample_hz, reference_bpm=reference),
            "mean over the windows",
        ),
    ]
    if rate.windows:
        start_s = float(section.times_s[0])
        note = f"windows of {rate.windows[0].end_s - rate.windows[0].start_s:.1f} s"
        svg = rate_svg(rate, start_s=start_s, reference_bpm=reference)
        figures.append(figure_of("Heart rate over time", svg, note))
    if section.picture_png is not None:
        data = base64.b64encode(section.picture_png).decode()
        image = (
            f'<img alt="a frame with the face box and the mask" src="data:image/png;base64,{data}">'
        )
        figures.append(figure_of("What it looked at", image, ""))
    return f"""<section>
<h2>{escape(section.name)}</h2>
{_headline(section)}
<div class="figures">{"".join(figures)}</div>
{_table(section.rows)}
{facts_of(section.facts)}
</section>
"""


def _headline(section: VideoSection) -> str:
    rate, reference = section.rate, section.reference_bpm
    if rate.bpm is None:
        number = '<span class="number none">no heart rate</span>'
        detail = f'<p class="reason">{escape(rate.reason or "")}</p>'
    else:
        number = f'<span class="number">{rate.bpm:.1f}</span> <span class="unit">bpm</span>'
        detail = ""
        if reference is not None:
            error = abs(rate.bpm - reference)
            detail = f"<p>contact reference {reference:.1f} bpm, error {error:.1f} bpm</p>"
    lost = f" · {rate.missing_s:.1f} s without a pulse left out" if rate.missing_s > 0 else ""
    return f"""<div class="headline">
<p>{number}</p>
{detail}
<p class="quality"><meter min="0" max="1" low="0.85" optimum="1" value="{rate.quality:.3f}"></meter>
quality {rate.quality:.2f} · {escape(section.method)}{lost}</p>
</div>"""


def figure_of(caption: str, body: str, note: str) -> str:
    """Return a figure with its caption."""
    small = f" <small>{escape(note)}</small>" if note else ""
    return f"<figure><figcaption>{escape(caption)}{small}</figcaption>{body}</figure>"


def _table(rows: tuple[MethodRow, ...]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><th scope='row'>{escape(row.method)}</th>"
        + (
            f"<td>{row.bpm:.1f}</td>"
            if row.bpm is not None
            else f"<td class='reason'>none: {escape(row.reason or '')}</td>"
        )
        + f"<td>{row.quality:.2f}</td><td>{_number(row.reference_bpm)}</td>"
        + f"<td>{_number(row.error_bpm)}</td></tr>"
        for row in rows
    )
    head = ("method", "heart rate (bpm)", "quality", "contact (bpm)", "error (bpm)")
    cells = "".join(f"<th scope='col'>{name}</th>" for name in head)
    table = f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _number(value: float | None) -> str:
    return "&ndash;" if value is None else f"{value:.1f}"


def facts_of(facts: Mapping[str, str]) -> str:
    """Return a list of names and what they are."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f"<dl>{items}</dl>" if items else ""
