"""Every threshold of the verdict, from one file, each with its reason.

The file was committed before any trained network was analysed. Change it only for a reason that
does not come from the network at hand, and say so in the changelog.
"""

import json
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "thresholds.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The numbers of ``thresholds.json``; the reasons stand there.

    Attributes:
        least_clips: Clips with a pulse below which claims are withheld.
        presence: Quality of POS above which a clip of footage counts as one with a pulse.
        least_taps: Taps of a kernel below which poles are withheld.
        least_snr_db: Ratio of the kernel to its spread below which poles are withheld.
        causality: Share of energy at or before the present, for poles to be read.
        look_ahead_floor: Share of the largest response above which one counts as look-ahead.
        time_invariance: Share of energy in the mean response, for one kernel to be read.
        direction: Share of energy in one direction of the channels, for a positive verdict.
        consistency: Score of physical consistency, for a positive verdict.
        percentile: Percentile against each null, for a positive verdict.
        least_draws: Draws of the decisive null.
        pole_interval: Half-width of an interval over its value, for a pole to be claimed.
        following: Slope from which a recovered number follows the heart rate or the vessel.
    """

    least_clips: int
    presence: float
    least_taps: int
    least_snr_db: float
    causality: float
    look_ahead_floor: float
    time_invariance: float
    direction: float
    consistency: float
    percentile: float
    least_draws: int
    pole_interval: float
    following: float


@cache
def thresholds() -> Thresholds:
    """Return the committed thresholds.

    Example:
        >>> thresholds().least_taps
        31
    """
    held = json.loads(FILE.read_text(encoding="utf-8"))
    return Thresholds(**{entry.name: held[entry.name]["value"] for entry in fields(Thresholds)})


def reasons() -> dict[str, str]:
    """Return why each threshold is what it is."""
    held = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: entry["reason"] for name, entry in held.items()}
