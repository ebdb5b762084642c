"""From file to heart rate on synthetic video: time, loss of the face, odd formats, causality."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
import videos

from pulsephase.cli import main
from pulsephase.measurement.measure import Measurement, measure, read_out, write_samples
from pulsephase.measurement.observation import observe
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream
from pulsephase.synthetic.config import FaceRanges, PulseRanges, SynthConfig
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render
from pulsephase.synthetic.scene import render_scene
from pulsephase.synthetic.write import pixels_of
from pulsephase.video.clip import Clip
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import FixedBox, WholeFrame, face_clips

BPM = 66.0


def steady(seconds: float) -> SynthConfig:
    """A clear pulse of constant rate on a calm face."""
    return replace(
        preset("easy", seconds=seconds),
        pulse=PulseRanges(
            heart_rate_bpm=(BPM, BPM),
            respiratory_depth=(0.0, 0.0),
            mayer_depth=(0.0, 0.0),
            drift=0.0,
            amplitude=(0.015, 0.015),
        ),
        face=FaceRanges(fill=(0.85, 0.9)),
    )


@pytest.fixture(scope="module")
def net() -> PhaseNet:
    return PhaseNet.from_pretrained("tiny")


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """A face that fills the frame, 24 s at 30 Hz, 72 px, as 8-bit images."""
    return np.stack(list(pixels_of(render(8, replace(steady(24.0), size=72)))))


@pytest.fixture(scope="module")
def scene() -> Clip:
    return render_scene(4, steady(13.0), width=320, height=240)


def error_bpm(result: Measurement, truth: float) -> float:
    """Return the error of the rate, of the best guess where a classical method gives none."""
    rate = result.rate
    bpm = rate.bpm if result.method == "phasenet" else rate.estimate_bpm
    assert bpm is not None, rate.reason
    return abs(bpm - truth)


@pytest.mark.parametrize("method", ["phasenet", "pos", "chrom"])
@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25, 1.6, 2.0])
def test_retimed_video_gives_the_retimed_rate(
    crops: np.ndarray, method: str, speed: float, tmp_path: Path
) -> None:
    times = np.arange(len(crops)) / (30 * speed)
    path = videos.write(tmp_path / "a.mp4", crops, times)
    result = measure(path, method=method, faces=WholeFrame())
    assert error_bpm(result, BPM * speed) < (1.0 if method == "phasenet" else 1.2)
    assert result.observation.source_hz == pytest.approx(30 * speed, rel=1e-3)


@pytest.mark.parametrize("rate", [12.0, 15.0, 24.0, 29.97, 60.0, 120.0])
def test_other_frame_rates(crops: np.ndarray, rate: float, tmp_path: Path) -> None:
    """Frames are taken from a 30 Hz clip at the nearest earlier time, as another camera would."""
    times = np.arange(int((20 if rate < 100 else 12) * rate)) / rate
    path = videos.write(tmp_path / "a.mp4", crops[(times * 30 + 1e-6).astype(int)], times)
    assert error_bpm(measure(path, method="pos", faces=WholeFrame()), BPM) < 1
    assert error_bpm(measure(path, faces=WholeFrame()), BPM) < 1


def test_variable_frame_rate(crops: np.ndarray, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    kept = np.sort(generator.choice(600, 480, replace=False))
    path = videos.write(tmp_path / "a.mkv", crops[kept], kept / 30)
    assert error_bpm(measure(path, faces=WholeFrame()), BPM) < 1


def test_eight_frames_a_second_at_4k(scene: Clip, tmp_path: Path) -> None:
    every = list(pixels_of(scene))[:: 30 // 8][:64]
    large = (cv2.resize(frame, (3840, 2160)) for frame in every)
    path = videos.write(
        tmp_path / "a.mp4", large, np.arange(64) / 10, options={"preset": "ultrafast", "crf": "10"}
    )
    result = measure(path, method="green")
    seen = result.observation
    assert (seen.frames, seen.source_hz) == (64, pytest.approx(10.0))
    assert np.isfinite(seen.boxes).all(1).mean() > 0.8
    assert np.nanmedian(seen.boxes[:, 2]) > 500


def test_the_tracker_finds_the_face_and_the_rate(scene: Clip, tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", pixels_of(scene), scene.times_s.tolist())
    result = measure(path)
    assert error_bpm(result, BPM) < 2
    boxes = result.observation.boxes
    truth = scene.boxes.double().numpy()[0]
    assert np.isfinite(boxes).all(1).mean() > 0.9
    centre = np.nanmedian(boxes[:, :2] + boxes[:, 2:] / 2, 0)
    assert np.abs(centre - truth[:2] - truth[2:] / 2).max() < 0.25 * truth[2]


def test_a_face_lost_midway_is_reported_and_left_out(scene: Clip, tmp_path: Path) -> None:
    frames = np.stack(list(pixels_of(scene)))
    empty = videos.noise(90, height=240, width=320, seed=3)
    shown = np.concatenate([frames[:195], empty, frames[195:]])
    path = videos.write(tmp_path / "a.mp4", shown, np.arange(len(shown)) / 30)
    result = measure(path)
    seen = result.observation
    assert 1.0 < seen.no_face_s < 5.0
    lost = np.isnan(seen.boxes).any(1)
    assert lost[(seen.times_s > 8.5) & (seen.times_s < 9.4)].all()
    assert np.isnan(result.pulse[lost]).all()
    assert np.isfinite(result.pulse).sum() > 6 * 30
    assert result.as_json()["no_face_s"] == seen.no_face_s


def test_one_by_one_or_as_a_file_gives_the_same_numbers(net: PhaseNet, scene: Clip) -> None:
    whole = pulse_of(net, [part_of(scene, slice(0, 120))])
    single = pulse_of(net, [part_of(scene, slice(i, i + 1)) for i in range(120)])
    assert torch.equal(whole.isnan(), single.isnan())
    here = ~whole.isnan()
    assert (whole[here] - single[here]).abs().max() <= 1e-5 * whole[here].abs().max()


def part_of(clip: Clip, part: slice) -> Clip:
    return Clip(frames=clip.frames[part], times_s=clip.times_s[part])


def pulse_of(net: PhaseNet, clips: list[Clip]) -> torch.Tensor:
    """From decoded frames to pulse: tracker, crops, resampler, network."""
    stream = PulseStream(net)
    given: Iterator[Clip] = face_clips(clips, faces=FaceTracker(), size=36, sample_hz=30.0)
    return torch.cat([stream.run(crop)[0] for crop in given])


@pytest.mark.parametrize("start", [40, 75])
def test_causal_from_decoded_frames_to_pulse(net: PhaseNet, scene: Clip, start: int) -> None:
    clip = part_of(scene, slice(0, 100))
    other = clip.frames.clone()
    other[start:] = other[start:].flip(-1) // 2
    before = pulse_of(net, [clip])
    after = pulse_of(net, [replace(clip, frames=other)])
    assert torch.equal(before[:start].nan_to_num(), after[:start].nan_to_num())
    assert not torch.equal(before[start:].nan_to_num(), after[start:].nan_to_num())
    assert before[:start].isfinite().any()


def test_a_fixed_box_is_used(net: PhaseNet, scene: Clip, tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", pixels_of(scene), scene.times_s.tolist())
    box = scene.boxes[0].tolist()
    seen = observe(path, net=net, faces=FixedBox(*box))
    np.testing.assert_allclose(seen.boxes, np.tile(box, (len(seen.boxes), 1)), rtol=1e-6)
    assert error_bpm(read_out(seen, "pos"), BPM) < 2


def test_saved_samples_and_report(
    crops: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = videos.write(tmp_path / "a.mp4", crops[:360], np.arange(360) / 30)
    for ending in ("csv", "npz"):
        saved = tmp_path / f"wave.{ending}"
        arguments = ["measure", str(path), "--box", "full", "--save", str(saved)]
        assert main([*arguments, "--report", str(tmp_path / "report")]) == 0
    capsys.readouterr()
    header = "time_s,pulse,quality,box_x,box_y,box_width,box_height"
    assert (tmp_path / "wave.csv").read_text().splitlines()[0] == header
    text = np.genfromtxt(tmp_path / "wave.csv", delimiter=",", names=True)
    arrays = np.load(tmp_path / "wave.npz")
    assert list(arrays) == header.split(",")
    for name in arrays:
        np.testing.assert_allclose(text[name], arrays[name], rtol=1e-6)
    assert np.isnan(arrays["pulse"][:30]).all()
    assert np.isfinite(arrays["pulse"][30:-15]).all()
    page = (tmp_path / "report" / "index.html").read_text()
    assert "data:image/png;base64" in page
    main([*arguments, "--report", str(tmp_path / "bare"), "--no-frames"])
    assert "data:image/png" not in (tmp_path / "bare" / "index.html").read_text()


def test_a_pause_does_not_slow_the_video_down(crops: np.ndarray, tmp_path: Path) -> None:
    """Two stretches of 30 frames a second, three minutes apart: the band stays that of 30."""
    times = np.arange(360) / 30
    times[180:] += 180.0
    path = videos.write(tmp_path / "a.mkv", crops[:360], times)
    seen = measure(path, method="green", faces=WholeFrame()).observation
    assert seen.source_hz == pytest.approx(30, rel=1e-3)


def test_one_odd_video_leaves_the_others(
    crops: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One frame a second, a box outside of a small frame: each file is told of by itself."""
    videos.write(tmp_path / "a.mp4", crops[:240], np.arange(240) / 30)
    videos.write(tmp_path / "b.mp4", crops[:240:30], np.arange(8.0))
    small = crops[:240, :32, :32].copy()
    videos.write(tmp_path / "c.mp4", small, np.arange(240) / 30)
    code = main(["measure", str(tmp_path), "--method", "green", "--box", "40,40,30,30", "--json"])
    rows = json.loads(capsys.readouterr().out)["results"]
    assert code == 2
    assert [Path(row["source"]).name for row in rows] == ["a.mp4", "b.mp4", "c.mp4"]
    assert rows[0]["windows"]
    assert "1.0 frames a second; at least 5" in rows[1]["reason"]
    assert "box" in rows[2]["error"]


