"""How long the reading of pulse waves takes: medians of wall time, on one thread.

Waves are planted ones of 60 s at 30 Hz; the metrics are those of 42 such waves (as many as
UBFC-rPPG has subjects) under each convention.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pulsephase.vitals import metrics
from pulsephase.vitals.conventions import CONVENTIONS
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.online import OnlineHeartRate
from pulsephase.vitals.planted import planted_waves
from pulsephase.vitals.respiration import respiration
from pulsephase.vitals.variability import variability

SAMPLE_HZ, SECONDS, SUBJECTS = 30.0, 60.0, 42
REPEATS, QUICK_REPEATS = 15, 5


def tasks(*, quick: bool) -> list[tuple[str, Callable[[], float]]]:
    """List what is timed: a name with its unit, and what returns one figure."""
    waves, _ = planted_waves(
        np.random.default_rng(0),
        count=2 * SUBJECTS,
        length=round(SECONDS * SAMPLE_HZ),
        sample_hz=SAMPLE_HZ,
        snr_db=6.0,
        harmonic=0.3,
    )
    one, predictions, labels = waves[0], list(waves[:SUBJECTS]), list(waves[SUBJECTS:])
    rate = heart_rate(one, sample_hz=SAMPLE_HZ, min_quality=0.0)
    samples = one.tolist()

    def online() -> float:
        reader = OnlineHeartRate(sample_hz=SAMPLE_HZ)
        took = _seconds(lambda: [reader.push(sample) for sample in samples])
        return 1e6 * took / len(samples)

    found: list[tuple[str, Callable[[], float]]] = [
        ("heart rate of 60 s, ms", _ms(lambda: heart_rate(one, sample_hz=SAMPLE_HZ))),
        ("variability of 60 s, ms", _ms(lambda: variability(one, sample_hz=SAMPLE_HZ, rate=rate))),
        ("respiration of 60 s, ms", _ms(lambda: respiration(one, sample_hz=SAMPLE_HZ, rate=rate))),
        ("online heart rate, us a sample", online),
    ]
    for convention in ("strict",) if quick else ("strict", *CONVENTIONS):
        call = _metrics(predictions, labels, convention)
        found.append((f"metrics of 42 waves, {convention}, ms", _ms(call)))
    return found


def measure(
    asked: list[tuple[str, Callable[[], float]]], *, quick: bool
) -> Iterator[dict[str, Any]]:
    """Time each, after one run that does not count, and yield its row."""
    for name, figure in asked:
        figure()
        times = [figure() for _ in range(QUICK_REPEATS if quick else REPEATS)]
        yield {"what": name, "median": round(float(np.median(times)), 2), "threads": 1}


def _metrics(predictions: list[Any], labels: list[Any], convention: str) -> Callable[[], Any]:
    return lambda: metrics(predictions, labels, sample_hz=SAMPLE_HZ, convention=convention)


def _ms(call: Callable[[], Any]) -> Callable[[], float]:
    return lambda: 1e3 * _seconds(call)


def _seconds(call: Callable[[], Any]) -> float:
    start_s = time.perf_counter()
    call()
    return time.perf_counter() - start_s
