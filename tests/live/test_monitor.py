"""While it goes on, the same pulse as of the file; at the end, the same heart rate."""

import math
from dataclasses import replace
from pathlib import Path

import footage
import numpy as np
import pytest
import videos

from pulsephase.live.monitor import Monitor, Reading
from pulsephase.live.sources import FileSource
from pulsephase.measurement.measure import NO_FACE, Measurement, measure
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.config import FaceRanges, PulseRanges
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.scene import render_scene
from pulsephase.synthetic.write import pixels_of
from pulsephase.video.several import SeveralFaces
from pulsephase.vitals.heart_rate import heart_rate

BPM = 66.0


@pytest.fixture(scope="module")
def net() -> PhaseNet:
    return PhaseNet.from_pretrained("tiny")


@pytest.fixture(scope="module")
def shown() -> np.ndarray:
    """A calm head of 66 bpm, 13 s at 30 Hz."""
    pulse = PulseRanges(
        heart_rate_bpm=(BPM, BPM),
        respiratory_depth=(0.0, 0.0),
        mayer_depth=(0.0, 0.0),
        drift=0.0,
        amplitude=(0.015, 0.015),
    )
    ranges = replace(preset("easy", seconds=13.0), pulse=pulse, face=FaceRanges(fill=(0.85, 0.9)))
    return np.stack(list(pixels_of(render_scene(4, ranges, width=320, height=240))))


def watched(net: PhaseNet, path: Path) -> tuple[list[Reading], Measurement]:
    monitor = Monitor(net)
    readings = [r for image, at_s in FileSource(path).frames() for r in monitor.push(image, at_s)]
    return readings, monitor.results(str(path))[1]


def assert_same(readings: list[Reading], live: Measurement, filed: Measurement) -> None:
    np.testing.assert_array_equal(live.pulse, filed.pulse)
    np.testing.assert_array_equal(live.observation.boxes, filed.observation.boxes)
    assert live.as_json() == filed.as_json()
    delay = 15
    pulses = np.array([reading.pulse for reading in readings])
    np.testing.assert_array_equal(pulses[delay:], filed.pulse[: len(pulses) - delay])
    times = np.array([reading.time_s for reading in readings])
    np.testing.assert_allclose(times[delay:], filed.observation.times_s[:-delay], atol=1e-12)


def test_a_replayed_file_gives_what_measure_gives(
    net: PhaseNet, shown: np.ndarray, tmp_path: Path
) -> None:
    path = videos.write(tmp_path / "a.mp4", shown, np.arange(len(shown)) / 30)
    readings, live = watched(net, path)
    filed = measure(path)
    assert filed.rate.bpm == pytest.approx(BPM, abs=2)
    assert_same(readings, live, filed)


