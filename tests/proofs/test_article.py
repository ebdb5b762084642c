"""docs/explanation/derivation.md is what the theorems say, and says it readably."""

import re
from pathlib import Path

from pulsephase.physics.discretisation import largest_stable_step_s
from pulsephase.physics.oscillator import Oscillator
from pulsephase.proofs.article import anchor, article, write_article
from pulsephase.proofs.catalogue import PARTS, load, parts_of, theorems

ROOT = Path(__file__).parents[2]


def test_the_stored_page_is_in_step() -> None:
    stored = (ROOT / "docs/explanation/derivation.md").read_text(encoding="utf-8")
    assert article(theorems()) == stored, "the theorems changed: run `make results`"


def test_the_page_is_written_whole(tmp_path: Path) -> None:
    path = write_article(tmp_path / "page.md")
    assert path.read_text(encoding="utf-8") == article(theorems())
    assert [item.name for item in tmp_path.iterdir()] == ["page.md"]


def test_every_link_has_its_heading() -> None:
    page = article(theorems())
    links = set(re.findall(r"\(#([^)]+)\)", page))
    assert links and links == {anchor(theorem) for theorem in theorems()}
    assert anchor(load("T7")) == "t7-fixing-x0-alone-proves-nothing"


def test_it_names_every_place_where_the_paper_parts() -> None:
    page = article(theorems())
    table = page.split("## The theorems")[0]
    for theorem in theorems():
        assert (f"[{theorem.id}](" in table) == bool(theorem.paper)


def test_it_holds_no_outcome_and_no_time() -> None:
    """What depends on the machine would make the page differ from the stored one."""
    page = article(theorems())
    assert not re.search(r"residual [0-9]|\bseconds\b", page)


def test_the_parts_hold_each_theorem_once() -> None:
    listed = [name for part in PARTS for name in part.ids]
    assert len(listed) == len(set(listed))
    chosen = [theorem.id for theorem in theorems()]
    assert [name for _, ids in parts_of(chosen) for name in ids] == chosen


def computed(page: str, name: str) -> list[float]:
    """Return the numbers of a computed row of the page."""
    (cells,) = re.findall(rf"^\| {re.escape(name)} \| (.+) \|$", page, flags=re.MULTILINE)
    return [float(number) for number in re.findall(r"[0-9]+\.?[0-9]*", cells)]


def test_numbers_in_the_prose_are_the_computed_ones() -> None:
    page = article(theorems())
    start = "smallest stable radius at 30 frames per second, profile exponent"
    said = re.findall(r"vessels above about ([0-9.]+) mm", page)
    assert said and {float(each) for each in said} == set(computed(page, f"{start} 2"))
    oscillator = Oscillator(alpha_per_s=60.0 - 1e-6, omega_rad_s=1e-3)
    assert largest_stable_step_s(oscillator, scheme="semi_implicit") > 1 / 30
    beyond = Oscillator(alpha_per_s=60.0 + 1e-6, omega_rad_s=1e-3)
    assert largest_stable_step_s(beyond, scheme="semi_implicit") < 1 / 30
    assert r"$\alpha < 60$ per second" in page
    assert "overdamped tenfold" in page
    assert 10 <= computed(page, "arteriole alone: first mode, damping ratio")[-1] < 12
