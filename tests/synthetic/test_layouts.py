"""Each layout of a public set, read back by readers that know nothing of the writer."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pulsephase.cli import main
from pulsephase.errors import InputError, MissingExtraError, ParameterError
from pulsephase.synthetic.folder import checksum, synthesize
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.pulse import sample_pulse, wave_at
from pulsephase.synthetic.render import render
from pulsephase.synthetic.write import pixels_of

CONFIG = replace(preset("jitter"), frames=24, size=20)
SCENE = (96, 64)


def make(out: Path, form: str, **changes: object) -> dict:
    asked = {"config": CONFIG, "clips": 2, "seed": 4, "format": form} | changes
    return synthesize(out, **asked)


def files(folder: Path) -> dict[str, str]:
    return {p.name: checksum(p) for p in folder.iterdir() if p.name != "manifest.json"}


def pixels(seed: int) -> np.ndarray:
    return np.stack(list(pixels_of(render(seed, CONFIG))))


def test_ubfc(tmp_path: Path) -> None:
    make(tmp_path, "ubfc")
    clip = render(5, CONFIG)
    video = cv2.VideoCapture(str(tmp_path / "subject5" / "vid.avi"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(30)
    found = []
    while (read := video.read())[0]:
        found.append(read[1][..., ::-1])
    np.testing.assert_array_equal(np.stack(found), pixels(5))
    lines = (tmp_path / "subject5" / "ground_truth.txt").read_text().splitlines()
    rows = [[float(word) for word in line.split()] for line in lines]
    truth = [clip.pulse, clip.truth.heart_rate_bpm, clip.times_s]
    np.testing.assert_allclose(rows, np.stack([row.numpy() for row in truth]), atol=1e-5)


def test_pure(tmp_path: Path) -> None:
    make(tmp_path, "pure")
    clip = render(4, CONFIG)
    folder = tmp_path / "05-01"
    images = sorted((folder / "05-01").glob("*.png"))
    found = [cv2.imread(str(image))[..., ::-1] for image in images]
    np.testing.assert_array_equal(np.stack(found), pixels(4))
    labels = json.loads((folder / "05-01.json").read_text())
    stamps = [row["Timestamp"] for row in labels["/Image"]]
    assert [int(image.stem.removeprefix("Image")) for image in images] == stamps
    np.testing.assert_allclose(np.diff(stamps) / 1e9, clip.times_s.diff().numpy(), atol=2e-9)
    package = labels["/FullPackage"]
    ticks = np.array([row["Timestamp"] for row in package])
    np.testing.assert_allclose(np.diff(ticks), 1e9 / 60, atol=1)
    wave = [(row["Value"]["waveform"] - 2048) / 256 for row in package]
    at_frames = np.interp(stamps, ticks, wave)  # as a reader puts labels on frames
    np.testing.assert_allclose(at_frames[:-1], clip.pulse.numpy()[:-1], atol=0.1)
    exact = wave_at(sample_pulse(4, CONFIG.pulse, clip.times_s), torch.arange(len(wave)) / 60.0)
    np.testing.assert_allclose(wave, exact[0].numpy(), atol=0.5 / 256 + 1e-4)


def test_scamps(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    make(tmp_path, "scamps")
    clip, path = render(4, CONFIG), tmp_path / "P000004.mat"
    assert path.read_bytes()[:10] == b"MATLAB 7.3"
    with h5py.File(path) as file:
        frames = np.array(file["Xsub"]).T  # HDF5 turns MATLAB's axes round
        wave, breath = np.ravel(file["d_ppg"]), np.ravel(file["d_br"])
        assert file["Xsub"].attrs["MATLAB_class"] == b"single"
    assert frames.shape == (24, 20, 20, 3) and frames.dtype == np.float32
    np.testing.assert_array_equal((255 * frames).round().astype(np.uint8), pixels(4))
    np.testing.assert_allclose(wave, clip.pulse.numpy())
    hz = clip.truth.parameters["breathing_hz"]
    basis = np.stack([f(2 * np.pi * hz * clip.times_s.numpy()) for f in (np.sin, np.cos)], 1)
    weights, left = np.linalg.lstsq(basis, breath, rcond=None)[:2]
    assert left[0] < 1e-12 and np.hypot(*weights) == pytest.approx(1)


@pytest.mark.parametrize("form", ["ubfc", "pure", "scamps", "npz"])
def test_shards_together_are_the_whole(form: str, tmp_path: Path) -> None:
    if form == "scamps":
        pytest.importorskip("h5py")
    whole = make(tmp_path / "whole", form, clips=5)
    parts = [make(tmp_path / f"{i}", form, clips=5, shard=(i, 3)) for i in (1, 2, 3)]
    rows = [row for part in parts for row in part["clips"]]
    assert sorted(rows, key=lambda row: row["seed"]) == whole["clips"]
    union = {name: digest for i in (1, 2, 3) for name, digest in files(tmp_path / f"{i}").items()}
    assert union == files(tmp_path / "whole")
    assert [len(part["clips"]) for part in parts] == [2, 2, 1]


@pytest.mark.parametrize("form", ["ubfc", "pure"])
def test_a_cut_off_or_damaged_layout_ends_with_the_same_bytes(form: str, tmp_path: Path) -> None:
    make(tmp_path / "whole", form, scene=SCENE)
    cut = tmp_path / "cut"
    make(cut, form, scene=SCENE, clips=1)
    (cut / ".clip_000000005").mkdir()  # as a kill leaves it
    (cut / ".clip_000000005" / "half.png").write_bytes(b"half")
    first = next(path for path in cut.iterdir() if path.is_dir() and path.name[0] != ".")
    (first / "more").write_bytes(b"damaged")
    make(cut, form, scene=SCENE)
    assert files(cut) == files(tmp_path / "whole")


def test_a_real_set_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "subject4").mkdir()
    (tmp_path / "subject4" / "vid.avi").write_bytes(b"precious")
    with pytest.raises(InputError, match="not empty"):
        make(tmp_path, "ubfc")
    assert (tmp_path / "subject4" / "vid.avi").read_bytes() == b"precious"


def test_wrong_requests_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParameterError, match="shard is 4/3"):
        make(tmp_path, "npz", shard=(4, 3))
    assert main(["synthesize", str(tmp_path / "x"), "--shard", "1of3"]) == 2
    sheet = ["--contact-sheet", str(tmp_path / "a.png")]
    assert main(["synthesize", str(tmp_path / "x"), "--format", "pure", *sheet]) == 2
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"pulsephase\[scamps\]"):
        make(tmp_path / "x", "scamps")
    assert not (tmp_path / "x").exists()


def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **settings: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pulsephase.synthetic.folder.write_npz", full)
    with pytest.raises(InputError, match="No space left"):
        make(tmp_path, "npz")
