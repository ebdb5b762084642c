r"""How hard each preset is: what classical methods get right on fixed clips, an oracle, and a twin.

Protocol as in ``compare.py``: 10 s clips, one set of seeds, the same warm-up, band and estimator,
3 bpm, abstention off (and, beside it, how many are answered with abstention on), the better of the
central crop and the true mask.

The *oracle* knows the true skin mask, the camera's curve and colour matrix, and the planted
direction: the one vector :math:`v` a clip by which the mask's mean colour moves with blood, sheen
included. It takes the one mixture of that colour which answers to :math:`v` and to as little else
as can be, :math:`Q^{-1} v` with :math:`Q` the covariance in the band over the clip (PBV with the
planted signature). Movement and light it does not know.

The *twin* knows everything that moves and every light too: it subtracts the same clip rendered
without a pulse, noise or codec. It is no method, but says whether the pulse is in the pixels. Nor
is it a bound: it does not weigh its channels by their noise, and where head and light hardly move
GREEN is right in more clips.

``python -m pulsephase.experiments.difficulty [PRESET ...]`` measures what
``experiments/results/difficulty.json`` lacks, preset by preset, so that a call that was cut off
goes on where it stopped.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from scipy.signal import butter, sosfiltfilt
from torch import Tensor

from pulsephase.evaluation.compare import (
    CLASSICAL,
    CLIP_S,
    Batch,
    classical_waves,
    collect,
    protocol,
)
from pulsephase.files import write_json
from pulsephase.machine import revision
from pulsephase.models.classical.colour import centred
from pulsephase.models.config import TINY
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.draw import Drawn, draw_clip
from pulsephase.synthetic.presets import PRESETS
from pulsephase.synthetic.render import render
from pulsephase.vitals.heart_rate import BAND_HZ

CLIPS = 400
RESULTS = Path(__file__).parent / "results" / "difficulty.json"
DARKEST = 1e-3  # linear light under which the mean of the mask holds noise alone
METHODS = (*CLASSICAL, "oracle", "twin")
UNMEASURED = "not yet"


def oracle(batch: Batch, config: SynthConfig) -> Float[Tensor, "clip time"]:
    """Return the pulse by the true mask and the planted direction of each clip.

    Args:
        batch: The clips.
        config: What they were rendered with.

    Returns:
        Waves in the band of the heart rate, rising with blood volume.
    """
    waves = []
    for seed, frames, masks in zip(batch.seeds, batch.frames, batch.masks, strict=True):
        drawn = draw_clip(seed, config, height=config.size, width=config.size)
        change = _in_band(_logarithm(frames, masks, drawn).T, config)
        direction = _direction(seed, config, masks, drawn)
        weights = torch.linalg.solve(change @ change.T, direction)
        waves.append(weights @ change / (weights @ direction))
    return torch.stack(waves)


def _direction(
    seed: int, config: SynthConfig, masks: Float[Tensor, "time height width"], drawn: Drawn
) -> Float[Tensor, " 3"]:
    """Return by how much the mask's mean colour moves with blood, over the clip."""
    clean = _clean(config)
    pulsing = render(seed, replace(clean, no_pulse_probability=0.0)).frames
    still = render(seed, replace(clean, no_pulse_probability=1.0)).frames
    moved = _logarithm(pulsing, masks, drawn) - _logarithm(still, masks, drawn)
    volume = _in_band(drawn.pulse.z, config)
    return _in_band(moved.T, config) @ volume / volume.square().sum()


def twin(batch: Batch, config: SynthConfig) -> Float[Tensor, "clip time"]:
    """Return the pulse that somebody who knows all but noise and codec reads from clips.

    Args:
        batch: The clips.
        config: What they were rendered with.

    Returns:
        Waves in the band of the heart rate, rising with blood volume.
    """
    clean = replace(_clean(config), no_pulse_probability=1.0)
    waves = []
    for seed, frames, masks in zip(batch.seeds, batch.frames, batch.masks, strict=True):
        drawn = draw_clip(seed, config, height=config.size, width=config.size)
        change = _logarithm(frames, masks, drawn)
        change = change - _logarithm(render(seed, clean).frames, masks, drawn)
        waves.append(_in_band(change @ drawn.skin.direction, config))
    return torch.stack(waves)


