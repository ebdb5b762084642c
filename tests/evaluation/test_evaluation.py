"""Methods on clips: what counts is the same for all, and what is missing is never scored."""

import gc
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
import pytest
import torch
from networks import SMALL, crops, small

from pulsephase.errors import ParameterError, SamplingError
from pulsephase.evaluation.cases import Case, Cases, SyntheticCases
from pulsephase.evaluation.judge import evaluate
from pulsephase.evaluation.methods import Classical, Method, Network, methods_of
from pulsephase.evaluation.results import Verdict, worst
from pulsephase.evaluation.stretches import cut
from pulsephase.evaluation.waves import Waves, evaluate_waves
from pulsephase.measurement.measure import classical_wave
from pulsephase.models.classical import mean_colour

RATE = 30.0
FRAMES = 600
SIZE = 12


def case(name: str, *, bpm: float = 72.0, frames: int = FRAMES) -> Case:
    """Return a clip whose contact wave has a known rate; its crops are noise."""
    times = np.arange(frames) / RATE
    label = np.sin(2 * np.pi * bpm / 60 * times) + 0.3 * np.sin(4 * np.pi * bpm / 60 * times + 1)
    frames_of = np.random.default_rng(int(bpm)).integers(90, 160, (frames, 3, SIZE, SIZE))
    return Case(
        name=name,
        subject=name[:3],
        attributes={"light": "dim" if bpm > 80 else "bright"},
        crops={SIZE: frames_of.astype(np.uint8)},
        times_s=times,
        face=np.ones(frames, dtype=bool),
        label=label,
    )


@dataclass
class Given(Cases):
    """Clips from a list."""

    clips: Sequence[Case]
    name: str = "given"
    part: str = "all"
    sample_hz: float = RATE
    synthetic: bool = False
    lost: Mapping[str, str] = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.lost = {}

    def __len__(self) -> int:
        return len(self.clips)

    def size(self) -> int:
        return SIZE

    def check_size(self, size: int) -> None:
        assert size == SIZE

    def read(self, sizes: Sequence[int]) -> Iterator[Case]:
        assert list(sizes) == [SIZE]
        yield from self.clips


@final
class Planted(Method):
    """The contact wave itself at a multiple of its speed, or what a function makes of it."""

    calibration = "pos"

    def __init__(self, name: str, make: object) -> None:
        self.name, self.make = name, make

    def size(self, cases: Cases) -> int:
        return cases.size()

    def wave(self, case: Case, *, size: int, sample_hz: float) -> np.ndarray:
        return self.make(case)  # type: ignore[operator]


def exact(case: Case) -> np.ndarray:
    return case.label.copy()


def off_by_12(case: Case) -> np.ndarray:
    """Return a sine 12 bpm above the clip's rate, found from its spectrum."""
    spectrum = np.abs(np.fft.rfft(np.nan_to_num(case.label), 1 << 16))
    bpm = 60 * np.fft.rfftfreq(1 << 16, 1 / RATE)[spectrum.argmax()]
    return np.sin(2 * np.pi * (bpm + 12) / 60 * case.times_s)


def one(methods: Sequence[Method], clips: Sequence[Case], **options: float) -> list[Verdict]:
    return evaluate(methods, Given(clips), **options)  # type: ignore[arg-type]


def test_errors_are_those_that_were_planted() -> None:
    clips = [case("ann1", bpm=60), case("ann2", bpm=66), case("ben1", bpm=90)]
    right, wrong = one([Planted("right", exact), Planted("wrong", off_by_12)], clips)
    assert right.row["mae_bpm"] < 0.05 and right.row["within_3_bpm"] == 1
    assert wrong.row["mae_bpm"] == pytest.approx(12, abs=0.2)
    assert wrong.row["bland_altman"]["bias"] == pytest.approx(12, abs=0.2)
    assert wrong.row["within_3_bpm"] == 0
    for verdict in (right, wrong):
        assert (verdict.row["clips"], verdict.row["clips_asked"]) == (3, 3)
        assert verdict.row["coverage"] == 1 and verdict.row["unscored"] == []
        assert set(verdict.row["by_subject"]) == {"ann", "ben"}
        assert list(verdict.row["by_group"]) == ["light: bright", "light: dim"]


