"""A result names the code that made it, and says if that code was not as committed."""

import subprocess
from pathlib import Path

from pulsephase import __version__
from pulsephase.machine import revision


def test_changed_code_soils_a_revision_and_changed_results_do_not(tmp_path: Path) -> None:
    code, result = tmp_path / "code.py", tmp_path / "experiments" / "results" / "row.json"
    result.parent.mkdir(parents=True)
    code.write_text("1")
    result.write_text("1")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    clean = revision(tmp_path)
    assert clean != __version__ and "dirty" not in clean
    result.write_text("2")
    (tmp_path / "notes").write_text("not tracked")
    assert revision(tmp_path) == clean
    code.write_text("2")
    assert revision(tmp_path) == f"{clean}-dirty"


def test_without_a_checkout_there_is_the_version(tmp_path: Path) -> None:
    assert revision(tmp_path) == __version__
