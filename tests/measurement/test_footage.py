"""What can be measured: a file, an array, frames one by one and a clip are the same video."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import videos

from pulsephase import WholeFrame, measure, preset, read_clips, render
from pulsephase.errors import (
    InputError,
    ParameterError,
    PulsePhaseError,
    SamplingError,
    ShapeError,
)
from pulsephase.measurement.footage import open_footage
from pulsephase.measurement.measure import METHODS, Measurement
from pulsephase.synthetic.write import pixels_of
from pulsephase.video.clip import Clip


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A face that fills the frame, 8 s at 30 Hz."""
    return np.stack(list(pixels_of(render(2, preset("naive", seconds=8.0)))))


def look(video: Any, method: str = "pos", **options: Any) -> Measurement:
    return measure(video, method=method, faces=WholeFrame(), **options)


def same(first: Measurement, second: Measurement) -> None:
    for name in ("times_s", "boxes", "colour", "pulse", "valid"):
        one, other = (getattr(each.observation, name) for each in (first, second))
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert first.rate == second.rate
    for name in ("frames", "duration_s", "source_hz"):
        assert getattr(first.observation, name) == getattr(second.observation, name)


def test_a_file_and_its_frames_are_one_video(frames: np.ndarray, tmp_path: Path) -> None:
    """Decoded frames with the file's own times, uneven ones, give the file's numbers to the bit."""
    times = np.arange(len(frames)) / 30
    times[1::2] += 0.005
    path = videos.write(tmp_path / "a.mp4", frames, times)
    clips = list(read_clips(path))
    decoded = torch.cat([clip.frames for clip in clips]).permute(0, 2, 3, 1)
    times_s = torch.cat([clip.times_s for clip in clips])
    whole = look(path, "phasenet")
    same(whole, look(decoded.numpy(), "phasenet", times_s=times_s.numpy()))
    same(whole, look(str(path), "phasenet"))
    same(whole, look(decoded, "phasenet", times_s=times_s))
    same(whole, look(iter(decoded.numpy()), "phasenet", times_s=iter(times_s.tolist())))


def test_ways_to_give_frames_agree(frames: np.ndarray) -> None:
    whole = look(frames, sample_hz=30.0)
    clip = Clip(
        frames=torch.from_numpy(frames).permute(0, 3, 1, 2),
        times_s=torch.arange(len(frames), dtype=torch.float64) / 30.0,
    )
    bgr = frames[..., ::-1]
    frozen = frames.copy()
    frozen.flags.writeable = False
    for other in (
        look(list(frames), sample_hz=30.0),
        look((frame for frame in frames), sample_hz=30.0),
        look((frame[..., ::-1] for frame in bgr), sample_hz=30.0),
        look(frozen, sample_hz=30.0),
        look(frames, times_s=[i / 30.0 for i in range(len(frames))]),
        look(clip),
    ):
        same(whole, other)


def test_results_count_time_from_the_first_frame(frames: np.ndarray) -> None:
    times = np.arange(len(frames)) / 32.0  # exact in binary, so that the sum is too
    early, late = (look(frames, times_s=times + since) for since in (0.0, 1_700_000_000.0))
    same(early, late)
    clip = Clip(
        frames=torch.from_numpy(frames).permute(0, 3, 1, 2),
        times_s=torch.from_numpy(times + 4096.0),
    )
    same(early, look(clip))


def test_frames_are_read_one_by_one_and_not_kept(frames: np.ndarray) -> None:
    """A buffer that is used again for every frame, as cameras do, changes nothing."""
    buffer = np.empty_like(frames[0])

    def camera() -> Iterator[np.ndarray]:
        for frame in frames:
            buffer[...] = frame
            yield buffer

    same(look(frames, sample_hz=30.0), look(camera(), sample_hz=30.0))


def test_a_retimed_array_has_the_retimed_rate(frames: np.ndarray) -> None:
    slow, fast = (look(frames, sample_hz=rate).rate.estimate_bpm for rate in (24.0, 30.0))
    assert slow is not None and fast is not None
    assert slow == pytest.approx(fast * 24 / 30, abs=1.0)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_frames_and_is_named_in_the_docstring(
    frames: np.ndarray, method: str
) -> None:
    assert look(frames, method, sample_hz=30.0).method == method
    assert measure.__doc__ is not None and f"``{method}``" in measure.__doc__


def grey(frames: np.ndarray) -> np.ndarray:
    return frames[..., 0]


