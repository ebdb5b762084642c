"""Each set's look-alike, end to end: written, read, cached, its pulse where it was planted."""

from pathlib import Path

import lookalikes
import numpy as np
import pytest

from pulsephase.errors import InputError, MissingExtraError, ParameterError
from pulsephase.synthetic import lookalike as module
from pulsephase.synthetic.folder import checksum
from pulsephase.synthetic.lookalike import LAG_S, fake, takes_of
from pulsephase.video.datasets.cache import Cache, build_cache
from pulsephase.video.datasets.registry import DATASETS, dataset
from pulsephase.video.datasets.splits import split
from pulsephase.vitals.timing import find_lag

NAMES = {
    "ubfc": ["subject1", "subject2", "subject3"],
    "ubfc1": ["1-gt", "2-gt", "3-gt"],
    "pure": ["01-01", "01-03", "02-01", "02-03", "03-01", "03-03"],
    "mmpd": ["p1_0", "p1_1", "p2_0", "p2_1", "p3_0", "p3_1"],
    "buaa": [f"Sub {n:02d}/lux {lux}" for n in (1, 2, 3) for lux in ("1.0", "10.0")],
    "scamps": ["P000001", "P000002", "P000003"],
    "samples": ["sample_1", "sample_2", "sample_3"],
}


@pytest.fixture(scope="module", params=sorted(NAMES))
def cached(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cache:
    name = request.param
    if name == "scamps":
        pytest.importorskip("h5py")
    folder = tmp_path_factory.mktemp(name)
    return Cache(lookalikes.lookalike_cache(folder, name, seconds=1.5, conditions=2))


def test_every_recording_of_every_set_is_cached_with_face_and_pulse(cached: Cache) -> None:
    assert sorted(entry.name for entry in cached.entries) == NAMES[cached.dataset]
    assert cached.failed == {}
    for entry in cached.entries:
        assert entry.frames in (44, 45)  # the last frame may come early, where times jitter
        assert entry.face_share == 1.0
        assert entry.pulse_share > 0.9
    assert len({entry.subject for entry in cached.entries}) == 3


def test_the_pulse_in_the_crops_is_the_label_a_finger_later(cached: Cache) -> None:
    """The mean green of the crops falls as the blood comes; the finger is 0.1 s behind."""
    lags, agreement = [], []
    for entry in cached.entries:
        clip = cached.read(entry.name)
        known = np.isfinite(clip.pulse)
        green = -clip.frames[:, 1].mean((1, 2), dtype=np.float64)[known]
        trend = np.arange(len(green))
        green -= np.polyval(np.polyfit(trend, green, 2), trend)
        wave = clip.pulse[known].astype(np.float64)
        found = find_lag(green, wave, sample_hz=cached.sample_hz, most_s=8 / 30)
        lags.append(found.seconds)
        agreement.append(found.correlation)
    assert np.median(agreement) > 0.6, agreement
    assert np.median(lags) == pytest.approx(LAG_S, abs=0.04), lags


def test_the_default_split_divides_it(cached: Cache) -> None:
    if cached.dataset == "samples":
        pytest.skip("its split names two clips")
    parts = split(cached.dataset, "default", [entry.subject for entry in cached.entries])
    found = [
        entry.name
        for part in ("train", "validation", "test")
        for entry in parts.select(part, cached.entries)
    ]
    assert sorted(found) == NAMES[cached.dataset]


def test_labels_on_clocks_of_their_own_hold_the_planted_rate(cached: Cache) -> None:
    has_display = cached.dataset not in ("mmpd", "scamps")
    for entry in cached.entries:
        shown = cached.read(entry.name).device_bpm
        assert (shown is not None) == has_display
        assert shown is None or 40 < np.nanmean(shown) < 140
    timing = {"mmpd": "by frame", "scamps": "by frame", "buaa": "by length"}
    assert {entry.timing for entry in cached.entries} == {timing.get(cached.dataset, "by time")}


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("mmpd", "buaa"):
        for out in ("a", "b"):
            fake(name, tmp_path / f"{name}-{out}", subjects=1, seconds=1.0, scene=(64, 64))
        assert checksum(tmp_path / f"{name}-a") == checksum(tmp_path / f"{name}-b")


def test_one_person_has_one_face_and_a_rate_for_each_condition(tmp_path: Path) -> None:
    root = lookalikes.lookalike(tmp_path, "pure", subjects=2, seconds=1.0)
    first, other, stranger, _ = dataset("pure").find(root)
    images = [next(iter(item.clips())).frames[0].double() for item in (first, other, stranger)]
    assert (images[0] - images[1]).abs().mean() < (images[0] - images[2]).abs().mean()
    rates = [item.label().device_bpm.mean() for item in (first, other)]
    assert rates[1] == pytest.approx(1.12 * rates[0], rel=0.03)


def test_what_cannot_be_made_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        takes_of("buaa", subjects=3, conditions=9) == 12
        and takes_of("ubfc", subjects=3, conditions=9) == 3
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        fake("ubfc", tmp_path / "mine")
    with pytest.raises(ParameterError, match="no data set 'cohface'"):
        fake("cohface", tmp_path / "out")
    for changes in ({"subjects": 0}, {"seconds": 0.5}, {"scene": (32, 64)}, {"seed": -1}):
        with pytest.raises(ParameterError, match="must be at least"):
            fake("ubfc", tmp_path / "out", **changes)

    def full(*arguments: object, **settings: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    with pytest.raises(InputError, match="No space left on device"):
        fake("ubfc", tmp_path / "out")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtraError, match="h5py"):
        fake("scamps", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_set_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    root = lookalikes.lookalike(tmp_path, "ubfc", subjects=1, seconds=1.0)
    for name in set(DATASETS) - {"ubfc"}:
        with pytest.raises(InputError, match="is no "):
            build_cache(root, dataset=dataset(name), out=tmp_path / "cache", size=8)
    assert not (tmp_path / "cache").exists()
