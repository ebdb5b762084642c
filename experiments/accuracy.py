"""How good heart rate, beats and their variability are, on planted waves at several rates.

* *rates*: steady pulses in white noise by length and signal-to-noise ratio (within 0.6 to 4 Hz):
  how many are given, and how many of these, and of all with abstention off, are right.
* *noise*: how much noise without a pulse is refused, and of tones that no heart has.
* *octaves*: rates halved or doubled at 0 dB, by colour of the noise and second harmonic.
* *estimators*: autocorrelation and beats beside the spectrum.
* *intervals*: error of an interval between beats, by frame rate and noise.
* *variability*: figures at 15, 30 and 60 Hz against those of the true beats.
* *conventions*: the same 42 waves under each convention of `pulsephase.vitals.metrics`.

``python -m pulsephase.experiments.accuracy [NAME...]`` writes the tables that are named, or all, to
``experiments/results/accuracy.json``.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.synthetic.config import PulseRanges
from pulsephase.synthetic.pulse import Pulse, sample_pulse, wave_at
from pulsephase.synthetic.seeds import PERSON_SEED
from pulsephase.vitals.beats import Beats, find_beats
from pulsephase.vitals.conventions import CONVENTIONS
from pulsephase.vitals.estimators import autocorrelation_rate, beat_rate
from pulsephase.vitals.heart_rate import heart_rate, peak_bpm
from pulsephase.vitals.metrics import metrics
from pulsephase.vitals.planted import coloured_noise, planted_waves, swept_tones
from pulsephase.vitals.variability import of_beats, variability

RESULTS = Path(__file__).parent / "results" / "accuracy.json"
SAMPLE_HZ = 30.0
LENGTHS_S = (5.0, 10.0, 30.0, 60.0)
SNR_DB = (-3.0, 0.0, 3.0, 6.0)
COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}
FRAME_HZ = (15.0, 30.0, 60.0)
NOISE = (0.0, 0.2, 0.5, 1.0)  # deviation over that of the wave, at 30 Hz
PEOPLE, PERSON_S = 20, 180.0
LIVELY = PulseRanges(
    heart_rate_bpm=(50.0, 100.0),
    respiratory_depth=(0.02, 0.06),
    mayer_depth=(0.01, 0.04),
    drift=0.02,
    jitter=0.01,
)
METRICS = ("mae", "rmse", "mape", "pearson", "snr", "macc")
FIGURES = ("sdnn_ms", "rmssd_ms", "pnn50", "lf_ms2", "hf_ms2", "lf_hf")

Row = dict[str, Any]


def rates() -> list[Row]:
    """Heart rates of steady pulses, harmonic 0.2, white noise; then how much noise is refused."""
    rows = []
    for length_s in LENGTHS_S:
        count = 1000 if length_s <= 10 else 400
        for snr_db in SNR_DB:
            waves, truth = planted_waves(
                np.random.default_rng(100),
                count=count,
                length=round(length_s * SAMPLE_HZ),
                sample_hz=SAMPLE_HZ,
                snr_db=snr_db,
                harmonic=0.2,
            )
            found = [heart_rate(wave, sample_hz=SAMPLE_HZ) for wave in waves]
            error = np.abs(np.array([each.estimate_bpm for each in found]) - truth)
            given = np.array([each.bpm is not None for each in found])
            rows.append(
                {
                    "length_s": length_s,
                    "snr_db": snr_db,
                    "given": float(given.mean()),
                    "given_within_1": float((error[given] < 1).mean()) if given.any() else None,
                    "given_within_3": float((error[given] < 3).mean()) if given.any() else None,
                    "all_within_3": float((error < 3).mean()),
                }
            )
    return rows


def noise() -> list[Row]:
    """Share of noise, of swept tones and of steady ones outside the band that is refused."""
    rows = []
    for length_s in LENGTHS_S:
        row: Row = {"length_s": length_s}
        for colour, power in COLOURS.items():
            waves = coloured_noise(
                np.random.default_rng(101),
                count=1000 if length_s <= 10 else 400,
                length=round(length_s * SAMPLE_HZ),
                sample_hz=SAMPLE_HZ,
                power=power,
            )
            row[colour] = _refused(waves)
        rng, length = np.random.default_rng(104), round(length_s * SAMPLE_HZ)
        row["swept"] = _refused(
            swept_tones(
                rng, count=400, length=length, sample_hz=SAMPLE_HZ, speed_bpm_s=(10.0, 40.0)
            )
        )
        outside = np.concatenate([rng.uniform(5, 35.5, 200), rng.uniform(241, 600, 200)])
        phase = np.outer(2 * np.pi * outside / 60, np.arange(length) / SAMPLE_HZ)
        row["outside"] = _refused(np.cos(phase) + 0.1 * rng.normal(size=phase.shape))
        rows.append(row)
    return rows


def _refused(waves: NDArray[np.float64]) -> float:
    return float(np.mean([heart_rate(wave, sample_hz=SAMPLE_HZ).bpm is None for wave in waves]))


def octaves() -> list[Row]:
    """Shares of 4,000 windows of 10 s at 0 dB that are halved, and doubled, within 6 bpm."""
    rows = []
    for harmonic in ("none", "0.3", "0 to 0.6"):
        row: Row = {"harmonic": harmonic}
        for colour, power in COLOURS.items():
            rng = np.random.default_rng(102)
            drawn = {"none": 0.0, "0.3": 0.3}.get(harmonic)
            waves, truth = planted_waves(
                rng,
                count=4000,
                length=300,
                sample_hz=SAMPLE_HZ,
                snr_db=0.0,
                harmonic=rng.uniform(0, 0.6, 4000) if drawn is None else drawn,
                noise_power=power,
            )
            found = peak_bpm(waves, sample_hz=SAMPLE_HZ)
            row[colour] = [
                float((np.abs(found - factor * truth) < 6).mean()) for factor in (0.5, 2.0)
            ]
        rows.append(row)
    return rows


def estimators() -> list[Row]:
    """Three estimators on the same 10 s waves, harmonic 0.3, white noise."""
    rows = []
    for snr_db in SNR_DB:
        waves, truth = planted_waves(
            np.random.default_rng(103),
            count=600,
            length=300,
            sample_hz=SAMPLE_HZ,
            snr_db=snr_db,
            harmonic=0.3,
        )
        row: Row = {"snr_db": snr_db}
        for name, estimate in (
            ("spectrum", heart_rate),
            ("autocorrelation", autocorrelation_rate),
            ("beats", beat_rate),
        ):
            found = [estimate(wave, sample_hz=SAMPLE_HZ) for wave in waves]
            guesses = np.array([each.estimate_bpm or math.nan for each in found])
            row[name] = {
                "within_3": float((np.abs(guesses - truth) < 3).mean()),
                "median_error_bpm": float(np.nanmedian(np.abs(guesses - truth))),
            }
        rows.append(row)
    return rows


def person(number: int, sample_hz: float) -> tuple[Pulse, NDArray[np.float64]]:
    """Return the pulse of one planted person, and its wave at a rate, of unit deviation."""
    times = torch.arange(round(PERSON_S * 30), dtype=torch.float64) / 30
    pulse = sample_pulse(PERSON_SEED + number, LIVELY, times)
    other = torch.arange(round(PERSON_S * sample_hz), dtype=torch.float64) / sample_hz
    pieces = [other[start : start + 4096] for start in range(0, len(other), 4096)]
    wave = torch.cat([wave_at(pulse, piece)[0] for piece in pieces]).numpy()
    return pulse, wave


def noisy(wave: NDArray[np.float64], level: float, sample_hz: float, seed: int) -> Any:
    """Add white noise of one density, whatever the rate: ``level`` of the wave at 30 Hz."""
    draws = np.random.default_rng(seed).normal(size=len(wave))
    return wave + level * math.sqrt(sample_hz / 30) * draws


def intervals() -> list[Row]:
    """Deviation of the error of an interval between beats, in ms."""
    rows = []
    for level in NOISE:
        row: Row = {"noise": level}
        for frame_hz in FRAME_HZ:
            errors = []
            for number in range(PEOPLE):
                pulse, wave = person(number, frame_hz)
                true = pulse.beat_times_s.numpy()
                true = true[(true > 3) & (true < PERSON_S - 3)]
                found = find_beats(
                    noisy(wave, level, frame_hz, number),
                    sample_hz=frame_hz,
                    rate_bpm=60 / float(np.diff(true).mean()),
                ).times_s
                late = float(np.median(found[np.abs(found[:, None] - true).argmin(0)] - true))
                nearest = found[np.abs(found[:, None] - late - true).argmin(0)]
                errors.append(1e3 * np.diff(nearest - true))
            row[f"{frame_hz:g}_hz"] = float(np.concatenate(errors).std())
        rows.append(row)
    return rows


def figures_of_variability() -> list[Row]:
    """Median, over people, of each figure over that of the true beats."""
    truths = []
    for number in range(PEOPLE):
        times = person(number, 30.0)[0].beat_times_s.numpy()
        times = times[(times > 0) & (times < PERSON_S)]
        truths.append(of_beats(Beats(times_s=times, stretch=np.zeros(len(times), np.intp))))
    rows = []
    for frame_hz in (*FRAME_HZ, 250.0):
        for level in NOISE:
            ratios: dict[str, list[float]] = {name: [] for name in FIGURES}
            for number, truth in enumerate(truths):
                wave = noisy(person(number, frame_hz)[1], level, frame_hz, number)
                rate = heart_rate(wave, sample_hz=frame_hz, min_quality=0.0)
                found = variability(wave, sample_hz=frame_hz, rate=rate)
                for name in FIGURES:
                    value, wanted = getattr(found, name), getattr(truth, name)
                    if value is not None and wanted:
                        ratios[name].append(value / wanted)
            medians = {name: float(np.median(each)) for name, each in ratios.items() if each}
            given = len(ratios["rmssd_ms"]) / PEOPLE
            rows.append({"sample_hz": frame_hz, "noise": level, "given": given, **medians})
    return rows


def conventions() -> list[Row]:
    """The same 42 waves of 60 s at 0 dB, each its own person, against clean ones."""
    drawn: dict[str, Any] = {"count": 42, "length": 1800, "sample_hz": SAMPLE_HZ, "harmonic": 0.2}
    noisy_waves, clean_waves = (
        list(planted_waves(np.random.default_rng(105), snr_db=snr_db, **drawn)[0])
        for snr_db in (0.0, 25.0)
    )
    rows = []
    for name in ("strict", *CONVENTIONS):
        found = metrics(noisy_waves, clean_waves, sample_hz=SAMPLE_HZ, convention=name)
        values = {metric: getattr(found, metric).value for metric in METRICS}
        rows.append({"convention": name, **values})
    return rows


TABLES = {
    "rates": rates,
    "noise": noise,
    "octaves": octaves,
    "estimators": estimators,
    "intervals": intervals,
    "variability": figures_of_variability,
    "conventions": conventions,
}


def main(names: list[str]) -> None:
    """Write the tables that are named, or all; the others stay as they are."""
    wanted = {name: TABLES[name] for name in names or TABLES}
    held = json.loads(RESULTS.read_text(encoding="utf-8")) if names else {}
    for name, table in wanted.items():
        held[name] = table()
        held.setdefault("revisions", {})[name] = revision()
    write_json(RESULTS, held)


ESTIMATORS = ("spectrum", "autocorrelation", "beats")


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Lay the results out as the docs show them, by name."""
    return {
        "rates": _table(
            ["length", "ratio", "given", "of these within 1 bpm", "within 3 bpm", "of all"],
            [
                [f"{row['length_s']:g} s", f"{row['snr_db']:g} dB"]
                + [
                    _percent(row[key])
                    for key in ("given", "given_within_1", "given_within_3", "all_within_3")
                ]
                for row in results["rates"]
            ],
        ),
        "noise": _table(
            ["length", *COLOURS, "tone, 10 to 40 bpm/s", "tone outside 36 to 240 bpm"],
            [
                [f"{row['length_s']:g} s"]
                + [_percent(row[kind]) for kind in (*COLOURS, "swept", "outside")]
                for row in results["noise"]
            ],
        ),
        "octaves": _table(
            ["second harmonic's power", *COLOURS],
            [
                [row["harmonic"]]
                + [" / ".join(f"{100 * share:.2f}" for share in row[colour]) for colour in COLOURS]
                for row in results["octaves"]
            ],
        ),
        "estimators": _table(
            ["ratio", *ESTIMATORS],
            [
                [f"{row['snr_db']:g} dB"]
                + [
                    f"{_percent(row[name]['within_3'])}, {row[name]['median_error_bpm']:.2f} bpm"
                    for name in ESTIMATORS
                ]
                for row in results["estimators"]
            ],
        ),
        "intervals": _table(
            ["white noise", *(f"{hz:g} Hz" for hz in FRAME_HZ)],
            [
                [f"{row['noise']:g}", *(f"{row[f'{hz:g}_hz']:.1f} ms" for hz in FRAME_HZ)]
                for row in results["intervals"]
            ],
        ),
        "conventions": _table(
            ["convention", "MAE, bpm", "RMSE, bpm", "MAPE", "Pearson's r", "SNR, dB", "MACC"],
            [
                [
                    f"`{row['convention']}`",
                    *(f"{row[name]:.2f}" for name in ("mae", "rmse")),
                    f"{row['mape']:.1f} %",
                    f"{row['pearson']:.3f}",
                    f"{row['snr']:.1f}",
                    f"{row['macc']:.2f}",
                ]
                for row in results["conventions"]
            ],
        ),
        "variability": _table(
            ["rate", "white noise", "SDNN", "RMSSD", "pNN50", "LF", "HF", "LF/HF"],
            [
                [f"{row['sample_hz']:g} Hz", f"{row['noise']:g}"]
                + [f"{row[name]:.2f}" for name in FIGURES]
                for row in results["variability"]
            ],
        ),
    }


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


if __name__ == "__main__":
    main(sys.argv[1:])
