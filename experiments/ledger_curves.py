"""Robustness as curves: one difficulty of the generator at a time, from none to far beyond.

All else is the preset ``easy`` with a pulse of 0.3 % (an ordinary one; at the 1 % of ``easy`` every
method is right almost everywhere). A level pins the range of its axis to one value. Frames with
jittered times are brought to an even grid by their times first, as every video is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.evaluation.compare import CLASSICAL, CLIP_S, TOLERANCE_BPM, fixed_clips
from pulsephase.experiments.ledger_against_pos import MAY_STOP, mean_gain, method_of, waves_of
from pulsephase.models.phasenet import PhaseNet
from pulsephase.pages.markdown import each, gain, made_by, percent, table
from pulsephase.synthetic.config import CodecRanges, LightRanges, SynthConfig
from pulsephase.synthetic.presets import preset
from pulsephase.training.recipes import seed_nets
from pulsephase.video.clip import Clip
from pulsephase.vitals.heart_rate import peak_bpm

CLIPS = 100
AMPLITUDE = 3e-3
NETWORKS = ("tiny", "base")


def _still() -> SynthConfig:
    easy = preset("easy")
    return replace(easy, pulse=replace(easy.pulse, amplitude=(AMPLITUDE, AMPLITUDE)))


def _motion(level: float) -> SynthConfig:
    base = _still()
    moves = replace(
        preset("motion").motion,
        scale=(level, level),
        rhythmic_probability=1.0,
        yaw_rest_rad=(0.0, 0.0),
    )
    return replace(base, motion=moves)


def _light(level: float) -> SynthConfig:
    flicker = LightRanges(
        drift=(level, level),
        flicker_probability=1.0,
        flicker=(level, level),
        screen_probability=0.0,
    )
    return replace(_still(), light=flicker)


def _noise(level: float) -> SynthConfig:
    base = _still()
    return replace(base, camera=replace(base.camera, noise=(level, level)))


def _compression(level: float) -> SynthConfig:
    return replace(_still(), codec=CodecRanges(probability=1.0, step=(level, level)))


def _skin(level: float) -> SynthConfig:
    base = _still()
    return replace(base, skin=replace(base.skin, melanin=(level, level)))


def _jitter(level: float) -> SynthConfig:
    base = _still()
    return replace(base, camera=replace(base.camera, time_jitter=level))


def _rate(level: float) -> SynthConfig:
    base = _still()
    return replace(base, pulse=replace(base.pulse, heart_rate_bpm=(level, level)))


# Axis: what a level is, the levels, and the clips at a level.
AXES: dict[str, tuple[str, tuple[float, ...], Callable[[float], SynthConfig]]] = {
    "motion": (
        "amount of head motion, with a nod at heart-rate frequencies in every clip (1: about 14 "
        "degrees of yaw)",
        (0.02, 0.1, 0.3, 1.0, 2.0),
        _motion,
    ),
    "light": (
        "relative depth of a coloured flicker at 0.6 to 6 Hz, and of slow drift",
        (0.002, 0.005, 0.01, 0.03, 0.06),
        _light,
    ),
    "noise": (
        "noise of a pixel at crop size, share of full scale",
        (0.0005, 0.002, 0.006, 0.015, 0.03),
        _noise,
    ),
    "compression": ("quantiser step in 8-bit levels", (0.25, 1.0, 2.0, 4.0, 6.0), _compression),
    "skin": ("melanin, volume fraction", (0.02, 0.06, 0.15, 0.3, 0.43), _skin),
    "jitter": (
        "displacement of frame times, share of the interval",
        (0.0, 0.15, 0.3, 0.45),
        _jitter,
    ),
    "rate": ("heart rate in bpm", (40.0, 55.0, 80.0, 120.0, 160.0, 195.0), _rate),
}


def trained_range(axis: str) -> tuple[float, float]:
    """Return the least and greatest level of an axis in `full`, which the networks trained on.

    >>> trained_range("rate")
    (42.0, 170.0)
    """
    full = preset("full")
    ranges = {
        "motion": (0.0, full.motion.scale[1]),
        "light": (0.0, full.light.flicker[1]),
        "noise": (0.0, full.camera.noise[1]),
        "compression": (0.0, full.codec.step[1]),
        "skin": (0.0, full.skin.melanin[1]),
        "jitter": (0.0, full.camera.time_jitter),
        "rate": full.pulse.heart_rate_bpm,
    }
    return ranges[axis]


def row(
    axis: str, *, clips: int = CLIPS, names: tuple[str, ...] = NETWORKS, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return the curve of an axis: at each level, the share within 3 bpm of every method.

    Each network meets the classical methods on the crops that it sees itself, of its own size.

    Args:
        axis: One of `AXES`.
        clips: Fixed clips a level, the same seeds at every level.
        names: Networks.
        say: Told what is being done.
    """
    meaning, levels, config_at = AXES[axis]
    nets = {name: found for name in names if (found := seed_nets(name))}
    points = []
    for level in levels:
        say(f"{axis} at {level:g}")
        met = {name: _meet(config_at(level), seeds, clips=clips) for name, seeds in nets.items()}
        points.append({"level": level, "networks": met})
    return {
        "axis": axis,
        "meaning": meaning,
        "protocol": {
            "clips": clips,
            "clip_s": CLIP_S,
            "tolerance_bpm": TOLERANCE_BPM,
            "amplitude": AMPLITUDE,
            "seeds": {name: list(seeds) for name, seeds in nets.items()},
            "size": {name: next(iter(seeds.values())).config.size for name, seeds in nets.items()},
        },
        "points": points,
    }


