"""Good files to change: videos, weights, caches, the labels of all layouts, command lines."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lookalikes
import numpy as np
import recordings
import videos
from fuzz import mutate

from pulsephase.models.weights import SHIPPED

LAYOUTS = ("ubfc", "ubfc1", "pure", "mmpd", "buaa")
LABELS = {".txt", ".json", ".xmp", ".csv", ".mat"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Good files, made once.

    Attributes:
        folder: That holds them.
        videos: Short ones, in several containers.
        cache: Of made recordings.
        sets: The look-alike of each layout.
    """

    folder: Path
    videos: tuple[Path, ...]
    cache: Path
    sets: dict[str, Path]


def make(folder: Path, *, layouts: tuple[str, ...] = LAYOUTS) -> Material:
    """Make the files; a few seconds, and one more a layout."""
    images = videos.noise(170, height=48, width=64)
    times = np.arange(170) / 30
    made = [videos.write(folder / f"a.{end}", images, times) for end in ("mp4", "mkv", "avi", "ts")]
    made.append(videos.write(folder / "a.h264", images, times))
    sets = {
        name: lookalikes.lookalike(folder, name, subjects=1, seconds=1.5, conditions=1)
        for name in layouts
    }
    return Material(
        folder=folder,
        videos=tuple(made),
        cache=recordings.made_cache(folder / "made", subjects=2, seconds=10.0),
        sets=sets,
    )


def command_lines(material: Material) -> list[list[str]]:
    """Return command lines that are right, one at least a command that is quick."""
    video, cache = str(material.videos[0]), str(material.cache)
    return [
        ["measure", video, "--box", "full", "--method", "green", "--json"],
        ["measure", video, "--box", "2,2,40,40", "--method", "pos", "--fps", "30"],
        ["live", video, "--no-realtime", "--seconds", "2", "--json"],
        ["synthesize", "--clips", "1", "--seconds", "1", "--size", "8", "--seed", "3"],
        ["datasets", "list", "--json"],
        ["evaluate", "--method", "green", "--cache", cache, "--json"],
        ["evaluate", "--method", "pos", "--synthetic", "easy", "--clips", "1", "--seconds", "8"],
        ["export", "tiny", "--frames", "4"],
        ["train", "--synthetic", "easy", "--steps", "1", "--set", "network.layers=2"],
        ["version", "--json", "--device", "cpu"],
    ]


def cases(material: Material, work: Path, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Yield a name and a command line without end; case n depends on the seed and n alone."""
    lines = command_lines(material)
    number = 0
    while True:
        draw = random.Random(f"{seed}-{number}")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        kind = draw.choice(("video", "video", "weights", "cache", "labels", "labels", "words"))
        yield f"{seed}-{number} {kind}", _case(kind, material, lines, work, draw)
        number += 1


def _case(
    kind: str, material: Material, lines: list[list[str]], work: Path, draw: random.Random
) -> list[str]:
    match kind:
        case "video":
            source = draw.choice(material.videos)
            path = work / source.name
            path.write_bytes(mutate.of_bytes(source.read_bytes(), draw))
            return ["measure", str(path), "--box", "full", "--method", "green", "--json"]
        case "weights":
            data = (SHIPPED / "tiny.safetensors").read_bytes()
            head = 8 + int.from_bytes(data[:8], "little")
            change = draw.choice((mutate.of_bytes, mutate.of_numbers))
            header = change(data[8:head], draw)
            size = len(header) if draw.random() < 0.8 else draw.getrandbits(62)
            path = work / "a.safetensors"
            path.write_bytes(size.to_bytes(8, "little") + header + data[head:])
            return ["export", str(path), "--out", str(work / "a.onnx"), "--frames", "2"]
        case "cache":
            own = work / "cache"
            shutil.copytree(material.cache, own)
            _change_one([each for each in own.rglob("*") if each.is_file()], draw)
            return ["evaluate", "--method", "green", "--cache", str(own), "--json"]
        case "labels":
            name = draw.choice(list(material.sets))
            own = work / "set"
            shutil.copytree(material.sets[name], own)
            files = [each for each in own.rglob("*") if each.suffix.lower() in LABELS]
            _change_one(files or [each for each in own.rglob("*") if each.is_file()], draw)
            return ["datasets", "verify", str(own), "--name", name, "--workers", "1", "--json"]
    words = mutate.of_words(draw.choice(lines), draw)
    return words if "--out" in words else [*words, "--max-seconds", "15"]


def _change_one(files: list[Path], draw: random.Random) -> None:
    path = draw.choice(sorted(files))
    change = draw.choice((mutate.of_bytes, mutate.of_numbers))
    path.write_bytes(change(path.read_bytes(), draw))
