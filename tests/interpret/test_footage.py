"""The user's videos as operating points: what is read, what counts, what is left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import videos

from pulsephase.errors import InputError
from pulsephase.interpret import context
from pulsephase.interpret import context as contexts
from pulsephase.interpret import response as responses
from pulsephase.interpret.context import Budget, clips_of, footage_context, has_pulse
from pulsephase.interpret.response import clips_with_pulse
from pulsephase.interpret.subject import Foreign
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.scene import render_scene
from pulsephase.synthetic.write import pixels_of

LITTLE = Budget(clips=2, frames=110, times=2, draws=5, resamples=30, quick=True)
SUBJECT = Foreign(
    function=lambda frames: frames[:, :, 1].mean((2, 3)), name="green", size=12, sample_hz=30.0
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Film of a face with a clear pulse, 8 s, its truth unknown."""
    easy = preset("easy", seconds=8.0)
    clear = replace(
        easy,
        pulse=replace(easy.pulse, heart_rate_bpm=(66.0, 66.0), amplitude=(0.015, 0.015), drift=0.0),
        face=replace(easy.face, fill=(0.85, 0.9)),
    )
    made = render_scene(4, clear, width=320, height=240)
    path = tmp_path_factory.mktemp("film") / "face.mp4"
    return videos.write(path, list(pixels_of(made)), made.times_s.tolist())


def test_footage_is_read_until_enough_clips_with_a_pulse_are_held(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(LITTLE, clips=1, frames=200)
    read: list[Path] = []

    def counted(path: Path, **options: Any) -> Any:
        read.append(path)
        return clips_of(path, **options)

    monkeypatch.setattr(context, "clips_of", counted)
    found = footage_context(SUBJECT, [recording, recording], budget=asked)
    assert read == [recording]  # the second is not opened
    (clip,) = found.clips
    assert clip.frames.shape == (200, 3, SUBJECT.size, SUBJECT.size)
    assert has_pulse(clip, sample_hz=30.0) and found.left_out == 0
    both = footage_context(SUBJECT, [recording, recording], budget=replace(asked, clips=5))
    assert len(both.clips) == 2 and clips_with_pulse(both) == [True, True]
    assert both.clips[0].source == "face.mp4 at 0.0 s"


def test_clips_without_a_pulse_are_no_operating_points_unless_the_user_says_so(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(LITTLE, clips=4, frames=60)
    answers = iter([False, True, False, True] * 2)
    monkeypatch.setattr(contexts, "has_pulse", lambda clip, sample_hz: next(answers))
    found = footage_context(SUBJECT, [recording], budget=asked)
    assert (len(found.clips), found.left_out) == (2, 2)
    monkeypatch.setattr(contexts, "has_pulse", lambda clip, sample_hz: False)
    monkeypatch.setattr(responses, "has_pulse", lambda clip, sample_hz: False)
    silent = footage_context(SUBJECT, [recording], budget=replace(asked, clips=3))
    assert len(silent.clips) == 3 and silent.left_out == 0
    assert clips_with_pulse(silent) == [False] * 3
    told = footage_context(SUBJECT, [recording], budget=asked, assume_pulse=True)
    assert len(told.clips) == 4 and clips_with_pulse(told) == [True] * 4
    with pytest.raises(InputError, match="shows a face for 33"):
        footage_context(SUBJECT, [recording], budget=replace(asked, frames=1000))
