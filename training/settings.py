"""Configs as plain data: to JSON and back, and one key at a time from the command line."""

import json
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pulsephase.errors import ParameterError
from pulsephase.files import parse_json
from pulsephase.training.config import Data, SyntheticSource, TrainConfig

FREE = ("machine", "record.log_every", "record.checkpoint_s")
"""What may change when a run is taken up again."""


def to_plain(config: TrainConfig) -> dict[str, Any]:
    """Return a config as JSON holds it.

    Example:
        >>> config = TrainConfig(data=Data(synthetic=(SyntheticSource(),)))
        >>> from_plain(to_plain(config)) == config
        True
    """
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain


def defaults() -> dict[str, Any]:
    """Return every key at its default; there is nothing to train on yet.

    Example:
        >>> defaults()["data"]["synthetic"]
        []
    """
    plain = to_plain(TrainConfig(data=Data(synthetic=(SyntheticSource(),))))
    return {**plain, "data": {**plain["data"], "synthetic": []}}


def from_plain(plain: Mapping[str, Any]) -> TrainConfig:
    """Return the config of plain data; keys left out have their default.

    Raises:
        ParameterError: If a key is unknown, or a value of another type or out of its range.
    """
    config: TrainConfig = _read(TrainConfig, plain, "")
    return config


def keys(record: type = TrainConfig, prefix: str = "") -> list[str]:
    """Return every key of a config, dotted; those of a source once."""
    found = []
    for name, hint in get_type_hints(record).items():
        inner = _record(hint)
        if inner is None:
            found.append(prefix + name)
        else:
            found += keys(inner, f"{prefix}{name}.")
    return found


def with_setting(plain: dict[str, Any], setting: str) -> None:
    """Change one key of a plain config, in place, by ``key=value``.

    The value is JSON, or else taken as text; sources are numbered from 0. A part of the network is
    ``network.NAME``.

    Raises:
        ParameterError: If there is no such key.

    Example:
        >>> plain = {"network": {"overrides": {}}, "seed": 0}
        >>> with_setting(plain, "seed=3")
        >>> with_setting(plain, "network.mixer=identity")
        >>> plain
        {'network': {'overrides': {'mixer': 'identity'}}, 'seed': 3}
    """
    key, equals, text = setting.partition("=")
    if not equals:
        raise ParameterError(f"{setting!r} is no setting; write key=value")
    try:
        value = parse_json(text)
    except ValueError:
        value = text
    *path, last = key.strip().split(".")
    place: Any = plain
    for name in path:
        place = _step(place, name, key)
    if path == ["network"] and last not in ("name", "init", "overrides"):
        place = place["overrides"]
        place[last] = value
        return
    _step(place, last, key)
    place[int(last) if isinstance(place, list) else last] = value


def differences(ours: TrainConfig, other: Mapping[str, Any]) -> list[str]:
    """Return what makes a plain config another training than ours, one line a key."""
    mine, theirs = _flat(to_plain(ours)), _flat(other)
    return [
        f"{key} {theirs.get(key)!r}, not {mine.get(key)!r}"
        for key in sorted(mine.keys() | theirs.keys())
        if mine.get(key) != theirs.get(key) and not key.startswith(FREE)
    ]


def _flat(plain: Any, prefix: str = "") -> dict[str, Any]:
    items: list[tuple[Any, Any]] = []
    if isinstance(plain, Mapping):
        items = list(plain.items())
    elif isinstance(plain, list):
        items = list(enumerate(plain))
    if not items:
        return {prefix: plain}
    found: dict[str, Any] = {}
    for name, value in items:
        found |= _flat(value, f"{prefix}.{name}" if prefix else str(name))
    return found


def _step(place: Any, name: str, key: str) -> Any:
    if isinstance(place, list) and name.isdigit() and int(name) < len(place):
        return place[int(name)]
    if isinstance(place, dict) and name in place:
        return place[name]
    allowed = range(len(place)) if isinstance(place, list) else place
    names = ", ".join(map(str, allowed)) if isinstance(place, list | dict) else "nothing below"
    raise ParameterError(f"no key {key!r}: {name!r} is none of {names}")


def _record(hint: Any) -> type | None:
    """Return the record that a field holds, alone or in a tuple."""
    if get_origin(hint) is tuple:
        hint = get_args(hint)[0]
    return hint if is_dataclass(hint) and isinstance(hint, type) else None


def _read(hint: Any, value: Any, key: str) -> Any:
    record = _record(hint)
    if record is None:
        return _leaf(hint, value, key)
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ParameterError(f"{key} is {value!r}; give a list")
        return tuple(_read(record, each, f"{key}.{n}") for n, each in enumerate(value))
    if not isinstance(value, Mapping):
        raise ParameterError(f"{key or 'the config'} is {value!r}; give its keys")
    hints = get_type_hints(record)
    unknown = set(value) - set(hints)
    if unknown:
        raise ParameterError(
            f"no key {', '.join(sorted(f'{key}.{name}'.strip('.') for name in unknown))}; "
            f"there are {', '.join(hints)}"
        )
    missing = [f.name for f in fields(record) if f.name == "cache" and f.name not in value]
    if missing:
        raise ParameterError(f"{key} names no {', '.join(missing)}")
    return record(
        **{
            name: _read(hints[name], each, f"{key}.{name}".strip("."))
            for name, each in value.items()
        }
    )


def _leaf(hint: Any, value: Any, key: str) -> Any:
    allowed = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for each in allowed:
        if each is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if each in (int, str, type(None)) and type(value) is each:
            return value
        if get_origin(each) is Literal and value in get_args(each):
            return value
        if get_origin(each) is Mapping and isinstance(value, Mapping):
            return dict(value)
    raise ParameterError(f"{key} is {value!r}; allowed is {_named(allowed)}")


def _named(allowed: tuple[Any, ...]) -> str:
    words = []
    for each in allowed:
        if get_origin(each) is Literal:
            words += [str(choice) for choice in get_args(each)]
        else:
            words.append({float: "a number", int: "a whole number", str: "text"}.get(each, "none"))
    return ", ".join(words)
