"""Whatever a clock says, work follows the frames; what is assumed of time is said."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import videos
from av.stream import Disposition
from numpy.typing import NDArray

from pulsephase.checks import FURTHEST_S
from pulsephase.errors import ParameterError
from pulsephase.video.clip import Clip
from pulsephase.video.pipeline import WholeFrame, face_clips
from pulsephase.video.read import probe, read_clips
from pulsephase.video.streams import slowed_by
from pulsephase.video.times import Cadence, Clock

DAY_S = 86_400.0
NOISE = videos.noise(60, height=48, width=64)


def read(path: Path, **options: float) -> tuple[NDArray[np.float64], list[str]]:
    said: list[str] = []
    clips = list(read_clips(path, say=said.append, **options))
    return torch.cat([clip.times_s for clip in clips]).numpy(), said


def encoded(
    path: Path,
    codec: str,
    *,
    rate: int = 30,
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: str | None = None,
) -> Path:
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for number, image in enumerate(NOISE):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def crops_at(times_s: Iterable[float]) -> list[Clip]:
    times = torch.tensor(list(times_s), dtype=torch.float64)
    clip = Clip(frames=torch.zeros((len(times), 3, 8, 8), dtype=torch.uint8), times_s=times)
    return list(face_clips([clip], faces=WholeFrame(), size=4, sample_hz=30.0))


@pytest.mark.parametrize("jump_s", [47_722.0, DAY_S, 1.7e9])
def test_a_jump_costs_no_more_than_five_seconds(jump_s: float) -> None:
    """A day was 2.6 million samples, wall-clock time since 1970 never ended."""
    times = np.arange(210) / 30 + np.where(np.arange(210) >= 150, jump_s, 0.0)
    found = crops_at(times)
    at_s = torch.cat([clip.times_s for clip in found]).numpy()
    assert len(at_s) <= 210 + 5 * 30 + 1
    assert at_s[-1] == pytest.approx(times[-1], abs=1 / 30 + 1e-6)
    boxes = torch.cat([clip.boxes for clip in found if clip.boxes is not None])
    assert boxes.isnan().any(1).sum() == 150


def test_pauses_without_end_cost_no_more_than_the_frames() -> None:
    """A row of times in ms: every frame is 33 s after the one before."""
    found = crops_at(np.arange(400) * 33.3)
    assert sum(map(len, found)) <= 2 * 400 + 5 * 30


@pytest.mark.parametrize("wild", [float("nan"), float("inf"), -float("inf"), 1e300, -1e18])
def test_a_time_that_is_none_counts_as_missing(wild: float) -> None:
    clock = Clock(step_s=0.1)
    placed = [clock.place(each) for each in (0.0, 0.1, wild, 0.3)]
    np.testing.assert_allclose(np.array(placed, dtype=float), [0.0, 0.1, 0.2, 0.3])
    assert clock.missing == 1
    assert FURTHEST_S < 1e11


def test_a_jump_is_said_with_its_size_and_place() -> None:
    clock = Clock(step_s=1 / 30)
    for number in range(210):
        clock.place(number / 30 + (DAY_S if number > 150 else 0.0))
    assert clock.report() == [
        "the video's clock jumps by 86,400.0 s at 5.0 s; what comes after is used, the pause is "
        "left out"
    ]


def test_footage_lasts_as_long_as_its_frames_come() -> None:
    cadence = Cadence(pause_s=1.0)
    for number in range(210):
        cadence.push(number / 30 + (DAY_S if number >= 150 else 0.0))
    assert cadence.seconds == pytest.approx(7.0, abs=0.05)
    assert cadence.duration_s == pytest.approx(DAY_S + 7, abs=0.05)


def test_a_file_whose_clock_jumps_by_a_day_is_read(tmp_path: Path) -> None:
    times = np.arange(60) / 30 + np.where(np.arange(60) >= 30, DAY_S, 0.0)
    at_s, said = read(videos.write(tmp_path / "a.mkv", NOISE, times))
    assert len(at_s) == 60 and at_s[-1] == pytest.approx(times[-1], abs=2e-3)
    assert any("clock jumps by 86,400.0 s at 1.0 s" in line for line in said)


def test_a_stream_without_a_clock_says_what_is_assumed(tmp_path: Path) -> None:
    """MJPEG carries no rate: 25 is FFmpeg's assumption, and 68.2 bpm at 30 become 56.7."""
    path = encoded(tmp_path / "a.mjpeg", "mjpeg", pixels="yuvj420p")
    at_s, said = read(path)
    assert at_s[-1] == pytest.approx(59 / 25)
    assert probe(path).assumed_hz == 25.0
    assert any("25 frames a second are assumed" in line and "--fps" in line for line in said)
    given_s, said = read(path, fps=30.0)
    assert given_s[-1] == pytest.approx(59 / 30)
    assert said == [f"{path} is read at 30 frames a second, as given; its own times are not used"]


