"""The report is one page that needs nothing else, and says what was withheld."""

import copy
import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from networks import SMALL, small

from pulsephase.commands.interpret import command
from pulsephase.experiments.interpret_tutorial import path_of
from pulsephase.interpret import analyse, context
from pulsephase.interpret.report import all_figures, page, write_report
from pulsephase.interpret.subject import Foreign, network_of
from pulsephase.interpret.thresholds import reasons
from pulsephase.pages.svg import Shown
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render
from pulsephase.video.clip import Clip

STORED: dict[str, Any] = json.loads(path_of("tiny").read_text(encoding="utf-8"))
BLANK = np.full((8, 8, 3), 128, dtype=np.uint8)


class Reader(HTMLParser):
    """Collects links, ids and words, and sees that each tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in {"src", "href", "xlink:href", "srcset"}]
        self.ids += [v or "" for k, v in attrs if k == "id"]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(text: str) -> tuple[str, Reader, str]:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return text, reader, " ".join(" ".join(reader.words).split())


def foreign() -> dict[str, Any]:
    """Return the analysis as it is for a network of which nothing is known but its output."""
    found = copy.deepcopy(STORED)
    sections = found["sections"]
    for level in ("head", "position"):
        del sections["response"]["levels"][level]
    sections["layers"] = {"claim": "Nothing is said of layers.", "withheld": "a foreign network"}
    sections["space"]["masks"] = {"withheld": "it shows no masks"}
    sections["space"]["mixing"] = {"withheld": "it shows no mixers"}
    sections["space"]["attributions"] = {"withheld": "captum is not installed"}
    sections["nulls"]["missing"] = {"random weights": "give redraw"}
    return found


@cache
def drawn() -> dict[str, list[Shown]]:
    """Draw all figures once."""
    return all_figures(STORED, {})


def everything() -> list[Shown]:
    return [figure for figures in drawn().values() for figure in figures]


def only_space(**changed: Any) -> dict[str, Any]:
    """Return an analysis of one section, which is quickly drawn."""
    return {**STORED, "sections": {"space": STORED["sections"]["space"]}, **changed}


def test_the_page_asks_for_nothing() -> None:
    text, reader, _ = read(page(STORED, drawn()))
    assert all(link.startswith("#") for link in reader.links)
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert not {"script", "iframe", "object", "embed", "link"} & set(reader.tags)
    assert not re.findall(r"#01020\d", text)  # every colour is one of the page's
    assert {"--ink", "--accent"} <= set(re.findall(r"var\((--\w+)\)", text))


def test_every_part_that_is_named_is_there_and_once() -> None:
    text, reader, _ = read(page(STORED, drawn()))
    wanted = set(re.findall(r"url\(#([^)]+)\)", text))
    wanted |= {link[1:] for link in reader.links if link.startswith("#")}
    assert wanted and wanted <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))


def test_each_figure_says_how_to_read_it_and_what_would_refute_it() -> None:
    text, reader, words = read(page(STORED, drawn()))
    figures = everything()
    assert len(figures) == reader.tags.count("figure") == words.count("How to read it.") >= 12
    assert words.count("What would refute it.") == len(figures)
    for figure in figures:
        assert len(figure.read) > 40 and len(figure.refuted) > 15
        assert f'aria-label="{figure.title.split(chr(39))[0]}' in text


def test_the_verdict_its_numbers_and_every_claim_stand_on_the_page() -> None:
    _, _, words = read(page(STORED, drawn()))
    verdict = STORED["verdict"]
    assert verdict["sentence"] in words
    assert f"{verdict['time_invariance_score']:.3g}" in words
    for section in STORED["sections"].values():
        assert " ".join(section["claim"].split()) in words
    for name, reason in reasons().items():
        assert name in words and reason in words
    assert "no medical device" in words


def test_what_is_withheld_is_said_with_its_reason() -> None:
    _, reader, words = read(page(foreign(), all_figures(foreign(), {})))
    for reason in (
        "a foreign network",
        "it shows no masks",
        "it shows no mixers",
        "captum is not installed",
        "the null 'random weights' is missing: give redraw",
    ):
        assert reason in words, reason
    assert 4 < reader.tags.count("figure") < len(everything())


def test_a_person_is_shown_only_where_frames_are_given() -> None:
    text, _, _ = read(page(STORED, drawn()))
    assert "<image" not in text and "data:" not in text
    frames = {STORED["clips"][0]: BLANK, "a clip that was not analysed": BLANK}
    text, reader, _ = read(page(only_space(), all_figures(only_space(), frames)))
    assert text.count("<image") == 1
    assert [link[:15] for link in reader.links if not link.startswith("#")] == ["data:image/png;"]


def test_figures_alone_are_files_that_need_no_page(tmp_path: Path) -> None:
    assert write_report(tmp_path, only_space()) == tmp_path / "index.html"
    files = sorted((tmp_path / "figures").glob("*.svg"))
    assert {file.stem for file in files} == {figure.name for figure in drawn()["space"]}
    for text in (figure.alone() for figure in everything()):
        assert "var(--" not in text and "#01020" not in text
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"


def test_what_is_odd_in_a_name_is_text() -> None:
    _, reader, words = read(page({**STORED, "weights": "<i>my & net</i>"}, drawn()))
    assert "What has <i>my & net</i> learnt?" in words
    assert "i" not in reader.tags


@pytest.mark.parametrize("hidden", [False, True])
def test_the_command_writes_the_page_with_or_without_faces(
    hidden: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the analysis at hand: that of the command itself is tested where it is made."""

    def few(subject: Any, **_: Any) -> context.Context:
        return context.Context(subject=subject, clips=clips)

    clips = (render(800_000_000, preset("full", seconds=0.2)),)
    monkeypatch.setattr(context, "synthetic_context", few)
    monkeypatch.setattr(analyse, "analyse", lambda _: only_space())
    options = ["tiny", "--report", str(tmp_path), "--json"]
    outcome = CliRunner().invoke(command, options + ["--no-frames"] * hidden)
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.stdout)["weights"] == "tiny"
    text, _, _ = read((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert ("<image" in text) is not hidden
    assert isinstance(clips[0], Clip)


def moving_mean(frames: torch.Tensor) -> torch.Tensor:
    """Return the mean green of the last ten frames: somebody's network, as plain as can be."""
    green = torch.nn.functional.pad(frames[:, :, 1].mean((2, 3)), (9, 0))
    return green.unfold(1, 10, 1).mean(2)


@pytest.mark.parametrize("kind", ["foreign", "symmetric"])
def test_from_any_network_to_its_page(kind: str) -> None:
    """All sections, of a foreign network and of the control that sees later frames."""
    subject: Any = Foreign(function=moving_mean, name="mean", size=8, sample_hz=30.0)
    if kind == "symmetric":
        subject = network_of(small("head=symmetric"), name="symmetric")
    budget = context.Budget(clips=2, frames=256, times=2, draws=5, resamples=20, quick=True)
    found = analyse.analyse(context.synthetic_context(subject, budget=budget))
    json.dumps(found, allow_nan=False)
    assert set(found["sections"]) == set(analyse.SECTIONS)
    _, reader, said = read(page(found, all_figures(found, {})))
    for section in found["sections"].values():
        assert " ".join(section["claim"].split()) in said
    assert reader.tags.count("figure") >= 6
    ahead = found["verdict"]["look_ahead_frames"]
    if kind == "symmetric":
        assert ahead == SMALL.receptive_field // 2
    else:
        assert ahead == 0
        assert "shows neither masks nor mixers" in said
        assert "foreign network's layers are not known" in said
