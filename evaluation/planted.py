r"""What methods get right on planted pulses of other people's footage, beside an oracle.

Protocol: fixed clips of 10 s of the people p04 to p16, at the crop of `measure`, a third of them
planted before a real codec; the same discarded warm-up and end, estimator and band for all; share
within 3 bpm over *all* clips, abstention off; 95 % intervals by bootstrap over people.

The *oracle* knows the mask, the planted direction d and the footage's own noise: it takes the mean
logarithmic colour over the mask, in the band, and mixes it by :math:`w = C^{-1} d` with C the
covariance of that colour without the planted pulse (through a codec: of what is left of it after
the known wave was fitted). No mixture of the mean colours is better against Gaussian noise; what
uses space may be.

"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.signal import butter, sosfiltfilt

from pulsephase.evaluation.compare import CLIP_S, TOLERANCE_BPM
from pulsephase.models.classical import METHODS, mean_colour
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.footage import FootageEntry, cached_footage
from pulsephase.synthetic.plant import plant_preset
from pulsephase.synthetic.planted_clip import AS_IT_IS, PlantedClip, Planter
from pulsephase.synthetic.seeds import PLANTED_SEED
from pulsephase.vitals.heart_rate import BAND_HZ, peak_bpm

CLIPS = 400
CODED = 3
"""Every clip of this number went through a codec."""
VALIDATED = tuple(f"p{number:02d}" for number in range(4, 17))
CROPS = replace(AS_IT_IS, speed=(0.8, 1.25), mirror_probability=0.5, backward_probability=0.5)
SAMPLE_HZ, WARMUP, DELAY = 30.0, 45, 15
FRAMES = round(CLIP_S * SAMPLE_HZ)
KEPT = slice(WARMUP, FRAMES - DELAY)
SIZE = 36
"""Pixels of the crops whose middle the classical methods see."""
BOOTSTRAPS = 10_000
DARKEST = 1e-3

Waves = dict[str, Float[np.ndarray, "clip time"]]


def planters(cache: Path, coded: Path, *, size: int) -> tuple[Planter, Planter]:
    """Return what plants in the footage as it is, and what shows coded footage."""

    def of(entries: Sequence[FootageEntry]) -> Planter:
        return Planter(
            entries=tuple(entry for entry in entries if entry.person in VALIDATED),
            size=size,
            frames=FRAMES,
            sample_hz=SAMPLE_HZ,
            ranges=plant_preset("plant-full"),
            crops=CROPS,
            keep_colour=True,
        )

    return of(cached_footage(cache)), of(cached_footage(coded))


def clips_of(plain: Planter, coded: Planter, *, count: int) -> Iterator[PlantedClip]:
    """Plant the fixed clips one after the other."""
    for index in range(count):
        planter = coded if index % CODED == CODED - 1 else plain
        yield planter.clip(PLANTED_SEED + index)


def in_band(wave: Float[np.ndarray, "time ..."]) -> Float[np.ndarray, "time ..."]:
    """Keep the band of the heart rate."""
    band = butter(3, BAND_HZ, "bandpass", fs=SAMPLE_HZ, output="sos")
    found: Float[np.ndarray, "time ..."] = sosfiltfilt(band, wave - wave.mean(0), axis=0)
    return found


def oracle(clip: PlantedClip) -> Float[np.ndarray, " time"]:
    """Return the best mixture of the mean colours over the mask, rising with blood volume."""
    seen, clean = (in_band(np.log(np.maximum(colour, DARKEST))) for colour in clip.colour)
    if not np.isfinite(clean).all():
        z = in_band(clip.pulse.astype(np.float64))
        clean = seen - np.outer(z, z @ seen / (z @ z))
    weights = np.linalg.solve(clean.T @ clean, clip.direction.astype(np.float64))
    return -(seen @ weights)


def classical(colour: Float[np.ndarray, "clip time 3"]) -> Waves:
    """Return the wave of every classical method."""
    found = {}
    for name, method in METHODS.items():
        found[name] = np.stack(
            [method(torch.from_numpy(each), sample_hz=SAMPLE_HZ).numpy() for each in colour]
        )
    return found


def network_waves(
    net: PhaseNet, frames: Iterator[Float[np.ndarray, "time 3 size size"]]
) -> Float[np.ndarray, "clip time"]:
    """Return the waves of a network, its known delay taken out."""
    waves = []
    with torch.inference_mode():
        for each in frames:
            wave = net(torch.from_numpy(each)[None])[0].roll(-net.config.delay)
            waves.append(wave.double().numpy())
    return np.stack(waves)


def collected(
    cache: Path, coded: Path, weights: Sequence[str], *, count: int
) -> tuple[Waves, dict[str, np.ndarray]]:
    """Return the waves of all methods, and what is known of the clips."""
    facts: dict[str, list[Any]] = {}
    middle, best = [], []
    for clip in clips_of(*planters(cache, coded, size=SIZE), count=count):
        middle.append(mean_colour(torch.from_numpy(clip.frames)).double().numpy())
        best.append(oracle(clip))
        row = {
            "person": clip.entry.person,
            "entry": clip.entry.name,
            "codec": clip.entry.planted.get("codec", ""),
            "crf": clip.entry.planted.get("crf", -1),
            "amplitude": clip.amplitude,
            "true_bpm": float(clip.heart_rate_bpm[KEPT].mean()),
            "own_bpm": np.nan if clip.own_bpm is None else clip.own_bpm,
            "skin_green": float(clip.colour[0, :, 1].mean()),
            "truth": clip.pulse,
            "mask_colour": clip.colour[0],
            "whole": bool(clip.counts.all()),
        }
        for key, value in row.items():
            facts.setdefault(key, []).append(value)
    colour = np.stack(middle)
    waves = {"oracle": np.stack(best), **classical(colour)}
    for name in weights:
        net = PhaseNet.from_pretrained(name)
        assert (net.config.warmup, net.config.sample_hz) == (WARMUP, SAMPLE_HZ)
        makers = planters(cache, coded, size=net.config.size)
        waves[Path(name).stem] = network_waves(
            net, (clip.frames for clip in clips_of(*makers, count=count))
        )
    held = {key: np.array(values) for key, values in facts.items()}
    return waves, {**held, "colour": colour}


def share(hits: np.ndarray, person: np.ndarray) -> dict[str, Any]:
    """Return the share of hits, and its interval over people."""
    names = sorted(set(person.tolist()))
    right = np.array([hits[person == name].sum() for name in names], dtype=float)
    clips = np.array([(person == name).sum() for name in names], dtype=float)
    draws = np.random.default_rng(0).integers(0, len(names), (BOOTSTRAPS, len(names)))
    low, high = np.quantile(right[draws].sum(1) / clips[draws].sum(1), [0.025, 0.975])
    return {"within_3_bpm": float(hits.mean()), "interval_95": [float(low), float(high)]}


def tables(waves: Waves, facts: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return shares of each method: over all, by codec, by tercile of amplitude, of the skin."""
    person, codec = facts["person"], facts["codec"]
    groups = {"all": np.full(len(person), True), "plain": codec == ""}
    groups |= {name: codec == name for name in sorted(set(codec.tolist()) - {""})}
    for what in ("amplitude", "skin_green"):
        edges = np.quantile(facts[what], [0, 1 / 3, 2 / 3, 1])
        for number, word in enumerate(("low", "middle", "high")):
            inside = (facts[what] >= edges[number]) & (facts[what] <= edges[number + 1])
            groups[f"{what} {word}"] = inside
    found: dict[str, Any] = {}
    for method, wave in waves.items():
        hits = np.abs(peak_bpm(wave[:, KEPT], sample_hz=SAMPLE_HZ) - facts["true_bpm"])
        right = hits < TOLERANCE_BPM
        found[method] = {
            name: share(right[here], person[here]) | {"clips": int(here.sum())}
            for name, here in groups.items()
            if here.any()
        }
    return found
