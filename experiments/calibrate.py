"""From evidence to a probability: how often is a heart rate of a given quality within 3 bpm?

Waves of the network and of classical methods on synthetic clips of 20 s are cut into windows of
10 s; those on clips planted in real footage (`planted_validation --waves`) are windows of 8 s. The
tables of `vitals/quality.py` are fitted on some presets and on planted clips, which count as much
as all presets together, and judged on other presets, and on planted clips by tables that never saw
the person. On clips without a pulse every rate is wrong; a planted window that shows the footage's
own rate is neither right nor wrong and is left out.

``python -m pulsephase.experiments.calibrate waves FOLDER`` renders the clips and keeps the waves
(minutes); ``... fit FOLDER PLANTED.npz`` fits, and writes ``vitals/quality.json``,
``experiments/results/quality.json`` and ``docs/figures/quality.svg``.
"""

import argparse
from collections.abc import Sequence
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
from pulsephase.vitals.quality import AGREE_BPM, TABLE, UNKNOWN, WITNESSED, Calibration, fit
from pulsephase.vitals.result import MIN_QUALITY, HeartRate

CLIP_S, WINDOW_S = 20.0, 10.0
FITTED_ON = ("full", "null", "light", "motion", "noise")
JUDGED_ON = ("vessel", "static", "jitter", "compression", "hard", "null")
CLIPS = 120
WEIGHTS = "tiny"
CLASSICAL = ("pos", "chrom", "green")
WITNESSES = ("pos", "chrom")
AGREEMENT_WEIGHT = 1.0
OWN_BPM = 6.0  # this near to the footage's own rate or its double, a window may show that
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
    agreeing: Float[np.ndarray, " window"]
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


def windows_of(folder: Path, name: str, method: str, *, judged: bool) -> Windows:
    """Look at the windows of a preset, each by itself, and tell which rates are right."""
    with np.load(_kept(folder, name, judged=judged)) as held:
        waves = {key: held[key].astype(np.float64) for key in ("phasenet", *CLASSICAL)}
        truth = held["truth_bpm"]
    sample_hz = PhaseNet.from_pretrained(WEIGHTS).config.sample_hz
    step_s = (truth.shape[1] / sample_hz - WINDOW_S) / 2
    rows: list[tuple[float, float, float, float, bool]] = []
    for index, rates in enumerate(truth):
        wave = waves[method][index]
        found = _looked(waves, method, index, sample_hz=sample_hz, step_s=step_s)
        others = [
            _looked(waves, other, index, sample_hz=sample_hz, step_s=step_s).windows
            for other in WITNESSES
        ]
        for number, look in enumerate(found.windows):
            part = slice(round(look.start_s * sample_hz), round(look.end_s * sample_hz))
            guess = look.estimate_bpm or 0.0
            right = name != "null" and abs(guess - float(rates[part].mean())) < TOLERANCE_BPM
            near = [abs((o[number].estimate_bpm or 0.0) - guess) < AGREE_BPM for o in others]
            level = float(wave[part].std())
            rows.append((look.rise, level, look.quality, float(np.mean(near)), right))
    return _windows(rows)


def _looked(
    waves: dict[str, np.ndarray], method: str, index: int, *, sample_hz: float, step_s: float
) -> HeartRate:
    return heart_rate(
        waves[method][index],
        sample_hz=sample_hz,
        window_s=WINDOW_S,
        step_s=step_s,
        method=method,
        track=False,
    )


def _windows(rows: Sequence[tuple[float, float, float, float, bool]]) -> Windows:
    rise, level, quality, agreeing, right = (np.array(c) for c in zip(*rows, strict=True))
    return Windows(rise, level, quality, agreeing, right.astype(bool))


def planted_windows(path: Path, method: str) -> tuple[Windows, np.ndarray]:
    """Look at the waves of planted clips, one window each; return whose face each is, too."""
    with np.load(path, allow_pickle=False) as held:
        kept = slice(*held["kept"].tolist())
        sample_hz = float(held["sample_hz"])
        waves = {
            name: held[WEIGHTS if name == "phasenet" else name][:, kept]
            for name in ("phasenet", *CLASSICAL)
        }
        truth, own, person = held["true_bpm"], held["own_bpm"], held["person"]
    rows, who = [], []
    guesses = {
        name: 60.0 * np.array([_one(each, sample_hz)[0] for each in waves[name]]) for name in waves
    }
    for index, wave in enumerate(waves[method]):
        guess = guesses[method][index]
        right = abs(guess - truth[index]) < TOLERANCE_BPM
        if not right and min(abs(guess - own[index]), abs(guess - 2 * own[index])) < OWN_BPM:
            continue
        near = [abs(guesses[other][index] - guess) < AGREE_BPM for other in WITNESSES]
        row = (_one(wave, sample_hz)[1], float(wave.std()), 0.0, float(np.mean(near)), bool(right))
        rows.append(row)
        who.append(person[index])
    return _windows(rows), np.array(who)


def _one(wave: np.ndarray, sample_hz: float) -> tuple[float, float]:
    """Return rate in Hz and rise of a wave as one window."""
    found = heart_rate(wave, sample_hz=sample_hz, track=False).windows[0]
    return (found.estimate_bpm or 0.0) / 60, found.rise


