"""All sections of an interpretation, in order, as one dict of plain JSON data.

A section is a module of this package with ``section(context) -> dict``: the numbers of its figures,
a one-line ``claim``, and ``withheld`` (the reason, and the number needed) where the data do not
carry one. Sections that ask for what a subject does not have say so in ``withheld``.
"""

import time
from dataclasses import asdict
from importlib import import_module
from typing import Any

from pulsephase.interpret.context import Context
from pulsephase.interpret.subject import Network
from pulsephase.machine import revision

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


def _module(name: str) -> Any:
    return import_module(f"pulsephase.interpret.{name}")