def test_a_verdict_is_a_line_and_a_table_of_clips(tmp_path: Path) -> None:
    clips = [case("ann1", bpm=60), case("ben1", bpm=90)]
    (verdict,) = one([Planted("wrong", off_by_12)], clips)
    assert (
        repr(verdict) == f"Verdict(wrong, strict: MAE {verdict.row['mae_bpm']:.2f} bpm on 2 clips)"
    )
    assert "<th" in verdict._repr_html_() and "mae bpm" in verdict._repr_html_()
    table = verdict.to_dataframe()
    assert table["clip"].tolist() == ["ann1", "ben1"] and table.light.tolist() == ["bright", "dim"]
    assert table.mae_bpm.tolist() == [each.mae_bpm for each in verdict.clips]
    written = verdict.to_csv(tmp_path / "a.csv").read_text().splitlines()
    assert written[0] == ",".join(table) and len(written) == 3


@pytest.mark.parametrize("convention", ["strict", "toolbox-2025", "phasenet-release"])
def test_a_row_is_that_of_the_same_waves_from_files(convention: str) -> None:
    """Keys and numbers of `evaluate_waves`, and more keys."""
    clips = [case("ann1", bpm=60), case("ben1", bpm=75), case("cat1", bpm=96)]
    noise = {each.name: np.random.default_rng(1).normal(size=FRAMES) for each in clips}
    method = Planted("noisy", lambda each: each.label + 1.5 * noise[each.name])
    (verdict,) = one([method], clips, conventions=(convention,))  # type: ignore[arg-type]
    wanted, _ = evaluate_waves(
        Waves(clips={c.name: c.label + 1.5 * noise[c.name] for c in clips}, sample_hz=RATE),
        Waves(clips={c.name: c.label for c in clips}, sample_hz=RATE),
        convention=convention,
        subjects={c.name: c.subject for c in clips},
    )
    assert list(verdict.row)[2 : 2 + len(wanted)] == list(wanted)
    for key in set(wanted) - {"by_group"}:
        assert verdict.row[key] == wanted[key], key


def test_what_is_missing_does_not_count_and_coverage_says_so() -> None:
    """Whatever stands where there is no face, no label or no wave: not one number moves."""

    def gappy(filler: float) -> Case:
        made = case("ann1")
        face = made.face.copy()
        face[200:290] = False
        label = made.label.copy()
        label[:15] = np.nan
        return replace(made, face=face, label=label)

    def warm(filler: float) -> Planted:
        def make(each: Case) -> np.ndarray:
            wave = np.where(each.face, off_by_12(each), filler * np.cos(9 * each.times_s))
            wave[:45] = np.nan
            return wave

        return Planted("late", make)

    rows = []
    for filler in (0.0, 1e3, np.nan):
        (verdict,) = one([warm(filler)], [gappy(filler)])
        rows.append(verdict.row)
        assert verdict.row["coverage"] == pytest.approx((600 - 45 - 90) / (600 - 15))
        assert verdict.row["without_face_s"] == 3 and verdict.row["labelled_s"] == 19.5
        assert [part.start for part in verdict.clips[0].stretches] == [45, 290]
    assert rows[0] == rows[1] == rows[2]


def test_a_short_gap_is_bridged_and_a_leap_in_time_parts() -> None:
    made = case("ann1")
    face = made.face.copy()
    face[300:309] = False
    found = cut(replace(made, face=face), {"a": made.label}, sample_hz=RATE)
    assert [len(part.label) for part in found.parts] == [600]
    assert found.parts[0].counted == 591 and np.isfinite(found.parts[0].waves["a"]).all()
    line = found.parts[0].waves["a"][299:310]
    assert np.allclose(np.diff(line, 2), 0)
    times = made.times_s + np.where(np.arange(FRAMES) >= 250, 2.0, 0.0)
    found = cut(replace(made, times_s=times), {"a": made.label}, sample_hz=RATE)
    assert [part.start for part in found.parts] == [0, 250]


def test_all_methods_are_judged_on_the_same_samples() -> None:
    """Where one has no wave, none counts; one without any wave takes a clip from itself alone."""
    late = Planted("late", lambda each: np.where(each.times_s < 4, np.nan, each.label))
    mute = Planted("mute", lambda each: np.full(FRAMES, np.nan))
    flat = Planted("flat", lambda each: np.zeros(FRAMES))
    right, slow, silent, dead = one([Planted("right", exact), late, mute, flat], [case("ann1")])
    assert right.row["coverage"] == slow.row["coverage"] == 0.8
    assert right.row["rates"] == slow.row["rates"] > 0
    for verdict, word in ((silent, "mute has no wave"), (dead, "the wave is flat")):
        assert verdict.row["clips"] == verdict.row["coverage"] == 0
        assert verdict.row["mae_bpm"] is None and verdict.clips == ()
        assert verdict.row["unscored"][0]["clip"] == "ann1"
        assert verdict.row["unscored"][0]["reason"].startswith(word)
        assert verdict.row.keys() == right.row.keys()


