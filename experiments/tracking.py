"""What following the rate through all windows is worth, on planted waves.

Waves of 90 s at 30 Hz with a second harmonic in white noise, whose rate is steady, ramps (rest to
exercise or back, 1 to 3 bpm/s), or wanders; and such waves with interference: three bursts of 2 to
5 s, four times as strong as the wave, or a tone of 15 s, twice as strong. Share of 10 s windows
whose rate is within 3 bpm of the mean true rate in them, each window alone and followed.

``python -m pulsephase.experiments.tracking`` writes ``experiments/results/tracking.json``.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.synthetic.seeds import TRACKING_SEED
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.planted import coloured_noise, noise_level

RESULTS = Path(__file__).parent / "results" / "tracking.json"
KINDS = ("steady", "ramp", "wander", "bursts", "tone")
SNR_DB = (-6.0, -3.0, 0.0, 6.0)
WAVES, SECONDS, SAMPLE_HZ = 40, 90.0, 30.0
HARMONIC = 0.2  # of the fundamental's power
TOLERANCE_BPM = 3.0

Track = Float64[np.ndarray, " time"]


def rate_track(rng: np.random.Generator, kind: str, time_s: Track) -> Track:
    """Draw a heart rate over time, in bpm."""
    if kind == "steady":
        return np.full(len(time_s), rng.uniform(50, 150))
    if kind == "ramp":
        low, slope = rng.uniform(55, 90), rng.uniform(1, 3)
        climb = slope * np.clip(time_s - rng.uniform(15, 35), 0, 30)
        return (low + climb if rng.random() < 0.5 else low + climb[-1] - climb).clip(45, 190)
    if kind == "wander":
        steps = rng.normal(size=len(time_s)) * np.sqrt(time_s[1])
        return np.asarray((rng.uniform(60, 130) + 2 * np.cumsum(steps)).clip(42, 200))
    return rng.uniform(55, 140) + 5 * np.sin(2 * np.pi * time_s / 60 + rng.uniform(0, 6))


def planted(
    rng: np.random.Generator, kind: str, snr_db: float, *, sample_hz: float = SAMPLE_HZ
) -> tuple[Track, Track]:
    """Draw a wave and its rate.

    Args:
        rng: Source of randomness.
        kind: One of ``KINDS``.
        snr_db: Of the wave without interference, within 0.6 to 4 Hz.
        sample_hz: Samples per second.
    """
    time_s = np.arange(round(SECONDS * sample_hz)) / sample_hz
    rate = rate_track(rng, kind, time_s)
    phase = 2 * np.pi * np.cumsum(rate) / 60 / sample_hz
    wave = np.cos(phase) + np.sqrt(HARMONIC) * np.cos(2 * phase + rng.uniform(0, 6))
    noise = coloured_noise(rng, count=1, length=len(time_s), sample_hz=sample_hz, power=0.0)[0]
    power = 10 ** (snr_db / 10) * noise_level(rng, len(time_s), sample_hz, 0.0)
    wave = wave * np.sqrt(2 * power / (1 + HARMONIC)) + noise
    if kind == "bursts":
        for _ in range(3):
            wave = wave + 4 * wave.std() * _tone(rng, time_s, rng.uniform(2, 5))
    if kind == "tone":
        wave = wave + 2 * wave.std() * _tone(rng, time_s, 15.0)
    return wave, rate


def _tone(rng: np.random.Generator, time_s: Track, length_s: float) -> Track:
    """Draw a tone of unit amplitude that lasts for a while."""
    start_s = rng.uniform(5, SECONDS - 5 - length_s)
    inside = (time_s >= start_s) & (time_s < start_s + length_s)
    return np.where(inside, np.cos(2 * np.pi * rng.uniform(0.7, 3.5) * time_s), 0.0)


def share_right(
    kind: str, snr_db: float, *, track: bool, waves: int = WAVES, sample_hz: float = SAMPLE_HZ
) -> float:
    """Return the share of windows that are right, the same waves with and without tracking."""
    rng = np.random.default_rng(TRACKING_SEED + KINDS.index(kind))
    right: list[bool] = []
    for _ in range(waves):
        wave, rate = planted(rng, kind, snr_db, sample_hz=sample_hz)
        for window in heart_rate(wave, sample_hz=sample_hz, track=track).windows:
            inside = slice(round(window.start_s * sample_hz), round(window.end_s * sample_hz))
            assert window.estimate_bpm is not None
            right.append(abs(window.estimate_bpm - rate[inside].mean()) < TOLERANCE_BPM)
    return float(np.mean(right))


def main() -> None:
    """Write the table."""
    rows = [
        {
            "kind": kind,
            "snr_db": snr_db,
            "alone": share_right(kind, snr_db, track=False),
            "followed": share_right(kind, snr_db, track=True),
        }
        for kind in KINDS
        for snr_db in SNR_DB
    ]
    write_json(RESULTS, {"revision": revision(), "waves": WAVES, "results": rows})
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
