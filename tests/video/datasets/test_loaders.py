"""Each reader against hand-made files of the documented layout, its known faults among them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from datasets_by_hand import (
    FRAMES,
    HEIGHT,
    HZ,
    avi,
    buaa,
    frames,
    mmpd,
    mmpd_content,
    pure,
    ubfc,
    ubfc1,
    wave,
)

from pulsephase.errors import InputError, MissingExtraError, ParameterError
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.cache import build_cache
from pulsephase.video.datasets.mmpd import widened
from pulsephase.video.datasets.recording import Recording
from pulsephase.video.datasets.registry import DATASETS, dataset


def read(recording: Recording) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return frames as time, height, width, 3; times; and what was said."""
    said: list[str] = []
    clips = list(recording.clips(say=said.append))
    pixels = torch.cat([clip.frames for clip in clips]).permute(0, 2, 3, 1).numpy()
    return pixels, torch.cat([clip.times_s for clip in clips]).numpy(), said


def one(name: str, root: Path) -> Recording:
    found = dataset(name).find(root)
    assert len(found) == 1
    return found[0]


def test_ubfc_frames_have_the_times_of_the_label_not_of_the_avi(tmp_path: Path) -> None:
    ubfc(tmp_path, step_s=0.04)  # the AVI says 30 a second
    recording = one("ubfc", tmp_path)
    pixels, times_s, said = read(recording)
    np.testing.assert_array_equal(pixels, frames())
    np.testing.assert_allclose(times_s, 0.04 * np.arange(FRAMES))
    label = recording.label()
    np.testing.assert_allclose(label.wave, wave(times_s), atol=1e-6)
    assert label.device_bpm is not None and set(label.device_bpm) == {91.0}
    assert (recording.name, recording.subject, said) == ("subject1", "subject1", [])
    assert label.timing == "by time" and label.notes == ()


@pytest.mark.parametrize("hz", [28.67, 29.3, 30.0])
def test_ubfc_a_dropped_frame_shifts_no_other(tmp_path: Path, hz: float) -> None:
    ubfc(tmp_path, step_s=0.04, hz=hz, dropped=(7, 8, 30))
    pixels, times_s, _ = read(one("ubfc", tmp_path))
    shown = np.delete(np.arange(FRAMES), [7, 8, 30])
    np.testing.assert_array_equal(pixels[:, -1, -1, 1], 40 + shown)
    np.testing.assert_allclose(times_s, 0.04 * shown, atol=1e-9)


@pytest.mark.parametrize("columns", [FRAMES - 9, FRAMES + 9])
def test_ubfc_label_of_another_length_is_said_and_each_keeps_its_clock(
    tmp_path: Path, columns: int
) -> None:
    ubfc(tmp_path, columns=columns)
    _, times_s, said = read(one("ubfc", tmp_path))
    np.testing.assert_allclose(times_s, np.arange(FRAMES) / HZ, atol=1e-9)
    assert f"announces {FRAMES} frames, ground_truth.txt holds {columns} columns" in said[0]


def test_ubfc_times_that_do_not_rise_are_said(tmp_path: Path) -> None:
    folder = ubfc(tmp_path)
    rows = np.loadtxt(folder / "ground_truth.txt")
    rows[2, 7] = rows[2, 6]
    np.savetxt(folder / "ground_truth.txt", rows)
    _, times_s, said = read(one("ubfc", tmp_path))
    assert times_s[-1] == pytest.approx((FRAMES - 1) / HZ) and "do not rise" in said[0]
    assert "1 values whose time does not rise" in one("ubfc", tmp_path).label().notes[0]


def test_ubfc_times_in_ms_are_read_as_such_and_said(tmp_path: Path) -> None:
    ubfc(tmp_path, step_s=33.3)
    recording = one("ubfc", tmp_path)
    _, times_s, _ = read(recording)
    assert times_s[1] == pytest.approx(0.0333)
    assert "its times are in ms" in " ".join(recording.read_label().notes)


