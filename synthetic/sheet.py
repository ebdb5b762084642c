"""A contact sheet of a folder of synthetic clips, drawn from its files: face, pulse, spectrum."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pulsephase.files import read_json, whole_file
from pulsephase.synthetic.folder import MANIFEST
from pulsephase.video.read import read_clips

SHOWN = 12  # clips on a sheet
SHOWN_BPM = (30.0, 240.0)
BOX = ("box_x", "box_y", "box_width", "box_height")

Labels = dict[str, Float[np.ndarray, " time"]]


def contact_sheet(folder: str | Path, path: str | Path) -> None:
    """Draw the first clips of a folder into a PNG; whole or not at all.

    A row shows the first frame with the true face box; the pulse that was planted, and the mean
    green in the middle of the box (turned over: blood darkens); the spectra of both, and the true
    mean rate.

    Args:
        folder: As :func:`pulsephase.synthetic.folder.synthesize` left it.
        path: The picture.
    """
    from matplotlib.figure import Figure

    folder = Path(folder)
    rows = read_json(folder / MANIFEST)["clips"][:SHOWN]
    figure = Figure(figsize=(10, 1.7 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), 3, squeeze=False, width_ratios=(1.2, 2.5, 2))
    for axes, row in zip(panels, rows, strict=True):
        _draw(axes, folder, row)
    panels[-1, 1].set_xlabel("time (s); red: planted pulse, green: minus mean green")
    panels[-1, 2].set_xlabel("rate (bpm); grey: true mean")
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _draw(axes: Any, folder: Path, row: dict[str, Any]) -> None:
    picture, wave, spectrum = axes
    media = folder / next(iter(row["sha256"]))
    labels, frames = _open(media)
    boxes = np.stack([labels[name] for name in BOX], 1)
    face, green = _face_and_green(frames, boxes)
    x, y, width, height = boxes[0]
    picture.imshow(face, interpolation="nearest")
    picture.plot([x, x + width, x + width, x, x], [y, y, y + height, y + height, y], "w", lw=0.7)
    picture.set(xlim=(0, face.shape[1]), ylim=(face.shape[0], 0))
    picture.set_axis_off()
    picture.set_title(f"seed {row['seed']}", fontsize=7)
    for value, colour in ((-green, "C2"), (labels["pulse"], "C3")):
        wave.plot(labels["time_s"], _unit(value), colour, lw=0.8)
        spectrum.plot(*_spectrum(value, labels["time_s"]), colour, lw=0.8)
    spectrum.axvline(row["heart_rate_bpm"], color="0.6", lw=0.6)
    alive = row["parameters"]["has_pulse"] > 0
    spectrum.set_title(f"{row['heart_rate_bpm']:.1f} bpm" if alive else "no pulse", fontsize=7)
    for panel in (wave, spectrum):
        panel.set_yticks([])
        panel.tick_params(labelsize=6)


def _open(media: Path) -> tuple[Labels, Iterable[Tensor]]:
    """Return the labels, and the frames in pieces (time, 3, height, width)."""
    if media.suffix == ".npz":
        with np.load(media) as arrays:
            labels = {name: arrays[name] for name in ("time_s", "pulse", *BOX)}
            return labels, [torch.from_numpy(arrays["frames"]).permute(0, 3, 1, 2)]
    table = np.genfromtxt(media.with_suffix(".csv"), delimiter=",", names=True)
    labels = {name: table[name] for name in ("time_s", "pulse", *BOX)}
    return labels, (clip.frames for clip in read_clips(media))


def _face_and_green(
    pieces: Iterable[Tensor], boxes: Float[np.ndarray, "time 4"]
) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, " time"]]:
    """Return the first frame, and the mean green in the middle half of the box over time."""
    faces: list[Tensor] = []
    green: list[float] = []
    for frames in pieces:
        faces = faces or [frames[0]]
        for frame in frames:
            x, y, width, height = boxes[len(green)].tolist()
            rows = slice(max(0, int(y + height / 4)), max(1, int(y + 3 * height / 4)))
            columns = slice(max(0, int(x + width / 4)), max(1, int(x + 3 * width / 4)))
            green.append(float(frame[1, rows, columns].double().mean()))
    return faces[0].permute(1, 2, 0).numpy(), np.array(green)


def _unit(value: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
    spread = float(value.std())
    return np.asarray((value - value.mean()) / (spread if spread > 0 else 1.0))


def _spectrum(
    value: Float[np.ndarray, " time"], times_s: Float[np.ndarray, " time"]
) -> tuple[Float[np.ndarray, " rates"], Float[np.ndarray, " rates"]]:
    """Return rates in bpm, and the amplitude of the wave less its line, the largest being 1."""
    flat = _unit(value)
    flat = flat - np.polyval(np.polyfit(times_s, flat, 1), times_s)
    amplitude = np.abs(np.fft.rfft(flat * np.hanning(len(flat)), 8 * len(flat)))
    step_s = float(times_s[-1] - times_s[0]) / (len(times_s) - 1)
    rate = 60 * np.fft.rfftfreq(8 * len(flat), step_s)
    shown = (rate > SHOWN_BPM[0]) & (rate < SHOWN_BPM[1])
    largest = float(amplitude[shown].max())
    return rate[shown], amplitude[shown] / (largest if largest > 0 else 1.0)
