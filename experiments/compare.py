"""Compare a network with the classical methods on fixed synthetic clips, by one protocol.

Protocol: fixed seeded clips of 10 s; the same discarded warm-up and end (the network's known delay
is taken out of its time axis), estimator and band for all methods; share within 3 bpm over *all*
clips, abstention off (and, beside it, the share answered with abstention on); POS, CHROM and GREEN
on the better of the central crop and the true skin mask, chosen per preset; paired bootstrap over
clips.

``python -m pulsephase.experiments.compare WEIGHTS`` writes ``experiments/results/synthetic.json``.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from pulsephase.experiments.pretrain import revision
from pulsephase.experiments.recipes import COMPARISON_SEED
from pulsephase.files import write_json
from pulsephase.models.classical import METHODS, mean_colour
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render_with_maps
from pulsephase.vitals.heart_rate import heart_rate, peak_bpm

CLIP_S = 10.0
TOLERANCE_BPM = 3.0
BOOTSTRAPS = 10_000
PRESETS = ("easy", "full", "hard", "vessel", "null")
RESULTS = Path(__file__).parent / "results" / "synthetic.json"

Errors = Float[np.ndarray, " clips"]
Answers = Bool[np.ndarray, " clips"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Absolute errors in bpm of every method over the same clips.

    Attributes:
        preset: The generator's preset.
        errors: By method; classical ones on their better region.
        answered: Where the method gave a rate, with abstention on.
        regions: The region each classical method did better on: ``crop`` or ``mask``.
    """

    preset: str
    errors: dict[str, Errors]
    answered: dict[str, Answers]
    regions: dict[str, str]

    def within(self, method: str) -> float:
        """Return the share of clips within 3 bpm."""
        return float((self.errors[method] < TOLERANCE_BPM).mean())

    def gain(self, method: str, baseline: str) -> tuple[float, float, float]:
        """Return the difference of shares and its paired 95 % bootstrap interval, in points."""
        hits = (self.errors[method] < TOLERANCE_BPM).astype(float)
        hits -= self.errors[baseline] < TOLERANCE_BPM
        generator = np.random.default_rng(0)
        draws = generator.integers(0, len(hits), (BOOTSTRAPS, len(hits)))
        means = 100 * hits[draws].mean(1)
        low, high = np.quantile(means, [0.025, 0.975])
        return 100 * float(hits.mean()), float(low), float(high)

    def _with_abstention(self, method: str) -> dict[str, float | None]:
        answered, hits = self.answered[method], self.errors[method] < TOLERANCE_BPM
        return {
            "answered": float(answered.mean()),
            "within_3_bpm_of_answered": float(hits[answered].mean()) if answered.any() else None,
        }

    def table(self) -> dict[str, object]:
        """Return the result as plain data."""
        rows = {
            method: {
                "within_3_bpm": self.within(method),
                "mae_bpm": float(errors.mean()),
                "median_error_bpm": float(np.median(errors)),
                **self._with_abstention(method),
                **({"region": self.regions[method]} if method in self.regions else {}),
            }
            for method, errors in self.errors.items()
        }
        result: dict[str, object] = {
            "preset": self.preset,
            "clips": len(next(iter(self.errors.values()))),
            "clip_s": CLIP_S,
            "methods": rows,
        }
        if "phasenet" in self.errors:
            points, low, high = self.gain("phasenet", "pos")
            result["phasenet_minus_pos_points"] = {
                "value": points,
                "interval_95": [low, high],
            }
        return result


def compare(
    net: PhaseNet,
    name: str,
    *,
    clips: int,
    batch: int = 10,
    advance: Callable[[float], None] = lambda amount: None,
) -> Comparison:
    """Run the network and the classical methods on the first ``clips`` fixed clips of a preset."""
    config = net.config
    rendered = replace(
        preset(name),
        size=config.size,
        frames=round(CLIP_S * config.sample_hz),
        sample_hz=config.sample_hz,
    )
    rate, delay = config.sample_hz, config.delay
    kept = slice(config.warmup, rendered.frames - delay)
    truth: list[float] = []
    found: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    spoke: dict[tuple[str, str], list[bool]] = {}
    for start in range(0, clips, batch):
        made = [
            render_with_maps(COMPARISON_SEED + index, rendered)
            for index in range(start, min(start + batch, clips))
        ]
        frames = torch.stack([clip.frames for clip in made])
        skin = []
        for clip in made:
            assert clip.truth is not None and clip.truth.skin_mask is not None
            skin.append(clip.truth.skin_mask)
            truth.append(float(clip.truth.heart_rate_bpm[kept].mean()))
        masks = torch.stack(skin)
        with torch.inference_mode():
            waves = {("phasenet", "crop"): net(frames).roll(-delay, 1)}
        for region, weights in (("crop", None), ("mask", masks)):
            colour = mean_colour(frames, weights=weights)
            for method, function in METHODS.items():
                waves[method, region] = function(colour, sample_hz=rate)
        for key, wave in waves.items():
            seen = wave[:, kept].double().numpy()
            found.setdefault(key, []).append(peak_bpm(seen, sample_hz=rate))
            answers = [heart_rate(row, sample_hz=rate).bpm is not None for row in seen]
            spoke.setdefault(key, []).extend(answers)
        advance(len(made))
    return _best(
        name,
        np.array(truth),
        {key: np.concatenate(rates) for key, rates in found.items()},
        {key: np.array(answers) for key, answers in spoke.items()},
    )


def _best(
    name: str,
    truth: NDArray[np.float64],
    found: dict[tuple[str, str], NDArray[np.float64]],
    spoke: dict[tuple[str, str], NDArray[np.bool_]],
) -> Comparison:
    errors: dict[str, Errors] = {}
    answered: dict[str, Answers] = {}
    regions: dict[str, str] = {}
    for (method, region), bpm in found.items():
        error = np.abs(bpm - truth)
        if method == "phasenet":
            errors[method], answered[method] = error, spoke[method, region]
            continue
        better = method not in errors or (
            (error < TOLERANCE_BPM).mean() > (errors[method] < TOLERANCE_BPM).mean()
        )
        if better:
            errors[method], regions[method] = error, region
            answered[method] = spoke[method, region]
    return Comparison(preset=name, errors=errors, answered=answered, regions=regions)


def main(weights: list[str], *, clips: int = 400) -> None:
    """Compare the first weights on every preset of ``PRESETS``, and write the table."""
    name = weights[0] if weights else "tiny"
    net = PhaseNet.from_pretrained(name)
    tables = [compare(net, preset_name, clips=clips).table() for preset_name in PRESETS]
    result = {"weights": Path(name).name, "revision": revision(), "presets": tables}
    RESULTS.parent.mkdir(exist_ok=True)
    write_json(RESULTS, result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
