"""Which recordings of a set? Conditions on their attributes, in words."""

import operator
import re
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from pulsephase.errors import ParameterError

CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=)\s*(.+?)\s*")
ORDERS = {">=": operator.ge, "<=": operator.le}


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
    if sign in ORDERS:
        try:
            return bool(ORDERS[sign](float(value), float(wanted)))
        except ValueError:
            raise ParameterError(
                f"{value!r} {sign} {wanted!r} compares what is no number"
            ) from None
    among = value.lower() in {word.strip().lower() for word in wanted.split("|")}
    return among == (sign == "=")
