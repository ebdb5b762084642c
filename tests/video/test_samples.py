"""The samples: a wrong archive is refused before anything runs; only four files ever leave it."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import videos

from pulsephase.cli import main
from pulsephase.errors import InputError
from pulsephase.video import samples
from pulsephase.video.samples import (
    FILES_SHA256,
    MEMBERS,
    SamplesUnavailable,
    cache_folder,
    extract,
    fetch_samples,
    load_reference,
)

CONTENT = {name: f"content of {name}".encode() for name in FILES_SHA256}


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def pack(path: Path, content: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "../../escaped.txt", b"outside")
        add(archive, "/tmp/escaped.txt", b"outside")
        add(archive, "vitallens-0.1.2/setup.py", b"raise SystemExit('ran')")
        for name, data in content.items():
            add(archive, MEMBERS + name, data)
    return path


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the digests of the made-up files for the known ones."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()}
    monkeypatch.setattr(samples, "FILES_SHA256", digests)


@pytest.mark.usefixtures("known")
def test_only_the_four_files_leave_the_archive(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    extract(pack(tmp_path / "a.tar.gz", CONTENT), folder)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {"a.tar.gz", "deep", "deep/er"} | {f"deep/er/{name}" for name in CONTENT}
    assert all((folder / name).read_bytes() == data for name, data in CONTENT.items())


def test_other_content_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(SamplesUnavailable, match="not the file that is expected"):
        extract(pack(tmp_path / "a.tar.gz", CONTENT), folder)
    assert list(folder.iterdir()) == []


def test_a_missing_file_and_a_link_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SamplesUnavailable, match=r"holds no file .*sample_video_1\.mp4"):
        extract(pack(tmp_path / "a.tar.gz", {}), tmp_path)
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo(MEMBERS + "sample_video_1.mp4")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    with pytest.raises(SamplesUnavailable, match="holds no file"):
        extract(tmp_path / "b.tar.gz", tmp_path)


def test_pip_refuses_a_wrong_archive_before_it_runs_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pip")
    ran = tmp_path / "ran"
    with tarfile.open(tmp_path / "vitallens-0.1.2.tar.gz", "w:gz") as archive:
        add(archive, "vitallens-0.1.2/PKG-INFO", b"Metadata-Version: 2.1\nName: vitallens\n")
        add(archive, "vitallens-0.1.2/setup.py", f"open({str(ran)!r}, 'w')".encode())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(SamplesUnavailable, match="DO NOT MATCH THE HASHES"):
        fetch_samples(tmp_path / "out")
    assert not ran.exists()
    assert not (tmp_path / "out").exists()


def test_without_network_or_pip_it_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert main(["samples", str(tmp_path / "out")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "pip could not fetch the sample videos" in told.err
    assert "Traceback" not in told.err
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(SamplesUnavailable, match="pip could not fetch"):
        fetch_samples(tmp_path / "out")


@pytest.mark.usefixtures("known")
def test_files_that_are_there_are_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []
    archive = pack(tmp_path / "a.tar.gz", CONTENT)

    def download(folder: Path) -> Path:
        calls.append(folder)
        return archive

    monkeypatch.setattr(samples, "_download", download)
    first = fetch_samples(tmp_path / "out")
    assert fetch_samples(tmp_path / "out") == first
    assert len(calls) == 1
    assert [(s.video.name, s.labels.name) for s in first] == [
        ("sample_video_1.mp4", "sample_vitals_1.csv"),
        ("sample_video_2.mp4", "sample_vitals_2.csv"),
    ]
    assert main(["samples", str(tmp_path / "out"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["samples"]
    assert [row["video"] for row in rows] == [str(s.video) for s in first]
    first[1].labels.write_text("damaged")
    fetch_samples(tmp_path / "out")
    assert len(calls) == 2
    assert first[1].labels.read_bytes() == CONTENT["sample_vitals_2.csv"]


def test_pip_is_asked_for_the_pinned_source_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        wanted = Path(command[command.index("--requirement") + 1]).read_text()
        asked.append((command, wanted))
        (Path(command[command.index("--dest") + 1]) / "vitallens-0.1.2.tar.gz").write_bytes(b"?")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(SamplesUnavailable, match="not the one that is expected"):
        fetch_samples(tmp_path / "out")
    ((command, wanted),) = asked
    assert {"download", "--no-deps", "--require-hashes"} <= set(command)
    assert command[command.index("--no-binary") + 1] == "vitallens"
    assert wanted == (
        "vitallens==0.1.2 --hash=sha256:"
        "99005976b6b4410954defcf773447272d9419b04da4ea8f3a4d3b62fd4f98b02\n"
    )


@pytest.mark.usefixtures("known")
def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(tmp_path / "a.tar.gz", CONTENT)
    monkeypatch.setattr(samples, "_download", lambda folder: archive)
    (tmp_path / "file").touch()
    with pytest.raises(SamplesUnavailable, match="cannot be written"):
        fetch_samples(tmp_path / "file" / "out")


def test_the_cache_is_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for platform, folder in [
        ("linux", "xdg"),
        ("win32", "local"),
        ("darwin", "Library/Caches"),
    ]:
        monkeypatch.setattr(sys, "platform", platform)
        assert cache_folder() == tmp_path / folder / "pulsephase"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == tmp_path / ".cache" / "pulsephase"


def test_a_reference_is_timed_by_the_frames_of_its_video(tmp_path: Path) -> None:
    times = np.concatenate([[0], np.random.default_rng(0).uniform(0.02, 0.05, 29).cumsum()])
    videos.write(tmp_path / "sample_video_1.mp4", videos.noise(30), times)
    ppg = np.sin(times)
    labels = tmp_path / "sample_vitals_1.csv"
    rows = [f"{value!r},{60 + n}" for n, value in enumerate(ppg.tolist())]
    labels.write_text("\n".join(["ppg,hr_ppg", *rows]))
    reference = load_reference(labels)
    np.testing.assert_array_equal(reference.ppg, ppg)
    np.testing.assert_allclose(reference.times_s, times, atol=1.2e-5)
    assert reference.device_bpm == 74.5
    assert reference.sample_hz == pytest.approx(29 / times[-1], rel=1e-4)
    labels.write_text("\n".join(["ppg", *[repr(value) for value in ppg.tolist()]]))
    assert load_reference(labels).device_bpm is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time\n0\n1\n", "no column 'ppg'"),
        ("ppg\nx\n", "cannot be read as a table of numbers"),
        ("", "cannot be read as a table of numbers"),
        ("ppg\n1\n2\n", "holds 2 values but .* 30 frames"),
    ],
)
def test_a_reference_that_is_none_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    video = videos.write(tmp_path / "a.mp4", videos.noise(30), np.arange(30) / 30)
    labels = tmp_path / "a.csv"
    labels.write_text(text)
    with pytest.raises(InputError, match=reason):
        load_reference(labels, video=video)
    with pytest.raises(InputError, match="cannot be read"):
        load_reference(tmp_path / "none.csv", video=video)
