"""How hard each preset is: what classical methods get right on fixed clips, and an oracle.

Protocol as in ``compare.py``: 10 s clips, one set of seeds, the same warm-up, band and estimator,
3 bpm, abstention off (and, beside it, how many are answered with abstention on), the better of the
central crop and the true mask. The *oracle* knows what no method can: the true skin mask, the
camera's curve and colour matrix, everything that moves and every light (it subtracts the same clip
without a pulse, noise or codec), and the direction in which this skin's colour moves with blood,
on which it projects. What it misses, noise and codec have destroyed, or the heart rate is not
steady enough for one window.

``python -m pulsephase.experiments.difficulty`` writes ``experiments/results/difficulty.json``.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.signal import butter, sosfiltfilt
from torch import Tensor

from pulsephase.experiments.compare import CLIP_S, Batch, classical_waves, collect, protocol
from pulsephase.experiments.revision import revision
from pulsephase.files import write_json
from pulsephase.models.config import TINY
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.draw import Drawn, draw_clip
from pulsephase.synthetic.presets import PRESETS
from pulsephase.synthetic.render import render
from pulsephase.vitals.heart_rate import BAND_HZ

CLIPS = 400
RESULTS = Path(__file__).parent / "results" / "difficulty.json"
DARKEST = 1e-3  # linear light under which the mean of the mask holds noise alone


def oracle(batch: Batch, config: SynthConfig) -> Float[Tensor, "clip time"]:
    """Return the pulse that somebody who knows all but noise and codec reads from clips.

    Args:
        batch: The clips.
        config: What they were rendered with.
    """
    clean = replace(
        config,
        no_pulse_probability=1.0,
        camera=replace(config.camera, noise=(1e-9, 1e-9), unquantised_probability=1.0),
        codec=replace(config.codec, probability=0.0),
    )
    band = butter(3, BAND_HZ, "bandpass", fs=config.sample_hz, output="sos")
    waves = []
    for seed, frames, masks in zip(batch.seeds, batch.frames, batch.masks, strict=True):
        drawn = draw_clip(seed, config, height=config.size, width=config.size)
        change = _logarithm(frames, masks, drawn)
        change = change - _logarithm(render(seed, clean).frames, masks, drawn)
        wave = (change @ drawn.skin.direction).numpy()
        waves.append(sosfiltfilt(band, wave - wave.mean()))
    return torch.from_numpy(np.stack(waves))


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


def measure(name: str, *, clips: int) -> dict[str, object]:
    """Return the table of one preset."""
    config, _ = protocol(name, TINY)

    def waves_of(made: Batch) -> dict[tuple[str, str], Tensor]:
        return {
            **classical_waves(made, sample_hz=TINY.sample_hz),
            ("oracle", "mask"): oracle(made, config),
        }

    return collect(name, TINY, waves_of, clips=clips).table()


def main(names: list[str]) -> None:
    """Measure the presets that are named, or all; the rows of the others are kept."""
    held: dict[str, dict[str, object]] = {}
    if RESULTS.exists():
        held = json.loads(RESULTS.read_text(encoding="utf-8"))["presets"]
    for name in names or PRESETS:
        held[name] = {**measure(name, clips=CLIPS), "revision": revision()}
        kept = {known: held[known] for known in PRESETS if known in held}
        write_json(RESULTS, {"clips": CLIPS, "clip_s": CLIP_S, "presets": kept})
        print(json.dumps({name: held[name]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
