"""From frames to crops: causal, the same in any pieces, honest about missing faces, by time."""

import math
from itertools import pairwise

import footage
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, SamplingError
from pulsephase.video.clip import Clip
from pulsephase.video.crops import crop
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import MOST_SAMPLES, FaceSource, FixedBox, WholeFrame, face_clips

SIZE = 12
WALL = footage.wall()


def moving(count: int = 50, sample_hz: float = 23.0) -> Clip:
    """A face that moves, is gone for a while, and comes back."""
    frames = [
        WALL if 20 <= n < 30 else footage.paint(WALL, 90 + 0.7 * n, 70.0, 90) for n in range(count)
    ]
    return footage.clip_of(frames, sample_hz, start_s=2.5)


def joined(clips: list[Clip]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    boxes = [clip.boxes for clip in clips]
    return (
        torch.cat([clip.frames for clip in clips]),
        torch.cat([clip.times_s for clip in clips]),
        torch.cat([box for box in boxes if box is not None]),
    )


def run(
    clips: list[Clip], faces: FaceSource | None = None, sample_hz: float = 30.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    tracker = FaceTracker(footage.RedFaces()) if faces is None else faces
    return joined(list(face_clips(iter(clips), faces=tracker, size=SIZE, sample_hz=sample_hz)))


def cut(clip: Clip, at: list[int]) -> list[Clip]:
    edges = [0, *sorted(set(at)), len(clip)]
    return [
        Clip(frames=clip.frames[a:b], times_s=clip.times_s[a:b])
        for a, b in pairwise(edges)
        if b > a
    ]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 49), max_size=6))
def test_any_pieces_give_the_same_bits(at: list[int]) -> None:
    clip = moving()
    whole, pieces = run([clip]), run(cut(clip, at))
    for one, two in zip(whole, pieces, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)


def test_frame_by_frame_gives_the_same_bits() -> None:
    clip = moving()
    for one, two in zip(run([clip]), run(cut(clip, list(range(1, 50)))), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)


@settings(max_examples=6, deadline=None)
@given(k=st.integers(1, 49), seed=st.integers(0, 9))
def test_later_frames_change_nothing_at_or_before_the_last_one_kept(k: int, seed: int) -> None:
    clip = moving()
    frames = clip.frames.clone()
    frames[k:] = torch.from_numpy(
        np.random.default_rng(seed).integers(0, 256, frames[k:].shape).astype(np.uint8)
    )
    one, two = run([clip]), run([Clip(frames=frames, times_s=clip.times_s)])
    before = one[1] <= clip.times_s[k - 1]
    assert before.any()
    assert not before.all()
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a[before], b[before], rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(one[0][~before], two[0][~before])  # the test can fail


def test_ticks_keep_coming_while_the_face_is_gone() -> None:
    crops, times_s, boxes = run([moving()])
    np.testing.assert_allclose(times_s, 2.5 + np.arange(len(times_s)) / 30, atol=1e-9)
    lost = boxes.isnan().any(1)
    assert torch.equal(lost, boxes.isnan().all(1))
    # no frame from 20 to 29 has a face; a sample needs one on both sides
    gone = (times_s > 2.5 + 19 / 23 + 5e-4) & (times_s < 2.5 + 30 / 23 - 5e-4)
    assert lost[gone].all()
    assert not lost[times_s <= 2.5 + 19 / 23].any()
    assert not lost[times_s > 2.5 + 33 / 23 + 0.1].any()
    held = crops[gone][1:-1]
    torch.testing.assert_close(held, held[:1].expand_as(held), rtol=0, atol=0)
    assert held.max() > 0


def test_before_the_first_face_crops_are_zero() -> None:
    clip = footage.clip_of([WALL] * 10, 30.0)
    crops, _, boxes = run([clip])
    assert not crops.any()
    assert boxes.isnan().all()


def test_a_frame_on_the_grid_is_cropped_exactly() -> None:
    clip = footage.clip_of([footage.paint(WALL, 80.0 + n, 70.0, 90) for n in range(20)], 30.0)
    crops, _, boxes = run([clip], FixedBox(60.0, 40.0, 100.0, 120.0))
    assert len(crops) == 20
    for n in range(20):
        image = clip.frames[n].permute(1, 2, 0).numpy()
        expected = crop(image, (60.0, 40.0, 100.0, 120.0), size=SIZE)
        np.testing.assert_array_equal(crops[n], expected)
    assert torch.equal(boxes, torch.tensor([[60.0, 40.0, 100.0, 120.0]]).expand(20, 4))


