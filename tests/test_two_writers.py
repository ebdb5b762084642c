"""Two processes on one folder: the second is told who writes there, and harms nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import recordings

from pulsephase import files
from pulsephase.errors import InputError
from pulsephase.files import HERE, locked, sweep, whole_file
from pulsephase.video.datasets.cache import Cache, build_cache

HOLD = """
import sys, time
from pathlib import Path
from pulsephase.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def held(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    call = [sys.executable, "-c", HOLD, str(folder), str(seconds)]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_holds_it_and_goes_on_when_that_is_gone(tmp_path: Path) -> None:
    """It exited with "No such file or directory": the first had removed its temporary folders."""
    out = tmp_path / "cache"
    out.mkdir()
    made = recordings.made_set([recordings.recording(1, seconds=2.0)])

    def build() -> None:
        build_cache(tmp_path, dataset=made, out=out, size=8, faces="whole")

    process = held(out, 600)
    with pytest.raises(InputError, match=f"is in use by process {process.pid} on .* since 20"):
        build()
    assert not (out / "cache.json").exists()
    process.kill()  # a lock ends with its process, however that ends
    process.communicate()
    assert (out / files.OWNER).exists()
    build()
    assert len(Cache(out).entries) == 1
    assert not (out / files.OWNER).exists()


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            assert (tmp_path / files.OWNER).exists()
        assert not (tmp_path / files.OWNER).exists()


def test_what_a_dead_process_left_is_swept_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    dead = int(done.stdout)
    stale = tmp_path / f".checkpoint-{HERE}-{dead}-abc.pt"
    others = [
        tmp_path / f".checkpoint-{HERE}-{os.getpid()}-abc.pt",
        tmp_path / f".checkpoint-00000000-{dead}-abc.pt",  # of another machine
        tmp_path / ".checkpoint-mine.pt",
        tmp_path / "checkpoint.pt",
    ]
    for path in (stale, *others):
        path.touch()
    monkeypatch.setattr(files, "_swept", set())
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_a_temporary_name_tells_its_owner(tmp_path: Path) -> None:
    with whole_file(tmp_path / "weights.safetensors") as temporary:
        assert temporary.name.startswith(f".weights-{HERE}-{os.getpid()}-")
        assert temporary.suffix == ".safetensors"
    with whole_file(tmp_path / ("x" * 240 + ".csv")) as temporary:
        temporary.write_text("a")
