"""The clips of a training are a function of seed and number; the test split cannot be reached."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from recordings import made_cache, made_set, recording
from trainings import FRAMES, SMALL, small, split_file, synthetic

from pulsephase.errors import InputError, ParameterError
from pulsephase.models.losses import LossWeights
from pulsephase.models.phasenet import PhaseNet
from pulsephase.training.caches import open_cache
from pulsephase.training.config import CachedSource, Network
from pulsephase.training.fit import epochs, fit, prepare
from pulsephase.training.module import aligned, batch_losses
from pulsephase.training.network import network_config
from pulsephase.training.sources import Feed, Mixture, Parts, Recorded, Rendered, collate, label_bpm
from pulsephase.video.datasets.cache import Cache, build_cache
from pulsephase.video.datasets.entry import folder_of

NETWORK = network_config(Network(overrides=SMALL))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four subjects of 20 seconds."""
    return made_cache(tmp_path_factory.mktemp("data"), subjects=4, seconds=20.0, size=12)


def recorded(cache: Path, *, seed: int = 0, split: str = "") -> Recorded:
    source = CachedSource(cache=str(cache), split=split)
    readable = open_cache(source, network=NETWORK, frames=FRAMES)
    return Recorded(readable=readable, share=1.0, frames=FRAMES, seed=seed, lag_frames=0.0)


def names(parts: Parts, numbers: range) -> list[str]:
    return [name for number in numbers for name in parts[number]["names"]]


def parts(mixture: Mixture, *, ranks: int, accumulate: int, rank: int = 0) -> Parts:
    return Parts(
        mixture=mixture,
        size=8 // (ranks * accumulate),
        accumulate=accumulate,
        rank=rank,
        ranks=ranks,
    )


def test_the_clips_of_a_step_are_the_same_however_they_are_shared_out(cache: Path) -> None:
    mixture = Mixture(sources=(recorded(cache),), seed=0)
    alone = names(parts(mixture, ranks=1, accumulate=1), range(1, 2))
    assert len(alone) == len(set(alone)) == 8
    for ranks, accumulate in ((1, 4), (2, 1), (2, 2), (4, 2)):
        step = range(accumulate, 2 * accumulate)
        shared = [
            name
            for rank in range(ranks)
            for name in names(parts(mixture, ranks=ranks, accumulate=accumulate, rank=rank), step)
        ]
        assert sorted(shared) == sorted(alone)


def test_another_seed_is_another_sequence_and_the_same_seed_the_same(cache: Path) -> None:
    first, again, other = (
        [recorded(cache, seed=seed).training(index)["name"] for index in range(20)]
        for seed in (0, 0, 1)
    )
    assert first == again and first != other


def test_an_epoch_visits_each_recording_as_often_as_its_length_asks(cache: Path) -> None:
    source = recorded(cache)
    assert source.windows == 4 * (600 // FRAMES)
    for epoch in (0, 1):
        drawn = range(epoch * source.windows, (epoch + 1) * source.windows)
        visits = [str(source.training(index)["name"]).split(" from ")[0] for index in drawn]
        assert {visits.count(name) for name in set(visits)} == {4} and len(set(visits)) == 4


def test_a_mixture_takes_its_shares(cache: Path) -> None:
    config = small(
        cached=(CachedSource(cache=str(cache), share=3.0, lag_frames=0.0),),
        sources=(synthetic(share=1.0),),
    )
    mixture = prepare(config).mixture
    drawn = [str(mixture.training(index)["name"]) for index in range(60)]
    share = np.mean([name.startswith("made/") for name in drawn])
    assert share == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 60))
    batch = collate([mixture.training(drawn.index(n)) for n in (drawn[0], max(drawn), min(drawn))])
    assert batch["frames"].dtype == torch.float32 and float(batch["frames"].max()) <= 1
    assert batch["frames"].shape == (3, FRAMES, 3, 12, 12)


def test_a_window_holds_what_the_cache_does(cache: Path) -> None:
    clip = recorded(cache).training(3)
    where = str(clip["name"]).removeprefix("made/")
    name, start = where.split(" from frame ")
    held = Cache(cache).read(name)
    window = slice(int(start), int(start) + FRAMES)
    np.testing.assert_array_equal(clip["frames"].numpy(), held.frames[window])
    np.testing.assert_array_equal(clip["pulse"].numpy(), held.pulse[window])
    assert clip["frames"].dtype == torch.uint8 and bool(clip["counts"].all())
    number = int(name.removeprefix("subject"))
    assert float(clip["heart_rate_bpm"]) == pytest.approx(60 + 10 * number, abs=1)