WRONG: list[tuple[Callable[[np.ndarray], Any], dict[str, Any], type[PulsePhaseError], str]] = [
    (lambda f: f, {}, ParameterError, "neither of times_s and sample_hz is given; give times_s"),
    (lambda f: f, {"sample_hz": 30.0, "times_s": [0.0]}, ParameterError, "both of times_s"),
    (lambda f: f, {"sample_hz": 0.0}, SamplingError, "sample_hz is 0.0; it must be positive"),
    (lambda f: f, {"sample_hz": float("nan")}, SamplingError, "sample_hz is nan"),
    (lambda f: f, {"times_s": 30.0}, ParameterError, "times_s is 30.0; give one time in s"),
    (lambda f: f, {"times_s": [0.0, 0.1]}, ShapeError, "2 times for 240 frames"),
    (lambda f: list(f), {"times_s": np.arange(241)}, ShapeError, "241 times for 240 frames"),
    (lambda f: list(f), {"times_s": iter([0.0, 0.1])}, ShapeError, "2 times, and there are more"),
    (lambda f: f, {"times_s": np.zeros(240)}, SamplingError, r"times_s\[1\] is 0.0 after 0.0"),
    (lambda f: f, {"times_s": np.full(240, np.nan)}, SamplingError, r"times_s\[0\] is nan; times"),
    (grey, {"sample_hz": 30.0}, ShapeError, r"\(240, 36, 36\).*without colour"),
    (lambda f: f.transpose(0, 3, 1, 2), {"sample_hz": 30.0}, ShapeError, r"transpose\(0, 2, 3, 1"),
    (lambda f: np.pad(f, [(0, 0)] * 3 + [(0, 1)]), {"sample_hz": 30.0}, ShapeError, r"\[..., :3\]"),
    (lambda f: f / 255, {"sample_hz": 30.0}, ShapeError, "float64; give uint8 in 0..255"),
    (lambda f: f.astype(np.int32), {"sample_hz": 30.0}, ShapeError, "int32; give uint8"),
    (lambda f: f[:0], {"sample_hz": 30.0}, ShapeError, r"\(0, 36, 36, 3\)"),
    (lambda f: f[:1], {"sample_hz": 30.0}, InputError, "holds 1 frames; give at least two"),
    (lambda f: [], {"sample_hz": 30.0}, InputError, "iterator of frames holds 0 frames"),
    (lambda f: f[:90], {"sample_hz": 30.0}, InputError, "array of frames lasts 3.0 s"),
    (lambda f: [*f[:9], f[0, :9]], {"sample_hz": 30.0}, ShapeError, "frame 9 has shape .*one size"),
    (lambda f: [f[0] / 255.0], {"sample_hz": 30.0}, ShapeError, "frame 0 are float64; give uint8"),
    (lambda f: [f[0, 0]], {"sample_hz": 30.0}, ShapeError, r"frame 0 has shape \(36, 3\)"),
    (lambda f: ["a.mp4"], {"sample_hz": 30.0}, ShapeError, "frame 0 is str; give arrays"),
    (lambda f: 3, {}, ParameterError, "the video is int; give a path, a Clip, an array"),
    (lambda f: b"a.mp4", {}, ParameterError, "the video is bytes"),
    (lambda f: "a.mp4", {"sample_hz": 30.0}, ParameterError, "sample_hz is given, but a file has"),
    (lambda f: Path("a"), {"times_s": [0.0]}, ParameterError, "times_s is given, but a file has"),
    (lambda f: f, {"sample_hz": 30.0, "min_quality": 2.0}, ParameterError, "min_quality is 2.0"),
    (lambda f: f, {"sample_hz": 30.0, "method": "deep"}, ParameterError, "no method 'deep'"),
]


@pytest.mark.parametrize(("change", "options", "error", "words"), WRONG)
def test_what_cannot_be_measured_is_refused_with_what_to_do(
    frames: np.ndarray,
    change: Callable[[np.ndarray], Any],
    options: dict[str, Any],
    error: type[PulsePhaseError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        look(change(frames), **options)


def test_nothing_is_read_before_the_arguments_are_good() -> None:
    def never() -> Iterator[np.ndarray]:
        raise AssertionError("a frame was asked for")
        yield

    with pytest.raises(ParameterError, match="neither"):
        open_footage(never())
    with pytest.raises(SamplingError):
        open_footage(never(), sample_hz=-1.0)
    open_footage(never(), sample_hz=30.0)