def table_of(looks: Sequence[Windows], planted: Sequence[Windows], *, name: str) -> Calibration:
    """Fit one table; planted windows are repeated until they count as much as the synthetic."""
    synthetic, real = (
        [np.concatenate([getattr(look, field) for look in group]) for field in Windows._fields]
        for group in (looks, planted)
    )
    times = max(1, round(len(synthetic[0]) / len(real[0])))
    rise, level, _, agreeing, right = (
        np.concatenate([one, np.repeat(other, times)])
        for one, other in zip(synthetic, real, strict=True)
    )
    method = name.removesuffix(WITNESSED)
    return fit(
        rise,
        level,
        right,
        level_weight=LEVEL_WEIGHT.get(method, 0.0),
        agreeing=agreeing,
        agreement_weight=AGREEMENT_WEIGHT if name.endswith(WITNESSED) else 0.0,
    )


TABLES = ("phasenet", f"phasenet{WITNESSED}", *CLASSICAL)


def fitted(folder: Path, planted: Path) -> dict[str, Calibration]:
    """Fit a table for each method, and one for waves of unknown origin from all of them."""
    methods = ("phasenet", *CLASSICAL)
    seen = {m: [windows_of(folder, name, m, judged=False) for name in FITTED_ON] for m in methods}
    real = {m: [planted_windows(planted, m)[0]] for m in methods}
    tables = {
        name: table_of(seen[m], real[m], name=name)
        for name in TABLES
        for m in (name.removesuffix(WITNESSED),)
    }
    every = [each for looks in seen.values() for each in looks]
    rise, level, right = (
        np.concatenate([getattr(look, field) for look in every])
        for field in ("rise", "level", "right")
    )
    tables[UNKNOWN] = fit(rise, level, right, level_weight=0.0)  # it need not come from a face
    return tables


def judge(folder: Path, planted: Path, tables: dict[str, Calibration]) -> dict[str, object]:
    """Return how the tables do on presets, and on people, that they were not fitted on."""
    result: dict[str, object] = {}
    for name in TABLES:
        method = name.removesuffix(WITNESSED)
        looks = {
            preset: _rated(windows_of(folder, preset, method, judged=True), tables[name])
            for preset in JUDGED_ON
        }
        seen = [windows_of(folder, each, method, judged=False) for each in FITTED_ON]
        windows, who = planted_windows(planted, method)
        parts = []
        for person in sorted(set(who.tolist())):
            rest = Windows(*(column[who != person] for column in windows))
            theirs = Windows(*(column[who == person] for column in windows))
            parts.append(_rated(theirs, table_of(seen, [rest], name=name)))
        looks["planted"] = Windows(*(np.concatenate(c) for c in zip(*parts, strict=True)))
        result[name] = {
            "presets": {preset: _coverage(look) for preset, look in looks.items()},
            "reliability": _reliability(
                [looks[each] for each in JUDGED_ON if each not in ("hard", "null")]
            ),
            "reliability_planted": _reliability([looks["planted"]]),
            "reliability_null": _reliability([looks["null"]]),
        }
    return result


def _rated(look: Windows, table: Calibration) -> Windows:
    stated = [
        table.of(rise=float(r), level=float(v), agreeing=float(a))
        for r, v, a in zip(look.rise, look.level, look.agreeing, strict=True)
    ]
    return look._replace(quality=np.array(stated))


def _coverage(look: Windows) -> dict[str, float | None]:
    given = look.quality >= MIN_QUALITY
    return {
        "answered": float(given.mean()),
        "within_3_bpm_of_answered": float(look.right[given].mean()) if given.any() else None,
        "answered_of_within_3_bpm": (float(given[look.right].mean()) if look.right.any() else None),
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
        for key, style in (("reliability", "-"), ("reliability_planted", "--")):
            points = row[key]  # type: ignore[index]
            axes.plot(
                [point["stated"] for point in points],
                [point["found"] for point in points],
                style,
                marker="o",
                label=f"{method}, {'planted' if style == '--' else 'synthetic'}",
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
    parser.add_argument("planted", type=Path, nargs="?", help="waves of planted clips, to fit on")
    asked = parser.parse_args()
    if asked.what == "waves":
        keep_waves(asked.folder)
        return
    if asked.planted is None:
        parser.error("fit needs the waves of planted clips: planted_validation --waves FILE")
    tables = fitted(asked.folder, asked.planted)
    write_json(
        TABLE,
        {
            "within_bpm": TOLERANCE_BPM,
            "window_s": WINDOW_S,
            "fitted_on": [*FITTED_ON, "planted"],
            "methods": {method: asdict(table) for method, table in tables.items()},
        },
    )
    judged = judge(asked.folder, asked.planted, tables)
    write_json(
        RESULTS,
        {
            "revision": revision(),
            "weights": WEIGHTS,
            "clips_a_preset": CLIPS,
            "threshold": MIN_QUALITY,
            "fitted_on": [*FITTED_ON, "planted"],
            "judged_on": list(JUDGED_ON),
            "methods": judged,
        },
    )
    draw(judged)


if __name__ == "__main__":
    main()
