"""Compare a network with the classical methods on fixed synthetic clips, by one protocol.

Protocol: fixed seeded clips of 10 s; the same discarded warm-up and end (the network's known delay
is taken out of its time axis), estimator and band for all methods; share within 3 bpm over *all*
clips, abstention off (and, beside it, the share answered with abstention on); POS, CHROM and GREEN
on the better of the central crop and the true skin mask, chosen per preset; paired bootstrap over
clips.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from pulsephase.models.classical import METHODS, mean_colour
from pulsephase.models.config import PhaseNetConfig
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render_with_maps
from pulsephase.synthetic.seeds import COMPARISON_SEED
from pulsephase.video.clip import Clip
from pulsephase.vitals.heart_rate import heart_rate, peak_bpm

CLIP_S = 10.0
TOLERANCE_BPM = 3.0
BOOTSTRAPS = 10_000
CLASSICAL = ("pos", "chrom", "green")
PRESETS = ("easy", "full", "hard", "rough", "vessel", "null")

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


class Batch(NamedTuple):
    """Some of the fixed clips of a preset.

    Attributes:
        seeds: Of the clips.
        frames: Crops in 0..1.
        masks: Share of each pixel that is skin.
        truth_bpm: Mean heart rate over the samples that count.
    """

    seeds: range
    frames: Float[Tensor, "clip time 3 height width"]
    masks: Float[Tensor, "clip time height width"]
    truth_bpm: list[float]


def protocol(name: str, network: PhaseNetConfig) -> tuple[SynthConfig, slice]:
    """Return what is rendered for a network, and the samples of its waves that count."""
    frames = round(CLIP_S * network.sample_hz)
    config = replace(preset(name), size=network.size, frames=frames, sample_hz=network.sample_hz)
    return config, slice(network.warmup, frames - network.delay)


def as_rendered(clip: Clip) -> Float[Tensor, "time 3 height width"]:
    """Return the frames of a clip as they come."""
    return clip.frames


def fixed_clips(
    config: SynthConfig,
    kept: slice,
    *,
    clips: int,
    batch: int,
    prepared: Callable[[Clip], Float[Tensor, "time 3 height width"]] = as_rendered,
) -> Iterator[Batch]:
    """Render the clips that all methods meet.

    Args:
        config: What may vary.
        kept: Samples over which the true rate is the mean.
        clips: How many of the fixed clips.
        batch: How many at a time.
        prepared: Returns what the methods see of a clip.
    """
    for start in range(0, clips, batch):
        seeds = range(COMPARISON_SEED + start, COMPARISON_SEED + min(start + batch, clips))
        made = [render_with_maps(seed, config) for seed in seeds]
        skin, truth = [], []
        for clip in made:
            assert clip.truth is not None and clip.truth.skin_mask is not None
            skin.append(clip.truth.skin_mask)
            truth.append(float(clip.truth.heart_rate_bpm[kept].mean()))
        yield Batch(seeds, torch.stack([prepared(clip) for clip in made]), torch.stack(skin), truth)


def classical_waves(batch: Batch, *, sample_hz: float) -> dict[tuple[str, str], Tensor]:
    """Return the wave of each classical method on each region."""
    waves = {}
    for region, weights in (("crop", None), ("mask", batch.masks)):
        colour = mean_colour(batch.frames, weights=weights)
        for method in CLASSICAL:
            waves[method, region] = METHODS[method](colour, sample_hz=sample_hz)
    return waves


def collect(
    name: str,
    network: PhaseNetConfig,
    waves_of: Callable[[Batch], dict[tuple[str, str], Tensor]],
    *,
    clips: int,
    batch: int = 10,
    advance: Callable[[float], None] = lambda amount: None,
) -> Comparison:
    """Judge waves by the one protocol.

    Args:
        name: The preset.
        network: Whose size, rate, warm-up and delay hold for all methods.
        waves_of: Returns waves by method and region; of two regions the better one counts.
        clips: How many of the fixed clips.
        batch: How many at a time.
        advance: Told how many clips are done.
    """
    config, kept = protocol(name, network)
    rate = network.sample_hz
    truth: list[float] = []
    found: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    spoke: dict[tuple[str, str], list[bool]] = {}
    for made in fixed_clips(config, kept, clips=clips, batch=batch):
        truth += made.truth_bpm
        for key, wave in waves_of(made).items():
            seen = wave[:, kept].double().numpy()
            found.setdefault(key, []).append(peak_bpm(seen, sample_hz=rate))
            method = key[0].partition(" ")[0]  # the seeds of a network share its calibration
            answers = [
                heart_rate(row, sample_hz=rate, method=method).bpm is not None for row in seen
            ]
            spoke.setdefault(key, []).extend(answers)
        advance(len(made.seeds))
    return _best(
        name,
        np.array(truth),
        {key: np.concatenate(rates) for key, rates in found.items()},
        {key: np.array(answers) for key, answers in spoke.items()},
    )


def compare(
    net: PhaseNet,
    name: str,
    *,
    clips: int,
    batch: int = 10,
    advance: Callable[[float], None] = lambda amount: None,
) -> Comparison:
    """Run the network and the classical methods on the first ``clips`` fixed clips of a preset."""

    def waves_of(made: Batch) -> dict[tuple[str, str], Tensor]:
        with torch.inference_mode():
            pulse = net(made.frames).roll(-net.config.delay, 1)
        return {
            ("phasenet", "crop"): pulse,
            **classical_waves(made, sample_hz=net.config.sample_hz),
        }

    return collect(name, net.config, waves_of, clips=clips, batch=batch, advance=advance)


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
        better = method not in errors or (
            (error < TOLERANCE_BPM).mean() > (errors[method] < TOLERANCE_BPM).mean()
        )
        if better:
            errors[method], answered[method] = error, spoke[method, region]
            if method in CLASSICAL:
                regions[method] = region
    return Comparison(preset=name, errors=errors, answered=answered, regions=regions)
