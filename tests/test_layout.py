"""The folders, the wheel mapping and the checker links say the same thing; imports run one way."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "physics",
    "proofs",
    "synthetic",
    "video",
    "vitals",
    "models",
    "training",
    "evaluation",
    "interpret",
    "experiments",
)
INNER = ("bench", "commands", "live", "measurement", "pages")  # of src/pulsephase
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
SHARED = {"errors", "files", "checks", "machine", "text", "__version__"}
MAY_IMPORT = {
    "physics": set(),
    "vitals": set(),
    "video": set(),
    "synthetic": {"physics", "vitals", "video", "models"},
    "models": {"physics", "vitals", "video"},
    "proofs": {"physics", "models", "pages"},
    "training": {"physics", "vitals", "video", "synthetic", "models", "evaluation"},
    "evaluation": {"vitals", "video", "synthetic", "models", "measurement", "pages"},
    "interpret": {"physics", "vitals", "video", "synthetic", "models", "pages", "training"},
    "experiments": {*FOLDERS, "bench", "measurement", "pages", "live"},
}


def packages() -> list[str]:
    found = ["pulsephase", *(f"pulsephase.{name}" for name in INNER)]
    for top in FOLDERS:
        for init in (ROOT / top).rglob("__init__.py"):
            dotted = init.parent.relative_to(ROOT).as_posix().replace("/", ".")
            found.append(f"pulsephase.{dotted}")
    return sorted(found)


def test_every_package_is_shipped() -> None:
    assert sorted(CONFIG["packages"]) == packages()


def test_every_root_folder_is_mapped() -> None:
    assert {f"pulsephase.{name}" for name in FOLDERS} <= set(CONFIG["package-dir"])


@pytest.mark.parametrize("name", FOLDERS)
def test_link_points_at_the_folder(name: str) -> None:
    link = ROOT / "src/pulsephase" / name
    if not link.is_dir():
        pytest.skip("checkout without symbolic links")
    assert link.resolve() == ROOT / name


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "pulsephase" and len(parts) > 1:
                rooms.add(parts[1])
    return rooms


@pytest.mark.parametrize("room", FOLDERS)
def test_imports_run_one_way(room: str) -> None:
    allowed = MAY_IMPORT[room] | SHARED | {room}
    for path in (ROOT / room).rglob("*.py"):
        assert imported_rooms(path) <= allowed, path


def test_a_forbidden_import_is_seen(tmp_path: Path) -> None:
    module = tmp_path / "wrong.py"
    module.write_text("from pulsephase.models.phasenet import PhaseNet\nimport pulsephase.video\n")
    assert imported_rooms(module) == {"models", "video"}


def test_import_does_no_work() -> None:
    code = (
        "import sys, pulsephase, pulsephase.cli;"
        "print([m for m in ('torch', 'sympy', 'matplotlib', 'cv2', 'av') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_export_exists() -> None:
    import pulsephase

    for name in pulsephase.__all__:
        assert getattr(pulsephase, name) is not None
