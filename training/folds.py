"""Who trains, who validates and who tests: within a data set, across sets, and leaving one set out.

A subject stands on one side only. Validation subjects are taken from the training subjects; the
test side is given before anything is drawn. That people of different sets are different people is
an assumption: no set says otherwise.

A plan holds the folds of a protocol and everything else that was asked.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pulsephase.errors import InputError, ParameterError
from pulsephase.models.classical import METHODS
from pulsephase.training.settings import defaults, with_setting
from pulsephase.video.datasets.cache import Cache
from pulsephase.video.datasets.splits import split

VALIDATION_SHARE = 0.2

Subjects = Mapping[str, tuple[str, ...]]
"""Names of subjects by data set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One training and its test.

    Attributes:
        name: Of its folder and its rows.
        train: Subjects by data set.
        validation: Subjects by data set; they choose the weights that are kept.
        test: Subjects by data set; read once, after the training.

    Raises:
        ParameterError: If nobody trains, validates or tests, or somebody stands on two sides.
    """

    name: str
    train: Subjects
    validation: Subjects
    test: Subjects

    def __post_init__(self) -> None:
        sides = {"train": self.train, "validation": self.validation, "test": self.test}
        seen: dict[tuple[str, str], str] = {}
        for side, sets in sides.items():
            people = [(name, each) for name, subjects in sets.items() for each in subjects]
            if not people:
                raise ParameterError(f"fold {self.name!r} has no subject to {side}; give more")
            for name, each in people:
                if (name, each) in seen:
                    raise ParameterError(
                        f"fold {self.name!r} has subject {each!r} of {name} to {side} and to "
                        f"{seen[name, each]}; a subject stands on one side, once"
                    )
                seen[name, each] = side

    def as_json(self) -> dict[str, Any]:
        """Return the fold as plain data."""
        return asdict(self)


def intra(
    dataset: str,
    *,
    train: Sequence[str],
    validation: Sequence[str] = (),
    test: Sequence[str],
    seed: int = 0,
) -> Fold:
    """Train and test within a data set by a split.

    Args:
        dataset: Its name.
        train: Who trains.
        validation: Who validates; where the split says nothing of it, some who train are drawn.
        test: Who tests.
        seed: Of the draw.

    Raises:
        ParameterError: If a side is left empty, or somebody stands on two.
    """
    kept, held = tuple(train), tuple(validation)
    if not held:
        kept, held = held_out(dataset, kept, seed=seed)
    return Fold(
        name=dataset,
        train={dataset: kept},
        validation={dataset: held},
        test={dataset: tuple(test)},
    )


def by_subject(
    dataset: str, subjects: Sequence[str], *, folds: int, seed: int = 0
) -> tuple[Fold, ...]:
    """Cross-validate within a data set: each subject is tested in exactly one fold.

    Args:
        dataset: Its name.
        subjects: All of them.
        folds: How many, at least 2.
        seed: Of the draw.

    Raises:
        ParameterError: If there are fewer subjects than folds, or a side is left empty.

    Example:
        >>> found = by_subject("ubfc", ["a", "b", "c", "d"], folds=2)
        >>> sorted(each for fold in found for each in fold.test["ubfc"])
        ['a', 'b', 'c', 'd']
    """
    if not 2 <= folds <= len(set(subjects)):
        raise ParameterError(
            f"{folds} folds of {len(set(subjects))} subjects; give 2 folds to one a subject"
        )
    order = _drawn(dataset, subjects, seed)
    found = []
    for index in range(folds):
        test = tuple(sorted(order[index::folds]))
        rest = [each for each in order if each not in test]
        train, validation = held_out(dataset, rest, seed=seed)
        found.append(
            Fold(
                name=f"{dataset}-{index + 1}-of-{folds}",
                train={dataset: train},
                validation={dataset: validation},
                test={dataset: test},
            )
        )
    return tuple(found)


def cross(
    train: Mapping[str, Sequence[str]], test: Mapping[str, Sequence[str]], *, seed: int = 0
) -> Fold:
    """Train on some data sets, test on others, all subjects of each.

    Raises:
        ParameterError: If a set stands on both sides, or a side is left empty.
    """
    both = sorted(train.keys() & test.keys())
    if both:
        raise ParameterError(f"{both[0]} is to train and to test; name it on one side")
    kept, held = {}, {}
    for name, subjects in train.items():
        kept[name], held[name] = held_out(name, subjects, seed=seed)
    return Fold(
        name=f"{'+'.join(sorted(train))}-to-{'+'.join(sorted(test))}",
        train=kept,
        validation=held,
        test={name: tuple(sorted(set(subjects))) for name, subjects in test.items()},
    )


def leave_one_out(sets: Mapping[str, Sequence[str]], *, seed: int = 0) -> tuple[Fold, ...]:
    """Test on each data set what was trained on all others.

    Raises:
        ParameterError: If there are fewer than two sets, or one has too few subjects.
    """
    if len(sets) < 2:
        raise ParameterError(f"{len(sets)} data sets; leaving one out needs at least 2")
    return tuple(
        cross(
            {name: subjects for name, subjects in sets.items() if name != left},
            {left: sets[left]},
            seed=seed,
        )
        for left in sets
    )


def held_out(
    dataset: str, subjects: Sequence[str], *, share: float = VALIDATION_SHARE, seed: int = 0
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part training subjects into those that train and those that validate, at least one.

    Who validates hangs on names and seed alone: not on the order, the machine or who else is there
    beyond their number.

    Returns:
        Who trains, and who validates, each sorted.

    Raises:
        ParameterError: If there are fewer than two subjects.
    """
    order = _drawn(dataset, subjects, seed)
    if len(order) < 2:
        raise ParameterError(
            f"{dataset} has {len(order)} subjects to train; at least 2 are needed, since one of "
            "them validates"
        )
    count = max(1, round(share * len(order)))
    return tuple(sorted(order[count:])), tuple(sorted(order[:count]))


