"""The cache holds what the pipeline gives, loses nothing in silence, and survives being killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import recordings
import torch

from pulsephase.errors import InputError, ParameterError
from pulsephase.video.clip import Clip
from pulsephase.video.datasets import entry as entries
from pulsephase.video.datasets.cache import Cache, build_cache
from pulsephase.video.datasets.entry import checksum, folder_of
from pulsephase.video.datasets.layout import DataSet
from pulsephase.video.datasets.recording import Label, Recording
from pulsephase.video.datasets.work import Report
from pulsephase.video.pipeline import WholeFrame, face_clips

SIZE = 8


def build(out: Path, made: DataSet, **changes: object) -> Report:
    asked = {"size": SIZE, "faces": "whole"} | changes
    return build_cache(out.parent, dataset=made, out=out, **asked)


def four() -> list[Recording]:
    return [recordings.recording(number, seconds=3.0) for number in range(1, 5)]


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): checksum(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def gone(*arguments: object) -> Label:
    raise InputError("ground_truth.txt is missing")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "cache"
    build(out, recordings.made_set(four()))
    return out


def test_a_cache_holds_what_the_pipeline_gives(whole: Path) -> None:
    cache = Cache(whole)
    assert (cache.dataset, cache.size, cache.sample_hz) == ("made", SIZE, 30.0)
    assert [found.name for found in cache.entries] == [f"subject{n}" for n in range(1, 5)]
    source = recordings.recording(2, seconds=3.0)
    straight = list(face_clips(source.clips(), faces=WholeFrame(), size=SIZE, sample_hz=30.0))
    crops = torch.cat([clip.frames for clip in straight]).numpy()
    clip, described = cache.read("subject2"), cache.entries[1]
    assert clip.frames.shape == crops.shape and clip.frames.dtype == np.uint8
    assert np.abs(clip.frames - 255 * crops).max() < 1  # rounded up or down, never further
    np.testing.assert_array_equal(clip.times_s, torch.cat([c.times_s for c in straight]).numpy())
    np.testing.assert_allclose(clip.pulse, np.sin(2 * np.pi * 4 / 3 * clip.times_s), atol=1e-6)
    np.testing.assert_array_equal(clip.boxes, np.tile([0.0, 0.0, 24.0, 24.0], (90, 1)))
    assert clip.device_bpm is not None and set(clip.device_bpm) == {80.0}
    assert (described.frames, described.seconds) == (90, 3.0)
    assert (described.face_share, described.pulse_share) == (1.0, 1.0)
    assert clip.attributes == {"light": "high"} and clip.subject == "subject2"
    assert isinstance(clip.frames, np.memmap) and not clip.frames.flags.writeable


def test_the_order_does_not_matter(whole: Path, tmp_path: Path) -> None:
    report = build(tmp_path / "cache", recordings.made_set(four()[::-1]))
    assert contents(tmp_path / "cache") == contents(whole)
    assert not any(fate.kept for fate in report.recordings)


def test_a_second_call_keeps_what_is_whole_and_makes_the_rest_again(
    whole: Path, tmp_path: Path
) -> None:
    out, made = tmp_path / "cache", recordings.made_set(four())
    build(out, made)
    (out / "clips/subject2/frames.npy").write_bytes(b"damaged")
    (out / "clips/subject3/entry.json").unlink()
    (out / "clips/.subject4").mkdir()  # as a kill leaves it
    (out / "clips/subject9").mkdir()  # of a recording that is no more
    report = build(out, made)
    kept = {fate.name for fate in report.recordings if fate.kept}
    assert kept == {"subject1", "subject4"}
    assert contents(out) == contents(whole)


def test_another_source_under_the_same_name_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "vid.avi"
    file.write_bytes(b"1")
    first = replace(recordings.recording(1), files=(file,))
    build(tmp_path / "cache", recordings.made_set([first]))
    file.write_bytes(b"12")
    report = build(tmp_path / "cache", recordings.made_set([first]))
    assert not report.recordings[0].kept


def broken(say: object) -> Iterator[Clip]:
    yield from recordings.patch(1, 2.0, 24, 6.0, 100.0, print)
    raise RuntimeError("a fault that nobody thought of")


def test_a_bad_recording_is_reported_and_never_fatal(tmp_path: Path) -> None:
    one, two, three, _ = four()
    made = [one, replace(two, read_label=gone), replace(three, read_frames=broken)]
    report = build(tmp_path / "cache", recordings.made_set(made))
    assert report.failed == {
        "subject2": "ground_truth.txt is missing",
        "subject3": "RuntimeError: a fault that nobody thought of",
    }
    cache = Cache(tmp_path / "cache")
    assert [found.name for found in cache.entries] == ["subject1"]
    assert cache.failed == report.failed
    assert [path.name for path in (tmp_path / "cache/clips").iterdir()] == ["subject1"]
    with pytest.raises(InputError, match=r"holds no 'subject2': ground_truth\.txt is missing"):
        cache.read("subject2")


def die(say: object) -> Iterator[Clip]:
    os._exit(9)
    yield  # pragma: no cover


def test_processes_give_the_same_bytes_and_one_that_dies_takes_no_other_along(
    whole: Path, tmp_path: Path
) -> None:
    one, two, three, last = four()
    made = [last, replace(two, read_frames=die), replace(three, read_label=gone), one]
    report = build(tmp_path / "cache", recordings.made_set(made), workers=2)
    assert list(report.failed) == ["subject2", "subject3"]
    assert "process was ended" in report.failed["subject2"]
    for name in ("subject1", "subject4"):
        assert contents(tmp_path / "cache/clips" / name) == contents(whole / "clips" / name)


KILLED = """
import sys
from pathlib import Path
import recordings
from pulsephase.video.datasets.cache import build_cache