def test_a_clip_without_face_label_or_length_is_named_with_its_reason() -> None:
    dark = replace(case("dark"), face=np.zeros(FRAMES, dtype=bool))
    bare = replace(case("bare"), label=np.full(FRAMES, np.nan))
    brief = case("brief", frames=120)
    (verdict,) = one([Planted("right", exact)], [dark, case("ann1"), bare, brief])
    reasons = {each["clip"]: each["reason"] for each in verdict.row["unscored"]}
    assert reasons == {
        "dark": "no face was found in any frame",
        "bare": "no contact wave",
        "brief": "no 5 s in one piece count",
    }
    assert verdict.row["clips"] == 1 and verdict.row["clips_asked"] == 4
    assert verdict.row["coverage"] == pytest.approx(600 / (600 + 600 + 120))


def test_where_there_is_no_pulse_any_rate_is_wrong() -> None:
    """Synthetic clips without a pulse enter no error; how often a rate was given is told.

    A flat wave of a device is no clip without a pulse, but one without a label.
    """
    null = [replace(case(f"nul{i}", bpm=60 + i), label=np.zeros(FRAMES)) for i in range(3)]

    def bold(each: Case) -> np.ndarray:
        quiet = each.name == "nul2"
        noise = np.random.default_rng(0).normal(size=FRAMES)
        return noise if quiet else np.sin(2 * np.pi * 1.3 * each.times_s)

    clips = [*null, case("ann1", bpm=78)]
    (verdict,) = evaluate([Planted("bold", bold)], Given(clips, synthetic=True))
    assert verdict.row["no_pulse"] == {"clips": 3, "answered": pytest.approx(2 / 3)}
    assert (verdict.row["clips"], verdict.row["clips_asked"]) == (1, 1)
    assert verdict.row["mae_bpm"] < 0.1
    (real,) = one([Planted("bold", bold)], clips)
    assert real.row["no_pulse"] is None and real.row["clips_asked"] == 4
    assert {each["clip"] for each in real.row["unscored"]} == {"nul0", "nul1", "nul2"}
    assert real.row["unscored"][0]["reason"].startswith("the label is flat")


def test_quality_takes_silent_clips_out_of_the_coverage_alone() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=FRAMES)
    method = Planted("some", lambda each: noise if each.name == "ben1" else each.label)
    clips = [case("ann1"), case("ben1")]
    (plain,) = one([method], clips)
    (barred,) = one([method], clips, min_quality=0.9)
    assert (plain.row["coverage"], barred.row["coverage"]) == (1.0, 0.5)
    assert plain.row["mae_bpm"] == barred.row["mae_bpm"]


def test_the_devices_own_reading_stands_beside_the_wave() -> None:
    """The device says 5 bpm too much: it is that far from its wave, and the truth from it."""
    made = case("ann1", bpm=72)
    shown = np.full(FRAMES, 77.0)
    shown[:60] = np.nan  # before it had found a rate
    clips = [replace(made, device_bpm=shown), case("ben1")]
    right, wrong = one([Planted("right", exact), Planted("wrong", off_by_12)], clips)
    assert right.row["device"]["clips"] == 1
    assert right.row["device"]["mae_bpm"] == pytest.approx(5, abs=0.1)
    assert right.row["device"]["own_wave_mae_bpm"] == pytest.approx(5, abs=0.1)
    assert wrong.row["device"]["mae_bpm"] == pytest.approx(7, abs=0.2)
    (without,) = one([Planted("right", exact)], [made])
    assert without.row["device"] is None


def test_a_network_runs_as_on_footage_and_its_delay_is_taken_out() -> None:
    """The wave is the clip's, `delay` samples earlier, without warm-up and without the end."""
    net = small("mixer=within")
    frames = crops(90)[0]
    made = replace(
        case("ann1", frames=90), crops={SIZE: frames.numpy()}, face=np.ones(90, dtype=bool)
    )
    wave = Network(net, name="small").wave(made, size=SIZE, sample_hz=RATE)
    with torch.inference_mode():
        whole = net(frames[None])[0].double().numpy()
    first, last = SMALL.warmup - SMALL.delay, 90 - SMALL.delay
    assert np.isnan(wave[:first]).all() and np.isnan(wave[last:]).all()
    assert np.allclose(wave[first:last], whole[SMALL.warmup :], atol=1e-5 * np.abs(whole).max())


