"""The tracker holds still, follows, loses and finds again; it sees the past only."""

import math

import cv2
import footage
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pulsephase.errors import SamplingError
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.scene import render_scene
from pulsephase.video.detect import HaarFrontal, HaarLenient
from pulsephase.video.faces import (
    CENTRE_SLACK,
    CHECK_S,
    MOST_MISSES,
    RETRY_S,
    SEARCH_S,
    SIZE_SLACK,
    SMOOTH_S,
    FaceMotion,
    FaceTracker,
    Steadier,
)

RATES = [8.0, 30.0, 120.0]
Found = list[tuple[float, float, float, float] | None]
WALL = footage.wall()


def track(tracker: FaceTracker, frames: list[footage.Frame], sample_hz: float) -> Found:
    return [tracker.update(frame, n / sample_hz) for n, frame in enumerate(frames)]


def centre(box: tuple[float, ...] | None) -> NDArray[np.float64]:
    assert box is not None
    return np.array([box[0] + box[2] / 2, box[1] + box[3] / 2])


def noisy(frame: footage.Frame, seed: int) -> footage.Frame:
    jitter = np.random.default_rng(seed).normal(0, 2, frame.shape)
    return np.clip(frame + jitter, 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("sample_hz", RATES)
def test_a_still_face_has_a_still_box(sample_hz: float) -> None:
    """Camera noise, and a detector that trembles by 3 % of the face: not a pixel of movement."""
    scene = footage.paint(WALL, 120.3, 70.6, 90)
    frames = [noisy(scene, n) for n in range(round(2.5 * sample_hz))]
    found = track(FaceTracker(footage.RedFaces(tremble=0.03)), frames, sample_hz)
    assert len(set(found)) == 1
    assert found[0] is not None


@pytest.mark.parametrize("sample_hz", RATES)
def test_a_moving_face_is_followed(sample_hz: float) -> None:
    """The box lags by its play and by its time constant, no more, at every frame rate."""
    speed = 25.0
    xs = [80 + speed * n / sample_hz for n in range(round(2.5 * sample_hz))]
    frames = [footage.paint(WALL, x, 70.0, 90) for x in xs]
    found = track(FaceTracker(footage.RedFaces(tremble=0.02)), frames, sample_hz)
    true = np.array([[x + 45, 115.0] for x in xs])
    error = np.array([centre(box) for box in found]) - true
    offset = error[0]  # of the first look, within the play of later ones
    bound = CENTRE_SLACK * 100 + speed * (SMOOTH_S + 1 / sample_hz) + 0.1 * 100
    assert np.abs(error).max() < bound
    late = error[round(sample_hz) :, 0] - offset[0]
    assert late.max() < 1.0  # never ahead
    assert late.min() > -bound


def test_a_fast_face_is_followed_between_two_looks() -> None:
    """It moves by more than its own width, a few pixels a frame."""
    detector = footage.RedFaces()
    frames = [footage.paint(WALL, 15 + 5.0 * n, 70.0, 90) for n in range(28)]
    found = track(FaceTracker(detector), frames, 30.0)
    assert detector.looks == 1
    lag = centre(found[-1])[0] - (15 + 5 * 27 + 45)
    assert -(150 * (SMOOTH_S + 1 / 30) + CENTRE_SLACK * 100) < lag < 1


def test_a_face_that_comes_nearer_grows() -> None:
    sides = np.linspace(70, 105, 90)
    frames = [footage.paint(WALL, 160 - side / 2, 120 - side / 2, side) for side in sides]
    found = track(FaceTracker(footage.RedFaces()), frames, 30.0)
    grown = np.array([box[2] for box in found if box is not None])
    assert len(grown) == 90
    lag = (sides[-1] - sides[0]) / 3 * SMOOTH_S
    np.testing.assert_allclose(grown[30:], sides[30:], atol=SIZE_SLACK * 105 + lag + 3)


def test_looks_are_rare() -> None:
    detector = footage.RedFaces()
    frames = [footage.paint(WALL, 120.0, 70.0, 90)] * 151
    tracker = FaceTracker(detector)
    track(tracker, frames, 30.0)
    assert detector.looks == tracker.looks == 1 + 5 / CHECK_S


def test_no_face_is_none_from_the_first_frame_on() -> None:
    tracker = FaceTracker(footage.RedFaces())
    assert track(tracker, [WALL] * 60, 30.0) == [None] * 60
    assert tracker.looks == pytest.approx(60 / 30 / SEARCH_S, abs=6)


def test_there_is_no_guess_before_the_first_detection() -> None:
    frames = [WALL] * 20 + [footage.paint(WALL, 120.0, 70.0, 90)] * 20
    found = track(FaceTracker(footage.RedFaces()), frames, 30.0)
    first = next(n for n, box in enumerate(found) if box is not None)
    assert 20 <= first <= 20 + math.ceil(SEARCH_S * 30)
    assert None not in found[first:]


def test_a_face_that_vanishes_is_lost_in_that_frame_and_found_again() -> None:
    face = footage.paint(WALL, 120.0, 70.0, 90)
    frames = [face] * 40 + [WALL] * 30 + [face] * 20
    found = track(FaceTracker(footage.RedFaces()), frames, 30.0)
    assert found[39] is not None
    assert found[40:70] == [None] * 30
    first = next(n for n, box in enumerate(found) if n >= 70 and box is not None)
    assert first <= 70 + math.ceil(SEARCH_S * 30)
    assert found[first:] == [found[39]] * (90 - first)  # at its old place it is the same face


@pytest.mark.parametrize("sample_hz", RATES)
def test_three_looks_that_fail_lose_a_face_that_the_flow_still_holds(sample_hz: float) -> None:
    detector = footage.RedFaces()
    tracker = FaceTracker(detector)
    face = footage.paint(WALL, 120.0, 70.0, 90)
    last_success_s = 1.0
    lost_s = math.nan
    for n in range(round(5 * sample_hz)):
        time_s = n / sample_hz
        detector.closed = time_s > last_success_s
        if tracker.update(face, time_s) is None:
            lost_s = time_s
            break
    expected = last_success_s + CHECK_S + (MOST_MISSES - 1) * RETRY_S
    assert expected <= lost_s <= expected + MOST_MISSES / sample_hz + 1e-9


def test_two_looks_that_fail_lose_nothing() -> None:
    detector = footage.RedFaces()
    tracker = FaceTracker(detector)
    face = footage.paint(WALL, 120.0, 70.0, 90)
    for n in range(150):
        detector.closed = 25 < n < 55  # at 1 s and at 1.5 s
        assert tracker.update(face, n / 30) is not None


def test_a_second_detector_confirms_a_face_but_finds_none() -> None:
    front, side = footage.RedFaces(), footage.RedFaces()
    tracker = FaceTracker(front, confirm=side)
    face = footage.paint(WALL, 120.0, 70.0, 90)
    for n in range(150):
        front.closed = n > 25
        assert tracker.update(face, n / 30) is not None
    front.closed = True
    alone = FaceTracker(front, confirm=side)
    assert track(alone, [face] * 30, 30.0) == [None] * 30


def test_a_face_that_leaves_the_frame_is_lost() -> None:
    frames = [footage.paint(WALL, 200 + 3.0 * n, 70.0, 90) for n in range(60)]
    found = track(FaceTracker(footage.RedFaces()), frames, 30.0)
    assert found[10] is not None
    assert found[-1] is None
    for box in found:
        assert box is None or centre(box)[0] < 320


def test_the_largest_face_wins_and_is_kept_when_another_grows() -> None:
    frames = []
    for n in range(120):
        both = footage.paint(WALL, 30.0, 80.0, 80, seed=1)
        frames.append(footage.paint(both, 180.0, 60.0, 60 + 0.5 * n, seed=2))
    found = track(FaceTracker(footage.RedFaces()), frames, 30.0)
    for box in found:
        np.testing.assert_allclose(centre(box), [70, 120], atol=8)


def test_a_cut_to_another_face_is_a_new_track() -> None:
    one = footage.paint(WALL, 20.0, 60.0, 90, seed=1)
    two = footage.paint(WALL, 200.0, 100.0, 80, seed=2)
    found = track(FaceTracker(footage.RedFaces()), [one] * 40 + [two] * 20, 30.0)
    np.testing.assert_allclose(centre(found[39]), [65, 105], atol=2)
    np.testing.assert_allclose(centre(found[40]), [240, 140], atol=2)


def test_a_face_without_corners_is_looked_at_often_and_kept() -> None:
    frames = [footage.paint(WALL, 120.0, 70.0, 90, plain=True)] * 60
    detector = footage.RedFaces()
    found = track(FaceTracker(detector), frames, 30.0)
    assert None not in found
    assert detector.looks > 60 / 30 / CHECK_S + 3


def test_a_pause_in_the_footage_makes_it_look_again() -> None:
    detector = footage.RedFaces()
    tracker = FaceTracker(detector)
    face = footage.paint(WALL, 120.0, 70.0, 90)
    assert tracker.update(face, 0.0) is not None
    detector.closed = True  # nobody knows that it is the same face: one look decides
    assert tracker.update(face, 5.0) is None
    assert detector.looks == 2


def test_a_change_of_size_starts_afresh() -> None:
    tracker = FaceTracker(footage.RedFaces())
    assert tracker.update(footage.paint(WALL, 120.0, 70.0, 90), 0.0) is not None
    wide = footage.paint(footage.wall(480, 640), 300.0, 200.0, 90)
    np.testing.assert_allclose(centre(tracker.update(wide, 0.1)), [345, 245], atol=2)


@settings(max_examples=6, deadline=None)
@given(k=st.integers(1, 59), seed=st.integers(0, 9))
def test_later_frames_change_nothing_before_them(k: int, seed: int) -> None:
    frames = [footage.paint(WALL, 90 + 0.7 * n, 70.0, 90) for n in range(60)]
    rest = np.random.default_rng(seed).integers(0, 256, (60 - k, *WALL.shape)).astype(np.uint8)
    one = track(FaceTracker(footage.RedFaces()), frames, 20.0)
    two = track(FaceTracker(footage.RedFaces()), frames[:k] + list(rest), 20.0)
    assert one[:k] == two[:k]


def test_times_must_rise() -> None:
    tracker = FaceTracker(footage.RedFaces())
    tracker.update(WALL, 1.0)
    for wrong in (1.0, 0.5, math.nan, math.inf):
        with pytest.raises(SamplingError, match="times must rise"):
            tracker.update(WALL, wrong)


def test_flow_measures_a_planted_similarity() -> None:
    grey = footage.paint(WALL, 120.0, 70.0, 90)[..., 1]
    motion = FaceMotion(grey, np.array([120.0, 70.0, 90.0, 90.0]))
    later = footage.paint(WALL, 123.4, 67.7, 94.5)[..., 1]
    moved = motion.follow(later)
    assert moved is not None
    # 90 -> 94.5 about the corner: the centre moves by (123.4 - 120 + 2.25, 67.7 - 70 + 2.25)
    np.testing.assert_allclose(moved[0], [5.65, -0.05], atol=0.2)
    assert math.isclose(moved[1], 1.05, abs_tol=0.005)


def test_flow_says_when_the_face_is_gone() -> None:
    motion = FaceMotion(
        footage.paint(WALL, 120.0, 70.0, 90)[..., 1], np.array([120.0, 70.0, 90.0, 90.0])
    )
    assert motion.follow(np.zeros_like(WALL[..., 1])) is None
    assert motion.follow(WALL[..., 1]) is None


@given(
    st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.sampled_from([1 / 120, 1 / 30, 1 / 8])
)
def test_play_keeps_a_trembling_box_where_it_is(tremble: list[float], step_s: float) -> None:
    at = np.array([100.0, 80.0, 60.0, 60.0])
    steadier = Steadier(at, 0.0)
    for n, part in enumerate(tremble):
        shake = part * 60 * np.array([CENTRE_SLACK, CENTRE_SLACK, SIZE_SLACK, SIZE_SLACK])
        np.testing.assert_array_equal(steadier.update(at + shake, (n + 1) * step_s), at)


@pytest.mark.parametrize("sample_hz", [10.0, 30.0, 120.0])
def test_smoothing_is_by_time_whatever_the_frame_rate(sample_hz: float) -> None:
    """After a step, the smoothed place has covered 1 - exp(-t / tau) of the way at time t."""
    steadier = Steadier(np.array([0.0, 0.0, 60.0, 60.0]), 0.0)
    for n in range(round(0.3 * sample_hz)):
        steadier.update(np.array([50.0, 0.0, 60.0, 60.0]), (n + 1) / sample_hz)
    np.testing.assert_allclose(steadier.smooth[0], 50 * (1 - math.exp(-0.3 / SMOOTH_S)))


@given(st.floats(5, 100), st.sampled_from([8.0, 30.0, 120.0]))
def test_after_a_jump_the_box_stops_at_its_play(jump: float, sample_hz: float) -> None:
    steadier = Steadier(np.array([0.0, 0.0, 60.0, 60.0]), 0.0)
    target = np.array([jump, 0.0, 60.0, 60.0])
    for n in range(round(3 * sample_hz)):
        place = steadier.update(target, (n + 1) / sample_hz)
    assert math.isclose(place[0], jump - CENTRE_SLACK * 60, abs_tol=1e-3 * jump)


@pytest.mark.parametrize("seed", [1, 4])
def test_a_rendered_head_is_found_at_once_and_followed(seed: int) -> None:
    """The cascade on a synthetic scene that moves: near the true box, all the time."""
    scene = render_scene(seed, preset("full", seconds=1.2), width=320, height=240)
    assert scene.boxes is not None
    tracker = FaceTracker()
    frames = scene.frames.permute(0, 2, 3, 1).contiguous().numpy()
    found = [tracker.update(f, t) for f, t in zip(frames, scene.times_s.tolist(), strict=True)]
    true = scene.boxes.double().numpy()
    error = np.array([centre(box) for box in found]) - (true[:, :2] + true[:, 2:] / 2)
    assert np.abs(error / true[:, 2:]).max() < 0.25
    ratio = np.array([box[2] for box in found if box is not None]) / true[:, 2:].max(1)
    assert 0.8 < ratio.min() <= ratio.max() < 1.4


def test_the_cascade_finds_no_face_in_walls_noise_and_darkness() -> None:
    detector = HaarFrontal()
    for seed in range(6):
        noise = np.random.default_rng(seed).integers(0, 256, (240, 320, 3)).astype(np.uint8)
        assert detector(noise).shape == (0, 4)
    assert detector(footage.wall(480, 640)).shape == (0, 4)
    assert detector(np.zeros((480, 640, 3), np.uint8)).shape == (0, 4)
    assert detector(np.zeros((16, 9, 3), np.uint8)).shape == (0, 4)


def test_boxes_are_in_pixels_of_the_frame_whatever_its_size() -> None:
    scene = render_scene(4, preset("full", seconds=0.1), width=320, height=240)
    small = np.ascontiguousarray(scene.frames[0].permute(1, 2, 0).numpy())
    large = cv2.resize(small, (1280, 960), interpolation=cv2.INTER_CUBIC)
    for detector in (HaarFrontal(), HaarLenient()):
        (one, *_), (two, *_) = detector(small), detector(large)
        np.testing.assert_allclose(two, 4 * one, atol=0.15 * two[2])
