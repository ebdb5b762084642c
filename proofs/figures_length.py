"""Figures of how long a kernel is, beside how far a dilated stack sees."""

import math

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.vessel import PULSE_BAND_HZ
from pulsephase.proofs.drawing import ACCENT, FAINT, INK, SECOND, THIRD, Drawing

STEP_S = 1 / 30
LAYERS = (3, 4, 5, 6)  # of kernel size 3, dilations 1, 2, 4, ...
COLOURS = (ACCENT, THIRD, SECOND, INK)
FREQUENCIES_HZ = (PULSE_BAND_HZ[0], 1.2, 2.0, PULSE_BAND_HZ[1])


def _tail(natural_hz: float, damping: float) -> NDArray[np.float64]:
    """Return the share of the kernel's absolute sum from each tap on, to the last 1e-6 of it."""
    mode = Oscillator.from_natural_hz(natural_hz, damping=damping)
    taps = math.ceil(math.log(1e7) / (mode.slow_rate_per_s * STEP_S)) + 50
    step = Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)
    sizes = np.abs(kernel(step, taps=taps))
    left: NDArray[np.float64] = np.cumsum(sizes[::-1])[::-1]
    share: NDArray[np.float64] = left / left[0]
    return share


def _lengths(left: Axes, right: Axes) -> None:
    for damping, colour in zip((0.1, 0.3, 0.7, 3.0), COLOURS, strict=True):
        share = _tail(1.2, damping)[:260]
        left.semilogy(share, color=colour, label=f"ζ = {damping:g}")
    left.set(xlabel="taps kept (1.2 Hz, 30 fps)", ylabel="share of the kernel lost")
    left.set(xlim=(0, 260), ylim=(1e-4, 1.2))
    left.legend()
    dampings = np.geomspace(0.05, 5, 60)
    for hertz, colour in zip(FREQUENCIES_HZ, COLOURS, strict=True):
        needed = [int(np.argmax(_tail(hertz, float(z)) <= 1e-2)) for z in dampings]
        right.loglog(dampings, needed, color=colour, label=f"{hertz:g} Hz")
    for layers in LAYERS:
        field = 2 ** (layers + 1) - 1
        left.axvline(field, color=FAINT, linewidth=1)
        right.axhline(field, color=FAINT, linewidth=1)
        right.annotate(f"{layers} layers: {field}", (0.0505, field * 1.04), color=INK, fontsize=7)
    right.set(xlabel="damping ratio ζ", ylabel="taps that lose 1 %")
    right.legend(loc="upper center")


FIGURES: dict[str, Drawing] = {
    "T17": Drawing(
        caption="Left: what is lost by cutting the kernel. Right: taps needed to lose 1 %, against "
        "damping; grey lines are what 3 to 6 layers of kernel size 3 see. At 1.2 Hz four "
        "layers suffice only near critical damping, three nowhere.",
        paint=_lengths,
        panels=2,
    ),
}
