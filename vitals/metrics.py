"""Metrics of predicted pulse waves against contact ones, under a convention that has a name.

The protocol moves the result more than the method does: the same waves have another error, another
SNR and another correlation under each convention, so none is computed without being named.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from pulsephase.checks import as_wave, check_rate
from pulsephase.errors import ParameterError, ShapeError
from pulsephase.vitals.agreement import (
    BlandAltman,
    Metric,
    Readings,
    Scores,
    against_readings,
    bland_altman,
    bootstrap,
    closed_forms,
)
from pulsephase.vitals.conventions import CONVENTIONS, resolution_bpm, score, score_strictly
from pulsephase.vitals.heart_rate import FLAT, WINDOW_S
from pulsephase.vitals.shown import dataframe, write_csv

if TYPE_CHECKING:
    from pandas import DataFrame

PRINTED_BPM = 0.01  # two decimals are what tables print


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Metrics:
    """The result of :func:`metrics`; `to_dataframe` and `to_csv` give a row for each rate.

    Attributes:
        convention: Its name.
        waves: Videos.
        rates: Windows, or videos where they are taken whole.
        mae: Mean absolute error in bpm.
        rmse: Root mean square error in bpm.
        mape: Mean absolute error over the label's rate, in percent.
        pearson: Correlation of the rates.
        snr: Signal to noise ratio in dB, averaged.
        macc: Largest absolute cross-correlation of the waves, averaged.
        bland_altman: Bias and limits of agreement.
        scores: Of every window, in order.
        by_subject: Mean absolute error in bpm of each subject.
        by_group: The same result for each group.
        warnings: What the numbers cannot tell.
        readings: The device's own rates beside those of its waves, where they were given.
    """

    convention: str
    waves: int
    rates: int
    mae: Metric
    rmse: Metric
    mape: Metric
    pearson: Metric
    snr: Metric
    macc: Metric
    bland_altman: BlandAltman
    scores: Scores
    by_subject: Mapping[str, float] = field(default_factory=dict)
    by_group: Mapping[str, "Metrics"] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    readings: Readings | None = None

    def __repr__(self) -> str:
        return (
            f"Metrics({self.convention}, {self.rates} rates of {self.waves} waves: "
            f"MAE {_printed(self.mae, 2)} bpm, RMSE {_printed(self.rmse, 2)} bpm, "
            f"correlation {_printed(self.pearson, 2)}, SNR {_printed(self.snr, 1)} dB)"
        )

    def to_dataframe(self) -> "DataFrame":
        """Return a pandas data frame with a row for each rate: predicted, label, SNR, correlation.

        Raises:
            MissingExtraError: If pandas is not installed.
        """
        return dataframe(self._columns())

    def to_csv(self, path: str | Path) -> Path:
        """Write a row for each rate as CSV, whole or not at all; return the path.

        Raises:
            InputError: If the file cannot be written.
        """
        return write_csv(path, self._columns())

    def _columns(self) -> dict[str, NDArray[np.float64]]:
        scores = self.scores
        return {
            "predicted_bpm": scores.predicted_bpm,
            "label_bpm": scores.label_bpm,
            "snr_db": scores.snr_db,
            "macc": scores.macc,
        }


def _printed(metric: Metric, digits: int) -> str:
    return "none" if metric.value is None else f"{metric.value:.{digits}f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Video:
    scores: Scores
    resolution_bpm: float
    subject: str
    group: str | None


def metrics(
    predictions: Sequence[Any],
    labels: Sequence[Any],
    *,
    sample_hz: float | Sequence[float],
    convention: str = "strict",
    window_s: float | None = None,
    subjects: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    difference: bool = False,
    readings_bpm: Sequence[float] | None = None,
) -> Metrics:
    r"""Compare predicted pulse waves with contact ones.

    ==================== ============================ ============== ============ ==============
    convention           rate                         band (Hz)      SNR sums     uncertainty
    ==================== ============================ ============== ============ ==============
    ``strict``           peak between bins, windows   0.6 to 4       density      bootstrap
    ``toolbox-2025``     largest bin, video           0.6 to 3.3     density      closed forms
    ``toolbox-2023``     largest bin, video           0.75 to 2.5    density      closed forms
    ``phasenet-release`` largest bin, video           0.75 to 2.5    its square   closed forms
    ==================== ============================ ============== ============ ==============

    Args:
        predictions: One wave a video.
        labels: The contact waves, sample by sample beside them.
        sample_hz: Samples per second, of all or of each.
        convention: Whose arithmetic.
        window_s: Length of a window; none is 10 s for ``strict`` (with a step of 1 s) and the whole
            video for the toolboxes, whose windows do not overlap. Theirs is rounded to whole
            samples; a rest under 10 samples is dropped.
        subjects: Who is in each video; none takes each for another person. The bootstrap of
            ``strict`` draws subjects.
        groups: Subgroup of each video, for a result of its own.
        difference: The waves are first differences: the toolboxes sum them up first. ``strict``
            reads the rate off the waves as they are.
        readings_bpm: What the device of the label showed, mean of each video: compared apart, under
            any convention; labels are read from their waves.

    Raises:
        ParameterError: If a wave is flat or not finite, or there is no such convention.
        SamplingError: If a rate is not positive, or a wave is too short for the convention.
        ShapeError: If the lists, or a prediction and its label, differ in length.

    Example:
        >>> t = np.arange(600) / 30.0
        >>> label = [np.sin(2 * np.pi * rate * t) for rate in (1.0, 1.2, 1.4)]
        >>> predicted = [np.sin(2 * np.pi * rate * t) for rate in (1.0, 1.2, 1.5)]
        >>> found = metrics(predicted, label, sample_hz=30.0)
        >>> round(found.mae.value, 1)
        2.0
    """
    if convention != "strict" and convention not in CONVENTIONS:
        names = ", ".join(["strict", *CONVENTIONS])
        raise ParameterError(f"no convention {convention!r}; there are {names}")
    if window_s is not None and not (math.isfinite(window_s) and window_s > 0):
        raise ParameterError(f"window_s is {window_s}; it must be positive and finite, in s")
    if window_s is not None and convention != "strict" and not CONVENTIONS[convention].may_window:
        raise ParameterError(f"window_s is {window_s}; {convention!r} takes videos whole: leave it")
    count = len(labels)
    rates = [sample_hz] * count if isinstance(sample_hz, int | float) else list(sample_hz)
    people = [str(i) for i in range(count)] if subjects is None else [str(s) for s in subjects]
    kinds: list[str | None] = [None] * count if groups is None else [str(g) for g in groups]
    for name, found in (
        ("predictions", len(predictions)),
        ("sample_hz", len(rates)),
        ("subjects", len(people)),
        ("groups", len(kinds)),
        ("readings_bpm", count if readings_bpm is None else len(readings_bpm)),
    ):
        if found != count or count == 0:
            raise ShapeError(f"{name} has {found} entries for {count} labels; give one for each")
    videos = []
    for index, (prediction, label, rate) in enumerate(zip(predictions, labels, rates, strict=True)):
        p, t = _pair(index, prediction, label, float(rate))
        videos.append(
            _score(p, t, float(rate), convention, window_s, difference, people[index], kinds[index])
        )
    result = _collect(videos, convention)
    if readings_bpm is None:
        return result
    readings = against_readings([video.scores for video in videos], readings_bpm)
    return replace(result, readings=readings, warnings=result.warnings + readings.warnings())


def _pair(
    index: int, prediction: Any, label: Any, sample_hz: float
) -> tuple[Float[np.ndarray, " time"], Float[np.ndarray, " time"]]:
    check_rate("sample_hz", sample_hz)
    waves = []
    for name, values in ((f"predictions[{index}]", prediction), (f"labels[{index}]", label)):
        wave = as_wave(name, values, rank=1)
        if np.isnan(wave).any():
            raise ParameterError(f"{name} holds NaN; leave out what has no pulse")
        if np.ptp(wave) <= FLAT * np.abs(wave).max():
            raise ParameterError(f"{name} is flat; leave the video out, and say that it is")
        waves.append(wave)
    if len(waves[0]) != len(waves[1]):
        raise ShapeError(
            f"predictions[{index}] has {len(waves[0])} samples and its label {len(waves[1])}; "
            "bring both to the same times"
        )
    return waves[0], waves[1]


def _score(
    prediction: Float[np.ndarray, " time"],
    label: Float[np.ndarray, " time"],
    sample_hz: float,
    convention: str,
    window_s: float | None,
    difference: bool,
    subject: str,
    group: str | None,
) -> _Video:
    if convention == "strict":
        found = score_strictly(
            prediction, label, sample_hz=sample_hz, window_s=window_s or WINDOW_S
        )
        return _Video(scores=found, resolution_bpm=0.0, subject=subject, group=group)
    length = len(label) if window_s is None else min(round(window_s * sample_hz), len(label))
    found = score(
        prediction,
        label,
        sample_hz=sample_hz,
        convention=CONVENTIONS[convention],
        window_s=window_s,
        difference=difference,
    )
    bin_bpm = resolution_bpm(length, sample_hz)
    return _Video(scores=found, resolution_bpm=bin_bpm, subject=subject, group=group)


def _collect(videos: list[_Video], convention: str) -> Metrics:
    names = sorted({video.subject for video in videos})
    owner = np.concatenate(
        [np.full(len(v.scores.label_bpm), names.index(v.subject)) for v in videos]
    )
    scores = Scores(
        predicted_bpm=np.concatenate([v.scores.predicted_bpm for v in videos]),
        label_bpm=np.concatenate([v.scores.label_bpm for v in videos]),
        snr_db=np.concatenate([v.scores.snr_db for v in videos]),
        macc=np.concatenate([v.scores.macc for v in videos]),
    )
    found: dict[str, Any] = (
        bootstrap(scores, owner) if convention == "strict" else closed_forms(scores)
    )
    errors = np.abs(scores.predicted_bpm - scores.label_bpm)
    groups = sorted({video.group for video in videos if video.group is not None})
    return Metrics(
        convention=convention,
        waves=len(videos),
        rates=len(errors),
        **found,
        bland_altman=bland_altman(scores),
        scores=scores,
        by_subject={name: float(errors[owner == i].mean()) for i, name in enumerate(names)},
        by_group={
            group: _collect(
                [replace(video, group=None) for video in videos if video.group == group], convention
            )
            for group in groups
        },
        warnings=_warnings(videos, found["mae"], len(names)),
    )


def _warnings(videos: list[_Video], mae: Metric, subjects: int) -> tuple[str, ...]:
    """Say below which difference two results cannot be told apart."""
    said = []
    rates = sum(len(video.scores.label_bpm) for video in videos)
    flip = max(video.resolution_bpm for video in videos) / rates
    if flip >= PRINTED_BPM:
        said.append(
            f"one bin flipped in one of {rates} rates moves the mean error by {flip:.2f} bpm: "
            "smaller differences mean nothing"
        )
    if subjects == 1:
        said.append("one subject: nothing can be said about another")
    elif mae.interval is not None and mae.interval[1] - mae.interval[0] >= 2 * PRINTED_BPM:
        half = (mae.interval[1] - mae.interval[0]) / 2
        said.append(
            f"{subjects} subjects leave the mean error uncertain by {half:.2f} bpm (95 %): "
            "results closer than that cannot be told apart unpaired"
        )
    return tuple(said)
