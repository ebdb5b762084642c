"""Pretraining and its comparison, on a scale that tests allow."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pulsephase.cli import main
from pulsephase.errors import ParameterError
from pulsephase.evaluation.compare import Comparison, compare
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import card
from pulsephase.synthetic.seeds import SEED_STRIDE
from pulsephase.training.pretrain import pretrain
from pulsephase.training.recipes import RECIPES, recipe

SHORT = replace(recipe("quick"), steps=3, batch=2, frames=96, validate_every=2, validation_clips=2)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The promise holds for one number of threads; a renderer in a worker has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_the_same_seed_trains_the_same_weights_whatever_the_workers() -> None:
    first = pretrain(SHORT, seed=1, workers=0)
    second = pretrain(SHORT, seed=1, workers=1)
    other = pretrain(SHORT, seed=2, workers=0)
    for name, tensor in first.net.state_dict().items():
        assert torch.equal(tensor, second.net.state_dict()[name]), name
    assert not torch.equal(first.net.stem.weight, other.net.stem.weight)
    assert [row["step"] for row in first.history] == [2, 3]
    assert first.clips == 6


def test_the_weights_kept_are_those_that_validated_best() -> None:
    result = pretrain(SHORT, seed=3, workers=0)
    losses = {row["step"]: row["validation_loss"] for row in result.history}
    assert result.best_step == min(losses, key=losses.get)


def test_no_recipe_runs_into_the_clips_of_the_next_seed() -> None:
    assert max(each.steps * each.batch for each in RECIPES.values()) < SEED_STRIDE


def test_an_unknown_recipe_lists_what_there_is() -> None:
    with pytest.raises(ParameterError, match="quick"):
        recipe("nonsense")


def comparison(network: list[float], pos: list[float]) -> Comparison:
    yes = np.ones(len(pos), bool)
    return Comparison(
        preset="full",
        errors={"phasenet": np.array(network), "pos": np.array(pos)},
        answered={"phasenet": yes, "pos": yes},
        regions={"pos": "crop"},
    )


def test_the_gain_is_paired_and_in_points() -> None:
    generator = np.random.default_rng(0)
    pos = np.where(generator.random(400) < 0.6, 1.0, 20.0)
    better = np.where(generator.random(400) < 0.3, 1.0, pos)
    value, low, high = comparison(better.tolist(), pos.tolist()).gain("phasenet", "pos")
    assert value == pytest.approx(100 * ((better < 3).mean() - (pos < 3).mean()))
    assert 0 < low < value < high
    same = comparison(pos.tolist(), pos.tolist()).gain("phasenet", "pos")
    assert same == (0.0, 0.0, 0.0)


def test_all_methods_meet_on_the_same_clips() -> None:
    found = compare(PhaseNet.from_pretrained("tiny"), "easy", clips=12, batch=6)
    table = found.table()
    assert table["clips"] == 12
    assert set(found.errors) == {"phasenet", "pos", "chrom", "green"}
    assert found.within("phasenet") >= 0.6
    again = compare(PhaseNet.from_pretrained("tiny"), "easy", clips=12, batch=4)
    np.testing.assert_allclose(again.errors["pos"], found.errors["pos"], atol=1e-6)


def test_the_command_writes_weights_with_their_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["pretrain", "--steps", "1", "--out", str(tmp_path), "--workers", "0", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert printed["recipe"]["steps"] == 1
    weights = tmp_path / "quick-0.safetensors"
    assert (tmp_path / "quick-0" / "checkpoint.pt").is_file()
    assert card(weights)["data"] == "synthetic video only"
    assert json.loads((tmp_path / "quick-0.json").read_text()) == printed
    assert PhaseNet.from_pretrained(weights).config.size == 36
