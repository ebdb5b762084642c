"""Where synthetic clips stand beside real ones: amplitude, direction, noise, drift, POS.

The real values are few: measured on three or four public clips, and one published direction. They
show an order of magnitude, not a law.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pulsephase import __version__
from pulsephase.files import write_page
from pulsephase.models.classical.pos import pos
from pulsephase.pages.html import STYLE
from pulsephase.pages.measurement import PAGE, WARNING, check_writable
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.render import render_with_maps
from pulsephase.video.clip import Clip

HALF_WINDOW_HZ = 0.3  # of the pulse band, about the true rate
SNR_HALF_WINDOW_HZ = 0.1
SNR_BAND_HZ = (0.7, 4.0)
DRIFT_BAND_HZ = (0.1, 0.6)
SHARES = (0.05, 0.5, 0.95)
CLIPS = "four public clips, measured for this project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One property of a clip.

    Attributes:
        name: In words, with its unit.
        real: Lowest and highest value on real clips, or none where none is known.
        source: Where these come from.
    """

    name: str
    real: tuple[float, float] | None
    source: str


QUANTITIES = {
    "ac_green_percent": Quantity(
        name="green, in the pulse band, over its mean (%)", real=(0.09, 0.37), source=CLIPS
    ),
    "ac_red_percent": Quantity(
        name="red, in the pulse band, over its mean (%)", real=(0.04, 0.10), source=CLIPS
    ),
    "direction_red": Quantity(name="pulse direction, red", real=(0.21, 0.49), source=CLIPS),
    "direction_green": Quantity(name="pulse direction, green", real=(0.56, 0.93), source=CLIPS),
    "direction_blue": Quantity(name="pulse direction, blue", real=(0.30, 0.63), source=CLIPS),
    "noise_levels": Quantity(
        name="noise of a green pixel at 36 px (levels of 255)",
        real=(0.29, 1.03),
        source="still webcams among the clips; a moving phone had 2.9 to 3.9",
    ),
    "drift_percent": Quantity(
        name="green at 0.1 to 0.6 Hz over its mean (%)",
        real=(0.3, 1.5),
        source="the same clips; the phone had 2.2",
    ),
    "pos_snr_db": Quantity(
        name="POS at the true rate and its double, against the rest of 0.7 to 4 Hz (dB)",
        real=None,
        source="no real value under this definition",
    ),
}


def measure_clip(clip: Clip) -> dict[str, float]:
    """Return the quantities of a clip with a pulse and a skin mask, on the mean of its true skin.

    The direction is that of the colours' regression on the planted pulse, of unit length, positive
    where light falls as blood comes; noise is taken from neighbouring frames' differences.
    """
    import torch

    assert clip.truth is not None and clip.truth.skin_mask is not None and clip.pulse is not None
    mask = clip.truth.skin_mask
    colour = (clip.frames * mask[:, None]).sum((2, 3)) / mask.sum((1, 2))[:, None]
    relative = (colour / colour.mean(0) - 1).double().numpy()
    step_s = float(clip.times_s[-1] - clip.times_s[0]) / (len(clip) - 1)
    rate_hz = float(clip.truth.heart_rate_bpm.mean()) / 60
    around = (rate_hz - HALF_WINDOW_HZ, rate_hz + HALF_WINDOW_HZ)
    direction = -(relative * clip.pulse.double().numpy()[:, None]).mean(0)
    direction /= np.linalg.norm(direction)
    skin = mask.amin(0) > 0.9
    skin = skin if bool(skin.any()) else torch.ones_like(skin)
    steps = 255 * clip.frames[:, 1].diff(dim=0)[:, skin] / np.sqrt(2)
    wave = pos(colour.double()[None], sample_hz=1 / step_s)[0].numpy()
    return {
        "ac_green_percent": 100 * _band_deviation(relative[:, 1], step_s, around),
        "ac_red_percent": 100 * _band_deviation(relative[:, 0], step_s, around),
        "direction_red": float(direction[0]),
        "direction_green": float(direction[1]),
        "direction_blue": float(direction[2]),
        "noise_levels": float(steps.std(0).median()),
        "drift_percent": 100 * _band_deviation(relative[:, 1], step_s, DRIFT_BAND_HZ),
        "pos_snr_db": _snr_db(wave, step_s, rate_hz),
    }


