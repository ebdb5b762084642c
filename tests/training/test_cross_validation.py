"""Every fold once, resumed where it was, and the test subjects read by nobody else."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import recordings
from networks import SMALL, small

from pulsephase.cli import main
from pulsephase.errors import InputError, ParameterError, TrainingError
from pulsephase.models.weights import save
from pulsephase.training.config import TrainConfig
from pulsephase.training.cross_validation import run_protocol
from pulsephase.training.folds import Plan, across, each_left_out, opened, training_of, within

NETWORK = json.dumps({name: getattr(SMALL, name) for name in SMALL.__slots__})
KEYS = (f"network.overrides={NETWORK}", "data.frames=150", "optimiser.steps=2")


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two data sets of three people, of the same names, 8 s each."""
    found = {}
    for name in ("ubfc", "pure"):
        folder = tmp_path_factory.mktemp(name)
        made = [recordings.recording(number, seconds=8.0) for number in range(1, 4)]
        found[name] = str(recordings.cached(folder, made, name=name, size=SMALL.size))
    return found


class Trainer:
    """Writes weights at once, and tells what it was asked; may be killed."""

    def __init__(self, *, dies_at: int | None = None) -> None:
        self.asked: list[tuple[TrainConfig, Path]] = []
        self.dies_at = dies_at

    def __call__(self, config: TrainConfig, folder: Path) -> Path:
        self.asked.append((config, folder))
        folder.mkdir(parents=True, exist_ok=True)
        if len(self.asked) - 1 == self.dies_at:
            raise KeyboardInterrupt
        path = folder / "weights.safetensors"
        save(path, config=SMALL, tensors=small("mixer=within").state_dict(), card={})
        return path


def plan_of(caches: Mapping[str, str], **changes: Any) -> Plan:
    asked = {
        "kind": "leave-one-out",
        "folds": changes.get("folds") or each_left_out(opened(caches), seed=0),
        "caches": caches,
        "training": training_of(KEYS),
        "methods": ("green",),
    }
    return Plan(**(asked | changes))


def test_every_fold_trains_on_one_side_and_tests_the_other(
    caches: dict[str, str], tmp_path: Path
) -> None:
    trainer = Trainer()
    rows = run_protocol(plan_of(caches), tmp_path, train=trainer)
    assert [(row["fold"], row["method"], row["dataset"]) for row in rows] == [
        ("pure-to-ubfc", "phasenet", "ubfc"),
        ("pure-to-ubfc", "green", "ubfc"),
        ("ubfc-to-pure", "phasenet", "pure"),
        ("ubfc-to-pure", "green", "pure"),
    ]
    assert [row["trained_on"] for row in rows] == [["pure"]] * 2 + [["ubfc"]] * 2
    assert all(row["clips"] == 3 and row["protocol"] == "leave-one-out" for row in rows)
    assert all(row["mae_bpm"] < 1 for row in rows if row["method"] == "green")
    for (config, folder), name in zip(trainer.asked, ("pure", "ubfc"), strict=True):
        (source,) = config.data.cached
        assert source.cache == caches[name] and folder.name == "run"
        split = json.loads(Path(source.split).read_text())
        assert sorted(split["train"] + split["validation"]) == [f"subject{n}" for n in (1, 2, 3)]
        assert split["test"] == 0 and len(split["validation"]) == 1
    assert json.loads((tmp_path / "results.json").read_text())["results"] == rows


def test_a_killed_protocol_keeps_what_is_finished(caches: dict[str, str], tmp_path: Path) -> None:
    """The second call trains the second fold alone, in the folder where it was left."""
    plan, killed, said = plan_of(caches), Trainer(dies_at=1), []
    with pytest.raises(KeyboardInterrupt):
        run_protocol(plan, tmp_path, train=killed)
    first = (tmp_path / "pure-to-ubfc" / "result.json").read_bytes()
    assert len(json.loads((tmp_path / "results.json").read_text())["results"]) == 2
    again = Trainer()
    rows = run_protocol(plan, tmp_path, train=again, say=said.append)
    assert [folder for _, folder in again.asked] == [tmp_path / "ubfc-to-pure" / "run"]
    assert again.asked[0][0] == killed.asked[1][0]
    assert said[0] == "fold 1 of 2, pure-to-ubfc: finished before"
    assert (tmp_path / "pure-to-ubfc" / "result.json").read_bytes() == first
    whole = run_protocol(plan, tmp_path / "at once", train=Trainer())
    assert rows == whole