def on_even_grid(clip: Clip) -> Float[Tensor, "time 3 height width"]:
    """Return the frames at even times, by straight lines between those at their true times.

    The mean rate is kept; frames whose times are even pass unchanged.
    """
    times, count = clip.times_s, len(clip)
    grid = torch.linspace(float(times[0]), float(times[-1]), count, dtype=times.dtype)
    later = torch.searchsorted(times, grid).clamp(1, count - 1)
    weight = (grid - times[later - 1]) / (times[later] - times[later - 1])
    weight = weight.to(clip.frames.dtype)[:, None, None, None]
    return torch.lerp(clip.frames[later - 1], clip.frames[later], weight)


def _meet(ranges: SynthConfig, nets: dict[int, PhaseNet], *, clips: int) -> dict[str, Any]:
    """Return the shares within 3 bpm of a network's seeds and of the classical methods."""
    network = next(iter(nets.values())).config
    rate, frames = network.sample_hz, round(CLIP_S * network.sample_hz)
    config = replace(ranges, size=network.size, frames=frames, sample_hz=rate)
    kept = slice(network.warmup, frames - network.delay)
    near: dict[tuple[str, str], list[np.ndarray]] = {}
    for made in fixed_clips(config, kept, clips=clips, batch=MAY_STOP, prepared=on_even_grid):
        for key, wave in waves_of(made, nets).items():
            found = peak_bpm(wave[:, kept].double().numpy(), sample_hz=rate)
            near.setdefault(key, []).append(np.abs(found - made.truth_bpm) < TOLERANCE_BPM)
    hits = {key: np.concatenate(parts).astype(float) for key, parts in near.items()}
    classical = {
        method: max((hits[method, region] for region in ("crop", "mask")), key=np.mean)
        for method in CLASSICAL
    }
    best = max(CLASSICAL, key=lambda method: classical[method].mean())
    networks = np.stack([hits[method_of(seed), "crop"] for seed in nets])
    return {
        "within_3_bpm": float(networks.mean()),
        "within_3_bpm_by_seed": [float(each) for each in networks.mean(1)],
        **{method: float(classical[method].mean()) for method in CLASSICAL},
        "minus_best": {"method": best, **mean_gain(networks, classical[best])},
    }


def curve_tables(rows: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section on one difficulty at a time: each axis, each network with its own crops."""
    if not rows:
        return
    first = next(iter(rows.values()))["protocol"]
    yield "## One difficulty at a time\n"
    yield (
        f"Preset `easy` with a pulse of {100 * first['amplitude']:g} %, one axis pinned to a "
        f"level; {first['clips']} clips a level, the same seeds at every level; within 3 bpm in "
        "percent. A network is the mean over its seeds; POS, CHROM and GREEN see the crops that it "
        "sees, on the better of crop and skin mask, chosen a level. The difference is to the best "
        "of the three at that level, which favours it; the interval draws clips and seeds. Levels "
        "with a star lie outside of what the networks were trained on.\n"
    )
    for axis, row in rows.items():
        low, high = trained_range(axis)
        yield f"### {axis}: {row['meaning']}\n"
        for name, seeds in row["protocol"]["seeds"].items():
            size = row["protocol"]["size"][name]
            yield f"`{name}`, seeds {', '.join(map(str, seeds))}, crops of {size} px:\n"
            yield table(
                ["level", f"`{name}`", "each seed", "POS", "CHROM", "GREEN", "difference to best"],
                [
                    _level(point["level"], point["networks"][name], low <= point["level"] <= high)
                    for point in row["points"]
                ],
            )
        yield made_by(row)


def _level(level: float, found: Mapping[str, Any], trained: bool) -> list[str]:
    return [
        f"{level:g}" if trained else f"{level:g} \\*",
        percent(found["within_3_bpm"]),
        each(found["within_3_bpm_by_seed"]),
        *(percent(found[method]) for method in ("pos", "chrom", "green")),
        f"{found['minus_best']['method'].upper()}: {gain(found['minus_best'])}",
    ]
