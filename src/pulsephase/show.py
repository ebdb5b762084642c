"""From measurements to the sections of a report."""

import io
from pathlib import Path

import numpy as np

from pulsephase.measure import Measurement
from pulsephase.observation import Picture
from pulsephase.report import MethodRow, VideoSection

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
