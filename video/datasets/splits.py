"""Who is trained on, who is validated on, who is tested on? Named splits of the subjects, as files.

A split is a JSON file in ``named_splits/``, called ``DATASET.NAME.json``, or one of your own:

- ``source``: where the split comes from.
- ``order``: ``text`` or ``numbers``: how the subjects are sorted (``subject10`` before or after
  ``subject2``).
- ``train``, ``validation``, ``test``: names; or a share of the sorted subjects, the last ones for
  the test, those before them for validation; or ``"rest"``.
- ``leave_out``: subjects that are in no part.
- ``where``: conditions on recordings, as for a cache.

A share s of n subjects is floor(s n + 1/2) of them, at least one; a share of 0 says that the split
has no such part.

Conditions on recordings are words such as ``light=low``.
"""

import math
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from pulsephase.errors import InputError, ParameterError
from pulsephase.files import read_json


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts by the numbers in a name: subject2 before subject10.

    >>> sorted(["subject10", "subject2", "Sub 1/lux 10.0", "Sub 1/lux 6.3"], key=natural)
    ['Sub 1/lux 6.3', 'Sub 1/lux 10.0', 'subject2', 'subject10']
    """
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for letter in f"{name}\0":
        if letter.isdecimal():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits), digits))
            digits = ""
        parts.append((1, 0, letter))
    return tuple(parts)


def by_numbers(names: Iterable[str]) -> list[str]:
    """Return names without repeats, by the numbers in them.

    >>> by_numbers(["subject10", "subject2", "subject1", "subject2"])
    ['subject1', 'subject2', 'subject10']
    """
    return sorted(set(names), key=natural)


def as_text(names: Iterable[str]) -> list[str]:
    """Return names without repeats, letter by letter, as ``sorted`` does in most programs.

    >>> as_text(["subject10", "subject2", "subject1"])
    ['subject1', 'subject10', 'subject2']
    """
    return sorted(set(names))


SUBJECT_ORDERS = {"numbers": by_numbers, "text": as_text}


CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=)\s*(.+?)\s*")
COMPARISONS = {">=": operator.ge, "<=": operator.le}


@runtime_checkable
class Described(Protocol):
    """A recording, or its entry in a cache."""

    @property
    def name(self) -> str:
        """Unique in the set."""
        ...

    @property
    def subject(self) -> str:
        """Who is seen."""
        ...

    @property
    def attributes(self) -> Mapping[str, str]:
        """Conditions by the set's own words."""
        ...


Some = TypeVar("Some", bound=Described)


def select(items: Sequence[Some], where: Sequence[str]) -> list[Some]:
    """Keep the recordings that meet every condition.

    A condition is ``attribute=value``, or several values with ``|`` between them; ``!=``; or ``>=``
    and ``<=`` for numbers. ``name`` and ``subject`` count as attributes; capitals do not matter. A
    recording that lacks the attribute is kept: its file could not be read, and that must be said
    rather than passed over.

    Args:
        items: Recordings, or entries of a cache.
        where: Conditions, such as ``lux>=10``, ``light=LED-low|Nature``, ``subject!=Sub 04``.

    Raises:
        ParameterError: If a condition cannot be read, names an attribute that no recording has, or
            compares what is no number; or if no recording is left.
    """
    kept = list(items)
    for condition in where:
        match = CONDITION.fullmatch(condition)
        if match is None:
            raise ParameterError(
                f"condition {condition!r} is none; write light=LED-low, lux>=10 or subject!=Sub 04"
            )
        key, sign, wanted = match.groups()
        known = sorted({name for item in items for name in _facts(item)})
        if items and key not in known:
            raise ParameterError(f"no recording has {key!r}; there are {', '.join(known)}")
        kept = [item for item in kept if _meets(_facts(item).get(key), sign, wanted)]
    if items and not kept:
        raise ParameterError(f"no recording meets {' and '.join(where)}; relax the conditions")
    return kept


def _facts(item: Described) -> dict[str, str]:
    return {"name": item.name, "subject": item.subject, **item.attributes}


def _meets(value: str | None, sign: str, wanted: str) -> bool:
    if value is None:
        return True
    if sign in COMPARISONS:
        try:
            return bool(COMPARISONS[sign](float(value), float(wanted)))
        except ValueError:
            raise ParameterError(
                f"{value!r} {sign} {wanted!r} compares what is no number"
            ) from None
    among = value.lower() in {word.strip().lower() for word in wanted.split("|")}
    return among == (sign == "=")


