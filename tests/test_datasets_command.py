"""`pulsephase datasets`: what is wrong with a set is named, the rest is cached."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lookalikes
import numpy as np
import pytest
import recordings

from pulsephase.cli import main
from pulsephase.evaluation.verify import Look, verify
from pulsephase.synthetic.lookalike import LAG_S
from pulsephase.video.datasets.cache import Cache
from pulsephase.video.datasets.recording import Label, Recording
from pulsephase.video.datasets.registry import DATASETS, dataset

Run = Callable[..., tuple[int, dict]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, dict]:
        code = main(["datasets", *map(str, arguments), "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else {}

    return call


@pytest.fixture(scope="module")
def look_alike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lookalikes.lookalike(tmp_path_factory.mktemp("ubfc"), "ubfc", subjects=3, seconds=10.0)


def kinds(found: dict) -> dict[str, list[str]]:
    return {
        row["name"]: [problem["kind"] for problem in row["problems"]] for row in found["recordings"]
    }


def test_a_whole_set_is_whole(look_alike: Path, run: Run) -> None:
    code, found = run("verify", look_alike, "--name", "ubfc", "--workers", 1)
    assert (code, found["bad"]) == (0, 0), found
    for row in found["recordings"]:
        assert row["face_share"] == 1.0 and row["seconds"] == pytest.approx(10, abs=0.05)
        assert abs(row["wave_bpm"] - row["device_bpm"]) < 3
        assert row["lag_s"] == pytest.approx(0.1, abs=0.05) and row["lag_correlation"] > 0.6


def test_faults_of_every_kind_are_named(look_alike: Path, tmp_path: Path, run: Run) -> None:
    root = tmp_path / "bad"
    shutil.copytree(look_alike, root)
    truth = root / "subject2" / "ground_truth.txt"
    table = np.loadtxt(truth)
    table[1] += 25  # the oximeter's display
    np.savetxt(truth, table)
    with (root / "subject3/vid.avi").open("r+b") as file:
        file.truncate(2_000_000)
    (root / "subject1/ground_truth.txt").unlink()
    (root / "subject4").mkdir()
    code, found = run("verify", root, "--name", "ubfc", "--workers", 1)
    assert (code, found["bad"]) == (1, 4)
    assert kinds(found) == {
        "subject1": ["missing"],
        "subject2": ["label"],
        "subject3": ["short", "desynchronised"],
        "subject4": ["missing", "missing"],
    }
    text = found["recordings"][1]["problems"][0]["text"]
    assert "displayed +2" in text and "the wave is what counts" in text
    code, found = run("cache", root, "--name", "ubfc", "--out", tmp_path / "cache", "--workers", 1)
    assert (code, found["cached"], found["failed"]) == (1, 2, 2)
    assert {row["name"] for row in found["recordings"] if row["outcome"] == "failed"} == {
        "subject1",
        "subject4",
    }
    assert [entry.name for entry in Cache(tmp_path / "cache").entries] == ["subject2", "subject3"]


def test_a_look_alike_in_dim_light_is_found_without_fault(run: Run, tmp_path: Path) -> None:
    """The light wanders in the first seconds of `lux 1.0`; its label is in step all the same."""
    code, _ = run("fake", "buaa", tmp_path / "set", "--subjects", 1)
    assert code == 0
    code, found = run("verify", tmp_path / "set", "--name", "buaa", "--workers", 1)
    assert (code, found["bad"]) == (0, 0), kinds(found)
    for row in found["recordings"]:
        assert row["lag_s"] == pytest.approx(LAG_S, abs=0.05)


def shifted(recording: Recording, by_s: float) -> Label:
    label = recording.label()
    at_s = label.times_s - by_s
    return replace(label, wave=np.interp(at_s, label.times_s, label.wave))


def test_a_label_out_of_step_is_found_by_the_pulse_in_the_video(look_alike: Path) -> None:
    slow = dataset("ubfc").find(look_alike)[2]  # 70 bpm: 0.5 s is more than half a beat
    look = Look(root=look_alike, least_s=10.0)
    late = look(replace(slow, read_label=lambda: shifted(slow, 0.4)))
    assert [problem.kind for problem in late.problems] == ["desynchronised"]
    assert late.lag_s == pytest.approx(0.5, abs=0.06)
    assert "comes +0.5" in late.problems[0].text


def test_labels_that_make_no_sense_are_named(tmp_path: Path) -> None:
    good = recordings.recording(1, seconds=12.0)
    label = good.label()
    slow = slice(None, None, 6)
    wrong = {
        "flat": replace(label, wave=np.zeros_like(label.wave)),
        "10.0 values a second": Label(times_s=label.times_s[slow], wave=label.wave[slow]),
        "no numbers": replace(label, wave=np.where(label.times_s > 9, np.nan, label.wave)),
        "no heart rate": replace(
            label, wave=np.random.default_rng(0).standard_normal(len(label.wave))
        ),
    }
    for text, other in wrong.items():
        check = Look(root=tmp_path, least_s=5.0)(replace(good, read_label=lambda o=other: o))
        said = [problem.text for problem in check.problems if problem.kind == "label"]
        assert any(text in line for line in said), (text, said)
    check = Look(root=tmp_path, least_s=5.0)(good)  # a patch that is no face
    assert [problem.kind for problem in check.problems] == ["faceless"]


def test_what_a_reader_did_not_expect_is_a_finding(tmp_path: Path) -> None:
    def fail() -> Label:
        raise RuntimeError("nobody thought of this")

    made = recordings.made_set(
        [replace(recordings.recording(1), read_label=fail, files=(tmp_path,))]
    )
    (check,) = verify(tmp_path, dataset=made, least_s=1.0)
    assert check.problems[0].kind == "unreadable"
    assert check.problems[0].text == "RuntimeError: nobody thought of this"


def test_fake_then_cache_with_conditions(tmp_path: Path, run: Run) -> None:
    root, cache = tmp_path / "buaa", tmp_path / "cache"
    settings = ("--subjects", 2, "--seconds", 1, "--scene", "128x96")
    code, made = run("fake", "buaa", root, *settings)
    assert (code, made["recordings"], made["look_alike"]) == (0, 4, True)
    asked = ("cache", root, "--name", "buaa", "--out", cache, "--size", 8, "--workers", 1)
    code, found = run(*asked, "--where", "lux>=10", "--where", "subject!=Sub 02")
    assert (code, found["cached"]) == (0, 1)
    assert [entry.name for entry in Cache(cache).entries] == ["Sub 01/lux 10.0"]
    code, found = run(*asked)  # all of it, in the same folder
    assert (code, found) == (2, {})


def test_wrong_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, text in (
        (["verify", str(tmp_path / "none"), "--name", "ubfc"], "does not exist"),
        (["verify", str(tmp_path), "--name", "pure"], "should hold 01-01/"),
        (["fake", "ubfc", str(tmp_path / "a"), "--scene", "big"], "is no size"),
        (["verify", str(tmp_path), "--name", "cohface"], "cohface"),
    ):
        assert main(["datasets", *arguments]) == 2
        assert text in " ".join(capsys.readouterr().err.split())


def test_list_names_every_set_its_terms_and_assumptions(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = run("list")
    assert code == 0 and [row["name"] for row in found["datasets"]] == list(DATASETS)
    assert all(row["assumptions"] and row["splits"] and row["source"] for row in found["datasets"])
    assert main(["datasets", "list"]) == 0
    assert "published-72-28" in capsys.readouterr().out