def test_ubfc_partial_video_keeps_the_times_of_what_is_there(tmp_path: Path) -> None:
    folder = ubfc(tmp_path)
    content = (folder / "vid.avi").read_bytes()
    (folder / "vid.avi").write_bytes(content[: len(content) // 2])
    pixels, times_s, said = read(one("ubfc", tmp_path))
    assert 15 < len(pixels) < 30
    np.testing.assert_allclose(times_s, 0.04 * np.arange(len(pixels)), atol=1e-9)
    assert any("breaks off" in line or "ends after" in line for line in said)


def test_ubfc_faults_name_the_file(tmp_path: Path) -> None:
    folder = ubfc(tmp_path)
    recording = one("ubfc", tmp_path)
    truth = folder / "ground_truth.txt"
    content = truth.read_text()
    for wrong, message in (
        ("", "is empty"),
        ("1 2 3\n4 5 6\n", "holds 2 rows of 3"),
        (content[: len(content) // 2], "holds rows of"),
        ("1 2 x\n1 2 3\n1 2 3\n", "no table of numbers"),
    ):
        truth.write_text(wrong)
        with pytest.raises(InputError, match=rf"ground_truth\.txt.*{message}"):
            recording.label()
    truth.unlink()
    with pytest.raises(InputError, match=r"ground_truth\.txt is missing.*vid\.avi"):
        recording.label()
    (folder / "vid.avi").write_bytes(b"no video at all, but long enough to look at")
    with pytest.raises(InputError, match=r"vid\.avi cannot be read"):
        read(recording)
    (folder / "vid.avi").unlink()
    truth.write_text(content)
    with pytest.raises(InputError, match=r"vid\.avi is missing"):
        read(recording)


@pytest.mark.parametrize("video", ["vid.avi", "vid-12.avi"])
def test_ubfc1_has_a_sensor_with_a_clock_of_its_own(tmp_path: Path, video: str) -> None:
    ubfc1(tmp_path, video=video)
    (tmp_path / "after-exercise").mkdir()  # partly downloaded
    whole, partial = dataset("ubfc1").find(tmp_path)
    pixels, times_s, said = read(whole)
    np.testing.assert_array_equal(pixels, frames())
    np.testing.assert_allclose(times_s, np.arange(FRAMES) / HZ, atol=1e-9)
    label = whole.label()
    assert label.sample_hz == pytest.approx(62.5) and said == []
    np.testing.assert_allclose(label.wave, wave(label.times_s), atol=1e-5)
    assert label.device_bpm is not None and set(label.device_bpm) == {89.0}
    assert partial.name == "after-exercise"
    with pytest.raises(InputError, match=r"gtdump\.xmp is missing \(its folder holds nothing\)"):
        partial.label()
    (tmp_path / "5-gt" / "gtdump.xmp").write_text("0,1,2\n")
    with pytest.raises(InputError, match="holds 3 columns"):
        whole.label()


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("stamped", [False, True])
def test_pure_frames_and_label_share_the_clock_of_the_set(
    tmp_path: Path, inner: bool, stamped: bool
) -> None:
    pure(tmp_path, inner=inner, stamped=stamped)
    recording = one("pure", tmp_path)
    pixels, times_s, said = read(recording)
    np.testing.assert_array_equal(pixels, frames())
    np.testing.assert_allclose(times_s, np.arange(FRAMES) / HZ, atol=2e-9)
    label = recording.label()
    assert label.times_s[0] == pytest.approx(-0.1)  # the sensor ran before the camera
    np.testing.assert_allclose(label.wave, 1000 * wave(label.times_s), atol=1)
    assert label.device_bpm is not None and set(label.device_bpm) == {90.0}
    assert recording.attributes == {"setup": "01", "motion": "steady"}
    assert recording.subject == "01"
    assert said == ([] if stamped else [said[0]]) and (stamped or "those of the label" in said[0])


def test_pure_broken_and_missing_frames_are_said_and_shift_nothing(tmp_path: Path) -> None:
    pure(tmp_path)
    images = sorted((tmp_path / "01-01").glob("*.png"))
    images[0].unlink()
    images[10].write_bytes(images[10].read_bytes()[:60])
    pixels, times_s, said = read(one("pure", tmp_path))
    kept = np.delete(np.arange(FRAMES), [0, 10])
    np.testing.assert_array_equal(pixels[:, 0, 0, 1], 40 + kept)
    np.testing.assert_allclose(times_s, kept / HZ, atol=2e-9)
    assert any("1 of 45 listed frames are not there" in line for line in said)
    assert any("1 frames that cannot be decoded" in line for line in said)


def test_pure_faults_name_the_file(tmp_path: Path) -> None:
    labels = pure(tmp_path, stamped=False)
    recording, content = one("pure", tmp_path), json.loads(labels.read_text())
    for wrong, message in (
        ("{", "is no label of PURE"),
        ("[]", "is no label of PURE"),
        ('{"/FullPackage": []}', "is empty"),
        ('{"/FullPackage": [{"Value": {"waveform": 1}}]}', "no Timestamp"),
        ('{"/FullPackage": [{"Timestamp": 1, "Value": {}}]}', "no 'waveform'"),
    ):
        labels.write_text(wrong)
        with pytest.raises(InputError, match=message):
            recording.label()
    del content["/Image"]
    labels.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"0000\.png hold no times"):
        read(recording)
    with pytest.raises(InputError, match="neither names nor label"):
        recording.label()
    for image in (tmp_path / "01-01").glob("*.png"):
        image.write_bytes(b"")
    labels.write_text(json.dumps({**content, "/Image": [{"Timestamp": n} for n in range(FRAMES)]}))
    with pytest.raises(InputError, match="holds 0 frames that can be decoded"):
        read(recording)
    for image in (tmp_path / "01-01").glob("*.png"):
        image.unlink()
    with pytest.raises(InputError, match="holds no PNG"):
        read(recording)


def test_mmpd_words_are_unwrapped_and_the_squeeze_undone(tmp_path: Path) -> None:
    mmpd(tmp_path)
    recording = one("mmpd", tmp_path)
    assert recording.attributes == {
        "light": "LED-low",
        "motion": "Rotation",
        "exercise": "True",
        "skin_color": "5",
        "gender": "female",
        "glasser": "False",
        "hair_cover": "True",
        "makeup": "False",
    }
    pixels, times_s, said = read(recording)
    assert pixels.shape == (FRAMES, HEIGHT, round(HEIGHT * 16 / 9), 3)
    np.testing.assert_allclose(255 * pixels[:, -1, -1], frames()[:, -1, -1], atol=1e-3)
    np.testing.assert_allclose(times_s, np.arange(FRAMES) / HZ)
    label = recording.label()
    np.testing.assert_allclose(label.wave, wave(times_s))
    assert (label.timing, label.device_bpm, said) == ("by frame", None, [])


def test_a_circle_seen_squeezed_is_a_circle_again() -> None:
    y, x = np.mgrid[:240, :320]
    seen = (((x - 159.5) * 4 / 3) ** 2 + (y - 119.5) ** 2 < 80**2)[..., None] * np.uint8(255)
    disc = widened(np.repeat(seen, 3, 2)[None])[0, ..., 0] > 0.5
    assert disc.any(1).sum() == pytest.approx(disc.any(0).sum(), abs=2)
    natural = np.zeros((1, 180, 320, 3), np.uint8)
    assert widened(natural) is natural


@pytest.mark.parametrize("kind", ["uint8", "float64", "levels"])
def test_mmpd_pixels_of_any_kind_are_the_same(tmp_path: Path, kind: str) -> None:
    video = {
        "uint8": frames(),
        "float64": frames() / 255.0,
        "levels": frames().astype(np.float32),
    }[kind]
    mmpd(tmp_path, video=video)
    pixels, _, said = read(one("mmpd", tmp_path))
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(255 * pixels[:, -1, -1], frames()[:, -1, -1], atol=1e-3)
    assert len(said) == (kind == "levels")


def test_mmpd_watching_videos_means_walking(tmp_path: Path) -> None:
    mmpd(tmp_path, motion="Watching Videos")
    recording = one("mmpd", tmp_path)
    assert recording.attributes["motion"] == "Walking"
    assert any(
        "'Watching Videos' is an old name of 'Walking'" in line for line in read(recording)[2]
    )


def test_mmpd_label_of_another_length_is_spread_and_said(tmp_path: Path) -> None:
    long_s = np.linspace(0, (FRAMES - 1) / HZ, 60)
    mmpd(tmp_path, GT_ppg=wave(long_s)[None])
    label = one("mmpd", tmp_path).label()
    np.testing.assert_allclose(label.times_s, long_s)
    assert label.timing == "by length" and "60 values of GT_ppg for 45 frames" in label.notes[0]


def test_mmpd_faults_name_the_file_and_lose_nobody(tmp_path: Path) -> None:
    path = mmpd(tmp_path, "p1_0")
    whole = path.read_bytes()
    content = mmpd_content()
    del content["GT_ppg"], content["light"]
    scipy.io.savemat(tmp_path / "subject1/p1_1.mat", content)
    (tmp_path / "subject1/p1_2.mat").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "subject1/p1_3.mat").write_bytes(b"")
    (tmp_path / "subject2").mkdir()
    found = {item.name: item for item in dataset("mmpd").find(tmp_path)}
    assert sorted(found) == ["p1_0", "p1_1", "p1_2", "p1_3", "subject2"]
    assert "light" not in found["p1_1"].attributes
    assert any("does not say light" in line for line in read(found["p1_1"])[2])
    with pytest.raises(InputError, match=r"p1_1\.mat lacks 'GT_ppg'"):
        found["p1_1"].label()
    with pytest.raises(InputError, match=r"p1_2\.mat"):
        read(found["p1_2"])
    with pytest.raises(InputError, match=r"p1_3\.mat is empty"):
        found["p1_3"].label()
    for reading in (found["subject2"].label, lambda: read(found["subject2"])):
        with pytest.raises(InputError, match=r"subject2 holds no pN_K\.mat"):
            reading()
    mmpd(tmp_path / "odd", video=np.zeros((9, 9)))
    with pytest.raises(InputError, match=r"shape \(9, 9\)"):
        read(one("mmpd", tmp_path / "odd"))


def as_hdf5(path: Path, content: dict[str, object], *, userblock: int = 512) -> None:
    """Write what MATLAB 7.3 does: axes turned round, words as numbers of their letters."""
    h5py = pytest.importorskip("h5py")
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=userblock) as file:
        for key, value in content.items():
            if isinstance(value, str):
                file[key] = np.array([list(map(ord, value))], np.uint16).T
                file[key].attrs["MATLAB_class"] = np.bytes_(b"char")
            else:
                file[key] = np.asarray(value).T
    if userblock:
        with path.open("r+b") as raw:
            raw.write(b"MATLAB 7.3 MAT-file".ljust(128))


def test_mmpd_in_hdf5_reads_the_same(tmp_path: Path) -> None:
    mmpd(tmp_path / "five")
    as_hdf5(tmp_path / "seven/subject1/p1_0.mat", mmpd_content())
    five, seven = one("mmpd", tmp_path / "five"), one("mmpd", tmp_path / "seven")
    assert five.attributes == seven.attributes
    np.testing.assert_array_equal(read(five)[0], read(seven)[0])
    np.testing.assert_array_equal(five.label().wave, seven.label().wave)


@pytest.mark.parametrize("turned", [False, True])
def test_scamps(tmp_path: Path, turned: bool) -> None:
    video = frames(height=24, width=20).astype(np.float32) / 255
    values = wave(np.arange(FRAMES) / HZ)
    content = {"Xsub": video.T if turned else video, "d_ppg": values[None, :-1]}
    as_hdf5(tmp_path / "P000001.mat", content)
    recording = one("scamps", tmp_path)
    pixels, times_s, said = read(recording)
    np.testing.assert_array_equal(pixels, video)
    label = recording.label()
    np.testing.assert_allclose(label.wave, values[:-1])  # one value fewer belongs to the end
    np.testing.assert_allclose(label.times_s, times_s[:-1])
    assert recording.subject == "P000001" and said == []
    path = tmp_path / "P000001.mat"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"P000001\.mat cannot be read"):
        read(recording)