def realism(
    config: SynthConfig,
    *,
    clips: int,
    seed: int,
    advance: Callable[[float], None] = lambda amount: None,
) -> dict[str, list[float]]:
    """Return every quantity of each clip that has a pulse, of the seeds from ``seed`` on."""
    found: dict[str, list[float]] = {name: [] for name in QUANTITIES}
    for number in range(seed, seed + clips):
        clip = render_with_maps(number, config)
        assert clip.truth is not None
        if clip.truth.parameters["has_pulse"]:
            for name, value in measure_clip(clip).items():
                found[name].append(value)
        advance(1)
    return found


def write_realism(
    folder: str | Path, found: dict[str, list[float]], *, facts: dict[str, str]
) -> Path:
    """Write ``index.html`` with the distributions beside the real values; whole or not at all.

    Raises:
        InputError: If the folder cannot be written to.
    """
    check_writable(folder)
    page = Path(folder) / PAGE
    rows = "".join(_row(QUANTITIES[name], values) for name, values in found.items())
    head = ("quantity", "5 %", "median", "95 %", "real clips", "synthetic clips inside")
    cells = "".join(f"<th scope='col'>{name}</th>" for name in head)
    listed = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in {**facts, "pulsephase": __version__}.items()
    )
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Synthetic clips beside real ones</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>Synthetic clips beside real ones</h1><p class="warning">{WARNING}</p></header>
<main><section>
<p>Clips span wider ranges than real ones on purpose: a network must meet more than it will see.
The real values come from three or four clips and show an order of magnitude.</p>
<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>
</section></main>
<footer><h2>This run</h2><dl>{listed}</dl></footer>
</body>
</html>
"""
    write_page(page, text)
    return page


def _row(quantity: Quantity, values: list[float]) -> str:
    name = f"{escape(quantity.name)}<br><small>{escape(quantity.source)}</small>"
    dash = "&ndash;"
    shown = [dash] * 3
    if values:
        shown = [f"{value:.3g}" for value in np.quantile(values, SHARES)]
    real, inside = dash, dash
    if quantity.real is not None:
        low, high = quantity.real
        real = f"{low:g} to {high:g}"
        if values:
            inside = f"{100 * np.mean([low <= value <= high for value in values]):.0f} %"
    cells = "".join(f"<td>{cell}</td>" for cell in (*shown, real, inside))
    return f"<tr><th scope='row'>{name}</th>{cells}</tr>"


def _band_deviation(
    value: Float[np.ndarray, " time"], step_s: float, band_hz: tuple[float, float]
) -> float:
    """Return the standard deviation that lies in a band of frequencies, by Parseval."""
    spectrum = np.fft.rfft(value - value.mean())
    hz = np.fft.rfftfreq(len(value), step_s)
    inside = (hz >= band_hz[0]) & (hz <= band_hz[1])
    return float(np.sqrt(2 * (np.abs(spectrum[inside]) ** 2).sum()) / len(value))


def _snr_db(value: Float[np.ndarray, " time"], step_s: float, rate_hz: float) -> float:
    """Return the signal-to-noise ratio (de Haan and Jeanne, IEEE TBME 60:2878, 2013)."""
    power = np.abs(np.fft.rfft((value - value.mean()) * np.hanning(len(value)), 8 * len(value)))
    hz = np.fft.rfftfreq(8 * len(value), step_s)
    low, high = SNR_BAND_HZ
    near = np.minimum(np.abs(hz - rate_hz), np.abs(hz - 2 * rate_hz)) <= SNR_HALF_WINDOW_HZ
    band = (hz >= low) & (hz <= high)
    signal, rest = ((power[chosen] ** 2).sum() for chosen in (band & near, band & ~near))
    return float(10 * np.log10(max(signal, 1e-30) / max(rest, 1e-30)))
