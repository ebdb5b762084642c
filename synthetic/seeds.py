"""Which seeds of generated clips are reserved for what: nothing is trained and judged on one clip.

A clip is a pure function of its seed and its preset. Each use below owns the seeds of its range;
a test holds that no two ranges overlap.
"""

COMPARISON_SEED = 0
"""First clip on which networks and classical methods are compared."""
SCENE_SEED = 7_000_001
"""The scene of the benchmark of `live`."""
CALIBRATION_SEED = 200_000_000
"""First clip on which quality is fitted, and judged."""
TRACKING_SEED = 300_000_000
"""First wave for the accuracy of a heart rate that is followed over windows."""
PERSON_SEED = 310_000_000
"""First wave for the accuracy of beats and variability."""
VALIDATION_SEED = 500_000_000
"""First clip that chooses a checkpoint and a seed."""
PLANTED_SEED = 700_000_000
"""First clip planted on the footage of people who are validated on."""
INTERPRET_SEED = 800_000_000
"""First clip that is an operating point of an interpretation."""
INTERPRET_STRIDE = 10_000
"""From one seed of an interpretation to the next."""
PRESENCE_SEED = 820_000_000
"""First clip on which the threshold of presence of a pulse is judged."""
TRAINING_SEED = 1_000_000_000
"""First clip of a training with seed 0."""
SEED_STRIDE = 100_000_000
"""From one seed of a training to the next."""
TRAINING_SEEDS = 1000
"""Seeds that a training may have, from 0."""

RESERVED = {
    "comparison": range(COMPARISON_SEED, 1_000_000),
    "bench of live": range(SCENE_SEED, SCENE_SEED + 1),
    "calibration": range(CALIBRATION_SEED, CALIBRATION_SEED + 100_000_000),
    "tracking": range(TRACKING_SEED, TRACKING_SEED + 1_000_000),
    "accuracy": range(PERSON_SEED, PERSON_SEED + 1_000_000),
    "validation": range(VALIDATION_SEED, VALIDATION_SEED + 100_000_000),
    "planted": range(PLANTED_SEED, PLANTED_SEED + 1_000_000),
    "interpret": range(INTERPRET_SEED, INTERPRET_SEED + 1000 * INTERPRET_STRIDE),
    "presence": range(PRESENCE_SEED, PRESENCE_SEED + 1_000_000),
    "training": range(TRAINING_SEED, TRAINING_SEED + TRAINING_SEEDS * SEED_STRIDE),
}
"""Seeds by use."""
