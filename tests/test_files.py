from pathlib import Path

import pytest

from pulsephase.files import whole_file, write_json


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole_file(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_success_replaces(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"a": 1})
    assert target.read_text() == '{\n  "a": 1\n}\n'
    assert list(tmp_path.iterdir()) == [target]


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_a_new_file_has_the_mode_of_any_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    target, plain = tmp_path / "a.json", tmp_path / "b.txt"
    write_json(target, 1)
    plain.write_text("made by open")
    assert target.stat().st_mode == plain.stat().st_mode
    target.chmod(0o600)
    write_json(target, 2)
    assert target.stat().st_mode & 0o777 == 0o600
