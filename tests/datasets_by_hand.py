"""Hand-made files in the documented layouts, that know nothing of the package's own writers."""

import json
import struct
from pathlib import Path

import cv2
import numpy as np
import scipy.io

HZ, FRAMES = 30.0, 45
HEIGHT, WIDTH = 48, 64


def frames(count: int = FRAMES, *, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return RGB frames whose green counts up from frame to frame: 40 + n."""
    image = np.zeros((count, height, width, 3), np.uint8)
    image[..., 0], image[..., 2] = 120, 30
    image[..., 1] = 40 + np.arange(count)[:, None, None]
    image[:, : height // 2, : width // 2, 0] = 200
    return image


def avi(path: Path, images: np.ndarray, *, hz: float = HZ, dropped: tuple[int, ...] = ()) -> Path:
    """Write an uncompressed AVI byte by byte: BGR, rows from the bottom up, with an index.

    A frame that the camera dropped is a chunk of no bytes: its time passes, nothing is shown.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width, _ = images.shape
    size = 3 * height * width
    main = struct.pack(
        "<14I",
        round(1e6 / hz),
        size * round(hz),
        0,
        0x10,
        count,
        0,
        1,
        size,
        width,
        height,
        *[0] * 4,
    )
    stream = b"vidsDIB " + struct.pack(
        "<IHHIIIIIIiI4H",
        0,
        0,
        0,
        0,
        1000,
        round(1000 * hz),
        0,
        count,
        size,
        -1,
        0,
        0,
        0,
        width,
        height,
    )
    bitmap = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, size, 0, 0, 0, 0)
    kind = _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", bitmap))
    pixels = [np.ascontiguousarray(image[::-1, :, ::-1]).tobytes() for image in images]
    chunks = [b"" if number in dropped else image for number, image in enumerate(pixels)]
    movie = b"".join(_chunk(b"00db", chunk) for chunk in chunks)
    places = np.cumsum([4, *(len(chunk) + 8 for chunk in chunks)]).tolist()
    index = b"".join(
        b"00db" + struct.pack("<III", 0x10, place, len(chunk))
        for place, chunk in zip(places, chunks, strict=False)
    )
    header = _list(b"hdrl", _chunk(b"avih", main) + kind)
    body = b"AVI " + header + _list(b"movi", movie) + _chunk(b"idx1", index)
    path.write_bytes(_chunk(b"RIFF", body))
    return path


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)


def wave(times_s: np.ndarray) -> np.ndarray:
    """Return a pulse of 90 a minute."""
    return np.sin(2 * np.pi * 1.5 * times_s)


def ubfc(
    root: Path,
    name: str = "subject1",
    *,
    columns: int = FRAMES,
    step_s: float = 0.04,
    hz: float = HZ,
    dropped: tuple[int, ...] = (),
) -> Path:
    """Write a subject of UBFC-rPPG 2 whose label's clock is slower than that of the AVI."""
    folder = root / name
    avi(folder / "vid.avi", frames(), hz=hz, dropped=dropped)
    times_s = step_s * np.arange(columns)
    rows = [wave(times_s), np.full(columns, 91.0), times_s]
    lines = ["   ".join(f"{value:.7e}" for value in row) for row in rows]
    (folder / "ground_truth.txt").write_text("\n".join(lines) + "\n")
    return folder


def ubfc1(root: Path, name: str = "5-gt", *, video: str = "vid.avi", rows: int = 93) -> Path:
    """Write a subject of UBFC-rPPG 1: columns ms, heart rate, SpO2, PPG."""
    folder = root / name
    avi(folder / video, frames())
    times_ms = [16 * row for row in range(rows)]
    lines = [f"{ms},89,97,{wave(np.array(ms / 1000)):.5f}" for ms in times_ms]
    (folder / "gtdump.xmp").write_text("\n".join(lines) + "\n")
    return folder


def pure(
    root: Path,
    name: str = "01-01",
    *,
    start_ns: int = 1_392_643_993_642_815_000,
    stamped: bool = True,
    inner: bool = False,
) -> Path:
    """Write a recording of PURE: frames with ns in their names, and a label that starts earlier."""
    folder = root / name / name if inner else root / name
    folder.mkdir(parents=True)
    times_ns = start_ns + np.round(np.arange(FRAMES) * 1e9 / HZ).astype(np.int64)
    for number, (image, stamp) in enumerate(zip(frames(), times_ns, strict=True)):
        file = f"Image{stamp}.png" if stamped else f"{number:04d}.png"
        assert cv2.imwrite(str(folder / file), np.ascontiguousarray(image[..., ::-1]))
    ticks_ns = start_ns - 100_000_000 + np.round(np.arange(120) * 1e9 / 60).astype(np.int64)
    package = [
        {
            "Timestamp": int(tick),
            "Value": {
                "waveform": int(1000 * wave(np.array((tick - start_ns) / 1e9))),
                "pulseRate": 90,
                "o2saturation": 98,
                "signalStrength": 5,
            },
        }
        for tick in ticks_ns
    ]
    content = {"/FullPackage": package, "/Image": [{"Timestamp": int(stamp)} for stamp in times_ns]}
    labels = folder.parent / f"{name}.json"
    labels.write_text(json.dumps(content))
    return labels


def mmpd_content(**changes: object) -> dict[str, object]:
    """Return what a file of MMPD holds, as MATLAB nests it."""
    return {
        "video": frames().astype(np.float32) / 255,
        "GT_ppg": wave(np.arange(FRAMES) / HZ)[None],
        "light": "LED-low",
        "motion": "Rotation",
        "exercise": "True",
        "skin_color": np.array([[5]], np.uint8),
        "gender": "female",
        "glasser": "False",
        "hair_cover": "True",
        "makeup": "False",
    } | changes


def mmpd(root: Path, name: str = "p1_0", **changes: object) -> Path:
    """Write a file of MMPD, MATLAB 5."""
    folder = root / f"subject{name[1:].split('_')[0]}"
    folder.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / f"{name}.mat", mmpd_content(**changes))
    return folder / f"{name}.mat"


def buaa(root: Path, subject: str = "Sub 01", lux: str = "10.0", *, values: int = 90) -> Path:
    """Write a recording of BUAA-MIHR: a video, and a wave of its own rate without times."""
    folder = root / subject / f"lux {lux}"
    avi(folder / f"lux{lux}_APH.avi", frames())
    times_s = np.linspace(0, (FRAMES - 1) / HZ, values)
    scipy.io.savemat(folder / "PPGData.mat", {"PPG": {"data": wave(times_s)[:, None]}})
    (folder / f"lux{lux}_APH.csv").write_text("No,PULSE\n1,88\n2,92\n")
    return folder
