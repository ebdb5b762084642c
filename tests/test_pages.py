"""README.md and the docs say what the result files say, and no link of theirs is broken."""

import re
from pathlib import Path

import pytest

from pulsephase.experiments import pages
from pulsephase.experiments.pages import MARKED, TABLES, WHOLE, filled, main, stale

ROOT = Path(__file__).parents[1]
PAGES = [*pages.pages(ROOT), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
WORDS = 1000  # of README.md, so that it is read to the end


def named(path: Path) -> list[str]:
    return MARKED.findall(path.read_text(encoding="utf-8"))


def test_every_generated_table_and_page_is_what_the_result_files_say() -> None:
    assert stale(ROOT) == [], "run `make results`"


def test_every_table_stands_on_exactly_one_page() -> None:
    found = [name for path in PAGES for name in named(path)]
    assert sorted(found) == sorted(TABLES)
    assert all((ROOT / name).exists() for name in WHOLE)


def test_a_number_that_was_changed_by_hand_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "page.md"
    (tmp_path / "README.md").write_text("nothing\n")
    page.write_text(filled("<!-- table: speed -->\n<!-- end -->\n"))
    assert stale(tmp_path) == []
    page.write_text(page.read_text().replace("83,481", "83,482"))
    assert stale(tmp_path) == ["docs/page.md"]
    monkeypatch.setattr(pages, "stale", lambda: ["docs/page.md"])
    assert main(["--check"]) == 1
    assert "docs/page.md is not what the result files say" in capsys.readouterr().err
    assert main(["--wrong"]) == 2


def test_a_table_that_nobody_makes_is_an_error() -> None:
    with pytest.raises(KeyError, match="lunch"):
        filled("<!-- table: lunch -->\n<!-- end -->\n")


def test_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= WORDS


@pytest.mark.parametrize(
    "page", [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in PAGES]
)
def test_no_link_is_broken(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("api/"):  # api/ is made by the build
            assert (page.parent / target).exists(), target
