"""From evidence to a probability: how often is a heart rate of a given quality within 3 bpm?

Waves of the network and of classical methods on synthetic clips of 20 s are cut into windows of
10 s. The tables of `vitals/quality.py` are fitted on some presets and judged on others; the seeds
are used nowhere else. On clips without a pulse every rate is wrong.

``python -m pulsephase.experiments.calibrate waves FOLDER`` renders the clips and keeps the waves
(minutes); ``... fit FOLDER`` fits, and writes ``vitals/quality.json``,
``experiments/results/quality.json`` and ``docs/figures/quality.svg``.
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float

from pulsephase.files import whole_file, write_json
from pulsephase.machine import revision
from pulsephase.models.classical import METHODS, mean_colour
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render
from pulsephase.synthetic.seeds import CALIBRATION_SEED
from pulsephase.vitals.heart_rate import heart_rate
from pulsephase.vitals.quality import TABLE, UNKNOWN, Calibration, fit
from pulsephase.vitals.result import MIN_QUALITY

CLIP_S, WINDOW_S = 20.0, 10.0
FITTED_ON = ("full", "null", "light", "motion", "noise")
JUDGED_ON = ("vessel", "static", "jitter", "compression", "hard", "null")
CLIPS = 200
WEIGHTS = "tiny"
CLASSICAL = ("pos", "chrom", "green")
LEVEL_WEIGHT = {"phasenet": 1.0}  # a network's output has a scale that it was trained to
STEPS = 5  # bins of the reliability diagram
RESULTS = Path(__file__).parent / "results" / "quality.json"
DIAGRAM = Path(__file__).resolve().parents[1] / "docs" / "figures" / "quality.svg"
TOLERANCE_BPM = 3.0


class Windows(NamedTuple):
    """What one method said of the windows of one preset."""

    rise: Float[np.ndarray, " window"]
    level: Float[np.ndarray, " window"]
    quality: Float[np.ndarray, " window"]
    right: Bool[np.ndarray, " window"]


def first_seed(name: str, *, judged: bool) -> int:
    """Return the seed of the first clip: presets share none, nor do fitting and judging."""
    order = sorted({*FITTED_ON, *JUDGED_ON}).index(name)
    return CALIBRATION_SEED + 1_000_000 * (2 * order + judged)


def render_waves(
    net: PhaseNet, name: str, *, judged: bool, clips: int, batch: int = 8
) -> dict[str, Float[np.ndarray, "clip time"]]:
    """Return each method's waves on clips of a preset, with the true rate at every sample."""
    config = net.config
    ranges = replace(
        preset(name),
        size=config.size,
        frames=round(CLIP_S * config.sample_hz),
        sample_hz=config.sample_hz,
    )
    kept = slice(config.warmup, ranges.frames - config.delay)
    start = first_seed(name, judged=judged)
    waves: dict[str, list[np.ndarray]] = {}
    for first in range(start, start + clips, batch):
        made = [render(seed, ranges) for seed in range(first, min(first + batch, start + clips))]
        frames = torch.stack([clip.frames for clip in made])
        with torch.inference_mode():
            found = {"phasenet": net(frames).roll(-config.delay, 1)}
        colour = mean_colour(frames)
        for method in CLASSICAL:
            found[method] = METHODS[method](colour, sample_hz=config.sample_hz)
        rates = [clip.truth.heart_rate_bpm for clip in made if clip.truth is not None]
        found["truth_bpm"] = torch.stack(rates)
        for key, values in found.items():
            waves.setdefault(key, []).append(values[:, kept].float().numpy())
    return {key: np.concatenate(values) for key, values in waves.items()}