FILES = Path(__file__).parent / "named_splits"
PARTS = ("train", "validation", "test")
Part = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The subjects of each part; no subject is in two.

    Attributes:
        name: Of the split.
        source: Where it comes from.
        train: Subjects to train on.
        validation: Subjects to choose by; empty only where the split's file says that it has none.
        test: Subjects to report on; likewise.
        left_out: Subjects in no part, as the file says.
        where: Conditions that recordings of every part must meet.
    """

    name: str
    source: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    where: tuple[str, ...] = ()

    def part(self, name: Part) -> tuple[str, ...]:
        """Return the subjects of a part.

        Raises:
            ParameterError: If the split has no such part.
        """
        subjects: tuple[str, ...] = getattr(self, name)
        if not subjects:
            raise ParameterError(f"split {self.name!r} has no {name} part; choose another split")
        return subjects

    def select(self, name: Part, items: Sequence[Some]) -> list[Some]:
        """Return the recordings, or entries of a cache, that are in a part.

        Raises:
            ParameterError: If the split has no such part, or no recording of it is there.
        """
        subjects = set(self.part(name))
        kept = [item for item in select(items, self.where) if item.subject in subjects]
        if not kept:
            raise ParameterError(
                f"no recording of {', '.join(sorted(subjects))} for the {name} part of "
                f"{self.name!r} meets {' and '.join(self.where) or 'nothing but to be there'}"
            )
        return kept


def split_names(dataset: str) -> tuple[str, ...]:
    """Return the names of the splits that come with a data set.

    >>> split_names("ubfc")
    ('default', 'published-72-28', 'published-72-28-numbers')
    """
    start = f"{dataset}."
    names = [path.name.removeprefix(start).removesuffix(".json") for path in FILES.glob("*.json")]
    known = {path.name for path in FILES.glob(f"{start}*.json")}
    return tuple(sorted(name for name in names if f"{start}{name}.json" in known))


def split(dataset: str, name: str, subjects: Sequence[str]) -> Split:
    """Divide the subjects that are there.

    Args:
        dataset: Name of the data set.
        name: Of a split that comes with it, or the path of a JSON file of your own.
        subjects: Everybody in the data; repeats do not matter.

    Raises:
        ParameterError: If there is no such split, a part comes out empty, or a subject is unknown,
            in two parts, or in none.
        InputError: If the file cannot be read.

    >>> split("ubfc", "published-72-28", [f"subject{n}" for n in range(1, 12)]).test
    ('subject7', 'subject8', 'subject9')
    """
    own = name.endswith(".json")
    path = Path(name) if own else FILES / f"{dataset}.{name}.json"
    if not own and name not in split_names(dataset):
        known = ", ".join(split_names(dataset)) or "none"
        raise ParameterError(f"{dataset} has no split {name!r}; there are {known}, or give a .json")
    asked = _read(path)
    left_out = tuple(asked.get("leave_out", ()))
    left = [
        subject
        for subject in SUBJECT_ORDERS[asked.get("order", "numbers")](subjects)
        if subject not in left_out
    ]
    if not left:
        raise ParameterError(f"split {name!r}: there is no subject to divide")
    named = _named(asked, name, left) if _by_names(asked) else _shared(asked, left)
    for part in PARTS:
        if not named[part] and asked[part] != 0:
            raise ParameterError(
                f"split {name!r} leaves the {part} part empty: {len(left)} subjects are too few "
                f"({', '.join(left)}); take a split without it, or more subjects"
            )
    return Split(
        name=name,
        source=asked.get("source", ""),
        left_out=left_out,
        where=tuple(asked.get("where", ())),
        **named,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        asked: dict[str, Any] = read_json(path)
        missing = [part for part in PARTS if part not in asked]
        order = asked.get("order", "numbers")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give the file of a split") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no split ({error})") from None
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; write 0 for a part it has not")
    if order not in SUBJECT_ORDERS:
        raise InputError(f"{path}: order is {order!r}; there are {', '.join(SUBJECT_ORDERS)}")
    return asked


def _by_names(asked: dict[str, Any]) -> bool:
    return any(isinstance(asked[part], list) for part in PARTS)


def _named(asked: dict[str, Any], name: str, left: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the parts as the file names them; every subject is in one."""
    parts = {part: tuple(asked[part]) if isinstance(asked[part], list) else () for part in PARTS}
    taken = [subject for subjects in parts.values() for subject in subjects]
    rest = [part for part in PARTS if asked[part] == "rest"]
    twice = sorted({subject for subject in taken if taken.count(subject) > 1})
    unknown = sorted(set(taken) - set(left))
    over = [subject for subject in left if subject not in taken]
    if twice:
        raise ParameterError(f"split {name!r} has {', '.join(twice)} in two parts; take one out")
    if unknown:
        raise ParameterError(
            f"split {name!r} names {', '.join(unknown)}, unknown here: there are {', '.join(left)}"
        )
    if rest:
        return {**parts, rest[0]: tuple(over)}
    if over:
        raise ParameterError(
            f"split {name!r} has {', '.join(over)} in no part; name them under leave_out"
        )
    return parts


def _shared(asked: dict[str, Any], left: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the parts by their shares: the test from the end, validation before it."""
    sizes = {
        part: max(1, math.floor(asked[part] * len(left) + 0.5)) if asked[part] else 0
        for part in ("validation", "test")
    }
    test_from = max(len(left) - sizes["test"], 0)
    validation_from = max(test_from - sizes["validation"], 0)
    return {
        "train": tuple(left[:validation_from]),
        "validation": tuple(left[validation_from:test_from]),
        "test": tuple(left[test_from:]),
    }
