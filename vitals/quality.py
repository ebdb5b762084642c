r"""From evidence to a probability: how often is a rate with such evidence within 3 bpm?

Evidence is the rise :math:`r` of a window's peak out of its noise; of a network whose pulse is
trained to a scale of its own, the level :math:`\ell` of the wave; and, where other methods saw the
same footage, the share :math:`a` of them that find the same rate:

.. math:: e = \ln r + w\,\max(\min(\ln\ell,\,1),\,-4) + v\,a,

and the probability is read off a monotone table, one a method, between its points linearly. The
tables were fitted on synthetic video and on pulses planted in real footage
(``pulsephase.experiments.calibrate``). Waves of unknown origin have a table of their own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import isotonic_regression

from pulsephase.errors import ParameterError

TABLE = Path(__file__).with_name("quality.json")
UNKNOWN = "any"
LEVELS = (-4.0, 1.0)
WITNESSED = "+witnesses"
"""Ending of the name of a method's table for waves that other methods can bear out."""
AGREE_BPM = 5.0
"""Another method bears a rate out where its own is this near."""
BINS = 14  # of a fit, with as many windows each
TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A table from evidence to probability.

    Attributes:
        level_weight: :math:`w`; 0 where the level of a wave says nothing.
        agreement_weight: :math:`v`; 0 where no other method was asked.
        evidence: Points, rising.
        probability: At these points, not falling.
    """

    level_weight: float
    agreement_weight: float = 0.0
    evidence: tuple[float, ...]
    probability: tuple[float, ...]

    def __post_init__(self) -> None:
        rises = np.diff(self.evidence) > 0
        if len(self.evidence) != len(self.probability) or not (len(rises) and rises.all()):
            raise ParameterError(
                f"evidence is {self.evidence}; give at least two rising points, one a probability"
            )
        if (np.diff(self.probability) < 0).any() or not 0 <= min(self.probability) <= max(
            self.probability
        ) <= 1:
            raise ParameterError(f"probability is {self.probability}; it must rise within 0..1")

    def of(self, *, rise: float, level: float, agreeing: float = 0.0) -> float:
        """Return the probability that the rate of a window is within 3 bpm.

        Args:
            rise: Of the peak out of the noise.
            level: Standard deviation of the wave, in its own units.
            agreeing: Share of the other methods that find the same rate.
        """
        seen = float(self.weigh(rise, level, agreeing))
        found = np.interp(seen, self.evidence, self.probability)
        return float(found)

    def weigh(
        self,
        rise: Float[np.ndarray, " n"] | float,
        level: Float[np.ndarray, " n"] | float,
        agreeing: Float[np.ndarray, " n"] | float = 0.0,
    ) -> Float[np.ndarray, "..."]:
        """Return the evidence of windows."""
        logs = np.clip(np.log(np.asarray(level, dtype=np.float64) + TINY), *LEVELS)
        rises = np.log(np.asarray(rise, dtype=np.float64) + TINY)
        agreed = self.agreement_weight * np.asarray(agreeing, dtype=np.float64)
        return np.asarray(rises + self.level_weight * logs + agreed, dtype=np.float64)


def fit(
    rise: Float[np.ndarray, " n"],
    level: Float[np.ndarray, " n"],
    right: Bool[np.ndarray, " n"],
    *,
    level_weight: float,
    agreeing: Float[np.ndarray, " n"] | float = 0.0,
    agreement_weight: float = 0.0,
) -> Calibration:
    """Fit a table to windows whose rate is known to be right or wrong.

    Bins of equal size, each with one right and one wrong window added (Laplace), made monotone by
    isotonic regression.

    Args:
        rise: Of each window.
        level: Of each window.
        right: Whether its rate is within 3 bpm.
        level_weight: :math:`w`.
        agreeing: Share of other methods that find the same rate, of each window.
        agreement_weight: :math:`v`.

    Raises:
        ParameterError: If there are too few windows.
    """
    if len(rise) < 10 * BINS:
        raise ParameterError(f"{len(rise)} windows; a fit needs at least {10 * BINS}")
    blank = Calibration(
        level_weight=level_weight,
        agreement_weight=agreement_weight,
        evidence=(0.0, 1.0),
        probability=(0.0, 1.0),
    )
    evidence = blank.weigh(rise, level, agreeing)
    bins = np.array_split(np.argsort(evidence, kind="stable"), BINS)
    share = [(right[each].sum() + 1) / (len(each) + 2) for each in bins]
    smooth = isotonic_regression(share).x
    return Calibration(
        level_weight=level_weight,
        agreement_weight=agreement_weight,
        evidence=tuple(round(float(evidence[each].mean()), 4) for each in bins),
        probability=tuple(round(float(each), 4) for each in smooth),
    )


@cache
def _tables() -> Mapping[str, Calibration]:
    held: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))["methods"]
    return {
        name: Calibration(
            level_weight=row["level_weight"],
            agreement_weight=row.get("agreement_weight", 0.0),
            evidence=tuple(row["evidence"]),
            probability=tuple(row["probability"]),
        )
        for name, row in held.items()
    }


def calibration(method: str | None = None, *, witnessed: bool = False) -> Calibration:
    """Return the table of a method; that of unknown waves where it has none, or none is named.

    Args:
        method: Where the wave comes from.
        witnessed: Whether other methods saw the same footage; a method without a table for that
            has its plain one.

    Example:
        >>> calibration("pos").of(rise=150.0, level=1.0) > 0.8
        True
    """
    tables = _tables()
    if witnessed and f"{method}{WITNESSED}" in tables:
        return tables[f"{method}{WITNESSED}"]
    return tables.get(method or UNKNOWN, tables[UNKNOWN])
