"""All sections of an interpretation, in order, as one dict of plain JSON data.

A section is a module of this package with ``section(context) -> dict``: the numbers of its figures,
a one-line ``claim``, and ``withheld`` (the reason, and the number needed) where the data do not
carry one. Sections that ask for what a subject does not have say so in ``withheld``.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from pulsephase.errors import ParameterError
from pulsephase.interpret.context import Context, open_context
from pulsephase.interpret.subject import Network, Subject, network_of, open_subject
from pulsephase.machine import revision
from pulsephase.models.phasenet import PhaseNet

SECTIONS = ("response", "system", "nulls", "layers", "forcing", "space")
"""Modules, in order; the verdict comes last and reads them."""


def analyse(context: Context, *, sections: tuple[str, ...] = SECTIONS) -> dict[str, Any]:
    """Run the sections and the verdict.

    Args:
        context: Subject, clips, budget.
        sections: Which modules, in order.

    Returns:
        ``{"weights", "config", "sections": {name: data}, "verdict", "seconds", ...}``.
    """
    start = time.perf_counter()
    subject = context.subject
    found: dict[str, Any] = {}
    for name in sections:
        section = _module(name).section
        context.progress(name, 0.0)
        found[name] = section(context)
        context.progress(name, 1.0)
    return {
        "weights": subject.name,
        "config": asdict(subject.config) if isinstance(subject, Network) else None,
        "clips": [clip.source for clip in context.clips],
        "budget": asdict(context.budget),
        "seed": context.seed,
        "revision": revision(),
        "sections": found,
        "verdict": _module("verdict").verdict(context, found),
        "seconds": time.perf_counter() - start,
    }


def interpret_network(
    network: str | Path | PhaseNet | Subject,
    *,
    videos: Sequence[str | Path] = (),
    quick: bool = False,
    clips: int | None = None,
    assume_pulse: bool = False,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[str, float], None] = lambda name, share: None,
) -> dict[str, Any]:
    """Read a network's effective response, its poles, and a verdict against nulls.

    It does what ``pulsephase interpret`` does. The verdict can be positive, negative, or withheld
    with the number that is needed. ``quick`` takes under a minute for ``tiny``.

    Args:
        network: Name of shipped weights, a .safetensors file, ``FILE.py:NAME``, a PHASE-Net, or
            anybody's network in a `pulsephase.interpret.subject.Foreign`.
        videos: Videos, or folders of them, as operating points; none takes clips of the generator.
        quick: Whether fewer operating points are taken.
        clips: Clips that operating points are drawn from; none is 8, and 6 if ``quick``.
        assume_pulse: Take the user's word that whoever is seen in a video has a pulse.
        seed: Of all draws.
        device: Torch device of the network.
        progress: Called with the name of what is done and the share of it that is finished.

    Returns:
        Plain data: ``result["verdict"]["sentence"]`` is the verdict in words, and
        ``result["sections"]`` the numbers behind it.

    Raises:
        InputError: If a video or a file cannot be read, or no video is long enough.
        ParameterError: If ``clips`` is below 1.
        WeightsError: If there are no such weights.
    """
    if isinstance(network, str | Path):
        subject = open_subject(str(network), device=device)
    elif isinstance(network, PhaseNet):
        subject = network_of(network, name="network", device=device)
    elif isinstance(network, Subject):
        subject = network
    else:
        raise ParameterError(
            f"the network is {type(network).__name__}; give the name of weights, a file, a "
            "PhaseNet, or your own network in a pulsephase.interpret.subject.Foreign"
        )
    context = open_context(
        subject,
        videos=videos,
        quick=quick,
        clips=clips,
        assume_pulse=assume_pulse,
        seed=seed,
        progress=progress,
    )
    return analyse(context)


def _module(name: str) -> Any:
    return import_module(f"pulsephase.interpret.{name}")
