"""The command line: its three exit codes, one line an error, one JSON object on stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import videos

from pulsephase.cli import COMMANDS, main
from pulsephase.machine import ONE_THREAD


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.startswith("pulsephase:")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(name, "--help", capsys=capsys)
    assert code == 0
    assert f"Example: pulsephase {name}" in out
    assert "--json" in out
    groups = {"bench": "models", "datasets": "list", "protocol": "intra"}
    if name in groups:  # what is in the group has the options
        _, out, _ = run(name, groups[name], "--help", capsys=capsys)
    assert "--debug" in out


def test_version_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("version", "--json", capsys=capsys)
    assert code == 0
    assert json.loads(out)["pulsephase"]


def test_unknown_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run("mesure", capsys=capsys)
    assert code == 2
    assert not out
    assert "mesure" in err


def test_no_such_device(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("version", "--device", "nonsense", capsys=capsys)
    assert code == 2
    assert "nonsense" in err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("inputs")
    (root / "text.mp4").write_text("this is no video\n" * 50)
    (root / "empty.mp4").write_bytes(b"")
    (root / "nothing").mkdir()
    (root / "nothing" / "notes.txt").write_text("no video here")
    frames = videos.noise(200)
    times = np.arange(200) / 30
    videos.write(root / "noface.mp4", frames, times)
    videos.write(root / "short.mp4", frames[:90], times)
    videos.write(root / "single.mp4", frames[:1], times)
    videos.write(
        root / "grey.mp4", frames.mean(-1, keepdims=True).repeat(3, -1).astype(np.uint8), times
    )
    videos.write(root / "flat.mp4", np.full_like(frames, 120), times)
    whole = (root / "noface.mp4").read_bytes()
    (root / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    return root


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.mp4", "missing.mp4"),
        ("text.mp4", "text.mp4"),
        ("empty.mp4", "empty.mp4"),
        ("truncated.mp4", "truncated.mp4"),
        ("short.mp4", "at least 5 s"),
        ("single.mp4", "single.mp4"),
        ("nothing", "holds no video"),
    ],
)
def test_unreadable_input_is_one_line_and_exit_2(
    folder: Path, name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run("measure", str(folder / name), "--json", capsys=capsys)
    assert code == 2
    assert not out
    assert says in one_line(err)


@pytest.mark.parametrize("name", ["noface.mp4", "grey.mp4"])
def test_no_face_is_null_with_a_reason_and_exit_1(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run("measure", str(folder / name), "--json", capsys=capsys)
    result = json.loads(out)
    assert code == 1
    assert result["heart_rate_bpm"] is None
    assert "no face" in result["reason"]
    assert result["frames"] == 200
    assert result["no_face_s"] == pytest.approx(result["duration_s"], abs=0.1)


@pytest.mark.parametrize(
    ("name", "method"), [("grey", "pos"), ("flat", "phasenet"), ("noface", "phasenet")]
)
def test_a_box_without_a_pulse_is_null_and_exit_1(
    folder: Path, name: str, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    video = str(folder / f"{name}.mp4")
    code, out, _ = run(
        "measure", video, "--box", "full", "--method", method, "--json", capsys=capsys
    )
    result = json.loads(out)
    assert (code, result["heart_rate_bpm"]) == (1, None)
    assert result["reason"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--box", "1,2,3"], "X,Y,W,H"),
        (["--box", "0,0,0,10"], "box"),
        (["--box", "5000,5000,10,10"], "box"),
        (["--weights", "nonsense"], "no weights 'nonsense'"),
        (["--save", "wave.txt"], ".csv or .npz"),
        (["--save", "no/such/folder/wave.csv"], "folder"),
    ],
)
def test_wrong_options_are_named(
    folder: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run("measure", str(folder / "noface.mp4"), *arguments, capsys=capsys)
    assert code == 2
    assert not out
    assert says in one_line(err)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_unwritable_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = folder / "text.mp4" / "report"
    code, _, err = run(
        "measure", str(folder / "noface.mp4"), "--report", str(blocked), capsys=capsys
    )
    assert code == 2
    assert "report" in one_line(err)


def test_one_bad_file_among_several_is_reported_and_the_rest_measured(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        "measure", str(folder / "text.mp4"), str(folder / "noface.mp4"), "--json", capsys=capsys
    )
    results = json.loads(out)["results"]
    assert code == 2
    assert "text.mp4" in err
    assert "error" in results[0]
    assert results[1]["frames"] == 200


def test_debug_shows_the_traceback(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("measure", str(folder / "text.mp4"), "--debug", capsys=capsys)
    assert code == 2
    assert "Traceback" in err


def test_the_module_runs_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pulsephase", "version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("python ")


@pytest.mark.skipif(
    (os.cpu_count() or 1) < 2 or not Path("/proc/self/task").is_dir(), reason="cannot be counted"
)
@pytest.mark.parametrize(("first", "threads"), [("use_one_thread()", 1), ("pass", 2)])
def test_one_thread_holds_for_numpy_too_if_it_is_asked_for_first(first: str, threads: int) -> None:
    """Without it there is a second one: the check can fail."""
    code = (
        "import os\n"
        "from pulsephase.machine import use_one_thread\n"
        f"{first}\n"
        "import numpy as np\n"
        "square = np.ones((500, 500))\n"
        "square @ square\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    free = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    done = subprocess.run([sys.executable, "-c", code], env=free, capture_output=True, text=True)
    assert min(int(done.stdout), 2) == threads, done.stderr


@pytest.mark.parametrize("name", ["demo", "interpret", "live", "measure"])
def test_commands_that_want_one_thread_ask_before_they_load_anything(name: str) -> None:
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from pulsephase import machine\n"
        "def ask():\n"
        "    loaded = {'numpy', 'torch'} & set(sys.modules)\n"
        "    raise SystemExit(f'loaded {sorted(loaded)}')\n"
        "machine.use_one_thread = ask\n"
        f"from pulsephase.commands.{name} import command\n"
        "arguments = {'interpret': ['tiny'], 'measure': ['none.mp4'], 'live': ['none.mp4']}\n"
        f"print(CliRunner().invoke(command, arguments.get({name!r}, [])).output)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "loaded []" in done.stdout + done.stderr
