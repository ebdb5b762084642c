"""The faults that were found by trying, each as a file and a command line that met it."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import videos
from fuzz.material import Material

from pulsephase.models.weights import SHIPPED

DAY_S = 86_400.0


def cases(folder: Path, material: Material) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each fault and the command line that met it."""
    folder.mkdir()
    measure = ["--box", "full", "--method", "green", "--json"]
    images, times = videos.noise(210, height=48, width=64), np.arange(210) / 30
    late = times >= 5
    for name, at_s in {
        "a clock that jumps by a day": times + DAY_S * late,
        "a first stamp at 0, the rest since 1970": times + 1.7e9 * (times > 0),
        "a pause at each frame": times * 1000,
        "stamps that repeat": np.floor(times * 15) / 15,
    }.items():
        path = videos.write(folder / f"{name}.mkv", images, at_s)
        yield name, ["measure", str(path), *measure]
        yield f"{name}, live", ["live", str(path), "--no-realtime", "--json"]
    for name, change in {
        "a million layers": (b'\\"layers\\": 6', b'\\"layers\\": 1000000'),
        "a size of 2^62": (b'\\"size\\": 36', b'\\"size\\": 4611686018427387904'),
        "a number of 5,000 digits": (b'\\"size\\": 36', b'\\"size\\": ' + b"9" * 5000),
        "a card without end": (b'"card":"{', b'"card":"{\\"a\\":' + b"[" * 20_000),
    }.items():
        data = (SHIPPED / "tiny.safetensors").read_bytes()
        head = 8 + int.from_bytes(data[:8], "little")
        header = data[8:head].replace(*change)
        assert header != data[8:head], name
        path = folder / f"{name}.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header + data[head:])
        yield name, ["measure", str(material.videos[0]), "--weights", str(path), "--box", "full"]
    odd = Path(os.fsdecode(os.fsencode(str(folder)) + b"/a\xe9[x].mp4"))
    odd.write_bytes(material.videos[0].read_bytes())
    report = ["--report", str(folder / "report")]
    yield "a name that is no UTF-8", ["measure", str(odd), *measure, *report]
    (folder / "b[").mkdir()
    broken = folder / "b[" / "x].mp4"
    broken.write_bytes(b"no video")
    yield "a name in markup", ["measure", str(broken), str(odd), *measure]
    for number, words in enumerate(
        (
            ["train", "--synthetic", "easy", "--epochs", "nan"],
            ["train", "--synthetic", "easy", "--epochs", "inf"],
            ["train", "--synthetic", "easy", "--set", "network.layers=1000000"],
            ["train", "--synthetic", "easy", "--set", "seed=" + "[" * 100_000],
            ["train", "--frames", "99999999"],
            ["synthesize", "--clips", "99999999999999999999"],
            ["live", "--camera", "99999999999"],
            ["evaluate", "--sample-hz", "1e9"],
            ["measure", ""],
            ["measure", str(material.videos[0]), "--fps", "nan"],
            ["measure", str(material.videos[0]), "--box", "nan,0,1,1"],
            ["measure", str(material.videos[0]), "--box", "1e300,0,1e300,1e300"],
        )
    ):
        yield f"words {number}", words
    yield "a raw stream", ["measure", str(material.videos[-1]), *measure]