@pytest.mark.parametrize("source_hz", [8.0, 25.0, 60.0, 120.0])
def test_brightness_that_grows_with_time_does_so_at_any_rate(source_hz: float) -> None:
    """The frame at t shows 40 t levels, so does the crop at t, between the frames too."""
    times = np.arange(round(4 * source_hz)) / source_hz
    levels = 20 + 40 * times
    frames = torch.tensor(levels / 255, dtype=torch.float64)[:, None, None, None]
    clip = Clip(frames=frames.expand(-1, 3, 16, 20), times_s=torch.from_numpy(times))
    crops, times_s, _ = run([clip], WholeFrame())
    # a frame that is passed on as it is may be 0.5 ms off
    expected = (20 + 40 * times_s[:, None, None, None]) / 255
    torch.testing.assert_close(
        crops.double(), expected.expand_as(crops), rtol=0, atol=40 * 5e-4 / 255 + 1e-6
    )


def test_a_pulse_that_is_known_goes_along_by_time() -> None:
    times = torch.arange(40, dtype=torch.float64) / 20
    clip = Clip(
        frames=torch.zeros((40, 3, 16, 16), dtype=torch.uint8), times_s=times, pulse=3 * times
    )
    (found,) = face_clips([clip], faces=WholeFrame(), size=4, sample_hz=30.0)
    assert found.pulse is not None
    torch.testing.assert_close(found.pulse.double(), 3 * found.times_s, rtol=0, atol=1e-5)


def test_a_pause_is_filled_with_no_face_on_the_same_grid() -> None:
    frames = [footage.paint(WALL, 80.0, 70.0, 90)] * 20
    clip = footage.clip_of(frames, 30.0)
    times = clip.times_s.clone()
    times[10:] += 3.0
    _, times_s, boxes = run([Clip(frames=clip.frames, times_s=times)])
    np.testing.assert_allclose(times_s, np.arange(len(times_s)) / 30, atol=1e-9)
    lost = boxes.isnan().any(1).numpy()
    np.testing.assert_array_equal(lost, (times_s > 9 / 30 + 1e-6) & (times_s < 3 + 10 / 30 - 1e-6))


def test_clips_stay_short_however_long_the_pause() -> None:
    times = torch.arange(300, dtype=torch.float64) / 30
    times[150:] += 100.0
    clip = Clip(frames=torch.zeros((300, 3, 16, 16), dtype=torch.uint8), times_s=times)
    clips = list(face_clips([clip], faces=WholeFrame(), size=4, sample_hz=30.0))
    assert max(map(len, clips)) == MOST_SAMPLES
    assert sum(map(len, clips)) == 300 + 5 * 30


def test_a_whole_frame_is_its_largest_central_square() -> None:
    frames = torch.zeros((2, 3, 20, 50), dtype=torch.uint8)
    frames[..., 15:35] = 255
    clip = Clip(frames=frames, times_s=torch.tensor([0.0, 0.1], dtype=torch.float64))
    crops, _, boxes = run([clip], WholeFrame())
    torch.testing.assert_close(crops, torch.ones_like(crops))
    assert boxes[0].tolist() == [15.0, 0.0, 20.0, 20.0]


def test_boxes_that_cannot_be_are_refused() -> None:
    for box in [(0.0, 0.0, 0.0, 5.0), (0.0, 0.0, 5.0, -5.0), (math.nan, 0.0, 5.0, 5.0)]:
        with pytest.raises(ParameterError, match="box is"):
            FixedBox(*box)
    clip = footage.clip_of([WALL], 30.0)
    for box in [(320.0, 0.0, 5.0, 5.0), (0.0, -9.0, 5.0, 5.0)]:
        with pytest.raises(ParameterError, match="outside the frame of 320 x 240"):
            run([clip], FixedBox(*box))
    with pytest.raises(ParameterError, match="size is 0"):
        next(face_clips([clip], faces=WholeFrame(), size=0, sample_hz=30.0))
    with pytest.raises(SamplingError, match="sample_hz is 0"):
        next(face_clips([clip], faces=WholeFrame(), size=4, sample_hz=0.0))


def test_no_clips_give_no_clips() -> None:
    assert list(face_clips([], faces=WholeFrame(), size=4, sample_hz=30.0)) == []
