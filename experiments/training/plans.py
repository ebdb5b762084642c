"""Which protocol: its folds from the subjects of the caches, and everything else that was asked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulsephase.errors import InputError, ParameterError
from pulsephase.experiments.training.folds import Fold, by_subject, cross, intra, leave_one_out
from pulsephase.experiments.training.settings import defaults, with_setting
from pulsephase.models.classical import METHODS
from pulsephase.video.datasets.cache import Cache
from pulsephase.video.datasets.splits import split

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