if __name__ == "__main__":  # a spawned child reads this file again
    made = recordings.made_set([recordings.recording(n, seconds=3.0) for n in range(1, 5)])
    out, workers = Path(sys.argv[1]), int(sys.argv[2])
    build_cache(
        out.parent, dataset=made, out=out, size=8, faces="whole", workers=workers,
        advance=lambda amount: print("one", flush=True),
    )
"""


@pytest.mark.parametrize(("after", "workers"), [(0, 1), (2, 1), (1, 2)])
def test_killed_at_any_time_it_goes_on_and_ends_in_the_same_bytes(
    whole: Path, tmp_path: Path, after: int, workers: int
) -> None:
    """Kill -9 before and between recordings: no process is left, what was whole is kept."""
    script, out = tmp_path / "build.py", tmp_path / "cache"
    script.write_text(KILLED)
    paths = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
    process = subprocess.Popen(
        [sys.executable, str(script), str(out), str(workers)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert process.stdout is not None
    for _ in range(after):
        assert process.stdout.readline() == b"one\n"
    while not (out / "clips").exists() and process.poll() is None:
        time.sleep(0.01)
    children = _children(process.pid)
    if workers > 1 and Path("/proc").is_dir():
        assert len(children) >= workers
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    while any(map(_runs, children)):
        time.sleep(0.05)
    with pytest.raises(InputError, match="not finished"):
        Cache(out)
    report = build(out, recordings.made_set(four()))
    assert sum(fate.kept for fate in report.recordings) >= after
    assert contents(out) == contents(whole)


def _runs(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"  # a zombie has ended


def _children(parent: int) -> list[int]:
    """Return the processes that a process started, where the system tells."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(words[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def test_another_cache_in_the_folder_is_named(whole: Path, tmp_path: Path) -> None:
    made = recordings.made_set(four())
    before = contents(whole)
    for changes in ({"size": 9}, {"sample_hz": 25.0}, {"where": ["light=low"]}):
        key = next(iter(changes))
        with pytest.raises(InputError, match=f"holds another cache .*{key}"):
            build(whole, made, **changes)
    with pytest.raises(InputError, match="dataset 'made', not 'other'"):
        build(whole, recordings.made_set(four(), name="other"))
    assert contents(whole) == before
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        build(tmp_path, made)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_full_disk_is_one_clear_error_and_keeps_what_is_done(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, made, writes = tmp_path / "cache", recordings.made_set(four()), 0
    honest = np.save

    def full(*arguments: object, **settings: object) -> None:
        nonlocal writes
        writes += 1
        if writes > 2:
            raise OSError(28, "No space left on device")
        honest(*arguments, **settings)

    monkeypatch.setattr(entries.np, "save", full)
    with pytest.raises(InputError, match=r"No space left on device; finished recordings are kept"):
        build(out, made)
    assert [path.name for path in (out / "clips").iterdir()] == ["subject1"]
    monkeypatch.undo()
    build(out, made)
    assert contents(out) == contents(whole)


def test_a_limit_of_the_system_in_the_middle_of_the_frames_is_one_clear_error(
    whole: Path, tmp_path: Path
) -> None:
    """The kernel refuses the write itself, part of the way through a file."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    out, made = tmp_path / "cache", recordings.made_set(four())
    out.mkdir()
    resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, before[1]))  # frames take 17 kB
    try:
        with pytest.raises(InputError, match="cannot be written: File too large; finished"):
            build(out, made)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((out / "clips").iterdir()) == []
    build(out, made)
    assert contents(out) == contents(whole)


def unreadable(say: object) -> Iterator[Clip]:
    yield from recordings.patch(1, 1.0, 24, 6.0, 100.0, print)
    raise OSError(5, "Input/output error")


def test_a_disk_that_fails_to_read_is_the_recordings_fault_not_the_caches(tmp_path: Path) -> None:
    one, two, *_ = four()
    made = recordings.made_set([replace(one, read_frames=unreadable), two])
    report = build(tmp_path / "cache", made)
    assert list(report.failed) == ["subject1"]
    assert "subject1 cannot be read" in report.failed["subject1"]
    assert "Input/output error" in report.failed["subject1"]


def test_a_recording_without_a_frame_has_failed(tmp_path: Path) -> None:
    empty = replace(recordings.recording(1), read_frames=lambda say: iter(()))
    report = build(tmp_path / "cache", recordings.made_set([empty]))
    assert report.failed == {"subject1": "subject1 holds no frame; download it again"}
    assert Cache(tmp_path / "cache").entries == ()


def test_a_damaged_cache_is_named(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no cache"):
        Cache(tmp_path)
    out = tmp_path / "cache"
    build(out, recordings.made_set(four()))
    frames = out / "clips/subject1/frames.npy"
    content = bytearray(frames.read_bytes())
    content[-1] ^= 1
    frames.write_bytes(content)
    with pytest.raises(InputError, match="subject1 is not what was written"):
        Cache(out).check()
    frames.write_bytes(content[:200])
    with pytest.raises(InputError, match="subject1 is damaged"):
        Cache(out).read("subject1")
    frames.unlink()
    with pytest.raises(InputError, match=r"lacks frames\.npy"):
        Cache(out)
    request = out / "cache.json"
    request.write_text(json.dumps(json.loads(request.read_text()) | {"format": 99}))
    with pytest.raises(InputError, match="format 99"):
        Cache(out)


def test_conditions_choose_recordings(tmp_path: Path) -> None:
    made = recordings.made_set(four())
    report = build(tmp_path / "cache", made, where=["light=HIGH", "subject!=subject4"])
    assert [fate.name for fate in report.recordings] == ["subject2"]
    with pytest.raises(ParameterError, match="no recording meets"):
        build(tmp_path / "a", made, where=["light=none"])
    with pytest.raises(ParameterError, match="no recording has 'lux'"):
        build(tmp_path / "a", made, where=["lux>=10"])
    with pytest.raises(ParameterError, match="is none; write"):
        build(tmp_path / "a", made, where=["light"])
    with pytest.raises(ParameterError, match="no number"):
        build(tmp_path / "a", made, where=["light>=10"])
    unknown = recordings.made_set([*four(), replace(recordings.recording(9), attributes={})])
    report = build(tmp_path / "b", unknown, where=["light=low"])  # what is unknown is said
    assert [fate.name for fate in report.recordings] == ["subject1", "subject3", "subject9"]
    assert not (tmp_path / "a").exists()


def test_wrong_numbers_are_named(tmp_path: Path) -> None:
    made = recordings.made_set(four())
    for changes in ({"size": 0}, {"sample_hz": -1.0}, {"workers": 0}, {"faces": "none"}):
        with pytest.raises(ParameterError, match=next(iter(changes))):
            build(tmp_path / "cache", made, **changes)


def test_a_label_apart_from_its_video_is_said(tmp_path: Path) -> None:
    one, two, three, _ = four()

    def shifted(recording: Recording, by_s: float, length: int) -> Label:
        label = recording.label()
        return Label(times_s=label.times_s[:length] + by_s, wave=label.wave[:length])

    made = [
        replace(one, read_label=partial(shifted, one, 0.0, 60)),
        replace(two, read_label=partial(shifted, two, 100.0, 60)),
        replace(three, read_frames=nobody),
    ]
    report = build(tmp_path / "cache", recordings.made_set(made[:2]))
    first, second = report.recordings
    assert first.notes == ("the label ends 2.0 s before the video",)
    assert first.pulse_share == pytest.approx(1 / 3, abs=0.02)
    assert second.pulse_share == 0 and "do not overlap" in second.notes[0]
    assert np.isnan(Cache(tmp_path / "cache").read("subject1").pulse[31:]).all()
    report = build(tmp_path / "b", recordings.made_set(made[2:]), faces="track")
    assert report.recordings[0].notes == ("no face in any frame",)
    assert report.recordings[0].face_share == 0


def nobody(say: object) -> Iterator[Clip]:
    yield from recordings.patch(1, 3.0, 64, 0.0, 100.0, print)


def test_names_become_folders_one_to_one() -> None:
    names = ["a b", "a/b", "a%20b", "..", "a%2Fb", "A:b"]
    assert len({folder_of(name) for name in names}) == len(names)
    assert all("/" not in folder_of(name) for name in names)
