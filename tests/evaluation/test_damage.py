"""What is damaged, or no label, is named and left out; what is built again is whole."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import recordings

from pulsephase.checks import still
from pulsephase.cli import main
from pulsephase.errors import InputError
from pulsephase.evaluation.cases import CachedCases, Case
from pulsephase.evaluation.label_checks import label_facts, label_problems
from pulsephase.evaluation.stretches import cut
from pulsephase.models.config import TINY
from pulsephase.training.caches import open_cache
from pulsephase.training.config import CachedSource
from pulsephase.video.datasets.cache import Cache, build_cache
from pulsephase.video.datasets.recording import make_label

RATE = 30.0


def zero_frames(folder: Path) -> None:
    """Overwrite what is not the header with zeros, as a bad disk does."""
    path = folder / "frames.npy"
    content = bytearray(path.read_bytes())
    content[2000:60_000] = bytes(len(content[2000:60_000]))
    path.write_bytes(content)


def scratch_labels(folder: Path) -> None:
    path = folder / "labels.npy"
    content = bytearray(path.read_bytes())
    content[400:800] = bytes([63]) * 400
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [zero_frames, scratch_labels])
def test_a_damaged_recording_is_named_counted_and_healed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    """85,000 bytes of zeros in a cache gave a result and exit code 0."""
    made = [recordings.recording(number, seconds=12.0) for number in (1, 2)]
    cache = recordings.cached(tmp_path / "set", made)
    damage(cache / "clips" / "subject1")
    words = ["evaluate", "--method", "green", "--cache", str(cache), "--json"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    (row,) = json.loads(out)["results"]
    assert row["clips"] == 1
    assert [each["clip"] for each in row["lost"]] == ["subject1"]
    assert "subject1 is damaged" in err
    cases = CachedCases(Cache(cache))
    assert [each.name for each in cases.entries] == ["subject2"]
    with pytest.raises(InputError, match="subject1 is damaged"):
        CachedCases(Cache(cache), entries=Cache(cache).entries[:1])
    report = build_cache(
        tmp_path / "set", dataset=recordings.made_set(made), out=cache, size=8, faces="whole"
    )
    assert [fate.kept for fate in report.recordings] == [False, True]
    assert main(words) == 0


def test_training_leaves_a_damaged_recording_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = [recordings.recording(number, seconds=12.0) for number in (1, 2)]
    cache = recordings.cached(tmp_path / "set", made, size=36)
    zero_frames(cache / "clips" / "subject2")
    found = open_cache(CachedSource(cache=str(cache)), network=TINY, frames=200)
    assert [entry.name for entry in found.training] == ["subject1"]
    assert list(found.damaged) == ["subject2"]
    assert "subject2 is damaged" in caplog.text
    assert len(found.read(found.training[0]).frames) == 360


def standing(seconds: float = 40.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, a wave whose last value is held for 14 s, and the same with NaN there."""
    times = np.arange(round(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * 1.2 * times)
    gone = (times >= 12) & (times < 26)
    return times, np.where(gone, wave[gone.argmax() - 1], wave), np.where(gone, np.nan, wave)


def test_a_label_that_stands_still_is_named_and_left_out() -> None:
    times, held, gone = standing()
    label = make_label(Path("subject1/ground_truth.txt"), times, held)
    assert label.still_s == pytest.approx(14.0, abs=0.1)
    assert np.isnan(label.wave[np.isnan(gone)]).all()
    assert np.isfinite(label.wave).sum() >= np.isfinite(gone).sum() - 1
    texts = [problem.text for problem in label_problems(label, label_facts(label))]
    assert any("stands still for 14.0 s" in text for text in texts)
    assert any("stands still for 14.0 s" in note for note in label.notes)


def test_a_short_plateau_and_a_flat_wave_are_what_they_were() -> None:
    times = np.arange(600) / RATE
    clipped = np.clip(np.sin(2 * np.pi * 1.2 * times), -0.5, 0.5)
    assert not still(clipped, times).any()
    assert make_label(Path("a"), times, clipped).still_s == 0
    flat = make_label(Path("a"), times, np.full(600, 3.0))
    assert flat.still_s == 0 and np.isfinite(flat.wave).all()


def test_what_stands_still_does_not_count() -> None:
    """It gave an error of 7.86 bpm where 0.01 is right."""
    times, held, gone = standing()
    case = Case(
        name="a",
        subject="a",
        crops={8: np.zeros((len(times), 3, 8, 8), np.uint8)},
        times_s=times,
        face=np.ones(len(times), dtype=bool),
        label=held,
    )
    right = cut(replace(case, label=gone), {"m": np.sin(2 * np.pi * 1.2 * times)}, sample_hz=RATE)
    found = cut(case, {"m": np.sin(2 * np.pi * 1.2 * times)}, sample_hz=RATE)
    assert len(found.parts) == len(right.parts) == 2
    for one, other in zip(found.parts, right.parts, strict=True):
        assert abs(len(one.label) - len(other.label)) <= 1


def test_a_cache_of_such_a_label_has_no_pulse_there(tmp_path: Path) -> None:
    times, held, _ = standing()
    whole = recordings.recording(1, seconds=40.0)
    made = replace(whole, read_label=lambda: make_label(Path("a"), times, held))
    cache = Cache(recordings.cached(tmp_path / "set", [made]))
    clip = cache.read("subject1")
    inside = (clip.times_s > 12.1) & (clip.times_s < 25.9)
    assert np.isnan(clip.pulse[inside]).all()
    assert cache.entries[0].pulse_share == pytest.approx(26 / 40, abs=0.01)
