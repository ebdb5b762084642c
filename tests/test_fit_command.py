"""`pulsephase fit` and `pulsephase kernel`: what they print, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pytest

from pulsephase.cli import main
from pulsephase.experiments.fit_coverage import planted


@pytest.fixture(scope="module")
def wave(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples, _, _ = planted(3, "impulse")
    path = tmp_path_factory.mktemp("fit") / "wave.csv"
    times = np.arange(len(samples)) / 30
    np.savetxt(path, np.c_[times, samples], delimiter=",", header="time_s,wave", comments="")
    return path


def test_it_reads_a_wave_and_returns_poles(wave: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["fit", str(wave), "--forcing", "impulse", "--json"])
    result = json.loads(capsys.readouterr().out)
    _, hertz, damping = planted(3, "impulse")
    (row,) = result["fits"]
    assert code == 0 and result["refused"] is None and abs(result["sample_hz"] - 30) < 1e-6
    assert row["natural_hz_interval"][0] < hertz < row["natural_hz_interval"][1]
    assert row["damping_interval"][0] < damping < row["damping_interval"][1]
    assert abs(sum(result["kernel"]["taps"]) - 1) < 0.05  # of a constant to itself


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b\n1,2\n3,4\n", [], "choose one with --column"),
        ("time_s,wave\n0,1\n0.1,2\n9,3\n", [], "uneven"),
        ("wave\n1\n2\n3\n", [], "says no rate"),
        ("wave\n1\n2\n3\n", ["--hz", "30"], "lasts 0.1 s"),
        ("wave\n1\n2\n3\n", ["--hz", "30", "--column", "x"], "no column 'x'"),
    ],
)
def test_bad_input_gets_one_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    options: list[str],
    said: str,
) -> None:
    path = tmp_path / "w.csv"
    path.write_text(text)
    assert main(["fit", str(path), *options]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_kernel_is_printed_with_its_length(capsys: pytest.CaptureFixture[str]) -> None:
    words = "kernel --hz 1.6 --damping 0.3 --fps 30 --exposure 0.01 --scheme zoh".split()
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["length"] == len(result["taps"]) == result["certified_length"]
    assert 2 ** result["layers_of_two_taps"] >= result["length"]
    assert abs(sum(result["taps"]) - 1) < 0.02 and abs(result["delay_s"] - 0.005) < 1e-12
    assert main([*words, "--plot"]) == 0
    assert "#####" in capsys.readouterr().out


def test_a_scheme_without_exposure_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    words = "kernel --hz 1.6 --damping 0.3 --exposure 0.01 --scheme tustin".split()
    assert main(words) == 2
    assert "use zoh" in capsys.readouterr().err