def test_bytes_and_pieces_change_nothing() -> None:
    """Bytes are read as their 255th; a clip longer than a piece is one clip."""
    net = small("mixer=within")
    made = case("ann1")
    as_floats = replace(made, crops={SIZE: (made.crops[SIZE] / np.float32(255))})
    method = Network(net, name="small")
    read = [method.wave(each, size=SIZE, sample_hz=RATE) for each in (made, as_floats)]
    assert np.array_equal(*read, equal_nan=True)
    colour = mean_colour(torch.from_numpy(as_floats.crops[SIZE])).double().numpy()
    wanted = classical_wave(colour, "pos", sample_hz=RATE)
    assert np.allclose(Classical("pos").wave(made, size=SIZE, sample_hz=RATE), wanted)


def test_a_lost_face_has_no_pulse_for_any_method() -> None:
    """Nor has the network's warm-up after a second without a face; before it, nothing changes."""
    made = case("ann1")
    face = made.face.copy()
    face[300:360] = False
    lost = replace(made, face=face)
    method = Network(small("mixer=within"), name="small")
    whole, gap = (method.wave(each, size=SIZE, sample_hz=RATE) for each in (made, lost))
    assert np.isnan(gap[300 - SMALL.delay : 360 + SMALL.warmup - SMALL.delay]).all()
    assert np.array_equal(gap[: 300 - SMALL.delay], whole[: 300 - SMALL.delay], equal_nan=True)
    assert np.isfinite(gap[360 + SMALL.warmup : FRAMES - SMALL.delay]).all()
    assert np.isnan(Classical("pos").wave(lost, size=SIZE, sample_hz=RATE)[300:360]).all()


def test_one_clip_is_in_memory_at_a_time() -> None:
    alive: list[weakref.ref[np.ndarray]] = []

    class Watched(Given):
        def read(self, sizes: Sequence[int]) -> Iterator[Case]:
            for index in range(4):
                frames = case(f"ann{index}")
                alive.append(weakref.ref(frames.crops[SIZE]))
                yield frames
                del frames
                gc.collect()
                assert sum(ref() is not None for ref in alive) <= 1

    evaluate([Classical("green")], Watched([]), pictures=True)
    assert len(alive) == 4


def test_the_generator_as_a_source() -> None:
    """Clips are the same at each size but for their pixels; their truth is the label."""
    cases = SyntheticCases("easy", clips=2, seconds=8.0)
    made = list(cases.read([12, 24]))
    assert [each.name for each in made] == ["seed 0", "seed 1"]
    assert made[0].crops[12].shape == (240, 3, 12, 12)
    assert made[0].crops[24].shape == (240, 3, 24, 24)
    (green,) = evaluate([Classical("green")], cases)
    assert green.row["dataset"] == "synthetic easy" and green.row["clips"] == 2
    assert {key.split(":")[0] for key in green.row["by_group"]} >= {"melanin", "flicker"}


def test_the_worst_clips_come_first() -> None:
    def make(each: Case) -> np.ndarray:
        return off_by_12(each) if each.name == "ben1" else each.label

    (verdict,) = one([Planted("a", make)], [case("ann1"), case("ben1"), case("cat1")])
    shown = worst(verdict, 2)
    assert [each.tried.name for each in shown] == ["ben1", "ann1"]
    assert shown[0].predicted_bpm - shown[0].label_bpm == pytest.approx(12, abs=0.2)


def test_what_cannot_be_judged_is_refused_before_any_clip_is_read() -> None:
    slow = small("mixer=within")
    slow.config = replace(slow.config, sample_hz=25.0)
    with pytest.raises(SamplingError, match="reads 25 frames a second, given has 30"):
        one([Network(slow, name="slow")], [case("ann1")])
    with pytest.raises(ParameterError, match="two methods have one name"):
        one([Planted("a", exact), Planted("a", exact)], [case("ann1")])
    with pytest.raises(ParameterError, match="no method 'sparkle'"):
        methods_of([], ["sparkle"])
    with pytest.raises(ParameterError, match="name at least one"):
        methods_of([], [])
    with pytest.raises(ParameterError, match="sees later frames"):
        Network(small("head=symmetric"), name="future")


def test_more_noise_is_a_lower_snr_under_every_convention() -> None:
    clips = [case(f"s{index:02d}", bpm=60 + 5 * index) for index in range(4)]
    noise = np.random.default_rng(3).normal(size=FRAMES)

    def noisy(level: float) -> Planted:
        return Planted(f"noise {level}", lambda each: each.label + level * noise)

    conventions = ("strict", "toolbox-2025", "phasenet-release")
    found = one([noisy(0.1), noisy(1.0), noisy(4.0)], clips, conventions=conventions)  # type: ignore[arg-type]
    for convention in conventions:
        rows = [each.row for each in found if each.row["convention"] == convention]
        assert [row["method"] for row in rows] == ["noise 0.1", "noise 1.0", "noise 4.0"]
        assert rows[0]["snr_db"] > rows[1]["snr_db"] > rows[2]["snr_db"]