def test_a_short_video_is_told_how_long_it_must_be(crops: np.ndarray, tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", crops[:180], np.arange(180) / 30)
    reason = measure(path, faces=WholeFrame()).rate.reason
    assert reason is not None and "take 6.5 s of video" in reason
    path = videos.write(tmp_path / "b.mp4", crops[:198], np.arange(198) / 30)
    assert measure(path, faces=WholeFrame()).rate.estimate_bpm is not None


def test_a_title_in_another_encoding_is_no_hindrance(crops: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "QQQQQQQQ"
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = 72, 72, "yuvj420p"
        for image in crops[:160]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    held = path.read_bytes()
    assert held.count(b"QQQQQQQQ") == 1
    path.write_bytes(held.replace(b"QQQQQQQQ", b"\xe9" * 8))
    assert measure(path, method="green", faces=WholeFrame()).observation.frames == 160


def test_a_window_of_the_wave_file_ends_where_it_ends(crops: np.ndarray, tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", crops[:400], np.arange(400) / 30)
    result = measure(path, method="green", faces=WholeFrame())
    window = result.rate.windows[0]
    only = replace(result, rate=replace(result.rate, windows=(window,)))
    write_samples(tmp_path / "a.npz", only)
    held = np.load(tmp_path / "a.npz")
    assert np.isfinite(held["quality"]).sum() == round((window.end_s - window.start_s) * 30)


def test_few_frames_a_second_fold(crops: np.ndarray, tmp_path: Path) -> None:
    """168 bpm at 5 frames a second look like 132; at 4 nothing is said of any rate."""
    speed = 168 / BPM
    for hz, count in ((5.0, 60), (4.0, 60)):
        times = np.arange(count) / hz
        index = (times * 30 * speed).astype(int) % len(crops)
        path = videos.write(tmp_path / f"{hz:g}.mp4", crops[index], times)
        result = measure(path, method="green", faces=WholeFrame(), min_quality=0.0)
        if hz == 4.0:
            assert "4.0 frames a second; at least 5 are needed" in str(result.rate.reason)
            continue
        found = result.rate.estimate_bpm
        assert found is not None and found < 150
        assert result.fold_bpm == pytest.approx(300 - found)
        assert f"may be a fold of {300 - found:.0f} bpm" in result.caveat
        assert result.as_json()["fold_bpm"] == result.fold_bpm
