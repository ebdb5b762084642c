"""Frames and times of a file and of a camera; a camera that goes away and comes back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import videos

from pulsephase.errors import InputError, ParameterError
from pulsephase.live.sources import PATIENCE_S, CameraSource, Captured, FileSource
from pulsephase.video.read import read_clips


class Machine:
    """A clock, and cameras that follow a script: each opens or not, gives frames, then fails."""

    def __init__(self, script: list[int | None], *, step_s: float = 1 / 30) -> None:
        self.script, self.step_s, self.now_s = script, step_s, 100.0
        self.released = 0

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def opened(self, number: int) -> "Camera":
        return Camera(self, self.script.pop(0) if self.script else None)


class Camera:
    def __init__(self, machine: Machine, frames: int | None) -> None:
        self.machine, self.frames = machine, frames

    def isOpened(self) -> bool:
        return self.frames is not None

    def read(self) -> tuple[bool, np.ndarray | None]:
        assert self.frames is not None
        if self.frames == 0:
            return False, None
        self.frames -= 1
        self.machine.now_s += self.machine.step_s
        return True, np.full((4, 6, 3), (10, 20, 30), np.uint8)  # blue, green, red

    def release(self) -> None:
        self.machine.released += 1


def frames_of(machine: Machine, said: list[str] | None = None) -> list[Captured]:
    say: Callable[[str], None] = print if said is None else said.append
    source = CameraSource(
        0, say=say, opened=machine.opened, clock=machine.clock, sleep=machine.sleep
    )
    return list(source.frames())


def test_a_file_gives_its_frames_at_its_times(tmp_path: Path) -> None:
    times = [0.0, 0.05, 0.08, 0.2, 0.21]
    path = videos.write(tmp_path / "a.mkv", videos.noise(5), times)
    found = list(FileSource(path).frames())
    (clip,) = read_clips(path)
    assert [each.time_s for each in found] == clip.times_s.tolist()
    for each, frame in zip(found, clip.frames, strict=True):
        np.testing.assert_array_equal(each.image, frame.permute(1, 2, 0).numpy())
        assert each.image.flags["C_CONTIGUOUS"]


def test_a_camera_gives_rgb_with_times_from_its_first_frame() -> None:
    found = frames_of(Machine([4]), said=[])
    assert [each.time_s for each in found] == pytest.approx([0, 1 / 30, 2 / 30, 3 / 30])
    assert found[0].image[0, 0].tolist() == [30, 20, 10]


def test_a_camera_that_is_lost_is_found_again_and_times_go_on() -> None:
    said: list[str] = []
    machine = Machine([3, None, None, 2])
    found = frames_of(machine, said)
    times = [each.time_s for each in found]
    assert len(times) == 5
    assert times[3] - times[2] == pytest.approx(1.5 + 1 / 30)
    assert said[0] == f"camera 0 was lost; looking for it for {PATIENCE_S:g} s"
    assert said[1] == "camera 0 is back after 1.5 s"
    assert said[-1] == "camera 0 did not come back"
    assert machine.released >= 2 + 2  # every camera that was opened, and those that were not there


def test_a_camera_that_freezes_the_clock_repeats_no_time() -> None:
    found = frames_of(Machine([5], step_s=0.0), said=[])
    assert [each.time_s for each in found] == [0.0]


def test_no_camera_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(InputError, match=r"camera 0 cannot be opened: .* --camera"):
        frames_of(Machine([None]))
    with pytest.raises(ParameterError, match="camera is -1"):
        CameraSource(-1)