def _drawn(dataset: str, subjects: Sequence[str], seed: int) -> list[str]:
    """Return subjects in an order drawn from their names."""

    def key(subject: str) -> bytes:
        return hashlib.sha256(f"{seed}/{dataset}/{subject}".encode()).digest()

    return sorted(set(subjects), key=key)


Conditions = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A protocol as it was asked for.

    Attributes:
        kind: ``intra``, ``cross`` or ``leave-one-out``.
        folds: In the order in which they run.
        caches: Folder of the cache of each data set.
        training: Config of every training as plain data, without cached sources: these are those
            of the fold, each data set with the same share.
        epochs: Of the recordings that a fold trains on; none takes the training's steps.
        where: Conditions that the recordings of a data set must meet, as a split has them.
        methods: Classical methods on the same test clips.
        conventions: Whose arithmetic.

    Raises:
        ParameterError: If a fold names a data set without a cache, two folds have one name, or
            there is no such classical method.
    """

    kind: str
    folds: tuple[Fold, ...]
    caches: Mapping[str, str]
    training: Mapping[str, Any]
    epochs: float | None = None
    where: Conditions = field(default_factory=dict)
    methods: tuple[str, ...] = ("pos", "chrom")
    conventions: tuple[str, ...] = ("strict",)

    def __post_init__(self) -> None:
        names = [fold.name for fold in self.folds]
        if not names or len(set(names)) != len(names):
            raise ParameterError(f"the folds are {', '.join(names) or 'none'}; name each once")
        for fold in self.folds:
            for name in sorted({*fold.train, *fold.validation, *fold.test} - self.caches.keys()):
                raise ParameterError(f"fold {fold.name!r} needs a cache of {name}; give one")
        for name in self.methods:
            if name not in METHODS:
                raise ParameterError(f"no method {name!r}; there are {', '.join(METHODS)}")

    def as_json(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        plain = {
            "kind": self.kind,
            "folds": [fold.as_json() for fold in self.folds],
            "caches": dict(self.caches),
            "training": {**self.training},
            "epochs": self.epochs,
            "where": dict(self.where),
            "methods": self.methods,
            "conventions": self.conventions,
        }
        made: dict[str, Any] = json.loads(json.dumps(plain))
        return made


def training_of(keys: Sequence[str], *, device: str = "cpu") -> dict[str, Any]:
    """Return the config of a training as plain data, before it has any source.

    Args:
        keys: Settings, as ``optimiser.steps=500``; all others have their defaults.
        device: Torch device.

    Raises:
        ParameterError: If there is no such key.

    Example:
        >>> training_of(["optimiser.steps=500"])["optimiser"]["steps"]
        500
    """
    plain = defaults()
    plain["machine"]["device"] = device
    for key in keys:
        with_setting(plain, key)
    return plain


def opened(caches: Mapping[str, str]) -> dict[str, Cache]:
    """Open the cache of each data set.

    Raises:
        InputError: If a folder holds no finished cache, or that of another data set.
    """
    found = {}
    for name, folder in caches.items():
        cache = Cache(folder)
        if cache.dataset != name:
            raise InputError(f"{folder} is a cache of {cache.dataset}, not of {name}: name it so")
        found[name] = cache
    return found


def people(cache: Cache) -> list[str]:
    """Return all subjects of a cache."""
    return sorted({entry.subject for entry in cache.entries})


def within(
    caches: Mapping[str, Cache], *, splits: Mapping[str, str], folds: int | None, seed: int
) -> tuple[tuple[Fold, ...], Conditions]:
    """Return the folds within each data set, and the conditions that its split sets.

    Args:
        caches: By data set.
        splits: Name or file of a split by data set; ``default`` where none is named.
        folds: With a number, cross-validation by subjects takes the place of splits.
        seed: Of what is drawn.

    Raises:
        ParameterError: If a split is named with cross-validation, or for no data set, or a side is
            left empty.
    """
    strange = sorted(splits.keys() - caches.keys())
    if strange or (folds is not None and splits):
        raise ParameterError(
            f"a split of {', '.join(strange)} needs that data set"
            if strange
            else "give a split or a number of folds, not both"
        )
    found: list[Fold] = []
    where: dict[str, tuple[str, ...]] = {}
    for name, cache in caches.items():
        if folds is not None:
            found += by_subject(name, people(cache), folds=folds, seed=seed)
            continue
        sides = split(name, splits.get(name, "default"), people(cache))
        where[name] = sides.where
        found.append(
            intra(
                name,
                train=sides.train,
                validation=sides.validation,
                test=sides.part("test"),
                seed=seed,
            )
        )
    return tuple(found), where


def across(train: Mapping[str, Cache], test: Mapping[str, Cache], *, seed: int) -> tuple[Fold, ...]:
    """Return the one fold that trains on some data sets and tests on others.

    Raises:
        ParameterError: If a data set stands on both sides, or a side is left empty.
    """
    sides = ({name: people(cache) for name, cache in side.items()} for side in (train, test))
    return (cross(*sides, seed=seed),)


def each_left_out(caches: Mapping[str, Cache], *, seed: int) -> tuple[Fold, ...]:
    """Return a fold for each data set, tested on it and trained on all others.

    Raises:
        ParameterError: If there are fewer than two data sets, or one has too few subjects.
    """
    return leave_one_out({name: people(cache) for name, cache in caches.items()}, seed=seed)
