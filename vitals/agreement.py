"""How far two lists of rates agree: the errors, their uncertainty, and Bland and Altman's limits.

Two ways to the uncertainty: the closed forms of the toolboxes, which take every rate for
independent, and a bootstrap over subjects, which does not.

What a device displays is compared with what its wave says, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from pulsephase.errors import ParameterError

BOOTSTRAPS = 10_000
SEED = 0
NAMES = ("mae", "rmse", "mape", "pearson", "snr", "macc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number and how sure it is.

    Attributes:
        value: None where it is not defined, as a correlation of constant rates.
        standard_error: By the convention's own formula; none where it is not defined.
        interval: 95 % bootstrap interval over subjects, where the convention has one.
    """

    value: float | None
    standard_error: float | None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlandAltman:
    """Mean difference of prediction and label, and its limits of agreement, in bpm.

    Source: Bland, Altman, The Lancet 327:307 (1986); limits are bias -/+ 1.96 sample deviations.
    """

    bias: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What was found in each window, or whole video: the input of every metric.

    Attributes:
        predicted_bpm: Rate of the prediction.
        label_bpm: Rate of the label.
        snr_db: Signal to noise ratio of the prediction at the label's rate.
        macc: Largest absolute correlation of the two waves over lags.
    """

    predicted_bpm: Float[np.ndarray, " n"]
    label_bpm: Float[np.ndarray, " n"]
    snr_db: Float[np.ndarray, " n"]
    macc: Float[np.ndarray, " n"]


def bland_altman(scores: Scores) -> BlandAltman:
    """Return bias and limits of agreement; one rate alone has no limits."""
    difference = scores.predicted_bpm - scores.label_bpm
    bias = float(difference.mean())
    if len(difference) < 2:
        return BlandAltman(bias=bias, lower=None, upper=None)
    reach = 1.96 * float(difference.std(ddof=1))
    return BlandAltman(bias=bias, lower=bias - reach, upper=bias + reach)


def closed_forms(scores: Scores) -> dict[str, Metric]:
    r"""Return the metrics with the toolboxes' standard errors, over :math:`n` rates.

    With population deviations :math:`\sigma`: of a mean :math:`\sigma/\sqrt n`; of the RMSE
    :math:`\sqrt{\sigma(e^2)/\sqrt n}`; of Pearson's r :math:`\sqrt{(1-r^2)/(n-2)}`.
    """
    error = scores.predicted_bpm - scores.label_bpm
    root = np.sqrt(len(error))

    def mean(values: NDArray[np.float64]) -> Metric:
        return Metric(value=float(values.mean()), standard_error=float(values.std() / root))

    squares = error**2
    return {
        "mae": mean(np.abs(error)),
        "rmse": Metric(
            value=float(np.sqrt(squares.mean())),
            standard_error=float(np.sqrt(squares.std() / root)),
        ),
        "mape": mean(100 * np.abs(error / scores.label_bpm)),
        "pearson": _pearson(scores),
        "snr": mean(scores.snr_db),
        "macc": mean(scores.macc),
    }


def _pearson(scores: Scores) -> Metric:
    count = len(scores.label_bpm)
    if count < 2 or np.ptp(scores.label_bpm) == 0 or np.ptp(scores.predicted_bpm) == 0:
        return Metric(value=None, standard_error=None)
    r = float(np.corrcoef(scores.predicted_bpm, scores.label_bpm)[0, 1])
    error = float(np.sqrt(max(1 - r**2, 0.0) / (count - 2))) if count > 2 else None
    return Metric(value=r, standard_error=error)


def bootstrap(scores: Scores, subjects: Int[np.ndarray, " n"]) -> dict[str, Metric]:
    """Return the metrics with standard errors and 95 % intervals from drawing subjects anew.

    Rates of one subject are drawn together: windows that overlap, and videos of one person, are not
    independent. One subject alone has no uncertainty that could be known.

    Args:
        scores: Of all windows.
        subjects: Index 0, 1, ... of the subject of each.
    """
    totals = _totals(scores, subjects)
    values = _from_totals(totals.sum(0, keepdims=True))
    if len(totals) < 2:
        return {name: Metric(value=_number(values[name][0]), standard_error=None) for name in NAMES}
    rng = np.random.default_rng(SEED)
    weights = rng.multinomial(len(totals), np.full(len(totals), 1 / len(totals)), size=BOOTSTRAPS)
    drawn = _from_totals(weights @ totals)
    return {name: _summary(float(values[name][0]), drawn[name]) for name in NAMES}


def _totals(scores: Scores, subjects: Int[np.ndarray, " n"]) -> NDArray[np.float64]:
    """Return, for each subject, the sums that every metric is a function of."""
    # rates are centred first, so that the sums of squares below lose no digits
    centre = scores.label_bpm.mean()
    p, t = scores.predicted_bpm - centre, scores.label_bpm - centre
    error = p - t
    columns = np.stack(
        [
            np.ones_like(p),
            np.abs(error),
            error**2,
            100 * np.abs(error) / scores.label_bpm,
            scores.snr_db,
            scores.macc,
            p,
            t,
            p * p,
            t * t,
            p * t,
        ],
        axis=1,
    )
    totals = np.zeros((int(subjects.max()) + 1, columns.shape[1]))
    np.add.at(totals, subjects, columns)
    return totals


def _from_totals(totals: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    means = totals[:, 1:] / totals[:, :1]
    absolute, square, percent, snr, macc, p, t, pp, tt, pt = means.T
    spread = np.sqrt(np.maximum(pp - p**2, 0) * np.maximum(tt - t**2, 0))
    usable = spread > 1e-12
    r = np.where(usable, (pt - p * t) / np.where(usable, spread, 1.0), np.nan).clip(-1, 1)
    found = (absolute, np.sqrt(square), percent, r, snr, macc)
    return dict(zip(NAMES, found, strict=True))


def _summary(value: float, drawn: NDArray[np.float64]) -> Metric:
    known = drawn[np.isfinite(drawn)]
    if np.isnan(value) or len(known) < 2:
        return Metric(value=_number(value), standard_error=None)
    low, high = np.quantile(known, [0.025, 0.975])
    return Metric(
        value=value,
        standard_error=float(known.std()),
        interval=(float(low), float(high)),
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


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
