"""More layouts of public sets, for look-alikes: what their readers expect, from synthetic scenes.

The wave of each is the planted one at the times of the set's own sensor, not interpolated.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.io
import torch
from jaxtyping import Float64

from pulsephase.synthetic.layouts import write_avi
from pulsephase.synthetic.write import pixels_of, write_video
from pulsephase.video.clip import Clip

DUMP_HZ, BUAA_HZ = 62.0, 60.0
HEADER = b"MATLAB 5.0 MAT-file, written by pulsephase"
SQUEEZED = 4 / 3  # width over height of MMPD's frames, which are of 16:9
INITIALS = "LA"  # as in the names of BUAA-MIHR's files: "look-alike"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finger:
    """What the sensor on the finger says of one clip.

    Attributes:
        wave: Of times in s.
        bpm: The displayed heart rate at times in s.
        seconds: How long it measures.
    """

    wave: Callable[[Float64[np.ndarray, " time"]], Float64[np.ndarray, " time"]]
    bpm: Callable[[Float64[np.ndarray, " time"]], Float64[np.ndarray, " time"]]
    seconds: float

    def ticks(self, sample_hz: float) -> Float64[np.ndarray, " time"]:
        """Return its times at a rate, from the first frame to the last."""
        return np.arange(int(self.seconds * sample_hz + 1e-6) + 1) / sample_hz


def write_ubfc1(folder: Path, pieces: Iterable[Clip], finger: Finger, *, sample_hz: float) -> None:
    """Write ``vid.avi`` and ``gtdump.xmp`` (ms, heart rate, SpO2, PPG), as UBFC-rPPG's first set.

    The saturation is the constant 97; the sensor counts at 62 Hz.
    """
    write_avi(folder / "vid.avi", pieces, sample_hz=sample_hz)
    times_s = finger.ticks(DUMP_HZ)
    columns = [1000 * times_s, finger.bpm(times_s).round(), np.full(len(times_s), 97.0)]
    table = np.column_stack([*columns, finger.wave(times_s)])
    np.savetxt(folder / "gtdump.xmp", table, fmt=["%.3f", "%d", "%d", "%.6f"], delimiter=",")


def write_mmpd(path: Path, pieces: Iterable[Clip], finger: Finger, *, info: dict[str, Any]) -> None:
    """Write one ``pN_K.mat`` (MATLAB 5): the frames squeezed to 4:3, as floats in 0..1."""
    frames, times = [], []
    for clip in pieces:
        times.append(clip.times_s.numpy())
        for image in pixels_of(clip):
            size = (round(image.shape[0] * SQUEEZED), image.shape[0])
            frames.append(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    video = np.stack(frames).astype(np.float32) / 255
    wave = finger.wave(np.concatenate(times))
    save_mat(path, {"video": video, "GT_ppg": wave[None], **info})


def write_buaa(
    folder: Path, pieces: Iterable[Clip], finger: Finger, *, lux: str, sample_hz: float
) -> None:
    """Write one ``lux X.X/``: the video, ``PPGData.mat`` at 60 Hz, the display once a second."""
    stem = f"lux{lux}_{INITIALS}"
    write_avi(folder / f"{stem}.avi", pieces, sample_hz=sample_hz)
    wave = finger.wave(finger.ticks(BUAA_HZ))
    save_mat(folder / "PPGData.mat", {"PPG": {"data": wave[:, None]}})
    shown = finger.bpm(finger.ticks(1.0)).round().astype(int).tolist()
    rows = "\n".join(str(bpm) for bpm in ("PULSE", *shown))
    (folder / f"{stem}.csv").write_text(f"{rows}\n", encoding="utf-8")


def write_sample(folder: Path, clip: Clip, finger: Finger, *, number: int) -> None:
    """Write one pair as the public sample clips have: an MP4 and a table with a row a frame."""
    write_video(folder / f"sample_video_{number}.mp4", clip)
    times_s = clip.times_s.numpy()
    table = np.column_stack([finger.wave(times_s), finger.bpm(times_s)])
    np.savetxt(
        folder / f"sample_vitals_{number}.csv",
        table,
        fmt="%.6f",
        delimiter=",",
        header="ppg,hr_ppg",
        comments="",
    )


def save_mat(path: Path, content: dict[str, Any]) -> None:
    """Write a MATLAB 5 file without the date that scipy puts into its header."""
    scipy.io.savemat(path, content)
    with path.open("r+b") as file:
        file.write(HEADER.ljust(116))


def finger_of(
    wave: Callable[[torch.Tensor], torch.Tensor],
    *,
    times_s: Float64[np.ndarray, " time"],
    bpm: Float64[np.ndarray, " time"],
    lag_s: float,
) -> Finger:
    """Return a sensor whose pulse comes ``lag_s`` after that of the face."""
    return Finger(
        wave=lambda at_s: wave(torch.from_numpy(at_s - lag_s)).double().numpy(),
        bpm=lambda at_s: np.asarray(np.interp(at_s - lag_s, times_s, bpm), dtype=np.float64),
        seconds=float(times_s[-1]),
    )
