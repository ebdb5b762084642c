"""``pulsephase evaluate`` of networks and methods: one table, one JSON object, one page."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import recordings
from networks import SMALL, small

from pulsephase.cli import main
from pulsephase.evaluation.cases import SyntheticCases
from pulsephase.evaluation.judge import evaluate
from pulsephase.evaluation.methods import Classical
from pulsephase.evaluation.page import write_evaluation
from pulsephase.models.weights import save


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict, str]:
    code = main(["evaluate", *arguments])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else {}, err


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "net.safetensors"
    save(path, config=SMALL, tensors=small("mixer=within").state_dict(), card={})
    return path


def test_several_methods_sources_and_conventions_are_one_table(
    weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, _ = run(
        capsys,
        *("--weights", str(weights), "--method", "pos", "--method", "green"),
        *("--synthetic", "easy", "--synthetic", "null", "--clips", "2", "--seconds", "8"),
        *("--convention", "strict", "--convention", "toolbox-2025"),
        "--json",
    )
    assert code == 0
    rows = found["results"]
    assert len(rows) == 3 * 2 * 2
    name = f"{weights.parent.name}/net"
    assert [row["method"] for row in rows[:6]] == [name] * 2 + ["pos"] * 2 + ["green"] * 2
    assert {row["dataset"] for row in rows} == {"synthetic easy", "synthetic null"}
    assert [row["convention"] for row in rows[:2]] == ["strict", "toolbox-2025"]
    pos = next(row for row in rows if row["method"] == "pos")
    assert pos["mae_bpm"] < 2 and pos["within_3_bpm"] == 1 and pos["clips"] == 2
    assert pos["coverage"] == pytest.approx((240 - SMALL.warmup) / 240)
    null = [row for row in rows if row["dataset"] == "synthetic null"]
    assert all(row["mae_bpm"] is None and row["no_pulse"]["clips"] == 2 for row in null)


def test_the_page_shows_agreement_and_the_worst_clips_and_asks_for_nothing(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "pages" / "all.html"
    code, _, err = run(
        capsys,
        *("--weights", str(weights), "--method", "pos", "--synthetic", "easy"),
        *("--clips", "2", "--seconds", "8", "--html", str(page)),
    )
    text = page.read_text(encoding="utf-8")
    assert code == 0 and "report: " in err
    assert "://" not in text and "<script" not in text
    assert set(re.findall(r'src="([a-z]+:)', text)) == {"data:"}
    assert text.count("Bland-Altman") == 2 and text.count('alt="a crop of the clip"') == 4
    assert text.count("<h3>Worst clips") == 2 and "melanin: " in text


def test_a_person_reads_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--synthetic", "easy", "--clips", "2", "--seconds", "8")
    code, found, err = run(capsys, "--method", "pos", "--method", "green", *options)
    assert code == 0 and found == {}
    assert "pos" in err and "green" in err and "MAE bpm" in err and "coverage" in err
    code, found, err = run(capsys, "--method", "pos", *options)
    assert code == 0 and "pos on synthetic easy, strict, 2 clips" in err and "95 %" in err


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four subjects with 70, 80, 90 and 100 bpm in a patch that is all pulse."""
    return recordings.made_cache(tmp_path_factory.mktemp("made"), seconds=12.0, size=SMALL.size)