def test_a_missing_h5py_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_hdf5(tmp_path / "P000001.mat", {"Xsub": np.zeros((2, 8, 8, 3)), "d_ppg": np.zeros((1, 2))})
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"pulsephase\[scamps\]"):
        one("scamps", tmp_path).label()
    with pytest.raises(MissingExtraError, match=r"pulsephase\[scamps\]"):  # once, not for each
        build_cache(tmp_path, dataset=dataset("scamps"), out=tmp_path / "cache", size=8)


def test_buaa_wave_is_spread_over_the_video_and_says_so(tmp_path: Path) -> None:
    buaa(tmp_path)
    recording = one("buaa", tmp_path)
    pixels, times_s, said = read(recording)
    np.testing.assert_array_equal(pixels, frames())
    label = recording.label()
    np.testing.assert_allclose(label.wave, wave(label.times_s), atol=1e-9)
    assert label.times_s[-1] == pytest.approx(times_s[-1])
    assert label.timing == "by length" and "90 values without times" in label.notes[0]
    assert label.device_bpm is not None
    assert label.device_bpm[0] == 88 and label.device_bpm[-1] == 92
    assert (recording.name, recording.subject) == ("Sub 01/lux 10.0", "Sub 01")
    assert recording.attributes == {"lux": "10.0"} and said == []


