"""What the committed accuracy must be, and was."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORED = json.loads((ROOT / "experiments/results/accuracy.json").read_text(encoding="utf-8"))


def test_noise_is_refused_rates_are_not_halved_and_variability_is_true_without_noise() -> None:
    for row in STORED["noise"]:
        kinds = ("white", "pink", "brown", "swept", "outside")
        assert min(row[kind] for kind in kinds) >= 0.95
    for row in STORED["octaves"]:
        assert max(row["white"]) < 0.005
    quiet = [row for row in STORED["variability"] if row["noise"] == 0 and row["sample_hz"] >= 30]
    assert all(abs(row[name] - 1) < 0.06 for row in quiet for name in ("sdnn_ms", "rmssd_ms"))
