"""Which floor under the spectrum reads rates best? A table over planted, synthetic, plain waves.

Candidates: slopes fixed at 0 to 1; a slope fitted to the window (what was used before); the same
with at most 1; a fit that drops the bins which stand out; and a weak prior of people's rates.
Waves: of `planted_validation --waves`, of the calibration's clips of `full`, and tones in noise.

``python -m pulsephase.experiments.readout PLANTED.npz CALIBRATION`` writes
``experiments/results/readout.json``.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pulsephase.evaluation.compare import TOLERANCE_BPM
from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.vitals.heart_rate import BAND_HZ, clean
from pulsephase.vitals.peaks import strongest
from pulsephase.vitals.planted import planted_waves
from pulsephase.vitals.spectrum import EULER, TINY, Floor, spectra

RESULTS = Path(__file__).parent / "results" / "readout.json"
SAMPLE_HZ, TOP_HZ = 30.0, 13.5
PRIOR_BPM, PRIOR_SPREAD = 75.0, 0.6
METHODS = ("tiny", "base", "pos", "chrom", "green", "oracle")
Waves = tuple[Float[np.ndarray, "clip time"], Float[np.ndarray, " clip"]]


def fixed(slope: float) -> Floor:
    """Return a floor of a given slope."""

    def floor(power: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
        axis = slope * np.log(frequency_hz)
        level = (np.log(power + TINY) + axis).mean(1, keepdims=True) + EULER
        return np.asarray(np.exp(level - axis))

    return floor


def fitted(*, most: float, dropped: float) -> Floor:
    """Return a floor whose slope is fitted to the window, shrunk, without what stands out.

    Args:
        most: Steepest slope.
        dropped: Share of the bins that stand out most, left out of the fit.
    """

    def floor(power: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
        logs, axis = np.log(power + TINY), np.log(frequency_hz)
        kept, slope = np.ones_like(logs), np.zeros(len(logs))
        for _ in range(3 if dropped else 1):
            centred = (
                axis - (axis * kept).sum(1, keepdims=True) / kept.sum(1, keepdims=True)
            ) * kept
            slope = np.clip(-(logs * centred).sum(1) / (centred * axis).sum(1), 0.0, most)
            rest = logs + slope[:, None] * axis
            kept = (rest <= np.quantile(rest, 1 - dropped, axis=1, keepdims=True)) * 1.0
        tilt = 0.7 * slope[:, None] * axis
        return np.asarray(np.exp((logs + tilt).mean(1, keepdims=True) + EULER - tilt))

    return floor


CANDIDATES: dict[str, tuple[Floor, bool]] = {
    "slope 0": (fixed(0.0), False),
    "slope 0.5": (fixed(0.5), False),
    "slope 0.75": (fixed(0.75), False),
    "slope 1": (fixed(1.0), False),
    "slope fitted": (fitted(most=3.0, dropped=0.0), False),
    "slope fitted, at most 1": (fitted(most=1.0, dropped=0.0), False),
    "slope fitted beside the peaks": (fitted(most=1.0, dropped=0.3), False),
    "slope 0.5, prior": (fixed(0.5), True),
}


def read(waves: Float[np.ndarray, "clip time"], floor: Floor, *, prior: bool) -> np.ndarray:
    """Return the rate of each wave in bpm."""
    cleaned = clean(np.asarray(waves, dtype=np.float64), BAND_HZ[0], SAMPLE_HZ)
    seen = spectra(cleaned, sample_hz=SAMPLE_HZ, band_hz=BAND_HZ, top_hz=TOP_HZ, floor=floor)
    if prior:
        away = np.log(60 * seen.frequency_hz / PRIOR_BPM) / PRIOR_SPREAD
        object.__setattr__(seen, "score", seen.score * np.exp(-0.5 * away**2))
    return 60 * strongest(seen).frequency_hz


def sources(planted: Path, calibration: Path) -> dict[str, Waves]:
    """Return waves and their true rates by name."""
    found: dict[str, Waves] = {}
    with np.load(planted, allow_pickle=False) as held:
        kept = slice(*held["kept"].tolist())
        for name in METHODS:
            found[f"planted, {name}"] = (held[name][:, kept], held["true_bpm"])
    with np.load(calibration / "fitted-full.npz") as held:
        middle = slice(0, round(10 * SAMPLE_HZ))
        rates = held["truth_bpm"][:, middle].mean(1)
        for name in ("phasenet", "pos"):
            found[f"full, {name}"] = (held[name][:, middle], rates)
    for power, word in ((0.0, "white"), (1.0, "pink"), (2.0, "brown")):
        found[f"{word} noise, 0 dB"] = planted_waves(
            np.random.default_rng(14),
            count=1000,
            length=300,
            sample_hz=SAMPLE_HZ,
            snr_db=0.0,
            harmonic=0.3,
            noise_power=power,
        )
    return found


def table(waves: dict[str, Waves], say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Return the share within 3 bpm of every candidate on every source."""
    found: dict[str, dict[str, float]] = {}
    for name, (floor, prior) in CANDIDATES.items():
        found[name] = {}
        for source, (each, truth) in waves.items():
            right = np.abs(read(each, floor, prior=prior) - truth) < TOLERANCE_BPM
            found[name][source] = float(right.mean())
        say(f"{name}: {np.mean(list(found[name].values())):.3f}")
    return found


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("planted", type=Path)
    parser.add_argument("calibration", type=Path)
    asked = parser.parse_args()
    found = table(sources(asked.planted, asked.calibration), print)
    write_json(RESULTS, {"revision": revision(), "within_bpm": TOLERANCE_BPM, "table": found})


if __name__ == "__main__":
    main()