def test_the_test_clips_are_not_opened_before_their_test(
    caches: dict[str, str], tmp_path: Path
) -> None:
    """Their frames come to be while the fold trains."""
    own = {name: str(tmp_path / name) for name in caches}
    for name, folder in caches.items():
        shutil.copytree(folder, own[name])
    clips = Path(own["ubfc"]) / "clips"
    aside = tmp_path / "aside"

    def train(config: TrainConfig, folder: Path) -> Path:
        assert {Path(source.cache).name for source in config.data.cached} == {"pure"}
        shutil.rmtree(clips)
        shutil.copytree(aside, clips)
        return Trainer()(config, folder)

    shutil.copytree(clips, aside)
    for frames in clips.rglob("frames.npy"):
        frames.write_bytes(b"nobody may read this")
    fold = across(opened({"pure": own["pure"]}), opened({"ubfc": own["ubfc"]}), seed=0)
    rows = run_protocol(plan_of(own, kind="cross", folds=fold), tmp_path / "out", train=train)
    assert rows[0]["clips"] == 3


def test_within_a_set_by_split_or_by_cross_validation(
    caches: dict[str, str], tmp_path: Path
) -> None:
    ubfc = opened({"ubfc": caches["ubfc"]})
    own = tmp_path / "own.json"
    own.write_text(
        json.dumps(
            {
                "train": ["subject1", "subject2"],
                "validation": 0,
                "test": ["subject3"],
                "where": ["light=low"],
            }
        )
    )
    folds, where = within(ubfc, splits={"ubfc": str(own)}, folds=None, seed=0)
    assert [fold.test for fold in folds] == [{"ubfc": ("subject3",)}]
    assert where == {"ubfc": ("light=low",)}
    folds, where = within(ubfc, splits={}, folds=3, seed=0)
    assert len(folds) == 3 and where == {}
    trainer = Trainer()
    plan = plan_of({"ubfc": caches["ubfc"]}, kind="intra", folds=folds)
    rows = run_protocol(plan, tmp_path / "out", train=trainer)
    green = [row for row in rows if row["method"] == "green"]
    assert sorted(name for row in green for name in row["by_subject"]) == [
        f"subject{n}" for n in (1, 2, 3)
    ]
    with pytest.raises(ParameterError, match="a split of pure needs that data set"):
        within(ubfc, splits={"pure": "default"}, folds=None, seed=0)
    with pytest.raises(ParameterError, match="not both"):
        within(ubfc, splits={"ubfc": "default"}, folds=2, seed=0)


def test_another_protocol_in_the_folder_is_refused(caches: dict[str, str], tmp_path: Path) -> None:
    plan = plan_of(caches)
    run_protocol(plan, tmp_path, train=Trainer())
    other = training_of([*KEYS, "optimiser.steps=3"])
    with pytest.raises(TrainingError, match=r"another protocol \(training\)"):
        run_protocol(replace(plan, training=other), tmp_path, train=Trainer())
    with pytest.raises(TrainingError, match=r"another protocol \(conventions\)"):
        run_protocol(replace(plan, conventions=("toolbox-2025",)), tmp_path, train=Trainer())
    elsewhere = training_of([*KEYS, "machine.workers=0"])
    quiet = Trainer()
    run_protocol(replace(plan, training=elsewhere), tmp_path, train=quiet)
    assert quiet.asked == []


def break_size(caches: dict[str, str], root: Path) -> Plan:
    return plan_of(caches, training=training_of(["data.frames=150"]))


def break_name(caches: dict[str, str], root: Path) -> Plan:
    return plan_of({"ubfc": caches["pure"], "pure": caches["ubfc"]}, folds=plan_of(caches).folds)


def break_key(caches: dict[str, str], root: Path) -> Plan:
    return plan_of(caches, training=training_of([*KEYS, "optimiser.steps=0"]))


