"""How often the intervals of `fit_oscillator` hold planted poles, at 20 dB.

Waves of 30 s at 30 frames per second: beats at uneven times with uneven heights drive an oscillator
of random frequency and damping, a breath is added, and white noise 20 dB down. The forcing is given
to the fit; the beats, heights and times are not. `python -m pulsephase.experiments.fit_coverage`
writes ``experiments/results/fit_coverage.json`` (some minutes).
"""

from pathlib import Path

import numpy as np

from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.physics.beats import Forcing, beat_shape
from pulsephase.physics.fit import fit_oscillator

TRIALS, SECONDS, FPS, NOISE_DB, SEED = 100, 30.0, 30.0, 20.0, 21
HERTZ, DAMPING = (0.8, 3.0), (0.2, 1.2)
FORCINGS: tuple[Forcing, ...] = ("impulse", "half_sine")
EXTRA = {"impulse": (), "half_sine": (0.25,)}
RESULTS = Path(__file__).parent / "results" / "fit_coverage.json"


def planted(trial: int, forcing: Forcing) -> tuple[np.ndarray, float, float]:
    """Return a wave, and the frequency in Hz and damping that were planted in it."""
    rng = np.random.default_rng([SEED, trial])
    hertz, damping = np.exp(rng.uniform(*np.log(HERTZ))), np.exp(rng.uniform(*np.log(DAMPING)))
    times = np.arange(round(SECONDS * FPS)) / FPS
    beats = np.cumsum(rng.normal(0.85, 0.04, 48)) - 4.0
    heights = rng.normal(1.0, 0.1, len(beats))
    omega = 2 * np.pi * hertz
    shape = beat_shape(
        forcing,
        times[:, None] - beats,
        alpha_per_s=2 * damping * omega,
        omega_rad_s=omega,
        extra=EXTRA[forcing],
    )
    pulse = shape @ heights
    breath = 0.3 * pulse.std() * np.sin(2 * np.pi * rng.uniform(0.1, 0.2) * times)
    noise = 10 ** (-NOISE_DB / 20) * pulse.std() * rng.standard_normal(len(times))
    return pulse + breath + noise, float(hertz), float(damping)


def trial_row(trial: int, forcing: Forcing) -> dict[str, object]:
    """Return what was planted, what was read, and whether both intervals hold it."""
    wave, hertz, damping = planted(trial, forcing)
    found = fit_oscillator(wave, sample_hz=FPS, forcings=(forcing,))
    best = found.best
    holds = (
        best.natural_hz[0] <= hertz <= best.natural_hz[1]
        and best.damping[0] <= damping <= best.damping[1]
    )
    return {
        "trial": trial,
        "planted": [hertz, damping],
        "read": [best.oscillator.natural_hz, best.oscillator.damping],
        "natural_hz": list(best.natural_hz),
        "damping": list(best.damping),
        "holds": bool(holds),
        "refused": found.refused,
    }


def main() -> None:
    """Run all trials of both forcings."""
    rows = {forcing: [trial_row(k, forcing) for k in range(TRIALS)] for forcing in FORCINGS}
    settings = {"trials": TRIALS, "seconds": SECONDS, "sample_hz": FPS, "noise_db": NOISE_DB}
    held = {forcing: sum(bool(row["holds"]) for row in found) for forcing, found in rows.items()}
    result = {"revision": revision(), "settings": settings, "held": held, "rows": rows}
    write_json(RESULTS, result)


if __name__ == "__main__":
    main()
