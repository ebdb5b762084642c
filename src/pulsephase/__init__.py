"""The pulse from face video, with its physics, its generator and a strictly causal PHASE-Net.

The names below are re-exports, loaded on first use: importing the package does no work.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("pulsephase")

_EXPORTS = {
    "Clip": "pulsephase.video.clip",
    "Oscillator": "pulsephase.physics.oscillator",
    "PhaseNet": "pulsephase.models.phasenet",
    "PulseStream": "pulsephase.models.stream",
    "PulsePhaseError": "pulsephase.errors",
    "assert_causal": "pulsephase.models.causality",
    "chrom": "pulsephase.models.classical",
    "fit_oscillator": "pulsephase.physics.fit",
    "green": "pulsephase.models.classical",
    "heart_rate": "pulsephase.vitals.heart_rate",
    "measure": "pulsephase.measurement.measure",
    "pos": "pulsephase.models.classical",
    "render": "pulsephase.synthetic.render",
}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'pulsephase' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
