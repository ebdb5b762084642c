"""Folders of clips: restartable, whole, and refused where they would mix."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pulsephase.cli import main
from pulsephase.errors import InputError, ParameterError
from pulsephase.synthetic import folder as entry
from pulsephase.synthetic.folder import checksum, synthesize
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render
from pulsephase.synthetic.scene import render_scene, scene_clips
from pulsephase.synthetic.write import pixels_of, write_video
from pulsephase.video.detect import HaarFrontal
from pulsephase.video.read import read_clips

CONFIG = replace(preset("easy"), frames=12, size=36)


def make(out: Path, *, clips: int = 3, seed: int = 5, format: str = "npz") -> dict:
    return synthesize(out, config=CONFIG, clips=clips, seed=seed, format=format)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: checksum(path) for path in folder.iterdir()}


def test_a_cut_off_call_ends_with_the_same_bytes(tmp_path: Path) -> None:
    make(tmp_path / "whole")
    make(tmp_path / "cut", clips=1)
    (tmp_path / "cut" / ".clip_000000006-abc.npz").write_bytes(b"half")  # as a kill leaves it
    make(tmp_path / "cut")
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def finished(folder: Path) -> int:
    """Return how many clips a manifest holds; none where there is no manifest yet."""
    path = folder / "manifest.json"
    return len(json.loads(path.read_text())["clips"]) if path.exists() else 0


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_a_killed_run_ends_with_the_same_bytes(tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        what = ["--clips", "40", "--seconds", "2", "--size", "36", "--format", "ffv1"]
        return [sys.executable, "-m", "pulsephase", "synthesize", str(out), *what]

    cut, whole = tmp_path / "cut", tmp_path / "whole"
    for _ in range(5):  # a test that had to wait for a core finds the run at its end
        running = subprocess.Popen(command(cut), stderr=subprocess.DEVNULL)
        while not finished(cut) and running.poll() is None:
            time.sleep(0.01)
        running.kill()
        killed = running.wait() == -signal.SIGKILL
        made = finished(cut)
        if killed and made < 40:
            break
        shutil.rmtree(cut)
    assert killed and 1 <= made < 40
    subprocess.run(command(cut), check=True, stderr=subprocess.DEVNULL)
    subprocess.run(command(whole), check=True, stderr=subprocess.DEVNULL)
    assert contents(cut) == contents(whole)


def test_a_damaged_clip_is_made_again(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    name = next(iter(manifest["clips"][1]["sha256"]))
    before = contents(tmp_path)
    (tmp_path / name).write_bytes(b"damaged")
    make(tmp_path)
    assert contents(tmp_path) == before


def test_another_request_does_not_mix(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(InputError, match="seed differ"):
        make(tmp_path, seed=6)


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        make(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_wrong_requests_are_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="format is 'gif'"):
        make(tmp_path, format="gif")
    with pytest.raises(ParameterError, match="clips is 0"):
        make(tmp_path, clips=0)
    with pytest.raises(ParameterError, match="64 px"):
        next(scene_clips(0, CONFIG, width=32, height=32))


def test_lossless_video_gives_the_pixels_and_times_back(tmp_path: Path) -> None:
    clip = render(3, CONFIG)
    write_video(tmp_path / "a.mkv", clip, format="ffv1")
    found = list(read_clips(tmp_path / "a.mkv"))
    frames = torch.cat([piece.frames for piece in found])
    expected = torch.stack([torch.from_numpy(p).permute(2, 0, 1) for p in pixels_of(clip)])
    assert torch.equal(frames, expected)
    times = torch.cat([piece.times_s for piece in found])
    torch.testing.assert_close(times, clip.times_s, atol=1e-3, rtol=0)  # Matroska counts in ms


def test_a_scene_in_pieces_is_the_scene() -> None:
    config = replace(CONFIG, frames=40)
    whole = render_scene(1, config, width=160, height=120)
    pieces = list(scene_clips(1, config, width=160, height=120))
    assert len(pieces) > 1
    assert torch.equal(torch.cat([piece.frames for piece in pieces]), whole.frames)
    assert whole.frames.dtype == torch.uint8
    assert whole.frames.shape == (40, 3, 120, 160)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / (np.prod(a[2:]) + np.prod(b[2:]) - shared))


@pytest.mark.parametrize(("name", "at_least"), [("easy", 19), ("full", 17)])  # 95 and 85 %
def test_the_detector_finds_synthetic_faces_where_they_are(name: str, at_least: int) -> None:
    detect, found = HaarFrontal(), 0
    for seed in range(20):
        scene = render_scene(seed, replace(preset(name), frames=2), width=320, height=240)
        image = np.ascontiguousarray(scene.frames[0].permute(1, 2, 0).numpy())
        boxes = np.asarray(detect(image), dtype=float).reshape(-1, 4)
        found += any(overlap(box, scene.boxes[0].double().numpy()) >= 0.5 for box in boxes)
    assert found >= at_least


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, sheet = tmp_path / "clips", tmp_path / "sheet.png"
    code = main(
        [
            *("synthesize", str(out), "--clips", "2", "--seconds", "1", "--scene", "96x64"),
            *("--preset", "easy", "--heart-rate", "60", "--contact-sheet", str(sheet), "--json"),
        ]
    )
    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert len(result["clips"]) == 2
    assert {path.suffix for path in out.iterdir()} == {".mp4", ".csv", ".json", ".npz"}
    header, *rows = (out / "clip_000000000.csv").read_text().splitlines()
    assert header == "time_s,pulse,heart_rate_bpm,box_x,box_y,box_width,box_height"
    assert len(rows) == 30
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert all(50 < clip["heart_rate_bpm"] < 70 for clip in result["clips"])
    assert main(["synthesize", str(out), "--seed", "3"]) == 2
    assert "another request" in capsys.readouterr().err
    assert main(["synthesize", str(tmp_path / "x"), "--scene", "big"]) == 2
    assert main(["synthesize", str(tmp_path / "x"), "--scene", "99x64"]) == 2
    assert "even sizes" in capsys.readouterr().err
    assert main(["synthesize", str(tmp_path / "x"), "--scene", "96x64", "--size", "36"]) == 2
    assert main(["synthesize", str(tmp_path / "x"), "--size", "0"]) == 2
    assert main(["synthesize", str(tmp_path / "x"), "--seconds", "nan"]) == 2
    assert not (tmp_path / "x").exists()
    (out / "manifest.json").write_text("[]")
    assert main(["synthesize", str(out)]) == 2
    assert "no manifest" in capsys.readouterr().err


def test_files_that_merely_look_like_clips_are_not_ours(tmp_path: Path) -> None:
    (tmp_path / "clip_000000005.npz").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        make(tmp_path)
    assert (tmp_path / "clip_000000005.npz").read_text() == "precious"


def test_a_call_that_made_nothing_binds_nobody(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out)
    manifest = json.loads((out / "manifest.json").read_text())
    for name in contents(out):
        (out / name).unlink()
    (out / "manifest.json").write_text(json.dumps({**manifest, "clips": []}))
    (out / ".clip_000000005-abc.npz").write_bytes(b"half")
    make(out, seed=6)
    make(tmp_path / "fresh", seed=6)
    assert contents(out) == contents(tmp_path / "fresh")


@pytest.mark.parametrize("form", ["npz", "ffv1"])
def test_what_memory_does_not_hold_is_said_with_its_size(tmp_path: Path, form: str) -> None:
    huge = replace(CONFIG, frames=1_000_000, sample_hz=300.0, size=4096)
    with pytest.raises(ParameterError, match="1000000 frames of 4096x4096 px do not fit"):
        synthesize(tmp_path / "a", config=huge, clips=1, seed=0, format=form)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["manifest.json"]


def test_other_faults_of_torch_are_not_taken_for_a_full_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("expected all tensors on one device")

    monkeypatch.setattr(entry, "render", broken)
    with pytest.raises(RuntimeError, match="one device"):
        synthesize(tmp_path / "a", config=CONFIG, clips=1, seed=0, format="npz")


@pytest.mark.parametrize("scene", [(63, 480), (640, 4098), (10**9, 480)])
def test_scenes_have_bounded_sides(tmp_path: Path, scene: tuple[int, int]) -> None:
    with pytest.raises(ParameterError, match="at least 64 px and at most 4096"):
        synthesize(tmp_path / "a", config=CONFIG, clips=1, seed=0, format="ffv1", scene=scene)
    with pytest.raises(ParameterError, match="at least 64 px and at most 4096"):
        next(scene_clips(0, CONFIG, width=scene[0], height=scene[1]))
