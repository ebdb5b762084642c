"""Text from outside is shown as text, wherever it is shown."""

import os
from pathlib import Path

import pytest
import videos

from pulsephase.cli import main
from pulsephase.commands.common import Terminal, progress
from pulsephase.files import write_page
from pulsephase.text import shown

FOREIGN = "a[/x]\udce9\x1b[31m.mp4"


def test_what_cannot_be_shown_is_replaced() -> None:
    assert shown(FOREIGN) == "a[/x]\ufffd\ufffd[31m.mp4"
    assert shown("tab\tand\nline") == "tab\tand\nline"


def test_a_terminal_knows_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(stderr=True)
    terminal.print(FOREIGN, soft_wrap=True)
    with terminal.status(f"measuring {FOREIGN}"), progress(f"reading {FOREIGN}", 1.0):
        pass
    assert "a[/x]\ufffd\ufffd[31m.mp4" in capsys.readouterr().err


def test_a_page_takes_any_text(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", f"<p>{FOREIGN}</p>")
    assert "\ufffd" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_name_in_markup_that_is_no_utf8_stops_no_batch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A closing tag without an opening one aborted the batch, a byte that is none the report."""
    (tmp_path / "a[").mkdir()
    broken = tmp_path / "a[" / "red].mp4"
    broken.write_bytes(b"no video")
    odd = Path(os.fsdecode(os.fsencode(str(tmp_path / "a[")) + b"/x]\xe9.mp4"))
    images = videos.noise(160, height=48, width=64)
    videos.write(tmp_path / "c.mp4", images, [n / 30 for n in range(160)])
    os.rename(tmp_path / "c.mp4", odd)
    report = tmp_path / "report"
    options = ["--box", "full", "--method", "green", "--report", str(report)]
    assert main(["measure", str(broken), str(odd), *options]) == 2
    captured = capsys.readouterr()
    assert "a[/red].mp4 cannot be read as a video" in captured.err
    assert "x]" in captured.out
    assert "x]\ufffd.mp4" in (report / "index.html").read_text(encoding="utf-8")
