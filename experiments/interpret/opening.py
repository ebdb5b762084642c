"""From a name on the command line to a subject: shipped weights, a file of weights, or Python."""

import runpy
import traceback
from pathlib import Path
from typing import Any

from pulsephase.errors import InputError, PulsePhaseError, WeightsError
from pulsephase.experiments.interpret.adapter import Foreign, Network, Subject, network_of
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import load


def open_network(name_or_path: str | Path, *, device: str = "cpu") -> Network:
    """Load shipped weights by name or a safetensors file, causal or not.

    Raises:
        WeightsError: If there are no such weights, or the file is damaged or another network's.
    """
    config, tensors = load(name_or_path)
    net = PhaseNet(config)
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise WeightsError(
            f"{name_or_path} holds the tensors of another architecture than its config says "
            f"({first}); export it again"
        ) from None
    return network_of(net, name=str(name_or_path), device=device)


def open_subject(name_or_path: str, *, device: str = "cpu") -> Subject:
    """Return shipped weights, a safetensors file, or what ``FILE.py:NAME`` defines.

    The file is run: NAME is a `Subject`, such as a `Foreign`, or a function that returns one.

    Raises:
        WeightsError: If there are no such weights, or the file is damaged or another network's.
        InputError: If there is no such file or name, or it is no subject.
    """
    file, _, name = name_or_path.rpartition(":")
    if not file.endswith(".py"):
        return open_network(name_or_path, device=device)
    path = Path(file)
    if not path.is_file():
        raise InputError(f"there is no file {file}")
    try:
        names = runpy.run_path(str(path))
        found = names.get(name)
        if found is not None and not isinstance(found, Subject) and callable(found):
            found = found()
    except PulsePhaseError:
        raise
    except Exception as error:  # whatever the user's own file does
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"{file} cannot be used: {type(error).__name__}: {error} "
            f"(line {last.lineno} of {Path(last.filename).name})"
        ) from error
    if name not in names:
        raise InputError(f"{file} defines no {name!r}; {_subjects_of(names)}")
    if not isinstance(found, Subject):
        raise InputError(
            f"{name} in {file} is {type(found).__name__}; it must be a Subject, such as "
            "pulsephase.experiments.interpret.adapter.Foreign, or a function that returns one"
        )
    return found


def _subjects_of(names: dict[str, Any]) -> str:
    """Return what a file offers instead."""
    there = [name for name, value in names.items() if isinstance(value, Foreign | Network)]
    return f"it defines {', '.join(there)}" if there else "name a Subject that it defines"
