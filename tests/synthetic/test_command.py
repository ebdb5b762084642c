"""``pulsephase synthesize``: what cannot be is refused in one line, before the work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

from pulsephase.cli import main
from pulsephase.commands.synthesize import command
from pulsephase.synthetic.presets import PRESETS

SHORT = ("--clips", "1", "--seconds", "1", "--size", "16")


def test_a_shard_without_clips_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, sheet = tmp_path / "out", tmp_path / "s.png"
    words = ["synthesize", str(out), *SHORT, "--shard", "2/2"]
    for more in ([], ["--contact-sheet", str(sheet)]):
        assert main([*words, *more]) == 2
        assert "shard 2/2 of 1 clips holds none" in capsys.readouterr().err
    assert not out.exists() and not sheet.exists()


def test_the_folder_of_a_contact_sheet_is_made(tmp_path: Path) -> None:
    sheet = tmp_path / "runs" / "faces.png"
    words = [str(tmp_path / "runs" / "faces"), *SHORT, "--contact-sheet", str(sheet)]
    assert main(["synthesize", *words]) == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("option", ["--contact-sheet", "--report"])
def test_a_sheet_or_report_that_cannot_be_written_is_refused_before_the_work(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    out = tmp_path / "out"
    for place in (tmp_path / "file" / "deep" / "a.png", out / "deep" / "a.png"):
        assert main(["synthesize", str(out), *SHORT, option, str(place)]) == 2
        assert "cannot" in capsys.readouterr().err
        assert not out.exists()
    if option == "--contact-sheet":
        assert main(["synthesize", str(out), *SHORT, option, str(out)]) == 2
        assert not out.exists()


def test_the_device_is_the_one_that_renders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synthesize", str(tmp_path / "x"), *SHORT, "--device", "meta"]) == 2
    assert "'meta' cannot be used" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    from pulsephase.synthetic import folder

    asked, render = [], folder.render
    monkeypatch.setattr(
        folder, "render", lambda *a, device: asked.append(device) or render(*a, device="cpu")
    )
    monkeypatch.setattr("pulsephase.synthetic.folder.usable", lambda device: device)
    words = [*SHORT, "--format", "npz", "--device", "cpu:0", "--json"]
    assert main(["synthesize", str(tmp_path / "y"), *words]) == 0
    assert asked == ["cpu:0"]
    assert json.loads(capsys.readouterr().out)["request"]["device"] == "cpu:0"


@pytest.mark.parametrize("bpm", [10, 12, 600])
def test_every_heart_rate_that_is_offered_can_be_had(bpm: int, tmp_path: Path) -> None:
    words = [*SHORT, "--format", "npz", "--heart-rate", str(bpm)]
    assert main(["synthesize", str(tmp_path / "a"), *words]) == 0
    with np.load(tmp_path / "a" / "clip_000000000.npz") as arrays:
        assert np.isfinite(arrays["pulse"]).all() and arrays["pulse"].std() > 0.5
        assert arrays["heart_rate_bpm"].mean() == pytest.approx(bpm, rel=0.2)


@pytest.mark.parametrize("bpm", ["9", "601", "nan"])
def test_another_heart_rate_is_refused_by_what_was_typed(
    bpm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synthesize", str(tmp_path / "a"), *SHORT, "--heart-rate", bpm]) == 2
    told = {"nan": "nan is no finite number"}
    wanted = told.get(bpm, f"--heart-rate is {bpm} bpm; give from 10 to 600")
    assert wanted in capsys.readouterr().err


def test_a_scene_is_compressed_by_its_codec(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = ("--clips", "1", "--seconds", "1", "--scene", "96x64")
    assert main(["synthesize", str(tmp_path / "x"), *scene, "--preset", "compression"]) == 2
    assert "--crf 40" in capsys.readouterr().err
    sizes = []
    for crf in ("18", "40"):
        out = tmp_path / crf
        assert main(["synthesize", str(out), *scene, "--preset", "easy", "--crf", crf]) == 0
        sizes.append((out / "clip_000000000.mp4").stat().st_size)
    assert sizes[1] < 0.9 * sizes[0]
    assert main(["synthesize", str(tmp_path / "x"), *SHORT, "--format", "npz", "--crf", "9"]) == 2
    assert main(["synthesize", str(tmp_path / "x"), *SHORT, "--crf", "52"]) == 2
    assert not (tmp_path / "x").exists()


def test_help_and_page_name_every_preset() -> None:
    text = command.get_help(click.Context(command))
    page = (Path(__file__).parents[2] / "docs" / "reference" / "synthetic.md").read_text(
        encoding="utf-8"
    )
    listed = page[page.index("Presets: ") :].split("\n\n")[0]
    for name in PRESETS:
        assert name in text[text.index("Presets:") :], name
        assert f"`{name}`" in listed, name


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
@pytest.mark.parametrize("form", ["ubfc", "pure", "scamps"])
def test_a_full_disk_is_one_line(form: str, tmp_path: Path) -> None:
    if form == "scamps":
        pytest.importorskip("h5py")
    words = ["--clips", "1", "--seconds", "1", "--size", "200", "--format", form]
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000));"
        "sys.argv = sys.argv[1:]; runpy.run_module('pulsephase', run_name='__main__')"
    )
    call = [sys.executable, "-c", limited, "pulsephase", "synthesize", str(tmp_path / "out")]
    done = subprocess.run([*call, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 2, done.stderr
    (line,) = [row for row in done.stderr.splitlines() if "clips of" not in row and row.strip()]
    assert "cannot be written" in line
