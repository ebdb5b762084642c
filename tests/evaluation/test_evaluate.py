"""Waves from plain files: the numbers of the metrics themselves; errors name the clip."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pulsephase.cli import main
from pulsephase.vitals import metrics

NAMES = ("ann", "ben", "cat", "dan")


@pytest.fixture
def waves() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    time = np.arange(600) / 30
    labels, predictions = {}, {}
    for name, rate in zip(NAMES, (0.9, 1.1, 1.3, 1.6), strict=True):
        labels[name] = np.sin(2 * np.pi * rate * time)
        predictions[name] = labels[name] + 0.8 * rng.normal(size=600)
    return predictions, labels


def npz(path: Path, clips: dict[str, np.ndarray]) -> str:
    np.savez(path, **clips)
    return str(path)


def text(path: Path, clips: dict[str, np.ndarray], *, times: bool = True) -> str:
    """Write columns of any lengths; short ones end in empty cells."""
    columns = {"time_s": np.arange(600) / 30, **clips} if times else clips
    lines = [",".join(columns)]
    for index in range(max(len(column) for column in columns.values())):
        cells = [repr(float(c[index])) if index < len(c) else "" for c in columns.values()]
        lines.append(",".join(cells))
    path.write_text("\n".join(lines))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict, str]:
    code = main(["evaluate", *arguments, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out)["results"][0] if out else {}, err


@pytest.mark.parametrize("convention", ["strict", "toolbox-2025", "phasenet-release"])
def test_the_numbers_are_those_of_the_metrics(
    convention: str,
    waves: tuple[dict[str, np.ndarray], dict[str, np.ndarray]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    predictions, labels = waves
    code, row, _ = run(
        capsys,
        *("--predictions", npz(tmp_path / "p.npz", predictions)),
        *("--labels", text(tmp_path / "l.csv", labels)),
        *("--convention", convention, "--method", "mine", "--dataset", "planted"),
    )
    wanted = metrics(
        [predictions[name] for name in NAMES],
        [labels[name] for name in NAMES],
        sample_hz=30.0,
        convention=convention,
    )
    assert code == 0
    assert (row["method"], row["dataset"], row["clips"]) == ("mine", "planted", 4)
    for key, metric in (("mae_bpm", wanted.mae), ("snr_db", wanted.snr), ("macc", wanted.macc)):
        assert row[key] == pytest.approx(metric.value, rel=1e-6)
        found = row["uncertainty"][key]
        assert found["standard_error"] == pytest.approx(metric.standard_error, rel=1e-4, abs=1e-9)
        assert (found["interval_95"] is None) == (metric.interval is None)
    assert row["warnings"] == list(wanted.warnings)
    assert 0 <= row["within_3_bpm"] <= 1 and row["coverage"] == 1


def test_subjects_groups_coverage_and_a_plot(
    waves: tuple[dict[str, np.ndarray], dict[str, np.ndarray]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    predictions, labels = waves
    predictions["dan"] = np.random.default_rng(1).normal(size=600)
    (tmp_path / "s.csv").write_text("clip,subject\n" + "\n".join(f"{n},{n[0]}" for n in NAMES))
    (tmp_path / "g.csv").write_text("\n".join(f"{n},{'odd' if n < 'c' else 'even'}" for n in NAMES))
    plot = tmp_path / "agreement.svg"
    code, row, _ = run(
        capsys,
        *("--predictions", text(tmp_path / "p.csv", predictions)),
        *("--labels", text(tmp_path / "l.csv", labels, times=False)),
        *("--subjects", str(tmp_path / "s.csv"), "--groups", str(tmp_path / "g.csv")),
        *("--min-quality", "0.5", "--plot", str(plot)),
    )
    assert code == 0
    assert set(row["by_subject"]) == {"a", "b", "c", "d"} and set(row["by_group"]) == {
        "odd",
        "even",
    }
    assert row["by_group"]["odd"] < row["by_group"]["even"]
    assert row["coverage"] == 0.75
    assert plot.read_text(encoding="utf-8").count("<svg") == 1


def test_differences_are_summed_for_a_toolbox(
    waves: tuple[dict[str, np.ndarray], dict[str, np.ndarray]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    steps = [{name: np.diff(wave) for name, wave in clips.items()} for clips in waves]
    code, row, _ = run(
        capsys,
        *("--predictions", npz(tmp_path / "p.npz", steps[0])),
        *("--labels", npz(tmp_path / "l.npz", steps[1])),
        *("--convention", "toolbox-2025", "--difference", "--sample-hz", "30"),
    )
    wanted = metrics(
        [steps[0][name] for name in NAMES],
        [steps[1][name] for name in NAMES],
        sample_hz=30.0,
        convention="toolbox-2025",
        difference=True,
    )
    assert code == 0 and row["mae_bpm"] == pytest.approx(wanted.mae.value)


def test_a_person_reads_a_table(
    waves: tuple[dict[str, np.ndarray], dict[str, np.ndarray]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    predictions, labels = waves
    files = [npz(tmp_path / "p.npz", predictions), npz(tmp_path / "l.npz", labels)]
    code = main(["evaluate", "--predictions", files[0], "--labels", files[1], "--sample-hz", "30"])
    out, err = capsys.readouterr()
    assert code == 0 and out == ""
    assert "mae bpm" in err and "coverage" in err and "note: 4 subjects" in err


def test_what_is_wrong_is_named(
    waves: tuple[dict[str, np.ndarray], dict[str, np.ndarray]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    predictions, labels = waves
    good, label = npz(tmp_path / "p.npz", predictions), npz(tmp_path / "l.npz", labels)
    fewer = npz(tmp_path / "f.npz", {name: predictions[name] for name in NAMES[:3]})
    short = npz(tmp_path / "s.npz", {**predictions, "ben": predictions["ben"][:500]})
    flat = npz(tmp_path / "flat.npz", {**predictions, "cat": np.zeros(600)})
    gaps = npz(tmp_path / "gaps.npz", {**predictions, "cat": np.full(600, np.nan)})
    broken, empty, word = (tmp_path / name for name in ("b.npz", "e.csv", "w.csv"))
    broken.write_bytes(Path(good).read_bytes()[:300])
    empty.write_text("ann,ben\n")
    word.write_text("ann\n0.5\nhigh\n")
    uneven = tmp_path / "u.csv"
    uneven.write_text("time_s,ann\n0,1\n0.1,2\n0.5,3\n")
    for wrong, rate, message in (
        (fewer, "30", "clip 'dan' is missing in the predictions"),
        (short, "30", "clip 'ben' has 500 predicted and 600 label samples"),
        (flat, "30", "is flat"),
        (gaps, "30", "holds NaN"),
        (str(broken), "30", "is damaged"),
        (str(empty), "30", "no row below the names"),
        (str(word), "30", "line 3, ann: 'high' is no number"),
        (str(uneven), "30", "resample to an even grid"),
        (str(tmp_path / "none.npz"), "30", "there is no file"),
        (str(tmp_path / "p.txt"), "30", "there is no file"),
        (good, "0", "sample_hz"),
    ):
        code, _, err = run(capsys, "--predictions", wrong, "--labels", label, "--sample-hz", rate)
        assert code == 2 and message in err, (wrong, err)
    code, _, err = run(capsys, "--predictions", good, "--labels", label)
    assert code == 2 and "give --sample-hz" in err
    timed = text(tmp_path / "t.csv", labels)
    code, _, err = run(capsys, "--predictions", good, "--labels", timed, "--sample-hz", "25")
    assert code == 2 and "sampling rates differ (25 and 30 Hz)" in err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gap.csv", b"time_s,a\n0,1\n1,\n2,3\n", "a: line 3 is empty, and line 4 is not"),
        ("wide.csv", b"time_s,a\n0,1,2\n1,2\n", "line 2: 3 cells below 2 names"),
        ("latin.csv", b"time_s,a\n0,\xe9\n", "no CSV in UTF-8"),
        ("none.npz", b"", "damaged or no .npz"),
        ("text.npz", b"not an archive", "damaged or no .npz"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    name: str, content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    code, _, err = run(capsys, "--predictions", str(path), "--labels", str(path))
    assert code == 2
    assert name in err and message in err


@pytest.mark.parametrize("kind", ["array", "other"])
def test_what_is_no_archive_of_numbers_is_refused(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.npz"
    with path.open("wb") as file:
        if kind == "array":
            np.save(file, np.arange(9.0))
        else:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("readme.txt", "words")
    code, _, err = run(capsys, "--predictions", str(path), "--labels", str(path))
    assert code == 2
    assert "a.npz" in err and "damaged or no .npz" in err


def test_a_plot_without_a_folder_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["evaluate", "--predictions", "a.npz", "--plot", str(tmp_path / "no" / "a.svg")])
    assert code == 2
    assert "there is no folder" in capsys.readouterr().err
