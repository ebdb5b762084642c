"""`pulsephase prove --report`: one file, nothing from outside, every check with its outcome."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pulsephase.cli import main
from pulsephase.errors import InputError, MissingExtraError
from pulsephase.pages import html
from pulsephase.pages.html import mathml, to_html, to_inline_html
from pulsephase.proofs.catalogue import PARTS, ids, load, theorems
from pulsephase.proofs.figures import FIGURES
from pulsephase.proofs.report import page, write_report
from pulsephase.proofs.theorem import MutantResult, Theorem, Verdict

VOID = {"meta", "br", "hr", "img", "input", "link"}


def verdict_of(theorem: Theorem, *, holds: bool | None = True, fails: bool = True) -> Verdict:
    mutants = tuple(MutantResult(name=n, fails=fails, residual=1.0) for n in theorem.mutants)
    if holds is None:
        return Verdict(theorem=theorem, holds=None, detail="not run: x is not installed")
    return Verdict(theorem=theorem, holds=holds, residual=0.0, detail="d", mutants=mutants)


class Nesting(HTMLParser):
    """Collects references, and checks that every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.references += [v for k, v in attrs if k in {"src", "href", "xlink:href"} and v]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag


@pytest.fixture(scope="module")
def whole() -> str:
    return page([verdict_of(theorem) for theorem in theorems()])


def test_the_page_stands_alone(whole: str) -> None:
    parser = Nesting()
    parser.feed(whole)
    assert parser.open == []
    assert "script" not in parser.seen and "link" not in parser.seen and "img" not in parser.seen
    assert all(reference.startswith("#") for reference in parser.references)
    outside = re.sub(r'xmlns(:xlink)?="[^"]*"', "", whole)
    assert not re.search(r"https?://|@import|url\((?!#)", outside)


def test_every_reference_within_the_page_has_its_target(whole: str) -> None:
    parser = Nesting()
    parser.feed(whole)
    assert len(parser.ids) == len(set(parser.ids))
    used = set(parser.references) | {f"#{name}" for name in re.findall(r"url\(#([^)]+)\)", whole)}
    assert {reference[1:] for reference in used} <= set(parser.ids)
    assert set(ids()) <= set(parser.ids)


def test_no_latex_is_left_over(whole: str) -> None:
    text = re.sub(r'alttext="[^"]*"', "", whole)
    assert "\\" not in text and "$" not in text and "zzmath" not in text


def test_the_outcome_is_stated() -> None:
    theorem = load("BL")
    good = page([verdict_of(theorem)])
    assert "1 of 1 theorems hold" in good and 'class="badge good">holds' in good
    bad = page([verdict_of(theorem, holds=False)])
    assert "0 of 1 theorems hold" in bad and 'class="badge bad">fails' in bad
    survived = page([verdict_of(theorem, fails=False)])
    assert "NOT refused" in survived and 'class="outcome bad"' in survived
    assert "<details open>" in survived
    idle = page([verdict_of(theorem, holds=None)])
    assert "1 not run for want of an optional package" in idle and "not run" in idle


def test_text_of_a_theorem_is_shown_and_not_obeyed() -> None:
    nasty = replace(
        load("BL"), title="<script>a</script>", paper="<b>b</b>", statement="<i>c</i> $a<b$"
    )
    text = page([verdict_of(nasty)])
    assert "<script>" not in text and "<b>b</b>" not in text and "<i>c</i>" not in text


def test_math_becomes_mathml() -> None:
    found = to_html("Let $x_1$ be\n\n$$\\frac{a}{b} < 1.$$\n\nand **so** on")
    assert found.count("<math") == 2 and 'display="block"' in found and "<mfrac>" in found
    assert "<strong>so</strong>" in found and "$" not in found
    assert 'alttext="\\frac{a}{b} &lt; 1."' in found
    assert to_inline_html("*a* $b$").startswith("<em>a</em> <math")
    assert "<mi>x</mi>" in mathml("x", display=False)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_every_figure_takes_the_colours_of_the_page(name: str) -> None:
    svg = FIGURES[name].svg(name)
    assert svg.startswith("<svg") and svg.endswith("</svg>")
    assert "var(--ink)" in svg and "#0102" not in svg and "<metadata" not in svg
    assert FIGURES[name].caption.endswith(".")


def test_a_figure_is_the_same_each_time() -> None:
    assert FIGURES["BL"].svg("BL") == FIGURES["BL"].svg("BL")


def test_figures_belong_to_theorems() -> None:
    assert set(FIGURES) <= {name for part in PARTS for name in part.ids}


def test_it_is_written_whole(tmp_path: Path) -> None:
    path = write_report(tmp_path / "deep" / "folder", [verdict_of(load("BL"))])
    assert path == tmp_path / "deep" / "folder" / "index.html"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InputError, match="file"):
        write_report(tmp_path / "taken", [])
    assert main(["prove", "--only", "BL", "--report", str(tmp_path / "taken")]) == 2


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent: Callable[[str], None] = lambda name: None  # noqa: E731
    monkeypatch.setattr(html, "find_spec", absent)
    with pytest.raises(MissingExtraError, match=r"pulsephase\[proofs\]"):
        write_report(tmp_path, [])


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--only", "BL", "--report", str(tmp_path)]) == 0
    assert "holds" in capsys.readouterr().out
    assert "Light falls" in (tmp_path / "index.html").read_text(encoding="utf-8")
