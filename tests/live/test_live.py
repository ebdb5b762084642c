"""The command, its view, its record and its window."""

import csv
import io
import json
import math
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import footage
import numpy as np
import pytest
import videos
from rich.console import Console

from pulsephase.cli import main
from pulsephase.errors import MissingExtraError
from pulsephase.live.feed import Arrived, Feed
from pulsephase.live.monitor import Monitor, Reading
from pulsephase.live.session import FaceState, State, watch
from pulsephase.live.sources import Captured
from pulsephase.live.view import line, panel, sparkline, view
from pulsephase.live.window import COLUMNS, check_window, drawn, recorder
from pulsephase.models.phasenet import PhaseNet
from pulsephase.vitals.heart_rate import HeartRate

WALL = footage.wall()
FOUND = HeartRate(bpm=71.96, estimate_bpm=71.96, quality=0.914, reason=None)
DOUBT = HeartRate(bpm=None, estimate_bpm=71.96, quality=0.3, reason="no rhythm stands out")


class Walls:
    """A camera that looks at a wall, then is interrupted, or lost."""

    name, paced = "walls", False

    def __init__(self, count: int, *, then: BaseException | None = None) -> None:
        self.count, self.then = count, then

    def frames(self) -> Iterator[Captured]:
        for n in range(self.count):
            yield Captured(WALL, n / 30)
        if self.then is not None:
            raise self.then


@pytest.fixture(scope="module")
def net() -> PhaseNet:
    return PhaseNet.from_pretrained("tiny")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red face that blushes at 78 bpm, 9 s."""
    scene = footage.paint(WALL, 100, 60, 110).astype(np.float64)
    inside = np.zeros(scene.shape[:2], bool)
    inside[60:170, 100:210] = True
    frames = []
    for n in range(270):
        frame = scene.copy()
        frame[inside] *= 1 - np.array([0.01, 0.03, 0.015]) * math.sin(2 * math.pi * 1.3 * n / 30)
        frames.append(frame.round().astype(np.uint8))
    path = tmp_path_factory.mktemp("live") / "red.mp4"
    return videos.write(path, frames, np.arange(270) / 30)


@pytest.fixture(autouse=True)
def red_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cascade finds no face in these paintings."""
    monkeypatch.setattr("pulsephase.video.faces.HaarFrontal", footage.RedFaces)
    monkeypatch.setattr("pulsephase.video.several.HaarFrontal", footage.RedFaces)


def state(*, faces: dict[int, FaceState], seen: int = 1) -> State:
    return State(
        source="camera 0",
        network_s=0.5,
        rate_s=5.0,
        frames=300,
        dropped=7,
        time_s=10.0,
        frame_hz=29.96,
        processing_s=0.012,
        faces_seen=seen,
        faces=faces,
    )


def face(rate: HeartRate, *, box: tuple[float, float, float, float] | None) -> FaceState:
    reading = Reading(face=1, time_s=9.5, pulse=0.1, box=box, rate=rate, fresh=True)
    return FaceState(reading=reading, wave=deque([math.sin(n / 5) for n in range(300)]))