def test_lost_faces_and_missing_labels_do_not_count(cache: Path, tmp_path: Path) -> None:
    shutil.copytree(cache, tmp_path / "c")
    for number in range(1, 5):
        path = tmp_path / "c" / "clips" / f"subject{number}" / "labels.npy"
        labels = np.load(path)
        labels[:300, 2:] = np.nan  # no face for ten seconds
        labels[500:520, 0] = np.nan  # no pulse for less than one
        np.save(path, labels)
        entry = json.loads((path.parent / "entry.json").read_text())
        entry["sha256"]["labels.npy"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (path.parent / "entry.json").write_text(json.dumps(entry))
    source = recorded(tmp_path / "c")
    for index in range(8):
        clip = source.training(index)
        _, start = str(clip["name"]).removeprefix("made/").split(" from frame ")
        at = np.arange(int(start), int(start) + FRAMES)
        wanted = (at >= 300) & ~((at >= 500) & (at < 520))
        if wanted.mean() < 0.5:
            assert not clip["counts"].any()  # no window of eight was better
        else:
            np.testing.assert_array_equal(clip["counts"].numpy(), wanted)
        assert bool(torch.isfinite(clip["pulse"]).all())


def test_labels_are_moved_by_the_lag(cache: Path) -> None:
    late = replace(recorded(cache), lag_frames=3.0)
    plain, moved = recorded(cache).training(1), late.training(1)
    assert plain["name"] == moved["name"]
    np.testing.assert_allclose(moved["pulse"][:-3], plain["pulse"][3:], atol=1e-6)


def test_the_target_is_delayed_and_spoken_for_at_both_ends() -> None:
    pulse = torch.arange(20.0)[None]
    counts = torch.ones(1, 20, dtype=torch.bool)
    counts[0, [7, 12]] = False
    target, known = aligned(pulse, counts, warmup=6, delay=4)
    assert target[0].tolist() == list(range(2, 16))
    lost = [time for time, yes in zip(range(6, 20), known[0].tolist(), strict=True) if not yes]
    assert lost == [7, 11, 12, 16]


class Delayed(PhaseNet):
    """Knows the pulse, and says it ``config.delay`` frames late."""

    def __init__(self, pulse: torch.Tensor) -> None:
        super().__init__(NETWORK)
        self.pulse = pulse

    def forward(self, frames: torch.Tensor, times_s: torch.Tensor | None = None) -> torch.Tensor:
        return self.pulse.roll(self.config.delay, 1).float()


def test_a_network_that_says_the_pulse_late_as_asked_has_no_loss() -> None:
    config = small(sources=(synthetic(no_pulse=0.0),))
    mixture = prepare(config).mixture
    batch = collate([mixture.training(0), mixture.training(1)])
    blind = LossWeights(rate=0.0, scale=0.0)
    right, _ = batch_losses(Delayed(batch["pulse"]), batch, weights=blind, device="cpu")
    early = Delayed(batch["pulse"].roll(4, 1))
    wrong, _ = batch_losses(early, batch, weights=blind, device="cpu")
    assert float(right.max()) < 1e-4 and float(wrong.min()) > 0.05


def test_the_test_split_cannot_be_read(cache: Path, tmp_path: Path) -> None:
    """Its arrays are ruined: the training does not notice, since it never looks."""
    shutil.copytree(cache, tmp_path / "c")
    split = split_file(
        tmp_path / "s.json",
        train=["subject1", "subject2"],
        validation=["subject3"],
        test=["subject4"],
    )
    for name in ("frames.npy", "labels.npy", "times.npy"):
        (tmp_path / "c" / "clips" / "subject4" / name).write_bytes(b"secret")
    source = CachedSource(cache=str(tmp_path / "c"), split=split)
    result = fit(small(cached=(source,), sources=(), steps=2))
    assert result.described["recorded"][0]["training"] == ["subject1", "subject2"]
    assert result.described["recorded"][0]["validation"] == ["subject3"]
    readable = recorded(tmp_path / "c", split=split).readable
    secret = next(e for e in Cache(tmp_path / "c").entries if e.subject == "subject4")
    with pytest.raises(ParameterError, match="test split"):
        readable.read(secret)
    with pytest.raises(InputError, match="damaged"):
        Cache(tmp_path / "c").read("subject4")


def test_held_out_clips_are_those_of_the_validation_subjects(cache: Path, tmp_path: Path) -> None:
    split = split_file(tmp_path / "s.json", train=["subject1"], validation=["subject2", "subject3"])
    rest = {"leave_out": ["subject4"], "train": ["subject1"], "validation": "rest", "test": 0}
    (tmp_path / "s.json").write_text(str(rest).replace("'", '"'))
    first = recorded(cache, seed=0, split=split).held_out(6)
    other = recorded(cache, seed=3, split=split).held_out(6)
    assert [clip["name"] for clip in first] == [clip["name"] for clip in other]
    assert len({clip["name"] for clip in first}) == 6
    assert {str(clip["name"]).split(" ")[0] for clip in first} == {"made/subject2", "made/subject3"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": Network(overrides={**SMALL, "size": 16})}, "12 px.*16 px"),
        ({"network": Network(overrides={**SMALL, "sample_hz": 25.0})}, "30 Hz.*25 Hz"),
        ({"frames": 100}, "at least 5 s"),
        ({"frames": 700}, r"subject1 \(600\)"),
    ],
)
def test_what_does_not_fit_is_said_before_the_start(
    cache: Path, change: dict[str, object], message: str
) -> None:
    config = small(cached=(CachedSource(cache=str(cache)),), sources=())
    network = change.get("network", config.network)
    data = replace(config.data, frames=change.get("frames", FRAMES))
    with pytest.raises((ParameterError, InputError), match=message):
        fit(replace(config, network=network, data=data))