def test_buaa_a_video_that_breaks_off_does_not_squeeze_the_wave(tmp_path: Path) -> None:
    folder = buaa(tmp_path)
    video = folder / "lux10.0_APH.avi"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    recording = one("buaa", tmp_path)
    _, times_s, said = read(recording)
    label = recording.label()
    assert times_s[-1] < 0.9 and said
    assert label.times_s[-1] == pytest.approx((FRAMES - 1) / HZ)
    np.testing.assert_allclose(label.wave, wave(label.times_s), atol=1e-9)


def test_buaa_other_copies_and_faults(tmp_path: Path) -> None:
    folder = buaa(tmp_path)
    other = buaa(tmp_path, "Sub_2", "lux"[:0] + "6.3")
    (other / "PPGData.mat").unlink()
    times_s = np.linspace(0, (FRAMES - 1) / HZ, 90)
    np.savetxt(other / "lux6.3_APH_wave.csv", wave(times_s))
    (tmp_path / "Sub 03").mkdir()
    first, second, third = dataset("buaa").find(tmp_path)
    assert [item.name for item in (first, second, third)] == [
        "Sub 01/lux 10.0",
        "Sub 02/lux 6.3",
        "Sub 03",
    ]
    np.testing.assert_allclose(second.label().wave, wave(times_s), atol=1e-9)
    with pytest.raises(InputError, match="holds no folder 'lux"):
        third.label()
    (other / "lux6.3_APH_wave.csv").write_text("a\nb\n")
    with pytest.raises(InputError, match="no column of numbers"):
        second.label()
    scipy.io.savemat(folder / "PPGData.mat", {"PPG": {"other": 1.0}})
    with pytest.raises(InputError, match=r"PPGData\.mat.*data"):
        first.label()
    (folder / "PPGData.mat").unlink()
    with pytest.raises(InputError, match=r"label .*\.mat is missing"):
        first.label()
    avi(folder / "more.avi", frames())
    with pytest.raises(InputError, match="holds several video files"):
        read(first)


