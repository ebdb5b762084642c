"""A folder of synthetic clips with a manifest: finished clips are kept, none is half-written."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pulsephase import __version__
from pulsephase.errors import InputError, ParameterError
from pulsephase.files import write_json
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.render import render
from pulsephase.synthetic.scene import render_scene
from pulsephase.synthetic.write import ENDINGS, write_labels, write_npz, write_video
from pulsephase.video.clip import Clip

MANIFEST = "manifest.json"


def synthesize(
    out: str | Path,
    *,
    config: SynthConfig,
    clips: int,
    seed: int,
    format: str,
    scene: tuple[int, int] | None = None,
    advance: Callable[[float], None] = lambda amount: None,
) -> dict[str, Any]:
    """Render clips of consecutive seeds into a folder, or go on where an earlier call stopped.

    Args:
        out: The folder; made if need be.
        config: What may vary.
        clips: How many.
        seed: Of the first clip.
        format: ``mp4``, ``ffv1`` or ``npz``.
        scene: Width and height of whole scenes; none for crops of the config's size.
        advance: Called with 1 after each clip.

    Returns:
        The manifest: what was asked, and per clip its seed, files and their SHA-256.

    Raises:
        ParameterError: If the format is unknown or the count not positive.
        InputError: If the folder holds something else, or the clips of another request.
    """
    if format not in ENDINGS:
        raise ParameterError(f"format is {format!r}; there are {', '.join(ENDINGS)}")
    if clips < 1:
        raise ParameterError(f"clips is {clips}; give at least 1")
    out = Path(out)
    request = {
        "version": __version__,
        "seed": seed,
        "format": format,
        "scene": list(scene) if scene else None,
        "config": json.loads(json.dumps(asdict(config))),
    }
    manifest = _begin(out, request)
    done = {row["seed"]: row for row in manifest["clips"]}
    for index in range(clips):
        row = done.get(seed + index)
        if row is None or not _whole(out, row):
            done[seed + index] = _one(out, seed + index, config, format, scene)
            manifest["clips"] = [done[key] for key in sorted(done)]
            write_json(out / MANIFEST, manifest)
        advance(1)
    return manifest


def _begin(out: Path, request: dict[str, Any]) -> dict[str, Any]:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be made: {error.strerror}; name another folder") from None
    path = out / MANIFEST
    if not path.exists():
        if any(entry for entry in out.iterdir() if not entry.name.startswith(".")):
            raise InputError(f"{out} is not empty and holds no {MANIFEST}; name an empty folder")
        return {"request": request, "clips": []}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if found["request"] != request:
        other = [key for key in request if found["request"].get(key) != request[key]]
        raise InputError(
            f"{out} holds clips of another request ({', '.join(other)} differ); "
            "name another folder or remove it"
        )
    return found


def _one(
    out: Path, seed: int, config: SynthConfig, format: str, scene: tuple[int, int] | None
) -> dict[str, Any]:
    clip: Clip
    if scene is None:
        clip = render(seed, config)
    else:
        clip = render_scene(seed, config, width=scene[0], height=scene[1])
    video = out / f"clip_{seed:09d}{ENDINGS[format]}"
    files = [video]
    if format == "npz":
        write_npz(video, clip)
    else:
        labels = video.with_suffix(".csv")
        write_labels(labels, clip)
        write_video(video, clip, format=format)
        files.append(labels)
    assert clip.truth is not None
    return {
        "seed": seed,
        "heart_rate_bpm": float(clip.truth.heart_rate_bpm.mean()),
        "parameters": dict(clip.truth.parameters),
        "sha256": {file.name: checksum(file) for file in files},
    }


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _whole(out: Path, row: dict[str, Any]) -> bool:
    return all(
        (out / name).is_file() and checksum(out / name) == digest
        for name, digest in row["sha256"].items()
    )


def contact_sheet(clips: list[Clip], path: str | Path) -> None:
    """Draw the first frame, the pulse and its spectrum of each clip into a picture."""
    from matplotlib.figure import Figure

    from pulsephase.files import whole_file
    from pulsephase.synthetic.write import clip_rate

    figure = Figure(figsize=(9, 1.5 * len(clips)), layout="constrained")
    axes = figure.subplots(len(clips), 3, squeeze=False, width_ratios=[1, 3, 2])
    for (face, wave, spectrum), clip in zip(axes, clips, strict=True):
        assert clip.pulse is not None and clip.truth is not None
        frame = clip.frames[0].permute(1, 2, 0)
        face.imshow(frame.numpy())
        face.set_axis_off()
        wave.plot(clip.times_s.numpy(), clip.pulse.numpy(), linewidth=0.8)
        tapered = clip.pulse.double() * torch.hann_window(len(clip), dtype=torch.float64)
        power = torch.fft.rfft(tapered, 4096).abs().square()
        bpm = 60 * torch.fft.rfftfreq(4096, 1 / clip_rate(clip))
        shown = bpm < 300
        spectrum.plot(bpm[shown].numpy(), power[shown].numpy(), linewidth=0.8)
        spectrum.axvline(float(clip.truth.heart_rate_bpm.mean()), color="tab:red", linewidth=0.6)
        for panel in (wave, spectrum):
            panel.set_yticks([])
    axes[-1][1].set_xlabel("time (s)")
    axes[-1][2].set_xlabel("rate (bpm); red: true mean")
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
