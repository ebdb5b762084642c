"""One self-contained HTML page for what was measured: no script, no request, readable on a phone.

The page is filled from plain data, so that any command can write one; measurements become its
sections here.
"""

import base64
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pulsephase import __version__
from pulsephase.errors import InputError, ShapeError
from pulsephase.files import write_page
from pulsephase.measurement.measure import Measurement
from pulsephase.measurement.observation import Picture
from pulsephase.pages.figures import rate_svg, spectrum_svg, wave_span, wave_svg
from pulsephase.pages.html import STYLE
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
    write_page(page, text)
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
<p class="quality"><meter min="0" max="1" low="0.65" optimum="1" value="{rate.quality:.3f}"></meter>
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


GREY = "#808080"  # read on light and dark pages
MASK_COLOUR = np.array([0.10, 0.75, 0.95])


def section_of(
    result: Measurement,
    *,
    pictures: bool,
    others: tuple[Measurement, ...] = (),
    reference_bpm: float | None = None,
) -> VideoSection:
    """Lay out one video: its wave, its rate, and the rows of all methods beside a reference.

    Args:
        result: The measurement shown in full.
        pictures: Whether a frame of the video may be shown.
        others: Further methods on the same video, for the table.
        reference_bpm: Contact heart rate, where known.
    """
    seen = result.observation
    rows = tuple(
        MethodRow(
            method=each.method,
            bpm=each.rate.bpm,
            quality=each.rate.quality,
            reason=each.rate.reason,
            reference_bpm=reference_bpm,
        )
        for each in (result, *others)
    )
    png = picture_png(seen.picture) if pictures and seen.picture is not None else None
    return VideoSection(
        name=Path(seen.source).name,
        method=result.method,
        rate=result.rate,
        times_s=seen.times_s,
        pulse=result.pulse,
        sample_hz=seen.sample_hz,
        facts={
            "frames": str(seen.frames),
            "duration": f"{seen.duration_s:.2f} s",
            "frame rate": f"{seen.source_hz:.2f} Hz",
            "without a face": f"{seen.no_face_s:.2f} s",
            "variability": variability_text(result),
            "breathing": breathing_text(result),
        },
        rows=rows,
        picture_png=png,
    )


def variability_text(result: Measurement) -> str:
    """Say the variability in a line, or why there is none."""
    found = result.variability
    if found.sdnn_ms is None or found.rmssd_ms is None:
        return f"none: {found.reasons['sdnn_ms']}"
    ratio = "" if found.lf_hf is None else f", LF/HF {found.lf_hf:.1f}"
    return f"SDNN {found.sdnn_ms:.0f} ms, RMSSD {found.rmssd_ms:.0f} ms{ratio}"


def breathing_text(result: Measurement) -> str:
    """Say the breathing rate, or why there is none."""
    found = result.respiration
    return f"none: {found.reason}" if found.bpm is None else f"{found.bpm:.0f} a minute"


def picture_png(picture: Picture) -> bytes:
    """Draw the face box on the frame, and the ASF mask over the crop beside it."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    frame, crop = figure.subplots(1, 2, width_ratios=[1.6, 1])
    frame.imshow(picture.frame)
    x, y, width, height = picture.box
    frame.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor="#19c0f0", linewidth=2))
    frame.set_title("face box", color=GREY)
    size = picture.crop.shape[0]
    repeat = size // picture.mask.shape[0]
    weight = np.kron(picture.mask, np.ones((repeat, repeat)))[..., None] / picture.mask.max()
    crop.imshow(np.clip(picture.crop * (1 - 0.6 * weight) + 0.6 * weight * MASK_COLOUR, 0, 1))
    crop.set_title("where the ASF looks", color=GREY)
    for axes in (frame, crop):
        axes.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, transparent=True)
    return buffer.getvalue()