def test_dropped_frames_keep_the_rhythm(net: PhaseNet, shown: np.ndarray, tmp_path: Path) -> None:
    """One frame in four is lost, at random: what remains is measured at its own times."""
    kept = np.sort(np.random.default_rng(0).choice(len(shown), 3 * len(shown) // 4, replace=False))
    path = videos.write(tmp_path / "a.mkv", shown[kept], kept / 30)
    readings, live = watched(net, path)
    assert_same(readings, live, measure(path))
    assert live.rate.estimate_bpm == pytest.approx(BPM, abs=2)


def test_the_rate_while_it_goes_on_is_that_of_the_last_window(
    net: PhaseNet, shown: np.ndarray, tmp_path: Path
) -> None:
    path = videos.write(tmp_path / "a.mp4", shown, np.arange(len(shown)) / 30)
    readings, _ = watched(net, path)
    fresh = [index for index, reading in enumerate(readings) if reading.fresh]
    steps = np.diff([readings[index].time_s for index in fresh])
    np.testing.assert_allclose(steps, 1.0, atol=0.04)
    last = fresh[-1]
    wave = np.array([reading.pulse for reading in readings[last - 299 : last + 1]])
    again = heart_rate(wave, sample_hz=30.0, method="phasenet")
    assert readings[last].rate.estimate_bpm == pytest.approx(again.estimate_bpm, abs=0.01)
    assert abs(readings[last].rate.estimate_bpm - BPM) < 2  # type: ignore[operator]


def test_a_camera_that_was_away_leaves_a_gap(net: PhaseNet, shown: np.ndarray) -> None:
    """Three seconds without a frame: samples without a face, the warm-up again, times go on."""
    monitor = Monitor(net)
    times = np.arange(300) / 30
    times[150:] += 3.0
    readings = [
        r for image, at_s in zip(shown[:300], times, strict=True) for r in monitor.push(image, at_s)
    ]
    at_s = np.array([reading.time_s for reading in readings])
    np.testing.assert_allclose(np.diff(at_s), 1 / 30, atol=1e-9)
    away = (at_s > 5.1 - 0.5) & (at_s < 7.9 - 0.5)
    assert all(readings[i].box is None for i in np.flatnonzero(away))
    assert all(math.isnan(readings[i].pulse) for i in np.flatnonzero(away))
    assert np.isfinite([reading.pulse for reading in readings[-30:]]).all()


class Blinking:
    """A box that is not there from one time to another."""

    margin = 1.0

    def __init__(self, box: tuple[float, float, float, float], lost_s: tuple[float, float]) -> None:
        self.box, self.lost_s = box, lost_s

    def update(self, frame: np.ndarray, time_s: float) -> tuple[float, float, float, float] | None:
        return None if self.lost_s[0] <= time_s < self.lost_s[1] else self.box


def test_a_face_lost_for_a_moment_puts_no_pulse_at_a_wrong_time(
    net: PhaseNet, shown: np.ndarray
) -> None:
    """What was to be said when the face went is not said later, of a time without a face."""
    monitor = Monitor(net, faces=Blinking((80.0, 40.0, 160.0, 160.0), (5.0, 5.3)))
    readings = [r for n, image in enumerate(shown[:300]) for r in monitor.push(image, n / 30)]
    at_s = np.array([reading.time_s for reading in readings])
    pulses = np.array([reading.pulse for reading in readings])
    silent = (at_s > 4.48) & (at_s < 5.29)  # from what was not yet said to the face's return
    assert np.isnan(pulses[silent]).all()
    assert np.isfinite(pulses[(at_s > 2) & (at_s < 4.45)]).all()
    assert np.isfinite(pulses[at_s > 5.35]).all()
    whole = monitor.results("blinking")[1]  # read at its end, it is known what belongs where
    seen = whole.observation
    lost = (seen.times_s > 4.98) & (seen.times_s < 5.28)
    assert np.isnan(whole.pulse[lost]).all()
    assert np.isfinite(whole.pulse[(seen.times_s > 2) & (seen.times_s < 4.95)]).all()


def test_no_face_is_said_and_nothing_is_guessed(net: PhaseNet) -> None:
    monitor = Monitor(net)
    wall = footage.wall()
    readings = [r for n in range(200) for r in monitor.push(wall, n / 30)]
    assert len(readings) == 200
    assert all(r.box is None and math.isnan(r.pulse) and r.rate.bpm is None for r in readings)
    assert monitor.results("wall")[1].rate.reason == NO_FACE
    assert monitor.faces_seen == 0


def test_too_short_gives_no_result(net: PhaseNet) -> None:
    monitor = Monitor(net)
    assert monitor.results("nothing") == {}
    for n in range(60):
        monitor.push(footage.wall(), n / 30)
    assert monitor.results("wall") == {}


def test_every_face_has_a_pulse_of_its_own(net: PhaseNet) -> None:
    """Two faces blush at two rates; the second leaves, and its wave stays known."""
    wall = footage.wall(240, 480)
    monitor = Monitor(net, faces=SeveralFaces(footage.RedFaces()))
    for n in range(330):
        scene = wall
        for seed, (x, rate_hz) in enumerate(((60, 1.1), (300, 1.7))):
            if seed == 1 and n >= 300:
                continue
            scene = blushing(scene, x, seed, math.sin(2 * math.pi * rate_hz * n / 30))
        monitor.push(scene, n / 30)
        if n == 299:
            assert monitor.present == {1, 2}
            assert monitor.faces_seen == 2
    results = monitor.results("two")
    assert set(results) == {1, 2}
    left = {number: np.nanmedian(r.observation.boxes[:, 0]) for number, r in results.items()}
    rates = {60: 66.0, 300: 102.0}
    for number, result in results.items():
        wanted = rates[min(rates, key=lambda x: abs(x - left[number]))]
        assert result.rate.estimate_bpm == pytest.approx(wanted, abs=2)


def blushing(frame: footage.Frame, x: float, seed: int, pulse: float) -> footage.Frame:
    """Paint a face whose green falls with the pulse, by 3 %, red by less."""
    face = footage.paint(frame, x, 80, 100, seed=seed).astype(np.float64)
    inside = np.zeros(frame.shape[:2], bool)
    inside[80:180, round(x) : round(x) + 100] = True
    face[inside] *= 1 - np.array([0.008, 0.03, 0.015]) * pulse
    return np.asarray(face.round().astype(np.uint8))
