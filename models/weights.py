"""Weights as safetensors: tensors, and in the metadata the config and the recipe. Never pickle."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from pulsephase.errors import ParameterError, WeightsError
from pulsephase.files import parse_json, whole_file
from pulsephase.models.config import TINY, PhaseNetConfig

SHIPPED = Path(__file__).parent / "weights"
FORMAT = "pulsephase-phasenet-1"


def shipped() -> list[str]:
    """Return the names of the weights that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def save(
    path: str | Path,
    *,
    config: PhaseNetConfig,
    tensors: Mapping[str, Tensor],
    card: Mapping[str, Any],
) -> None:
    """Write weights with their config and card (recipe, seed, results); the file appears whole."""
    metadata = {
        "format": FORMAT,
        "config": json.dumps(asdict(config)),
        "card": json.dumps(dict(card)),
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with whole_file(path) as temporary:
        temporary.write_bytes(_in_order(to_bytes(plain, metadata=metadata)))


def _in_order(written: bytes) -> bytes:
    """Sort the metadata of a safetensors file: the library writes them in a random order.

    So the same weights are the same bytes. Offsets count from the end of the header.
    """
    length = int.from_bytes(written[:8], "little")
    header = json.loads(written[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + written[8 + length :]


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix != ".safetensors":
        path = SHIPPED / f"{name_or_path}.safetensors"
    if not path.is_file():
        raise WeightsError(
            f"no weights {str(name_or_path)!r}; shipped are {', '.join(shipped()) or 'none'}, "
            "or give the path of a .safetensors file"
        )
    return path


def _metadata(path: Path, found: Mapping[str, str] | None) -> tuple[PhaseNetConfig, Any]:
    if not found or found.get("format") != FORMAT:
        raise WeightsError(f"{path.name} is not a pulsephase network ({FORMAT}); retrain or export")
    try:
        held: dict[str, Any] = parse_json(found["config"])
        listed: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in held.items()
        }
        return _typed(PhaseNetConfig(**listed)), parse_json(found["card"])
    except (TypeError, AttributeError, ParameterError) as error:
        raise WeightsError(
            f"{path.name} has a config of another version ({error}); fetch it again, or retrain"
        ) from None
    except (ValueError, KeyError) as error:
        raise WeightsError(
            f"{path.name} is damaged: its config or card cannot be read ({error}); fetch it again"
        ) from None


def _typed(config: PhaseNetConfig) -> PhaseNetConfig:
    """Refuse a value of another kind, which JSON does not."""
    for field in fields(PhaseNetConfig):
        value, like = getattr(config, field.name), getattr(TINY, field.name)
        kind = (int, float) if isinstance(like, float) else type(like)
        items = value if isinstance(value, tuple) else ()
        if not isinstance(value, kind) or not all(type(item) is int for item in items):
            raise TypeError(f"{field.name} is {value!r}; {type(like).__name__} is wanted")
    return config


def _renamed(name: str) -> str:
    """Return today's name of a tensor: the head was called after the only one there was."""
    return name.replace("tcn.", "head.", 1) if name.startswith("tcn.") else name


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file; what the format says against it is a `WeightsError`."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path.name} is damaged or no safetensors file ({error}); fetch it again"
        ) from None


def load(name_or_path: str | Path) -> tuple[PhaseNetConfig, dict[str, Tensor]]:
    """Read weights by shipped name or path.

    Raises:
        WeightsError: If the file is missing, truncated, or of another architecture.
    """
    path = _find(name_or_path)
    with _opened(path) as file:
        config, _ = _metadata(path, file.metadata())
        return config, {_renamed(name): file.get_tensor(name) for name in file.keys()}


def check_tensors(
    name: str | Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> None:
    """Refuse tensors that are not those of the network.

    Args:
        name: Of the weights, for the error.
        found: Tensors of the file.
        wanted: Tensors of a network of the file's config.

    Raises:
        WeightsError: If one is missing, unknown, of another shape, or holds what is no number.
    """
    for key in sorted(wanted.keys() | found.keys()):
        if key not in found or key not in wanted:
            problem = "is unknown" if key in found else "is missing"
        elif found[key].shape != wanted[key].shape:
            shapes = (tuple(each[key].shape) for each in (found, wanted))
            problem = "has shape {}, its config says {}".format(*shapes)
        elif not bool(found[key].isfinite().all()):
            problem = "holds what is no number"
        else:
            continue
        raise WeightsError(f"{Path(name).name}: tensor {key!r} {problem}; fetch it again")


def card(name_or_path: str | Path) -> dict[str, Any]:
    """Return the card of a weights file: recipe, seed, cost, results.

    Raises:
        WeightsError: As for `load`.
    """
    path = _find(name_or_path)
    with _opened(path) as file:
        found: dict[str, Any] = _metadata(path, file.metadata())[1]
        return found
