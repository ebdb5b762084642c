"""What a device shows beside what its wave says: the label's second opinion.

A pulse oximeter prints a rate of its own, averaged and late. The wave is what counts here, read by
the same chain as the prediction; the reading stands beside it, and where they part, that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pulsephase.errors import ParameterError
from pulsephase.vitals.agreement import Scores

APART_BPM = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The device's own rates against those of its waves and of the predictions, video by video.

    Attributes:
        mae: Mean absolute difference of the prediction's mean rate from the reading, in bpm.
        label_mae: That of the label's own wave.
        apart: Numbers of the videos in which wave and reading differ by more than 3 bpm.
    """

    mae: float
    label_mae: float
    apart: tuple[int, ...]

    def warnings(self) -> tuple[str, ...]:
        """Say where the device contradicts its own wave."""
        if not self.apart:
            return ()
        which = ", ".join(map(str, self.apart))
        return (
            f"the device's own reading is over {APART_BPM:g} bpm from its wave in "
            f"{len(self.apart)} videos ({which}): look at them; the wave is what counts here",
        )


def against_readings(
    scores: Sequence[Scores], readings_bpm: Sequence[float] | Float[np.ndarray, " video"]
) -> Readings:
    """Compare the mean rates of each video with what the device showed.

    Args:
        scores: Of each video.
        readings_bpm: Mean reading of the device over each video.

    Raises:
        ParameterError: If a reading is not positive and finite.

    Example:
        >>> one = Scores(
        ...     predicted_bpm=np.array([71.0, 73.0]),
        ...     label_bpm=np.array([70.0, 72.0]),
        ...     snr_db=np.zeros(2),
        ...     macc=np.ones(2),
        ... )
        >>> against_readings([one], [78.0])
        Readings(mae=6.0, label_mae=7.0, apart=(0,))
    """
    readings = np.asarray(readings_bpm, dtype=np.float64)
    wrong = np.flatnonzero(~(np.isfinite(readings) & (readings > 0)))
    if len(wrong):
        raise ParameterError(
            f"readings_bpm[{wrong[0]}] is {readings[wrong[0]]}; give beats a minute for each video"
        )
    predicted = np.array([each.predicted_bpm.mean() for each in scores])
    label = np.array([each.label_bpm.mean() for each in scores])
    return Readings(
        mae=float(np.abs(predicted - readings).mean()),
        label_mae=float(np.abs(label - readings).mean()),
        apart=tuple(np.flatnonzero(np.abs(label - readings) > APART_BPM).tolist()),
    )
