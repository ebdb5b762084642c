"""Whatever FFmpeg reads, with its true times; and one clear line for what it cannot."""

import logging
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import videos
from av.stream import Disposition
from numpy.typing import NDArray

from pulsephase.errors import InputError, ParameterError
from pulsephase.video.clip import Clip
from pulsephase.video.decode import frame_times
from pulsephase.video.read import probe, read_clips, require_duration


def ramps(count: int, height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """Frames whose corners differ and whose brightness tells their number."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames += np.arange(count, dtype=np.uint8)[:, None, None, None]
    frames[:, : height // 2, : width // 2, 0] += 100
    frames[:, : height // 2, width // 2 :, 1] += 100
    frames[:, height // 2 :, : width // 2, 2] += 100
    return frames


def read(path: Path, **options: int) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    said: list[str] = []
    clips = list(read_clips(path, say=said.append, **options))
    frames = torch.cat([clip.frames for clip in clips])
    return frames, torch.cat([clip.times_s for clip in clips]), said


def pictures(frames: torch.Tensor) -> NDArray[np.int64]:
    return frames.permute(0, 2, 3, 1).numpy().astype(np.int64)


@pytest.mark.parametrize("sample_hz", [8.0, 30000 / 1001, 60.0])
def test_frames_and_times_are_those_that_were_written(tmp_path: Path, sample_hz: float) -> None:
    images = ramps(40)
    path = videos.write(tmp_path / "a.mp4", images, [5 + n / sample_hz for n in range(40)])
    frames, times_s, said = read(path)
    assert said == []
    assert frames.dtype == torch.uint8
    np.testing.assert_allclose(times_s, np.arange(40) / sample_hz, atol=1.2e-5)  # 90 kHz ticks
    assert np.abs(pictures(frames) - images).mean() < 4  # a lossy codec
    footage = probe(path)
    assert (footage.width, footage.height, footage.frames) == (96, 64, 40)
    assert footage.sample_hz == pytest.approx(sample_hz, rel=0.03)
    assert footage.duration_s == pytest.approx(40 / sample_hz, rel=0.03)
    assert footage.rotation_deg == 0
    np.testing.assert_allclose(frame_times(path), times_s, atol=1e-9)


def test_a_variable_rate_is_kept(tmp_path: Path) -> None:
    steps = np.random.default_rng(0).uniform(0.01, 0.2, 59)
    times = np.concatenate([[0], steps.cumsum()])
    path = videos.write(tmp_path / "a.mp4", videos.noise(60), times)
    np.testing.assert_allclose(read(path)[1], times, atol=1.2e-5)


def test_matroska_times_are_whole_milliseconds(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mkv", videos.noise(30), np.arange(30) / 30)
    np.testing.assert_allclose(read(path)[1], np.round(np.arange(30) / 30, 3), atol=1e-9)


def test_odd_sizes_come_whole(tmp_path: Path) -> None:
    images = ramps(5, 37, 53)
    path = write_rgb(tmp_path / "a.mkv", images)
    np.testing.assert_array_equal(pictures(read(path)[0]), images)


def write_rgb(
    path: Path, images: NDArray[np.uint8], *, matrix: tuple[int, ...] | None = None
) -> Path:
    """Write without loss, at 25 Hz, with a display matrix."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1" if path.suffix == ".mkv" else "libx264rgb", rate=25)
        stream.width, stream.height = images.shape[2], images.shape[1]
        stream.pix_fmt = "bgr0" if path.suffix == ".mkv" else "rgb24"
        if path.suffix != ".mkv":
            stream.options = {"qp": "0"}
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


