"""No subject on both sides, whoever is there and whatever the seed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError
from pulsephase.training.folds import Fold, by_subject, cross, held_out, intra, leave_one_out

NAMES = st.sets(st.text("abcdefgh01", min_size=1, max_size=4), min_size=4, max_size=12)
SEEDS = st.integers(0, 99)


def people(fold: Fold, *sides: str) -> list[tuple[str, str]]:
    return [
        (name, each)
        for side in sides
        for name, subjects in getattr(fold, side).items()
        for each in subjects
    ]


def everyone_once(fold: Fold) -> set[tuple[str, str]]:
    found = people(fold, "train", "validation", "test")
    assert len(found) == len(set(found))
    assert all(people(fold, side) for side in ("train", "validation", "test"))
    return set(found)


@given(NAMES, SEEDS)
def test_within_a_set_nobody_stands_on_two_sides(names: set[str], seed: int) -> None:
    order = sorted(names)
    fold = intra("ubfc", train=order[:-1], test=order[-1:], seed=seed)
    assert everyone_once(fold) == {("ubfc", name) for name in names}
    assert fold.test == {"ubfc": (order[-1],)}


def test_a_split_with_validation_is_taken_as_it_is() -> None:
    fold = intra("mmpd", train=["a", "b"], validation=["c"], test=["d"])
    assert (fold.train, fold.validation) == ({"mmpd": ("a", "b")}, {"mmpd": ("c",)})


@given(NAMES, SEEDS, st.integers(2, 4))
def test_cross_validation_tests_each_subject_once(names: set[str], seed: int, folds: int) -> None:
    found = by_subject("pure", sorted(names), folds=folds, seed=seed)
    assert len(found) == folds
    tested = [each for fold in found for each in people(fold, "test")]
    assert sorted(tested) == sorted(("pure", name) for name in names)
    for fold in found:
        assert everyone_once(fold) == {("pure", name) for name in names}
    sizes = [len(fold.test["pure"]) for fold in found]
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(NAMES, min_size=2, max_size=4), SEEDS)
def test_leaving_one_set_out_tests_each_set_on_the_others(sets: list[set[str]], seed: int) -> None:
    """The same name in two sets is two people."""
    named = {f"set{index}": sorted(names) for index, names in enumerate(sets)}
    folds = leave_one_out(named, seed=seed)
    assert [list(fold.test) for fold in folds] == [[name] for name in named]
    for fold in folds:
        (left,) = fold.test
        assert fold.test[left] == tuple(named[left])
        assert set(fold.train) == set(fold.validation) == set(named) - {left}
        assert everyone_once(fold) == {(name, each) for name in named for each in named[name]}


@given(NAMES, SEEDS, st.randoms())
def test_who_validates_hangs_on_names_and_seed_alone(
    names: set[str], seed: int, any_: object
) -> None:
    order = sorted(names)
    shuffled = order.copy()
    any_.shuffle(shuffled)  # type: ignore[attr-defined]
    assert held_out("pure", order, seed=seed) == held_out("pure", shuffled, seed=seed)
    train, validation = held_out("pure", order, seed=seed)
    assert len(validation) == max(1, round(0.2 * len(order)))
    assert sorted((*train, *validation)) == order


def test_another_seed_or_set_draws_others() -> None:
    names = [f"s{index}" for index in range(40)]
    drawn = {held_out(dataset, names, seed=seed)[1] for dataset in "ab" for seed in range(5)}
    assert len(drawn) == 10


def test_a_fold_with_a_leak_cannot_be_made() -> None:
    for train, validation, test, says in (
        (("a", "b"), ("c",), ("b",), "'b' of ubfc to test and to train"),
        (("a", "b"), ("a",), ("d",), "'a' of ubfc to validation and to train"),
        (("a", "a"), ("b",), ("d",), "one side, once"),
        ((), ("b",), ("d",), "no subject to train"),
        (("a",), (), ("d",), "no subject to validation"),
        (("a",), ("b",), (), "no subject to test"),
    ):
        with pytest.raises(ParameterError, match=says):
            Fold(
                name="x",
                train={"ubfc": train},
                validation={"ubfc": validation},
                test={"ubfc": test},
            )


def test_too_little_to_part_is_said() -> None:
    with pytest.raises(ParameterError, match="ubfc has 1 subjects to train; at least 2"):
        cross({"ubfc": ["a"]}, {"pure": ["b"]})
    with pytest.raises(ParameterError, match="is to train and to test"):
        cross({"ubfc": ["a", "b"]}, {"ubfc": ["c"]})
    with pytest.raises(ParameterError, match="1 data sets; leaving one out needs at least 2"):
        leave_one_out({"ubfc": ["a", "b"]})
    with pytest.raises(ParameterError, match="5 folds of 4 subjects"):
        by_subject("ubfc", list("abcd"), folds=5)
    with pytest.raises(ParameterError, match="no subject to test"):
        cross({"ubfc": ["a", "b"]}, {"pure": []})


def test_names_tell_the_folds_apart() -> None:
    sets = {"ubfc": ["a", "b"], "pure": ["a", "b"], "buaa": ["a", "b"]}
    assert [fold.name for fold in leave_one_out(sets)] == [
        "buaa+pure-to-ubfc",
        "buaa+ubfc-to-pure",
        "pure+ubfc-to-buaa",
    ]
    assert [fold.name for fold in by_subject("pure", list("abcd"), folds=2)] == [
        "pure-1-of-2",
        "pure-2-of-2",
    ]