def break_machine(caches: dict[str, str], root: Path) -> Plan:
    return plan_of(caches, training=training_of([*KEYS, "machine.processes=2"]))


def break_subject(caches: dict[str, str], root: Path) -> Plan:
    fold = plan_of(caches).folds[0]
    return plan_of(caches, folds=(replace(fold, test={"ubfc": ("subject1", "ghost")}),))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (break_size, "12 px"),
        (break_name, "is a cache of pure, not of ubfc"),
        (break_key, "optimiser.steps is 0"),
        (break_machine, "trains in one process"),
        (break_subject, "tests subject 'ghost' of ubfc"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_training(
    broken: Callable[[dict[str, str], Path], Plan],
    says: str,
    caches: dict[str, str],
    tmp_path: Path,
) -> None:
    trainer = Trainer()
    with pytest.raises((InputError, ParameterError), match=says):
        run_protocol(broken(caches, tmp_path), tmp_path / "out", train=trainer)
    assert trainer.asked == []
    assert len(run_protocol(plan_of(caches), tmp_path / "out", train=trainer)) == 4


def test_a_plan_that_cannot_be_is_refused(caches: dict[str, str]) -> None:
    folds = plan_of(caches).folds
    with pytest.raises(ParameterError, match="needs a cache of ubfc"):
        plan_of({"pure": caches["pure"]}, folds=folds)
    with pytest.raises(ParameterError, match="name each once"):
        plan_of(caches, folds=(*folds, folds[0]))
    with pytest.raises(ParameterError, match="no method 'sparkle'"):
        plan_of(caches, methods=("sparkle",))
    with pytest.raises(ParameterError, match="no key"):
        training_of(["optimiser.stops=3"])


def test_the_commands(
    caches: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two steps of the real trainer in each fold; called again, nothing is trained.

    A fold that was killed between its training and its test is not trained again, but tested.
    """
    sets = [part for name, folder in caches.items() for part in ("--set", f"{name}={folder}")]
    keys = [
        part for key in (*KEYS, "data.held_out=1", "machine.workers=0") for part in ("--key", key)
    ]
    options = [*keys, "--method", "green", "--out", str(tmp_path / "out"), "--json"]
    code = main(["protocol", "leave-one-out", *sets, *options])
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert code == 0 and found["protocol"] == "leave-one-out" and len(found["results"]) == 4
    assert "fold 2 of 2, ubfc-to-pure: training" in err
    page = (tmp_path / "out" / "ubfc-to-pure" / "index.html").read_text(encoding="utf-8")
    assert "phasenet on pure" in page and "<img" not in page
    (tmp_path / "out" / "ubfc-to-pure" / "result.json").unlink()
    weights = tmp_path / "out" / "ubfc-to-pure" / "run" / "weights.safetensors"
    before = weights.read_bytes()
    code = main(["protocol", "leave-one-out", *sets, *options])
    out, err = capsys.readouterr()
    assert code == 0 and json.loads(out) == found
    assert "pure-to-ubfc: finished before" in err and weights.read_bytes() == before


def test_wrong_use_is_named(
    caches: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ubfc, out = f"ubfc={caches['ubfc']}", ["--out", str(tmp_path / "out")]
    for arguments, says in (
        (["intra", *out], "name at least one data set"),
        (["intra", "--set", "ubfc", *out], "give NAME=VALUE"),
        (["intra", "--set", ubfc, "--set", ubfc, *out], "each name once"),
        (["leave-one-out", "--set", ubfc, *out], "at least 2"),
        (["cross", "--train", ubfc, "--test", ubfc, *out], "is to train and to test"),
        (["intra", "--set", f"ubfc={tmp_path}", *out], "holds no cache"),
        (["intra", "--set", ubfc, "--split", "ubfc=none", *out], "has no split 'none'"),
        (["intra", "--set", ubfc, "--key", "speed=9", *out], "no key 'speed'"),
    ):
        code = main(["protocol", *arguments])
        err = capsys.readouterr().err
        assert code == 2 and says in err and "Traceback" not in err, (arguments, err)
        assert not (tmp_path / "out").exists(), arguments