def _clean(config: SynthConfig) -> SynthConfig:
    """Return the configuration without noise and codec."""
    return replace(
        config,
        camera=replace(config.camera, noise=(1e-9, 1e-9), unquantised_probability=1.0),
        codec=replace(config.codec, probability=0.0),
    )


def _in_band(wave: Float[Tensor, "*row time"], config: SynthConfig) -> Float[Tensor, "*row time"]:
    band = butter(3, BAND_HZ, "bandpass", fs=config.sample_hz, output="sos")
    return torch.from_numpy(sosfiltfilt(band, centred(wave).numpy()).copy())


def _logarithm(
    frames: Float[Tensor, "time 3 height width"],
    masks: Float[Tensor, "time height width"],
    drawn: Drawn,
) -> Float[Tensor, "time 3"]:
    """Return the logarithm of the mean linear light of the skin, before the camera's colours."""
    light = frames.double().pow(drawn.camera.gamma)
    unmixed = torch.linalg.inv(drawn.camera.matrix.double())
    light = torch.einsum("ij,tjhw->tihw", unmixed, light)
    weights = masks.double()[:, None]
    colour = (light * weights).sum((2, 3)) / weights.sum((2, 3)).clamp(min=1e-9)
    return colour.clamp(min=DARKEST).log()


def measure(name: str, *, clips: int, methods: tuple[str, ...] = METHODS) -> dict[str, Any]:
    """Return the table of one preset, of some methods."""
    config, _ = protocol(name, TINY)

    def waves_of(made: Batch) -> dict[tuple[str, str], Tensor]:
        waves = {}
        if set(methods) & set(CLASSICAL):
            every = classical_waves(made, sample_hz=TINY.sample_hz)
            waves = {key: wave for key, wave in every.items() if key[0] in methods}
        for method, read in (("oracle", oracle), ("twin", twin)):
            if method in methods:
                waves[method, "mask"] = read(made, config)
        return waves

    return collect(name, TINY, waves_of, clips=clips).table()


def completed(name: str, held: dict[str, Any] | None, *, clips: int) -> dict[str, Any]:
    """Return the row of a preset with the methods that it lacks measured.

    Args:
        name: The preset.
        held: The row as it stands, or none; what it holds is kept.
        clips: How many of the fixed clips.

    Returns:
        The row, methods in the order of ``METHODS``. ``revision`` is that of the first
        measurement, ``added`` that of each method which came later.
    """
    before = {} if held is None else held["methods"]
    missing = tuple(method for method in METHODS if method not in before)
    if held is not None and not missing:
        return held
    table = measure(name, clips=clips, methods=missing)
    every = {**before, **table["methods"]}
    first = {"revision": revision()} if held is None else held
    row = {**table, **first, "methods": {method: every[method] for method in METHODS}}
    if held is not None:
        row["added"] = {**held.get("added", {}), **dict.fromkeys(missing, revision())}
    return row


def cells_of(name: str, methods: dict[str, Any]) -> list[str]:
    """Return a preset's row of the table, with or without each column measured.

    Args:
        name: The preset; on ``null`` no rate is right.
        methods: What was measured, by method.

    Example:
        >>> cells_of("full", {"pos": {"within_3_bpm": 0.62, "answered": 0.26}})[:2]
        ['62', 'not yet']
    """

    def cell(method: str, what: str) -> str:
        return f"{100 * methods[method][what]:.0f}" if method in methods else UNMEASURED

    shares = ["-" if name == "null" else cell(method, "within_3_bpm") for method in METHODS]
    answers = [cell(method, "answered") for method in CLASSICAL]
    return shares + answers


def main(words: list[str]) -> None:
    """Measure what the presets that are named lack, or all; the rows of the others are kept."""
    held: dict[str, dict[str, Any]] = {}
    if RESULTS.exists():
        held = json.loads(RESULTS.read_text(encoding="utf-8"))["presets"]
    unknown = [word for word in words if word not in PRESETS]
    if unknown:
        raise SystemExit(f"no preset {', '.join(unknown)}; there are {', '.join(PRESETS)}")
    for name in words or PRESETS:
        held[name] = completed(name, held.get(name), clips=CLIPS)
        kept = {known: held[known] for known in PRESETS if known in held}
        write_json(RESULTS, {"clips": CLIPS, "clip_s": CLIP_S, "presets": kept})
        print(name, *cells_of(name, held[name]["methods"]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