def test_a_raw_stream_that_knows_its_rate_is_believed(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.h264", "libx264")
    at_s, said = read(path)
    assert at_s[-1] == pytest.approx(59 / 30)
    assert probe(path).assumed_hz is None
    assert not any("assumed" in line for line in said)


@pytest.mark.parametrize("fps", [0.0, -1.0, 1e9, float("nan")])
def test_a_rate_that_no_camera_has_is_refused(tmp_path: Path, fps: float) -> None:
    path = videos.write(tmp_path / "a.mp4", NOISE, np.arange(60) / 30)
    with pytest.raises(ParameterError, match="fps is"):
        read(path, fps=fps)


def test_an_avi_with_frames_out_of_order_keeps_them_all(tmp_path: Path) -> None:
    """AVI numbers packets as they are decoded; half of the frames were dropped for it."""
    path = encoded(tmp_path / "a.avi", "libx264", options={"bf": "3", "crf": "20"})
    at_s, said = read(path)
    np.testing.assert_allclose(at_s, np.arange(60) / 30, atol=1e-9)
    assert said == []


def test_a_file_that_starts_late_is_whole(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mkv", NOISE, 1234 + np.arange(60) / 30)
    assert read(path)[1] == []


def test_a_file_that_was_trimmed_without_encoding_is_whole(tmp_path: Path) -> None:
    """An edit list leaves out the first second; the header still counts all 60 frames."""
    whole = videos.write(tmp_path / "whole.mp4", NOISE, np.arange(60) / 30)
    path = tmp_path / "trimmed.mp4"
    with (
        av.open(str(whole)) as source,
        av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.pts is not None and packet.dts is not None and packet.time_base:
                packet.pts -= round(1 / packet.time_base)
                packet.dts -= round(1 / packet.time_base)
                packet.stream = stream
                out.mux(packet)
    at_s, said = read(path)
    assert len(at_s) < 60
    assert said == []


def test_slow_motion_is_told_by_its_tag(tmp_path: Path) -> None:
    """Android: recorded at 120, plays at 30; a pulse of 173 bpm looked like 43."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as file:
        file.metadata["com.android.capture.fps"] = "120.000000"
        stream = file.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for image in NOISE:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode(None))
    at_s, said = read(path)
    np.testing.assert_allclose(at_s, np.arange(60) / 120, atol=1e-4)
    assert any("slow motion: it plays 4 times slower" in line for line in said)
    with av.open(str(videos.write(tmp_path / "b.mp4", NOISE, np.arange(60) / 30))) as file:
        assert slowed_by(file, file.streams.video[0]) == 1.0


def two_streams(path: Path, *, default: int, thumbnails: bool = False) -> Path:
    """Two streams: the first bright, the second dark; the first may be a picture a second."""
    times = [np.arange(3.0) if thumbnails else np.arange(60) / 30, np.arange(60) / 30]
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("libx264", rate=1 if len(each) == 3 else 30) for each in times]
        for number, stream in enumerate(streams):
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.time_base = videos.TIME_BASE
            stream.disposition = Disposition.default if number == default else Disposition(0)
        for stream, level, at_s in zip(streams, (200, 40), times, strict=True):
            for time_s in at_s:
                image = np.full((48, 64, 3), level, np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = round(time_s / videos.TIME_BASE), videos.TIME_BASE
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("default", "thumbnails", "level"), [(0, False, 200), (1, False, 40)])
def test_the_stream_is_the_one_that_a_player_shows(
    tmp_path: Path, default: int, thumbnails: bool, level: int
) -> None:
    path = two_streams(tmp_path / "a.mkv", default=default, thumbnails=thumbnails)
    said: list[str] = []
    clips = list(read_clips(path, say=said.append))
    assert abs(float(clips[0].frames.float().mean()) - level) < 20
    assert any("has 2 video streams" in line for line in said)


def test_a_track_of_thumbnails_is_not_the_video(tmp_path: Path) -> None:
    path = two_streams(tmp_path / "a.mkv", default=0, thumbnails=True)
    clips = list(read_clips(path))
    assert abs(float(clips[0].frames.float().mean()) - 40) < 20
    assert sum(map(len, clips)) == 60
