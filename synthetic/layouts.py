"""Clips in the layouts of public data sets, so that other toolboxes can read them.

The layouts are those that public readers of the sets expect. Every clip is a person of its own,
numbered by its seed. What a set leaves open is chosen here and said in each docstring.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import scipy.io
import torch
from jaxtyping import Float, Float64

from pulsephase.errors import MissingExtraError
from pulsephase.synthetic.pulse import Pulse, wave_at
from pulsephase.synthetic.write import pixels_of, write_video
from pulsephase.video.clip import Clip

LAYOUTS = ("ubfc", "pure", "scamps")
OXIMETER_HZ = 60.0
WAVE_MIDDLE, WAVE_UNIT = 2048, 256  # of PURE's integer wave: our choice, any affine map would do
NS = 1_000_000_000
MAT_HEADER = 512  # bytes before the HDF5 part of a MATLAB 7.3 file
MAT_MAGIC = b"MATLAB 7.3 MAT-file, written by pulsephase"


def name_of(layout: str, seed: int) -> str:
    """Return the entry of a clip in the folder of the set.

    >>> name_of("ubfc", 7), name_of("pure", 7), name_of("scamps", 7)
    ('subject7', '08-01', 'P000007.mat')
    """
    names = {"ubfc": f"subject{seed}", "pure": f"{seed + 1:02d}-01", "scamps": f"P{seed:06d}.mat"}
    return names[layout]


def check_layout(layout: str) -> None:
    """Raise unless what writing a layout takes is installed.

    Raises:
        MissingExtraError: If the layout is ``scamps`` and h5py is missing.
    """
    if layout != "scamps":
        return
    try:
        import h5py  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "the format scamps is HDF5 and needs h5py; pip install 'pulsephase[scamps]'"
        ) from None


def write_ubfc(folder: Path, pieces: Iterable[Clip], *, sample_hz: float) -> None:
    """Write ``vid.avi`` (uncompressed) and ``ground_truth.txt``, as UBFC-rPPG's second set has.

    The text holds three rows: wave, heart rate in bpm, time in s; one column a frame. An AVI has
    an even clock, so that the true times stand in the text alone.
    """
    rows: list[Float[np.ndarray, "3 time"]] = []
    write_avi(folder / "vid.avi", _noting_labels(pieces, rows), sample_hz=sample_hz)
    np.savetxt(folder / "ground_truth.txt", np.concatenate(rows, 1), fmt="%.7e")


def _noting_labels(
    pieces: Iterable[Clip], rows: list[Float[np.ndarray, "3 time"]]
) -> Iterator[Clip]:
    for clip in pieces:
        assert clip.pulse is not None and clip.truth is not None
        wave = clip.pulse.double().numpy()
        rows.append(np.stack([wave, clip.truth.heart_rate_bpm.numpy(), clip.times_s.numpy()]))
        yield clip


def write_avi(path: Path, pieces: Iterable[Clip], *, sample_hz: float) -> None:
    """Write clips as an uncompressed AVI, whose clock is even whatever their times."""
    exact = {"fflags": "+bitexact"}
    with av.open(str(path), "w", format="avi", options=exact) as container:
        stream = container.add_stream("rawvideo", rate=Fraction(sample_hz).limit_denominator(1001))
        stream.pix_fmt = "bgr24"
        count = 0
        for clip in pieces:
            if count == 0:  # once its codec is open, the size of a stream is fixed
                stream.height, stream.width = clip.frames.shape[2:]
            for image in pixels_of(clip):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="bgr24")
                frame.pts = count
                container.mux(stream.encode(frame))
                count += 1
        container.mux(stream.encode(None))


def write_pure(
    folder: Path, pieces: Iterable[Clip], *, name: str, pulse: Pulse, alive: bool
) -> None:
    """Write ``NAME/Image<ns>.png`` and ``NAME.json``, as PURE has.

    The oximeter's package counts at 60 Hz from the first frame to the last; its wave is the
    planted one at those times, not interpolated, as an integer. Saturation is the constant 97.
    """
    images = folder / name
    images.mkdir()
    shown, rates, times = [], [], []
    for clip in pieces:
        assert clip.truth is not None
        for image, time_s in zip(pixels_of(clip), clip.times_s.tolist(), strict=True):
            stamp = NS + round(time_s * NS)  # from one second on: names sort by time
            png = cv2.imencode(".png", image[..., ::-1])[1]
            (images / f"Image{stamp:019d}.png").write_bytes(png.tobytes())
            shown.append({"Timestamp": stamp})
        rates.append(clip.truth.heart_rate_bpm.numpy())
        times.append(clip.times_s.numpy())
    frame_s, rate_bpm = np.concatenate(times), np.concatenate(rates)
    ticks_s = np.arange(int(frame_s[-1] * OXIMETER_HZ + 1e-6) + 1) / OXIMETER_HZ
    wave = wave_at(pulse, torch.from_numpy(ticks_s))[0].numpy() * alive
    package = [
        {
            "Timestamp": NS + round(time_s * NS),
            "Value": {
                "waveform": round(WAVE_MIDDLE + WAVE_UNIT * value),
                "pulseRate": round(rate),
                "o2saturation": 97,
                "signalStrength": 8,
            },
        }
        for time_s, value, rate in zip(
            ticks_s.tolist(),
            wave.tolist(),
            np.interp(ticks_s, frame_s, rate_bpm).tolist(),
            strict=True,
        )
    ]
    content = json.dumps({"/FullPackage": package, "/Image": shown}, indent=1)
    (folder / f"{name}.json").write_text(content + "\n", encoding="utf-8")


def write_scamps(
    path: Path, pieces: Iterable[Clip], *, frames: int, respiration: Float[np.ndarray, " time"]
) -> None:
    """Write a MATLAB 7.3 file (HDF5) with ``Xsub``, ``d_ppg`` and ``d_br``, as SCAMPS has.

    ``Xsub`` is single precision in 0..1 on the 8-bit grid, (frames, height, width, 3) as MATLAB
    counts, hence its axes are turned round in HDF5. SCAMPS itself holds 600 frames of 240 x 240.
    The file is put together in memory: HDF5 does not come back from a disk that is full.
    """
    import h5py

    waves: list[Float[np.ndarray, " time"]] = []
    whole = io.BytesIO()
    with h5py.File(whole, "w", userblock_size=MAT_HEADER) as file:
        at, video = 0, None
        for clip in pieces:
            assert clip.pulse is not None
            pixels = np.stack(list(pixels_of(clip))).astype(np.float32) / 255
            turned = pixels.transpose(3, 2, 1, 0)
            if video is None:
                shape = (*turned.shape[:3], frames)
                chunk = (*turned.shape[:3], 1)
                video = file.create_dataset("Xsub", shape, "f4", chunks=chunk, compression="gzip")
            video[..., at : at + len(clip)] = turned
            at += len(clip)
            waves.append(clip.pulse.double().numpy())
        file["d_ppg"] = np.concatenate(waves)[:, None]  # MATLAB's row of values
        file["d_br"] = respiration[:, None]
        for name, kind in (("Xsub", b"single"), ("d_ppg", b"double"), ("d_br", b"double")):
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
    header = MAT_MAGIC.ljust(116) + bytes(8) + b"\x00\x02IM"
    whole.seek(0)
    whole.write(header)
    path.write_bytes(whole.getbuffer())


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