ONE = 1 << 16


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_phone_held_upright_is_shown_upright(tmp_path: Path, turn: int) -> None:
    a, b = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    matrix = (a * ONE, b * ONE, 0, -b * ONE, a * ONE, 0, 0, 0, 1 << 30)
    images = ramps(4, 64, 96)
    path = write_rgb(tmp_path / "a.mp4", images, matrix=matrix)
    footage = probe(path)
    assert footage.rotation_deg == turn
    assert (footage.width, footage.height) == ((96, 64) if turn % 180 == 0 else (64, 96))
    expected = np.rot90(images, -turn // 90, axes=(1, 2))
    np.testing.assert_array_equal(pictures(read(path)[0]), expected)


def test_a_grey_video_has_three_equal_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    grey = np.random.default_rng(0).integers(16, 236, (4, 48, 64)).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
        for image in grey:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="gray")))
        container.mux(stream.encode(None))
    frames = read(path)[0]
    assert torch.equal(frames[:, 0], frames[:, 1])
    assert torch.equal(frames[:, 0], frames[:, 2])
    correlation = np.corrcoef(frames[:, 0].numpy().ravel(), grey.ravel())[0, 1]
    assert correlation > 0.999


@pytest.mark.parametrize("chunk_bytes", [1, 3 * 64 * 96 * 7, 10**9])
def test_chunks_are_bounded_and_change_nothing(tmp_path: Path, chunk_bytes: int) -> None:
    path = videos.write(tmp_path / "a.mp4", ramps(40), np.arange(40) / 30)
    whole = read(path)
    clips: list[Clip] = list(read_clips(path, chunk_bytes=chunk_bytes))
    assert torch.equal(torch.cat([clip.frames for clip in clips]), whole[0])
    assert torch.equal(torch.cat([clip.times_s for clip in clips]), whole[1])
    most = max(1, chunk_bytes // (3 * 64 * 96))
    assert max(len(clip) for clip in clips[1:] or clips) <= max(most, 1)
    assert all(clip.source == str(path) for clip in clips)


def test_4k_comes_in_clips_of_few_frames(tmp_path: Path) -> None:
    images = [np.full((2160, 3840, 3), 50 * n, np.uint8) for n in range(3)]
    path = videos.write(
        tmp_path / "a.mp4", images, np.arange(3) / 5, options={"preset": "ultrafast"}
    )
    sizes = [clip.frames.shape for clip in read_clips(path)]
    assert sizes == [(2, 3, 2160, 3840), (1, 3, 2160, 3840)]


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "http:video%03d.mp4"
    videos.write(tmp_path / "a.mp4", ramps(4), np.arange(4) / 30)
    (tmp_path / "a.mp4").rename(path)
    assert len(read(path)[0]) == 4


def test_what_is_no_video_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video\n" * 100)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:9,\nhttp://localhost:9/a.ts\n")
    write_sound(tmp_path / "sound.wav")
    for name, reason in [
        ("missing.mp4", "does not exist"),
        ("text.mp4", "cannot be read as a video"),
        ("empty.mp4", "is empty"),
        ("list.m3u8", "cannot be read as a video"),
        ("sound.wav", "has no video stream"),
        (".", "is a folder"),
    ]:
        for reader in (probe, lambda path: next(read_clips(path))):
            with pytest.raises(InputError, match=reason) as caught:
                reader(tmp_path / name)
            assert "\n" not in str(caught.value)


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=8000)
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "rgb24"
        cover.disposition = Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = 8000
        image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(image))
        container.mux(cover.encode(None))
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    with pytest.raises(InputError, match="has no video stream"):
        probe(path)


def test_one_frame_and_none_are_refused(tmp_path: Path) -> None:
    single = videos.write(tmp_path / "single.mp4", ramps(1), [0.0])
    whole = videos.write(tmp_path / "whole.mkv", videos.noise(30), np.arange(30) / 30)
    headless = tmp_path / "none.mkv"
    data = whole.read_bytes()
    headless.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75")])  # up to the first cluster
    for reader in (probe, lambda path: list(read_clips(path))):
        with pytest.raises(InputError, match="holds one frame only"):
            reader(single)
        with pytest.raises(InputError, match=r"no frame that can be decoded|cannot be read"):
            reader(headless)