def test_a_split_without_anybody_to_train_on_is_refused(cache: Path, tmp_path: Path) -> None:
    everybody = [f"subject{number}" for number in range(1, 5)]
    split = split_file(tmp_path / "s.json", test=everybody)
    with pytest.raises(ParameterError, match="train"):
        recorded(cache, split=split)
    with pytest.raises(ParameterError, match="no split 'published'"):
        recorded(cache, split="published")
    with pytest.raises(InputError, match="no cache"):
        recorded(tmp_path)


def test_a_recording_without_a_label_is_named(tmp_path: Path) -> None:
    label = recording(1).read_label()
    bare = replace(
        recording(2, seconds=6.0),
        read_label=lambda: replace(label, times_s=label.times_s + 100),
    )
    made = made_set([recording(1, seconds=6.0), bare])
    build_cache(tmp_path, dataset=made, out=tmp_path / "c", size=12, faces="whole")
    with pytest.raises(InputError, match="without a label: subject2;"):
        recorded(tmp_path / "c")


def test_a_folder_that_cannot_be_written_is_said_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        fit(small(), folder=tmp_path / "file" / "run")


def test_twenty_steps_on_recordings(cache: Path) -> None:
    """The loss falls, on the very clips that it is trained on."""
    config = small(
        cached=(CachedSource(cache=str(cache)),), sources=(), steps=20, batch=4, validate_every=10
    )
    history = fit(config).history
    assert [row["step"] for row in history] == [10, 20]
    assert history[1]["loss"] < history[0]["loss"]


def test_an_epoch_is_as_many_steps_as_its_windows_fill(cache: Path) -> None:
    config = small(cached=(CachedSource(cache=str(cache)),), sources=(), batch=3)
    assert epochs(config, 2).optimiser.steps == 11  # 32 windows of three
    with pytest.raises(ParameterError, match="give steps"):
        epochs(small(), 2)


def test_the_rate_of_a_label_with_gaps() -> None:
    wave = np.sin(2 * np.pi * 1.5 * np.arange(240) / 30)
    wave[50:70] = np.nan
    assert label_bpm(wave, sample_hz=30.0) == pytest.approx(90, abs=2)
    wave[:130] = np.nan
    assert np.isnan(label_bpm(wave, sample_hz=30.0))


def test_memory_is_flat_over_an_epoch(cache: Path) -> None:
    """No window keeps a recording mapped, nor a copy of more than itself."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("no /proc on this system")
    source = recorded(cache)
    kept = [source.training(index) for index in range(2 * source.windows)]
    assert str(cache / "clips") not in maps.read_text()
    largest = max(clip["frames"].untyped_storage().nbytes() for clip in kept)
    assert largest == FRAMES * 3 * 12 * 12


class Slow(Mixture):
    """Takes its time."""

    def training(self, index: int) -> dict[str, object]:
        time.sleep(0.02)
        return {"x": torch.zeros(1), "frames": torch.zeros(1), "name": str(index)}


def test_the_time_spent_waiting_for_clips_is_counted() -> None:
    slow = object.__new__(Slow)
    feed = Feed(
        Parts(mixture=slow, size=2, accumulate=1, rank=0, ranks=1), start=3, stop=5, workers=0
    )
    batches: Iterator[dict[str, object]] = iter(feed)
    assert [batch["names"] for batch in batches] == [["6", "7"], ["8", "9"]]
    assert feed.waited_s >= 4 * 0.02


def test_clips_are_rendered_where_they_are_used_and_by_workers_on_the_cpu(cache: Path) -> None:
    def where(workers: int, *cached: CachedSource) -> str:
        config = small(cached=cached, device="cuda", workers=workers)
        (rendered,) = (s for s in prepare(config).mixture.sources if isinstance(s, Rendered))
        return rendered.device

    assert where(0) == "cuda"
    assert where(1) == "cpu"
    assert where(0, CachedSource(cache=str(cache), lag_frames=0.0)) == "cpu"


def test_names_with_slashes_are_folders_of_their_own() -> None:
    assert "/" not in folder_of("a/b")