def test_a_cache_is_judged_with_the_devices_reading_beside(
    weights: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, err = run(
        capsys, *("--weights", str(weights), "--method", "green", "--cache", str(cache), "--json")
    )
    net, green = found["results"]
    assert code == 0 and "those that a network was trained on among them" in err
    assert green["dataset"] == "made" and green["part"] == "all" and green["clips"] == 4
    assert green["mae_bpm"] < 0.5 and green["device"]["mae_bpm"] < 0.5
    assert set(green["by_group"]) == {"light: high", "light: low"}
    assert list(green["by_subject"]) == [f"subject{n}" for n in range(1, 5)]
    assert net["coverage"] == pytest.approx((360 - SMALL.warmup) / 360)
    assert net["rates"] == green["rates"]


def test_of_a_split_only_its_part_is_read(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The frames of all others may be gone: they are not opened."""
    sides = {"train": ["subject1"], "validation": ["subject2"], "test": ["subject4", "subject3"]}
    split = tmp_path / "mine.json"
    split.write_text(json.dumps(sides))
    own = tmp_path / "cache"
    shutil.copytree(cache, own)
    for subject in ("subject1", "subject2"):
        (own / "clips" / subject / "frames.npy").write_bytes(b"not to be read")
    options = ("--method", "green", "--cache", str(own), "--split", str(split), "--json")
    code, found, _ = run(capsys, *options)
    (row,) = found["results"]
    assert code == 0 and row["part"] == "test of mine"
    assert sorted(row["by_subject"]) == ["subject3", "subject4"]
    code, _, err = run(capsys, *options, "--part", "validation")
    assert code == 2 and "is damaged" in err
    code, _, err = run(capsys, *options, "--part", "validation", "--split", "no-such")
    assert code == 2 and "no split 'no-such'" in err


def test_what_is_not_in_the_cache_is_named(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "cache"
    shutil.copytree(cache, own)
    report = json.loads((own / "report.json").read_text())
    report["recordings"][0] |= {"outcome": "failed", "reason": "its video is cut off"}
    (own / "report.json").write_text(json.dumps(report))
    page = tmp_path / "page.html"
    options = ("--method", "green", "--cache", str(own))
    code, found, _ = run(capsys, *options, "--json", "--html", str(page))
    (row,) = found["results"]
    assert code == 0 and row["clips"] == 3
    assert row["lost"] == [{"clip": "subject1", "reason": "its video is cut off"}]
    assert "its video is cut off" in page.read_text(encoding="utf-8")
    _, _, err = run(capsys, *options)
    assert "1 recordings of made are not in the cache, subject1: its video is cut off" in err


def test_a_face_of_a_real_person_is_shown_on_demand_only(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    options = ("--method", "green", "--cache", str(cache), "--html", str(page))
    for more, count in (((), 0), (("--show-faces",), 3)):
        code, _, _ = run(capsys, *options, *more)
        assert code == 0 and page.read_text(encoding="utf-8").count("<img") == count


def test_a_network_of_another_size_is_told_before_any_clip_is_read(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "--weights", "tiny", "--cache", str(cache))
    assert code == 2
    assert "holds crops of 12 px, this network reads 36 px: build a cache of that size" in err


def test_names_on_the_page_cannot_break_it(tmp_path: Path) -> None:
    cases = SyntheticCases("easy", clips=1, seconds=8.0, classical_size=12)
    cases.name = "<script>alert('&')</script>"
    verdicts = evaluate([Classical("green")], cases)
    write_evaluation(tmp_path / "a.html", verdicts, parameters={"<b>": "<i>"})
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<script" not in text and "<b>" not in text and "&lt;script&gt;" in text


def test_what_is_wrong_is_named(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "w.npz", a=np.arange(9.0))
    waves = ("--predictions", str(tmp_path / "w.npz"), "--labels", str(tmp_path / "w.npz"))
    synthetic = ("--synthetic", "easy", "--clips", "1")
    (tmp_path / "file").write_text("")
    for arguments, says in (
        (("--method", "pos"), "nothing to evaluate on"),
        (synthetic, "name at least one"),
        ((*synthetic, "--method", "sparkle"), "no method 'sparkle'"),
        ((*synthetic, "--weights", "none"), "no weights 'none'"),
        (("--method", "pos", "--synthetic", "sunny"), "no preset 'sunny'"),
        ((*synthetic, "--method", "pos", "--method", "pos"), "each once"),
        ((*synthetic, "--method", "pos", "--difference"), "--difference means nothing"),
        ((*synthetic, "--method", "pos", "--split", "a"), "--split with --cache"),
        ((*synthetic, "--method", "pos", "--part", "test"), "--part goes with --split"),
        ((*waves, "--weights", "tiny"), "--weights means nothing with --predictions"),
        ((*waves, "--method", "a", "--method", "b"), "one --method"),
        (("--labels", str(tmp_path / "w.npz")), "give --predictions and --labels"),
        ((*synthetic, "--method", "pos", "--plot", "a.gif"), "must end in .svg or .png"),
        (
            (*synthetic, "--method", "pos", "--html", str(tmp_path / "file" / "b")),
            "cannot write a report",
        ),
        ((*synthetic, "--method", "pos", "--size", "13"), "give a multiple of 4"),
    ):
        code, found, err = run(capsys, *arguments, "--json")
        assert code == 2 and found == {} and says in err, (arguments, err)
        assert "Traceback" not in err


def test_nothing_to_judge_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    """Windows longer than the clips are said, clip by clip, and no number is made up."""
    code, found, _ = run(
        capsys,
        *("--method", "pos", "--synthetic", "easy", "--clips", "1", "--seconds", "8"),
        *("--window", "4", "--json"),
    )
    (row,) = found["results"]
    assert code == 1 and row["clips"] == 0 and row["mae_bpm"] is None
    assert "both must be at least 5 s" in row["unscored"][0]["reason"]