def keep_waves(folder: Path) -> None:
    """Render what is missing in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    net = PhaseNet.from_pretrained(WEIGHTS)
    torch.set_num_threads(1)
    for judged, names in ((False, FITTED_ON), (True, JUDGED_ON)):
        for name in names:
            path = _kept(folder, name, judged=judged)
            if not path.exists():
                waves = render_waves(net, name, judged=judged, clips=CLIPS)
                with whole_file(path) as temporary, temporary.open("wb") as file:
                    np.savez(file, **waves)  # type: ignore[arg-type]
                print(path, flush=True)


def _kept(folder: Path, name: str, *, judged: bool) -> Path:
    return folder / f"{'judged' if judged else 'fitted'}-{name}.npz"


def windows_of(
    folder: Path, name: str, method: str, *, judged: bool, table: str | None = None
) -> Windows:
    """Look at the windows of a preset, each by itself, and tell which rates are right."""
    with np.load(_kept(folder, name, judged=judged)) as held:
        waves, truth = held[method].astype(np.float64), held["truth_bpm"]
    sample_hz = PhaseNet.from_pretrained(WEIGHTS).config.sample_hz
    step_s = (waves.shape[1] / sample_hz - WINDOW_S) / 2
    rows: list[tuple[float, float, float, bool]] = []
    for wave, rates in zip(waves, truth, strict=True):
        found = heart_rate(
            wave,
            sample_hz=sample_hz,
            window_s=WINDOW_S,
            step_s=step_s,
            method=table or method,
            track=False,
        )
        for look in found.windows:
            part = slice(round(look.start_s * sample_hz), round(look.end_s * sample_hz))
            miss = abs((look.estimate_bpm or 0.0) - float(rates[part].mean()))
            right = name != "null" and miss < TOLERANCE_BPM
            rows.append((look.rise, float(wave[part].std()), look.quality, right))
    rise, level, quality, right_ones = (np.array(column) for column in zip(*rows, strict=True))
    return Windows(rise, level, quality, right_ones.astype(bool))


def fitted(folder: Path) -> dict[str, Calibration]:
    """Fit a table for each method, and one for waves of unknown origin from all of them."""
    seen = {
        method: [windows_of(folder, name, method, judged=False) for name in FITTED_ON]
        for method in ("phasenet", *CLASSICAL)
    }
    every = [each for looks in seen.values() for each in looks]
    groups = {**seen, UNKNOWN: every}
    tables = {}
    for method, looks in groups.items():
        rise, level, right = (
            np.concatenate([getattr(look, field) for look in looks])
            for field in ("rise", "level", "right")
        )
        weight = LEVEL_WEIGHT.get(method, 0.0)
        tables[method] = fit(rise, level, right, level_weight=weight)
    return tables


def judge(folder: Path) -> dict[str, object]:
    """Return how the tables do on presets that they were not fitted on."""
    result: dict[str, object] = {}
    for method in ("phasenet", *CLASSICAL):
        looks = {name: windows_of(folder, name, method, judged=True) for name in JUDGED_ON}
        result[method] = {
            "presets": {name: _coverage(look) for name, look in looks.items()},
            "reliability": _reliability([looks[name] for name in JUDGED_ON if name != "hard"]),
        }
    return result


def _coverage(look: Windows) -> dict[str, float | None]:
    given = look.quality >= MIN_QUALITY
    return {
        "answered": float(given.mean()),
        "within_3_bpm_of_answered": float(look.right[given].mean()) if given.any() else None,
        "within_3_bpm": float(look.right.mean()),
    }


def _reliability(looks: list[Windows]) -> list[dict[str, float]]:
    """Return stated and found shares, in bins of equal size of the stated one."""
    stated = np.concatenate([look.quality for look in looks])
    right = np.concatenate([look.right for look in looks])
    bins = np.array_split(np.argsort(stated, kind="stable"), STEPS)
    return [
        {
            "windows": len(each),
            "stated": float(stated[each].mean()),
            "found": float(right[each].mean()),
        }
        for each in bins
    ]


def draw(judged: dict[str, object]) -> None:
    """Draw the reliability diagram."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "quality"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(4.5, 4.2))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for method, row in judged.items():
        points = row["reliability"]  # type: ignore[index]
        axes.plot(
            [point["stated"] for point in points],
            [point["found"] for point in points],
            marker="o",
            label=method,
        )
    axes.set(xlabel="quality: stated share within 3 bpm", ylabel="found share", xlim=(0, 1))
    axes.set_ylim(0, 1)
    axes.legend(frameon=False)
    figure.tight_layout()
    with whole_file(DIAGRAM) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Render waves, or fit and judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("what", choices=("waves", "fit"))
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    if asked.what == "waves":
        keep_waves(asked.folder)
        return
    tables = fitted(asked.folder)
    write_json(
        TABLE,
        {
            "within_bpm": TOLERANCE_BPM,
            "window_s": WINDOW_S,
            "fitted_on": list(FITTED_ON),
            "methods": {method: asdict(table) for method, table in tables.items()},
        },
    )
    from pulsephase.vitals.quality import _tables

    _tables.cache_clear()
    judged = judge(asked.folder)
    write_json(
        RESULTS,
        {
            "revision": revision(),
            "weights": WEIGHTS,
            "clips_a_preset": CLIPS,
            "threshold": MIN_QUALITY,
            "fitted_on": list(FITTED_ON),
            "judged_on": list(JUDGED_ON),
            "methods": judged,
        },
    )
    draw(judged)


if __name__ == "__main__":
    main()