def test_filters_of_buaa_and_mmpd(tmp_path: Path) -> None:
    from pulsephase.video.datasets.splits import select

    for subject in ("Sub 03", "Sub 04"):
        for lux in ("6.3", "10.0", "100.0"):
            folder = tmp_path / subject / f"lux {lux}"
            folder.mkdir(parents=True)
    kept = select(dataset("buaa").find(tmp_path), ["lux>=10", "subject!=Sub 04"])
    assert [item.name for item in kept] == ["Sub 03/lux 10.0", "Sub 03/lux 100.0"]
    for number, light in enumerate(("LED-low", "Nature", "LED-high")):
        mmpd(tmp_path / "m", f"p1_{number}", light=light, skin_color=np.array([[3 + number]]))
    found = dataset("mmpd").find(tmp_path / "m")
    kept = select(found, ["light=LED-low|LED-high", "skin_color>=4"])
    assert [item.name for item in kept] == ["p1_2"]


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_a_wrong_root_is_one_clear_error(name: str, tmp_path: Path) -> None:
    found = dataset(name)
    with pytest.raises(InputError, match="does not exist"):
        found.find(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        found.find(tmp_path / "file")
    with pytest.raises(InputError, match=r"should hold .*, it holds file"):
        found.find(tmp_path)
    assert found.assumptions and found.source and found.splits


MAKERS: dict[str, Callable[[Path], Path]] = {
    "ubfc": ubfc,
    "ubfc1": ubfc1,
    "pure": pure,
    "mmpd": mmpd,
    "buaa": buaa,
}


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_folder_above_or_below_is_named(name: str, tmp_path: Path) -> None:
    root = tmp_path / "up" / "data"
    MAKERS[name](root)
    with pytest.raises(InputError, match=r"data does, give that"):
        dataset(name).find(tmp_path / "up")
    inner = next(path for path in root.iterdir() if path.is_dir())
    with pytest.raises(InputError, match=r"data does, give that"):
        dataset(name).find(inner)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_no_set_takes_the_folder_of_another(name: str, tmp_path: Path) -> None:
    MAKERS[name](tmp_path)
    for other in set(DATASETS) - {name}:
        with pytest.raises(InputError, match="is no "):
            dataset(other).find(tmp_path)


def test_an_unknown_set_is_named() -> None:
    with pytest.raises(ParameterError, match="no data set 'cohface'; there are ubfc, ubfc1"):
        dataset("cohface")


def test_clips_hold_consecutive_rising_times(tmp_path: Path) -> None:
    mmpd(tmp_path, video=np.tile(frames(35, height=120, width=160), (20, 1, 1, 1)))
    clips: list[Clip] = list(one("mmpd", tmp_path).clips())
    assert len(clips) > 1
    times_s = torch.cat([clip.times_s for clip in clips])
    assert (times_s.diff() > 0).all() and len(times_s) == 700
