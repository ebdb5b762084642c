"""Weights as safetensors: tensors, and in the metadata the config and the recipe. Never pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pulsephase.errors import WeightsError
from pulsephase.files import whole_file
from pulsephase.models.config import PhaseNetConfig

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
        save_file(plain, temporary, metadata=metadata)


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
    fields: dict[str, Any] = json.loads(found["config"])
    listed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    try:
        return PhaseNetConfig(**listed), json.loads(found["card"])
    except TypeError as error:
        raise WeightsError(f"{path.name} has a config of another version ({error})") from None


def _renamed(name: str) -> str:
    """Return today's name of a tensor: the head was called after the only one there was."""
    return name.replace("tcn.", "head.", 1) if name.startswith("tcn.") else name


def load(name_or_path: str | Path) -> tuple[PhaseNetConfig, dict[str, Tensor]]:
    """Read weights by shipped name or path.

    Raises:
        WeightsError: If the file is missing, truncated, or of another architecture.
    """
    path = _find(name_or_path)
    try:
        with safe_open(path, framework="pt") as file:
            config, _ = _metadata(path, file.metadata())
            return config, {_renamed(name): file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise WeightsError(
            f"{path.name} is damaged or no safetensors file ({error}); fetch it again"
        ) from None


def card(name_or_path: str | Path) -> dict[str, Any]:
    """Return the card of a weights file: recipe, seed, cost, results."""
    path = _find(name_or_path)
    with safe_open(path, framework="pt") as file:
        found: dict[str, Any] = _metadata(path, file.metadata())[1]
        return found