def test_the_command_says_what_measure_says(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    code = main(["live", str(video), "--no-realtime", "--json", "--record", str(table)])
    said = capsys.readouterr()
    live = json.loads(said.out)
    assert main(["measure", str(video), "--json"]) == code
    filed = json.loads(capsys.readouterr().out)
    assert live["frames"] == 270
    assert live["dropped"] == 0
    assert live["latency_s"]["network"] == 0.5
    assert live["latency_s"]["rate"] == 5.0
    assert 0 < live["latency_s"]["processing"] < 60
    assert live["faces"] == [{"face": 1, **filed}]
    assert filed["windows"][0]["heart_rate_bpm"] is not None or filed["reason"]
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 270
    assert rows[0]["pulse"] == ""
    assert float(rows[-1]["time_s"]) == pytest.approx(269 / 30 - 0.5)
    assert float(rows[-1]["box_width"]) == pytest.approx(110, abs=20)
    assert np.isfinite([float(row["pulse"]) for row in rows[60:]]).all()
    lines = [text for text in said.err.splitlines() if "frames/s" in text]
    assert len(lines) == 9  # each second, without a terminal


def test_in_real_time_it_takes_its_time_and_ends_alike(
    video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A busy machine may drop many of the 31 frames of the first second, but it says so."""
    start_s = time.monotonic()
    main(["live", str(video), "--json", "--seconds", "1.0"])
    assert time.monotonic() - start_s > 1.0
    live = json.loads(capsys.readouterr().out)
    assert 1 <= live["frames"] <= 31
    assert live["frames"] + live["dropped"] >= 31
    assert live["faces"] == []


def test_every_face_from_the_command(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["live", str(video), "--no-realtime", "--all"])
    assert f"{video}: face 1: " in capsys.readouterr().out


def test_an_interrupt_is_the_usual_end(net: PhaseNet, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    with recorder(table) as record:
        feed = Feed(Walls(40, then=KeyboardInterrupt()), realtime=False)
        end = watch(feed, Monitor(net), record=record.add)
    assert end.frames == 40
    assert len(table.read_text().splitlines()) == 41


def test_a_failure_leaves_no_half_table(net: PhaseNet, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("older\n")
    feed = Feed(Walls(40, then=RuntimeError("broken")), realtime=False)
    with pytest.raises(RuntimeError, match="broken"), recorder(table) as record:
        watch(feed, Monitor(net), record=record.add)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert table.read_text() == "older\n"


def test_who_looks_at_the_picture_may_end_it(net: PhaseNet) -> None:
    end = watch(
        Feed(Walls(40), realtime=False),
        Monitor(net),
        picture=lambda frame, now: frame.time_s < 0.5,
    )
    assert end.frames == 16
    assert end.faces[1].reading.box is None


def test_a_face_that_has_gone_is_not_shown(net: PhaseNet) -> None:
    class Visit:
        name, paced = "visit", False

        def frames(self) -> Iterator[Captured]:
            for n in range(90):
                yield Captured(footage.paint(WALL, 100, 60, 110) if n < 30 else WALL, n / 30)

    from pulsephase.video.several import SeveralFaces

    shown: list[set[int]] = []
    monitor = Monitor(net, faces=SeveralFaces(footage.RedFaces()))
    feed = Feed(Visit(), realtime=False)
    watch(feed, monitor, show=lambda now: shown.append(set(now.faces)))
    assert shown[10] == {1}
    assert shown[-1] == set()
    assert monitor.results("visit") == {}  # too short a visit


def test_one_line_says_rate_quality_speed_drops_and_latency() -> None:
    said = line(state(faces={1: face(FOUND, box=(10, 10, 50, 50))}))
    assert said == (
        "10.0 s, 30.0 frames/s, 7 dropped; the wave is 0.51 s late, the rate 5.5 s; "
        "face 1: 72.0 bpm (quality 0.91)"
    )
    doubt = line(state(faces={1: face(DOUBT, box=(10, 10, 50, 50))}))
    assert doubt.endswith("face 1: no heart rate: no rhythm stands out; best guess 72 bpm")
    assert line(state(faces={1: face(DOUBT, box=None)})).endswith("face 1: no face")
    assert line(state(faces={}, seen=0)).endswith("; no face")
    several = line(state(faces={1: face(FOUND, box=(10, 10, 50, 50))}, seen=3))
    assert several.endswith("3 faces are in view, one is measured; --all measures each")


def test_a_terminal_shows_the_wave() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(panel(state(faces={1: face(FOUND, box=(10, 10, 50, 50))}, seen=2)))
    text = console.export_text()
    for part in (
        "camera 0",
        "72.0 bpm",
        "30.0 frames/s",
        "7 dropped",
        "█",
        "▁",
        "2 faces are in view",
    ):
        assert part in text, part


def test_a_terminal_is_refreshed_four_times_a_second() -> None:
    screen = io.StringIO()
    console = Console(force_terminal=True, width=80, file=screen)
    with view(console) as show:
        for n in range(30):
            now = state(faces={})
            now.time_s = n / 30
            show(now)
    assert 4 <= screen.getvalue().count("camera 0") <= 6


def test_sparklines_of_gaps_flats_and_nothing() -> None:
    assert sparkline([]) == ""
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([math.nan, 1.0, math.nan, 0.0]) == " █ ▁"
    assert len(sparkline(list(np.sin(np.arange(300) / 9)))) <= 72


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.mp4", "--camera", "0"], "both a.mp4 and --camera 0"),
        (["--no-realtime"], "--no-realtime is for a VIDEO"),
        (["nothing.mp4", "--record", "a.txt"], "--record is 'a.txt'"),
        (["nothing.mp4", "--record", "nowhere/a.csv"], "there is no folder nowhere"),
        (["nothing.mp4"], "nothing.mp4"),
        (["--camera", "-1"], "camera is -1"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", *arguments]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert message in said[-1]
    assert said[-1].startswith("pulsephase: ")


def test_a_window_needs_an_opencv_that_has_them_and_a_display() -> None:
    headless, full = "  GUI:                           NONE\n", "  GUI:  QT5\n    QT: YES\n"
    with pytest.raises(MissingExtraError, match="pip install"):
        check_window(headless)
    with pytest.raises(MissingExtraError, match="DISPLAY"):
        check_window(full, platform="linux", environment={})
    check_window(full, platform="linux", environment={"DISPLAY": ":0"})
    check_window(full, platform="darwin", environment={})


def test_the_box_is_drawn_on_the_picture() -> None:
    frame = Arrived(WALL, 1.0, 0.0)
    faces = {
        1: face(FOUND, box=(100.0, 80.0, 60.0, 60.0)),
        2: face(FOUND, box=None),
    }
    image = drawn(frame, state(faces=faces))
    assert image.shape == WALL.shape
    changed = (image != WALL[..., ::-1]).any(-1)
    assert changed[80, 100:160].all()
    assert changed[80:140, 100].all()
    assert not changed[90:130, 110:150].any()