def test_a_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        image = np.zeros((48, 64, 3), np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="holds one frame only"):
        probe(path)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_file_that_breaks_off_is_used_up_to_there_and_said(tmp_path: Path, suffix: str) -> None:
    images = videos.noise(90)
    path = tmp_path / f"a{suffix}"
    if suffix == ".mp4":  # its index in front, as for the web
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=30, options={"crf": "20", "g": "10"})
            stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
            for image in images:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
    else:
        videos.write(path, images, np.arange(90) / 30)
    whole, times, _ = read(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    frames, times_s, said = read(path)
    assert 20 < len(frames) < 80
    assert torch.equal(frames[:20], whole[:20])
    assert torch.equal(times_s, times[: len(times_s)])
    assert any("ends" in line or "breaks off" in line for line in said)


def test_an_index_that_is_cut_away_leaves_no_video(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", videos.noise(60), np.arange(60) / 30)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="cannot be read as a video"):
        probe(path)


def test_broken_bytes_in_the_middle_are_survived(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", videos.noise(90), np.arange(90) / 30)
    data = bytearray(path.read_bytes())
    start = len(data) // 2
    data[start : start + 3000] = bytes(3000)
    path.write_bytes(data)
    frames, times_s, _ = read(path)
    assert len(frames) > 40
    assert (times_s.diff() > 0).all()
    assert times_s[-1] > 2.5


def test_a_raw_stream_without_times_follows_its_rate_and_says_so(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.h264", videos.noise(30), np.arange(30) / 30)
    frames, times_s, said = read(path)
    assert len(frames) == 30
    steps = times_s.diff()
    torch.testing.assert_close(steps, steps[:1].expand_as(steps))
    assert steps[0] > 0
    assert any("carry no time" in line for line in said)


def test_a_size_that_changes_is_brought_to_the_first(tmp_path: Path) -> None:
    small, large = tmp_path / "s.h264", tmp_path / "l.h264"
    videos.write(small, ramps(10, 64, 96), np.arange(10) / 30)
    videos.write(large, ramps(10, 128, 192), np.arange(10) / 30)
    with (tmp_path / "a.h264").open("wb") as out:
        for part in (small, large):
            with part.open("rb") as file:
                shutil.copyfileobj(file, out)
    frames, _, said = read(tmp_path / "a.h264")
    assert frames.shape == (20, 3, 64, 96)
    assert any("10 frames of another size" in line for line in said)
    assert np.abs(pictures(frames[10:]) - pictures(frames[:10])).mean() < 4


def test_what_is_odd_goes_to_the_log_by_default(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = videos.write(tmp_path / "a.h264", videos.noise(30), np.arange(30) / 30)
    with caplog.at_level(logging.WARNING):
        list(read_clips(path))
    assert "carry no time" in caplog.text


def test_sound_beside_the_video_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=8000)
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "bgr0"
        for n, image in enumerate(ramps(25)):
            noise = av.AudioFrame.from_ndarray(np.zeros((1, 320), np.int16), layout="mono")
            noise.rate, noise.pts, noise.time_base = 8000, 320 * n, Fraction(1, 8000)
            container.mux(sound.encode(noise))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    np.testing.assert_array_equal(pictures(read(path)[0]), ramps(25))


def test_the_least_duration_counts_to_the_end_of_the_last_frame() -> None:
    assert require_duration("a", frames=150, seconds=5.0) == 5.0
    assert require_duration("a", frames=150, seconds=150 / 30.05) < 5  # half a frame is forgiven
    for frames in (1, 149):
        with pytest.raises(InputError, match="at least 5 s are needed"):
            require_duration("a", frames=frames, seconds=frames / 30)


def test_a_chunk_needs_room(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="chunk_bytes is 0"):
        next(read_clips(tmp_path / "a.mp4", chunk_bytes=0))
