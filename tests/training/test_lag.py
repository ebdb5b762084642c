"""The lag of the contact wave: found to a fraction of a frame, bounded, robust, none where none."""

from collections.abc import Iterator

import numpy as np
import pytest

from pulsephase.training.caches import clip_lag, fit_lag, shifted
from pulsephase.video.datasets.entry import CachedClip

RATE = 30.0


def beat(times_s: np.ndarray, *, number: int) -> np.ndarray:
    """A wave with a second harmonic, whose rate wanders: no two beats are quite alike."""
    generator = np.random.default_rng(number)
    rate = 1.1 + 0.02 * number + 0.15 * np.sin(2 * np.pi * 0.05 * times_s + generator.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(rate) * (times_s[1] - times_s[0])
    return np.sin(phase) + 0.4 * np.sin(2 * phase + 0.8)


def skin(
    number: int, *, lag_frames: float, seconds: float = 20.0, noise: float = 0.2
) -> CachedClip:
    """Skin that darkens with each beat, in green most; the label is late by ``lag_frames``."""
    fine = np.arange(round(seconds * 300)) / 300
    wave = beat(fine, number=number)
    times = np.arange(round(seconds * RATE)) / RATE
    face = np.interp(times, fine, wave)
    label = np.interp(times - lag_frames / RATE, fine, wave)
    generator = np.random.default_rng(100 + number)
    colour = np.array([150.0, 110.0, 90.0])[:, None, None]
    depth = np.array([0.33, 0.77, 0.53])[:, None, None]
    frames = colour * (1 - 0.03 * depth * face[:, None, None, None])
    frames = frames + generator.uniform(0, 1, (len(times), 3, 8, 8))  # dithers what is rounded
    return CachedClip(
        name=f"clip {number}",
        subject=f"subject {number}",
        attributes={},
        sample_hz=RATE,
        frames=np.floor(frames).astype(np.uint8),
        times_s=times,
        pulse=(label + noise * generator.standard_normal(len(times))).astype(np.float32),
        boxes=np.ones((len(times), 4), np.float32),
        device_bpm=None,
    )


def clips(*lags: float) -> Iterator[CachedClip]:
    for number, lag in enumerate(lags):
        yield skin(number, lag_frames=lag)


@pytest.mark.parametrize("lag", [-6.5, 0.0, 3.25, 7.0])
def test_a_planted_lag_is_found_to_a_third_of_a_frame(lag: float) -> None:
    found = fit_lag(clips(lag, lag, lag))
    assert found.frames == pytest.approx(lag, abs=0.34)
    assert found.used == found.clips == 3


def test_one_wild_clip_does_not_move_it() -> None:
    found = fit_lag(clips(2.0, 2.0, -7.5, 2.0, 2.0))
    assert found.frames == pytest.approx(2.0, abs=0.34)


def test_a_lag_beyond_the_bound_has_no_say() -> None:
    found = fit_lag(clips(12.0, 11.0))
    assert found.used == 0 and found.frames == 0.0 and found.clips == 2


def test_a_label_of_something_else_has_no_say() -> None:
    foreign = skin(1, lag_frames=0.0)
    noise = np.random.default_rng(0).standard_normal(len(foreign.pulse)).astype(np.float32)
    found = fit_lag([_with(foreign, pulse=noise)])
    assert found.used == 0 and found.frames == 0.0


def test_gaps_of_face_and_label_are_left_out() -> None:
    clip = skin(2, lag_frames=4.0)
    pulse, boxes = clip.pulse.copy(), clip.boxes.copy()
    pulse[100:130], boxes[300:340] = np.nan, np.nan
    assert fit_lag([_with(clip, pulse=pulse, boxes=boxes)]).frames == pytest.approx(4.0, abs=0.5)
    nowhere = np.full_like(boxes, np.nan)
    assert clip_lag(_with(clip, boxes=nowhere)) is None


def test_once_shifted_there_is_no_lag_left() -> None:
    clip = skin(3, lag_frames=5.5)
    lag = fit_lag([clip]).frames
    moved = shifted(clip.pulse.astype(np.float64), lag).astype(np.float32)
    assert fit_lag([_with(clip, pulse=moved)]).frames == pytest.approx(0, abs=0.1)


def test_a_shift_by_whole_frames_is_exact_and_unknown_at_the_end() -> None:
    wave = np.array([0.0, 1.0, 4.0, 9.0])
    assert shifted(wave, 0.0).tolist() == wave.tolist()
    np.testing.assert_array_equal(shifted(wave, 2.0), [4.0, 9.0, np.nan, np.nan])
    np.testing.assert_array_equal(shifted(wave, -1.0), [np.nan, 0.0, 1.0, 4.0])


def _with(clip: CachedClip, **changes: np.ndarray) -> CachedClip:
    from dataclasses import replace

    return replace(clip, **changes)
