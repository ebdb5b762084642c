"""The report is one page that needs nothing else, says everything, and hides no failure."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pulsephase.errors import InputError, ShapeError
from pulsephase.pages.figures import LONGEST_S, wave_span
from pulsephase.pages.measurement import (
    WARNING,
    MethodRow,
    VideoSection,
    check_writable,
    write_report,
)
from pulsephase.vitals.heart_rate import HeartRate, heart_rate
from pulsephase.vitals.planted import coloured_noise, planted_waves

VOID = {"meta", "link", "img", "br"}
PNG = bytes.fromhex("89504e470d0a1a0a") + b"not shown, only carried"


def section(
    name: str = "a.mp4",
    *,
    seconds: float = 12.0,
    noise: bool = False,
    gap: bool = False,
    rows: tuple[MethodRow, ...] = (),
    picture: bytes | None = None,
) -> VideoSection:
    rng, length = np.random.default_rng(0), round(30 * seconds)
    if noise:
        wave = coloured_noise(rng, count=1, length=length, sample_hz=30.0, power=0.0)[0]
    else:
        wave = planted_waves(rng, count=1, length=length, sample_hz=30.0, snr_db=10.0)[0][0]
    if gap:
        wave[:45] = np.nan
    return VideoSection(
        name=name,
        method="phasenet",
        rate=heart_rate(wave, sample_hz=30.0),
        times_s=np.arange(length) / 30.0,
        pulse=wave,
        sample_hz=30.0,
        facts={"frames": str(length), "<i>odd</i>": '"quoted" & more'},
        rows=rows,
        picture_png=picture,
    )


class Reader(HTMLParser):
    """Collects the links and the words of a page, and sees that each tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in {"src", "href", "xlink:href", "srcset"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(page: Path) -> tuple[str, Reader]:
    text, reader = page.read_text(encoding="utf-8"), Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return text, reader


def test_the_page_asks_for_nothing(tmp_path: Path) -> None:
    """Its only links are data inside it and figures' own parts; there is no script."""
    page = write_report(tmp_path, [section(picture=PNG, gap=True), section("b.mp4", noise=True)])
    text, reader = read(page)
    assert reader.links
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert "://" not in text
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert not {"script", "iframe", "object", "embed"} & set(reader.tags)


def test_every_part_of_a_figure_that_is_named_is_there(tmp_path: Path) -> None:
    text, reader = read(write_report(tmp_path, [section(), section("b.mp4", gap=True)]))
    wanted = set(re.findall(r"url\(#([^)]+)\)", text))
    wanted |= {link[1:] for link in reader.links if link.startswith("#")}
    assert wanted
    assert wanted <= set(re.findall(r' id="([^"]+)"', text))


def test_a_result_is_shown_whole(tmp_path: Path) -> None:
    rows = (
        MethodRow(method="phasenet", bpm=70.0, quality=0.9, reference_bpm=71.5),
        MethodRow(method="pos", bpm=None, quality=0.2, reason="no <pulse>", reference_bpm=71.5),
    )
    shown = section(rows=rows, picture=PNG)
    page = write_report(tmp_path, [shown], title="Run & co", parameters={"weights": "tiny"})
    text, reader = read(page)
    words = " ".join(" ".join(reader.words).split())
    assert shown.rate.bpm is not None
    for expected in (
        "Run & co",
        WARNING,
        "a.mp4",
        f"{shown.rate.bpm:.1f}",
        f"quality {shown.rate.quality:.2f} · phasenet",
        f"contact reference 71.5 bpm, error {abs(shown.rate.bpm - 71.5):.1f} bpm",
        "The pulse wave",
        "Its spectrum",
        "Heart rate over time",
        "What it looked at",
        "70.0",
        "1.5",
        "none: no <pulse>",
        "frames",
        "weights",
        "tiny",
    ):
        assert expected in words, expected
    assert text.count("<svg ") == 3
    assert text.count("<img ") == 1


def test_without_a_rate_the_reason_stands_in_its_place(tmp_path: Path) -> None:
    shown = section(noise=True)
    assert shown.rate.reason is not None
    text, reader = read(write_report(tmp_path, [shown]))
    words = "".join(reader.words)
    assert "no heart rate" in words
    assert shown.rate.reason in words
    assert "abstained" in words
    assert '<span class="unit">' not in text


def test_a_video_without_a_face_has_a_page(tmp_path: Path) -> None:
    shown = VideoSection(
        name="empty.mp4",
        method="phasenet",
        rate=HeartRate.none("no face was found in any frame"),
        times_s=np.arange(300) / 30.0,
        pulse=np.full(300, np.nan),
        sample_hz=30.0,
    )
    text, reader = read(write_report(tmp_path, [shown]))
    assert "no face was found in any frame" in "".join(reader.words)
    assert text.count("<svg ") == 2


def test_names_cannot_break_out(tmp_path: Path) -> None:
    name = "<script>alert('1')</script>.mp4"
    text, reader = read(
        write_report(tmp_path, [section(name)], title=name, parameters={name: name})
    )
    assert "<script" not in text
    assert "script" not in reader.tags
    assert "".join(reader.words).count(name) == 5  # title, heading, section, twice in the facts


def test_no_picture_means_no_image(tmp_path: Path) -> None:
    text, _ = read(write_report(tmp_path, [section()]))
    assert "<img" not in text


def test_of_a_long_wave_the_best_15_s_are_drawn() -> None:
    shown = section(seconds=60)
    start, stop = wave_span(shown.times_s, shown.rate)
    best = max(shown.rate.windows, key=lambda window: window.quality)
    assert stop - start == pytest.approx(LONGEST_S)
    assert start <= best.start_s
    assert best.end_s <= stop + 0.04
    assert wave_span(section().times_s, section().rate) == (0.0, pytest.approx(359 / 30))


def test_the_same_data_give_the_same_page(tmp_path: Path) -> None:
    first = write_report(tmp_path / "one", [section()]).read_text(encoding="utf-8")
    second = write_report(tmp_path / "two", [section()]).read_text(encoding="utf-8")
    assert first == second


def test_an_older_page_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old")
    write_report(tmp_path, [section()])
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    assert (tmp_path / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="cannot write a report"):
            check_writable(folder)
    check_writable(tmp_path / "new" / "deep")
    assert list((tmp_path / "new" / "deep").iterdir()) == []


def test_a_wave_that_does_not_fit_its_times_is_refused() -> None:
    with pytest.raises(ShapeError, match="equally long"):
        VideoSection(
            name="a",
            method="pos",
            rate=HeartRate.none("nothing"),
            times_s=np.arange(3.0),
            pulse=np.arange(4.0),
            sample_hz=30.0,
        )


@pytest.mark.parametrize(
    ("bpm", "reference", "error"), [(70, 72, 2), (None, 72, None), (70, None, None)]
)
def test_an_error_needs_both_numbers(
    bpm: float | None, reference: float | None, error: float | None
) -> None:
    row = MethodRow(method="pos", bpm=bpm, quality=0.5, reference_bpm=reference)
    assert row.error_bpm == error
