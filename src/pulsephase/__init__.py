"""The pulse from face video, with its physics, its generator and a strictly causal PHASE-Net.

The names below are re-exports, loaded on first use: importing the package does no work. No name is
that of a module of this package, so that what is imported elsewhere never changes what a name
means.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulsephase.errors import PulsePhaseError
    from pulsephase.interpret.analyse import interpret_network
    from pulsephase.measurement.measure import Measurement, measure
    from pulsephase.models.causality import assert_causal
    from pulsephase.models.classical import chrom, green, mean_colour, pos
    from pulsephase.models.config import PhaseNetConfig
    from pulsephase.models.phasenet import PhaseNet
    from pulsephase.models.stream import PulseStream
    from pulsephase.physics.fit import fit_oscillator
    from pulsephase.physics.oscillator import Oscillator
    from pulsephase.proofs.catalogue import prove
    from pulsephase.synthetic.presets import preset
    from pulsephase.synthetic.render import render
    from pulsephase.training.config import TrainConfig
    from pulsephase.training.fit import fit
    from pulsephase.video.clip import Clip
    from pulsephase.video.pipeline import FixedBox, WholeFrame
    from pulsephase.video.read import read_clips
    from pulsephase.vitals.heart_rate import heart_rate
    from pulsephase.vitals.metrics import metrics
    from pulsephase.vitals.result import HeartRate

__version__ = version("pulsephase")

_EXPORTS = {
    "Clip": "pulsephase.video.clip",
    "FixedBox": "pulsephase.video.pipeline",
    "HeartRate": "pulsephase.vitals.result",
    "Measurement": "pulsephase.measurement.measure",
    "Oscillator": "pulsephase.physics.oscillator",
    "PhaseNet": "pulsephase.models.phasenet",
    "PhaseNetConfig": "pulsephase.models.config",
    "PulsePhaseError": "pulsephase.errors",
    "PulseStream": "pulsephase.models.stream",
    "TrainConfig": "pulsephase.training.config",
    "WholeFrame": "pulsephase.video.pipeline",
    "assert_causal": "pulsephase.models.causality",
    "chrom": "pulsephase.models.classical",
    "fit": "pulsephase.training.fit",
    "fit_oscillator": "pulsephase.physics.fit",
    "green": "pulsephase.models.classical",
    "heart_rate": "pulsephase.vitals.heart_rate",
    "interpret_network": "pulsephase.interpret.analyse",
    "mean_colour": "pulsephase.models.classical",
    "measure": "pulsephase.measurement.measure",
    "metrics": "pulsephase.vitals.metrics",
    "pos": "pulsephase.models.classical",
    "preset": "pulsephase.synthetic.presets",
    "prove": "pulsephase.proofs.catalogue",
    "read_clips": "pulsephase.video.read",
    "render": "pulsephase.synthetic.render",
}
"""Where each name is defined; the imports above say the same to type checkers."""

__all__ = [
    "Clip",
    "FixedBox",
    "HeartRate",
    "Measurement",
    "Oscillator",
    "PhaseNet",
    "PhaseNetConfig",
    "PulsePhaseError",
    "PulseStream",
    "TrainConfig",
    "WholeFrame",
    "__version__",
    "assert_causal",
    "chrom",
    "fit",
    "fit_oscillator",
    "green",
    "heart_rate",
    "interpret_network",
    "mean_colour",
    "measure",
    "metrics",
    "pos",
    "preset",
    "prove",
    "read_clips",
    "render",
]


if not TYPE_CHECKING:  # a checker would take every unknown name for `Any`

    def __getattr__(name: str) -> object:
        if name in _EXPORTS:
            return getattr(import_module(_EXPORTS[name]), name)
        raise AttributeError(f"module 'pulsephase' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
